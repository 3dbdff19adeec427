//! Solving from Python.

use std::sync::Arc;
use std::time::Instant;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use retrodict::interrupt::Interrupt;
use retrodict::solver::remarks::Advice;
use retrodict::solver::starts::{End, basins};
use retrodict::spec::WeightSpec;
use retrodict::uncertainty::weight::{Choice, Chosen};
use retrodict::{Checkpoint, Counts, Solver, Status, StatusKind, StopWhen};

use crate::arrays::type_name;
use crate::errors::{Ending, Held, caused, raised};
use crate::known::{Arguments, Known};
use crate::observer::Watch;
use crate::posed::{Built, Posed, Terms};
use crate::process::detached;
use crate::solution::{Distinct, Facts, Solution, Weight};
use crate::{signals, subject};

/// Solves P(x) ≈ target for x.
///
/// simulator: a function forward(x) → y of float64 arrays; an object with forward(x) and, if it has them,
/// jacobian(x), jvp(x, dx), vjp(x, dy) and invert_near(y, x0); retrodict.simulator(…), or its name.
/// target: y*, in the shape of y. start: the first x, in the shape of x.
/// method: a rule of retrodict.methods(), or an alias of one; "auto" chooses by the size of the problem, its
/// inverse, priors and bounds, and Solution.method_reason says why; options: the rule's options.
/// noise: a standard deviation for all data, one for each, or their covariance.
/// loss: another loss, by name or {"name": …, options}, instead of noise.
/// missing: whether NaN in the target marks values that were not observed, as a mask always does.
/// lower, upper: bounds on x, for all unknowns or for each.
/// priors: {"name": …, "weight": …, options}, or a list of these; the weight is a number, or the rule that chooses it from
/// the data: "discrepancy", "cross-validation" (or "gcv"), "l-curve" or "auto".
/// inverse: how P is inverted for rules that need it, by name or {"name": …, options}.
/// transform: what rules see in place of x: "log", {"bounds": [low, high]} or {"scale": unit} for all unknowns, or a list
/// with one for each.
/// starts: solve from this many points, the start and others drawn around it (spread: how far; seed: of the draws);
/// Solution.solutions lists the distinct ones.
/// stop: a number of steps, or a dictionary; see the stubs for its keys.
/// observer: called with a Record at the start and after each step; it stops the run by returning True.
/// differences: {"scheme": "central" or "forward", "step": …, "at_once": …}, for derivatives that a Python
/// simulator lacks.
///
/// A run that does not converge raises no exception: see Solution.status. Ctrl-C, and an exception of the
/// observer, end the run and are raised with the best x so far in their attribute `solution`. An exception of the
/// simulator is raised as the cause of SimulationError if it occurs before the first step is done; later, it shortens
/// the step.
///
/// Raises ValueError or TypeError for arguments that do not fit, SimulationError as above.
#[pyfunction]
#[pyo3(signature = (
    simulator, target, start, *, method="auto", options=None, noise=None, loss=None,
    missing=false, lower=None, upper=None, priors=None, inverse=None, transform=None, starts=1, spread=None, seed=0,
    stop=None, observer=None, differences=None
))]
#[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
pub fn solve(
    py: Python<'_>,
    simulator: &Bound<'_, PyAny>,
    target: &Bound<'_, PyAny>,
    start: &Bound<'_, PyAny>,
    method: &str,
    options: Option<&Bound<'_, PyAny>>,
    noise: Option<&Bound<'_, PyAny>>,
    loss: Option<&Bound<'_, PyAny>>,
    missing: bool,
    lower: Option<&Bound<'_, PyAny>>,
    upper: Option<&Bound<'_, PyAny>>,
    priors: Option<&Bound<'_, PyAny>>,
    inverse: Option<&Bound<'_, PyAny>>,
    transform: Option<&Bound<'_, PyAny>>,
    starts: usize,
    spread: Option<f64>,
    seed: u64,
    stop: Option<&Bound<'_, PyAny>>,
    observer: Option<Bound<'_, PyAny>>,
    differences: Option<&Bound<'_, PyAny>>,
) -> PyResult<Py<Solution>> {
    callable(observer.as_ref())?;
    let object = subject::named(simulator)?;
    let x = subject::input(&object, "the start", start)?;
    let mut data = subject::target(&object, target)?;
    let arguments = Arguments {
        method,
        options,
        noise,
        loss,
        missing,
        lower,
        upper,
        priors,
        inverse,
        transform,
        starts,
        spread,
        seed,
        stop,
        differences,
    };
    let terms = Terms {
        known: Known::read(&arguments, &mut data, &x)?,
        target: data.numbers,
        input: x.shape,
    };
    run(py, object, terms, observer)
}

/// Poses the problem, chooses the weight of its prior where a rule is to, and solves it from its starts.
pub fn run(
    py: Python<'_>,
    object: Bound<'_, PyAny>,
    mut terms: Terms,
    observer: Option<Bound<'_, PyAny>>,
) -> PyResult<Py<Solution>> {
    let held = Arc::new(Held::default());
    let mut built = Built::new(&object, &terms, Arc::clone(&held))?;
    built.joined.warn(py)?;
    let weight = match built.assembled.choice {
        None => None,
        Some(choice) => {
            let chosen = weigh(py, &built, choice)?;
            terms.known.spec.priors[0].weight = WeightSpec::Given(chosen.weight);
            built = Built::new(&object, &terms, Arc::clone(&held))?;
            Some(chosen)
        }
    };
    let starts: Vec<Checkpoint> = built
        .field
        .starts
        .iter()
        .cloned()
        .map(Checkpoint::at)
        .collect();
    let stop = built.assembled.stop.clone();
    let observer = observer.map(Bound::unbind);
    solved(
        py,
        object,
        terms,
        built,
        Task {
            starts,
            stop,
            weight,
            observer,
        },
    )
}

/// The weight of the prior by a rule, within the time limit of the run.
fn weigh(py: Python<'_>, built: &Built, choice: Choice) -> PyResult<Chosen> {
    let limit = built
        .assembled
        .stop
        .time
        .and_then(|time| Instant::now().checked_add(time));
    built.held.run(py, || {
        let work = || choice.weight(built.problem(), &built.field.starts[0]);
        match limit {
            Some(limit) => Interrupt::current().with_deadline(limit).within(work),
            None => work(),
        }
    })
}

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
) -> PyResult<Py<Solution>> {
    let held = Arc::clone(&built.held);
    let mut runs: Vec<Ended> = Vec::new();
    let mut failure = None;
    let mut ending = None;
    for (i, from) in task.starts.iter().enumerate() {
        let observer = task.observer.as_ref().map(|own| own.clone_ref(py));
        let mut watch = Watch::new(observer, &held, &terms.input);
        let rule = built
            .assembled
            .make_rule()
            .map_err(|error| raised(&error))?;
        let solver = Solver {
            rule,
            stop: task.stop.clone(),
        };
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
    let posed = Posed::new(terms, Some(object.unbind()), Some(built));
    let solution = Py::new(py, Solution::new(py, facts, posed, exception)?)?;
    match ending.map(|ending| ending.exception).or(never_began) {
        None => Ok(solution),
        Some(exception) => {
            // An exception of a class without room for it is raised all the same.
            let _ = exception.value(py).setattr("solution", solution);
            Err(exception)
        }
    }
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
const ADVICE: Advice<'static> = Advice {
    elsewhere: "choose another start",
    several: "try other starts, about ten, and keep the x with the lowest loss",
};

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
        .map(|(notice, count)| format!("{} ({count} times)", notice.0));
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
        trouble: found.trouble.as_ref().map(ToString::to_string),
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
        Status::Failed(error) if found.steps == 0 && found.trouble.is_none() => {
            Some(caused(py, error, Some(failure?.clone_ref(py))))
        }
        _ => None,
    }
}

fn callable(observer: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    match observer {
        Some(observer) if !observer.is_callable() => Err(PyTypeError::new_err(format!(
            "observer is a '{}', expected a function of a Record",
            type_name(observer)
        ))),
        _ => Ok(()),
    }
}
