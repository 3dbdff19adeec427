//! What a run found, for Python.

use std::sync::{Arc, Mutex, PoisonError};

use numpy::PyArrayDyn;
use pyo3::PyTraverseError;
use pyo3::PyVisit;
use pyo3::exceptions::{PyBaseException, PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use retrodict::spec::PosteriorSpec;
use retrodict::uncertainty::statistics::{self, Noise};

use crate::facts::{Distinct, Facts};
use crate::observer::counts;
use crate::pickling::Asking;
use crate::posed::{Built, Posed};
use crate::posterior::Posterior;
use crate::runs::{Done, Task, solved};
use crate::statistics::Statistics;
use crate::terms::Terms;
use crate::{arrays, data_sets, known, parameters, pickling};

/// Simulator, exception and y, as far as there are.
type State = (
    Option<Py<PyAny>>,
    Option<Py<PyBaseException>>,
    Option<Py<PyArrayDyn<f64>>>,
);

/// The result of a run: the best x, how the run ended, and what the data say about x.
///
/// It never changes: its arrays are read-only, and `.copy()` of them is yours.
#[pyclass(frozen, module = "retrodict")]
pub struct Solution {
    facts: Facts,
    posed: Posed,
    x: Py<PyArrayDyn<f64>>,
    history: Py<PyArrayDyn<f64>>,
    y: PyOnceLock<Py<PyArrayDyn<f64>>>,
    residuals: PyOnceLock<Py<PyArrayDyn<f64>>>,
    exception: Mutex<Option<Py<PyBaseException>>>,
    asking: Asking,
}

impl Solution {
    /// Makes arrays of what Python looks at.
    ///
    /// # Errors
    /// If Python has no memory left.
    pub fn new(
        py: Python<'_>,
        facts: Facts,
        posed: Posed,
        exception: Option<Py<PyBaseException>>,
    ) -> PyResult<Self> {
        Ok(Self {
            x: arrays::show(py, &facts.x, &posed.terms.input)?,
            history: arrays::show(py, &facts.losses, &[facts.losses.len()])?,
            y: PyOnceLock::new(),
            residuals: PyOnceLock::new(),
            exception: Mutex::new(exception),
            asking: Asking::default(),
            facts,
            posed,
        })
    }

    /// What is returned of runs, or raised with the solution as an attribute.
    ///
    /// # Errors
    /// What ended the runs, if an exception did.
    pub fn of(py: Python<'_>, done: Done) -> PyResult<Py<Self>> {
        let solution = Py::new(py, Self::new(py, done.facts, done.posed, done.exception)?)?;
        match done.raised {
            None => Ok(solution),
            Some(exception) => {
                // An exception of a class without room for it is raised all the same.
                let _ = exception.value(py).setattr("solution", solution);
                Err(exception)
            }
        }
    }

    fn simulate(&self, py: Python<'_>) -> PyResult<&Py<PyArrayDyn<f64>>> {
        self.y.get_or_try_init(py, || {
            let built = self.posed.built(py)?;
            let simulator = &built.simulator;
            let shape = simulator.output().shape.clone();
            let y = built.held.run(py, || {
                let mut y = vec![0.0; shape.iter().product()];
                simulator.forward(&self.facts.x, &mut y).map(|()| y)
            })?;
            arrays::show(py, &y, &shape)
        })
    }

    fn found(
        &self,
        py: Python<'_>,
        built: &Built,
        noise: Noise,
    ) -> PyResult<statistics::Statistics> {
        let x = &self.facts.x;
        built.held.run(py, || {
            statistics::Statistics::with(built.problem(), x, noise)
        })
    }

    /// Simulator, exception and y, as far as pickle takes them. What a simulator that stays behind would have to be asked
    /// for later is asked for now.
    fn portable(&self, py: Python<'_>) -> PyResult<State> {
        let object = match self.posed.object(py) {
            Some(object) if pickling::takes(object.bind(py))? => Some(object),
            _ => None,
        };
        if object.is_none() {
            match self.simulate(py) {
                Err(error) if !error.is_instance_of::<PyException>(py) => return Err(error),
                _ => {}
            }
        }
        let exception = match self.exception(py) {
            None => None,
            Some(own) => Some(pickling::portable(own.bind(py))?.unbind()),
        };
        Ok((object, exception, self.y.get(py).map(|y| y.clone_ref(py))))
    }
}

/// What pickle makes a solution of, before `__setstate__`.
#[pyfunction]
#[pyo3(name = "_solution")]
pub fn unpickled(py: Python<'_>, facts: &[u8], terms: &[u8]) -> PyResult<Solution> {
    let posed = Posed::new(pickling::data(terms)?, None, None);
    Solution::new(py, pickling::data(facts)?, posed, None)
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
            let pairs = self.posed.terms.target.values.iter().zip(&y.values);
            let residuals: Vec<f64> = pairs.map(|(target, y)| target - y).collect();
            arrays::show(py, &residuals, &y.shape)
        })?;
        Ok(found.clone_ref(py))
    }

    /// {"north": {"y": …, "residuals": …}, …}: the parts of y and of the residuals that belong to each of several data sets, in
    /// the shapes of their targets; empty where there is one target. Costs what y does.
    #[getter]
    fn data_sets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        match self.posed.terms.sets.is_empty() {
            true => Ok(PyDict::new(py)),
            false => {
                data_sets::fitted(&self.posed.terms.sets, self.simulate(py)?.bind(py).as_any())
            }
        }
    }

    /// The loss at the best x.
    #[getter]
    fn loss(&self) -> f64 {
        self.facts.loss
    }

    /// How the run ended: "converged", "step-limit", "time-limit", "stalled", "saddle",
    /// "diverged", "no-progress", "no-effect", "line-search-failed", "failed" or "cancelled".
    #[getter]
    fn status(&self) -> &'static str {
        self.facts.status.name()
    }

    /// The rule that was used, by its name.
    #[getter]
    fn method(&self) -> &str {
        &self.facts.method
    }

    /// Why it was chosen, where method was "auto"; else None.
    #[getter]
    fn method_reason(&self) -> Option<&str> {
        self.facts.method_reason.as_deref()
    }

    /// What that means, and what to try next.
    #[getter]
    fn message(&self) -> &str {
        &self.facts.message
    }

    /// Whether a goal was reached.
    #[getter]
    fn converged(&self) -> bool {
        self.facts.converged
    }

    /// The number of steps taken.
    #[getter]
    fn steps(&self) -> usize {
        self.facts.steps
    }

    /// Seconds from start to end.
    #[getter]
    fn seconds(&self) -> f64 {
        self.facts.seconds
    }

    /// Number of evaluations of the simulator, by kind.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counts(py, &self.facts.counts)
    }

    /// The loss after each step, the start first.
    #[getter]
    fn history(&self, py: Python<'_>) -> Py<PyArrayDyn<f64>> {
        self.history.clone_ref(py)
    }

    /// Notices: where the run departed from its formula, how J was computed, and what the data do not determine.
    #[getter]
    fn notices(&self) -> Vec<String> {
        self.facts.notices.clone()
    }

    /// The first error that made the run depart from its formula, if any.
    #[getter]
    fn first_error(&self) -> Option<&str> {
        self.facts.first_error.as_deref()
    }

    /// The exception with which the simulator ended the run, where status is "failed".
    #[getter]
    fn exception(&self, py: Python<'_>) -> Option<Py<PyBaseException>> {
        let held = self.exception.lock();
        let held = held.unwrap_or_else(PoisonError::into_inner);
        held.as_ref().map(|exception| exception.clone_ref(py))
    }

    /// What the data say about x, with the simulator linearised there.
    ///
    /// noise: "known" or "estimated" (from the residuals); known by default if `solve` was given it.
    /// names: of the unknowns, for Statistics.words.
    ///
    /// Costs one Jacobian at x. Raises ValueError for noise="known" if the noise level is not known.
    #[pyo3(signature = (*, noise=None, names=None))]
    fn statistics(
        &self,
        py: Python<'_>,
        noise: Option<&str>,
        names: Option<Vec<String>>,
    ) -> PyResult<Statistics> {
        let Terms { input, .. } = &self.posed.terms;
        let built = self.posed.built(py)?;
        let noise = match noise {
            None => Noise::of(built.problem()),
            Some("estimated") => Noise::Estimated,
            Some("known") => Noise::Known,
            Some(other) => {
                return Err(PyValueError::new_err(format!(
                    "noise = '{other}', expected 'known' or 'estimated'"
                )));
            }
        };
        let names = names.unwrap_or_else(|| match built.simulator.describe().labels {
            Some(labels) => labels.into_iter().map(|(name, _)| name).collect(),
            None => Vec::new(),
        });
        let found = self.found(py, &built, noise)?;
        Ok(Statistics::new(found, input.clone(), names))
    }

    /// The values of all named parameters, free, fixed and tied, and of the derived quantities, by name; empty where none is
    /// named.
    #[getter]
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let built = self.posed.built(py)?;
        let Some(table) = &built.assembled.parameters else {
            return Ok(PyDict::new(py));
        };
        parameters::values(py, table, &built.assembled.derived, &self.facts.x)
    }

    /// {"value", "deviation", "low", "high", "unit"} of each of them, by name: standard deviation and confidence interval with
    /// the simulator linearised at x, errors propagated to what follows from others.
    ///
    /// Costs one Jacobian at x. Raises ValueError if the level does not lie between 0 and 1.
    #[pyo3(signature = (level=0.95))]
    fn intervals<'py>(&self, py: Python<'py>, level: f64) -> PyResult<Bound<'py, PyDict>> {
        let built = self.posed.built(py)?;
        let Some(table) = &built.assembled.parameters else {
            return Ok(PyDict::new(py));
        };
        let found = self.found(py, &built, Noise::of(built.problem()))?;
        parameters::intervals(py, table, &built.assembled.derived, &found, level)
    }

    /// The profile likelihoods of parameters and derived quantities, by name: {"value", "low", "high", "values", "excess",
    /// "threshold", "x", "sentence", …} of each, where excess is twice the rise of −ln of the likelihood with all others at
    /// their best, and the interval is where that stays below the threshold.
    ///
    /// names: which; those that `solve` was given if left out, or all. level: of the intervals, as `solve` was told if left
    /// out.
    ///
    /// Costs some ten fits each, begun near their ends.
    #[pyo3(signature = (names=None, *, level=None))]
    fn profiles<'py>(
        &self,
        py: Python<'py>,
        names: Option<&Bound<'_, PyAny>>,
        level: Option<f64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let built = self.posed.built(py)?;
        let mut wanted = self.posed.terms.known.spec.profile.clone();
        let named = crate::names::names("names", names)?;
        if !named.is_empty() {
            wanted.of = named;
        }
        wanted.level = level.unwrap_or(wanted.level);
        let found = self.found(py, &built, Noise::of(built.problem()))?;
        parameters::profiled(py, &built, &wanted, &found)
    }

    /// {"log_likelihood", "aic", "aicc", "bic", "parameters", "data"}: to compare models of the same data. None where the
    /// loss is no likelihood, or a prior shares in the fit.
    #[getter]
    fn criteria<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        parameters::criteria(py, &*self.posed.built(py)?, &self.facts.x)
    }

    /// The distinct solutions that the starts led to, lowest loss first: {"x", "loss", "status", "starts"} of each.
    #[getter]
    fn solutions<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let shape = &self.posed.terms.input;
        let one = |found: &Distinct| {
            let dict = PyDict::new(py);
            dict.set_item("x", arrays::show(py, &found.x, shape)?)?;
            dict.set_item("loss", found.loss)?;
            dict.set_item("status", found.status.name())?;
            dict.set_item("starts", found.starts.clone())?;
            Ok(dict)
        };
        self.facts.solutions.iter().map(one).collect()
    }

    /// The weight that a rule chose for the prior, as {"weight", "rule", "doubt", "degrees_of_freedom"}; else None.
    #[getter]
    fn weight<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(found) = &self.facts.weight else {
            return Ok(None);
        };
        let dict = PyDict::new(py);
        dict.set_item("weight", found.weight)?;
        dict.set_item("rule", &found.rule)?;
        dict.set_item("doubt", &found.doubt)?;
        dict.set_item("degrees_of_freedom", found.freedom)?;
        Ok(Some(dict))
    }

    /// Resumes the run from where it ended, bit for bit as if it had not.
    ///
    /// steps: how many steps more; stop: other criteria, as for `solve`, where steps count from the run's start. Without
    /// either, as many steps more as the run was allowed in all.
    /// observer: as for `solve`.
    #[pyo3(signature = (*, steps=None, stop=None, observer=None))]
    fn resume(
        &self,
        py: Python<'_>,
        steps: Option<usize>,
        stop: Option<&Bound<'_, PyAny>>,
        observer: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<Self>> {
        let before = &self.facts.checkpoint;
        let mut until = match stop {
            Some(_) => known::stop(stop)?,
            None => self.facts.stop.clone(),
        };
        let more = steps.or(stop.is_none().then_some(until.steps));
        if let Some(more) = more {
            until.steps = before.steps.saturating_add(more);
        }
        let Some(object) = self.posed.object(py) else {
            return Err(PyValueError::new_err(
                "this solution was pickled without its simulator, which pickle refused: solve again from its x",
            ));
        };
        let object = object.bind(py).clone();
        let terms = self.posed.terms.clone();
        let built = Built::new(&object, &terms, Arc::default(), None)?;
        let task = Task {
            starts: vec![before.clone()],
            stop: until,
            weight: None,
            observer: observer.map(Bound::unbind),
        };
        Self::of(py, solved(py, object, terms, built, task)?)
    }

    /// The posterior of a field around x: what the data leave open of it, from `rank` eigenvectors of their curvature.
    ///
    /// The prior must be "matern" alone, and the noise level known. samples: how many fields are drawn; seed: of the draws.
    ///
    /// Costs 2 (rank + 10) products with J and as many with Jᵀ. Raises ValueError where there is no such posterior.
    #[pyo3(signature = (*, rank=50, samples=4, seed=0))]
    fn posterior(
        &self,
        py: Python<'_>,
        rank: usize,
        samples: usize,
        seed: u64,
    ) -> PyResult<Posterior> {
        let wanted = PosteriorSpec::default()
            .with_rank(rank)
            .with_samples(samples)
            .with_seed(seed);
        let Terms { input, known, .. } = &self.posed.terms;
        let built = self.posed.built(py)?;
        let (priors, field, x) = (&known.spec.priors, &built.field, &self.facts.x);
        let found = built.held.run(py, || {
            wanted.check(priors, &field.data)?;
            wanted.find(priors, &field.problem, input, x)
        })?;
        Posterior::new(py, &found, input)
    }

    fn __repr__(&self) -> String {
        let Facts {
            steps,
            loss,
            status,
            message,
            ..
        } = &self.facts;
        format!("<retrodict solution: {status} after {steps} steps, loss {loss:.6e}: {message}>")
    }

    /// It never changes, and so is its own copy.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// It never changes, and so is its own copy.
    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// Numbers first; then, since they may hold this solution, simulator and exception, where pickle takes them.
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, State)> {
        let facts = pickling::bytes(py, &self.facts)?;
        let terms = pickling::bytes(py, &self.posed.terms)?;
        let state = self.asking.once(|| self.portable(py)).transpose()?;
        let parts = pickling::parts(py, "_solution", (facts, terms))?;
        let state = state.unwrap_or((None, None, None));
        Ok((parts.get_item(0)?, parts.get_item(1)?, state))
    }

    fn __setstate__(&self, py: Python<'_>, state: State) -> PyResult<()> {
        let (object, exception, y) = state;
        self.posed.restore(object);
        let mut held = self.exception.lock();
        if let Ok(held) = &mut held {
            **held = exception;
        }
        drop(held);
        if let Some(y) = y {
            let shown = arrays::read("y", y.bind(py).as_any())?;
            let shown = arrays::show(py, &shown.values, &shown.shape)?;
            let _ = self.y.set(py, shown);
        }
        Ok(())
    }

    /// A simulator may hold its solution, as estimators do, and so may the frames of an exception.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Ok(exception) = self.exception.try_lock() {
            visit.call(&*exception)?;
        }
        self.posed.traverse(&visit)
    }

    fn __clear__(&self) {
        self.posed.clear();
        let mut held = self.exception.lock();
        let taken = held.as_mut().ok().and_then(|held| held.take());
        drop(held);
        drop(taken);
    }
}
