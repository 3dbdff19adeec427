//! Several data sets: dictionaries by name in place of a simulator and a target.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use retrodict::compose::Stacked;
use retrodict::registry::Registry;
use retrodict::spec::{
    DataSet, InversionSpec, NoFiles, NoiseSpec, ObservationSpec, Origin, Posed, Subject,
};

use crate::arrays::{self, Masked, Numbers, type_name};
use crate::errors::{Held, raised};
use crate::files::{NumpyFiles, located, resolve};
use crate::known::{Arguments, Known, mark_missing, noise};
use crate::model::Joined;
use crate::simulator::Simulator;
use crate::subject;
use crate::terms::{SetTerms, Terms};

/// The data sets of a call of `solve`: the simulators by name, and all else.
///
/// # Errors
/// If a simulator or a start is missing, or an argument is not of its kind.
pub fn of_arguments<'py>(
    simulator: &Bound<'py, PyAny>,
    targets: &Bound<'py, PyDict>,
    start: Option<&Bound<'py, PyAny>>,
    arguments: &Arguments<'_, 'py>,
) -> PyResult<(Bound<'py, PyAny>, Terms)> {
    let py = simulator.py();
    let names: Vec<String> = targets.keys().extract().map_err(|_| {
        PyTypeError::new_err(
            "the data sets of target need strings for names, as in {\"north\": y1, \"south\": y2}",
        )
    })?;
    if names.is_empty() {
        return Err(PyValueError::new_err(
            "target is an empty dictionary; give at least one data set",
        ));
    }
    let own = |given: Option<&Bound<'py, PyAny>>, name: &str| own(given, name, &names);
    let start = start
        .map(|start| arrays::read("the start", start))
        .transpose()?;
    let without = Arguments {
        noise: None,
        loss: None,
        missing: true,
        ..*arguments
    };
    let mut nothing = Masked {
        numbers: Numbers {
            shape: vec![0],
            values: Vec::new(),
        },
        mask: Vec::new(),
    };
    let mut known = Known::read(&without, &mut nothing, start.as_ref())?;
    let objects = PyDict::new(py);
    let mut sets = Vec::new();
    for name in &names {
        let whole = simulator.cast::<PyDict>().ok();
        let object = match whole {
            None => simulator.clone(),
            Some(each) => each.get_item(name)?.ok_or_else(|| {
                PyValueError::new_err(format!(
                    "the data set '{name}' has no simulator: give one for each name of target, or one for all"
                ))
            })?,
        };
        let object = subject::named(&object)?;
        let Some(given) = targets.get_item(name)? else {
            continue;
        };
        let mut target = subject::target(&object, &given)?;
        mark_missing(&mut target, arguments.missing)?;
        let noise = noise(
            own(arguments.noise, name)?.as_ref(),
            own(arguments.loss, name)?.as_ref(),
            &target,
        )?;
        sets.push(SetTerms {
            name: name.clone(),
            model: model(&object, name, &names, &known.spec, &noise)?,
            target: target.numbers,
            noise,
        });
        objects.set_item(name, object)?;
    }
    if let Ok(each) = simulator.cast::<PyDict>() {
        let known: Vec<String> = each.keys().extract()?;
        if let Some(other) = known.iter().find(|name| !names.contains(name)) {
            return Err(PyValueError::new_err(format!(
                "the simulator '{other}' has no target; the data sets are {}",
                names.join(", ")
            )));
        }
    }
    known.spec.observations = observations(&sets);
    known.spec.target = "".into();
    Ok((objects.into_any(), terms(known, sets)))
}

/// The data sets of a description.
///
/// # Errors
/// If one of them has no simulator, its data cannot be read, or an option is unknown.
pub fn of_description<'py>(
    py: Python<'py>,
    mut spec: InversionSpec,
    origin: Option<&Origin>,
) -> PyResult<(Bound<'py, PyAny>, Terms)> {
    let objects = PyDict::new(py);
    let mut sets = Vec::new();
    let alone = spec.data_sets().map_err(|error| located(error, origin))?;
    for (name, own) in alone {
        let within =
            |error: retrodict::Error| located(error.needed_by("observation", name), origin);
        let own = own
            .with_option_files(Registry::standard(), &NumpyFiles)
            .map_err(within)?;
        let named = &own.simulator;
        let object = Simulator::new(py, &named.name, named.options.clone())?
            .map_err(|error| within(error.inside("simulator")))?;
        let current = object.current(py)?;
        let (model, shape) = (
            current.input().shape.clone(),
            current.output().shape.clone(),
        );
        let values = own.target.read(&shape, &NumpyFiles);
        let values = values
            .map_err(|error| within(error.inside("target")))?
            .concat();
        let mut target = Masked {
            numbers: Numbers { shape, values },
            mask: Vec::new(),
        };
        let mut noise = own.noise.clone();
        mark_missing(&mut target, noise.missing)?;
        noise.missing = true;
        for values in [&mut noise.std, &mut noise.covariance, &mut noise.groups] {
            resolve(values, &target.numbers.shape)?;
        }
        if let Some(file) = noise.std_file.take() {
            noise.std = Some(file.as_str().into());
            resolve(&mut noise.std, &target.numbers.shape)?;
        }
        sets.push(SetTerms {
            name: name.to_owned(),
            model,
            target: target.numbers,
            noise,
        });
        objects.set_item(name, Bound::new(py, object)?)?;
    }
    spec.observations = observations(&sets);
    spec.simulator = "".into();
    let known = Known {
        spec,
        differences: None,
    };
    Ok((objects.into_any(), terms(known, sets)))
}

/// The problem of all data sets.
///
/// # Errors
/// If an argument does not fit.
pub fn assembled(
    object: &Bound<'_, PyAny>,
    terms: &Terms,
    held: &Arc<Held>,
    origin: Option<&Origin>,
) -> PyResult<(Joined, Posed)> {
    let objects = object.cast::<PyDict>()?;
    let mut joined = Vec::new();
    for set in &terms.sets {
        let Some(own) = objects.get_item(&set.name)? else {
            return Err(PyValueError::new_err(format!(
                "the data set '{}' has no simulator",
                set.name
            )));
        };
        let differences = terms.known.differences.as_ref();
        // Differences are for those that lack derivatives.
        let differences = differences.filter(|_| own.cast::<Simulator>().is_err());
        joined.push(subject::join(
            &own,
            &set.model,
            &set.target.shape,
            differences,
            held,
        )?);
    }
    let alone: Vec<InversionSpec> = terms
        .sets
        .iter()
        .map(|set| {
            let mut alone = InversionSpec::new("", Vec::new());
            alone.noise = set.noise.clone();
            alone
        })
        .collect();
    let mut sets = Vec::new();
    for ((set, alone), joined) in terms.sets.iter().zip(&alone).zip(&joined) {
        arrays::shaped(
            &format!("the target '{}'", set.name),
            &set.target,
            &joined.simulator.output().shape,
        )?;
        let subject = Subject::new(Arc::clone(&joined.simulator));
        sets.push(DataSet::new(
            &set.name,
            alone,
            subject,
            set.target.values.clone(),
        ));
    }
    let spec = &terms.known.spec;
    spec.data_sets_fit()
        .map_err(|error| located(error, origin))?;
    let posed = spec.pose_sets(&sets, Registry::standard(), &NoFiles);
    let posed = posed.map_err(|error| located(error, origin))?;
    let simulators = posed
        .observations
        .iter()
        .map(|set| Arc::clone(&set.simulator));
    let whole = Stacked::new(simulators.collect()).map_err(|error| raised(&error))?;
    Ok((Joined::of_several(Arc::new(whole), joined), posed))
}

/// y and the residuals of each data set, of all values of y.
///
/// # Errors
/// If Python has no memory left.
pub fn fitted<'py>(sets: &[SetTerms], y: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let py = y.py();
    let mut rest = &arrays::read("y", y)?.values[..];
    let all = PyDict::new(py);
    for SetTerms { name, target, .. } in sets {
        let (own, behind) = rest.split_at(target.values.len().min(rest.len()));
        rest = behind;
        let residuals: Vec<f64> = target.values.iter().zip(own).map(|(t, y)| t - y).collect();
        let dict = PyDict::new(py);
        dict.set_item("y", arrays::write(py, own, &target.shape)?)?;
        dict.set_item("residuals", arrays::write(py, &residuals, &target.shape)?)?;
        all.set_item(name, dict)?;
    }
    Ok(all)
}

fn observations(sets: &[SetTerms]) -> Vec<ObservationSpec> {
    // The data and simulators stand beside the description.
    let one = |set: &SetTerms| ObservationSpec::new(&set.name, Vec::new());
    sets.iter().map(one).collect()
}

fn terms(known: Known, sets: Vec<SetTerms>) -> Terms {
    let values: Vec<f64> = sets
        .iter()
        .flat_map(|set| set.target.values.clone())
        .collect();
    Terms {
        input: Vec::new(),
        model: Vec::new(),
        target: Numbers {
            shape: vec![values.len()],
            values,
        },
        known,
        sets,
    }
}

/// An argument of a data set: that of its name, where the argument is a dictionary by names of data sets.
fn own<'py>(
    given: Option<&Bound<'py, PyAny>>,
    name: &str,
    names: &[String],
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(given) = given else {
        return Ok(None);
    };
    let Ok(dict) = given.cast::<PyDict>() else {
        return Ok(Some(given.clone()));
    };
    let is_name = |key: Bound<'py, PyAny>| {
        let key = key.cast::<PyString>().map(ToString::to_string);
        key.is_ok_and(|key| names.contains(&key))
    };
    match dict.is_empty() || !dict.keys().into_iter().all(is_name) {
        true => Ok(Some(given.clone())),
        false => dict.get_item(name),
    }
}

/// The shape of what a simulator takes: of one in Python, a value for each parameter that its data set has.
fn model(
    object: &Bound<'_, PyAny>,
    name: &str,
    names: &[String],
    spec: &InversionSpec,
    noise: &NoiseSpec,
) -> PyResult<Vec<usize>> {
    if let Ok(own) = object.cast::<Simulator>() {
        return Ok(own.get().current(object.py())?.input().shape.clone());
    }
    let count = spec.parameters_of(name, names, &noise.parameter);
    if count == 0 {
        return Err(PyTypeError::new_err(format!(
            "the data set '{name}' has a simulator of type '{}', whose values have no names: give parameters=, in their order",
            type_name(object)
        )));
    }
    Ok(vec![count])
}
