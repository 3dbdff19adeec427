//! When a run ends, from a dictionary or a number of steps.

use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt};
use retrodict::options::{Validate, configure, require};
use retrodict::{Plateau, Result, StopWhen};
use serde::Deserialize;

use crate::arrays::type_name;
use crate::errors::{Held, raised};
use crate::tables::table;

/// The fields of [`StopWhen`], with seconds for the time and two keys for a plateau.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Stop {
    steps: usize,
    time: Option<f64>,
    loss_below: Option<f64>,
    discrepancy_below: Option<f64>,
    gradient_below: Option<f64>,
    short_step: Option<f64>,
    plateau: Option<f64>,
    plateau_steps: usize,
    loss_change: Option<f64>,
    step_below: f64,
    diverged_above: f64,
}

impl Default for Stop {
    fn default() -> Self {
        let StopWhen {
            steps,
            step_below,
            diverged_above,
            ..
        } = StopWhen::default();
        Self {
            steps,
            time: None,
            loss_below: None,
            discrepancy_below: None,
            gradient_below: None,
            short_step: None,
            plateau: None,
            plateau_steps: 10,
            loss_change: None,
            step_below,
            diverged_above,
        }
    }
}

impl Validate for Stop {
    fn validate(&self) -> Result<()> {
        let Some(time) = self.time else {
            return Ok(());
        };
        let fits = Duration::try_from_secs_f64(time).is_ok();
        require(
            fits,
            "time",
            time,
            "it is in seconds and must be 0 or greater",
        )
    }
}

/// `None`, a number of steps, or a dictionary; what is held ends the run too.
///
/// # Errors
/// If a key is unknown or a value is not allowed.
pub fn when(stop: Option<&Bound<'_, PyAny>>, held: &Held) -> PyResult<StopWhen> {
    let stop = match stop {
        None => Stop::default(),
        Some(stop) if stop.is_instance_of::<PyInt>() => {
            let dict = PyDict::new(stop.py());
            dict.set_item("steps", stop)?;
            read(&dict)?
        }
        Some(stop) => match stop.cast::<PyDict>() {
            Ok(dict) => read(dict)?,
            Err(_) => {
                return Err(PyTypeError::new_err(format!(
                    "stop is a '{}', expected a number of steps or a dictionary such as {{\"steps\": 50, \
                     \"gradient_below\": 1e-8}}",
                    type_name(stop)
                )));
            }
        },
    };
    let decrease = stop.plateau;
    Ok(StopWhen {
        steps: stop.steps,
        time: stop.time.map(Duration::from_secs_f64),
        loss_below: stop.loss_below,
        discrepancy_below: stop.discrepancy_below,
        gradient_below: stop.gradient_below,
        short_step: stop.short_step,
        plateau: decrease.map(|decrease| Plateau {
            steps: stop.plateau_steps,
            decrease,
        }),
        loss_change: stop.loss_change,
        step_below: stop.step_below,
        diverged_above: stop.diverged_above,
        cancel: Some(held.end()),
    })
}

fn read(dict: &Bound<'_, PyDict>) -> PyResult<Stop> {
    configure("stop", &table("stop", dict)?).map_err(|error| raised(&error))
}
