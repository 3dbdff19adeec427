//! Whatever `solve` and `check` take for a simulator, joined to its data.

use std::sync::Arc;

use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use toml::Table;

use crate::arrays::{self, Numbers, finite, tuple};
use crate::errors::{Held, SimulationError};
use crate::functions::forward;
use crate::model::{self, Joined};
use crate::simulator::{Simulator, simulator};

/// Simulator, x and y* (where there is one) of a call.
pub struct Subject {
    /// The simulator, with what is said of its derivatives.
    pub joined: Joined,
    /// x, of the simulator's input.
    pub x: Vec<f64>,
    /// The target, of the simulator's output.
    pub target: Option<Vec<f64>>,
}

/// Takes a name, one of retrodict's own or a Python simulator, and joins it to its data.
///
/// Without a target a Python simulator is evaluated once, to know the shape of y.
///
/// # Errors
/// If it is none of these, or x or the target does not fit it.
pub fn subject(
    object: &Bound<'_, PyAny>,
    (what, x): (&str, &Bound<'_, PyAny>),
    target: Option<&Bound<'_, PyAny>>,
    differences: Option<Table>,
    held: &Arc<Held>,
) -> PyResult<Subject> {
    let py = object.py();
    let named = match object.cast::<PyString>() {
        Ok(name) => Some(Bound::new(py, simulator(py, &name.to_string(), None)?)?),
        Err(_) => None,
    };
    let own = named.as_ref().or_else(|| object.cast::<Simulator>().ok());
    let subject = match own {
        Some(own) => of_registry(own.get(), (what, x), target, differences)?,
        None => of_python(object, (what, x), target, differences, held)?,
    };
    Ok(Subject {
        x: finite(what, subject.x)?,
        ..subject
    })
}

fn of_registry(
    own: &Simulator,
    (what, x): (&str, &Bound<'_, PyAny>),
    target: Option<&Bound<'_, PyAny>>,
    differences: Option<Table>,
) -> PyResult<Subject> {
    if differences.is_some() {
        return Err(PyValueError::new_err(format!(
            "differences are for simulators in Python, and '{}' has derivatives or settings of its own: \
             leave them out",
            own.name
        )));
    }
    let (input, output) = (own.simulator.input(), own.simulator.output());
    let x = match arrays::read(what, x)? {
        // One number for all of x.
        Numbers { values, shape } if shape.is_empty() => vec![values[0]; input.len()],
        _ => arrays::read_shaped(what, x, &input.shape)?,
    };
    let target = target.map(|target| arrays::read_shaped("the target", target, &output.shape));
    let asked = own.settings.contains_key("differences");
    Ok(Subject {
        joined: Joined::new(Arc::clone(&own.simulator), asked),
        x,
        target: target.transpose()?,
    })
}

fn of_python(
    object: &Bound<'_, PyAny>,
    (what, x): (&str, &Bound<'_, PyAny>),
    target: Option<&Bound<'_, PyAny>>,
    differences: Option<Table>,
    held: &Arc<Held>,
) -> PyResult<Subject> {
    let evaluate = forward(object)?;
    let x = arrays::read(what, x)?;
    let target = target
        .map(|target| arrays::read("the target", target))
        .transpose()?;
    let output = match &target {
        Some(target) => target.shape.clone(),
        None => {
            let own = arrays::write(object.py(), &x.values, &x.shape)?;
            let y = evaluate
                .call1((own,))
                .map_err(|cause| at_first(object.py(), cause))?;
            arrays::read("what forward returned", &y)?.shape
        }
    };
    let of_y = target.as_ref().map_or("y", |_| "the target");
    for (what, shape) in [(what, &x.shape), (of_y, &output)] {
        if shape.contains(&0) {
            return Err(PyValueError::new_err(format!(
                "{what} has shape {}, which holds no value; expected one at least",
                tuple(shape)
            )));
        }
    }
    Ok(Subject {
        joined: model::join(object, &x.shape, &output, differences, held)?,
        x: x.values,
        target: target.map(|target| target.values),
    })
}

/// What is raised where forward fails at its first call; Ctrl-C stays what it is.
fn at_first(py: Python<'_>, cause: PyErr) -> PyErr {
    if !cause.is_instance_of::<PyException>(py) {
        return cause;
    }
    let failed = SimulationError::new_err(format!("forward failed: {cause}"));
    failed.set_cause(py, Some(cause));
    failed
}
