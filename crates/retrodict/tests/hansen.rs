//! Hansen's integral equations against closed integrals, and what is known of their singular values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::f64::consts::PI;

use retrodict::linalg::{Matrix, norm, svd};
use retrodict::options::Build;
use retrodict::registry::SIMULATORS;
use retrodict::simulators::{
    Deriv2, Deriv2Options, Gravity, GravityOptions, IntegralEquation, Phillips, PhillipsOptions,
    Shaw, ShawOptions, Volterra, VolterraOptions,
};

fn applied(problem: &dyn IntegralEquation, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; problem.matrix().rows()];
    problem.matrix().apply(x, &mut y);
    y
}

fn singular_values(problem: &dyn IntegralEquation) -> Vec<f64> {
    svd(problem.matrix()).unwrap().s
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&difference) / norm(b)
}

/// How much the error falls where cells are halved.
fn order(error: impl Fn(usize) -> f64) -> f64 {
    (error(64) / error(128)).log2()
}

fn shaw(size: usize) -> Shaw {
    ShawOptions::default().with_size(size).build().unwrap()
}

fn phillips(size: usize) -> Phillips {
    PhillipsOptions::default().with_size(size).build().unwrap()
}

fn gravity(size: usize) -> Gravity {
    GravityOptions::default().with_size(size).build().unwrap()
}

fn deriv2(size: usize) -> Deriv2 {
    Deriv2Options::default().with_size(size).build().unwrap()
}

fn volterra(size: usize) -> Volterra {
    VolterraOptions::default().with_size(size).build().unwrap()
}

fn assert_symmetric(a: &Matrix, toeplitz: bool, persymmetric: bool) {
    let n = a.rows();
    let size = a.as_slice().iter().fold(0.0_f64, |c, v| c.max(v.abs()));
    for i in 0..n {
        for j in 0..n {
            let near = |b: f64| (a[(i, j)] - b).abs() <= 1e-14 * size;
            assert!(near(a[(j, i)]), "symmetric at {i}, {j}");
            assert!(
                !persymmetric || near(a[(n - 1 - j, n - 1 - i)]),
                "persymmetric at {i}, {j}"
            );
            assert!(
                !toeplitz || i == 0 || j == 0 || near(a[(i - 1, j - 1)]),
                "Toeplitz at {i}, {j}"
            );
        }
    }
}

#[test]
fn matrices_have_the_symmetries_of_their_kernels() {
    assert_symmetric(shaw(32).matrix(), false, true);
    assert_symmetric(phillips(32).matrix(), true, true);
    assert_symmetric(gravity(32).matrix(), true, true);
    assert_symmetric(deriv2(32).matrix(), false, true);
    let problem = volterra(32);
    let a = problem.matrix();
    for i in 0..32 {
        for j in 0..32 {
            assert!(j <= i || a[(i, j)] == 0.0, "it looks back only");
            assert!(i == 0 || j == 0 || a[(i, j)] == a[(i - 1, j - 1)]);
        }
    }
}

/// Box functions are second order; for the straight line of deriv2 they happen to be exact.
#[test]
fn the_published_data_are_those_of_the_published_solutions() {
    let misfit = |p: &dyn IntegralEquation| distance(&applied(p, &p.solution()), &p.data());
    let observed = order(|n| misfit(&phillips(n)));
    assert!((observed - 2.0).abs() < 0.05, "order {observed}");
    assert!(misfit(&phillips(256)) < 1e-4 && misfit(&deriv2(256)) < 1e-13);
    // g(0) = 9 and f(0) = 2.
    let (p, middle) = (phillips(1200), 600);
    assert!((p.data()[middle] - 9.0).abs() < 1e-3 && (p.solution()[middle] - 2.0).abs() < 1e-3);
}

/// ∫₀¹ d (d² + (s − t)²)^(−3/2) dt = [(t − s)/(d √(d² + (t − s)²))] from 0 to 1.
#[test]
fn a_uniform_mass_pulls_as_the_integral_says() {
    let error = |n: usize| {
        let problem = gravity(n);
        let edge = |u: f64| u / (0.25 * 0.25_f64.hypot(u));
        let exact: Vec<f64> = problem
            .points()
            .iter()
            .map(|s| edge(1.0 - s) + edge(*s))
            .collect();
        distance(&applied(&problem, &vec![1.0; n]), &exact)
    };
    assert!((order(error) - 2.0).abs() < 0.05, "{}", order(error));
    assert!(error(128) < 1e-4);
}

/// A step to 1 at the surface has warmed the inside to erfc(1/(2κ√s)) after s; at s = 1 and κ = 1
/// that is erfc(½) = 0.479500122186953…
#[test]
fn a_heated_wall_warms_as_the_error_function_says() {
    let error =
        |n: usize| (applied(&volterra(n), &vec![1.0; n])[n - 1] - 0.479_500_122_186_953_5).abs();
    assert!((order(error) - 2.0).abs() < 0.05, "{}", order(error));
    assert!(error(128) < 1e-5);
}

/// The middles of n cells are among those of 3 n, so that sums can be compared there.
#[test]
fn the_slit_is_integrated_to_second_order() {
    let thirds = |n: usize| -> Vec<f64> {
        let y = shaw(3 * n).data();
        y.iter().skip(1).step_by(3).copied().collect()
    };
    let coarse = distance(&shaw(20).data(), &thirds(20));
    let fine = distance(&shaw(60).data(), &thirds(60));
    let observed = (coarse / fine).ln() / 3.0_f64.ln();
    assert!((observed - 2.0).abs() < 0.1, "order {observed}");
}

#[test]
fn singular_values_fall_as_published() {
    // Of the continuous second integral they are 1/(πk)².
    let s = singular_values(&deriv2(256));
    for k in 1..=8 {
        let exact = 1.0 / (PI * k as f64).powi(2);
        assert!((s[k - 1] / exact - 1.0).abs() < 1e-3, "{k}: {}", s[k - 1]);
    }
    // Exponentially ill-posed: at size 32, twenty values reach round-off.
    let s = singular_values(&shaw(32));
    assert!(s[0] > 2.9 && s[0] < 3.1, "{}", s[0]);
    assert!(
        s[17] / s[0] > 1e-15 && s[21] / s[0] < 1e-14,
        "{:?}",
        &s[16..22]
    );
    // e^(−πdk) for mass at the depth d.
    for (depth, from, to) in [(0.25, 8, 24), (0.5, 6, 14)] {
        let problem = gravity(128)
            .options()
            .clone()
            .with_depth(depth)
            .build()
            .unwrap();
        let s = singular_values(&problem);
        let rate = (s[from] / s[to]).ln() / (to - from) as f64;
        assert!((rate / (PI * depth) - 1.0).abs() < 0.25, "{rate}");
    }
    // κ = 5 is easy, κ = 1 hard.
    let condition = |kappa| {
        let s = singular_values(
            &volterra(64)
                .options()
                .clone()
                .with_kappa(kappa)
                .build()
                .unwrap(),
        );
        s[0] / s[63]
    };
    assert!(
        condition(5.0) < 1e3 && condition(1.0) > 1e10,
        "{} {}",
        condition(5.0),
        condition(1.0)
    );
    // A kink in the second derivative: about k⁻³.
    let s = singular_values(&phillips(256));
    let power = (s[10] / s[80]).ln() / (81.0_f64 / 11.0).ln();
    assert!(power > 2.0 && power < 4.0, "{power}");
}

#[test]
fn sizes_that_do_not_fit_are_named() {
    for (name, options, key) in [
        ("shaw", "size = 0", "size = 0"),
        ("phillips", "size = 30", "size = 30"),
        ("gravity", "depth = 0.0", "depth = 0"),
        ("volterra", "kappa = -1.0", "kappa = -1"),
        ("deriv2", "size = 0", "size = 0"),
    ] {
        let error = SIMULATORS.build(name, &options.parse().unwrap());
        let message = error.err().expect(options).to_string();
        assert!(message.starts_with(key), "{message}");
    }
    assert!(SIMULATORS.find("inverse-heat").unwrap().name == "volterra");
}
