//! An inversion from a description: a dictionary, or the TOML file that the command line reads.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use retrodict::registry::Registry;
use retrodict::spec::{InversionSpec, Values, option_files};
use toml::Value;

use crate::arrays::{Masked, Numbers};
use crate::files::{self, NumpyFiles, Read, located, resolve};
use crate::known::{Known, mark_missing};
use crate::simulator::Simulator;
use crate::solution::Solution;
use crate::tables::described;
use crate::terms::Terms;
use crate::{data_sets, solve, subject};

/// Solves what a description says: a dictionary with the keys of an inversion's TOML file, or the path of such a file.
///
/// Its keys are simulator, target, start, rule, noise, bounds, prior, transform, inverse and stop, each as in the file;
/// arrays may stand wherever it takes a list or a file. Files are .npy, .npz (FILE.npz:NAME) or .csv, as seen from the
/// folder of the description.
/// simulator, target, start: in place of those of the description: a simulator of yours, and arrays.
/// observer: as for `solve`.
///
/// Raises what `solve` raises.
#[pyfunction]
#[pyo3(signature = (description, *, simulator=None, target=None, start=None, observer=None))]
pub fn invert(
    py: Python<'_>,
    description: &Bound<'_, PyAny>,
    simulator: Option<&Bound<'_, PyAny>>,
    target: Option<&Bound<'_, PyAny>>,
    start: Option<&Bound<'_, PyAny>>,
    observer: Option<Bound<'_, PyAny>>,
) -> PyResult<Py<Solution>> {
    let Read {
        mut table,
        folder,
        origin,
    } = files::description::<InversionSpec>(description, |what, text, table| {
        // The target may come from elsewhere.
        match table.contains_key("simulator") || table.contains_key("observation") {
            true => InversionSpec::from_toml(what, text).map(drop),
            false => Ok(()),
        }
    })?;
    if simulator.is_some() {
        table.insert("simulator".to_owned(), "".into());
    }
    if target.is_some() {
        table.insert("target".to_owned(), Value::Array(Vec::new()));
    }
    let mut spec: InversionSpec = described("description", table.into())?;
    files::anchor(spec.files(), folder.as_deref());
    let anchored: Result<(), std::convert::Infallible> = spec.each_simulator(|own| {
        files::anchor(option_files(own, Registry::standard()), folder.as_deref());
        Ok(())
    });
    let Ok(()) = anchored;
    if !spec.observations.is_empty() {
        if simulator.is_some() || target.is_some() || start.is_some() {
            return Err(PyValueError::new_err(
                "simulator, target and start are those of one data set, and the description has several: change them there, or \
                 use solve with dictionaries",
            ));
        }
        let (object, terms) = data_sets::of_description(py, spec, origin.as_ref())?;
        return solve::run(py, object, terms, origin.as_ref(), observer);
    }
    let spec_read = spec.with_option_files(Registry::standard(), &NumpyFiles);
    let mut spec = spec_read.map_err(|error| located(error, origin.as_ref()))?;
    let object = match simulator {
        Some(object) => subject::named(object)?,
        None if spec.simulator.name.is_empty() => {
            return Err(PyValueError::new_err(
                "the simulator is missing: name one in the description, as in {\"simulator\": \"heat\"}, or pass simulator=…",
            ));
        }
        None => {
            let named = &spec.simulator;
            let own = Simulator::new(py, &named.name, named.options.clone())?
                .map_err(|error| located(error.inside("simulator"), origin.as_ref()))?;
            Bound::new(py, own)?.into_any()
        }
    };
    let shapes = match object.cast::<Simulator>() {
        Err(_) => None,
        Ok(own) => {
            let own = own.get().current(py)?;
            Some((own.input().shape.clone(), own.output().shape.clone()))
        }
    };
    // Parameters have starts of their own.
    let own = &spec.start;
    let by_name = spec.names_parameters() && own.file.is_none() && own.value.is_none();
    let x = match (start, &shapes) {
        (Some(start), _) => subject::input(&object, "the start", start)?,
        (None, _) if by_name => {
            let shape = subject::shape(&object, None, &spec)?;
            Numbers {
                values: spec.start.values.clone().unwrap_or_default(),
                shape,
            }
        }
        (None, Some((input, _))) => {
            let points = spec.start.points(1, input, &NumpyFiles);
            Numbers {
                values: points
                    .map_err(|error| located(error.inside("start"), origin.as_ref()))?
                    .remove(0),
                shape: input.clone(),
            }
        }
        (None, None) => {
            let values = spec.start.values.clone().ok_or_else(|| {
                PyValueError::new_err(
                    "a simulator in Python needs a start: pass start=…, or start = { values = […] } in the description",
                )
            })?;
            Numbers {
                shape: vec![values.len()],
                values,
            }
        }
    };
    let mut data = match target {
        Some(target) => subject::target(&object, target)?,
        None if spec.target.is_none() => {
            return Err(PyValueError::new_err(
                "the observations are missing: give target in the description, or pass target=…",
            ));
        }
        None => {
            let shape = shapes.map(|(_, output)| output);
            let found = spec
                .target
                .read(shape.as_deref().unwrap_or(&[]), &NumpyFiles);
            let values = found
                .map_err(|error| located(error.inside("target"), origin.as_ref()))?
                .concat();
            Masked {
                numbers: Numbers {
                    shape: shape.unwrap_or_else(|| vec![values.len()]),
                    values,
                },
                mask: Vec::new(),
            }
        }
    };
    mark_missing(&mut data, spec.noise.missing)?;
    spec.noise.missing = true;
    for values in [&mut spec.noise.std, &mut spec.noise.covariance] {
        resolve(values, &data.numbers.shape)?;
    }
    if let Some(name) = spec.noise.std_file.take() {
        spec.noise.std = Some(Values::File(name));
        resolve(&mut spec.noise.std, &data.numbers.shape)?;
    }
    for values in [&mut spec.bounds.lower, &mut spec.bounds.upper] {
        resolve(values, &x.shape)?;
    }
    (spec.start.file, spec.start.value) = (None, None);
    spec.start.values = (!x.values.is_empty()).then_some(x.values);
    // The simulator and the target stand beside it from here on.
    (spec.simulator, spec.target) = ("".into(), Vec::new().into());
    let terms = Terms {
        input: x.shape.clone(),
        model: x.shape,
        target: data.numbers,
        known: Known {
            spec,
            differences: None,
        },
        sets: Vec::new(),
    };
    solve::run(py, object, terms, origin.as_ref(), observer)
}
