//! What a run found, for Python.

use std::sync::Arc;

use numpy::PyArrayDyn;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use retrodict::statistics::{self, Noise};
use retrodict::{Problem, Simulator, Status};

use crate::arrays;
use crate::errors::Held;
use crate::observer::counts;
use crate::statistics::Statistics;

/// Everything that is known after a run.
pub struct Outcome {
    /// What the library found.
    pub found: retrodict::Solution,
    /// The loss after each step.
    pub losses: Vec<f64>,
    /// The problem.
    pub problem: Problem,
    /// y*.
    pub target: Vec<f64>,
    /// P.
    pub simulator: Arc<dyn Simulator>,
    /// What the user's code raises.
    pub held: Arc<Held>,
    /// Whether the noise was given.
    pub knows_noise: bool,
    /// How J was found, where that was not exact or cost more than usual.
    pub note: Option<String>,
    /// The rule's name.
    pub method: &'static str,
    /// Why it was chosen, where the user did not choose.
    pub method_reason: Option<&'static str>,
    /// What the user's simulator raised last.
    pub failure: Option<PyErr>,
}

/// What a run found: the best x, how the run ended, and what the data say of x.
#[pyclass(frozen, module = "retrodict")]
pub struct Solution {
    outcome: Outcome,
    x: Py<PyArrayDyn<f64>>,
    history: Py<PyArrayDyn<f64>>,
    y: PyOnceLock<Py<PyArrayDyn<f64>>>,
    residuals: PyOnceLock<Py<PyArrayDyn<f64>>>,
}

impl Solution {
    /// Makes arrays of what Python looks at.
    ///
    /// # Errors
    /// If Python has no memory left.
    pub fn new(py: Python<'_>, outcome: Outcome) -> PyResult<Self> {
        let shape = outcome.simulator.input().shape;
        Ok(Self {
            x: arrays::write(py, &outcome.found.x, &shape)?.unbind(),
            history: arrays::write(py, &outcome.losses, &[outcome.losses.len()])?.unbind(),
            y: PyOnceLock::new(),
            residuals: PyOnceLock::new(),
            outcome,
        })
    }

    fn simulate(&self, py: Python<'_>) -> PyResult<&Py<PyArrayDyn<f64>>> {
        self.y.get_or_try_init(py, || {
            let Outcome {
                simulator, held, ..
            } = &self.outcome;
            let shape = simulator.output().shape;
            let x = &self.outcome.found.x;
            let y = held.run(py, || {
                let mut y = vec![0.0; shape.iter().product()];
                simulator.forward(x, &mut y).map(|()| y)
            })?;
            Ok(arrays::write(py, &y, &shape)?.unbind())
        })
    }
}

#[pymethods]
impl Solution {
    /// The best x: the one with the lowest loss.
    #[getter]
    fn x(&self, py: Python<'_>) -> Py<PyArrayDyn<f64>> {
        self.x.clone_ref(py)
    }

    /// y = P(x) at the best x; one more forward call, at first use.
    #[getter]
    fn y(&self, py: Python<'_>) -> PyResult<Py<PyArrayDyn<f64>>> {
        Ok(self.simulate(py)?.clone_ref(py))
    }

    /// y* − y, NaN where nothing was observed; costs what y does.
    #[getter]
    fn residuals(&self, py: Python<'_>) -> PyResult<Py<PyArrayDyn<f64>>> {
        let found = self.residuals.get_or_try_init(py, || {
            let y = self.simulate(py)?.bind(py);
            let y = arrays::read("y", y.as_any())?;
            let pairs = self.outcome.target.iter().zip(&y.values);
            let residuals: Vec<f64> = pairs.map(|(target, y)| target - y).collect();
            Ok::<_, PyErr>(arrays::write(py, &residuals, &y.shape)?.unbind())
        })?;
        Ok(found.clone_ref(py))
    }

    /// The loss at the best x.
    #[getter]
    fn loss(&self) -> f64 {
        self.outcome.found.loss
    }

    /// How the run ended, in a word: "converged", "step-limit", "time-limit", "stalled", "saddle",
    /// "diverged", "line-search-failed", "failed" or "cancelled".
    #[getter]
    fn status(&self) -> &'static str {
        self.outcome.found.status.name()
    }

    /// The rule that was used, by its name.
    #[getter]
    fn method(&self) -> &'static str {
        self.outcome.method
    }

    /// Why it was chosen, where method was "auto"; else None.
    #[getter]
    fn method_reason(&self) -> Option<&'static str> {
        self.outcome.method_reason
    }

    /// What that means, and what to try next.
    #[getter]
    fn message(&self) -> String {
        self.outcome.found.status.to_string()
    }

    /// Whether a goal was reached.
    #[getter]
    fn converged(&self) -> bool {
        self.outcome.found.status.converged()
    }

    /// The number of steps taken.
    #[getter]
    fn steps(&self) -> usize {
        self.outcome.found.steps
    }

    /// Seconds from start to end.
    #[getter]
    fn seconds(&self) -> f64 {
        self.outcome.found.seconds
    }

    /// How often the simulator was asked for what.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counts(py, &self.outcome.found.counts)
    }

    /// The loss after each step, the start first.
    #[getter]
    fn history(&self, py: Python<'_>) -> Py<PyArrayDyn<f64>> {
        self.history.clone_ref(py)
    }

    /// Where the run departed from its formula, how J was found, and what the data cannot tell, in words.
    #[getter]
    fn notices(&self) -> Vec<String> {
        let Outcome {
            found,
            problem,
            note,
            ..
        } = &self.outcome;
        let shortage = problem.shortage().map(|shortage| shortage.to_string());
        let said = note.iter().cloned().chain(shortage);
        let fell_back = found
            .notices
            .iter()
            .map(|(notice, count)| format!("{} ({count} times)", notice.0));
        said.chain(fell_back).collect()
    }

    /// Why the run first departed from its formula, where an error was the cause.
    #[getter]
    fn trouble(&self) -> Option<String> {
        self.outcome.found.trouble.as_ref().map(ToString::to_string)
    }

    /// The exception with which the simulator ended the run, where status is "failed".
    #[getter]
    fn exception(&self, py: Python<'_>) -> Option<Py<pyo3::exceptions::PyBaseException>> {
        let failed = matches!(self.outcome.found.status, Status::Failed(_));
        let failure = self.outcome.failure.as_ref().filter(|_| failed)?;
        Some(failure.value(py).clone().unbind())
    }

    /// What the data say of x, the simulator taken as linear around it.
    ///
    /// noise: "known" or "estimated", from the residuals; known where `solve` was given it.
    /// names: of the unknowns, for what is said in words.
    ///
    /// Costs a Jacobian at x. Raises ValueError if the noise should be known and is not.
    #[pyo3(signature = (*, noise=None, names=None))]
    fn statistics(
        &self,
        py: Python<'_>,
        noise: Option<&str>,
        names: Option<Vec<String>>,
    ) -> PyResult<Statistics> {
        let Outcome {
            found,
            problem,
            simulator,
            held,
            knows_noise,
            ..
        } = &self.outcome;
        let noise = match noise {
            None if *knows_noise => Noise::Known,
            None | Some("estimated") => Noise::Estimated,
            Some("known") => Noise::Known,
            Some(other) => {
                return Err(PyValueError::new_err(format!(
                    "noise = '{other}', expected 'known' or 'estimated'"
                )));
            }
        };
        let shape = simulator.input().shape;
        let names = names.unwrap_or_else(|| match simulator.labels() {
            Some(labels) => labels.into_iter().map(|(name, _)| name).collect(),
            None => Vec::new(),
        });
        let found = held.run(py, || {
            statistics::Statistics::with(problem, &found.x, noise)
        })?;
        Ok(Statistics::new(found, shape, names))
    }

    fn __repr__(&self) -> String {
        let retrodict::Solution {
            steps,
            loss,
            status,
            ..
        } = &self.outcome.found;
        format!(
            "<retrodict solution: {} after {steps} steps, loss {loss:.6e}: {status}>",
            status.name()
        )
    }
}
