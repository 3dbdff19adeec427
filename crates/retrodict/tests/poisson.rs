//! Poisson's equation against an independent code, discrete eigenfunctions and a manufactured
//! solution.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::f64::consts::PI;

use crate::fixtures::{deviation, load};
use retrodict::options::Build;
use retrodict::registry::SIMULATORS;
use retrodict::simulators::{Boundary, Poisson, PoissonOptions};
use retrodict::{LocalInverse, Simulator};

const BOUNDARIES: [Boundary; 3] = [Boundary::Periodic, Boundary::Dirichlet, Boundary::Neumann];

/// Short and long, even, odd and prime, more cells than one block of lines.
const SHAPES: [&[usize]; 8] = [
    &[1],
    &[2],
    &[37],
    &[64],
    &[12, 29],
    &[40, 1],
    &[5, 9, 26],
    &[4, 1, 3],
];

fn poisson(shape: &[usize], cell: f64, boundary: Boundary) -> Poisson {
    PoissonOptions::default()
        .with_shape(shape.to_vec())
        .with_cell(cell)
        .with_boundary(boundary)
        .build()
        .unwrap()
}

fn forward(poisson: &Poisson, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; x.len()];
    poisson.forward(x, &mut y).unwrap();
    y
}

fn invert(poisson: &Poisson, y: &[f64], x0: &[f64]) -> Vec<f64> {
    let mut x = vec![0.0; y.len()];
    poisson.invert_near(y, x0, &mut x).unwrap();
    x
}

/// f(i₀, i₁, …) at every cell.
fn tabulate(shape: &[usize], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut position = vec![0.0; shape.len()];
    (0..shape.iter().product())
        .map(|cell: usize| {
            let mut rest = cell;
            for (at, n) in position.iter_mut().zip(shape).rev() {
                *at = (rest % n) as f64;
                rest /= n;
            }
            f(&position)
        })
        .collect()
}

#[test]
fn agrees_with_phiflow() {
    let x = load("poisson_phiflow.npz", "x");
    let y = load("poisson_phiflow.npz", "y");
    let default = PoissonOptions::default().build().unwrap();
    assert!(deviation(&forward(&default, &x), &y) < 1e-10);
    assert!(deviation(&invert(&default, &y, &vec![0.0; x.len()]), &x) < 1e-10);
}

/// The mode of a given number along an axis of n cells: its values, and its second difference
/// over itself.
fn mode(boundary: Boundary, number: usize, n: usize) -> (impl Fn(f64) -> f64, f64) {
    let (number, cells) = (number as f64, n as f64);
    let (wavenumber, shift, phase) = match boundary {
        Boundary::Periodic => (2.0 * PI * number / cells, 0.0, 0.3),
        Boundary::Dirichlet => (PI * (number + 1.0) / (cells + 1.0), 1.0, -0.5 * PI),
        Boundary::Neumann => (PI * number / cells, 0.5, 0.0),
    };
    let wave = move |i: f64| (wavenumber * (i + shift) + phase).cos();
    (wave, 2.0 * wavenumber.cos() - 2.0)
}

#[test]
fn eigenfunctions_are_divided_by_their_eigenvalue() {
    let cell = 0.2;
    for shape in SHAPES {
        for boundary in BOUNDARIES {
            for number in [1, 2, 5] {
                let modes: Vec<_> = shape
                    .iter()
                    .enumerate()
                    .map(|(axis, n)| mode(boundary, (number + axis) % n, *n))
                    .collect();
                let eigenvalue: f64 = modes.iter().map(|(_, l)| l / (cell * cell)).sum();
                let x = tabulate(shape, |at| {
                    modes
                        .iter()
                        .zip(at)
                        .map(|((wave, _), i)| wave(*i))
                        .product()
                });
                let y = forward(&poisson(shape, cell, boundary), &x);
                // The constant is no eigenfunction that can be divided out: its y is 0.
                let gain = if eigenvalue.abs() < 1e-12 {
                    0.0
                } else {
                    1.0 / eigenvalue
                };
                let wrong = x.iter().zip(&y).map(|(x, y)| (x * gain - y).abs());
                let worst = wrong.fold(0.0, f64::max);
                let size = gain.abs().max(cell * cell);
                assert!(
                    worst < 1e-12 * size,
                    "{shape:?} {boundary:?} {number}: {worst:e}"
                );
            }
        }
    }
}

/// y = Π of a smooth function that satisfies each boundary on [0, 1], and its Laplacian.
fn manufactured(boundary: Boundary, cells: usize, axes: usize) -> f64 {
    let shape = vec![cells; axes];
    // Values stand at cell centres, except that Dirichlet's walls are one cell outside.
    let (width, shift) = match boundary {
        Boundary::Dirichlet => (1.0 / (cells + 1) as f64, 1.0),
        Boundary::Periodic | Boundary::Neumann => (1.0 / cells as f64, 0.5),
    };
    // One factor and its second derivative; means over [0, 1] vanish where they must.
    let factor = |s: f64| match boundary {
        Boundary::Periodic => {
            let (sin, cos) = (2.0 * PI * s).sin_cos();
            (
                sin.exp() * cos,
                sin.exp() * cos * (cos * cos - 3.0 * sin - 1.0) * 4.0 * PI * PI,
            )
        }
        Boundary::Dirichlet => (s * (1.0 - s) * s.exp(), -s * (s + 3.0) * s.exp()),
        Boundary::Neumann => {
            let (a, b) = ((PI * s).cos(), (3.0 * PI * s).cos());
            (a + 0.2 * b, -PI * PI * (a + 1.8 * b))
        }
    };
    let place = |i: &f64| factor((i + shift) * width);
    let expected = tabulate(&shape, |at| at.iter().map(|i| place(i).0).product());
    let x = tabulate(&shape, |at| {
        let factors: Vec<(f64, f64)> = at.iter().map(place).collect();
        let term = |axis: usize| -> f64 {
            let others = factors.iter().enumerate();
            others
                .map(|(i, (value, second))| if i == axis { *second } else { *value })
                .product()
        };
        (0..at.len()).map(term).sum()
    });
    deviation(&forward(&poisson(&shape, width, boundary), &x), &expected)
}

#[test]
fn the_error_falls_with_the_square_of_the_cell_width() {
    for boundary in BOUNDARIES {
        for axes in 1..=3 {
            let errors = [15, 30].map(|cells| manufactured(boundary, cells, axes));
            let ratio = match boundary {
                Boundary::Dirichlet => 31.0 / 16.0,
                Boundary::Periodic | Boundary::Neumann => 2.0_f64,
            };
            let order = (errors[0] / errors[1]).ln() / ratio.ln();
            assert!(
                (order - 2.0).abs() < 0.15,
                "{boundary:?} {axes}-D: {order} {errors:?}"
            );
        }
    }
}

/// Rough data without symmetry.
fn rough(n: usize) -> Vec<f64> {
    (0..n).map(|i| (1.9 * (i * i) as f64).sin() + 0.4).collect()
}

#[test]
fn the_laplacian_and_its_inverse_undo_each_other() {
    for shape in SHAPES {
        for boundary in BOUNDARIES {
            let poisson = poisson(shape, 3.0, boundary);
            let x = rough(shape.iter().product());
            // From a start with the same mean, all of x comes back.
            let start: Vec<f64> = x.iter().rev().copied().collect();
            let back = invert(&poisson, &forward(&poisson, &x), &start);
            assert!(deviation(&back, &x) < 1e-11, "{shape:?} {boundary:?}");
        }
    }
}

#[test]
fn a_constant_is_lost_where_no_wall_holds_it() {
    for boundary in [Boundary::Periodic, Boundary::Neumann] {
        let poisson = poisson(&[6, 10], 1.0, boundary);
        let x = rough(60);
        let raised: Vec<f64> = x.iter().map(|x| x + 5.0).collect();
        let y = forward(&poisson, &raised);
        assert!(deviation(&y, &forward(&poisson, &x)) < 1e-12);
        assert!(y.iter().sum::<f64>().abs() < 1e-11);
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let back = invert(&poisson, &y, &[-2.0; 60]);
        assert!((mean(&back) + 2.0).abs() < 1e-12, "the mean of x₀ stays");
    }
}

#[test]
fn bad_options_are_named() {
    for (options, key) in [
        ("shape = []", "shape"),
        ("shape = [8, 0]", "shape"),
        ("shape = [2, 2, 2, 2]", "shape"),
        ("cell = 0.0", "cell"),
        ("cell = -1.0", "cell"),
        ("cell = inf", "cell"),
    ] {
        let built = SIMULATORS.build("poisson", &options.parse().unwrap());
        let error = built.err().expect(options);
        assert!(
            matches!(&error, retrodict::Error::Option { key: found, .. } if found == key),
            "{error}"
        );
    }
    let options = "boundary = 'dirichlett'".parse().unwrap();
    let error = SIMULATORS
        .build("poisson", &options)
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("did you mean 'dirichlet'"), "{error}");
}
