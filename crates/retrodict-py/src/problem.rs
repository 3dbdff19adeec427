//! The problem that the arguments of `solve` describe.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use retrodict::losses::{Covariance, SquaredError, Weighted};
use retrodict::options::Validate;
use retrodict::registry::{LOSSES, PRIORS};
use retrodict::{Bounds, Loss, Problem, Simulator};
use toml::Value;

use crate::arrays::{self, tuple, type_name};
use crate::errors::raised;
use crate::tables::{named, table};

/// What `solve` is told beside simulator, target and start.
pub struct Known<'a, 'py> {
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
}

/// Joins simulator, target and what is known.
///
/// # Errors
/// If an argument does not fit; the message names it.
pub fn problem(
    simulator: &Arc<dyn Simulator>,
    target: &[f64],
    known: &Known<'_, '_>,
) -> PyResult<Problem> {
    let loss = loss(known, &simulator.output().shape)?;
    let (own, target) = (Arc::clone(simulator), target.to_vec());
    if !known.missing
        && let Some(i) = target.iter().position(|value| value.is_nan())
    {
        return Err(PyValueError::new_err(format!(
            "the target holds NaN at index {i}, but every value must be finite: clean the data, or pass \
             missing=True if NaN marks what was not observed"
        )));
    }
    let data = match known.missing {
        true => Problem::with_missing(own, loss, target),
        false => Problem::new(own, loss, target),
    };
    let mut problem = data.map_err(|error| raised(&error))?;
    for prior in list(known.priors)? {
        problem = with_prior(&problem, &prior)?;
    }
    if known.lower.is_none() && known.upper.is_none() {
        return Ok(problem);
    }
    let shape = &simulator.input().shape;
    let bounds = Bounds {
        lower: side("lower", known.lower, shape)?,
        upper: side("upper", known.upper, shape)?,
    };
    problem.within(&bounds).map_err(|error| raised(&error))
}

fn loss(known: &Known<'_, '_>, shape: &[usize]) -> PyResult<Arc<dyn Loss>> {
    match (known.noise, known.loss) {
        (Some(_), Some(_)) => Err(PyValueError::new_err(
            "noise and loss are both given, and noise implies a loss: keep noise for error bars, or loss for \
             one that outliers do not rule",
        )),
        (None, None) => Ok(Arc::new(SquaredError { half: true })),
        (None, Some(loss)) => {
            let (name, options) = named("loss", loss, &LOSSES)?;
            LOSSES
                .build(&name, &options)
                .map_err(|error| raised(&error))
        }
        (Some(noise), None) => from_noise(noise, shape),
    }
}

/// A standard deviation for all data or for each, or the covariance of all of them.
fn from_noise(noise: &Bound<'_, PyAny>, shape: &[usize]) -> PyResult<Arc<dyn Loss>> {
    let count: usize = shape.iter().product();
    let found = arrays::read("noise", noise)?;
    let each = found.shape == shape || found.shape == [count];
    if found.shape.is_empty() || each {
        let weighted = Weighted {
            deviations: found.values,
            half: true,
        };
        weighted.validate().map_err(|error| raised(&error))?;
        return Ok(Arc::new(weighted));
    }
    if found.shape == [count, count] {
        let rows = found.values.chunks(count.max(1)).map(<[f64]>::to_vec);
        let covariance = Covariance::new(rows.collect(), true);
        covariance.validate().map_err(|error| raised(&error))?;
        return Ok(Arc::new(covariance));
    }
    Err(PyValueError::new_err(format!(
        "noise has shape {}, expected one standard deviation for all data, {} with one for each, or {} with \
         their covariance",
        tuple(&found.shape),
        tuple(shape),
        tuple(&[count, count])
    )))
}

/// Nothing, a number for all unknowns, or one for each.
fn side(what: &str, value: Option<&Bound<'_, PyAny>>, shape: &[usize]) -> PyResult<Vec<f64>> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let found = arrays::read(what, value)?;
    if found.shape.is_empty() {
        return Ok(found.values);
    }
    arrays::read_shaped(what, value, shape)
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

fn with_prior(problem: &Problem, prior: &Bound<'_, PyAny>) -> PyResult<Problem> {
    let (name, mut options) = named("prior", prior, &PRIORS)?;
    let weight = match options.remove("weight") {
        None => 1.0,
        Some(Value::Float(weight)) => weight,
        Some(Value::Integer(weight)) => weight as f64,
        Some(other) => {
            return Err(PyValueError::new_err(format!(
                "prior {name}: weight = {other}, expected a number of 0 or greater"
            )));
        }
    };
    let prior = PRIORS.build(&name, &options);
    let joined = prior.and_then(|prior| problem.with_prior(&*prior, weight));
    joined.map_err(|error| raised(&error))
}

/// A dictionary of options, or none.
///
/// # Errors
/// `TypeError` for anything else.
pub fn options(what: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<toml::Table> {
    match value {
        None => Ok(toml::Table::new()),
        Some(value) => match value.cast::<PyDict>() {
            Ok(dict) => table(what, dict),
            Err(_) => Err(PyTypeError::new_err(format!(
                "{what} is a '{}', expected a dictionary",
                type_name(value)
            ))),
        },
    }
}
