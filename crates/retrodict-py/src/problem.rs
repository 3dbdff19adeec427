//! The library's problem for what `solve` was told.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use retrodict::losses::{Covariance, SquaredError, Weighted};
use retrodict::options::Validate;
use retrodict::registry::{LOSSES, PRIORS};
use retrodict::{Bounds, Loss, Problem, Simulator};
use toml::{Table, Value};

use crate::arrays::{self, Numbers, tuple};
use crate::errors::raised;
use crate::known::Known;

/// Joins simulator, target (NaN where nothing was observed) and what is known.
///
/// # Errors
/// If an argument does not fit; the message names it.
pub fn problem(
    simulator: &Arc<dyn Simulator>,
    target: &Numbers,
    known: &Known,
) -> PyResult<Problem> {
    arrays::shaped("the target", target, &simulator.output().shape)?;
    let loss = loss(known, &simulator.output().shape)?;
    let data = Problem::with_missing(Arc::clone(simulator), loss, target.values.clone());
    let mut problem = data.map_err(|error| raised(&error))?;
    for (name, options) in &known.priors {
        problem = with_prior(&problem, name, options.clone())?;
    }
    if known.lower.is_none() && known.upper.is_none() {
        return Ok(problem);
    }
    let shape = &simulator.input().shape;
    let bounds = Bounds {
        lower: side("lower", known.lower.as_ref(), shape)?,
        upper: side("upper", known.upper.as_ref(), shape)?,
    };
    problem.within(&bounds).map_err(|error| raised(&error))
}

fn loss(known: &Known, shape: &[usize]) -> PyResult<Arc<dyn Loss>> {
    match (&known.noise, &known.loss) {
        (Some(_), Some(_)) => Err(PyValueError::new_err(
            "noise and loss are both given, and noise implies a loss: keep noise for error bars, or loss for one \
             that is robust to outliers",
        )),
        (None, None) => Ok(Arc::new(SquaredError { half: true })),
        (None, Some((name, options))) => {
            LOSSES.build(name, options).map_err(|error| raised(&error))
        }
        (Some(noise), None) => from_noise(noise, shape),
    }
}

/// A standard deviation for all data or for each, or the covariance of all of them.
fn from_noise(noise: &Numbers, shape: &[usize]) -> PyResult<Arc<dyn Loss>> {
    let count: usize = shape.iter().product();
    let each = noise.shape == shape || noise.shape == [count];
    if noise.shape.is_empty() || each {
        let weighted = Weighted {
            deviations: noise.values.clone(),
            half: true,
        };
        weighted.validate().map_err(|error| raised(&error))?;
        return Ok(Arc::new(weighted));
    }
    if noise.shape == [count, count] {
        let rows = noise.values.chunks(count.max(1)).map(<[f64]>::to_vec);
        let covariance = Covariance::new(rows.collect(), true);
        covariance.validate().map_err(|error| raised(&error))?;
        return Ok(Arc::new(covariance));
    }
    Err(PyValueError::new_err(format!(
        "noise has shape {}, expected one standard deviation for all data, {} with one for each, or {} with \
         their covariance",
        tuple(&noise.shape),
        tuple(shape),
        tuple(&[count, count])
    )))
}

/// Nothing, a number for all unknowns, or one for each.
fn side(what: &str, given: Option<&Numbers>, shape: &[usize]) -> PyResult<Vec<f64>> {
    let Some(given) = given else {
        return Ok(Vec::new());
    };
    if !given.shape.is_empty() {
        arrays::shaped(what, given, shape)?;
    }
    Ok(given.values.clone())
}

fn with_prior(problem: &Problem, name: &str, mut options: Table) -> PyResult<Problem> {
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
    let prior = PRIORS.build(name, &options);
    let joined = prior.and_then(|prior| problem.with_prior(&*prior, weight));
    joined.map_err(|error| raised(&error))
}
