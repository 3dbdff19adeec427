//! A training of a call of `train`, kept in a form that goes to other processes.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use retrodict::registry::Registry;
use retrodict::spec::{Origin, Training, TrainingMethodSpec, TrainingSpec, TrainingStopSpec};
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::arrays::type_name;
use crate::errors::Held;
use crate::files::{NumpyFiles, placed};
use crate::model::Joined;
use crate::tables::described;
use crate::tables::table;
use crate::{process, subject};

/// What a training is made of, beside a simulator that is written in Python.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainingTerms {
    /// The description, with one method.
    pub spec: TrainingSpec,
    /// A simulator in Python, where the description names none.
    pub own: Option<OwnSimulator>,
}

/// What is known of a simulator in Python.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OwnSimulator {
    /// The shape of x.
    pub input: Vec<usize>,
    /// The shape of y.
    pub output: Vec<usize>,
    /// How derivatives are found that it lacks.
    pub differences: Option<Table>,
}

impl TrainingTerms {
    /// The method.
    ///
    /// # Errors
    /// If there is none, which no description that was checked lacks.
    pub fn method(&self) -> PyResult<&TrainingMethodSpec> {
        let first = self.spec.methods.first();
        first.ok_or_else(|| PyValueError::new_err("the description has no method"))
    }

    /// Builds all that the method needs, and joins the simulator in Python to it. Mistakes are told with their line where the
    /// description came from a file.
    ///
    /// # Errors
    /// If anything does not fit, or that simulator was lost.
    pub fn build(
        &self,
        py: Python<'_>,
        object: Option<&Bound<'_, PyAny>>,
        held: &Arc<Held>,
        origin: Option<&Origin>,
    ) -> PyResult<(Training, Option<Joined>)> {
        process::ready()?;
        let (spec, registry) = (&self.spec, Registry::standard());
        let method = self.method()?;
        let locate = |error| placed(error, origin);
        let Some(own) = &self.own else {
            let build = || spec.build(method, 0, registry, &NumpyFiles);
            let training = held.run(py, || build().map_err(locate))?;
            return Ok((training, None));
        };
        let Some(object) = object else {
            return Err(PyValueError::new_err(
                "this network was pickled without its simulator, which pickle refused: build the simulator from functions and \
                 classes at the top level of a module, or train again",
            ));
        };
        let differences = own.differences.as_ref();
        let joined = subject::join(object, &own.input, &own.output, differences, held)?;
        let simulator = Arc::clone(&joined.simulator);
        let build = || spec.build_with(simulator, method, 0, registry, &NumpyFiles);
        let training = held.run(py, || build().map_err(locate))?;
        Ok((training, Some(joined)))
    }
}

/// When a training stops, as a dictionary says it.
///
/// # Errors
/// If it is none, or a key or a value is not allowed.
pub fn stopped(stop: &Bound<'_, PyAny>) -> PyResult<TrainingStopSpec> {
    match stop.cast::<PyDict>() {
        Ok(dict) => described("stop", table("stop", dict)?.into()),
        Err(_) => Err(PyTypeError::new_err(format!(
            "stop is a '{}', expected a dictionary such as {{\"epochs\": 20, \"time\": \"90s\"}}",
            type_name(stop)
        ))),
    }
}
