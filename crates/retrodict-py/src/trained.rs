//! A network that was trained, and the training itself.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use numpy::PyArrayDyn;
use pyo3::exceptions::{PyBaseException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};
use retrodict::Network;
use retrodict::network::TrainedNetwork;
use retrodict::registry::Registry;
use retrodict::spec::{NetworkFile, TrainingStopSpec};

use crate::arrays::{self, tuple};
use crate::errors::{Held, raised};
use crate::learning::{COLUMNS, Learned, Owned, TrainedFacts, TrainingTask, callable, learn};
use crate::network::{predicted, weights};
use crate::pickling::{self, Asking};
use crate::training_terms::stopped;

/// A trained network: its weights, how the training went, and x = f(y*; θ) for any y*. Its arrays are read-only.
#[pyclass(frozen, module = "retrodict")]
pub struct Trained {
    facts: TrainedFacts,
    network: TrainedNetwork,
    /// The best θ, by its loss on held-out data, or on the training data if none are held out.
    #[pyo3(get)]
    theta: Py<PyArrayDyn<f64>>,
    /// Simulator and exception; the lock is held for as long as it takes to copy a pointer.
    owned: Mutex<Owned>,
    asking: Asking,
}

type Array<'py> = Bound<'py, PyArrayDyn<f64>>;

#[pymethods]
impl Trained {
    /// x of each y*: of one, in the shape of what the network sees, or of several along a first axis.
    fn predict<'py>(&self, py: Python<'py>, y: &Bound<'py, PyAny>) -> PyResult<Array<'py>> {
        let TrainedFacts { input, output, .. } = &self.facts;
        predicted(py, &self.network, input, output, y)
    }

    /// Writes the network to a file of the format safetensors, which `Network.load` and `retrodict predict` read; nothing else
    /// is needed to use it.
    ///
    /// Raises OSError if it cannot be written.
    fn save(&self, path: PathBuf) -> PyResult<()> {
        Ok(std::fs::write(path, &self.facts.file)?)
    }

    /// The arrays of the network by their names, such as dense1.weight: the weights, and the statistics of layers that
    /// normalise.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        weights(py, &self.network)
    }

    /// A line for each epoch, the start first: arrays epoch, step, seconds, running_loss, train_loss, test_loss and
    /// x_distance; NaN where something is not known.
    #[getter]
    fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (key, value) in COLUMNS {
            let column: Vec<f64> = self.facts.checkpoint.epochs.iter().map(value).collect();
            dict.set_item(key, arrays::show(py, &column, &[column.len()])?)?;
        }
        Ok(dict)
    }

    /// The lowest loss, on held-out data, or on the training data if none are held out.
    #[getter]
    fn loss(&self) -> f64 {
        self.facts.checkpoint.best_loss
    }

    /// How the training ended: "step-limit" after the epochs or steps that were asked for, "converged", "time-limit",
    /// "out-of-patience", "diverged", "failed" or "cancelled".
    #[getter]
    fn status(&self) -> &'static str {
        self.facts.status.name()
    }

    /// The same in a sentence, with what to try next.
    #[getter]
    fn message(&self) -> &str {
        &self.facts.message
    }

    /// Number of steps taken.
    #[getter]
    fn steps(&self) -> u64 {
        self.facts.checkpoint.steps
    }

    /// Number of epochs done.
    #[getter]
    fn epochs(&self) -> usize {
        self.facts.checkpoint.epochs.len().saturating_sub(1)
    }

    /// Seconds spent in steps.
    #[getter]
    fn seconds(&self) -> f64 {
        self.facts.checkpoint.seconds
    }

    /// Where the rule fell back from its formula, and how often.
    #[getter]
    fn notices(&self) -> Vec<String> {
        let notices = self.facts.checkpoint.notices.iter();
        notices
            .map(|(notice, count)| format!("{notice} ({count} times)"))
            .collect()
    }

    /// The first error that made the rule do so, if any.
    #[getter]
    fn first_error(&self) -> Option<&str> {
        self.facts.checkpoint.first_error.as_deref()
    }

    /// The exception with which the simulator ended the training, if it did.
    #[getter]
    fn exception(&self, py: Python<'_>) -> Option<Py<PyBaseException>> {
        self.owned(py).1
    }

    /// Resumes the training from where it ended, bit for bit as if it had not.
    ///
    /// epochs, steps, seconds: how many more; stop: other criteria, as for `train`, where epochs, steps and time count from the
    /// start of the training. Without any of them, as many more as the training was allowed in all.
    /// observer: as for `train`.
    ///
    /// Ctrl-C and exceptions are as for `train`.
    #[pyo3(signature = (*, epochs=None, steps=None, seconds=None, stop=None, observer=None))]
    fn resume(
        &self,
        py: Python<'_>,
        epochs: Option<u64>,
        steps: Option<u64>,
        seconds: Option<f64>,
        stop: Option<&Bound<'_, PyAny>>,
        observer: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<Self>> {
        callable(observer.as_ref())?;
        let stop = self.until(
            More {
                epochs,
                steps,
                seconds,
            },
            stop,
        )?;
        let object = self.owned(py).0;
        let held = Arc::new(Held::default());
        let mut terms = self.facts.terms.clone();
        terms
            .spec
            .methods
            .iter_mut()
            .for_each(|m| m.stop = TrainingStopSpec::default());
        terms.spec.stop = stop;
        let bound = object.as_ref().map(|own| own.bind(py));
        let (training, _) = terms.build(py, bound, &held, None)?;
        let task = TrainingTask {
            terms,
            object,
            from: self.facts.checkpoint.clone(),
            observer: observer.map(Bound::unbind),
        };
        Self::of(py, learn(py, task, training, held)?)
    }

    fn __repr__(&self) -> String {
        let (status, loss) = (&self.facts.status, self.facts.checkpoint.best_loss);
        format!(
            "<retrodict network '{}': {} → {}, {status}, loss {loss:.3e}>",
            self.facts.architecture.name,
            tuple(&self.facts.input),
            tuple(&self.facts.output)
        )
    }

    /// It never changes, and so is its own copy.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// It never changes, and so is its own copy.
    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// Numbers first; then, since they may hold this network, simulator and exception, where pickle takes them.
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, Owned)> {
        let facts = pickling::bytes(py, &self.facts)?;
        let owned = self.asking.once(|| self.portable(py)).transpose()?;
        let parts = pickling::parts(py, "_trained", (facts,))?;
        Ok((
            parts.get_item(0)?,
            parts.get_item(1)?,
            owned.unwrap_or((None, None)),
        ))
    }

    fn __setstate__(&self, owned: Owned) {
        *self.lock() = owned;
    }

    /// A simulator may hold its network, and so may the frames of an exception.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Ok(owned) = self.owned.try_lock() {
            visit.call(&owned.0)?;
            visit.call(&owned.1)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let taken = std::mem::take(&mut *self.lock());
        drop(taken);
    }
}

/// What pickle makes a trained network of.
#[pyfunction]
#[pyo3(name = "_trained")]
pub fn unpickled(py: Python<'_>, facts: &[u8]) -> PyResult<Trained> {
    let facts: TrainedFacts = pickling::data(facts)?;
    // Its file holds what normalises it too.
    let file = NetworkFile::from_bytes("the pickle", &facts.file, Registry::standard());
    let file = file.map_err(|error| raised(&error))?;
    Trained::new(py, facts, Arc::clone(file.network()), (None, None))
}

/// How much more is learned, as far as it was said.
struct More {
    epochs: Option<u64>,
    steps: Option<u64>,
    seconds: Option<f64>,
}

impl Trained {
    /// What is returned of a training, or raised with the network as an attribute.
    ///
    /// # Errors
    /// What ended the training, if an exception did.
    pub fn of(py: Python<'_>, learned: Learned) -> PyResult<Py<Self>> {
        let Learned {
            facts,
            network,
            owned,
            raised,
        } = learned;
        let own = Py::new(py, Self::new(py, facts, network, owned)?)?;
        match raised {
            None => Ok(own),
            Some(exception) => {
                // An exception of a class without room for it is raised all the same.
                let _ = exception.value(py).setattr("trained", own);
                Err(exception)
            }
        }
    }

    /// A network of what is kept of its training.
    ///
    /// # Errors
    /// If Python has no memory left, or the network is another one.
    fn new(
        py: Python<'_>,
        facts: TrainedFacts,
        network: Arc<dyn Network>,
        owned: Owned,
    ) -> PyResult<Self> {
        let (theta, statistics) = (&facts.checkpoint.best, &facts.checkpoint.statistics);
        let network = TrainedNetwork::new(network, &theta[..], &statistics[..]);
        let network = network.map_err(|error| raised(&error))?;
        Ok(Self {
            theta: arrays::show(py, theta, &[theta.len()])?,
            facts,
            network,
            owned: Mutex::new(owned),
            asking: Asking::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Owned> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owned(&self, py: Python<'_>) -> Owned {
        let owned = self.lock();
        let object = owned.0.as_ref().map(|own| own.clone_ref(py));
        (object, owned.1.as_ref().map(|own| own.clone_ref(py)))
    }

    /// Simulator and exception, as far as pickle takes them.
    fn portable(&self, py: Python<'_>) -> PyResult<Owned> {
        let (object, exception) = self.owned(py);
        let object = match object {
            Some(own) if pickling::takes(own.bind(py))? => Some(own),
            _ => None,
        };
        let exception = match exception {
            None => None,
            Some(own) => Some(pickling::portable(own.bind(py))?.unbind()),
        };
        Ok((object, exception))
    }

    /// When a training that goes on stops, counted from its start.
    fn until(&self, more: More, stop: Option<&Bound<'_, PyAny>>) -> PyResult<TrainingStopSpec> {
        let TrainedFacts {
            terms,
            checkpoint: done,
            ..
        } = &self.facts;
        let before = terms.spec.stop_of(terms.method()?);
        let mut until = match stop {
            Some(stop) => stopped(stop)?,
            None => before.clone(),
        };
        let said = more.epochs.is_some() || more.steps.is_some() || more.seconds.is_some();
        let More {
            epochs,
            steps,
            seconds,
        } = match (said, stop) {
            (false, Some(_)) => return Ok(until),
            (false, None) => More {
                epochs: before.epochs,
                steps: before.steps,
                seconds: before.time.map(|time| time.as_secs_f64()),
            },
            (true, None) => {
                (until.epochs, until.steps, until.time) = (None, None, None);
                more
            }
            (true, Some(_)) => more,
        };
        let epochs_done = done.epochs.len().saturating_sub(1) as u64;
        if let Some(more) = epochs {
            until.epochs = Some(epochs_done.saturating_add(more));
        }
        if let Some(more) = steps {
            until.steps = Some(done.steps.saturating_add(more));
        }
        if let Some(more) = seconds {
            let time = Duration::try_from_secs_f64(more).and_then(|more| {
                Duration::try_from_secs_f64(done.seconds).map(|spent| spent.saturating_add(more))
            });
            until.time = Some(time.map_err(|_| {
                PyValueError::new_err(format!(
                    "seconds = {more}, expected a number of 0 or more and less than 1e19"
                ))
            })?);
        }
        Ok(until)
    }
}
