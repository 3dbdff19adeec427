//! The library's checks of a simulator, for one's own.

use std::sync::Arc;

use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList, PyTuple};
use retrodict::check as conformance;

use crate::errors::Held;
use crate::{pickling, subject};

/// The result of a check, beside the expected one.
#[pyclass(frozen, get_all, module = "retrodict", from_py_object)]
#[derive(Clone)]
pub struct Check {
    /// The check's name.
    name: String,
    /// Whether it passed.
    passed: bool,
    /// The figure; NaN if it could not be measured.
    measured: f64,
    /// What the figure should be.
    expected: String,
    /// What was measured, or why it could not be.
    detail: String,
}

#[pymethods]
impl Check {
    fn __repr__(&self) -> String {
        let verdict = if self.passed { "pass" } else { "FAIL" };
        format!(
            "{verdict}  {:<14} {:<10} ({})  {}",
            self.name,
            format!("{:.2e}", self.measured),
            self.expected,
            self.detail
        )
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let Self {
            name,
            passed,
            measured,
            expected,
            detail,
        } = self;
        pickling::parts(py, "_check", (name, passed, measured, expected, detail))
    }
}

/// What pickle makes a check of.
#[pyfunction]
#[pyo3(name = "_check")]
pub fn unpickled(
    name: String,
    passed: bool,
    measured: f64,
    expected: String,
    detail: String,
) -> Check {
    Check {
        name,
        passed,
        measured,
        expected,
        detail,
    }
}

/// All checks of a simulator; prints one line per check.
#[pyclass(frozen, module = "retrodict")]
pub struct Checks {
    checks: Vec<Check>,
}

#[pymethods]
impl Checks {
    /// Whether all of them passed.
    #[getter]
    fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }

    fn __len__(&self) -> usize {
        self.checks.len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, self.checks.clone())?.try_iter()
    }

    fn __getitem__(&self, index: isize) -> PyResult<Check> {
        let count = self.checks.len();
        let place = if index < 0 {
            index.checked_add_unsigned(count)
        } else {
            Some(index)
        };
        let found = place
            .and_then(|place| usize::try_from(place).ok())
            .and_then(|place| self.checks.get(place));
        found.cloned().ok_or_else(|| {
            PyIndexError::new_err(format!("check {index} of {count}, counted from 0"))
        })
    }

    fn __repr__(&self) -> String {
        let lines: Vec<String> = self.checks.iter().map(Check::__repr__).collect();
        lines.join("\n")
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        pickling::parts(py, "_checks", (self.checks.clone(),))
    }
}

/// What pickle makes checks of.
#[pyfunction]
#[pyo3(name = "_checks")]
pub fn all_unpickled(checks: Vec<Check>) -> Checks {
    Checks { checks }
}

/// Tests a simulator near x: its derivatives against differences and against each other, its local inverse
/// by a round trip, and how it handles invalid input.
///
/// x: where to test, in the shape of x. seed: for the random directions that are tested.
///
/// A failed check raises no exception: see Checks.passed. Raises SimulationError if forward fails at x.
#[pyfunction]
#[pyo3(name = "check", signature = (simulator, x, *, seed=0))]
pub fn check(
    py: Python<'_>,
    simulator: &Bound<'_, PyAny>,
    x: &Bound<'_, PyAny>,
    seed: u64,
) -> PyResult<Checks> {
    let held = Arc::new(Held::default());
    let object = subject::named(simulator)?;
    let x = subject::input(&object, "x", x)?;
    let output = subject::output(&object, &x)?;
    let joined = subject::join(&object, &x.shape, &output, None, &held)?;
    let found = held.run(py, || {
        Ok(conformance::simulator(&joined.simulator, &x.values, seed))
    })?;
    let checks = found.into_iter().map(|found| Check {
        name: found.name.to_owned(),
        passed: found.passed,
        measured: found.measured,
        expected: found.expected,
        detail: found.detail,
    });
    Ok(Checks {
        checks: checks.collect(),
    })
}
