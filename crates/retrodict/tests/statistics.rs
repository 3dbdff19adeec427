//! Error bars held against what they promise: exact ones, and how often they cover the truth.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use retrodict::options::Build;
use std::sync::Arc;

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use retrodict::linalg::{Matrix, cholesky, dot};
use retrodict::losses::{Covariance, SquaredError, Weighted, WeightedOptions};
use retrodict::models::curve::{CurveOptions, Model};
use retrodict::models::ode::{Number, OdeOptions};
use retrodict::simulators::LotkaVolterra;
use retrodict::uncertainty::statistics::{Noise, Statistics, reach};
use retrodict::updates::LevenbergMarquardt;
use retrodict::{Loss, Problem, Simulator, Solver, StopWhen};

/// y = p₁ + p₂ t + p₃ t².
#[derive(Debug, Clone, Default, PartialEq)]
struct Parabola;

impl Model for Parabola {
    fn name(&self) -> &'static str {
        "parabola"
    }
    fn parameters(&self) -> usize {
        3
    }
    fn value<D: Number>(&self, t: &[f64], p: &[D]) -> D {
        (p[2] * t[0] + p[1]) * t[0] + p[0]
    }
}

/// y = p₁ (1 − exp(−p₂ t)).
#[derive(Debug, Clone, Default, PartialEq)]
struct Saturation;

impl Model for Saturation {
    fn name(&self) -> &'static str {
        "saturation"
    }
    fn parameters(&self) -> usize {
        2
    }
    fn value<D: Number>(&self, t: &[f64], p: &[D]) -> D {
        p[0] * (-(-p[1] * t[0]).exp() + 1.0)
    }
}

fn places() -> Vec<f64> {
    (0..12).map(|i| 0.3 * f64::from(i)).collect()
}

fn solve(problem: &Problem, start: &[f64]) -> Vec<f64> {
    let solver = Solver::new(LevenbergMarquardt::default(), StopWhen::after(100));
    let solution = solver.solve(problem, start).unwrap();
    assert!(solution.status.converged(), "{}", solution.status);
    solution.x
}

/// v ← C⁻¹ v.
type Undo<'a> = &'a dyn Fn(&mut [f64]);

/// (XᵀC⁻¹X)⁻¹ by the normal equations, and its (XᵀC⁻¹y).
fn textbook(at: &[f64], inverse: Undo<'_>, y: &[f64]) -> (Vec<f64>, Matrix) {
    let columns: Vec<Vec<f64>> = (0..3)
        .map(|k| at.iter().map(|t| t.powi(k)).collect())
        .collect();
    let mut normal = Matrix::zeros(3, 3);
    let mut x = vec![0.0; 3];
    for i in 0..3 {
        let mut weighed = columns[i].clone();
        inverse(&mut weighed);
        x[i] = dot(&weighed, y);
        (0..3).for_each(|j| normal[(i, j)] = dot(&weighed, &columns[j]));
    }
    let factor = cholesky(&normal).unwrap();
    factor.solve(&mut x);
    let mut covariance = Matrix::identity(3);
    for i in 0..3 {
        let mut column = covariance.row(i).to_vec();
        factor.solve(&mut column);
        covariance.row_mut(i).copy_from_slice(&column);
    }
    (x, covariance)
}

/// Linear model, Gaussian noise: x̂ ± t σ with the textbook's covariance, to all digits.
#[test]
fn intervals_of_a_linear_problem_are_exact() {
    let at = places();
    let y: Vec<f64> = at
        .iter()
        .enumerate()
        .map(|(i, t)| 1.0 - t + (1.7 * i as f64).sin())
        .collect();
    let correlated: Vec<Vec<f64>> = (0..12)
        .map(|i: i32| {
            (0..12)
                .map(|j: i32| 0.04 * (-0.5 * f64::from((i - j).abs())).exp())
                .collect()
        })
        .collect();
    let factor = cholesky(&Matrix::from_vec(12, 12, correlated.concat())).unwrap();
    let deviations: Vec<f64> = (0..12).map(|i| 0.1 + 0.02 * f64::from(i)).collect();
    let weights: Vec<f64> = deviations.iter().map(|d| 1.0 / (d * d)).collect();
    let weigh = |v: &mut [f64]| v.iter_mut().zip(&weights).for_each(|(v, w)| *v *= w);
    let undo = |v: &mut [f64]| factor.solve(v);
    let plain = |_: &mut [f64]| {};
    for half in [false, true] {
        let weighted: Arc<dyn Loss> = Arc::new(
            WeightedOptions::default()
                .with_deviations(deviations.clone())
                .with_half(half)
                .build()
                .unwrap(),
        );
        let covariance: Arc<dyn Loss> =
            Arc::new(Covariance::new(correlated.clone(), half).unwrap());
        let squared: Arc<dyn Loss> = Arc::new(SquaredError::default().with_half(half));
        let cases: [(Arc<dyn Loss>, Noise, Undo<'_>); 4] = [
            (Arc::clone(&weighted), Noise::Known, &weigh),
            (covariance, Noise::Known, &undo),
            (weighted, Noise::Estimated, &weigh),
            (squared, Noise::Estimated, &plain),
        ];
        for (loss, noise, inverse) in cases {
            let curve = Arc::new(
                CurveOptions::default()
                    .with_at(at.clone())
                    .with_model(Parabola)
                    .build()
                    .unwrap(),
            );
            let problem = Problem::new(curve, loss, y.clone()).unwrap();
            let x = solve(&problem, &[0.0; 3]);
            let found = Statistics::with(&problem, &x, noise).unwrap();
            let (expected, shape) = textbook(&at, inverse, &y);
            let mut weighed = found.residuals.clone();
            inverse(&mut weighed);
            let chi_squared = dot(&weighed, &found.residuals);
            let (variance, degrees) = match noise {
                Noise::Known | Noise::Fitted => (1.0, None),
                Noise::Estimated => (chi_squared / 9.0, Some(9)),
            };
            let near = |a: f64, b: f64| (a - b).abs() < 1e-9 * (1.0 + b.abs());
            for (i, interval) in found.intervals(0.95).unwrap().iter().enumerate() {
                let reach = reach(0.95, degrees).unwrap() * (variance * shape[(i, i)]).sqrt();
                assert!(near(interval.low, expected[i] - reach), "{interval:?}");
                assert!(near(interval.high, expected[i] + reach), "{interval:?}");
                assert!(found.correlations()[(i, i)] == 1.0);
            }
            assert_eq!(found.chi_squared.is_some(), noise == Noise::Known);
            if let Some(found) = found.chi_squared {
                assert!(near(found, chi_squared), "{found} {chi_squared}");
            }
        }
    }
}

/// The share of 1000 data sets whose 95 % interval holds the truth; a share drawn from 0.95 has the
/// deviation 0.007.
#[test]
fn intervals_of_a_nonlinear_problem_cover_the_truth_as_often_as_they_say() {
    let truth = [2.5, 0.8];
    let curve = Arc::new(
        CurveOptions::default()
            .with_at((1..=12).map(|i| 0.4 * f64::from(i)).collect::<Vec<_>>())
            .with_model(Saturation)
            .build()
            .unwrap(),
    );
    let mut clean = vec![0.0; 12];
    curve.forward(&truth, &mut clean).unwrap();
    let sigma = 0.1;
    let mut random = Pcg64::seed_from_u64(5);
    let mut covered = [[0; 2]; 2];
    let mut poor = 0;
    for _ in 0..1000 {
        let mut noise = || -> f64 { StandardNormal.sample(&mut random) };
        let y: Vec<f64> = clean.iter().map(|y| y + sigma * noise()).collect();
        let loss = Arc::new(Weighted::half([sigma]).unwrap());
        let problem = Problem::new(curve.clone(), loss, y).unwrap();
        let x = solve(&problem, &[1.0, 1.0]);
        for (k, noise) in [Noise::Known, Noise::Estimated].into_iter().enumerate() {
            let found = Statistics::with(&problem, &x, noise).unwrap();
            for (i, interval) in found.intervals(0.95).unwrap().iter().enumerate() {
                covered[k][i] += usize::from(interval.contains(truth[i]));
            }
            poor += usize::from(found.goodness_of_fit().is_some_and(|p| p < 0.05));
        }
    }
    println!(
        "covered of 1000, noise known and estimated: {covered:?}; {poor} fits called poor at 0.05"
    );
    for count in covered.as_flattened() {
        assert!((930..=970).contains(count), "{covered:?}");
    }
    assert!((30..=70).contains(&poor), "{poor}");
}

#[test]
fn noise_that_no_loss_knows_cannot_be_taken_as_known() {
    let curve = Arc::new(
        CurveOptions::default()
            .with_at(places())
            .with_model(Parabola)
            .build()
            .unwrap(),
    );
    let problem = Problem::new(curve, Arc::new(SquaredError::default()), vec![0.0; 12]).unwrap();
    let error = Statistics::with(&problem, &[0.0; 3], Noise::Known).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("standard deviations of the noise"),
        "{message}"
    );
    assert!(message.contains("weighted or covariance"), "{message}");
}

/// y = (p₁ + ½ p₂) t + p₃ + 0 p₄.
#[derive(Debug, Clone, Default, PartialEq)]
struct Blind;

impl Model for Blind {
    fn name(&self) -> &'static str {
        "blind"
    }
    fn parameters(&self) -> usize {
        4
    }
    fn value<D: Number>(&self, t: &[f64], p: &[D]) -> D {
        (p[0] + p[1] * 0.5) * t[0] + p[2] + p[3] * 0.0
    }
}

#[test]
fn what_the_data_do_not_see_is_said_in_words() {
    let curve = Arc::new(
        CurveOptions::default()
            .with_at(places())
            .with_model(Blind)
            .build()
            .unwrap(),
    );
    let problem = Problem::new(curve, Arc::new(SquaredError::default()), vec![1.0; 12]).unwrap();
    let found = Statistics::of(&problem, &[0.5, 1.0, 0.1, 7.0]).unwrap();
    let names = ["slope", "tilt", "offset", "colour"].map(str::to_owned);
    assert_eq!(
        found.in_words(&names),
        [
            "slope − 2 tilt is not identifiable: changing x along it does not change y",
            "colour is not identifiable: y does not depend on it",
        ]
    );
    assert_eq!(
        found.combinations(),
        [
            vec![(0, 1.0), (1, found.combinations()[0][1].1)],
            vec![(3, 1.0)]
        ]
    );
    assert!(found.in_words(&[])[0].contains("x[0] − 2 x[1]"));
}

/// At times that are nearly the same, offset and slope are nearly one.
#[test]
fn parameters_that_are_hardly_told_apart_are_named() {
    let at: Vec<f64> = (0..12).map(|i| 100.0 + 0.1 * f64::from(i)).collect();
    let curve = Arc::new(
        CurveOptions::default()
            .with_at(at)
            .with_model(Parabola)
            .build()
            .unwrap(),
    );
    let y: Vec<f64> = (0..12).map(|i| (0.7 * f64::from(i)).cos()).collect();
    let problem = Problem::new(curve, Arc::new(SquaredError::default()), y).unwrap();
    let words = Statistics::of(&problem, &[0.0; 3]).unwrap().in_words(&[]);
    assert_eq!(words.len(), 3, "{words:?}");
    assert!(
        words[0].starts_with("the data barely distinguish x[0] and x[1]: their correlation is −")
    );
}

#[test]
fn parameters_of_differential_equations_have_names() {
    let labels = OdeOptions::<LotkaVolterra>::default()
        .build()
        .unwrap()
        .describe()
        .labels
        .unwrap();
    let (name, unit) = &labels[0];
    assert!(!name.is_empty() && !unit.is_empty());
    assert_eq!(
        labels.len(),
        OdeOptions::<LotkaVolterra>::default()
            .build()
            .unwrap()
            .input()
            .len()
    );
}
