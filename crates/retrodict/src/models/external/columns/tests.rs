//! Differences of models whose derivatives and noise are known.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::error::Error;
use crate::linalg::norm;
use crate::models::external::differences::Scheme;
use crate::models::external::noise;

fn broken() -> Error {
    Error::simulation("square root", "of a negative number")
}

/// J of a model at x, with the number of evaluations beside the one at x.
fn found(
    scheme: Scheme,
    x: &[f64],
    model: &(dyn Fn(&[f64]) -> Vec<f64> + Sync),
) -> (EstimatedJacobian, usize) {
    let calls = AtomicUsize::new(0);
    let evaluate = |x: &[f64]| {
        calls.fetch_add(1, Ordering::Relaxed);
        Ok(model(x))
    };
    let differences = Differences { scheme, step: None };
    let found = jacobian(&differences, x, &model(x), 1, &evaluate).unwrap();
    (found, calls.into_inner())
}

/// The largest error of a column, relative to its length, and what it is said to be at most.
fn error(found: &EstimatedJacobian, exact: &[&[f64]], measured: Option<&[f64]>) -> (f64, f64) {
    let errors = found.errors(measured);
    let mut worst = (0.0_f64, 0.0_f64);
    for (i, exact) in exact.iter().enumerate() {
        let off: Vec<f64> = (0..exact.len())
            .map(|r| found.jacobian[(r, i)] - exact[r])
            .collect();
        let said: Vec<f64> = (0..exact.len()).map(|r| errors[(r, i)]).collect();
        worst.0 = worst.0.max(norm(&off) / norm(exact));
        worst.1 = worst.1.max(norm(&said) / norm(exact));
    }
    worst
}

fn times() -> Vec<f64> {
    (0..40).map(|i| 0.1 + 0.07 * f64::from(i)).collect()
}

fn decay(p: &[f64]) -> Vec<f64> {
    times().iter().map(|t| p[0] * (-p[1] * t).exp()).collect()
}

fn slopes(p: &[f64]) -> [Vec<f64>; 2] {
    let of = |t: &f64| (-p[1] * t).exp();
    [
        times().iter().map(of).collect(),
        times().iter().map(|t| -p[0] * t * of(t)).collect(),
    ]
}

fn scatter(v: f64) -> f64 {
    let s = (v * 1e9).sin() * 43_758.545_3;
    2.0 * (s - s.floor()) - 1.0
}

#[test]
fn unknowns_of_any_size_are_served_alike_and_cost_what_was_said() {
    for (scheme, cost, limit) in [(Scheme::Central, 2, 1e-9), (Scheme::Forward, 1, 1e-6)] {
        for size in [1e-9, 1.0, 1e9] {
            let model = |x: &[f64]| vec![(x[0] / size).sin(), 3.3 + x[0] / size];
            let (found, calls) = found(scheme, &[0.7 * size], &model);
            let exact = [0.7_f64.cos() / size, 1.0 / size];
            let (off, said) = error(&found, &[&exact], None);
            assert!(off < limit && off < said, "{size}: {off} {said}");
            assert_eq!(calls, cost, "{scheme:?} {size}");
        }
        let p = [2.2, 0.7];
        let (found, calls) = found(scheme, &p, &decay);
        let exact = slopes(&p);
        let (off, said) = error(&found, &[&exact[0], &exact[1]], None);
        assert!(off < limit && off < said && said < 1e-3, "{off} {said}");
        assert_eq!(calls, 2 * cost);
    }
}

/// A zero intercept: one datum moves with the smallest step, and the others do not.
#[test]
fn a_step_that_moves_one_datum_alone_is_no_step() {
    let t: Vec<f64> = (0..11).map(f64::from).collect();
    let line = |p: &[f64]| -> Vec<f64> { t.iter().map(|t| p[0] + p[1] * t).collect() };
    for scheme in [Scheme::Central, Scheme::Forward] {
        for intercept in [0.0, 1e-200, 1e-17, -1e-15, 1e-13, 3e-12, 1e-10, 1e-8] {
            let (found, calls) = found(scheme, &[intercept, 2.0], &line);
            let (off, said) = error(&found, &[&[1.0; 11], &t], None);
            assert!(
                off < 1e-4 && said < 2e-2,
                "{scheme:?} {intercept}: {off} {said}"
            );
            assert!(off < said, "{scheme:?} {intercept}: {off} {said}");
            assert!(calls <= 8, "{intercept}: {calls}");
        }
    }
}

#[test]
fn zeros_of_unknowns_with_a_small_scale_find_a_small_step() {
    for x in [0.0, 1e-15] {
        let model = |x: &[f64]| vec![(x[0] / 1e-9).sin() + 0.1, 2.3 + (x[0] / 2e-9).sin()];
        let (found, _) = found(Scheme::Central, &[x], &model);
        let (off, said) = error(&found, &[&[1e9, 0.5e9]], None);
        assert!(off < 1e-3 && off < said, "{x}: {off} {said}");
    }
}

#[test]
fn single_precision_and_rounded_answers_get_longer_steps() {
    let p = [2.2, 0.7];
    let exact = slopes(&p);
    let exact: [&[f64]; 2] = [&exact[0], &exact[1]];
    type Rounding = (&'static str, fn(f64) -> f64, f64);
    let roundings: [Rounding; 4] = [
        ("single", |v| f64::from(v as f32), 1e-4),
        ("six decimals", |v| (v * 1e6).round() / 1e6, 5e-4),
        ("three decimals", |v| (v * 1e3).round() / 1e3, 3e-2),
        (
            "five digits",
            |v| format!("{v:.4e}").parse().unwrap_or(v),
            5e-3,
        ),
    ];
    for (name, round, limit) in roundings {
        let model = |p: &[f64]| -> Vec<f64> { decay(p).into_iter().map(round).collect() };
        for (scheme, cost, worse) in [(Scheme::Central, 5, 1.0), (Scheme::Forward, 3, 100.0)] {
            let (found, calls) = found(scheme, &p, &model);
            let (off, said) = error(&found, &exact, None);
            assert!(
                off < (worse * limit).min(0.3),
                "{name} {scheme:?}: {off} {said}"
            );
            assert!(off < 2.0 * said, "{name} {scheme:?}: {off} {said}");
            assert!(calls <= cost, "{name} {scheme:?}: {calls}");
        }
    }
}

#[test]
fn noise_that_looks_like_digits_is_seen_by_what_it_does() {
    let p = [2.2, 0.7];
    let exact = slopes(&p);
    let exact: [&[f64]; 2] = [&exact[0], &exact[1]];
    for (level, limit) in [(1e-4, 5e-2), (1e-6, 1e-3), (1e-8, 1e-2), (1e-11, 1e-4)] {
        let model = |p: &[f64]| -> Vec<f64> {
            let noisy = |(i, v): (usize, f64)| {
                v * (1.0 + level * scatter(p[0] + 1.3 * p[1] + 0.01 * i as f64))
            };
            decay(p).into_iter().enumerate().map(noisy).collect()
        };
        let (found, calls) = found(Scheme::Central, &p, &model);
        let (off, said) = error(&found, &exact, None);
        assert!(off < limit && off < 1.5 * said, "{level}: {off} {said}");
        assert!(calls <= 8, "{level}: {calls}");
        let evaluate = |x: &[f64]| Ok(model(x));
        let measured = noise::around(&p, &model(&p), found.steps(), 1, &evaluate)
            .unwrap()
            .unwrap();
        assert!(noise::is_beyond_round_off(&measured, &model(&p)));
        let (_, said) = error(&found, &exact, Some(&measured));
        assert!(
            off < 2.0 * said && said < 30.0 * off,
            "{level}: {off} {said}"
        );
    }
}

/// The intercept of a line is near 0: its own size is far too short a step for noise.
#[test]
fn unknowns_near_zero_of_noisy_models_get_steps_that_see_them() {
    let t: Vec<f64> = (1..41).map(|i| 0.1 * f64::from(i)).collect();
    for (k, intercept) in [1e-5, -3e-4, 2e-4, 1e-3, -2e-3, 0.03]
        .into_iter()
        .enumerate()
    {
        for level in [1e-9, 1e-7, 1e-6, 1e-5, 1e-4] {
            let model = |p: &[f64]| -> Vec<f64> {
                let noisy = |(i, t): (usize, &f64)| {
                    let seed = p[0] + 1.3 * p[1] + 0.01 * i as f64 + k as f64;
                    (p[0] + p[1] * t) * (1.0 + level * scatter(seed))
                };
                t.iter().enumerate().map(noisy).collect()
            };
            let (found, calls) = found(Scheme::Central, &[intercept, 2.0], &model);
            let (off, said) = error(&found, &[&[1.0; 40], &t], None);
            let what = format!("{intercept} {level}: {off} {said}, {calls} calls");
            // Good enough, or about what the best step for this noise leaves.
            assert!(off < GOOD.max(30.0 * level.powf(2.0 / 3.0)), "{what}");
            assert!(off < 2.0 * said && calls <= 10, "{what}");
        }
    }
}

#[test]
fn the_measured_noise_of_an_exact_model_is_round_off() {
    let p = [2.2, 0.7];
    let (found, _) = found(Scheme::Central, &p, &decay);
    let exact = slopes(&p);
    let evaluate = |x: &[f64]| Ok(decay(x));
    let measured = noise::around(&p, &decay(&p), found.steps(), 1, &evaluate)
        .unwrap()
        .unwrap();
    assert!(!noise::is_beyond_round_off(&measured, &decay(&p)));
    let (off, said) = error(&found, &[&exact[0], &exact[1]], Some(&measured));
    assert!(off < said && said < 1e-8, "{off} {said}");
}

#[test]
fn unknowns_without_effect_cost_no_more_than_others() {
    let model = |p: &[f64]| -> Vec<f64> { decay(&p[..2]) };
    let (found, calls) = found(Scheme::Central, &[2.2, 0.7, 5.0, 0.0], &model);
    assert_eq!(calls, 8);
    assert!((0..40).all(|r| found.jacobian[(r, 2)] == 0.0 && found.jacobian[(r, 3)] == 0.0));
}

#[test]
fn a_side_that_fails_is_left_out() {
    let evaluate = |x: &[f64]| {
        if x[0] < 1.0 {
            Err(broken())
        } else {
            Ok(vec![x[0] * x[0]])
        }
    };
    let differences = Differences::default();
    let found = jacobian(&differences, &[1.0], &[1.0], 1, &evaluate).unwrap();
    assert!((found.jacobian[(0, 0)] - 2.0).abs() < 1e-4);
    assert!(found.errors(None)[(0, 0)] > 5e-6);
    let nowhere = |_: &[f64]| Err(broken());
    let failed = jacobian(&differences, &[1.0], &[1.1], 1, &nowhere);
    assert_eq!(failed.err(), Some(broken()));
}

#[test]
fn a_step_that_is_given_stands() {
    let differences = Differences {
        step: Some(1e-3),
        ..Differences::default()
    };
    let calls = AtomicUsize::new(0);
    let evaluate = |x: &[f64]| {
        calls.fetch_add(1, Ordering::Relaxed);
        assert!((x[0] / 2.2 - 1.0).abs() < 1.1e-3);
        Ok(decay(x)
            .into_iter()
            .map(|v| f64::from(v as f32))
            .collect::<Vec<f64>>())
    };
    let p = [2.2, 0.7];
    jacobian(&differences, &p, &evaluate(&p).unwrap(), 1, &evaluate).unwrap();
    assert_eq!(calls.into_inner(), 5);
}
