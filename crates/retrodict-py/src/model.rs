//! A Python function, or an object with derivatives, as a simulator.

use std::ffi::CString;
use std::sync::Arc;

use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;
use retrodict::inverse::WithInverse;
use retrodict::models::external::{Differences, External};
use retrodict::options::configure;
use retrodict::{Error, Simulator};
use toml::Table;

use crate::errors::{Held, raised};
use crate::functions::{Functions, Inverse};
use crate::methods::{Method, Methods};

/// A simulator, and what is to be said of its derivatives.
pub struct Joined {
    /// The simulator, with what is missing filled in.
    pub simulator: Arc<dyn Simulator>,
    /// How J is found, where that is not exact or costs more than usual.
    pub note: Option<String>,
    /// What it calls, if it is written in Python: those of each data set.
    pub methods: Vec<Arc<Methods>>,
    /// Whether that comes as a surprise: J is found by differences that nobody asked for.
    surprising: bool,
}

impl Joined {
    /// A simulator whose differences, if it needs them, were asked for or not.
    pub fn new(simulator: Arc<dyn Simulator>, asked: bool) -> Self {
        let approximation = simulator.describe().approximation;
        let inexact = approximation
            .as_ref()
            .is_some_and(|found| found.error > 0.0);
        Self {
            simulator,
            note: approximation.map(|found| found.note),
            methods: Vec::new(),
            surprising: inexact && !asked,
        }
    }

    /// A simulator that is made of several.
    pub fn of_several(simulator: Arc<dyn Simulator>, parts: Vec<Self>) -> Self {
        let surprising = parts.iter().any(|part| part.surprising);
        let mut notes: Vec<String> = parts.iter().filter_map(|part| part.note.clone()).collect();
        notes.dedup();
        Self {
            simulator,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
            methods: parts.into_iter().flat_map(|part| part.methods).collect(),
            surprising,
        }
    }

    /// Warns of differences that nobody asked for.
    ///
    /// # Errors
    /// If warnings are errors.
    pub fn warn(&self, py: Python<'_>) -> PyResult<()> {
        let Some(note) = self.note.as_ref().filter(|_| self.surprising) else {
            return Ok(());
        };
        let text = format!(
            "{note}; give the simulator jacobian(x), or jvp(x, dx) and vjp(x, dy), or pass differences={{…}} \
             to confirm that they are intended"
        );
        PyErr::warn(py, &py.get_type::<PyUserWarning>(), &CString::new(text)?, 1)
    }
}

/// Joins a Python simulator to the shapes of x and y.
///
/// # Errors
/// If it is no simulator, or a setting of the differences is not allowed.
pub fn join(
    object: &Bound<'_, PyAny>,
    input: &[usize],
    output: &[usize],
    differences: Option<&Table>,
    held: &Arc<Held>,
) -> PyResult<Joined> {
    let mut settings = differences.cloned().unwrap_or_default();
    // One call at a time, on the thread of the caller, unless told otherwise: the interpreter's lock lets no
    // more than one compute, and Ctrl-C is heard on the main thread alone.
    let at_once = match settings.remove("at_once") {
        None => 1,
        Some(toml::Value::Integer(count)) if count > 0 => usize::try_from(count).unwrap_or(1),
        Some(other) => {
            return Err(raised(&Error::Option {
                key: "differences.at_once".to_owned(),
                found: other.to_string(),
                allowed: "it must be a whole number of 1 or more".to_owned(),
            }));
        }
    };
    let steps: Differences = configure("differences", &settings).map_err(|error| raised(&error))?;
    let methods = Arc::new(Methods::of(object)?);
    let functions = || Functions::new(object.py(), &methods, input, output, held);
    let external = External::new(functions(), steps, Some(at_once));
    let simulator: Arc<dyn Simulator> = match methods.has(Method::InvertNear) {
        false => Arc::new(external),
        true => {
            let inverse = Arc::new(Inverse(functions()));
            Arc::new(WithInverse::new(Arc::new(external), inverse))
        }
    };
    Ok(Joined {
        methods: vec![methods],
        ..Joined::new(simulator, differences.is_some())
    })
}
