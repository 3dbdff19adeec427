//! A network that was trained, and the training itself.

use std::ops::ControlFlow;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use numpy::PyArrayDyn;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use retrodict::interrupt::Interrupt;
use retrodict::registry::Registry;
use retrodict::spec::{Named, Training};
use retrodict::training::{Epoch, Progress};
use retrodict::{Network, Space, StatusKind};
use serde::{Deserialize, Serialize};

use crate::arrays::{self, Numbers, finite, tuple, type_name};
use crate::errors::{Held, caused, raised};
use crate::{pickling, process};

/// How often Python is asked for signals while another thread trains.
const EVERY: Duration = Duration::from_millis(50);

/// What is kept of a training.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Facts {
    architecture: Named,
    input: Vec<usize>,
    output: Vec<usize>,
    theta: Vec<f64>,
    loss: f64,
    status: StatusKind,
    message: String,
    steps: u64,
    seconds: f64,
    epochs: Vec<Epoch>,
    notices: Vec<(String, u64)>,
}

/// A trained network: its weights, how the training went, and x = f(y*; θ) for any y*. Its arrays are read-only.
#[pyclass(frozen, module = "retrodict")]
pub struct Trained {
    facts: Facts,
    network: Arc<dyn Network>,
    /// The best θ, by its loss on held-out data, or on the training data if none are held out.
    #[pyo3(get)]
    theta: Py<PyArrayDyn<f64>>,
    exception: Option<Py<PyAny>>,
}

type Array<'py> = Bound<'py, PyArrayDyn<f64>>;

#[pymethods]
impl Trained {
    /// x of each y*: of one, in the shape of what the network sees, or of several along a first axis.
    fn predict<'py>(&self, py: Python<'py>, y: &Bound<'py, PyAny>) -> PyResult<Array<'py>> {
        let Numbers { values, shape } = arrays::read("y", y)?;
        let values = finite("y", values)?;
        let (input, width) = (&self.facts.input, self.network.input().len());
        let several = shape.len() > 1 && values.len() == shape[0] * width;
        let one = shape == *input || shape == [width] || shape.is_empty() && width == 1;
        if !one && !several {
            return Err(PyValueError::new_err(format!(
                "y has shape {}, expected {} for one, or that with the number of samples in front",
                tuple(&shape),
                tuple(input)
            )));
        }
        let count = values.len() / width.max(1);
        let mut x = vec![0.0; count * self.network.output().len()];
        let (network, theta) = (&self.network, &self.facts.theta);
        Arc::new(Held::default()).run(py, || network.forward(theta, &values, &mut x))?;
        let mut out = self.facts.output.clone();
        if several && !(one && count == 1) {
            out.insert(0, count);
        }
        arrays::write(py, &x, &out)
    }

    /// The arrays of θ by their names, such as dense1.weight.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for weight in self.network.weights() {
            let array = arrays::show(py, &self.facts.theta[weight.range], &weight.shape)?;
            dict.set_item(weight.name, array)?;
        }
        Ok(dict)
    }

    /// A line for each epoch, the start first: arrays epoch, step, seconds, running_loss, train_loss, test_loss and
    /// x_distance; NaN where something is not known.
    #[getter]
    fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (key, value) in COLUMNS {
            let column: Vec<f64> = self.facts.epochs.iter().map(value).collect();
            dict.set_item(key, arrays::show(py, &column, &[column.len()])?)?;
        }
        Ok(dict)
    }

    /// The lowest loss, on held-out data, or on the training data if none are held out.
    #[getter]
    fn loss(&self) -> f64 {
        self.facts.loss
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
        self.facts.steps
    }

    /// Number of epochs done.
    #[getter]
    fn epochs(&self) -> usize {
        self.facts.epochs.len().saturating_sub(1)
    }

    /// Seconds spent in steps.
    #[getter]
    fn seconds(&self) -> f64 {
        self.facts.seconds
    }

    /// Where the rule fell back from its formula, and how often.
    #[getter]
    fn notices(&self) -> Vec<String> {
        let notices = self.facts.notices.iter();
        notices
            .map(|(notice, count)| format!("{notice} ({count} times)"))
            .collect()
    }

    /// The exception with which the simulator ended the training, if it did.
    #[getter]
    fn exception(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.exception.as_ref().map(|own| own.clone_ref(py))
    }

    fn __repr__(&self) -> String {
        let Facts { status, loss, .. } = &self.facts;
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

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        pickling::parts(py, "_trained", (pickling::bytes(py, &self.facts)?,))
    }
}

/// What pickle makes a trained network of.
#[pyfunction]
#[pyo3(name = "_trained")]
pub fn unpickled(py: Python<'_>, facts: &[u8]) -> PyResult<Trained> {
    let facts: Facts = pickling::data(facts)?;
    let registry = Registry::standard();
    let kind = registry.networks.make(registry, &facts.architecture);
    let space = |shape: &[usize]| Space::new("", shape, "1");
    let network = kind.and_then(|kind| kind.between(&space(&facts.input), &space(&facts.output)));
    Trained::new(py, facts, network.map_err(|error| raised(&error))?, None)
}

type Column = (&'static str, fn(&Epoch) -> f64);

/// What is told of each epoch.
const COLUMNS: [Column; 7] = [
    ("epoch", |e| e.epoch as f64),
    ("step", |e| e.step as f64),
    ("seconds", |e| e.seconds),
    ("running_loss", |e| e.running_loss),
    ("train_loss", |e| e.train.map_or(f64::NAN, |s| s.loss)),
    ("test_loss", |e| e.test.map_or(f64::NAN, |s| s.loss)),
    ("x_distance", |e| {
        e.test.and_then(|s| s.x_distance).unwrap_or(f64::NAN)
    }),
];

impl Trained {
    fn new(
        py: Python<'_>,
        facts: Facts,
        network: Arc<dyn Network>,
        exception: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        Ok(Self {
            theta: arrays::show(py, &facts.theta, &[facts.theta.len()])?,
            facts,
            network,
            exception,
        })
    }

    /// Trains, on a thread beside this one, which listens for Ctrl-C meanwhile: Python hears it on its main thread alone.
    ///
    /// # Errors
    /// What ended the training, if an exception did, or why the first step failed.
    pub fn learn(
        py: Python<'_>,
        mut training: Training,
        held: Arc<Held>,
        observer: Option<Py<PyAny>>,
    ) -> PyResult<Py<Self>> {
        let start = training.start();
        let see = |progress: &Progress<'_>| seen(progress, observer.as_ref(), &held);
        let interrupt = Interrupt::default().with_flag(held.end());
        let learn = || -> PyResult<retrodict::Result<_>> {
            process::ready()?;
            Ok(interrupt.within(|| training.resume(&start, see)))
        };
        let done = py.detach(|| beside(&held, learn))?;
        let (ending, failure) = (held.take(), held.take_failure());
        let trained = match (done, &ending) {
            (Ok(trained), _) => trained,
            (Err(_), Some(ending)) => return Err(ending.exception.clone_ref(py)),
            (Err(error), None) => return Err(caused(py, &error, failure)),
        };
        let failed = trained.status.kind() == StatusKind::Failed;
        let message = match &ending {
            Some(ending) => format!("ended by {}; the best θ is kept", ending.exception),
            None => trained.status.to_string(),
        };
        let state = trained.checkpoint;
        let facts = Facts {
            architecture: training.architecture.clone(),
            input: training.samples.input.shape.clone(),
            output: training.physics.simulator.input().shape.clone(),
            theta: state.best,
            loss: state.best_loss,
            status: trained.status.kind(),
            message,
            steps: state.steps,
            seconds: state.seconds,
            epochs: state.epochs,
            notices: state.notices,
        };
        let exception = failure.filter(|_| failed);
        let exception = exception.map(|own| own.value(py).clone().into_any().unbind());
        let network = Arc::clone(&training.network);
        let own = Py::new(py, Self::new(py, facts, network, exception)?)?;
        match ending {
            None => Ok(own),
            Some(ending) => {
                // An exception of a class without room for it is raised all the same.
                let _ = ending.exception.value(py).setattr("trained", own);
                Err(ending.exception)
            }
        }
    }
}

/// Does work on a thread of its own, and asks Python for signals until it is done.
fn beside<T: Send>(held: &Held, work: impl FnOnce() -> PyResult<T> + Send) -> PyResult<T> {
    thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        let worker = scope.spawn(move || {
            let done = work();
            // Whoever waits also sees that the sender is gone.
            let _ = tell.send(());
            done
        });
        while told.recv_timeout(EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
            if let Err(exception) = Python::attach(|py| py.check_signals()) {
                held.end_with(exception);
            }
        }
        let done = worker.join();
        done.unwrap_or_else(|_| Err(PyRuntimeError::new_err("the training ended unexpectedly")))
    })
}

/// After a step: whether to go on. The user's observer sees the end of each epoch.
fn seen(progress: &Progress<'_>, observer: Option<&Py<PyAny>>, held: &Held) -> ControlFlow<()> {
    if held.ended() {
        return ControlFlow::Break(());
    }
    let (Some(observer), Some(epoch), true) =
        (observer, progress.epochs.last(), progress.epoch_ended)
    else {
        return ControlFlow::Continue(());
    };
    let told = Python::attach(|py| {
        let dict = PyDict::new(py);
        for (key, value) in COLUMNS {
            dict.set_item(key, value(epoch))?;
        }
        let told = observer.bind(py).call1((dict,))?;
        if told.is_none() {
            return Ok(false);
        }
        told.extract().map_err(|_| {
            PyTypeError::new_err(format!(
                "the observer returned a '{}', expected True to end the training, or None or False to continue",
                type_name(&told)
            ))
        })
    });
    match told {
        Ok(false) => ControlFlow::Continue(()),
        Ok(true) => ControlFlow::Break(()),
        Err(exception) => {
            held.end_with(exception);
            ControlFlow::Break(())
        }
    }
}
