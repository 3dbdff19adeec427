//! What a run shows after each step, and how it is told to end.

use std::ops::ControlFlow;

use numpy::PyArrayDyn;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use retrodict::Counts;

use crate::arrays::{self, type_name};
use crate::errors::Held;
use crate::pickling;

/// The state of a run after a step; step 0 is the start.
#[pyclass(frozen, module = "retrodict")]
pub struct Record {
    /// The number of steps taken.
    #[pyo3(get)]
    step: usize,
    /// Seconds since the start.
    #[pyo3(get)]
    seconds: f64,
    /// The loss at x.
    #[pyo3(get)]
    loss: f64,
    /// The lowest loss so far.
    #[pyo3(get)]
    best_loss: f64,
    /// The length of the step that led here.
    #[pyo3(get)]
    step_norm: f64,
    /// x, as an array that is yours.
    #[pyo3(get)]
    x: Py<PyArrayDyn<f64>>,
    counts: Counts,
}

#[pymethods]
impl Record {
    /// Number of evaluations of the simulator so far, by kind.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counts(py, &self.counts)
    }

    fn __repr__(&self) -> String {
        format!("Record(step={}, loss={:e})", self.step, self.loss)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let numbers = (
            self.step,
            self.seconds,
            self.loss,
            self.best_loss,
            self.step_norm,
        );
        let asked = pickling::bytes(py, &self.counts)?;
        pickling::parts(py, "_record", (numbers, &self.x, asked))
    }
}

/// What pickle makes a record of.
#[pyfunction]
#[pyo3(name = "_record")]
pub fn unpickled(
    numbers: (usize, f64, f64, f64, f64),
    x: Py<PyArrayDyn<f64>>,
    counts: &[u8],
) -> PyResult<Record> {
    let (step, seconds, loss, best_loss, step_norm) = numbers;
    Ok(Record {
        step,
        seconds,
        loss,
        best_loss,
        step_norm,
        x,
        counts: pickling::data(counts)?,
    })
}

/// Counts as a dictionary.
///
/// # Errors
/// If Python has no memory left.
pub fn counts<'py>(py: Python<'py>, counts: &Counts) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("forward", counts.forward)?;
    dict.set_item("jvp", counts.jvp)?;
    dict.set_item("vjp", counts.vjp)?;
    dict.set_item("inverse", counts.inverse)?;
    dict.set_item("second_order", counts.second_order)?;
    Ok(dict)
}

/// Watches a run: keeps its losses, listens for Ctrl-C, and asks the user's observer.
pub struct Watch<'a> {
    observer: Option<Py<PyAny>>,
    held: &'a Held,
    shape: &'a [usize],
    best: f64,
    /// The loss after each step, the start first.
    pub losses: Vec<f64>,
}

impl<'a> Watch<'a> {
    /// Before the run.
    pub fn new(observer: Option<Py<PyAny>>, held: &'a Held, shape: &'a [usize]) -> Self {
        Self {
            observer,
            held,
            shape,
            best: f64::INFINITY,
            losses: Vec::new(),
        }
    }

    /// After a step: whether to go on.
    pub fn see(&mut self, record: &retrodict::Record, x: &[f64]) -> ControlFlow<()> {
        self.losses.push(record.loss);
        self.best = self.best.min(record.loss);
        if self.held.ended() {
            return ControlFlow::Break(());
        }
        let told = Python::attach(|py| {
            py.check_signals()?;
            self.ask(py, record, x)
        });
        match told {
            Ok(false) => ControlFlow::Continue(()),
            Ok(true) => ControlFlow::Break(()),
            Err(exception) => {
                self.held.end_with(exception);
                ControlFlow::Break(())
            }
        }
    }

    /// Whether the user's observer ends the run: by `True`, and by nothing else that it returns.
    fn ask(&self, py: Python<'_>, record: &retrodict::Record, x: &[f64]) -> PyResult<bool> {
        let Some(observer) = &self.observer else {
            return Ok(false);
        };
        let shown = Record {
            step: record.step,
            seconds: record.seconds,
            loss: record.loss,
            best_loss: self.best,
            step_norm: record.step_norm,
            x: arrays::write(py, x, self.shape)?.unbind(),
            counts: record.counts,
        };
        let told = observer.bind(py).call1((shown,))?;
        if told.is_none() {
            return Ok(false);
        }
        told.extract().map_err(|_| {
            PyTypeError::new_err(format!(
                "the observer returned a '{}', expected True to end the run, or None or False to continue; if a \
                 lambda returns the value of its call, use a function that returns nothing",
                type_name(&told)
            ))
        })
    }
}
