//! What `solve` is told beside simulator, target and start: a description of the library's, and how derivatives are found.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyString, PyTuple};
use retrodict::registry::{INVERSES, LOSSES, PRIORS, RULES, SEARCHES};
use retrodict::solver::automatic::AUTOMATIC;
use retrodict::spec::{BoundsSpec, InversionSpec, Named, NoiseSpec, PriorSpec, StopSpec, Values};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::arrays::{self, Masked, Numbers, tuple, type_name};
use crate::errors::raised;
use crate::names;
use crate::tables::{described, named, table, value};

/// The arguments, as they were given.
#[derive(Clone, Copy)]
pub struct Arguments<'a, 'py> {
    /// A rule of the registry, or `auto`.
    pub method: &'a str,
    /// Its options.
    pub options: Option<&'a Bound<'py, PyAny>>,
    /// Named parameters.
    pub parameters: Option<&'a Bound<'py, PyAny>>,
    /// Quantities that follow from them.
    pub derived: Option<&'a Bound<'py, PyAny>>,
    /// Linear constraints on parameters.
    pub constraints: Option<&'a Bound<'py, PyAny>>,
    /// Of what profiles are taken.
    pub profile: Option<&'a Bound<'py, PyAny>>,
    /// Standard deviations or a covariance, or the name of a level that is fitted.
    pub noise: Option<&'a Bound<'py, PyAny>>,
    /// A loss of the registry.
    pub loss: Option<&'a Bound<'py, PyAny>>,
    /// Whether NaN in the target says that a value was not observed.
    pub missing: bool,
    /// The least values of x.
    pub lower: Option<&'a Bound<'py, PyAny>>,
    /// The greatest values of x.
    pub upper: Option<&'a Bound<'py, PyAny>>,
    /// Priors of the registry.
    pub priors: Option<&'a Bound<'py, PyAny>>,
    /// A local inverse of the registry.
    pub inverse: Option<&'a Bound<'py, PyAny>>,
    /// How far along Δx.
    pub search: Option<&'a Bound<'py, PyAny>>,
    /// What rules see in place of x.
    pub transform: Option<&'a Bound<'py, PyAny>>,
    /// From how many points.
    pub starts: usize,
    /// How far they lie around the start.
    pub spread: Option<f64>,
    /// The seed of their draws.
    pub seed: u64,
    /// When to stop.
    pub stop: Option<&'a Bound<'py, PyAny>>,
    /// How derivatives are found that a Python simulator lacks.
    pub differences: Option<&'a Bound<'py, PyAny>>,
}

/// The same, read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// The inversion; its simulator and target stand beside it.
    pub spec: InversionSpec,
    /// How derivatives are found that a Python simulator lacks.
    pub differences: Option<Table>,
}

impl Known {
    /// Reads the arguments; `target` is given NaN where nothing was observed. `x` is the start, if one is given beside
    /// those of the parameters.
    ///
    /// # Errors
    /// If an argument is not of its kind; the message names it.
    pub fn read(
        arguments: &Arguments<'_, '_>,
        target: &mut Masked,
        x: Option<&Numbers>,
    ) -> PyResult<Self> {
        let differences = match arguments.differences {
            None => None,
            given => Some(options("differences", given)?),
        };
        mark_missing(target, arguments.missing)?;
        let mut spec = InversionSpec::new("", Vec::new());
        if arguments.method != AUTOMATIC {
            RULES
                .find(arguments.method)
                .map_err(|error| raised(&error))?;
        }
        spec.rule = Some(Named {
            name: arguments.method.to_owned(),
            options: options("options", arguments.options)?,
        });
        spec.noise = noise(arguments.noise, arguments.loss, target)?;
        let side = |what, given: Option<&Bound<'_, PyAny>>| {
            let shape = x.map_or(&[][..], |x| &x.shape);
            given.map(|given| side(what, given, shape)).transpose()
        };
        spec.bounds = BoundsSpec::new(
            side("lower", arguments.lower)?,
            side("upper", arguments.upper)?,
        );
        spec.priors = priors(arguments.priors)?;
        if let Some(search) = arguments.search {
            let (name, options) = named("search", search, &SEARCHES)?;
            spec.search = Some(Named { name, options });
        }
        if let Some(inverse) = arguments.inverse {
            let (name, options) = named("inverse", inverse, &INVERSES)?;
            spec.inverse = Some(Named { name, options });
        }
        if let Some(transform) = arguments.transform {
            let given = match value("transform", transform)? {
                Value::Array(each) => Value::Array(each),
                one => Value::Array(vec![one]),
            };
            spec.transforms = described("transform", given)?;
        }
        spec.parameters = names::specs(arguments.parameters)?;
        spec.derived = names::derived(arguments.derived)?;
        spec.profile = names::profile(arguments.profile)?;
        spec.constraint = names::names("constraints", arguments.constraints)?;
        spec.start.values = x.map(|x| x.values.clone());
        spec.start.count = arguments.starts;
        spec.start.spread = arguments.spread;
        spec.start.seed = arguments.seed;
        spec.stop = stop(arguments.stop)?;
        Ok(Self { spec, differences })
    }
}

/// One prior, or several, by name or as dictionaries.
///
/// # Errors
/// If a name is unknown, or a weight is not allowed.
pub fn priors(given: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<PriorSpec>> {
    let read = |prior: &Bound<'_, PyAny>| {
        let (name, options) = named("prior", prior, &PRIORS)?;
        PriorSpec::try_from(Named { name, options }).map_err(|error| raised(&error))
    };
    list(given)?.iter().map(read).collect()
}

/// `None`, a number of steps, or a dictionary.
///
/// # Errors
/// If a key is unknown or a value is not allowed.
pub fn stop(stop: Option<&Bound<'_, PyAny>>) -> PyResult<StopSpec> {
    let Some(stop) = stop else {
        return Ok(StopSpec::default());
    };
    let options = match stop.cast::<PyDict>() {
        Ok(dict) => table("stop", dict)?,
        Err(_) if stop.is_instance_of::<PyInt>() => {
            let dict = PyDict::new(stop.py());
            dict.set_item("steps", stop)?;
            table("stop", &dict)?
        }
        Err(_) => {
            return Err(PyTypeError::new_err(format!(
                "stop is a '{}', expected a number of steps or a dictionary such as {{\"steps\": 50, \
                 \"gradient_below\": 1e-8}}",
                type_name(stop)
            )));
        }
    };
    described("stop", options.into())
}

/// Masked data are missing; NaN is where that was said.
pub fn mark_missing(target: &mut Masked, missing: bool) -> PyResult<()> {
    for i in 0..target.numbers.values.len() {
        if target.hides(i) {
            target.numbers.values[i] = f64::NAN;
        } else if target.numbers.values[i].is_nan() && !missing {
            return Err(PyValueError::new_err(format!(
                "the target holds NaN at index {i}, but every value must be finite: clean the data, or pass \
                 missing=True if NaN marks what was not observed"
            )));
        }
    }
    Ok(())
}

/// A standard deviation for all data or for each, the covariance of all of them, or another loss.
///
/// # Errors
/// If it is neither, or does not fit the target.
pub fn noise(
    given: Option<&Bound<'_, PyAny>>,
    loss: Option<&Bound<'_, PyAny>>,
    target: &Masked,
) -> PyResult<NoiseSpec> {
    // NaN was marked where nothing was observed.
    let mut spec = NoiseSpec::default().with_missing(true);
    match (given, loss) {
        (Some(_), Some(_)) => {
            return Err(PyValueError::new_err(
                "noise and loss are both given, and noise implies a loss: keep noise for error bars, or loss for one \
                 that is robust to outliers",
            ));
        }
        (None, None) => {}
        (None, Some(loss)) => {
            let (name, options) = named("loss", loss, &LOSSES)?;
            spec.robust = Some(Named { name, options });
        }
        (Some(level), None) if level.is_instance_of::<PyString>() => {
            spec.parameter = names::names("noise", Some(level))?;
        }
        (Some(level), None) if level.is_instance_of::<PyDict>() => {
            let given = table("noise", level.cast::<PyDict>()?)?;
            spec = described("noise", given.into())?;
            spec.missing = true;
        }
        (Some(noise), None) => {
            let noise = noise_of(noise, target)?;
            let (shape, count) = (&target.numbers.shape, target.numbers.values.len());
            let each = noise.shape == *shape || noise.shape == [count];
            if noise.shape.is_empty() {
                spec.std = Some(Values::One(noise.values[0]));
            } else if each {
                spec.std = Some(Values::Each(noise.values));
            } else if noise.shape == [count, count] {
                spec.covariance = Some(Values::Each(noise.values));
            } else {
                return Err(PyValueError::new_err(format!(
                    "noise has shape {}, expected one standard deviation for all data, {} with one for each, or {} with \
                     their covariance",
                    tuple(&noise.shape),
                    tuple(shape),
                    tuple(&[count, count])
                )));
            }
        }
    }
    Ok(spec)
}

/// The noise, with numbers that do no harm where there is no datum that has it.
fn noise_of(noise: &Bound<'_, PyAny>, target: &Masked) -> PyResult<Numbers> {
    let Masked { mut numbers, mask } = arrays::read_masked("noise", noise)?;
    let data = &target.numbers;
    let count = data.values.len();
    let each = numbers.shape == data.shape || numbers.shape == [count];
    let square = numbers.shape == [count, count] && !each;
    let unobserved = |i: usize| match each {
        true => data.values[i].is_nan(),
        false => square && (data.values[i / count].is_nan() || data.values[i % count].is_nan()),
    };
    for (i, value) in numbers.values.iter_mut().enumerate() {
        if unobserved(i) {
            *value = if each || i / count == i % count {
                1.0
            } else {
                0.0
            };
        } else if mask.get(i).copied().unwrap_or(false) {
            return Err(PyValueError::new_err(format!(
                "noise is masked at index {i}, where the target is not: mask the datum too if it is missing, or give \
                 its noise"
            )));
        }
    }
    Ok(numbers)
}

/// A number for all unknowns, or one for each.
///
/// # Errors
/// If it has another shape than they.
pub fn side(what: &str, given: &Bound<'_, PyAny>, shape: &[usize]) -> PyResult<Values> {
    let given = arrays::read(what, given)?;
    if given.shape.is_empty() {
        return Ok(Values::One(given.values[0]));
    }
    arrays::shaped(what, &given, shape)?;
    Ok(Values::Each(given.values))
}

/// One prior, or several.
fn list<'py>(priors: Option<&Bound<'py, PyAny>>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let Some(priors) = priors else {
        return Ok(Vec::new());
    };
    if priors.is_instance_of::<PyList>() || priors.is_instance_of::<PyTuple>() {
        return priors.try_iter()?.collect();
    }
    Ok(vec![priors.clone()])
}

/// A dictionary of options, or none.
///
/// # Errors
/// `TypeError` for anything else.
pub fn options(what: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Table> {
    match value {
        None => Ok(Table::new()),
        Some(value) => match value.cast::<PyDict>() {
            Ok(dict) => table(what, dict),
            Err(_) => Err(PyTypeError::new_err(format!(
                "{what} is a '{}', expected a dictionary",
                type_name(value)
            ))),
        },
    }
}
