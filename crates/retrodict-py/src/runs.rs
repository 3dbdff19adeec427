//! The runs of a problem, and what they found.

use std::sync::Arc;

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use retrodict::solver::remarks::Advice;
use retrodict::solver::starts::{End, basins};
use retrodict::uncertainty::weight::Chosen;
use retrodict::{Checkpoint, Counts, Status, StatusKind, StopWhen};

use crate::errors::{Ending, caused, raised};
use crate::facts::{Distinct, Facts, Weight};
use crate::observer::Watch;
use crate::posed::{Built, Posed};
use crate::process::detached;
use crate::signals;
use crate::terms::Terms;

/// What is to be run of a problem: from where, until when, and who watches.
pub struct Task {
    /// Where each run stands.
    pub starts: Vec<Checkpoint>,
    /// When each ends.
    pub stop: StopWhen,
    /// The weight that was chosen for it.
    pub weight: Option<Chosen>,
    /// Who watches.
    pub observer: Option<Py<PyAny>>,
}

/// One run that has ended.
struct Ended {
    start: usize,
    found: retrodict::Solution,
    checkpoint: Checkpoint,
    losses: Vec<f64>,
}

/// Runs from each start, one after the other, on the thread that called: Python hears Ctrl-C there alone.
pub fn solved(
    py: Python<'_>,
    object: Bound<'_, PyAny>,
    terms: Terms,
    built: Built,
    task: Task,
) -> PyResult<Done> {
    let held = Arc::clone(&built.held);
    let mut runs: Vec<Ended> = Vec::new();
    let mut failure = None;
    let mut ending = None;
    for (i, from) in task.starts.iter().enumerate() {
        let observer = task.observer.as_ref().map(|own| own.clone_ref(py));
        let mut watch = Watch::new(observer, &held, &terms.input);
        let solver = built
            .assembled
            .solver_until(task.stop.clone())
            .map_err(|error| raised(&error))?;
        let heard = signals::heard(&held);
        let done = detached(py, || {
            heard.within(|| {
                solver.resume(built.problem(), from, |progress| {
                    watch.see(progress.record, progress.x)
                })
            })
        })?;
        let losses = watch.losses;
        ending = held.take();
        let own = held.take_failure();
        match (done, ending.as_ref()) {
            // At its first answer nothing was found yet.
            (Ok(_), Some(ending)) if ending.by_answer && losses.is_empty() && runs.is_empty() => {
                return Err(ending.exception.clone_ref(py));
            }
            (Ok((found, checkpoint)), _) => runs.push(Ended {
                start: i,
                found,
                checkpoint,
                losses,
            }),
            (Err(_), Some(ending)) if runs.is_empty() => {
                return Err(ending.exception.clone_ref(py));
            }
            // A start from which nothing can be done is left out, unless there is no other.
            (Err(error), None) if runs.is_empty() && i + 1 == task.starts.len() => {
                return Err(caused(py, &error, own));
            }
            (Err(_), _) => {}
        }
        failure = failure.or(own);
        if ending.is_some() {
            break;
        }
    }
    let ends: Vec<End<'_>> = runs.iter().map(|run| End::of(&run.found)).collect();
    let distinct = basins(&ends, &built.field.region);
    let solutions: Vec<Distinct> = distinct
        .iter()
        .map(|basin| {
            let Ended { found, .. } = &runs[basin.best];
            Distinct {
                x: found.x.clone(),
                loss: found.loss,
                status: found.status.kind(),
                starts: basin.starts.iter().map(|run| runs[*run].start).collect(),
            }
        })
        .collect();
    let mut counts = task
        .weight
        .as_ref()
        .map_or_else(Counts::default, |chosen| chosen.counts);
    runs.iter().for_each(|run| counts.add(&run.found.counts));
    let best = distinct.first().map_or(0, |basin| basin.best);
    let Ended {
        found,
        checkpoint,
        losses,
        ..
    } = runs.swap_remove(best);
    let never_began = never_began(py, &found, failure.as_ref());
    let extra = Extra {
        losses,
        counts,
        checkpoint,
        solutions,
        weight: task.weight.as_ref().map(Weight::from),
        stop: task.stop,
    };
    let facts = facts(found, extra, &built, ending.as_ref());
    let exception = match &ending {
        Some(ending) if ending.by_answer => Some(&ending.exception),
        _ => failure
            .as_ref()
            .filter(|_| facts.status == StatusKind::Failed),
    };
    let exception = exception.map(|exception| exception.value(py).clone().unbind());
    Ok(Done {
        facts,
        posed: Posed::new(terms, Some(object.unbind()), Some(built)),
        exception,
        raised: ending.map(|ending| ending.exception).or(never_began),
    })
}

/// Runs that have ended, before Python is given what they found.
pub struct Done {
    /// What they found.
    pub facts: Facts,
    /// The problem.
    pub posed: Posed,
    /// The exception with which the simulator ended the run, if it did.
    pub exception: Option<Py<PyBaseException>>,
    /// What is raised, with the solution as its attribute.
    pub raised: Option<PyErr>,
}

/// What a solution knows beside what its best run found.
struct Extra {
    losses: Vec<f64>,
    counts: Counts,
    checkpoint: Checkpoint,
    solutions: Vec<Distinct>,
    weight: Option<Weight>,
    stop: StopWhen,
}

/// How one starts elsewhere in Python.
const ADVICE: Advice<'static> = Advice::new(
    "choose another start",
    "try other starts, about ten, and keep the x with the lowest loss",
);

/// What the run found, in the words of Python.
fn facts(
    found: retrodict::Solution,
    extra: Extra,
    built: &Built,
    ending: Option<&Ending>,
) -> Facts {
    let problem = built.problem();
    let note = built.joined.note.clone();
    let (status, message) = match ending {
        Some(Ending {
            exception,
            by_answer: true,
        }) => (
            StatusKind::Failed,
            format!("{exception}; the best x so far is kept: fix the simulator"),
        ),
        Some(Ending { exception, .. }) => (
            StatusKind::Cancelled,
            format!("ended by {exception}; the best x is kept: start from it to continue"),
        ),
        None => (found.status.kind(), found.message()),
    };
    let shortage = problem.shortage().map(|shortage| shortage.to_string());
    let remarks = found.remarks(problem, |i| format!("x[{i}]"), &ADVICE);
    let fell_back = found
        .notices
        .iter()
        .map(|(notice, count)| format!("{notice} ({count} times)"));
    Facts {
        x: found.x,
        loss: found.loss,
        converged: ending.is_none() && found.status.converged(),
        status,
        message,
        steps: found.steps,
        seconds: found.seconds,
        counts: extra.counts,
        losses: extra.losses,
        method: built.assembled.rule.name.clone(),
        method_reason: built.assembled.reason.map(str::to_owned),
        checkpoint: extra.checkpoint,
        solutions: extra.solutions,
        weight: extra.weight,
        stop: extra.stop,
        notices: note
            .into_iter()
            .chain(shortage)
            .chain(fell_back)
            .chain(remarks)
            .collect(),
        first_error: found.notices.first_error().map(ToString::to_string),
    }
}

/// The exception for code of the user's that failed before the first step was tried, as a derivative with a
/// mistake in it does: nothing was found that could stand in for it. Where trials failed, the start stands.
fn never_began(
    py: Python<'_>,
    found: &retrodict::Solution,
    failure: Option<&PyErr>,
) -> Option<PyErr> {
    match &found.status {
        Status::Failed(error) if found.steps == 0 && found.notices.first_error().is_none() => {
            Some(caused(py, error, Some(failure?.clone_ref(py))))
        }
        _ => None,
    }
}
