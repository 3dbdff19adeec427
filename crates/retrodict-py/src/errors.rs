//! Errors of the library as exceptions, and exceptions of the user's code held while the library runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use retrodict::Error;

use crate::process::detached;
use crate::signals::{self, Ends};

create_exception!(
    retrodict,
    SimulationError,
    PyRuntimeError,
    "The simulation, or its inverse, failed; where Python code did, its exception is the cause."
);

/// The exception for an error of the library: `SimulationError` where something broke, else `ValueError`.
pub fn raised(error: &Error) -> PyErr {
    let keyword = |key: &str, value: &str| {
        let name = match key {
            "start.count" => "starts",
            "prior" => "priors",
            same => same,
        };
        match value.parse::<f64>() {
            Ok(_) => format!("{name}={value}"),
            Err(_) => format!("{name}=\"{value}\""),
        }
    };
    let message = error.worded(&keyword);
    match error.cause() {
        Error::Simulation { .. }
        | Error::LinearAlgebra { .. }
        | Error::InverseStopped { .. }
        | Error::Interrupted { .. }
        | Error::OutsideRange { .. } => SimulationError::new_err(message),
        _ => PyValueError::new_err(message),
    }
}

/// What ended a run by an exception, which is raised after it.
pub struct Ending {
    /// What is raised.
    pub exception: PyErr,
    /// Whether an answer of the simulator's that can never be right was to blame; else the run was ended on purpose, by
    /// Ctrl-C or by an observer.
    pub by_answer: bool,
}

/// Exceptions that the user's code raised while the library ran.
///
/// A failed simulation shortens a step, or ends the run as one of its outcomes. All else ends the run too and
/// is raised after it: Ctrl-C, an observer that fails, an answer of the wrong type.
#[derive(Default)]
pub struct Held {
    end: Arc<AtomicBool>,
    ending: Mutex<Option<Ending>>,
    failure: Mutex<Option<PyErr>>,
}

impl Held {
    /// The flag that ends a run.
    pub fn end(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.end)
    }

    /// Whether the run is to end, so that no more of the user's code is called.
    pub fn ended(&self) -> bool {
        self.end.load(Ordering::Relaxed)
    }

    /// Keeps what the user's simulator raised, in words for the library. What is no `Exception`, such as
    /// `KeyboardInterrupt`, was not meant for it and ends the run.
    pub fn failed(&self, py: Python<'_>, exception: PyErr) -> Option<String> {
        if !exception.is_instance_of::<PyException>(py) {
            self.end_with(exception);
            return None;
        }
        let words = exception.to_string();
        *lock(&self.failure) = Some(exception);
        Some(words)
    }

    /// Ends the run; the exception is raised after it. The first one counts.
    pub fn end_with(&self, exception: PyErr) {
        self.end_by(Ending {
            exception,
            by_answer: false,
        });
    }

    /// Ends the run by an answer of the simulator's that can never be right.
    pub fn end_by_answer(&self, exception: PyErr) {
        self.end_by(Ending {
            exception,
            by_answer: true,
        });
    }

    fn end_by(&self, ending: Ending) {
        lock(&self.ending).get_or_insert(ending);
        self.end.store(true, Ordering::Relaxed);
    }

    /// What ended the run, if an exception did; what is held is ready for another run.
    pub fn take(&self) -> Option<Ending> {
        self.end.store(false, Ordering::Relaxed);
        lock(&self.ending).take()
    }

    /// The last failure of the user's simulator.
    pub fn take_failure(&self) -> Option<PyErr> {
        lock(&self.failure).take()
    }

    /// Runs the library without the interpreter's lock, until Ctrl-C.
    ///
    /// # Errors
    /// What ended the run, else what the library returned, with the simulator's own exception as its cause.
    pub fn run<T: Send>(
        self: &Arc<Self>,
        py: Python<'_>,
        work: impl FnOnce() -> retrodict::Result<T> + Send,
    ) -> PyResult<T> {
        let heard = signals::heard(self);
        let done = detached(py, || heard.within(work))?;
        let failure = self.take_failure();
        match (self.take(), done) {
            (Some(ending), _) => Err(ending.exception),
            (None, Ok(found)) => Ok(found),
            (None, Err(error)) => Err(caused(py, &error, failure)),
        }
    }
}

impl Ends for Held {
    fn flag(&self) -> Arc<AtomicBool> {
        self.end()
    }
    fn end_with(&self, exception: PyErr) {
        Self::end_with(self, exception);
    }
}

/// The exception for an error of the library, with what the user's simulator raised as its cause.
pub fn caused(py: Python<'_>, error: &Error, failure: Option<PyErr>) -> PyErr {
    let exception = raised(error);
    if matches!(error.cause(), Error::Simulation { .. }) {
        exception.set_cause(py, failure);
    }
    exception
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
