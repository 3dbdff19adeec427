//! What `solve` is told beside simulator, target and start, as plain data.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use retrodict::registry::{INVERSES, LOSSES, PRIORS};
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::arrays::{self, Masked, Numbers, type_name};
use crate::tables::{named, table};

/// The arguments, as they were given.
pub struct Arguments<'a, 'py> {
    /// Standard deviations or a covariance.
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
    /// How derivatives are found that a Python simulator lacks.
    pub differences: Option<&'a Bound<'py, PyAny>>,
}

/// The same, read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Standard deviations or a covariance.
    pub noise: Option<Numbers>,
    /// A loss of the registry and its options.
    pub loss: Option<(String, Table)>,
    /// The least values of x.
    pub lower: Option<Numbers>,
    /// The greatest values of x.
    pub upper: Option<Numbers>,
    /// Priors of the registry and their options, the weight among them.
    pub priors: Vec<(String, Table)>,
    /// A local inverse of the registry and its options.
    pub inverse: Option<(String, Table)>,
    /// How derivatives are found that a Python simulator lacks.
    pub differences: Option<Table>,
}

impl Known {
    /// Reads the arguments; `target` is given NaN where nothing was observed.
    ///
    /// # Errors
    /// If an argument is not of its kind; the message names it.
    pub fn read(arguments: &Arguments<'_, '_>, target: &mut Masked) -> PyResult<Self> {
        let differences = match arguments.differences {
            None => None,
            given => Some(options("differences", given)?),
        };
        mark_missing(target, arguments.missing)?;
        let noise = arguments
            .noise
            .map(|noise| noise_of(noise, target))
            .transpose()?;
        let loss = arguments.loss.map(|loss| named("loss", loss, &LOSSES));
        let inverse = arguments.inverse;
        let inverse = inverse.map(|inverse| named("inverse", inverse, &INVERSES));
        let side = |what, given: Option<&Bound<'_, PyAny>>| {
            given.map(|given| arrays::read(what, given)).transpose()
        };
        let priors = list(arguments.priors)?;
        let priors = priors.iter().map(|prior| named("prior", prior, &PRIORS));
        Ok(Self {
            noise,
            loss: loss.transpose()?,
            lower: side("lower", arguments.lower)?,
            upper: side("upper", arguments.upper)?,
            priors: priors.collect::<PyResult<_>>()?,
            inverse: inverse.transpose()?,
            differences,
        })
    }
}

/// Masked data are missing; NaN is where that was said.
fn mark_missing(target: &mut Masked, missing: bool) -> PyResult<()> {
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
