//! The posterior of a field against the dense one, and what its samples show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use retrodict::options::Build;
use std::sync::Arc;

use retrodict::linalg::{Matrix, Sketch, cholesky, norm};
use retrodict::losses::{SquaredError, WeightedOptions};
use retrodict::priors::{Edges, Matern};
use retrodict::simulators::{Gravity, GravityOptions, HeatOptions, IntegralEquation};
use retrodict::uncertainty::posterior::{GaussianField, MaternField, Posterior};
use retrodict::{Bounds, Problem, Simulator, Transform};

const SIGMA: f64 = 0.05;

fn problem(simulator: Arc<dyn Simulator>, half: bool) -> Problem {
    let target = vec![0.0; simulator.output().len()];
    let noise = WeightedOptions::default()
        .with_deviations([SIGMA])
        .with_half(half)
        .build()
        .unwrap();
    Problem::new(simulator, Arc::new(noise), target).unwrap()
}

fn gravity() -> Arc<Gravity> {
    Arc::new(GravityOptions::default().with_size(24).build().unwrap())
}

fn field(shape: &[usize], edges: Edges) -> MaternField {
    let prior = Matern::default()
        .with_length(8.0)
        .with_deviation(2.0)
        .with_smoothness(1.5)
        .with_edges(edges);
    MaternField::new(&prior, shape).unwrap()
}

/// S as a matrix.
fn dense_root(field: &dyn GaussianField) -> Matrix {
    let n = field.len();
    let mut columns = Matrix::zeros(n, n);
    for i in 0..n {
        let mut unit = vec![0.0; n];
        unit[i] = 1.0;
        field.root(&unit, columns.row_mut(i));
    }
    columns.transpose()
}

/// (C⁻¹ + AᵀA/σ²)⁻¹ with C = S Sᵀ, by C − C Aᵀ (A C Aᵀ + σ²)⁻¹ A C.
fn dense_posterior(a: &Matrix, field: &dyn GaussianField) -> Matrix {
    let n = field.len();
    let prior = dense_root(field).gram();
    let seen = a.multiply(&prior);
    let mut noisy = seen.multiply(&a.transpose());
    (0..a.rows()).for_each(|i| noisy[(i, i)] += SIGMA * SIGMA);
    let factor = cholesky(&noisy).unwrap();
    let mut lowered = seen.transpose();
    (0..n).for_each(|i| factor.solve_lower(lowered.row_mut(i)));
    let explained = lowered.gram();
    let mut posterior = prior;
    for i in 0..n {
        (0..n).for_each(|j| posterior[(i, j)] -= explained[(i, j)]);
    }
    posterior
}

fn sketch(rank: usize) -> Sketch {
    Sketch::default().with_rank(rank)
}

/// Whatever holds at the edges, the variances are the diagonal of S Sᵀ; far from them they are what was asked for.
#[test]
fn the_variances_of_a_field_are_those_of_its_root() {
    for edges in [Edges::Periodic, Edges::Mirrored, Edges::Zero] {
        for shape in [&[40][..], &[7, 9], &[3, 4, 5]] {
            let field = field(shape, edges);
            let covariance = dense_root(&field).gram();
            for (i, variance) in field.variances().iter().enumerate() {
                let exact = covariance[(i, i)];
                assert!(
                    (variance / exact - 1.0).abs() < 1e-10,
                    "{edges} {shape:?} {i}"
                );
            }
        }
        let middle = field(&[200], edges).variances()[100];
        assert!((middle - 4.0).abs() < 1e-6, "{edges}: {middle}");
    }
    let prior = Matern::default().with_length(-1.0);
    let error = MaternField::new(&prior, &[8]).unwrap_err();
    assert!(error.to_string().starts_with("length = -1"), "{error}");
}

#[test]
fn at_full_rank_the_posterior_is_the_dense_one() {
    let gravity = gravity();
    let field = field(&[24], Edges::Mirrored);
    let expected = dense_posterior(gravity.matrix(), &field);
    for half in [true, false] {
        let problem = problem(gravity.clone(), half);
        let posterior = Posterior::new(&problem, &field, &[0.0; 24], sketch(24)).unwrap();
        for (i, deviation) in posterior.deviations().iter().enumerate() {
            let exact = expected[(i, i)].sqrt();
            assert!(
                (deviation / exact - 1.0).abs() < 1e-8,
                "{i}: {deviation} is not {exact}"
            );
        }
    }
}

/// Given what is fixed, the dense posterior narrows by what it says of the others.
#[test]
fn unknowns_that_bounds_fix_are_known() {
    let gravity = gravity();
    let field = field(&[24], Edges::Mirrored);
    let mut expected = dense_posterior(gravity.matrix(), &field);
    let fixed = [3, 4, 17];
    for at in fixed {
        let row: Vec<f64> = (0..24).map(|j| expected[(at, j)]).collect();
        for i in 0..24 {
            (0..24).for_each(|j| expected[(i, j)] -= row[i] * row[j] / row[at]);
        }
    }
    let mut bounds = Bounds::new(vec![-f64::INFINITY; 24], vec![9.0; 24]);
    for at in fixed {
        (bounds.lower[at], bounds.upper[at]) = (0.5, 0.5);
    }
    let problem = problem(gravity, true).within(&bounds).unwrap();
    let mut x = vec![0.0; 24];
    fixed.iter().for_each(|at| x[*at] = 0.5);
    let posterior = Posterior::new(&problem, &field, &x, sketch(24)).unwrap();
    let samples = posterior.samples(20_000, 1);
    for (i, deviation) in posterior.deviations().iter().enumerate() {
        let drawn: f64 = (0..20_000).map(|k| (samples[(k, i)] - x[i]).powi(2)).sum();
        let drawn = (drawn / 20_000.0).sqrt();
        if fixed.contains(&i) {
            assert_eq!((*deviation, drawn), (0.0, 0.0), "{i}");
            assert_eq!(posterior.prior_deviations()[i], 0.0);
        } else {
            let exact = expected[(i, i)].sqrt();
            assert!(
                (deviation / exact - 1.0).abs() < 1e-4,
                "{i}: {deviation} is not {exact}"
            );
            assert!((drawn / exact - 1.0).abs() < 0.03, "{i}: {drawn} {exact}");
        }
    }
}

#[test]
fn errors_fall_with_the_rank() {
    let gravity = gravity();
    let field = field(&[24], Edges::Mirrored);
    let exact = dense_posterior(gravity.matrix(), &field);
    let problem = problem(gravity, true);
    let error = |rank: usize| {
        let posterior = Posterior::new(&problem, &field, &[0.0; 24], sketch(rank)).unwrap();
        let found = posterior.deviations();
        let off = found
            .iter()
            .enumerate()
            .map(|(i, d)| d - exact[(i, i)].sqrt());
        let least = off.clone().fold(f64::INFINITY, f64::min);
        assert!(least > -1e-8, "what is left out only widens: {least}");
        norm(&off.collect::<Vec<f64>>())
    };
    let errors: Vec<f64> = [1, 3, 6, 12].map(error).to_vec();
    assert!(errors.windows(2).all(|e| e[1] < 0.8 * e[0]), "{errors:?}");
    assert!(errors[3] < 1e-3 * errors[0], "{errors:?}");
}

/// Means and covariances of 4000 samples; those have the deviations σ/√4000 and about σᵢσⱼ√(2/4000).
#[test]
fn samples_have_the_moments_of_the_posterior() {
    let gravity = gravity();
    let field = field(&[24], Edges::Mirrored);
    let exact = dense_posterior(gravity.matrix(), &field);
    let problem = problem(gravity, true);
    let x: Vec<f64> = (0..24).map(|i| 0.1 * f64::from(i)).collect();
    let posterior = Posterior::new(&problem, &field, &x, sketch(24)).unwrap();
    let samples = posterior.samples(4000, 3).transpose();
    let scale = |i: usize, j: usize| (exact[(i, i)] * exact[(j, j)]).sqrt();
    let mut away = samples.clone();
    for i in 0..24 {
        let mean = samples.row(i).iter().sum::<f64>() / 4000.0;
        assert!(
            (mean - x[i]).abs() < 5.0 * (exact[(i, i)] / 4000.0).sqrt(),
            "{i}: {mean}"
        );
        away.row_mut(i).iter_mut().for_each(|v| *v -= mean);
    }
    let products = away.gram();
    for i in 0..24 {
        for j in 0..24 {
            let off = products[(i, j)] / 4000.0 - exact[(i, j)];
            assert!(
                off.abs() < 5.0 * scale(i, j) * (2.0_f64 / 4000.0).sqrt(),
                "{i} {j}: {off}"
            );
        }
    }
}

/// Everything is diagonal in Fourier space: mode k has the prior variance s² and the gain h, so the posterior
/// variance s²/(1 + s²h²/σ²), the same at every place.
#[test]
fn a_heated_plate_has_the_posterior_of_its_modes() {
    let heat = Arc::new(
        HeatOptions::default()
            .with_shape(vec![12, 10])
            .with_nu_t(0.8)
            .build()
            .unwrap(),
    );
    let field = field(&[12, 10], Edges::Periodic);
    let fourier = retrodict::spectral::fourier::RealFourier::new(&[12, 10]);
    let wave = |n: usize, k: usize| (std::f64::consts::PI * k as f64 / n as f64).sin().powi(2);
    let kappa_squared = 8.0 * 1.5 / 64.0;
    // α = ν + 1 on a plane, for the three-point Laplacian of the prior and the exact one of the heat.
    let mut modes: Vec<(f64, f64)> = Vec::new();
    for i in 0..12 {
        for j in 0..10 {
            let prior = (kappa_squared + 4.0 * (wave(12, i) + wave(10, j))).powf(-2.5);
            let (a, b) = (
                fourier.wavenumbers(0, 1.0)[i],
                fourier.wavenumbers(1, 1.0)[j],
            );
            modes.push((prior, (-0.8 * (a * a + b * b)).exp()));
        }
    }
    let energy: f64 = modes.iter().map(|(prior, _)| prior).sum::<f64>() / 120.0;
    let variance: f64 = modes
        .iter()
        .map(|(prior, gain)| {
            let prior = prior * 4.0 / energy;
            prior / (1.0 + prior * gain * gain / (SIGMA * SIGMA)) / 120.0
        })
        .sum();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let problem = problem(heat.clone(), true);
        pool.install(|| {
            let posterior = Posterior::new(&problem, &field, &[0.0; 120], sketch(120)).unwrap();
            assert!(posterior.eigenvalues().is_sorted_by(|a, b| a >= b));
            (posterior.deviations(), posterior.samples(2, 1))
        })
    };
    let (deviations, samples) = run(1);
    for deviation in &deviations {
        assert!(
            (deviation / variance.sqrt() - 1.0).abs() < 1e-8,
            "{deviation} {variance}"
        );
    }
    assert_eq!(
        (deviations, samples),
        run(2),
        "the bits do not depend on the number of threads"
    );
}

#[test]
fn what_rules_see_of_a_problem_is_not_what_the_posterior_is_of() {
    let field = field(&[24], Edges::Mirrored);
    let plain = problem(gravity(), true);
    let transformed = plain.transformed(&[Transform::Log]).unwrap();
    let x = [1.5; 24];
    let of = |problem: &Problem| Posterior::new(problem, &field, &x, sketch(5)).unwrap();
    let (plain, transformed) = (of(&plain), of(&transformed));
    assert_eq!(plain.deviations(), transformed.deviations());
    let counts = plain.counts();
    assert_eq!(counts.jvp, counts.vjp);
    assert!(counts.jvp >= 10 && counts.forward >= 2, "{counts:?}");
}

#[test]
fn what_does_not_fit_is_named() {
    let field = field(&[24], Edges::Mirrored);
    let of = |problem: &Problem, x: &[f64]| {
        Posterior::new(problem, &field, x, sketch(3))
            .err()
            .unwrap()
            .to_string()
    };
    let gravity = gravity();
    assert!(of(&problem(gravity.clone(), true), &[0.0; 3]).starts_with("x has 3 values"));
    let larger = Arc::new(GravityOptions::default().with_size(30).build().unwrap());
    let message = of(&problem(larger, true), &[0.0; 30]);
    assert!(
        message.starts_with("the prior's field has 24 values, expected 30"),
        "{message}"
    );
    let squared = Problem::new(gravity, Arc::new(SquaredError::default()), vec![0.0; 24]).unwrap();
    let message = of(&squared, &[0.0; 24]);
    assert!(
        message.contains("standard deviations of the noise"),
        "{message}"
    );
}
