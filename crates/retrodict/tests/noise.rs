//! Noise: multiplicative, with missing data, and in several observations of one x.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use retrodict::options::Build;
use std::sync::Arc;

use retrodict::losses::{
    Covariance, HuberOptions, LogNormalOptions, SpectralOptions, SquaredError, Weighted,
    WeightedOptions,
};
use retrodict::priors::Tikhonov;
use retrodict::registry::RULES;
use retrodict::simulators::{Exp, ExpOptions, Heat, HeatOptions};
use retrodict::{Loss, Problem, Selected, Simulator, Solver, StopWhen, check};

const NAN: f64 = f64::NAN;

fn heat(cells: usize) -> Arc<Heat> {
    Arc::new(
        HeatOptions::default()
            .with_shape(vec![cells])
            .with_nu_t(0.3)
            .build()
            .unwrap(),
    )
}

fn exp(size: usize) -> Arc<Exp> {
    Arc::new(ExpOptions::default().with_size(size).build().unwrap())
}

fn solve(rule: &str, problem: &Problem, start: &[f64]) -> Vec<f64> {
    let rule = RULES.build(rule, &toml::Table::new()).unwrap();
    let stop = StopWhen::after(100).with_loss_change(0.0);
    Solver::new(rule, stop).solve(problem, start).unwrap().x
}

#[test]
fn multiplicative_noise_is_additive_noise_of_the_logarithm() {
    let (y, target) = ([2.0, 3.0], [1.0, 6.0]);
    let ln2 = 2.0_f64.ln();
    let loss = LogNormalOptions::default()
        .with_deviations([0.5, 0.1])
        .with_half(true)
        .build()
        .unwrap();
    let expected = 0.5 * (ln2 * ln2 / 0.25 + ln2 * ln2 / 0.01);
    assert!((loss.value(&y, &target) / expected - 1.0).abs() < 1e-14);
    let chi_squared = loss.chi_squared(&y, &target).unwrap();
    assert!((chi_squared.value / (2.0 * expected) - 1.0).abs() < 1e-14);
    assert_eq!(loss.value(&[-1.0, 3.0], &target), f64::INFINITY);
    // P = e^x is linear in the logarithm: one step of Gauss–Newton ends at it.
    let problem = Problem::new(exp(2), Arc::new(loss), target.to_vec()).unwrap();
    let rule = RULES.build("gauss-newton", &toml::Table::new()).unwrap();
    let stop = StopWhen::after(1);
    let found = Solver::new(rule, stop)
        .solve(&problem, &[3.0, -1.0])
        .unwrap()
        .x;
    assert!((found[0]).abs() < 1e-14 && (found[1] - 6.0_f64.ln()).abs() < 1e-14);
}

#[test]
fn a_datum_that_multiplicative_noise_cannot_make_is_named() {
    let loss = Arc::new(LogNormalOptions::default().build().unwrap());
    let error = Problem::new(exp(3), loss, vec![1.0, 2.0, 0.0])
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "target[2] = 0 is not allowed: multiplicative noise keeps every datum greater than 0; \
         leave it out as missing, or use `weighted`"
    );
}

#[test]
fn standard_deviations_that_are_none_are_named() {
    for (deviation, hint) in [
        (0.0, "it must be greater than 0: no measurement is exact"),
        (-1.0, "it must be greater than 0"),
        (NAN, "write NaN in the data too"),
        (f64::INFINITY, "to ignore a datum, write NaN"),
    ] {
        let deviations = vec![1.0, deviation];
        let logarithms = LogNormalOptions::default().with_deviations(deviations.clone());
        let errors = [
            Weighted::half(deviations).unwrap_err(),
            logarithms.with_half(true).build().unwrap_err(),
        ];
        for error in errors {
            let message = error.to_string();
            let start = format!("deviations[1] = {deviation} is not allowed: ");
            assert!(
                message.starts_with(&start) && message.contains(hint),
                "{message}"
            );
        }
    }
}

#[test]
fn a_covariance_that_is_none_is_refused() {
    let covariance = Covariance::new(vec![vec![1.0, 2.0], vec![2.0, 1.0]], true);
    let error = covariance.unwrap_err().to_string();
    assert!(
        error.starts_with("covariance = a 2 × 2 matrix is not allowed: "),
        "{error}"
    );
    assert!(error.contains("positive definite"), "{error}");
}

/// Missing data weigh nothing: the fit is that to the others, with each loss's own numbers.
#[test]
fn missing_data_are_left_out_with_their_noise() {
    let target = vec![1.0, NAN, 2.0, 0.5, NAN];
    let deviations = vec![0.1, 1e-9, 0.2, 0.3, 1e-9];
    let mut covariance = vec![vec![0.0; 5]; 5];
    for (i, row) in covariance.iter_mut().enumerate() {
        for (j, c) in row.iter_mut().enumerate() {
            *c = 0.3_f64.powi(i.abs_diff(j) as i32) * (1.0 + (i == j) as u8 as f64);
        }
    }
    let seen = [0, 2, 3];
    let chosen = seen
        .iter()
        .map(|i| seen.map(|j| covariance[*i][j]).to_vec());
    let (half, shared) = (true, HuberOptions::default().build().unwrap());
    let pairs: [(Arc<dyn Loss>, Arc<dyn Loss>); 4] = [
        (
            Arc::new(
                WeightedOptions::default()
                    .with_deviations(deviations)
                    .with_half(half)
                    .build()
                    .unwrap(),
            ),
            Arc::new(
                WeightedOptions::default()
                    .with_deviations([0.1, 0.2, 0.3])
                    .with_half(half)
                    .build()
                    .unwrap(),
            ),
        ),
        (
            Arc::new(Covariance::new(covariance.clone(), half).unwrap()),
            Arc::new(Covariance::new(chosen.collect(), half).unwrap()),
        ),
        (
            Arc::new(SquaredError::default().with_half(half)),
            Arc::new(SquaredError::default().with_half(half)),
        ),
        (Arc::new(shared.clone()), Arc::new(shared)),
    ];
    for (whole, left) in pairs {
        let prior = Tikhonov::default();
        let missing = Problem::with_missing(heat(5), whole, target.clone()).unwrap();
        assert_eq!(missing.outputs(), 3);
        let selected = Arc::new(Selected::new(heat(5), seen.to_vec()).unwrap());
        let by_hand = Problem::new(selected, left, vec![1.0, 2.0, 0.5]).unwrap();
        let fits = [missing, by_hand].map(|problem| {
            let problem = problem.with_prior(&prior, 0.1).unwrap();
            solve("levenberg-marquardt", &problem, &[0.0; 5])
        });
        assert_eq!(fits[0], fits[1]);
        assert!(fits[0].iter().any(|x| x.abs() > 0.1));
    }
}

#[test]
fn what_is_seen_of_a_simulator_passes_the_checks_of_one() {
    let inner: [Arc<dyn Simulator>; 2] = [heat(6), exp(6)];
    for simulator in inner {
        let selected = Selected::new(simulator.clone(), vec![0, 3, 4]).unwrap();
        let selected: Arc<dyn Simulator> = Arc::new(selected);
        for check in check::simulator(&selected, &[0.3, -0.4, 0.8, 0.1, 0.9, -0.2], 5) {
            assert!(check.passed, "{check:?}");
        }
        let error = Selected::new(simulator, vec![6]).err().unwrap().to_string();
        assert_eq!(
            error,
            "place = 6 is not allowed: the output has 6 values, counted from 0"
        );
    }
}

#[test]
fn nan_is_missing_only_when_asked_for() {
    let loss = || Arc::new(SquaredError::half());
    let message = |problem: retrodict::Result<Problem>| problem.err().unwrap().to_string();
    let target = vec![1.0, NAN, 2.0];
    assert_eq!(
        message(Problem::new(exp(3), loss(), target.clone())),
        "the target holds NaN at index 1, but every value must be finite: \
         clean or mask the data first"
    );
    assert_eq!(
        message(Problem::with_missing(exp(3), loss(), vec![NAN; 3])),
        "target = NaN throughout is not allowed: at least one value must have been observed"
    );
    assert!(
        message(Problem::with_missing(
            exp(3),
            loss(),
            vec![NAN, 1.0, f64::INFINITY]
        ))
        .starts_with("the target holds inf at index 2")
    );
    let spectral = Arc::new(SpectralOptions::default().with_shape([3]).build().unwrap());
    let refused = message(Problem::with_missing(exp(3), spectral, target));
    assert!(
        refused.starts_with("a target with missing data needs a loss of single data"),
        "{refused}"
    );
    let whole = Problem::with_missing(exp(3), loss(), vec![1.0; 3]).unwrap();
    assert_eq!(whole.outputs(), 3);
}

/// x seen once as it is and once as e^x, with noise of their own: each unknown solves
/// (x − a)/σ² + e^x (e^x − b)/τ² = 0.
#[test]
fn several_observations_of_one_system_are_joined() {
    let unblurred = Arc::new(
        HeatOptions::default()
            .with_shape(vec![2])
            .with_nu_t(0.0)
            .build()
            .unwrap(),
    );
    let weighted = |deviation: f64| Arc::new(Weighted::half([deviation]).unwrap());
    let (a, b, sigma, tau) = ([0.3, 1.0], [2.0, 1.5], 0.2, 0.5);
    let first = Problem::new(unblurred, weighted(sigma), a.to_vec()).unwrap();
    let second = Problem::new(exp(2), weighted(tau), b.to_vec()).unwrap();
    let joined = Problem::joined(&[first.clone(), second]).unwrap();
    assert_eq!((joined.outputs(), joined.data_outputs()), (4, 4));
    let x = solve("levenberg-marquardt", &joined, &[0.0; 2]);
    for i in 0..2 {
        let e = x[i].exp();
        let slope = (x[i] - a[i]) / (sigma * sigma) + e * (e - b[i]) / (tau * tau);
        assert!(slope.abs() < 1e-9, "{x:?}: {slope:e}");
    }
    let y = [0.5, 1.0, 2.0, 2.0];
    let chi_squared = |problem: &Problem, y: &[f64]| {
        let known = problem.loss().chi_squared(y, problem.target()).unwrap();
        (known.value, known.data)
    };
    let (value, data) = chi_squared(&joined, &y);
    assert!((value - (1.0 + 1.0)).abs() < 1e-12 && data == 4, "{value}");
    // χ² is that of the data, whatever is known before.
    let prior = Tikhonov::default();
    let with_prior = joined.with_prior(&prior, 3.0).unwrap();
    let whole = [&y[..], &[7.0, 8.0]].concat();
    assert_eq!(chi_squared(&with_prior, &whole), (value, 4));
    let error = Problem::joined(&[first.with_prior(&prior, 1.0).unwrap()]).err();
    assert_eq!(
        error.unwrap().to_string(),
        "joined = a problem with priors, bounds, constraints or transforms is not allowed: \
         join the data first, and give these to the whole"
    );
}

#[test]
fn fewer_data_than_unknowns_are_told_unless_there_is_a_prior() {
    let loss = Arc::new(SquaredError::half());
    let target = vec![1.0, NAN, 2.0, NAN, NAN];
    let problem = Problem::with_missing(heat(5), loss, target).unwrap();
    let shortage = problem.shortage().unwrap();
    assert_eq!((shortage.data, shortage.unknowns), (2, 5));
    assert_eq!(
        shortage.to_string(),
        "2 data for 5 unknowns and no prior: the problem is underdetermined; at least 3 directions are not \
        constrained by the data and keep their starting values; add a prior, or see `Statistics::unseen` for these \
        directions"
    );
    let statistics =
        retrodict::uncertainty::statistics::Statistics::of(&problem, &[0.0; 5]).unwrap();
    assert_eq!(statistics.unseen.rows(), 3);
    let with_prior = problem.with_prior(&Tikhonov::default(), 1.0).unwrap();
    assert!(with_prior.shortage().is_none());
}

/// ln y = x with noise of 0.5 in ln y: whatever the size of y, x has that standard deviation.
#[test]
fn multiplicative_noise_gives_standard_deviations_for_data_of_any_size() {
    use retrodict::uncertainty::statistics::{Noise, Statistics};
    for y in [1e-6, 0.1, 1.0, 1e6] {
        let loss = LogNormalOptions::default().with_deviations([0.5]);
        for half in [false, true] {
            let loss = loss.clone().with_half(half).build().unwrap();
            let problem = Problem::new(exp(1), Arc::new(loss), vec![y]).unwrap();
            let found = Statistics::with(&problem, &[y.ln()], Noise::Known).unwrap();
            assert!((found.deviations[0] - 0.5).abs() < 1e-6, "{y}: {found:?}");
        }
    }
}
