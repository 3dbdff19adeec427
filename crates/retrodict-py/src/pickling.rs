//! How what is returned goes through pickle: as the plain data that it is made of.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use pyo3::exceptions::{PyBaseException, PyException, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::SimulationError;

/// A function of the module that builds a class from its parts, and these: what `__reduce__` returns.
///
/// # Errors
/// If Python has no memory left.
pub fn parts<'py, A>(py: Python<'py>, build: &str, parts: A) -> PyResult<Bound<'py, PyTuple>>
where
    A: IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>>,
    PyErr: From<A::Error>,
{
    let build = py.import(intern!(py, "retrodict._core"))?.getattr(build)?;
    (build, parts.into_pyobject(py)?).into_pyobject(py)
}

/// Data as bytes.
///
/// # Errors
/// If they cannot be written.
pub fn bytes<'py, T: Serialize>(py: Python<'py>, data: &T) -> PyResult<Bound<'py, PyBytes>> {
    let written = rmp_serde::to_vec_named(data);
    let written = written.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(PyBytes::new(py, &written))
}

/// Data of bytes.
///
/// # Errors
/// `ValueError` if another version wrote them, or they are damaged.
pub fn data<T: DeserializeOwned>(bytes: &[u8]) -> PyResult<T> {
    rmp_serde::from_slice(bytes).map_err(|error| {
        PyValueError::new_err(format!(
            "the pickle does not fit this version of retrodict ({error}): read it with the version that wrote it"
        ))
    })
}

/// The threads that ask pickle what it takes of an object, which may hold the one that asks.
#[derive(Default)]
pub struct Asking(Mutex<Vec<ThreadId>>);

impl Asking {
    /// Asks, unless this thread does so already.
    pub fn once<T>(&self, ask: impl FnOnce() -> T) -> Option<T> {
        let here = thread::current().id();
        let first = !self.threads().contains(&here);
        first.then(|| {
            self.threads().push(here);
            let answer = ask();
            self.threads().retain(|thread| *thread != here);
            answer
        })
    }

    fn threads(&self) -> MutexGuard<'_, Vec<ThreadId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether pickle takes an object: a function of no module, such as a lambda, it does not.
///
/// # Errors
/// What is no `Exception`, such as Ctrl-C.
pub fn takes(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let pickle = object.py().import(intern!(object.py(), "pickle"))?;
    Ok(tried(object.py(), pickle.call_method1("dumps", (object,)))?.is_some())
}

/// An exception that comes back from pickle: itself, or one that says what it said. Many classes are written and not
/// read, and a process pool breaks on these.
///
/// # Errors
/// What is no `Exception`, such as Ctrl-C.
pub fn portable<'py>(
    exception: &Bound<'py, PyBaseException>,
) -> PyResult<Bound<'py, PyBaseException>> {
    let py = exception.py();
    let pickle = py.import(intern!(py, "pickle"))?;
    let there_and_back = pickle
        .call_method1("dumps", (exception,))
        .and_then(|written| pickle.call_method1("loads", (written,)));
    if tried(py, there_and_back)?.is_some() {
        return Ok(exception.clone());
    }
    let name = exception.get_type().name()?;
    let said = SimulationError::new_err(format!("{name}: {exception}"));
    Ok(said.into_value(py).into_bound(py))
}

fn tried<'py>(
    py: Python<'py>,
    done: PyResult<Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match done {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_instance_of::<PyException>(py) => Ok(None),
        Err(error) => Err(error),
    }
}
