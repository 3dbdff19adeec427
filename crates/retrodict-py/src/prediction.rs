//! What trained networks say of new data: one or several of them, their x refined if asked for.

use std::ffi::CString;
use std::sync::Arc;

use numpy::PyArrayDyn;
use pyo3::exceptions::{PyRuntimeWarning, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString};
use retrodict::registry::Registry;
use retrodict::spec::{
    BoundsSpec, Ensemble as Networks, EnsemblePrediction, NetworkFile, Physics, Refinement, Refiner,
};
use retrodict::{Error, Result, Space};

use crate::arrays::{self, Masked, Numbers, finite, tuple, type_name};
use crate::errors::{Held, raised};
use crate::files::NumpyFiles;
use crate::known::{noise, priors, side, stop};
use crate::subject;
use crate::tables::{described, table};

type Array<'py> = Bound<'py, PyArrayDyn<f64>>;

/// Samples, one behind the other.
pub struct Samples {
    values: Vec<f64>,
    count: usize,
    several: bool,
}

impl Samples {
    /// One sample in a shape, or several along a first axis.
    ///
    /// # Errors
    /// `ValueError` if the shape does not fit, or a value is not finite.
    pub fn read(what: &str, given: &Bound<'_, PyAny>, wanted: &[usize]) -> PyResult<Self> {
        let Numbers { values, shape } = arrays::read(what, given)?;
        let values = finite(what, values)?;
        let width: usize = wanted.iter().product();
        let several = shape.len() > 1 && values.len() == shape[0] * width;
        let one = shape == *wanted || shape == [width] || shape.is_empty() && width == 1;
        if !one && !several {
            return Err(PyValueError::new_err(format!(
                "{what} has shape {}, expected {} for one, or that with the number of samples in front",
                tuple(&shape),
                tuple(wanted)
            )));
        }
        let count = values.len() / width.max(1);
        Ok(Self {
            values,
            count,
            several: several && !(one && count == 1),
        })
    }

    /// The values.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// An answer of a shape to each sample, as it was asked.
    ///
    /// # Errors
    /// If Python has no memory left.
    pub fn answer<'py>(
        &self,
        py: Python<'py>,
        values: &[f64],
        shape: &[usize],
    ) -> PyResult<Array<'py>> {
        let mut out = shape.to_vec();
        if self.several {
            out.insert(0, self.count);
        }
        arrays::write(py, values, &out)
    }
}

/// The arguments that say how x is refined.
#[derive(Clone, Copy)]
pub struct Refine<'a, 'py> {
    /// A number of steps, or a dictionary with all of them.
    pub refine: Option<&'a Bound<'py, PyAny>>,
    /// y*, for a network that sees something else.
    pub target: Option<&'a Bound<'py, PyAny>>,
    /// What is known of the noise.
    pub noise: Option<&'a Bound<'py, PyAny>>,
    /// Priors.
    pub prior: Option<&'a Bound<'py, PyAny>>,
    /// The least and the greatest values of x.
    pub bounds: Option<&'a Bound<'py, PyAny>>,
    /// Goals.
    pub stop: Option<&'a Bound<'py, PyAny>>,
    /// A simulator in place of the training's.
    pub simulator: Option<&'a Bound<'py, PyAny>>,
}

impl Refine<'_, '_> {
    /// The refinement that is asked for, if any is.
    fn read(&self, file: &NetworkFile) -> PyResult<Option<Refinement>> {
        let words = [
            ("noise", self.noise),
            ("prior", self.prior),
            ("bounds", self.bounds),
            ("stop", self.stop),
        ];
        let Some(refine) = self.refine else {
            let mut others = words
                .into_iter()
                .chain([("target", self.target), ("simulator", self.simulator)]);
            return match others.find(|(_, given)| given.is_some()) {
                None => Ok(None),
                Some((word, _)) => Err(PyValueError::new_err(format!(
                    "{word} says how x is refined: pass refine too, a number of steps, or leave {word} out"
                ))),
            };
        };
        if let Ok(dict) = refine.cast::<PyDict>() {
            if let Some((word, _)) = words.into_iter().find(|(_, given)| given.is_some()) {
                return Err(PyValueError::new_err(format!(
                    "refine is a dictionary, which holds {word} too: give {word} in it"
                )));
            }
            return described("refine", table("refine", dict)?.into()).map(Some);
        }
        if !refine.is_instance_of::<PyInt>() {
            return Err(PyTypeError::new_err(format!(
                "refine is a '{}', expected a number of steps, or a dictionary such as {{\"steps\": 5, \"rule\": \
                 \"levenberg-marquardt\", \"noise\": {{\"relative\": 0.01}}}}",
                type_name(refine)
            )));
        }
        let mut refinement = Refinement::new(refine.extract().map_err(|_| {
            PyValueError::new_err(format!("refine = {refine}: expected 0 or more steps"))
        })?);
        // One sample stands for all.
        let sample = Masked {
            numbers: Numbers {
                values: vec![0.0; file.target.len()],
                shape: file.target.shape.clone(),
            },
            mask: Vec::new(),
        };
        refinement.noise = noise(self.noise, None, &sample)?.with_missing(false);
        refinement.priors = priors(self.prior)?;
        refinement.bounds = bounds(self.bounds, &file.output)?;
        refinement.stop = stop(self.stop)?;
        Ok(Some(refinement))
    }

    /// What refines, joined to its simulator.
    fn work(&self, file: &NetworkFile, held: &Arc<Held>) -> PyResult<Option<Work>> {
        let Some(refinement) = self.read(file)? else {
            return Ok(None);
        };
        let registry = Registry::standard();
        let (plan, shapes) = (&file.plan, (&file.output.shape, &file.target.shape));
        let physics = match self.simulator {
            Some(object) => {
                let object = subject::named(object)?;
                let joined = subject::join(&object, shapes.0, shapes.1, None, held)?;
                plan.physics_through(joined.simulator, registry)
            }
            None if plan.simulator.name.is_empty() => {
                return Err(PyValueError::new_err(
                    "the network was trained through a simulator of yours, which its file does not hold: pass simulator=…",
                ));
            }
            None => plan
                .method(&file.method)
                .and_then(|method| plan.physics(method, registry)),
        };
        let physics = physics.map_err(|error| raised(&error))?;
        let (x, y) = (physics.simulator.input(), physics.simulator.output());
        for (what, found, wanted) in [("x", x, &file.output), ("y", y, &file.target)] {
            if found.len() != wanted.len() {
                return Err(PyValueError::new_err(format!(
                    "the simulator has {what} of shape {}, but the network was trained for {}",
                    tuple(&found.shape),
                    tuple(&wanted.shape)
                )));
            }
        }
        let refiner = refinement.of(file, &physics, registry, &NumpyFiles);
        Ok(Some(Work {
            steps: refinement.steps,
            regularised: refinement.is_regularised(),
            refiner: refiner.map_err(|error| raised(&error))?,
            physics,
        }))
    }

    /// y* of each sample: what the network sees, or what stands beside it.
    fn targets(&self, file: &NetworkFile, seen: &Samples) -> PyResult<Vec<f64>> {
        let targets = match (self.target, file.sees_target()) {
            (None, true) => return Ok(seen.values.clone()),
            (Some(_), true) => {
                return Err(PyValueError::new_err(
                    "target is for a network that sees something else than y*, and this one sees y*: leave it out",
                ));
            }
            (None, false) => {
                return Err(PyValueError::new_err(format!(
                    "refine needs y*, which this network does not see, but '{}': pass target=…",
                    file.input.name
                )));
            }
            (Some(target), false) => Samples::read("target", target, &file.target.shape)?,
        };
        if targets.count != seen.count {
            return Err(PyValueError::new_err(format!(
                "target holds {} samples, and y {}: give one target for each",
                targets.count, seen.count
            )));
        }
        Ok(targets.values)
    }
}

/// A pair (lower, upper), either of them None, or a dictionary with these keys.
fn bounds(given: Option<&Bound<'_, PyAny>>, x: &Space) -> PyResult<BoundsSpec> {
    let Some(given) = given else {
        return Ok(BoundsSpec::default());
    };
    if let Ok(dict) = given.cast::<PyDict>() {
        return described("bounds", table("bounds", dict)?.into());
    }
    let wrong = || {
        PyTypeError::new_err(
            "bounds is no pair (lower, upper), either of which may be None, such as bounds=(0, None)",
        )
    };
    if given.is_instance_of::<PyString>() {
        return Err(wrong());
    }
    let (lower, upper): (Option<Bound<'_, PyAny>>, Option<Bound<'_, PyAny>>) =
        given.extract().map_err(|_| wrong())?;
    let one = |what, given: Option<&Bound<'_, PyAny>>| {
        given.map(|given| side(what, given, &x.shape)).transpose()
    };
    Ok(BoundsSpec::new(
        one("bounds[0]", lower.as_ref())?,
        one("bounds[1]", upper.as_ref())?,
    ))
}

/// A refinement with its physics.
struct Work {
    refiner: Refiner<'static>,
    physics: Physics,
    steps: usize,
    regularised: bool,
}

/// A refinement that would put noise into x, told apart from errors of the library.
enum RefinedSamples {
    /// The samples that failed, with why.
    Refined(Vec<(usize, String)>),
    /// Why not.
    Refused(String),
}

impl Work {
    /// Refines all samples in place.
    fn refine(&self, x: &mut [f64], targets: &[f64]) -> Result<RefinedSamples> {
        let m = self.physics.simulator.output().len().max(1);
        let n = self.physics.simulator.input().len().max(1);
        if !self.regularised
            && let Some((sample, found)) =
                self.refiner.ill_posed(x.chunks(n).zip(targets.chunks(m)))?
        {
            return Ok(RefinedSamples::Refused(format!(
                "refine={} would put the noise of y into x: an exact fit makes relative noise {:.1e} times as large, at the network's \
                 x of sample {sample}. Pass noise, a standard deviation or {{\"relative\": 0.01}}, or a prior, as \
                 prior={{\"name\": \"tikhonov\", \"weight\": \"gcv\"}}; for computed data without noise, a small level, as \
                 noise={{\"relative\": 1e-9}}",
                self.steps, found.noise
            )));
        }
        let mut failed = Vec::new();
        for (i, (x, target)) in x.chunks_mut(n).zip(targets.chunks(m)).enumerate() {
            match self.refiner.refine(x, target) {
                Ok(refined) => x.copy_from_slice(&refined.x),
                Err(error) if ends(&error) => return Err(error),
                // A simulation that fails does not take the other samples with it.
                Err(error) => {
                    x.fill(f64::NAN);
                    failed.push((i, error.to_string()));
                }
            }
        }
        Ok(RefinedSamples::Refined(failed))
    }
}

/// Whether an error is that of all samples.
fn ends(error: &Error) -> bool {
    error.is_misuse() || matches!(error.cause(), Error::Interrupted { .. })
}

/// What is said of samples.
pub struct Prediction<'py> {
    /// x of each.
    pub x: Array<'py>,
    /// The standard deviation over the networks, where there are several.
    pub spread: Option<Array<'py>>,
}

/// x of one sample or several, by networks of one task.
///
/// # Errors
/// If an argument does not fit, or a refinement would put noise into x.
pub fn predict<'py>(
    py: Python<'py>,
    networks: &Networks,
    y: &Bound<'py, PyAny>,
    refine: Refine<'_, 'py>,
) -> PyResult<Prediction<'py>> {
    let file = networks.first();
    let seen = Samples::read("y", y, &file.input.shape)?;
    let held = Arc::new(Held::default());
    let work = refine.work(file, &held)?;
    let EnsemblePrediction {
        mean: mut x,
        spread,
        ..
    } = held.run(py, || networks.predict(&seen.values))?;
    if let Some(work) = work {
        let targets = refine.targets(file, &seen)?;
        match held.run(py, || work.refine(&mut x, &targets))? {
            RefinedSamples::Refused(why) => return Err(PyValueError::new_err(why)),
            RefinedSamples::Refined(failed) => warn(py, &failed)?,
        }
    }
    let shape = &file.output.shape;
    let spread = spread.map(|spread| seen.answer(py, &spread, shape));
    Ok(Prediction {
        x: seen.answer(py, &x, shape)?,
        spread: spread.transpose()?,
    })
}

/// Says which samples failed.
fn warn(py: Python<'_>, failed: &[(usize, String)]) -> PyResult<()> {
    let Some((first, why)) = failed.first() else {
        return Ok(());
    };
    let text = match failed.len() {
        1 => format!("x of sample {first} is NaN: {why}"),
        n => format!("x of {n} samples is NaN, first of sample {first}: {why}"),
    };
    let category = py.get_type::<PyRuntimeWarning>();
    PyErr::warn(py, &category, &CString::new(text.replace('\0', ""))?, 1)
}
