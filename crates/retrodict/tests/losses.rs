//! Losses against values known in closed form, and what a loss that does not fit gets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use retrodict::options::Build;
use std::sync::Arc;

use retrodict::losses::{
    CauchyOptions, Covariance, HuberOptions, SpectralOptions, SquaredError, Weighted,
    WeightedOptions,
};
use retrodict::registry::LOSSES;
use retrodict::simulators::ScalingOptions;
use retrodict::{Error, Loss, Problem};

fn gradient(loss: &dyn Loss, y: &[f64], target: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; y.len()];
    loss.gradient(y, target, &mut out);
    out
}

fn assert_near(found: f64, expected: f64) {
    let gap = (found - expected).abs();
    assert!(
        gap <= 1e-13 * (1.0 + expected.abs()),
        "{found} is not {expected}"
    );
}

#[test]
fn squared_and_weighted_with_and_without_the_half() {
    let (y, target) = ([1.0, 5.0], [0.0, 3.0]);
    assert_near(SquaredError::default().value(&y, &target), 5.0);
    assert_near(SquaredError::half().value(&y, &target), 2.5);
    let deviations = vec![0.5, 4.0];
    let weighted = |half| {
        WeightedOptions::default()
            .with_deviations(deviations.clone())
            .with_half(half)
            .build()
            .unwrap()
    };
    assert_near(weighted(false).value(&y, &target), 4.25);
    assert_near(weighted(true).value(&y, &target), 2.125);
    assert_eq!(gradient(&weighted(true), &y, &target), [4.0, 0.125]);
}

#[test]
fn a_covariance_is_what_its_inverse_says() {
    // C⁻¹ = [[2, −1], [−1, 2]]/3.
    let loss = Covariance::new(vec![vec![2.0, 1.0], vec![1.0, 2.0]], true).unwrap();
    assert_near(loss.value(&[3.0, 0.0], &[0.0, 0.0]), 3.0);
    let g = gradient(&loss, &[3.0, 0.0], &[0.0, 0.0]);
    assert_near(g[0], 2.0);
    assert_near(g[1], -1.0);
}

#[test]
fn a_diagonal_covariance_is_a_weight() {
    let variances = vec![vec![4.0, 0.0], vec![0.0, 0.25]];
    let deviations = vec![2.0, 0.5];
    let (y, target) = ([1.5, -2.0], [0.5, 0.5]);
    let full = Covariance::new(variances, false)
        .unwrap()
        .value(&y, &target);
    assert_near(
        full,
        WeightedOptions::default()
            .with_deviations(deviations)
            .with_half(false)
            .build()
            .unwrap()
            .value(&y, &target),
    );
}

#[test]
fn huber_is_a_parabola_that_goes_on_as_a_line() {
    let huber = HuberOptions::default().with_delta(2.0).build().unwrap();
    assert_near(huber.value(&[1.0], &[0.0]), 0.5);
    assert_near(huber.value(&[-5.0], &[0.0]), 8.0);
    assert_eq!(gradient(&huber, &[-5.0, 1.0], &[0.0, 0.0]), [-2.0, 1.0]);
}

#[test]
fn cauchy_pulls_strongest_at_its_scale() {
    let cauchy = CauchyOptions::default().with_scale(3.0).build().unwrap();
    assert_near(cauchy.value(&[3.0], &[0.0]), 4.5 * 2.0_f64.ln());
    let pull = |r: f64| gradient(&cauchy, &[r], &[0.0])[0];
    assert_near(pull(3.0), 1.5);
    assert!(pull(2.0) < pull(3.0) && pull(300.0) < 0.1 * pull(3.0));
}

/// A single wave of amplitude a on N cells has Σ r² = a² N/2, all of it at its own k.
#[test]
fn a_wave_costs_what_its_wavenumber_weighs() {
    let angle = |i: usize| 2.0 * std::f64::consts::PI * i as f64 / 16.0;
    let y: Vec<f64> = (0..96).map(|i| 3.0 * (2.0 * angle(i / 6)).cos()).collect();
    let k = 2.0 * angle(1);
    for exponent in [-2.0, 0.0, 1.5] {
        let spectral = SpectralOptions::default()
            .with_shape([16, 6])
            .with_wavenumber(0.5)
            .with_exponent(exponent)
            .build()
            .unwrap();
        spectral.check(96).unwrap();
        let weight = (1.0 + k * k / 0.25).powf(exponent);
        assert_near(spectral.value(&y, &[0.0; 96]), weight * 9.0 * 48.0);
    }
}

/// The check of the registry asks for a majoriser; for a parabola it is the Hessian itself.
#[test]
fn the_curvature_of_a_quadratic_loss_is_its_hessian() {
    let quadratic: [&dyn Loss; 4] = [
        &SquaredError::default(),
        &Weighted::half([0.3, 2.0]).unwrap(),
        &Covariance::new(vec![vec![2.0, 1.0], vec![1.0, 3.0]], false).unwrap(),
        &SpectralOptions::default().build().unwrap(),
    ];
    let (y, target, v) = ([1.0, 2.0], [0.5, -1.0], [0.7, -0.2]);
    for loss in quadratic {
        let (mut wv, mut curved, mut hv) = ([0.0; 2], [0.0; 2], [0.0; 2]);
        loss.whiten(&y, &target, &v, &mut wv);
        loss.whiten_transpose(&y, &target, &wv, &mut curved);
        loss.hessian_product(&y, &target, &v, &mut hv);
        for (curved, h) in curved.iter().zip(&hv) {
            assert_near(*curved, *h);
        }
    }
}

#[test]
fn nan_stays_nan_in_every_loss() {
    for entry in LOSSES.entries.iter() {
        let loss = entry.build(&toml::Table::new()).unwrap();
        loss.check(2).unwrap();
        let value = loss.value(&[f64::NAN, 1.0], &[0.0, 0.0]);
        assert!(value.is_nan(), "{}: {value}", entry.name);
    }
}

#[test]
fn losses_that_do_not_fit_are_told_apart() {
    let problem = |loss: Arc<dyn Loss>| {
        let made = Problem::new(
            Arc::new(ScalingOptions::default().build().unwrap()),
            loss,
            vec![0.0; 2],
        );
        made.err().unwrap()
    };
    let deviations = vec![1.0; 3];
    let error = problem(Arc::new(
        WeightedOptions::default()
            .with_deviations(deviations)
            .with_half(false)
            .build()
            .unwrap(),
    ));
    assert!(
        matches!(
            error,
            Error::Length {
                found: 3,
                expected: 2,
                ..
            }
        ),
        "{error}"
    );
    let rows = vec![vec![1.0, 2.0], vec![2.0, 1.0]];
    let error = Covariance::new(rows, false).unwrap_err().to_string();
    assert!(error.contains("not positive definite at row 1"), "{error}");
    let shape = vec![3];
    let error = problem(Arc::new(
        SpectralOptions::default()
            .with_shape(shape)
            .build()
            .unwrap(),
    ));
    assert!(
        matches!(
            error,
            Error::Length {
                found: 2,
                expected: 3,
                ..
            }
        ),
        "{error}"
    );
    let error = HuberOptions::default().with_delta(-1.0).build();
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("delta = -1 is not allowed"), "{error}");
}

#[test]
fn options_out_of_range_are_named() {
    for (name, options, message) in [
        ("weighted", "deviations = []", "deviations = []"),
        ("weighted", "deviations = [1.0, -2.0]", "deviations[1] = -2"),
        (
            "covariance",
            "covariance = [[1.0, 0.5], [0.4, 1.0]]",
            "[0][1] is 0.5",
        ),
        (
            "covariance",
            "covariance = [[1.0], [0.4]]",
            "covariance[0] has 1 values",
        ),
        ("covariance", "covariance = [[-1.0]]", "positive definite"),
        ("spectral", "shape = [4, 0]", "shape = [4, 0]"),
        ("spectral", "exponent = 9.0", "exponent = 9"),
        ("spectral", "wavenumber = 0.0", "wavenumber = 0"),
        ("cauchy", "scale = 0.0", "scale = 0"),
        ("huber", "delta = nan", "delta = NaN"),
        ("huber", "delt = 1.0", "did you mean 'delta'"),
    ] {
        let built = LOSSES.build(name, &options.parse().unwrap());
        let error = built.err().expect(options).to_string();
        assert!(error.contains(message), "{options}: {error}");
    }
}
