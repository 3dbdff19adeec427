//! Solving from Python.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use retrodict::automatic::{self, AUTOMATIC};
use retrodict::inverse::WithInverse;
use retrodict::registry::{INVERSES, RULES};
use retrodict::{Solver, Status};

use crate::arrays::type_name;
use crate::errors::{Held, caused, raised};
use crate::observer::Watch;
use crate::problem::{self, Known};

use crate::solution::{Outcome, Solution};
use crate::stop;
use crate::subject::{Subject, subject};
use crate::tables::named;

/// Finds x with P(x) near the target.
///
/// simulator: a function forward(x) → y of float64 arrays; an object with forward(x) and, if it has them,
/// jacobian(x), jvp(x, dx), vjp(x, dy) and invert_near(y, x0); retrodict.simulator(…), or its name.
/// target: y*, in the shape of y. start: the first x, in the shape of x.
/// method: a rule of retrodict.methods(), or an alias of one; "auto" chooses by the size of the problem, its
/// inverse, priors and bounds, and Solution.method_reason says why; options: the rule's options.
/// noise: a standard deviation for all data, one for each, or their covariance.
/// loss: another loss, by name or {"name": …, options}, in place of noise.
/// missing: whether NaN in the target marks what was not observed.
/// lower, upper: bounds on x, for all unknowns or for each.
/// priors: {"name": …, "weight": …, options}, or a list of these.
/// inverse: how P is inverted for rules that need it, by name or {"name": …, options}.
/// stop: a number of steps, or a dictionary; see the stubs for its keys.
/// observer: called with a Record after each step, the start first; it ends the run by returning True.
/// differences: {"scheme": "central" or "forward", "step": …, "at_once": …}, for derivatives that a Python
/// simulator lacks.
///
/// Not to converge is no exception: see Solution.status. An exception of the observer, and Ctrl-C, end the
/// run and are raised with the best x so far in their attribute `solution`. An exception of the simulator is
/// raised as the cause of SimulationError where it fails before the first step is done; later it shortens the
/// step.
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
    let rule_options = problem::options("options", options)?;
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
    let settings = match differences {
        None => None,
        given => Some(problem::options("differences", given)?),
    };
    let of = ("the start", start);
    let Subject { joined, x, target } = subject(simulator, of, Some(target), settings, &held)?;
    let target = target.unwrap_or_default();
    let mut simulator = Arc::clone(&joined.simulator);
    if let Some(inverse) = inverse {
        let (name, options) = named("inverse", inverse, &INVERSES)?;
        let built = INVERSES.build(&name, &options);
        let inverse = built.map_err(|error| raised(&error))?;
        simulator = Arc::new(WithInverse::new(simulator, inverse));
    }
    let known = Known {
        noise,
        loss,
        missing,
        lower,
        upper,
        priors,
    };
    let problem = problem::problem(&simulator, &target, &known)?;
    joined.warn(py)?;
    let (rule, method, method_reason) = match named_rule {
        Some(rule) => {
            let entry = RULES.find(method).map_err(|error| raised(&error))?;
            (rule, entry.name, None)
        }
        None => {
            let found = automatic::method(&problem);
            (build(found.method)?, found.method, Some(found.reason))
        }
    };

    let shape = simulator.input().shape;
    let mut watch = Watch::new(observer.map(Bound::unbind), &held, &shape);
    let solver = Solver { rule, stop };
    let done = py.detach(|| solver.solve_observed(&problem, &x, |record, x| watch.see(record, x)));
    let losses = watch.losses;
    let (ended_by, failure) = (held.take(), held.take_failure());
    let found = match (done, ended_by.as_ref()) {
        (Ok(found), _) => found,
        (Err(_), Some(exception)) => return Err(exception.clone_ref(py)),
        (Err(error), None) => return Err(caused(py, &error, failure)),
    };
    let outcome = Outcome {
        found,
        losses,
        problem,
        target,
        simulator,
        held,
        knows_noise: noise.is_some(),
        note: joined.note,
        method,
        method_reason,
        failure,
    };
    let ended_by = ended_by.or_else(|| never_began(py, &outcome));
    let solution = Py::new(py, Solution::new(py, outcome)?)?;
    match ended_by {
        None => Ok(solution),
        Some(exception) => {
            // An exception of a class without room for it is raised all the same.
            let _ = exception.value(py).setattr("solution", solution);
            Err(exception)
        }
    }
}

/// The exception for code of the user's that failed before the first step was done, as a derivative with a
/// mistake in it does: nothing was found that could stand in for it.
fn never_began(py: Python<'_>, outcome: &Outcome) -> Option<PyErr> {
    let failure = outcome.failure.as_ref()?;
    match &outcome.found.status {
        Status::Failed(error) if outcome.found.steps == 0 => {
            Some(caused(py, error, Some(failure.clone_ref(py))))
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
