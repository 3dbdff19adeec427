//! The measurements: each takes a way to make fresh rules, and returns what it found.

use crate::options::Build;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::maps::{ComposedMap, Linear, Map, ROOT, SINH, invert};
use super::theory::{Composition, Convergence, Cost, SingularStep};
use crate::check::{observed_order, scaling_exponent};
use crate::error::Result;
use crate::linalg::norm;
use crate::losses::{SquaredError, Weighted};
use crate::problem::{Counts, Evaluation, Problem, Tally};
use crate::simulators::SquareOptions;
use crate::solver::solution::Solution;
use crate::solver::solve::Solver;
use crate::solver::stop::StopWhen;
use crate::updates::{Notice, Trial, UpdateRule};

/// Makes the rule under test, fresh.
pub(super) type Make<'a> = &'a dyn Fn() -> Result<Box<dyn UpdateRule>>;

/// The solution of the audit's problem.
const TRUTH: [f64; 2] = [0.3, -0.2];

/// Points from which the loss falls to the next one: what a rule with a memory has seen.
const PATH: [[f64; 2]; 4] = [[0.8, -0.6], [0.6, -0.2], [0.45, -0.35], [0.35, -0.1]];

/// P(x) = sinh(A x).
fn physics() -> Map {
    Arc::new(ComposedMap(
        Arc::new(Linear([1.0, 0.4, -0.3, 0.8])),
        Arc::new(SINH),
    ))
}

/// a x.
fn multiple(a: f64) -> Map {
    Arc::new(Linear([a, 0.0, 0.0, a]))
}

/// L = ½ Σ (y − y*)²/σ² for the target that `truth` leads to.
fn problem(map: Map, truth: [f64; 2], deviation: f64) -> Result<Problem> {
    let mut target = vec![0.0; 2];
    map.forward(&truth, &mut target)?;
    let loss = Weighted::half([deviation])?;
    Problem::new(map, Arc::new(loss), target)
}

/// The rule's update at x.
fn update(
    rule: &mut dyn UpdateRule,
    problem: &Problem,
    x: &[f64],
) -> Result<(Vec<f64>, Option<Notice>)> {
    let tally = Tally::default();
    let at = Evaluation::new(problem, &tally, x)?;
    let mut dx = vec![0.0; x.len()];
    let notice = rule.update(&at, &mut dx)?;
    Ok((dx, notice))
}

/// The update at the end of the path, in units of x that are `unit` times smaller.
fn at_end_of_path(make: Make<'_>, problem: &Problem, unit: f64) -> Result<Vec<f64>> {
    let mut rule = make()?;
    let tally = Tally::default();
    let scaled = |point: &[f64; 2]| point.map(|x| unit * x);
    for pair in PATH.windows(2) {
        update(&mut *rule, problem, &scaled(&pair[0]))?;
        rule.judge(&Trial {
            loss: Evaluation::new(problem, &tally, &scaled(&pair[0]))?.loss()?,
            trial_loss: Evaluation::new(problem, &tally, &scaled(&pair[1]))?.loss()?,
        });
    }
    Ok(update(&mut *rule, problem, &scaled(&PATH[3]))?.0)
}

/// x → a x, P(x) → P(x/a).
pub(super) fn x_units(make: Make<'_>) -> Result<f64> {
    scaling_exponent(|a| {
        let map = Arc::new(ComposedMap(multiple(1.0 / a), physics()));
        at_end_of_path(make, &problem(map, TRUTH.map(|x| a * x), 1.0)?, a)
    })
}

/// P → a P, y* → a y*.
pub(super) fn y_units(make: Make<'_>) -> Result<f64> {
    scaling_exponent(|a| {
        let map = Arc::new(ComposedMap(physics(), multiple(a)));
        at_end_of_path(make, &problem(map, TRUTH, 1.0)?, 1.0)
    })
}

/// L → a L.
pub(super) fn loss_units(make: Make<'_>) -> Result<f64> {
    scaling_exponent(|a| at_end_of_path(make, &problem(physics(), TRUTH, a.powf(-0.5))?, 1.0))
}

/// Errors below this are round-off.
const FLOOR: f64 = 1e-13;

/// How the errors ‖x − truth‖ fall from step to step, and the order that they show.
pub(super) fn convergence(make: Make<'_>) -> Result<(Convergence, f64)> {
    let mut errors = Vec::new();
    let stop = StopWhen::after(80).with_loss_change(0.0);
    let solver = Solver::new(make()?, stop);
    let start = [TRUTH[0] + 0.1, TRUTH[1] + 0.07];
    solver.solve_observed(&problem(physics(), TRUTH, 1.0)?, &start, |_, x| {
        errors.push((x[0] - TRUTH[0]).hypot(x[1] - TRUTH[1]));
        ControlFlow::Continue(())
    })?;
    Ok(classify(&errors))
}

/// The kind of convergence that a sequence of errors shows.
fn classify(errors: &[f64]) -> (Convergence, f64) {
    let significant: Vec<f64> = errors.iter().copied().take_while(|e| *e > FLOOR).collect();
    let reached = significant.len() < errors.len();
    if reached && significant.len() == 1 {
        return (Convergence::OneStep, f64::INFINITY);
    }
    // The first half of a long sequence may not have settled yet.
    let settled = if significant.len() > 16 {
        significant.len() / 2
    } else {
        0
    };
    let order = observed_order(&significant[settled..], FLOOR);
    let falls = significant[settled..]
        .windows(2)
        .all(|pair| pair[1] < pair[0]);
    let kind = match order {
        _ if !falls => Convergence::Irregular,
        q if (0.9..1.1).contains(&q) => Convergence::Linear,
        q if (1.1..1.75).contains(&q) => Convergence::Superlinear,
        q if (1.75..2.5).contains(&q) => Convergence::Quadratic,
        _ => Convergence::Irregular,
    };
    (kind, order)
}

/// The update of z = P₁(x) for several P₁ and the same z and P₂.
pub(super) fn composition(make: Make<'_>) -> Result<Composition> {
    const MIXING: [f64; 4] = [3.0, -1.0, 0.5, 0.25];
    let alone = intermediate(make, multiple(1.0))?;
    let linear = intermediate(make, Arc::new(Linear(MIXING)))?;
    let bent = ComposedMap(Arc::new(Linear(MIXING)), Arc::new(SINH));
    let bent = intermediate(make, Arc::new(bent))?;
    let same =
        |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]) <= 1e-9 * (norm(&a) + norm(&b));
    Ok(if same(bent.exact, alone.exact) {
        Composition::Exact
    } else if same(bent.first_order, alone.first_order) {
        Composition::FirstOrder
    } else if same(linear.first_order, alone.first_order) {
        Composition::LinearOnly
    } else {
        Composition::Dependent
    })
}

/// Δz, as J₁ Δx and as P₁(x + Δx) − z.
struct Intermediate {
    first_order: [f64; 2],
    exact: [f64; 2],
}

fn intermediate(make: Make<'_>, first: Map) -> Result<Intermediate> {
    let z = PATH[3];
    let (mut x, mut truth) = ([0.0; 2], [0.0; 2]);
    invert(&*first, &z, &[0.0; 2], &mut x)?;
    invert(&*first, &TRUTH, &[0.0; 2], &mut truth)?;
    let chain = problem(Arc::new(ComposedMap(first.clone(), physics())), truth, 1.0)?;
    let (dx, _) = update(&mut *make()?, &chain, &x)?;
    let (mut first_order, mut exact) = ([0.0; 2], [0.0; 2]);
    first.jvp(&x, &dx, &mut first_order)?;
    first.forward(&[x[0] + dx[0], x[1] + dx[1]], &mut exact)?;
    exact = [exact[0] - z[0], exact[1] - z[1]];
    Ok(Intermediate { first_order, exact })
}

/// y = (x₀, x₁²) at x₁ = 0, where J has lost x₁, with a target at x₁ = ±1.
pub(super) fn singular_jacobian(make: Make<'_>) -> Result<SingularStep> {
    let loss = Arc::new(SquaredError::half());
    let flat = Problem::new(
        Arc::new(SquareOptions::default().build()?),
        loss,
        vec![0.0, 1.0],
    )?;
    let (dx, notice) = update(&mut *make()?, &flat, &[1.0, 0.0])?;
    Ok(behaviour(&dx, dx[1], notice))
}

/// y = √x with the target 0: L = ½ Σ x, a plane.
pub(super) fn singular_hessian(make: Make<'_>) -> Result<SingularStep> {
    let loss = Arc::new(SquaredError::half());
    let plane = Problem::new(Arc::new(ROOT), loss, vec![0.0, 0.0])?;
    let (dx, notice) = update(&mut *make()?, &plane, &[1.0, 2.0])?;
    Ok(behaviour(&dx, dx[0], notice))
}

fn behaviour(dx: &[f64], singular: f64, notice: Option<Notice>) -> SingularStep {
    if !norm(dx).is_finite() {
        SingularStep::Fails
    } else if notice.is_some() {
        SingularStep::FallsBack
    } else if singular.abs() > 1e-12 {
        SingularStep::Moves
    } else {
        SingularStep::Stays
    }
}

/// What a step costs once the rule is under way, or the first one where that is the last.
pub(super) fn cost(make: Make<'_>) -> Result<Cost> {
    let run = |steps| -> Result<Solution> {
        let solver = Solver::new(make()?, StopWhen::after(steps));
        solver.solve(&problem(physics(), TRUTH, 1.0)?, &PATH[0])
    };
    let (start, one, two) = (run(0)?, run(1)?, run(2)?);
    let (before, after) = if two.steps == 2 {
        (one, two)
    } else {
        (start, one)
    };
    Ok(Cost(difference(after.counts, before.counts)))
}

fn difference(after: Counts, before: Counts) -> Counts {
    Counts {
        forward: after.forward - before.forward,
        jvp: after.jvp - before.jvp,
        vjp: after.vjp - before.vjp,
        inverse: after.inverse - before.inverse,
        second_order: after.second_order - before.second_order,
    }
}
