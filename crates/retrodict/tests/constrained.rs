//! Linear constraints: iterates that meet them, published minima, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;

use retrodict::compose::{LinearConstraint, LinearConstraints, Relation};
use retrodict::core::number::Number;
use retrodict::losses::SquaredError;
use retrodict::models::curve::{CurveOptions, Model};
use retrodict::options::Build;
use retrodict::registry::RULES;
use retrodict::solver::automatic;
use retrodict::uncertainty::statistics::Statistics;
use retrodict::updates::{GaussNewton, LevenbergMarquardt, Search};
use retrodict::{Bounds, Goal, Problem, Solution, Solver, Status, StopWhen, Transform};

mod hock_schittkowski;

use hock_schittkowski::{PROBLEMS, Residuals, published};

const KEEPERS: [&str; 2] = ["levenberg-marquardt", "gauss-newton"];

fn free(problem: usize) -> Problem {
    let count = published(problem).residuals;
    let curve = CurveOptions::default()
        .with_at((0..count).map(|i| i as f64).collect::<Vec<_>>())
        .with_model(Residuals { problem });
    let target = vec![0.0; count];
    Problem::new(curve.build().unwrap(), SquaredError::default(), target).unwrap()
}

fn posed(problem: usize) -> Problem {
    let known = published(problem);
    let mut posed = free(problem);
    if let Some(bounds) = &known.bounds {
        posed = posed.within(bounds).unwrap();
    }
    posed.constrained_by(&known.constraints).unwrap()
}

/// Solves, and sees to it that every iterate meets constraints and bounds.
fn solve(rule: &str, problem: &Problem, start: &[f64]) -> Solution {
    let built = RULES.build(rule, &Default::default()).unwrap();
    let solver = Solver::new(built, StopWhen::after(200));
    let constraints = problem.constraints().unwrap();
    let solution = solver.solve_observed(problem, start, |record, x| {
        for (row, off) in constraints.rows.iter().zip(constraints.violations(x)) {
            let terms = row.coefficients.iter().zip(x).map(|(a, x)| (a * x).abs());
            let size = row.value.abs() + terms.sum::<f64>();
            assert!(
                off <= 1e-13 * size,
                "{rule}: {} is off by {off} at step {}",
                row.name,
                record.step
            );
        }
        if let Some(bounds) = problem.bounds() {
            let mut within = x.to_vec();
            assert_eq!(bounds.project(&mut within), 0, "{rule}: {x:?}");
        }
        ControlFlow::Continue(())
    });
    solution.unwrap()
}

/// Steps and evaluations of y of each: problem, Levenberg–Marquardt, Gauss–Newton.
///
/// Six of the evaluations look around a stationary point whose misfit does not vanish: whether it is a saddle.
const COUNTS: [(usize, [u64; 2], [u64; 2]); 10] = [
    (21, [1, 8], [1, 8]),
    (28, [2, 3], [2, 3]),
    (35, [2, 9], [1, 8]),
    (48, [1, 2], [1, 2]),
    // Singular at its solution: Gauss–Newton halves the distance in each step.
    (49, [26, 27], [200, 201]),
    (50, [7, 8], [7, 8]),
    (51, [1, 2], [1, 2]),
    (52, [1, 8], [1, 8]),
    (53, [2, 9], [1, 8]),
    (76, [2, 9], [1, 2]),
];

#[test]
fn the_published_minima_are_found_in_few_evaluations() {
    for (number, of_levenberg, of_gauss) in COUNTS {
        let (known, problem) = (published(number), posed(number));
        for (rule, counts) in KEEPERS.iter().zip([of_levenberg, of_gauss]) {
            let found = solve(rule, &problem, &known.start);
            let case = format!("{number} by {rule}: {found:?}");
            let singular = number == 49;
            let off = if singular { 1e-6 } else { 1e-7 };
            for (x, expected) in found.x.iter().zip(&known.solution) {
                assert!((x - expected).abs() < off, "{expected} in {case}");
            }
            let value = found.loss + known.constant;
            assert!((value - known.value).abs() < 1e-8, "{value} in {case}");
            let endless = singular && *rule == "gauss-newton";
            assert_eq!(found.status.converged(), !endless, "{case}");
            assert_eq!([found.steps as u64, found.counts.forward], counts, "{case}");
        }
    }
    assert_eq!(COUNTS.map(|(number, ..)| number), PROBLEMS);
}

fn row(name: &str, coefficients: &[f64], relation: Relation, value: f64) -> LinearConstraint {
    LinearConstraint::new(name, coefficients, relation, value)
}

/// Constraints that repeat or follow from others leave the solution where it was, and are met as these are.
#[test]
fn redundant_constraints_change_nothing() {
    use Relation::{AtLeast, AtMost, Equal};
    for (number, more) in [
        (
            35,
            vec![
                row("again", &[1.0, 1.0, 2.0], AtMost, 3.0),
                row("thrice", &[3.0, 3.0, 6.0], AtMost, 9.0),
                row("turned", &[-1.0, -1.0, -2.0], AtLeast, -3.0),
                row("wider", &[1.0, 1.0, 2.0], AtMost, 3.5),
                row("a bound", &[0.0, 1.0, 0.0], AtLeast, 0.0),
                // Touches the solution, and does not push.
                row("beside", &[3.0, 0.0, 0.0], AtMost, 4.0),
                row("sum", &[4.0, 1.0, 2.0], AtMost, 7.0),
            ],
        ),
        (
            52,
            vec![
                row("again", &[1.0, 3.0, 0.0, 0.0, 0.0], Equal, 0.0),
                row("sum", &[1.0, 4.0, 1.0, 1.0, -3.0], Equal, 0.0),
                row("half of it", &[0.5, 1.5, 0.0, 0.0, 0.0], AtMost, 0.0),
            ],
        ),
        (
            76,
            vec![
                row("twice", &[2.0, 4.0, 2.0, 2.0], AtMost, 10.0),
                row("a bound", &[0.0, 0.0, 1.0, 0.0], AtLeast, 0.0),
            ],
        ),
    ] {
        let known = published(number);
        let rows = [known.constraints.rows.clone(), more].concat();
        let problem = posed(number)
            .constrained_by(&LinearConstraints::new(rows))
            .unwrap();
        for rule in KEEPERS {
            let found = solve(rule, &problem, &known.start);
            assert!(found.status.converged(), "{number} by {rule}: {found:?}");
            for (x, expected) in found.x.iter().zip(&known.solution) {
                assert!(
                    (x - expected).abs() < 1e-7,
                    "{number} by {rule}: {:?}",
                    found.x
                );
            }
        }
    }
}

#[test]
fn constraints_that_no_x_meets_are_named() {
    use Relation::{AtLeast, AtMost, Equal};
    let three =
        |rows: Vec<LinearConstraint>| free(35).constrained_by(&LinearConstraints::new(rows));
    let sum = |relation, value| {
        row(
            &format!("sum {relation:?} {value}"),
            &[1.0; 3],
            relation,
            value,
        )
    };
    let beside = || row("beside", &[1.0, -1.0, 0.0], AtMost, 5.0);
    for (rows, named, silent) in [
        (
            vec![sum(AtMost, 1.0), beside(), sum(AtLeast, 2.0)],
            &[
                "'sum AtMost 1'",
                "'sum AtLeast 2'",
                "no x meets these together",
            ][..],
            "beside",
        ),
        (
            vec![
                beside(),
                sum(Equal, 1.0),
                row("first", &[1.0, 0.0, 0.0], Equal, 3.0),
                sum(Equal, 2.0),
            ],
            &["'sum Equal 1'", "'sum Equal 2'"],
            "first",
        ),
        (
            vec![
                sum(Equal, 1.0),
                beside(),
                row("twice", &[2.0; 3], AtLeast, 5.0),
            ],
            &["'sum Equal 1'", "'twice'"],
            "beside",
        ),
    ] {
        let message = three(rows).err().unwrap().to_string();
        for part in named {
            assert!(message.contains(part), "no {part} in: {message}");
        }
        assert!(!message.contains(silent), "{message}");
    }
    let bounded = free(35).within(&Bounds::new(vec![0.0], vec![])).unwrap();
    let message = bounded.constrained_by(&LinearConstraints::new([sum(AtMost, -1.0)]));
    let message = message.err().unwrap().to_string();
    assert!(
        message.contains("'sum AtMost -1'") && message.contains("the lower bound of x[2]"),
        "{message}"
    );
    for (constraint, part) in [
        (
            row("short", &[1.0], AtMost, 1.0),
            "constraint 'short' has 1 values, expected 3",
        ),
        (
            row("empty", &[0.0; 3], AtMost, 1.0),
            "constraint 'empty' = no unknown",
        ),
        (
            row("odd", &[1.0, f64::NAN, 0.0], AtMost, 1.0),
            "constraint 'odd' holds NaN at index 1",
        ),
        (
            row("odd", &[1.0; 3], Equal, f64::INFINITY),
            "the value of constraint 'odd' holds inf",
        ),
    ] {
        let message = three(vec![constraint]).err().unwrap().to_string();
        assert!(message.contains(part), "no {part} in: {message}");
    }
}

#[test]
fn a_start_outside_is_moved_to_the_nearest_point_and_that_is_noted() {
    let problem = posed(53);
    let stop = || StopWhen::after(0);
    let begin = |start: &[f64]| {
        let solver = Solver::new(LevenbergMarquardt::default(), stop());
        solver.solve(&problem, start).unwrap()
    };
    let moved = begin(&[2.0; 5]);
    let noted = |found: &Solution| {
        let mut notices = found.notices.iter();
        notices.any(|(notice, _)| notice.contains("did not meet the constraints"))
    };
    assert!(noted(&moved), "{:?}", moved.notices);
    assert!(moved.x.iter().all(|x| x.abs() <= 10.0));
    // The way there is orthogonal to the constraints.
    let way: Vec<f64> = moved.x.iter().map(|x| x - 2.0).collect();
    let tangent = [-3.0, 1.0, 1.0, 1.0, 1.0];
    let along: f64 = way.iter().zip(tangent).map(|(w, t)| w * t).sum();
    assert!(along.abs() < 1e-13, "{along}");
    let again = begin(&moved.x);
    assert!(!noted(&again), "{:?}", again.notices);
    assert_eq!(again.x, moved.x);
}

#[test]
fn rules_that_do_not_keep_constraints_refuse_them_by_name() {
    let problem = posed(28);
    for entry in RULES.entries.iter() {
        let rule = RULES.build(entry.name, &Default::default()).unwrap();
        let solved = Solver::new(rule, StopWhen::after(3)).solve(&problem, &[-4.0, 1.0, 1.0]);
        if KEEPERS.contains(&entry.name) {
            assert!(solved.is_ok(), "{}: {solved:?}", entry.name);
            continue;
        }
        let message = solved.unwrap_err().to_string();
        let expected = format!("{} needs a problem without linear constraints", entry.name);
        assert!(message.starts_with(&expected), "{message}");
        assert!(
            message.contains("levenberg-marquardt or gauss-newton"),
            "{message}"
        );
    }
    assert_eq!(automatic::method(&problem).method, "levenberg-marquardt");
}

#[test]
fn constrained_unknowns_may_be_scaled_but_not_transformed_otherwise() {
    let known = published(35);
    let problem = posed(35);
    let scaled = [
        Transform::Scale(3.0),
        Transform::None,
        Transform::Scale(0.01),
    ];
    let scaled = problem.transformed(&scaled).unwrap();
    for rule in KEEPERS {
        let found = solve(rule, &scaled, &known.start);
        for (x, expected) in found.x.iter().zip(&known.solution) {
            assert!((x - expected).abs() < 1e-7, "{rule}: {:?}", found.x);
        }
    }
    let log = [Transform::None, Transform::Log, Transform::None];
    let message = problem.transformed(&log).err().unwrap().to_string();
    assert!(message.contains("nonlinear transform of x[1]"), "{message}");
    assert!(
        message.contains("is linear in x: leave x[1] untransformed"),
        "{message}"
    );
    // One that no constraint names may have any.
    let first = LinearConstraints::new([row("x0 + x2", &[1.0, 0.0, 1.0], Relation::AtMost, 1.5)]);
    let plain = free(35).constrained_by(&first).unwrap();
    let free_log = plain.transformed(&log).unwrap();
    for rule in KEEPERS {
        let (a, b) = (
            solve(rule, &plain, &[0.5; 3]),
            solve(rule, &free_log, &[0.5; 3]),
        );
        for (a, b) in a.x.iter().zip(&b.x) {
            assert!((a - b).abs() < 1e-6, "{rule}: {a} {b}");
        }
    }
}

/// r = (10 (x₂ − x₁²), 1 − x₁), and a saddle: r = (x₁² − 1, x₂).
#[derive(Debug, Clone, Default, PartialEq)]
struct Valley {
    saddle: bool,
}

impl Model for Valley {
    fn name(&self) -> &'static str {
        "valley"
    }
    fn parameters(&self) -> usize {
        2
    }
    fn value<D: Number>(&self, t: &[f64], x: &[D]) -> D {
        match (self.saddle, t[0] == 0.0) {
            (false, true) => (x[1] - x[0] * x[0]) * 10.0,
            (false, false) => -x[0] + 1.0,
            (true, true) => x[0] * x[0] - 1.0,
            (true, false) => x[1],
        }
    }
}

fn valley(saddle: bool, constraint: LinearConstraint) -> Problem {
    let curve = CurveOptions::default()
        .with_at([0.0, 1.0])
        .with_model(Valley { saddle });
    let loss = SquaredError::default();
    let problem = Problem::new(curve.build().unwrap(), loss, [0.0, 0.0]).unwrap();
    problem
        .constrained_by(&LinearConstraints::new([constraint]))
        .unwrap()
}

/// Along a line that cuts Rosenbrock's valley, the minimum is that of a polynomial of one unknown.
#[test]
fn a_curved_valley_is_followed_along_a_line() {
    for relation in [Relation::Equal, Relation::AtMost] {
        let problem = valley(false, row("cut", &[1.0, 2.0], relation, 1.0));
        // x₂ = (1 − x₁)/2: the root of the derivative that a constraint pushes against.
        let slope = |x: f64| {
            let a = 0.5 * (1.0 - x) - x * x;
            200.0 * a * (-0.5 - 2.0 * x) - 2.0 * (1.0 - x)
        };
        let (mut low, mut high) = (0.4, 0.6);
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            *(if slope(middle) < 0.0 {
                &mut low
            } else {
                &mut high
            }) = middle;
        }
        for rule in KEEPERS {
            let found = solve(rule, &problem, &[0.0, 0.2]);
            assert!(found.status.converged(), "{rule}: {found:?}");
            assert!(
                (found.x[0] - low).abs() < 1e-6,
                "{rule}: {:?}, not {low}",
                found.x
            );
            assert!(found.steps < 60, "{rule}: {} steps", found.steps);
        }
    }
}

/// A point is called converged only where no allowed direction leads down, to first or second order.
#[test]
fn a_saddle_along_the_constraint_is_no_minimum_and_a_minimum_across_it_is_one() {
    // Along x₂ = 1 the loss falls from x₁ = 0 to either side.
    let along = valley(true, row("x2 = 1", &[0.0, 1.0], Relation::Equal, 1.0));
    // On x₁ = 0 it cannot.
    let across = valley(true, row("x1 = 0", &[1.0, 0.0], Relation::Equal, 0.0));
    for rule in KEEPERS {
        let found = solve(rule, &along, &[0.0, 1.0]);
        assert_eq!(found.status, Status::Saddle, "{rule}: {found:?}");
        let found = solve(rule, &across, &[0.0, 1.0]);
        assert_eq!(
            found.status,
            Status::Converged(Goal::Stationary),
            "{rule}: {found:?}"
        );
        assert!(found.x[1].abs() < 1e-12, "{:?}", found.x);
    }
}

#[test]
fn the_gradient_that_ends_a_run_is_what_constraints_leave_of_it() {
    let stop = StopWhen::after(50).with_gradient_below(1e-6);
    let found = Solver::new(GaussNewton::default(), stop)
        .solve(&posed(53), &[2.0; 5])
        .unwrap();
    assert_eq!(found.status, Status::Converged(Goal::Gradient), "{found:?}");
    // Searches keep the constraints too, whatever they try.
    let search = Search::StrongWolfe {
        decrease: 1e-4,
        curvature: 0.9,
    };
    let problem = valley(false, row("cut", &[1.0, 2.0], Relation::AtMost, 1.0));
    let solver = Solver::new(GaussNewton::default(), StopWhen::after(100)).with_search(search);
    let found = solver.solve(&problem, &[-1.2, 1.0]).unwrap();
    assert!(found.x[0] + 2.0 * found.x[1] <= 1.0 + 1e-12, "{found:?}");
}

/// A line through four points whose ends are tied: the deviations are those of the one parameter that is left.
#[test]
fn statistics_are_those_along_equalities() {
    #[derive(Debug, Clone, Default, PartialEq)]
    struct Line;
    impl Model for Line {
        fn name(&self) -> &'static str {
            "line"
        }
        fn parameters(&self) -> usize {
            2
        }
        fn value<D: Number>(&self, t: &[f64], p: &[D]) -> D {
            p[0] + p[1] * t[0]
        }
    }
    let at = [0.0, 1.0, 2.0, 3.0];
    let curve = CurveOptions::default()
        .with_at(at)
        .with_model(Line)
        .build()
        .unwrap();
    let target = [1.1, 2.9, 5.2, 6.8];
    let free = Problem::new(curve, SquaredError::default(), target).unwrap();
    // p₁ = 2 p₀ + 0.1: y = p₀ (1 + 2 t) + 0.1 t.
    let tied = row("tied", &[-2.0, 1.0], Relation::Equal, 0.1);
    let below = row("p0 <= 0.9", &[1.0, 0.0], Relation::AtMost, 0.9);
    let problem = free
        .constrained_by(&LinearConstraints::new([tied.clone()]))
        .unwrap();
    let found = solve("gauss-newton", &problem, &[0.0, 0.0]);
    let columns = at.map(|t| 1.0 + 2.0 * t);
    let squares: f64 = columns.iter().map(|c| c * c).sum();
    let data = target.iter().zip(at).map(|(y, t)| y - 0.1 * t);
    let best = data.zip(columns).map(|(y, c)| y * c).sum::<f64>() / squares;
    assert!((found.x[0] - best).abs() < 1e-12);
    let statistics = Statistics::of(&problem, &found.x).unwrap();
    assert_eq!(
        (statistics.rank, statistics.free(), statistics.equalities),
        (1, 1, 1)
    );
    assert_eq!(statistics.degrees_of_freedom, 3);
    let rest: f64 = statistics.residuals.iter().map(|r| r * r).sum();
    let deviation = (rest / 3.0 / squares).sqrt();
    for (found, expected) in statistics
        .deviations
        .iter()
        .zip([deviation, 2.0 * deviation])
    {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} is not {expected}"
        );
    }
    assert!((statistics.correlation(0, 1) - 1.0).abs() < 1e-12);
    assert!(statistics.on_constraints.is_empty());
    // An inequality that holds as an equation is only told.
    let both = free
        .constrained_by(&LinearConstraints::new([tied, below]))
        .unwrap();
    let held = solve("levenberg-marquardt", &both, &[0.0, 0.0]);
    let words = Statistics::of(&both, &held.x).unwrap().bounds_in_words(&[]);
    assert!(
        words
            .concat()
            .contains("which the confidence intervals do not take into account: 'p0 <= 0.9'"),
        "{words:?}"
    );
}
