//! Solving from Python.

use std::sync::Arc;
use std::time::Instant;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use retrodict::Checkpoint;
use retrodict::interrupt::Interrupt;
use retrodict::spec::{Origin, WeightSpec};
use retrodict::uncertainty::weight::{Choice, Chosen};

use crate::arrays::type_name;
use crate::errors::Held;
use crate::known::{Arguments, Known};
use crate::posed::Built;
use crate::runs::{Task, solved};
use crate::solution::Solution;
use crate::terms::Terms;
use crate::{data_sets, subject};

/// Solves P(x) ≈ target for x.
///
/// simulator: a function forward(x) → y of float64 arrays; an object with forward(x) and, if it has them,
/// jacobian(x), jvp(x, dx), vjp(x, dy) and invert_near(y, x0); retrodict.simulator(…), or its name.
/// target: y*, in the shape of y; or {"north": y1, "south": y2}, several data sets that share parameters by name: simulator is
/// then one for all of them or {"north": …, "south": …}, and noise, loss may be such dictionaries too; a parameter with "scope":
/// "north" belongs to that data set alone, one with "each" to each of them. start: the first x, in the shape of x; it may be left out where parameters have starts.
/// parameters: {"k": {"start": 1.0, "lower": 0.0, "upper": …, "unit": "1/s", "transform": "log", "fixed": True or a value,
/// "tied": "2 * k_on", "prior": {"mean": …, "std": …}}, …}: the simulator's parameters by name, or names for the values of x in
/// their order; x is then made of the free ones, in their own units. derived: {"R0": "contact / recovery"}. constraints: "a + 2 * b <= 3", or a
/// list of such, linear in the free parameters, for levenberg-marquardt and gauss-newton. profile: of which
/// of them `Solution.profiles` is asked for, or {"of": names, "level": 0.9, "reach": …, "points": …, "steps": …}.
/// method: a rule of retrodict.methods(), or an alias of one; "auto" chooses by the size of the problem, its
/// inverse, priors and bounds, and Solution.method_reason says why; options: the rule's options.
/// noise: a standard deviation for all data, one for each, or their covariance; or the name of a noise level that is fitted,
/// as in noise="sigma", or {"parameter": names, "distribution": "proportional"}.
/// loss: another loss, by name or {"name": …, options}, instead of noise.
/// missing: whether NaN in the target marks values that were not observed, as a mask always does.
/// lower, upper: bounds on x, for all unknowns or for each.
/// priors: {"name": …, "weight": …, options}, or a list of these; the weight is a number, or the rule that chooses it from
/// the data: "discrepancy", "cross-validation" (or "gcv"), "l-curve" or "auto".
/// inverse: how P is inverted for rules that need it, by name or {"name": …, options}.
/// search: how far along Δx, by name or {"name": …, options}, in place of the search that the rule brings; `retrodict list
/// searches` shows them.
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
    simulator, target, start=None, *, parameters=None, derived=None, constraints=None, profile=None, method="auto", options=None, noise=None, loss=None,
    missing=false, lower=None, upper=None, priors=None, inverse=None, search=None, transform=None, starts=1, spread=None,
    seed=0,     stop=None, observer=None, differences=None
))]
#[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
pub fn solve(
    py: Python<'_>,
    simulator: &Bound<'_, PyAny>,
    target: &Bound<'_, PyAny>,
    start: Option<&Bound<'_, PyAny>>,
    parameters: Option<&Bound<'_, PyAny>>,
    derived: Option<&Bound<'_, PyAny>>,
    constraints: Option<&Bound<'_, PyAny>>,
    profile: Option<&Bound<'_, PyAny>>,
    method: &str,
    options: Option<&Bound<'_, PyAny>>,
    noise: Option<&Bound<'_, PyAny>>,
    loss: Option<&Bound<'_, PyAny>>,
    missing: bool,
    lower: Option<&Bound<'_, PyAny>>,
    upper: Option<&Bound<'_, PyAny>>,
    priors: Option<&Bound<'_, PyAny>>,
    inverse: Option<&Bound<'_, PyAny>>,
    search: Option<&Bound<'_, PyAny>>,
    transform: Option<&Bound<'_, PyAny>>,
    starts: usize,
    spread: Option<f64>,
    seed: u64,
    stop: Option<&Bound<'_, PyAny>>,
    observer: Option<Bound<'_, PyAny>>,
    differences: Option<&Bound<'_, PyAny>>,
) -> PyResult<Py<Solution>> {
    callable(observer.as_ref())?;
    let arguments = Arguments {
        parameters,
        derived,
        constraints,
        profile,
        method,
        options,
        noise,
        loss,
        missing,
        lower,
        upper,
        priors,
        inverse,
        search,
        transform,
        starts,
        spread,
        seed,
        stop,
        differences,
    };
    if let Ok(targets) = target.cast::<PyDict>() {
        let (object, terms) = data_sets::of_arguments(simulator, targets, start, &arguments)?;
        return run(py, object, terms, None, observer);
    }
    let object = subject::named(simulator)?;
    let mut data = subject::target(&object, target)?;
    let x = start.map(|start| subject::input(&object, "the start", start));
    let x = x.transpose()?;
    let known = Known::read(&arguments, &mut data, x.as_ref())?;
    let shape = subject::shape(&object, x, &known.spec)?;
    let terms = Terms {
        known,
        target: data.numbers,
        input: shape.clone(),
        model: shape,
        sets: Vec::new(),
    };
    run(py, object, terms, None, observer)
}

/// Poses the problem, chooses the weight of its prior where a rule is to, and solves it from its starts. Mistakes are told
/// with their line where the description came from a file.
pub fn run(
    py: Python<'_>,
    object: Bound<'_, PyAny>,
    mut terms: Terms,
    origin: Option<&Origin>,
    observer: Option<Bound<'_, PyAny>>,
) -> PyResult<Py<Solution>> {
    let held = Arc::new(Held::default());
    let mut built = Built::new(&object, &terms, Arc::clone(&held), origin)?;
    built.joined.warn(py)?;
    if let Some(parameters) = &built.assembled.parameters {
        terms.input = vec![parameters.unknowns()];
    }
    let weight = match built.assembled.choice {
        None => None,
        Some(choice) => {
            let chosen = weigh(py, &built, choice)?;
            terms.known.spec.priors[0].weight = WeightSpec::Given(chosen.weight);
            built = Built::new(&object, &terms, Arc::clone(&held), origin)?;
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
    let task = Task {
        starts,
        stop,
        weight,
        observer,
    };
    Solution::of(py, solved(py, object, terms, built, task)?)
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

fn callable(observer: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    match observer {
        Some(observer) if !observer.is_callable() => Err(PyTypeError::new_err(format!(
            "observer is a '{}', expected a function of a Record",
            type_name(observer)
        ))),
        _ => Ok(()),
    }
}
