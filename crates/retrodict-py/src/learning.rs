//! A training under way: on a thread beside Python's, which is asked for Ctrl-C meanwhile, with its observer.

use std::ops::ControlFlow;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use pyo3::exceptions::{PyBaseException, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use retrodict::interrupt::Interrupt;
use retrodict::spec::{Named, NetworkFile, Training};
use retrodict::training::{Checkpoint, Epoch, Progress};
use retrodict::{Network, StatusKind};
use serde::{Deserialize, Serialize};

use crate::arrays::type_name;
use crate::errors::{Held, caused, raised};
use crate::process;
use crate::training_terms::TrainingTerms;

/// How often Python is asked for signals while another thread trains.
const EVERY: Duration = Duration::from_millis(50);

/// What is kept of a training.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainedFacts {
    /// What the training is made of.
    pub terms: TrainingTerms,
    /// The network by its name and options.
    pub architecture: Named,
    /// The shape of what it sees.
    pub input: Vec<usize>,
    /// The shape of x.
    pub output: Vec<usize>,
    /// Where the training stands.
    pub checkpoint: Checkpoint,
    /// The best network as a file.
    pub file: Vec<u8>,
    /// How it ended, in a word.
    pub status: StatusKind,
    /// The same in a sentence.
    pub message: String,
}

/// Simulator and exception, as far as there are.
pub type Owned = (Option<Py<PyAny>>, Option<Py<PyBaseException>>);

/// What came of a training.
pub struct Learned {
    /// What is kept of it.
    pub facts: TrainedFacts,
    /// The network.
    pub network: Arc<dyn Network>,
    /// Simulator and exception.
    pub owned: Owned,
    /// What ended it, if an exception did.
    pub raised: Option<PyErr>,
}

/// What is to be learned: by which training, and from where on.
pub struct TrainingTask {
    /// What the training is made of.
    pub terms: TrainingTerms,
    /// Its simulator, where that is written in Python.
    pub object: Option<Py<PyAny>>,
    /// Where it stands.
    pub from: Checkpoint,
    /// Who sees each epoch.
    pub observer: Option<Py<PyAny>>,
}

/// Trains, on a thread beside this one, which listens for Ctrl-C meanwhile: Python hears it on its main thread alone.
///
/// # Errors
/// What ended the training, if an exception did, or why the first step failed.
pub fn learn(
    py: Python<'_>,
    task: TrainingTask,
    mut training: Training,
    held: Arc<Held>,
) -> PyResult<Learned> {
    let TrainingTask {
        terms,
        object,
        from,
        observer,
    } = task;
    let see = |progress: &Progress<'_>| seen(progress, observer.as_ref(), &held);
    let interrupt = Interrupt::default().with_flag(held.end());
    let learn = || -> PyResult<retrodict::Result<_>> {
        process::ready()?;
        Ok(interrupt.within(|| training.resume(&from, see)))
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
    let name = &terms.method()?.name;
    let file = NetworkFile::of(&terms.spec, name, 0, &training, &trained.checkpoint);
    let file = file.and_then(|file| file.to_bytes());
    let facts = TrainedFacts {
        file: file.map_err(|error| raised(&error))?,
        terms,
        architecture: training.architecture.clone(),
        input: training.samples.input.shape.clone(),
        output: training.physics.simulator.input().shape.clone(),
        checkpoint: trained.checkpoint,
        status: trained.status.kind(),
        message,
    };
    let exception = failure.filter(|_| failed);
    let exception = exception.map(|own| own.value(py).clone().unbind());
    let network = Arc::clone(&training.network);
    Ok(Learned {
        facts,
        network,
        owned: (object, exception),
        raised: ending.map(|ending| ending.exception),
    })
}

/// Says whether an observer can be called.
///
/// # Errors
/// `TypeError` if it cannot.
pub fn callable(observer: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    match observer.filter(|own| !own.is_callable()) {
        None => Ok(()),
        Some(observer) => Err(PyTypeError::new_err(format!(
            "observer is a '{}', expected a function of a dictionary",
            type_name(observer)
        ))),
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

/// A key of `history`, and its value of an epoch.
type Column = (&'static str, fn(&Epoch) -> f64);

/// What is told of each epoch.
pub const COLUMNS: [Column; 7] = [
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
