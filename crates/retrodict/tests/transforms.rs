//! Transforms and units: what unknowns are measured in does not make a problem harder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use retrodict::options::Build;
use std::ops::ControlFlow;
use std::sync::Arc;

use retrodict::losses::SquaredError;
use retrodict::models::ode::OdeOptions;
use retrodict::priors::Gaussian;
use retrodict::registry::RULES;
use retrodict::simulators::{ExpOptions, HeatOptions, LotkaVolterra, ScalingOptions};
use retrodict::{Problem, Simulator, Solution, Solver, StopWhen, Transform, Transformed, check};

fn problem(simulator: Arc<dyn Simulator>, target: Vec<f64>) -> Problem {
    Problem::new(simulator, Arc::new(SquaredError::half()), target).unwrap()
}

fn solve(rule: &str, problem: &Problem, start: &[f64]) -> Solution {
    let rule = RULES.build(rule, &toml::Table::new()).unwrap();
    let stop = StopWhen::after(200).with_loss_change(0.0);
    Solver::new(rule, stop).solve(problem, start).unwrap()
}

#[test]
fn transformed_simulators_pass_the_checks_of_one() {
    let exp = ExpOptions::default().with_size(3).build().unwrap();
    let heat = HeatOptions::default()
        .with_shape(vec![4])
        .with_nu_t(0.1)
        .build()
        .unwrap();
    let cases: [(Arc<dyn Simulator>, &[Transform]); 5] = [
        (
            Arc::new(exp),
            &[
                Transform::Log,
                Transform::Bounds(-1.0, 2.0),
                Transform::None,
            ],
        ),
        (Arc::new(heat.clone()), &[Transform::Scale(1e-9)]),
        (Arc::new(heat), &[Transform::Log]),
        (
            Arc::new(ScalingOptions::default().build().unwrap()),
            &[Transform::None, Transform::Log],
        ),
        (
            Arc::new(OdeOptions::<LotkaVolterra>::default().build().unwrap()),
            &[Transform::Bounds(-3.0, 3.0)],
        ),
    ];
    for (simulator, transforms) in cases {
        let n = simulator.input().len();
        let transformed = Arc::new(Transformed::new(simulator, transforms).unwrap());
        let z: Vec<f64> = (0..n).map(|i| 0.4 - 0.3 * i as f64).collect();
        let as_simulator: Arc<dyn Simulator> = transformed.clone();
        for check in check::simulator(&as_simulator, &z, 6) {
            assert!(check.passed, "{transforms:?}: {check:?}");
        }
        let back = transformed.unknowns(&transformed.values(&z)).unwrap();
        assert!(z.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-14));
    }
}

/// Lotka and Volterra's rates in units of their own: the steps of a fit, and the rates found.
fn fit_in_units(rule: &str, units: &[f64; 4]) -> (usize, Vec<f64>) {
    let ode = OdeOptions::<LotkaVolterra>::default()
        .with_transform([Transform::None])
        .build()
        .unwrap();
    let truth = [1.0, 0.8, 1.2, 0.9];
    let mut target = vec![0.0; ode.output().len()];
    ode.forward(&truth, &mut target).unwrap();
    let in_units = units.map(Transform::Scale);
    let simulator = Transformed::new(Arc::new(ode), &in_units).unwrap();
    let start = simulator.unknowns(&[0.9, 0.9, 1.1, 1.0]).unwrap();
    let solver = Solver::new(
        RULES.build(rule, &toml::Table::new()).unwrap(),
        StopWhen::after(200).with_loss_below(1e-24),
    );
    let problem = problem(Arc::new(simulator.clone()), target);
    let found = solver.solve(&problem, &start).unwrap();
    assert!(
        found.status.converged(),
        "{rule} {units:?}: {:?}",
        found.status
    );
    (found.steps, simulator.values(&found.x))
}

#[test]
fn rates_in_units_far_apart_take_no_more_steps() {
    for rule in ["levenberg-marquardt", "gauss-newton"] {
        let (steps, _) = fit_in_units(rule, &[1.0; 4]);
        for units in [[1e9, 1e-9, 1.0, 1e4], [1e-9, 1e9, 1e9, 1e-9]] {
            let (changed, rates) = fit_in_units(rule, &units);
            let more = changed.abs_diff(steps) as f64;
            assert!(
                more <= 1.0_f64.max(0.1 * steps as f64),
                "{rule}: {steps} and {changed}"
            );
            for (found, truth) in rates.iter().zip([1.0, 0.8, 1.2, 0.9]) {
                assert!(
                    (found / truth - 1.0).abs() < 1e-10,
                    "{rule} {units:?}: {rates:?}"
                );
            }
        }
    }
}

#[test]
fn scaling_by_a_billion_either_way_is_no_harder() {
    for rule in ["levenberg-marquardt", "gauss-newton", "inverse-jacobian"] {
        for alpha in [1e-9, 1.0, 1e9, 1e18] {
            let scaling = Arc::new(ScalingOptions::default().with_alpha(alpha).build().unwrap());
            let target = vec![3e9, 2e-9 * alpha];
            let found = solve(rule, &problem(scaling, target), &[1e9, 1e-9]);
            let errors = [found.x[0] / 3e9 - 1.0, found.x[1] / 2e-9 - 1.0];
            assert!(
                errors.iter().all(|e| e.abs() < 1e-12),
                "{rule} {alpha}: {:?}",
                found.x
            );
            assert!(found.steps <= 3, "{rule} {alpha}: {} steps", found.steps);
        }
    }
}

#[test]
fn a_gradient_method_works_in_units_in_which_unknowns_are_one() {
    let alpha = 1e18;
    let plain = problem(
        Arc::new(ScalingOptions::default().with_alpha(alpha).build().unwrap()),
        vec![3e9, 2e-9 * alpha],
    );
    let in_units = plain
        .transformed(&[Transform::Scale(1e9), Transform::Scale(1e-9)])
        .unwrap();
    let found = solve("limited-memory-bfgs", &in_units, &[1e9, 1e-9]);
    assert!((found.x[0] / 3e9 - 1.0).abs() < 1e-7, "{:?}", found.x);
    assert!((found.x[1] / 2e-9 - 1.0).abs() < 1e-7, "{:?}", found.x);
}

#[test]
fn start_observer_solution_and_prior_are_those_of_x() {
    let exp = ExpOptions::default().with_size(2).build().unwrap();
    let prior = Gaussian::default()
        .with_reference([0.5])
        .with_deviations([0.7]);
    let plain = problem(Arc::new(exp), vec![2.0, 3.0])
        .with_prior(&prior, 1.0)
        .unwrap();
    let expected = solve("levenberg-marquardt", &plain, &[0.3, 0.4]).x;
    let transforms = [Transform::Log, Transform::Bounds(0.0, 2.0)];
    let transformed = plain.transformed(&transforms).unwrap();
    for rule in ["levenberg-marquardt", "bfgs", "inverse-simulator"] {
        let mut first = None;
        let solver = Solver::new(
            RULES.build(rule, &toml::Table::new()).unwrap(),
            StopWhen::after(100).with_loss_change(0.0),
        );
        let watch = |_: &_, x: &[f64]| {
            first.get_or_insert_with(|| x.to_vec());
            ControlFlow::Continue(())
        };
        let found = solver
            .solve_observed(&transformed, &[0.3, 0.4], watch)
            .unwrap();
        assert!(
            first
                .unwrap()
                .iter()
                .zip([0.3, 0.4])
                .all(|(a, b)| (a - b).abs() < 1e-15)
        );
        for (x, e) in found.x.iter().zip(&expected) {
            assert!((x - e).abs() < 1e-9, "{rule}: {:?} {expected:?}", found.x);
        }
    }
    let back = transformed.untransformed().unwrap();
    assert!(!back.is_transformed() && back.priors().len() == 1);
}

#[test]
fn an_inverse_is_transformed_too() {
    let exp = ExpOptions::default().with_size(2).build().unwrap();
    let transformed = problem(Arc::new(exp), vec![2.0, 3.0])
        .transformed(&[Transform::Log])
        .unwrap();
    let found = solve("inverse-simulator", &transformed, &[0.1, 5.0]);
    for (x, y) in found.x.iter().zip([2.0_f64, 3.0]) {
        assert!((x - y.ln()).abs() < 1e-14, "{:?}", found.x);
    }
    assert!(found.steps <= 2);
}

#[test]
fn values_that_no_unknown_stands_for_are_named() {
    let heat = || Arc::new(HeatOptions::default().with_shape(vec![3]).build().unwrap());
    let plain = problem(heat(), vec![1.0; 3]);
    let refuse = |transforms: &[Transform], start: &[f64]| {
        let rule = RULES.build("gauss-newton", &toml::Table::new()).unwrap();
        let stop = StopWhen::after(1);
        let solved = plain
            .transformed(transforms)
            .and_then(|problem| Solver::new(rule, stop).solve(&problem, start));
        solved.expect_err("this is to be refused").to_string()
    };
    assert_eq!(
        refuse(&[Transform::Log], &[1.0, 0.0, 1.0]),
        "x[1] = 0 is not allowed: a logarithm needs it greater than 0"
    );
    assert_eq!(
        refuse(&[Transform::Bounds(0.0, 1.0)], &[0.5, 0.5, 1.0]),
        "x[2] = 1 is not allowed: it must lie between 0 and 1"
    );
    assert_eq!(
        refuse(&[Transform::Scale(0.0)], &[0.5; 3]),
        "transform = scale = 0 is not allowed: the unit must be greater than 0"
    );
    assert_eq!(
        refuse(&[Transform::Log; 2], &[0.5; 3]),
        "the list of transforms has 2 values, expected 3: check the shape of the data"
    );
}
