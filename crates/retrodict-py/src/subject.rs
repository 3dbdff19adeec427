//! Whatever `solve` and `check` take for a simulator, joined to its data.

use std::sync::Arc;

use pyo3::exceptions::{PyException, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use retrodict::spec::InversionSpec;
use toml::Table;

use crate::arrays::{self, Masked, Numbers, finite, tuple};
use crate::errors::{Held, SimulationError};
use crate::methods::forward;
use crate::model::{self, Joined};
use crate::process;
use crate::simulator::{Simulator, simulator};

/// The simulator itself, where a name may stand for it.
///
/// # Errors
/// If there is none of that name.
pub fn named<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    match object.cast::<PyString>() {
        Ok(name) => {
            let own = simulator(object.py(), &name.to_string(), None)?;
            Ok(Bound::new(object.py(), own)?.into_any())
        }
        Err(_) => Ok(object.clone()),
    }
}

/// x, in the shape that it has for the simulator; one number stands for all of x where that has a shape of its own.
///
/// # Errors
/// If it does not fit the simulator.
pub fn input(object: &Bound<'_, PyAny>, what: &str, x: &Bound<'_, PyAny>) -> PyResult<Numbers> {
    let found = arrays::read(what, x)?;
    let found = match object.cast::<Simulator>() {
        Err(_) => found,
        Ok(own) => {
            let space = own.get().current(object.py())?.input().clone();
            match found.shape.is_empty() {
                true => Numbers {
                    values: vec![found.values[0]; space.len()],
                    shape: space.shape,
                },
                false => {
                    arrays::shaped(what, &found, &space.shape)?;
                    Numbers {
                        values: found.values,
                        shape: space.shape,
                    }
                }
            }
        }
    };
    not_empty(what, &found.shape)?;
    Ok(Numbers {
        values: finite(what, found.values)?,
        shape: found.shape,
    })
}

/// The shape of what the simulator takes: that of the start, or of the simulator's own x, or one value for each parameter.
///
/// # Errors
/// If there is neither a start nor a parameter.
pub fn shape(
    object: &Bound<'_, PyAny>,
    start: Option<Numbers>,
    spec: &InversionSpec,
) -> PyResult<Vec<usize>> {
    if let Ok(own) = object.cast::<Simulator>() {
        return Ok(own.get().current(object.py())?.input().shape.clone());
    }
    let levels = &spec.noise.parameter;
    let named = spec.parameters.iter().filter(|p| !levels.contains(&p.name));
    match (start, named.count()) {
        (Some(start), _) => Ok(start.shape),
        (None, 0) => Err(PyTypeError::new_err(
            "solve needs a start: an array in the shape of x, or parameters with their names and starts",
        )),
        (None, named) => Ok(vec![named]),
    }
}

/// y*, in the shape that y has.
///
/// # Errors
/// If it does not fit the simulator.
pub fn target(object: &Bound<'_, PyAny>, target: &Bound<'_, PyAny>) -> PyResult<Masked> {
    let what = "the target";
    let mut found = arrays::read_masked(what, target)?;
    if let Ok(own) = object.cast::<Simulator>() {
        let shape = own.get().current(object.py())?.output().shape.clone();
        arrays::shaped(what, &found.numbers, &shape)?;
        found.numbers.shape = shape;
    }
    not_empty(what, &found.numbers.shape)?;
    Ok(found)
}

/// The shape of y for a simulator of which nothing else is known: one of Python's is evaluated once.
///
/// # Errors
/// If it is no simulator, or fails.
pub fn output(object: &Bound<'_, PyAny>, x: &Numbers) -> PyResult<Vec<usize>> {
    let py = object.py();
    if let Ok(own) = object.cast::<Simulator>() {
        return Ok(own.get().current(py)?.output().shape.clone());
    }
    let own = arrays::write(py, &x.values, &x.shape)?;
    let y = forward(object)?
        .call1((own,))
        .map_err(|cause| at_first(py, cause))?;
    let shape = arrays::read("what forward returned", &y)?.shape;
    not_empty("what forward returned", &shape)?;
    Ok(shape)
}

/// Says whether there is a value in an array of this shape.
///
/// # Errors
/// `ValueError` if there is none.
fn not_empty(what: &str, shape: &[usize]) -> PyResult<()> {
    match shape.contains(&0) {
        false => Ok(()),
        true => Err(PyValueError::new_err(format!(
            "{what} has shape {}, which holds no value; expected at least one",
            tuple(shape)
        ))),
    }
}

/// Joins one of retrodict's own or a Python simulator to the shapes of x and y.
///
/// # Errors
/// If it is neither, or differences do not go with it.
pub fn join(
    object: &Bound<'_, PyAny>,
    input: &[usize],
    output: &[usize],
    differences: Option<&Table>,
    held: &Arc<Held>,
) -> PyResult<Joined> {
    process::ready()?;
    let Ok(own) = object.cast::<Simulator>() else {
        return model::join(object, input, output, differences, held);
    };
    let own = own.get();
    if differences.is_some() {
        return Err(PyValueError::new_err(format!(
            "differences are for simulators in Python, and '{}' has derivatives or settings of its own: \
             leave them out",
            own.name
        )));
    }
    let asked = own.settings.contains_key("differences");
    Ok(Joined::new(own.current(object.py())?, asked))
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
