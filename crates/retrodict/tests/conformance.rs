//! Every line of the registry passes the checks that apply to its kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::fixtures::space;
use retrodict::check::{self, Check};
use retrodict::losses::{Covariance, SpectralOptions, Weighted};
use retrodict::options::Build;
#[cfg(feature = "network")]
use retrodict::registry::STRATEGIES;
use retrodict::registry::{INVERSES, LOSSES, PRIORS, RULES, SIMULATORS};
use retrodict::{Description, Loss, Simulator};
use std::sync::Arc;

fn assert_passed(what: &str, checks: &[Check]) {
    let failed: Vec<&Check> = checks.iter().filter(|check| !check.passed).collect();
    assert!(failed.is_empty(), "{what}: {failed:#?}");
}

fn assert_simulator(what: &str, simulator: &Arc<dyn Simulator>) {
    for seed in 0..3 {
        let x = check::typical_input(&**simulator, seed);
        let checks = check::simulator(simulator, &x, seed);
        assert_passed(what, &checks);
        assert!(checks.len() >= 5, "{what}: only {} checks", checks.len());
    }
}

#[test]
fn every_simulator_passes_its_checks() {
    for entry in SIMULATORS.entries.iter() {
        let simulator = entry.build(&toml::Table::new()).unwrap();
        assert_simulator(entry.name, &simulator);
    }
}

/// Configurations that differ in kind from the default.
#[test]
fn variants_of_simulators_pass_their_checks() {
    let variants = [
        ("scaling", "alpha = 1e6"),
        ("scaling", "alpha = -0.01"),
        ("exp", "size = 17"),
        ("sine", "xi = 1.0\nphi = 0.0"),
        ("heat", "shape = [31]\ncell = 0.5\nnu_t = 0.1"),
        ("heat", "shape = [6, 5, 8]\nnoise = 0.01"),
        ("heat", "shape = [16, 9]\nnu_t = 0.0"),
        (
            "heat",
            "shape = [8, 8]\ninverse = { filter = 'damping', relative = 1e-6 }",
        ),
        (
            "heat",
            "shape = [8, 8]\ninverse = { filter = 'tikhonov', lambda = 1e-9 }",
        ),
        (
            "heat",
            "shape = [8, 8]\ninverse = { filter = 'truncation' }",
        ),
        ("sine", "xi = 0.125\nphi = -200.0"),
        ("sine", "gamma = 10.0"),
        ("sine", "xi = 0.5\nphi = 30.0\ngamma = 0.7"),
        (
            "oscillators",
            "masses = 5\nkappa = 0.3\nsteps = 20\nmax_memory = 200",
        ),
        (
            "oscillators",
            "alpha = 0.0\nkappa = 0.2\nsteps = 24\ndt = 0.5",
        ),
        ("schroedinger", "points = 13\nsteps = 30\nlevel = 2"),
        (
            "wave",
            "shape = [5, 7]\nat_rest = true\nsteps = 30\nobserve_steps = [10, 20, 30]\nobserve_places = [0, 3]",
        ),
        ("wave", "shape = [4, 3, 5]\nsteps = 9"),
        ("advection", "shape = [8, 9]\nvelocity = [1.5, -0.3]"),
        ("advection", "shape = [5, 7, 3]\nvelocity = [0.5, 0.0, 2.0]"),
        ("burgers", "shape = [9, 8]\nsteps = 20\ndt = 0.05"),
        (
            "burgers",
            "shape = [16]\nviscosity = 0.0\nsteps = 10\ndt = 0.01\nobserve_steps = [0, 5]\nmax_memory = 600",
        ),
        (
            "reaction-diffusion",
            "shape = [24]\nsteps = 12\nfeed = 0.0\nkill = 0.0",
        ),
        (
            "kuramoto-sivashinsky",
            "cells = 33\nlength = 10.0\nsteps = 30\nobserve_steps = [15, 30]",
        ),
        ("poisson", "shape = [40]\ncell = 0.25"),
        ("poisson", "shape = [9, 12]\nboundary = 'neumann'"),
        ("poisson", "shape = [5, 6, 7]\nboundary = 'periodic'"),
    ];
    for (name, options) in variants {
        let simulator = SIMULATORS.build(name, &options.parse().unwrap()).unwrap();
        assert_simulator(&format!("{name} with {options}"), &simulator);
    }
}

#[test]
fn every_loss_passes_its_checks() {
    for entry in LOSSES.entries.iter() {
        assert_loss(entry.name, &*entry.build(&toml::Table::new()).unwrap());
        // Where there is a factor ½, without it and with it.
        if entry.accepts("half") {
            let half = "half = true".parse().unwrap();
            assert_loss(entry.name, &*entry.build(&half).unwrap());
        }
    }
}

#[test]
fn losses_that_know_their_outputs_pass_their_checks() {
    let deviations: Vec<f64> = (1..=12).map(|i| 0.3 * f64::from(i)).collect();
    let weighted = Weighted::half(deviations).unwrap();
    assert_loss("weighted", &weighted);
    let exponential = |i: i32, j: i32| (-0.5 * f64::from((i - j).abs())).exp();
    let rows = (0..12).map(|i| (0..12).map(|j| exponential(i, j)).collect());
    assert_loss(
        "covariance",
        &Covariance::new(rows.collect(), true).unwrap(),
    );
    let shape = vec![3, 4];
    let exponent = -1.5;
    assert_loss(
        "spectral",
        &SpectralOptions::default()
            .with_shape(shape)
            .with_exponent(exponent)
            .build()
            .unwrap(),
    );
}

/// Residuals between 0.1 and 3 in size: on both sides of the thresholds of robust losses.
fn assert_loss(what: &str, loss: &dyn Loss) {
    let target: Vec<f64> = (0..12).map(|i| 0.7 * f64::from(i) - 3.0).collect();
    let wave = |i: usize| 1.5 * (1.0 + 0.9 * (2.1 * i as f64).sin()) * (-1.0_f64).powi(i as i32);
    let y: Vec<f64> = target
        .iter()
        .enumerate()
        .map(|(i, t)| t + wave(i))
        .collect();
    // Some losses want data that are greater than 0.
    let positive = |v: Vec<f64>| match loss.check_target(&target) {
        Ok(()) => v,
        Err(_) => v.iter().map(|v| (0.2 * v).exp()).collect(),
    };
    let (y, target) = (positive(y), positive(target.clone()));
    loss.check(y.len()).unwrap();
    loss.check_target(&target).unwrap();
    assert!(!loss.formula().is_empty());
    for seed in 0..3 {
        assert_passed(what, &check::loss(loss, &y, &target, seed));
    }
}

#[test]
fn options_of_every_line_survive_being_written_down() {
    for entry in SIMULATORS.entries.iter() {
        assert_passed(entry.name, &check::settings(entry));
    }
    for entry in RULES.entries.iter() {
        assert_passed(entry.name, &check::settings(entry));
    }
    for entry in LOSSES.entries.iter() {
        assert_passed(entry.name, &check::settings(entry));
    }
    for entry in PRIORS.entries.iter() {
        assert_passed(entry.name, &check::settings(entry));
    }
    for entry in INVERSES.entries.iter() {
        assert_passed(entry.name, &check::settings(entry));
    }
    #[cfg(feature = "network")]
    for entry in STRATEGIES.entries.iter() {
        assert_passed(entry.name, &check::settings(entry));
    }
}

#[test]
fn names_and_aliases_are_unique() {
    fn assert_unique<T>(list: &retrodict::registry::List<T>) {
        let mut names: Vec<&str> = list.entries.iter().map(|entry| entry.name).collect();
        names.extend(list.entries.iter().flat_map(|entry| entry.aliases));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{} names repeat", list.kind);
    }
    assert_unique(&SIMULATORS);
    assert_unique(&PRIORS);
    assert_unique(&RULES);
    assert_unique(&LOSSES);
    assert_unique(&INVERSES);
    #[cfg(feature = "network")]
    assert_unique(&STRATEGIES);
}

mod wrong {
    //! A check that cannot fail checks nothing: each wrong simulator must be caught.

    use super::*;
    use retrodict::{LocalInverse, Recovery, Result, SecondOrder, Space};

    /// y = x², with one thing wrong.
    #[derive(Default)]
    struct Wrong {
        slope: f64,
        adjoint: f64,
        curvature: f64,
        branch: f64,
        linear: bool,
        hides_nan: bool,
    }

    impl Simulator for Wrong {
        fn input(&self) -> &Space {
            space("x", 3)
        }
        fn output(&self) -> &Space {
            space("y", 3)
        }
        fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
            for (y, x) in y.iter_mut().zip(x) {
                let x = if self.hides_nan { x.max(-1e9) } else { *x };
                *y = x * x;
            }
            Ok(())
        }
        fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
            for i in 0..3 {
                dy[i] = (2.0 + self.slope) * x[i] * dx[i];
            }
            Ok(())
        }
        fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
            for i in 0..3 {
                dx[i] = (2.0 + self.slope + self.adjoint) * x[i] * dy[i];
            }
            Ok(())
        }
        fn local_inverse(&self) -> Option<&dyn LocalInverse> {
            Some(self)
        }
        fn second_order(&self) -> Option<&dyn SecondOrder> {
            Some(self)
        }
        fn describe(&self) -> Description {
            Description::default().with_linear(self.linear)
        }
    }

    impl LocalInverse for Wrong {
        fn invert_near(&self, y: &[f64], x0: &[f64], x: &mut [f64]) -> Result<()> {
            for i in 0..3 {
                x[i] = y[i].sqrt().copysign(x0[i] + self.branch);
            }
            Ok(())
        }
        fn recovery(&self) -> Recovery {
            Recovery::new(1e-12, None)
        }
    }

    impl SecondOrder for Wrong {
        fn vjp_derivative(&self, _: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
            for i in 0..3 {
                out[i] = (2.0 + self.curvature) * dy[i] * dx[i];
            }
            Ok(())
        }
    }

    fn failures(wrong: Wrong) -> Vec<&'static str> {
        let simulator: Arc<dyn Simulator> = Arc::new(wrong);
        let checks = check::simulator(&simulator, &[0.7, -1.1, 0.4], 7);
        let failed = checks.iter().filter(|check| !check.passed);
        failed.map(|check| check.name).collect()
    }

    #[test]
    fn an_x_of_the_wrong_length_is_a_failure_and_no_panic() {
        let simulator: Arc<dyn Simulator> = Arc::new(Wrong::default());
        let checks = check::simulator(&simulator, &[0.7], 7);
        assert_eq!(checks.len(), 1);
        assert!(!checks[0].passed && checks[0].detail.contains("expected 3"));
    }

    #[test]
    fn each_mistake_is_caught_by_the_check_made_for_it() {
        let right = Wrong::default;
        assert_eq!(failures(right()), [""; 0]);
        let slope = failures(Wrong {
            slope: 1e-3,
            curvature: 1e-3,
            ..right()
        });
        assert_eq!(slope, ["taylor"]);
        let adjoint = failures(Wrong {
            adjoint: 1e-9,
            ..right()
        });
        assert_eq!(adjoint, ["adjoint"]);
        let curvature = failures(Wrong {
            curvature: 1e-4,
            ..right()
        });
        assert_eq!(curvature, ["second order"]);
        let branch = failures(Wrong {
            branch: 5.0,
            ..right()
        });
        assert_eq!(branch, ["nearest solution"]);
        let linear = failures(Wrong {
            linear: true,
            ..right()
        });
        assert_eq!(linear, ["linearity"]);
        let hides_nan = failures(Wrong {
            hides_nan: true,
            ..right()
        });
        assert_eq!(hides_nan, ["contract"]);
    }
}
