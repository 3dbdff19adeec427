//! The problem of a call of `solve`, kept in a form that goes to other processes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::PyTraverseError;
use pyo3::PyVisit;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use retrodict::registry::Registry;
use retrodict::spec::{Field, NoFiles, Origin, Posed as Assembled, Subject};
use retrodict::{Problem, Simulator};

use crate::errors::Held;
use crate::files::located;
use crate::model::Joined;
use crate::terms::Terms;
use crate::{arrays, data_sets, subject};

/// A problem as the library solves it.
pub struct Built {
    /// P, as the problem has it.
    pub joined: Joined,
    /// P as whoever looks at the data sees it: where none were observed, it need have no value.
    pub simulator: Arc<dyn Simulator>,
    /// The inversion, checked.
    pub assembled: Assembled,
    /// The problem and its starts.
    pub field: Field,
    /// What the user's code raises.
    pub held: Arc<Held>,
    /// The process that built it.
    process: u32,
}

impl Built {
    /// The problem.
    pub fn problem(&self) -> &Problem {
        &self.field.problem
    }

    /// Builds the problem of a simulator.
    ///
    /// # Errors
    /// If an argument does not fit; the message names it.
    pub fn new(
        object: &Bound<'_, PyAny>,
        terms: &Terms,
        held: Arc<Held>,
        origin: Option<&Origin>,
    ) -> PyResult<Self> {
        let (joined, mut assembled) = match terms.sets.is_empty() {
            true => assembled(object, terms, &held, origin)?,
            false => data_sets::assembled(object, terms, &held, origin)?,
        };
        let target = &terms.target;
        let Some(field) = assembled.fields.pop() else {
            return Err(PyRuntimeError::new_err("the inversion has no field"));
        };
        let data = target.values.iter().enumerate();
        let seen: Vec<usize> = data.filter(|(_, y)| !y.is_nan()).map(|(i, _)| i).collect();
        let simulator = Arc::clone(&assembled.simulator);
        let seen_at = match seen.len() == target.values.len() {
            true => None,
            false => simulator.seen_at(&seen),
        };
        let seen_at = seen_at.unwrap_or(simulator);
        Ok(Self {
            joined,
            simulator: seen_at,
            assembled,
            field,
            held,
            process: std::process::id(),
        })
    }
}

/// The problem of one simulator.
fn assembled(
    object: &Bound<'_, PyAny>,
    terms: &Terms,
    held: &Arc<Held>,
    origin: Option<&Origin>,
) -> PyResult<(Joined, Assembled)> {
    let Terms {
        input: _,
        model,
        target,
        known,
        sets: _,
    } = terms;
    let differences = known.differences.as_ref();
    let joined = subject::join(object, model, &target.shape, differences, held)?;
    let registry = Registry::standard();
    let simulator = known
        .spec
        .with_inverse(Arc::clone(&joined.simulator), registry);
    let simulator = simulator.map_err(|error| located(error, origin))?;
    arrays::shaped("the target", target, &simulator.output().shape)?;
    let subject = Subject::new(Arc::clone(&simulator));
    let assembled = known
        .spec
        .pose_with(&subject, &[&target.values], registry, &NoFiles);
    let assembled = assembled.map_err(|error| located(error, origin))?;
    Ok((joined, assembled))
}

/// A problem with its simulator, built again where that is needed: by another process, after a fork as after a pickle.
pub struct Posed {
    /// All but the simulator.
    pub terms: Terms,
    object: Mutex<Option<Py<PyAny>>>,
    built: Mutex<Option<Arc<Built>>>,
}

impl Posed {
    /// A problem that is built already, or has lost its simulator.
    pub fn new(terms: Terms, object: Option<Py<PyAny>>, built: Option<Built>) -> Self {
        Self {
            terms,
            object: Mutex::new(object),
            built: Mutex::new(built.map(Arc::new)),
        }
    }

    /// The problem, for this process.
    ///
    /// # Errors
    /// If it lost its simulator, or cannot be built here.
    pub fn built(&self, py: Python<'_>) -> PyResult<Arc<Built>> {
        let here = std::process::id();
        let known = lock(&self.built).clone();
        if let Some(known) = known.filter(|known| known.process == here) {
            return Ok(known);
        }
        let Some(object) = self.object(py) else {
            return Err(PyRuntimeError::new_err(
                "this solution was pickled without its simulator, which pickle refused: compute the statistics \
                 before, or build the simulator from functions and classes at the top level of a module",
            ));
        };
        let built = Arc::new(Built::new(
            object.bind(py),
            &self.terms,
            Arc::default(),
            None,
        )?);
        *lock(&self.built) = Some(Arc::clone(&built));
        Ok(built)
    }

    /// The simulator, as it was given.
    pub fn object(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        lock(&self.object)
            .as_ref()
            .map(|object| object.clone_ref(py))
    }

    /// Takes a simulator that came after.
    pub fn restore(&self, object: Option<Py<PyAny>>) {
        *lock(&self.object) = object;
    }

    /// Shows the collector what is held.
    ///
    /// # Errors
    /// What the collector says.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Ok(object) = self.object.try_lock() {
            visit.call(&*object)?;
        }
        // While someone uses what is built, its references are not this one's alone.
        if let Ok(built) = self.built.try_lock()
            && let Some(built) = built.as_ref().filter(|built| Arc::strong_count(built) == 1)
        {
            let methods = &built.joined.methods;
            methods
                .iter()
                .try_for_each(|methods| methods.traverse(visit))?;
        }
        Ok(())
    }

    /// Lets go of the simulator.
    pub fn clear(&self) {
        let built = lock(&self.built).take();
        let all = built.as_ref().map(|built| &built.joined.methods);
        all.into_iter()
            .flatten()
            .for_each(|methods| methods.clear());
        let object = lock(&self.object).take();
        drop((built, object));
    }
}

/// Held for as long as it takes to copy a pointer, with the interpreter's lock: no fork finds it taken.
fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
