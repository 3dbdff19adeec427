//! Simulators against values known in closed form, and at the edges of their range.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::f64::consts::{E, FRAC_PI_2, FRAC_PI_6, PI};
use std::sync::Arc;

use retrodict::losses::SquaredError;
use retrodict::options::Build;
use retrodict::registry::SIMULATORS;
use retrodict::simulators::{ExpOptions, ScalingOptions, SineOptions, SquareOptions};
use retrodict::updates::InverseSimulator;
use retrodict::{Error, LocalInverse, Problem, Simulator, Solver, Status, StopWhen};

fn forward(simulator: &dyn Simulator, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; simulator.output().len()];
    simulator.forward(x, &mut y).unwrap();
    y
}

fn invert(simulator: &dyn LocalInverse, y: &[f64], near: &[f64]) -> Vec<f64> {
    let mut x = vec![0.0; near.len()];
    simulator.invert_near(y, near, &mut x).unwrap();
    x
}

fn assert_near(found: &[f64], expected: &[f64]) {
    for (f, e) in found.iter().zip(expected) {
        assert!(
            (f - e).abs() <= 1e-14 * (1.0 + e.abs()),
            "{found:?} is not {expected:?}"
        );
    }
}

#[test]
fn scaling_scales_the_second_value() {
    let scaling = ScalingOptions::default().with_alpha(-4.0).build().unwrap();
    assert_eq!(forward(&scaling, &[3.0, 0.5]), [3.0, -2.0]);
    assert_eq!(invert(&scaling, &[3.0, -2.0], &[0.0, 0.0]), [3.0, 0.5]);
}

#[test]
fn square_keeps_the_sign_and_reaches_no_negative_value() {
    let square = SquareOptions::default().build().unwrap();
    assert_eq!(forward(&square, &[-3.0, -2.0]), [-3.0, 4.0]);
    assert_eq!(invert(&square, &[-3.0, 4.0], &[0.0, 1e-9]), [-3.0, 2.0]);
    assert_eq!(invert(&square, &[-3.0, 4.0], &[0.0, -5.0]), [-3.0, -2.0]);
    assert_eq!(invert(&square, &[1.0, -4.0], &[0.0, 3.0]), [1.0, 0.0]);
}

#[test]
fn exp_and_its_range() {
    let exp = ExpOptions::default().with_size(3).build().unwrap();
    assert_near(&forward(&exp, &[0.0, 1.0, -2.0]), &[1.0, E, 1.0 / (E * E)]);
    assert_near(
        &invert(&exp, &[1.0, E, 0.5], &[9.0; 3]),
        &[0.0, 1.0, -(2.0_f64.ln())],
    );
    for unreachable in [0.0, -1.0, f64::NAN] {
        let error = exp.invert_near(&[1.0, unreachable, 1.0], &[0.0; 3], &mut [0.0; 3]);
        let error = error.unwrap_err();
        assert!(matches!(error, Error::OutsideRange { .. }), "{error}");
        assert!(error.to_string().contains("index 1"), "{error}");
    }
}

#[test]
fn sine_without_and_with_rotation() {
    let plain = SineOptions::default()
        .with_xi(4.0)
        .with_phi(0.0)
        .build()
        .unwrap();
    assert_near(&forward(&plain, &[FRAC_PI_6, 3.0]), &[0.125, 12.0]);
    // At 90° x̂ = (−x₂, x₁).
    let turned = SineOptions::default()
        .with_xi(4.0)
        .with_phi(90.0)
        .build()
        .unwrap();
    assert_near(&forward(&turned, &[3.0, -FRAC_PI_6]), &[0.125, 12.0]);
}

#[test]
fn sine_with_the_scales_inside() {
    let inside = SineOptions::default()
        .with_xi(4.0)
        .with_phi(90.0)
        .with_gamma(10.0)
        .build()
        .unwrap();
    // 10/4 · π/15 is 30°, and 10 · 4 · 0.025 is 1.
    let x = [0.025, -FRAC_PI_6 / 2.5];
    assert_near(&forward(&inside, &x), &[0.5, 1.0]);
    // The sine is ½ at 30°, 150°, 390°, …; 360° are 2π · 4/10 in x.
    let period = 0.8 * PI;
    for (x2, nearest) in [
        (x[1] - period + 0.1, x[1] - period),
        (x[1] - period / 3.0 - 0.1, x[1] - period / 3.0),
    ] {
        let y = forward(&inside, &[0.025, nearest]);
        assert_near(&y, &[0.5, 1.0]);
        let found = invert(&inside, &y, &[0.0, x2]);
        assert_near(&found, &[0.025, nearest]);
    }
}

#[test]
fn sine_beyond_its_range_gives_the_nearest_point_within() {
    let sine = SineOptions::default()
        .with_xi(2.0)
        .with_phi(0.0)
        .build()
        .unwrap();
    assert_near(&invert(&sine, &[0.9, 0.0], &[1.0, 0.0]), &[FRAC_PI_2, 0.0]);
    assert_near(
        &invert(&sine, &[-0.9, 0.0], &[-2.0, 0.0]),
        &[-FRAC_PI_2, 0.0],
    );
}

/// Ends where P comes nearest to the target, and calls that a stall if a goal was set.
#[test]
fn a_target_out_of_reach_ends_honestly() {
    let loss = || Arc::new(SquaredError::default());
    let sine = Arc::new(
        SineOptions::default()
            .with_xi(2.0)
            .with_phi(0.0)
            .build()
            .unwrap(),
    );
    let beyond = Problem::new(sine, loss(), vec![0.9, 0.0]).unwrap();
    let stop = StopWhen::after(20).with_loss_below(1e-6);
    let solver = Solver::new(InverseSimulator::new(1.0).unwrap(), stop);
    let solution = solver.solve(&beyond, &[1.0, 0.4]).unwrap();
    assert_eq!(solution.status, Status::Stalled);
    assert_near(&solution.x, &[FRAC_PI_2, 0.0]);
    assert_near(&[solution.loss], &[0.4 * 0.4]);

    // An inverse that refuses is stepped around, and that is said and counted.
    let never = Problem::new(
        Arc::new(ExpOptions::default().with_size(1).build().unwrap()),
        loss(),
        vec![-1.0],
    )
    .unwrap();
    for rate in [1.0, 0.3] {
        let solver = Solver::new(InverseSimulator::new(rate).unwrap(), StopWhen::default());
        let solution = solver.solve(&never, &[0.0]).unwrap();
        assert!((solution.loss - 1.0).abs() < 1e-6, "{}", solution.loss);
        let (notice, count) = solution.notices.iter().next().unwrap();
        assert!(notice.starts_with("y is out of the range"), "{notice:?}");
        assert!(notice.ends_with("used an inverse-Jacobian step instead") && count > 0);
    }
}

#[test]
fn options_out_of_range_are_named() {
    for (name, options, key) in [
        ("scaling", "alpha = 0.0", "alpha"),
        ("scaling", "alpha = nan", "alpha"),
        ("exp", "size = 0", "size"),
        ("sine", "xi = -1.0", "xi"),
        ("sine", "phi = inf", "phi"),
        ("sine", "gamma = 0.0", "gamma"),
    ] {
        let built = SIMULATORS.build(name, &options.parse().unwrap());
        let error = built.err().expect(options).to_string();
        assert!(
            error.starts_with(key) && error.contains("not allowed"),
            "{error}"
        );
    }
}
