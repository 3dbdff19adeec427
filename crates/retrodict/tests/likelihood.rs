//! Likelihoods of which the noise level is an unknown, and of counts: derivatives, information and densities.

use retrodict::Loss;
use retrodict::core::random::Random;
use retrodict::losses::{Distribution, Likelihood, PoissonDeviance};

const ALL: [Distribution; 3] = [
    Distribution::Gaussian,
    Distribution::Proportional,
    Distribution::LogNormal,
];

const TARGET: [f64; 5] = [1.1, 2.3, 0.7, 3.2, 1.9];

/// y, and ln σ of two groups.
const AT: [f64; 7] = [1.0, 2.0, 0.9, 3.5, 1.6, -1.2, -0.4];

fn loss(distribution: Distribution) -> Likelihood {
    Likelihood::new(distribution, [0, 1, 0, 1, 0], &TARGET).unwrap()
}

fn target() -> Vec<f64> {
    [&TARGET[..], &[0.0, 0.0]].concat()
}

fn gradient(loss: &dyn Loss, y: &[f64], target: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; y.len()];
    loss.gradient(y, target, &mut out);
    out
}

fn unit(n: usize, i: usize) -> Vec<f64> {
    (0..n).map(|j| f64::from(u8::from(i == j))).collect()
}

/// Central differences of values of size 1: right to about 1e-9.
#[test]
fn gradients_and_hessians_are_those_of_differences() {
    let h = 1e-5;
    for distribution in ALL {
        let (loss, target) = (loss(distribution), target());
        let slope = gradient(&loss, &AT, &target);
        for i in 0..AT.len() {
            let side = |by: f64| {
                let mut y = AT.to_vec();
                y[i] += by;
                y
            };
            let value = |by| loss.value(&side(by), &target);
            let difference = (value(h) - value(-h)) / (2.0 * h);
            assert!((slope[i] - difference).abs() < 1e-7, "{distribution:?} {i}");
            let mut product = vec![0.0; AT.len()];
            loss.hessian_product(&AT, &target, &unit(AT.len(), i), &mut product);
            let (above, below) = (
                gradient(&loss, &side(h), &target),
                gradient(&loss, &side(-h), &target),
            );
            for j in 0..AT.len() {
                let difference = (above[j] - below[j]) / (2.0 * h);
                assert!(
                    (product[j] - difference).abs() < 1e-6,
                    "{distribution:?} {i} {j}"
                );
            }
        }
    }
}

/// W is what the Newton step undoes, and its transpose is its transpose.
#[test]
fn whitening_and_the_newton_step_belong_together() {
    for distribution in ALL {
        let (loss, target, n) = (loss(distribution), target(), AT.len());
        let mut step = vec![0.0; n];
        loss.newton_step(&AT, &target, &mut step).unwrap();
        let (mut whitened, mut back) = (vec![0.0; n], vec![0.0; n]);
        loss.whiten(&AT, &target, &step, &mut whitened);
        loss.whiten_transpose(&AT, &target, &whitened, &mut back);
        for (back, slope) in back.iter().zip(gradient(&loss, &AT, &target)) {
            assert!(
                (back + slope).abs() < 1e-11 * (1.0 + slope.abs()),
                "{distribution:?}"
            );
        }
        for i in 0..n {
            for j in 0..n {
                let (mut a, mut b) = (vec![0.0; n], vec![0.0; n]);
                loss.whiten(&AT, &target, &unit(n, i), &mut a);
                loss.whiten_transpose(&AT, &target, &unit(n, j), &mut b);
                assert_eq!(a[j], b[i], "{distribution:?} {i} {j}");
            }
        }
    }
}

/// The information is the expected square of the gradient, over data drawn from the distribution itself: for 40 000 draws
/// to within 3 % of the larger entries.
#[test]
fn the_information_is_that_of_drawn_data() {
    let (y, level) = (2.0_f64, -0.9_f64);
    let sigma = level.exp();
    let mut random = Random::seeded(4);
    for distribution in ALL {
        let mut expected = [[0.0; 2]; 2];
        const DRAWS: usize = 40_000;
        for _ in 0..DRAWS {
            let z = random.normal();
            let datum = match distribution {
                Distribution::Gaussian => y + sigma * z,
                Distribution::Proportional => y * (1.0 + sigma * z),
                Distribution::LogNormal => y * (sigma * z).exp(),
            };
            let loss = Likelihood::new(distribution, [0], &[datum]).unwrap();
            let g = gradient(&loss, &[y, level], &[datum, 0.0]);
            for i in 0..2 {
                for j in 0..2 {
                    expected[i][j] += g[i] * g[j] / DRAWS as f64;
                }
            }
        }
        let loss = Likelihood::new(distribution, [0], &[y]).unwrap();
        for (i, row) in expected.iter().enumerate() {
            let (mut half, mut whole) = (vec![0.0; 2], vec![0.0; 2]);
            loss.whiten(&[y, level], &[y, 0.0], &unit(2, i), &mut half);
            loss.whiten_transpose(&[y, level], &[y, 0.0], &half, &mut whole);
            for (found, drawn) in whole.iter().zip(row) {
                assert!(
                    (found - drawn).abs() < 0.06 * (1.0 + found.abs()),
                    "{distribution:?}: {whole:?} {row:?}"
                );
            }
        }
    }
}

/// Densities by hand: ½ ln 2π is 0.918938533204672…
#[test]
fn likelihoods_are_densities() {
    let at = |distribution, y: f64, sigma: f64, datum: f64| {
        let loss = Likelihood::new(distribution, [0], &[datum]).unwrap();
        loss.log_likelihood(&[y, sigma.ln()], &[datum, 0.0])
            .unwrap()
            .value
    };
    let root = 0.918_938_533_204_672_7;
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
    near(
        at(Distribution::Gaussian, 1.0, 0.5, 2.0),
        -2.0 - 0.5_f64.ln() - root,
    );
    near(at(Distribution::Proportional, 4.0, 0.25, 2.0), -2.0 - root);
    near(
        at(Distribution::LogNormal, 1.0, 0.5, 2.0),
        -2.0 * 2.0_f64.ln().powi(2) - root,
    );
    let counts = PoissonDeviance::default().log_likelihood(&[3.0, 2.0], &[2.0, 0.0]);
    near(
        counts.unwrap().value,
        2.0 * 3.0_f64.ln() - 3.0 - 2.0_f64.ln() - 2.0,
    );
    // Twice the loss of counts is the deviance from the model that fits each of them.
    let (y, t) = ([3.0, 2.0], [2.0, 5.0]);
    let loss = PoissonDeviance::default();
    let best = loss.log_likelihood(&t, &t).unwrap().value;
    near(
        loss.value(&y, &t),
        best - loss.log_likelihood(&y, &t).unwrap().value,
    );
}

#[test]
fn data_that_a_distribution_cannot_make_are_named() {
    let refused = |distribution, groups: &[usize], target: &[f64]| {
        let made = Likelihood::new(distribution, groups, target);
        made.unwrap_err().to_string()
    };
    assert!(refused(Distribution::LogNormal, &[0, 0], &[1.0, -1.0]).contains("target[1]"));
    assert!(refused(Distribution::Gaussian, &[0, 2], &[1.0, 2.0]).contains("group 1"));
    assert!(refused(Distribution::Gaussian, &[0], &[1.0, 2.0]).contains("groups"));
    let counts = PoissonDeviance::default().check_target(&[1.0, -2.0]);
    assert!(counts.unwrap_err().to_string().contains("target[1]"));
}
