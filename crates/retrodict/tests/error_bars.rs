//! Error bars of models without derivatives, and of unknowns that bounds fix.
#![allow(clippy::unwrap_used)]

use crate::fixtures::space;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use retrodict::losses::{SquaredError, Weighted};
use retrodict::models::external::{Differences, External, Model, Offers};
use retrodict::uncertainty::statistics::{Noise, Statistics};
use retrodict::updates::LevenbergMarquardt;
use retrodict::{Bounds, Loss, Problem, Result, Solver, Space, StopWhen};

type Formula = fn(&[f64]) -> Vec<f64>;

/// Name, model, its Jacobian, x, rank, and how near deviations must come.
type Case<'a> = (&'a str, Formula, Formula, &'a [f64], usize, f64);

/// A model of the user's own, with or without its J.
struct Own {
    inputs: usize,
    outputs: usize,
    value: Formula,
    jacobian: Option<Formula>,
    calls: Arc<AtomicUsize>,
}

impl Model for Own {
    fn label(&self) -> String {
        "a model".to_owned()
    }
    fn input(&self) -> &Space {
        space("p", self.inputs)
    }
    fn output(&self) -> &Space {
        space("y", self.outputs)
    }
    fn offers(&self) -> Offers {
        Offers::default().with_jacobian(self.jacobian.is_some())
    }
    fn evaluate(&self, x: &[f64]) -> Result<Vec<f64>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok((self.value)(x))
    }
    fn jacobian(&self, x: &[f64]) -> Result<Vec<f64>> {
        Ok(self.jacobian.map_or_else(Vec::new, |jacobian| jacobian(x)))
    }
}

fn problem(
    value: Formula,
    jacobian: Option<Formula>,
    start: &[f64],
    y: &[f64],
    sigma: Option<f64>,
) -> Problem {
    let model = Own {
        inputs: start.len(),
        outputs: y.len(),
        value,
        jacobian,
        calls: Arc::default(),
    };
    let loss: Arc<dyn Loss> = match sigma {
        None => Arc::new(SquaredError::half()),
        Some(sigma) => Arc::new(Weighted::half([sigma]).unwrap()),
    };
    let external = External::new(model, Differences::default(), Some(1));
    Problem::new(Arc::new(external), loss, y.to_vec()).unwrap()
}

fn solve(problem: &Problem, start: &[f64]) -> Vec<f64> {
    let solver = Solver::new(LevenbergMarquardt::default(), StopWhen::after(200));
    solver.solve(problem, start).unwrap().x
}

fn times() -> impl Iterator<Item = f64> {
    (0..25).map(|i| 0.1 + 0.12 * f64::from(i))
}

fn noise(i: usize) -> f64 {
    (7.3 * (i * i) as f64 + 0.4).sin()
}

fn line(p: &[f64]) -> Vec<f64> {
    (0..9).map(|t| p[0] + p[1] * f64::from(t)).collect()
}

/// The intercept of the best line is 0 to round-off, and one datum stands at t = 0.
#[test]
fn a_line_through_zero_has_the_deviations_of_the_textbook() {
    // Orthogonal to 1 and t, so that the best line is y = 2 t.
    let rest = [2.0, -1.0, -1.0, -1.0, 2.0, -1.0, -1.0, -1.0, 2.0];
    let y: Vec<f64> = (0..9)
        .map(|t| 2.0 * f64::from(t) + 0.1 * rest[t as usize])
        .collect();
    // 204/540 and 9/540: Σt²/D and m/D with D = 9·204 − 36².
    let expected = [
        (0.01 * 204.0 / 540.0_f64).sqrt(),
        (0.01 * 9.0 / 540.0_f64).sqrt(),
    ];
    for start in [[0.0, 1.0], [1e-14, 1.0], [0.7, 1.0]] {
        let problem = problem(line, None, &start, &y, Some(0.1));
        let x = solve(&problem, &start);
        assert!(x[0].abs() < 1e-6, "{x:?}");
        for intercept in [x[0], 0.0, 1e-17, -1e-12, 1e-9] {
            let found = Statistics::with(&problem, &[intercept, 2.0], Noise::Known).unwrap();
            for (found, expected) in found.deviations.iter().zip(expected) {
                assert!(
                    (found / expected - 1.0).abs() < 1e-3,
                    "{intercept}: {found}"
                );
            }
        }
    }
}

fn shifted(p: &[f64]) -> Vec<f64> {
    times().map(|t| p[0] * (-(t - p[1]) / p[2]).exp()).collect()
}

fn shifted_slopes(p: &[f64]) -> Vec<f64> {
    let row = |t: f64| {
        let q = p[0] * (-(t - p[1]) / p[2]).exp();
        [q / p[0], q / p[2], q * (t - p[1]) / (p[2] * p[2])]
    };
    times().flat_map(row).collect()
}

fn single(y: Vec<f64>) -> Vec<f64> {
    y.into_iter().map(|v| f64::from(v as f32)).collect()
}
fn logistic(p: &[f64]) -> Vec<f64> {
    // The third and fourth only act as a product.
    times()
        .map(|t| p[0] / (1.0 + (-p[1] * t + p[2] * p[3]).exp()))
        .collect()
}

fn logistic_slopes(p: &[f64]) -> Vec<f64> {
    let row = |t: f64| {
        let e = (-p[1] * t + p[2] * p[3]).exp();
        let s = 1.0 / (1.0 + e);
        let slope = p[0] * e * s * s;
        [s, slope * t, -slope * p[3], -slope * p[2]]
    };
    times().flat_map(row).collect()
}

/// What is not identifiable is found as with an exact J, and what is keeps its deviation.
#[test]
fn ranks_by_differences_are_those_of_an_exact_jacobian() {
    let cases: [Case<'_>; 4] = [
        (
            "shifted, in single precision",
            |p| single(shifted(p)),
            shifted_slopes,
            &[2.0, 0.5, 1.1],
            2,
            0.02,
        ),
        (
            "logistic, in single precision",
            |p| single(logistic(p)),
            logistic_slopes,
            &[3.0, 2.1, 1.3, 1.7],
            3,
            0.02,
        ),
        (
            "shifted",
            shifted,
            shifted_slopes,
            &[2.0, 0.5, 1.1],
            2,
            0.005,
        ),
        (
            "logistic",
            logistic,
            logistic_slopes,
            &[3.0, 2.1, 1.3, 1.7],
            3,
            0.005,
        ),
    ];
    for (name, value, slopes, p, rank, share) in cases {
        let y: Vec<f64> = value(p)
            .into_iter()
            .enumerate()
            .map(|(i, v)| v + 0.02 * noise(i))
            .collect();
        let inexact = problem(value, None, p, &y, None);
        let exact = problem(value, Some(slopes), p, &y, None);
        let found = Statistics::of(&inexact, p).unwrap();
        let expected = Statistics::of(&exact, p).unwrap();
        assert_eq!((found.rank, expected.rank), (rank, rank), "{name}");
        assert_eq!(found.degrees_of_freedom, expected.degrees_of_freedom);
        for (found, expected) in found.deviations.iter().zip(&expected.deviations) {
            let near = found.is_infinite() && expected.is_infinite()
                || (found / expected - 1.0).abs() < share;
            assert!(near, "{name}: {found} is not {expected}");
        }
        let names = ["a", "b", "c", "d"].map(str::to_owned);
        let (said, expected) = (found.in_words(&names), expected.in_words(&names));
        assert!(said[0].contains("is not identifiable"), "{name}: {said:?}");
        assert_eq!(said.len(), expected.len(), "{name}: {said:?} {expected:?}");
    }
}

/// A full rank costs the Jacobian alone; a rank in doubt a few evaluations more.
#[test]
fn statistics_cost_what_they_say() {
    fn decay(p: &[f64]) -> Vec<f64> {
        times().map(|t| p[0] * (-p[1] * t).exp()).collect()
    }
    for (value, p, most) in [
        (decay as Formula, &[2.2, 0.7][..], 1 + 4),
        (shifted as Formula, &[2.2, 0.55, 1.1][..], 1 + 6 + 12),
    ] {
        let calls = Arc::new(AtomicUsize::new(0));
        let model = Own {
            inputs: p.len(),
            outputs: 25,
            value,
            jacobian: None,
            calls: Arc::clone(&calls),
        };
        let external = External::new(model, Differences::default(), Some(1));
        let loss = Arc::new(SquaredError::half());
        let problem = Problem::new(Arc::new(external), loss, vec![0.5; 25]).unwrap();
        Statistics::of(&problem, p).unwrap();
        let calls = calls.load(Ordering::Relaxed);
        assert!(calls <= most && calls > 2 * p.len(), "{calls}");
    }
}

/// A rate that is fixed is a constant: one unknown is left, with the deviation of its own fit.
#[test]
fn unknowns_that_bounds_fix_are_no_unknowns() {
    let y: Vec<f64> = shifted(&[2.0, 0.0, 1.4])
        .into_iter()
        .enumerate()
        .map(|(i, v)| v + 0.01 * noise(i))
        .collect();
    let infinite = f64::INFINITY;
    let bounds = Bounds::new(vec![-infinite, 0.0, 1.5], vec![infinite, 0.0, 1.5]);
    for slopes in [None, Some(shifted_slopes as Formula)] {
        let start = [1.0, 0.0, 1.5];
        let bounded = problem(shifted, slopes, &start, &y, None)
            .within(&bounds)
            .unwrap();
        let x = solve(&bounded, &start);
        assert_eq!(x[1..], [0.0, 1.5]);
        let found = Statistics::of(&bounded, &x).unwrap();
        let shape: Vec<f64> = times().map(|t| (-t / 1.5).exp()).collect();
        let left: f64 = shape
            .iter()
            .zip(&y)
            .map(|(s, y)| (y - x[0] * s).powi(2))
            .sum();
        let length: f64 = shape.iter().map(|s| s * s).sum();
        let expected = (left / 24.0 / length).sqrt();
        assert_eq!(
            (found.rank, found.degrees_of_freedom, found.free()),
            (1, 24, 1)
        );
        assert!((found.deviations[0] / expected - 1.0).abs() < 1e-5);
        assert_eq!(found.deviations[1..], [0.0, 0.0]);
        assert_eq!(
            (found.fixed.as_slice(), found.unseen.rows()),
            (&[1, 2][..], 0)
        );
        assert!(found.correlation(0, 2).is_nan());
        let interval = found.intervals(0.95).unwrap()[2];
        assert_eq!((interval.low, interval.high), (1.5, 1.5));
        let words = found.bounds_in_words(&["amplitude".into(), "shift".into(), "time".into()]);
        assert_eq!(
            words,
            ["fixed by equal bounds, and therefore not fitted: shift, time"]
        );
        assert!(found.in_words(&[]).is_empty(), "{:?}", found.in_words(&[]));
    }
    // One that ends on a bound is named, and is an unknown all the same.
    let bounds = Bounds::new(vec![-infinite, 0.0, 1.6], vec![infinite, 0.0, infinite]);
    let bounded = problem(shifted, None, &[1.0, 0.0, 2.0], &y, None)
        .within(&bounds)
        .unwrap();
    let x = solve(&bounded, &[1.0, 0.0, 2.0]);
    let found = Statistics::of(&bounded, &x).unwrap();
    assert_eq!(
        (found.fixed.as_slice(), found.on_bounds.as_slice()),
        (&[1][..], &[2][..])
    );
    assert_eq!(found.rank, 2);
}
