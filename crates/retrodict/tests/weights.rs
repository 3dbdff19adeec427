//! Chosen weights beside the best there is, on Hansen's problems.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use rayon::prelude::*;
use retrodict::linalg::norm;
use retrodict::losses::{SquaredError, Weighted};
use retrodict::options::Build;
use retrodict::priors::Tikhonov;
use retrodict::simulators::{
    Deriv2Options, ExpOptions, GravityOptions, HeatOptions, IntegralEquation, PhillipsOptions,
    ShawOptions, VolterraOptions,
};
use retrodict::uncertainty::weight::{Choice, solutions};
use retrodict::{Problem, Simulator, Transform};

const LEVELS: [f64; 4] = [1e-4, 1e-3, 1e-2, 1e-1];
const SEEDS: u64 = 100;

fn noisy(y: &[f64], sigma: f64, seed: u64) -> Vec<f64> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut draw = || -> f64 { StandardNormal.sample(&mut random) };
    y.iter().map(|y| y + sigma * draw()).collect()
}

fn error(x: &[f64], truth: &[f64]) -> f64 {
    let off: Vec<f64> = x.iter().zip(truth).map(|(x, t)| x - t).collect();
    norm(&off) / norm(truth)
}

fn with_tikhonov(simulator: Arc<dyn Simulator>, sigma: f64, y: Vec<f64>) -> Problem {
    let loss = Arc::new(Weighted::half([sigma]).unwrap());
    Problem::new(simulator, loss, y)
        .unwrap()
        .with_prior(&Tikhonov::default(), 1.0)
        .unwrap()
}

const CHOICES: [Choice; 2] = [Choice::Discrepancy, Choice::CrossValidation];

/// The mean error of each choice over that of the best fixed weight.
///
/// The fixed weight is the one with the least mean error over all seeds, which nobody could know.
fn ratios(problem: &Arc<dyn IntegralEquation>, level: f64) -> [f64; 2] {
    let (y, truth) = (problem.data(), problem.solution());
    let sigma = level * norm(&y) / (y.len() as f64).sqrt();
    // χ² is in units of the noise, so the weights that matter lie around 1/x².
    let weights: Vec<f64> = (-30..=30)
        .map(|i| 10_f64.powf(0.2 * f64::from(i)))
        .collect();
    let mut fixed = vec![0.0; weights.len()];
    let mut chosen = [0.0; 2];
    let start = vec![0.0; truth.len()];
    for seed in 0..SEEDS {
        let simulator = Arc::clone(problem) as Arc<dyn Simulator>;
        let posed = with_tikhonov(simulator, sigma, noisy(&y, sigma, seed));
        for (chosen, choice) in chosen.iter_mut().zip(CHOICES) {
            let found = choice.weight(&posed, &start).unwrap();
            assert!(found.settled && found.rounds == 1);
            *chosen += error(&found.x, &truth);
        }
        let tried = solutions(&posed, &start, &weights).unwrap();
        let pairs = fixed.iter_mut().zip(&tried);
        pairs.for_each(|(f, x)| *f += error(x, &truth));
    }
    let best = fixed.iter().copied().fold(f64::INFINITY, f64::min);
    chosen.map(|c| c / best)
}

/// Means over noise and problems within 10 % of the best.
#[test]
fn chosen_weights_come_near_the_best_on_hansens_problems() {
    let problems: [(&str, Arc<dyn IntegralEquation>); 5] = [
        ("shaw", Arc::new(ShawOptions::default().build().unwrap())),
        (
            "phillips",
            Arc::new(PhillipsOptions::default().build().unwrap()),
        ),
        (
            "gravity",
            Arc::new(GravityOptions::default().build().unwrap()),
        ),
        (
            "deriv2",
            Arc::new(Deriv2Options::default().build().unwrap()),
        ),
        (
            "volterra",
            Arc::new(VolterraOptions::default().build().unwrap()),
        ),
    ];
    let cells: Vec<[f64; 2]> = (0..20)
        .into_par_iter()
        .map(|i| ratios(&problems[i / 4].1, LEVELS[i % 4]))
        .collect();
    let mean = |k: usize| cells.iter().map(|cell| cell[k]).sum::<f64>() / 20.0;
    for (k, choice) in CHOICES.iter().enumerate() {
        for (i, (name, _)) in problems.iter().enumerate() {
            let row: Vec<String> = (0..4)
                .map(|l| format!("{:.2}", cells[4 * i + l][k]))
                .collect();
            println!("{choice:?}: {name:10} {}", row.join(" "));
        }
        println!("{choice:?}: mean {:.3}", mean(k));
    }
    assert!(mean(0) < 1.1 && mean(1) < 1.1, "{} {}", mean(0), mean(1));
    assert!(
        cells.as_flattened().iter().all(|ratio| *ratio < 1.5),
        "{cells:?}"
    );
}

/// At the weight found χ² is m − tr A, unless cross-validation asks for more; the problem is nonlinear, so that
/// takes a few rounds.
#[test]
fn the_discrepancy_of_a_nonlinear_problem_settles() {
    let truth: Vec<f64> = (0..40).map(|i| (0.15 * f64::from(i)).sin()).collect();
    let exp = Arc::new(ExpOptions::default().with_size(40).build().unwrap());
    let mut clean = vec![0.0; 40];
    exp.forward(&truth, &mut clean).unwrap();
    let sigma = 0.1;
    let mut reached = 0;
    for seed in 0..6 {
        let loss = Arc::new(Weighted::half([sigma]).unwrap());
        let curved = Tikhonov::default().with_order(2);
        let problem = Problem::new(exp.clone(), loss, noisy(&clean, sigma, seed)).unwrap();
        let problem = problem.with_prior(&curved, 1.0).unwrap();
        let found = Choice::Discrepancy.weight(&problem, &[0.0; 40]).unwrap();
        assert!(found.settled && found.rounds > 1, "{} rounds", found.rounds);
        assert!(error(&found.x, &truth) < 0.3, "{}", error(&found.x, &truth));
        let expected = 40.0 - found.freedom;
        assert!(
            found.misfit > 0.97 * expected,
            "{} {expected}",
            found.misfit
        );
        let least = Choice::CrossValidation
            .weight(&problem, &[0.0; 40])
            .unwrap();
        if found.weight > 1.1 * least.weight {
            reached += 1;
            assert!(
                (found.misfit / expected - 1.0).abs() < 0.03,
                "{} {expected}",
                found.misfit
            );
        }
    }
    assert!(reached > 0, "cross-validation is not always the larger");
}

/// Units of the unknowns are no reason for another weight; nor do logarithms change what data and prior say of an
/// x that is positive anyway.
#[test]
fn transforms_change_neither_the_weight_nor_what_x_is() {
    let gravity = GravityOptions::default().with_size(24).build().unwrap();
    let truth: Vec<f64> = (0..24).map(|i| 2.0 + (0.3 * f64::from(i)).sin()).collect();
    let mut clean = vec![0.0; 24];
    gravity.forward(&truth, &mut clean).unwrap();
    let sigma = 0.01 * norm(&clean) / 24.0_f64.sqrt();
    let problem = with_tikhonov(Arc::new(gravity), sigma, noisy(&clean, sigma, 3));
    let start = vec![1.5; 24];
    for choice in CHOICES {
        let plain = choice.weight(&problem, &start).unwrap();
        // y and J for the choice, and y once more to see that curvatures stay; then none.
        assert_eq!((plain.rounds, plain.counts.forward), (1, 2));
        assert_eq!(plain.counts.jvp + plain.counts.vjp, 24);
        assert!(error(&plain.x, &truth) < 0.2 && plain.x.iter().all(|x| *x > 0.0));
        for transform in [Transform::Scale(1e-3), Transform::Log] {
            let other = problem.transformed(&[transform]).unwrap();
            let found = choice.weight(&other, &start).unwrap();
            let ratio = found.weight / plain.weight;
            assert!(
                found.settled && (ratio - 1.0).abs() < 0.05,
                "{transform:?}: {ratio}"
            );
            assert!(error(&found.x, &plain.x) < 0.01, "{transform:?}");
            assert!(found.counts.forward > 0 && found.counts.vjp + found.counts.jvp >= 24);
        }
        let scaled = problem.transformed(&[Transform::Scale(1e-3)]).unwrap();
        let weights = [0.1 * plain.weight, plain.weight];
        let pairs = [&problem, &scaled].map(|p| solutions(p, &start, &weights).unwrap());
        assert!((0..2).all(|i| error(&pairs[1][i], &pairs[0][i]) < 1e-6));
    }
}

#[test]
fn a_choice_that_cannot_be_made_says_why() {
    let loss = Arc::new(SquaredError::half());
    let bare = Problem::new(
        Arc::new(ShawOptions::default().build().unwrap()),
        loss,
        vec![1.0; 64],
    )
    .unwrap();
    let message = |choice: Choice, problem: &Problem| {
        choice.weight(problem, &[0.0; 64]).unwrap_err().to_string()
    };
    let none = message(Choice::CrossValidation, &bare);
    assert!(
        none.contains("just one prior, which a problem with 0 priors does not offer"),
        "{none}"
    );
    let one = bare.with_prior(&Tikhonov::default(), 1.0).unwrap();
    let unknown = message(Choice::Discrepancy, &one);
    assert!(
        unknown.contains("the standard deviations of the noise"),
        "{unknown}"
    );
    assert!(unknown.contains("cross-validation"), "{unknown}");
    let two = one
        .with_prior(&Tikhonov::default().with_order(1), 1.0)
        .unwrap();
    assert!(message(Choice::LCurve, &two).contains("a problem with 2 priors"));
}

/// More than 2000 unknowns: by products alone. Blurred heat, white noise; the error is near that of the best of
/// many weights.
#[test]
fn a_field_too_large_for_matrices_gets_a_good_weight_too() {
    let heat = HeatOptions::default()
        .with_shape(vec![48, 48])
        .with_nu_t(2.0)
        .build()
        .unwrap();
    let wave = |i: usize, f: f64| (2.0 * std::f64::consts::PI * f * i as f64 / 48.0).sin();
    let truth: Vec<f64> = (0..2304)
        .map(|i| 1.0 + wave(i / 48, 2.0) * wave(i % 48, 1.0) + 0.3 * wave(i % 48, 5.0))
        .collect();
    let mut clean = vec![0.0; 2304];
    heat.forward(&truth, &mut clean).unwrap();
    let sigma = 0.05;
    let problem = with_tikhonov(Arc::new(heat), sigma, noisy(&clean, sigma, 2));
    let start = vec![0.0; 2304];
    let weights: Vec<f64> = (-4..=12)
        .map(|i| 10_f64.powf(0.25 * f64::from(i)))
        .collect();
    let tried = solutions(&problem, &start, &weights).unwrap();
    let errors = tried.iter().map(|x| error(x, &truth));
    let best = errors.fold(f64::INFINITY, f64::min);
    for choice in [Choice::Discrepancy, Choice::CrossValidation] {
        let found = choice.weight(&problem, &start).unwrap();
        let ratio = error(&found.x, &truth) / best;
        println!(
            "{choice:?}: weight {:.3}, {ratio:.3} of the best error {best:.3}",
            found.weight
        );
        assert!(found.settled && ratio < 1.2, "{ratio}");
    }
}

/// The automatic choice takes the first rule whose weight is beyond doubt, and says what it passed over.
#[test]
fn the_automatic_choice_goes_on_to_the_next_rule() {
    use retrodict::uncertainty::weight::Doubt;
    let shaw = ShawOptions::default().build().unwrap();
    let y = noisy(&shaw.data(), 1e-2, 4);
    let zeros = vec![0.0; y.len()];
    let told = |sigma: f64| {
        with_tikhonov(
            Arc::new(ShawOptions::default().build().unwrap()),
            sigma,
            y.clone(),
        )
    };
    let right = Choice::Automatic.weight(&told(1e-2), &zeros).unwrap();
    assert_eq!(right.doubt, None);
    // Noise that is told far too small is never reached.
    let wrong = told(1e-6);
    let alone = Choice::Discrepancy.weight(&wrong, &zeros).unwrap();
    assert_eq!(alone.doubt, Some(Doubt::NotExplained));
    let found = Choice::Automatic.weight(&wrong, &zeros).unwrap();
    assert_eq!((found.rule, found.doubt), (Choice::CrossValidation, None));
    assert_eq!(found.passed, [(Choice::Discrepancy, Doubt::NotExplained)]);
    // Nothing is known of the noise.
    let loss = Arc::new(SquaredError::half());
    let unknown = Problem::new(
        Arc::new(ShawOptions::default().build().unwrap()),
        loss,
        y.clone(),
    )
    .unwrap();
    let unknown = unknown.with_prior(&Tikhonov::default(), 1.0).unwrap();
    let found = Choice::Automatic.weight(&unknown, &zeros).unwrap();
    assert_eq!(found.rule, Choice::CrossValidation);
    // Its corner is clear, and a prior that explains the data by itself is said to.
    let corner = Choice::LCurve.weight(&unknown, &zeros).unwrap();
    assert_eq!(corner.doubt, None);
    assert!(error(&corner.x, &shaw.solution()) < 0.5);
}
