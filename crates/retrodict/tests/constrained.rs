//! Linear constraints: iterates that meet them, published minima, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;

use retrodict::compose::{LinearConstraint, LinearConstraints, Relation};
use retrodict::losses::SquaredError;
use retrodict::models::curve::CurveOptions;
use retrodict::options::Build;
use retrodict::registry::RULES;
use retrodict::{Problem, Solution, Solver, StopWhen};

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

#[test]
fn the_published_minima_are_found() {
    for number in PROBLEMS {
        let (known, problem) = (published(number), posed(number));
        for rule in KEEPERS {
            let found = solve(rule, &problem, &known.start);
            let value = found.loss + known.constant;
            println!(
                "{number:3} {rule:20} f = {value:14.9} steps {:3} forward {:3} jvp {:3} vjp {:3} {:?} x = {:?}",
                found.steps,
                found.counts.forward,
                found.counts.jvp,
                found.counts.vjp,
                found.status,
                found.x
            );
        }
    }
}
