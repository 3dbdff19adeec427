//! The methods of a simulator of the user's, kept where Python's garbage collector finds them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::PyTraverseError;
use pyo3::PyVisit;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::arrays::type_name;

/// What a simulator may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// y = P(x).
    Forward,
    /// J.
    Jacobian,
    /// J dx.
    Jvp,
    /// Jᵀ dy.
    Vjp,
    /// The solution of P(x) = y nearest to x₀.
    InvertNear,
}

impl Method {
    const ALL: [Self; 5] = [
        Self::Forward,
        Self::Jacobian,
        Self::Jvp,
        Self::Vjp,
        Self::InvertNear,
    ];

    /// What it is called in Python.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Jacobian => "jacobian",
            Self::Jvp => "jvp",
            Self::Vjp => "vjp",
            Self::InvertNear => "invert_near",
        }
    }
}

/// The methods that a Python object has.
///
/// The library holds them behind its own pointers, which the collector does not follow: whoever owns the simulator
/// shows them to it, and lets go of them. The lock is held for as long as it takes to copy a reference, with the
/// interpreter's lock, so that neither a collection nor a fork finds it taken.
pub struct Methods(Mutex<Vec<(Method, Py<PyAny>)>>);

impl Methods {
    /// Those of an object.
    ///
    /// # Errors
    /// `TypeError` if there is nothing to evaluate.
    pub fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut found = vec![(Method::Forward, forward(object)?.unbind())];
        for method in Method::ALL {
            let own = object.getattr_opt(method.name())?;
            if let Some(own) = own.filter(|own| method != Method::Forward && !own.is_none()) {
                found.push((method, own.unbind()));
            }
        }
        Ok(Self(Mutex::new(found)))
    }

    /// Whether there is such a method.
    pub fn has(&self, method: Method) -> bool {
        self.lock().iter().any(|(known, _)| *known == method)
    }

    /// A method, unless there is none, or the collector has taken it.
    pub fn get(&self, py: Python<'_>, method: Method) -> Option<Py<PyAny>> {
        let known = self.lock();
        let found = known.iter().find(|(known, _)| *known == method);
        found.map(|(_, own)| own.clone_ref(py))
    }

    /// Shows the collector what is held.
    ///
    /// # Errors
    /// What the collector says.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.0.try_lock() {
            Ok(known) => known.iter().try_for_each(|(_, own)| visit.call(own)),
            Err(_) => Ok(()),
        }
    }

    /// Lets go of everything.
    pub fn clear(&self) {
        let taken = std::mem::take(&mut *self.lock());
        drop(taken);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Method, Py<PyAny>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The function that evaluates: the method `forward`, or the object itself.
///
/// # Errors
/// `TypeError` if it is neither.
pub fn forward<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let own = object.getattr_opt(Method::Forward.name())?;
    let found = own
        .filter(|own| !own.is_none())
        .unwrap_or_else(|| object.clone());
    if found.is_callable() {
        return Ok(found);
    }
    Err(PyTypeError::new_err(format!(
        "simulator is a '{}', expected a function of x, an object with forward(x), a name, or what \
         retrodict.simulator(…) returns",
        type_name(object)
    )))
}
