//! Solving from Python.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use retrodict::registry::RULES;
use retrodict::solver::automatic::{self, AUTOMATIC};
use retrodict::solver::remarks::Advice;
use retrodict::{Problem, Solver, Status};

use crate::arrays::type_name;
use crate::errors::{Ending, Held, caused, raised};
use crate::known::{Arguments, Known, options as table};
use crate::observer::Watch;
use crate::posed::{Built, Posed, Terms};
use crate::process::detached;
use crate::solution::{Facts, Solution};
use crate::{signals, stop, subject};

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
/// priors: {"name": …, "weight": …, options}, or a list of these.
/// inverse: how P is inverted for rules that need it, by name or {"name": …, options}.
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
    missing=false, lower=None, upper=None, priors=None, inverse=None, stop=None, observer=None,
    differences=None
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
    stop: Option<&Bound<'_, PyAny>>,
    observer: Option<Bound<'_, PyAny>>,
    differences: Option<&Bound<'_, PyAny>>,
) -> PyResult<Py<Solution>> {
    let held = Arc::new(Held::default());
    let rule_options = table("options", options)?;
    let build = |name: &str| {
        RULES
            .build(name, &rule_options)
            .map_err(|error| raised(&error))
    };
    let named_rule = match method {
        AUTOMATIC => None,
        name => Some(build(name)?),
    };
    let stop = stop::when(stop, &held)?;
    callable(observer.as_ref())?;
    let arguments = Arguments {
        noise,
        loss,
        missing,
        lower,
        upper,
        priors,
        inverse,
        differences,
    };
    let object = subject::named(simulator)?;
    let x = subject::input(&object, "the start", start)?;
    let mut data = subject::target(&object, target)?;
    let terms = Terms {
        known: Known::read(&arguments, &mut data)?,
        target: data.numbers,
        input: x.shape,
    };
    let built = Built::new(&object, &terms, Arc::clone(&held))?;
    built.joined.warn(py)?;
    let (rule, method, method_reason) = match named_rule {
        Some(rule) => {
            let entry = RULES.find(method).map_err(|error| raised(&error))?;
            (rule, entry.name, None)
        }
        None => {
            let found = automatic::method(&built.problem);
            (build(found.method)?, found.method, Some(found.reason))
        }
    };

    let mut watch = Watch::new(observer.map(Bound::unbind), &held, &terms.input);
    let (solver, problem) = (Solver { rule, stop }, &built.problem);
    let heard = signals::heard(&held);
    let done = detached(py, || {
        heard.within(|| solver.solve_observed(problem, &x.values, |record, x| watch.see(record, x)))
    })?;
    let losses = watch.losses;
    let (ending, failure) = (held.take(), held.take_failure());
    let found = match (done, ending.as_ref()) {
        // At its first answer nothing was found yet.
        (Ok(_), Some(ending)) if ending.by_answer && losses.is_empty() => {
            return Err(ending.exception.clone_ref(py));
        }
        (Ok(found), _) => found,
        (Err(_), Some(ending)) => return Err(ending.exception.clone_ref(py)),
        (Err(error), None) => return Err(caused(py, &error, failure)),
    };
    let never_began = never_began(py, &found, failure.as_ref());
    let note = built.joined.note.clone();
    let chosen = (method, method_reason);
    let facts = facts(found, losses, note, problem, ending.as_ref(), chosen);
    let exception = match &ending {
        Some(ending) if ending.by_answer => Some(&ending.exception),
        _ => failure.as_ref().filter(|_| facts.status == FAILED),
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

/// The word for a run that the simulator ended.
const FAILED: &str = "failed";

/// How one starts elsewhere in Python.
const ADVICE: Advice<'static> = Advice {
    elsewhere: "choose another start",
    several: "try other starts, about ten, and keep the x with the lowest loss",
};

/// What the run found, in the words of Python.
fn facts(
    found: retrodict::Solution,
    losses: Vec<f64>,
    note: Option<String>,
    problem: &Problem,
    ending: Option<&Ending>,
    (method, method_reason): (&str, Option<&str>),
) -> Facts {
    let (status, message) = match ending {
        Some(Ending {
            exception,
            by_answer: true,
        }) => (
            FAILED,
            format!("{exception}; the best x so far is kept: fix the simulator"),
        ),
        Some(Ending { exception, .. }) => (
            Status::Cancelled.name(),
            format!("ended by {exception}; the best x is kept: start from it to continue"),
        ),
        None => (found.status.name(), found.message()),
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
        status: status.to_owned(),
        message,
        steps: found.steps,
        seconds: found.seconds,
        counts: found.counts,
        losses,
        method: method.to_owned(),
        method_reason: method_reason.map(str::to_owned),
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
