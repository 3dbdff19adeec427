//! Tests that every simulator, loss and rule should pass; run them on your own.
//!
//! [`simulator`] and [`loss`] run all that apply. Nothing here returns an error: a simulation
//! that fails is a check that did not pass, and its detail says why.
//!
//! ```
//! use std::sync::Arc;
//! use retrodict::check;
//! use retrodict::prelude::*;
//! use retrodict::simulators::SineOptions;
//!
//! let mine: Arc<dyn Simulator> = Arc::new(SineOptions::default().build()?);
//! let x = check::typical_input(&*mine, 1);
//! for check in check::simulator(&mine, &x, 1) {
//!     assert!(check.passed, "{}: {} ({})", check.name, check.measured, check.detail);
//! }
//! # Ok::<(), retrodict::Error>(())
//! ```

use std::sync::Arc;

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

use crate::core::simulator::Simulator;
use crate::error::{Result, expect_length};
use crate::interrupt;
use crate::linalg::norm;

mod contract;
mod derivatives;
mod inverse;
mod losses;
mod orders;
mod reach;
mod residual;
mod settings;

pub use contract::{contract, threads};
pub use derivatives::{adjoint, linearisation, linearity, second_order, taylor};
pub use inverse::{nearest_solution, round_trip};
pub use losses::loss;
pub use orders::{observed_order, scaling_exponent};
pub use reach::{Reach, ReachLine, reach};
pub use residual::residual;
pub use settings::settings;

/// What a check found, beside what it should have found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// The check's name, for example `adjoint`.
    pub name: &'static str,
    /// Whether it passed.
    pub passed: bool,
    /// The figure; NaN if it could not be measured.
    pub measured: f64,
    /// What the figure should be.
    pub expected: String,
    /// What was measured, or why it could not be.
    pub detail: String,
}

impl Check {
    /// A figure that must not exceed a limit.
    fn at_most(name: &'static str, limit: f64, detail: &str, measured: Result<f64>) -> Self {
        let expected = format!("at most {limit:.0e}");
        Self::judged(name, expected, detail, measured, |m| m <= limit)
    }

    /// A figure that must satisfy a condition; a failed measurement does not.
    fn judged(
        name: &'static str,
        expected: String,
        detail: &str,
        measured: Result<f64>,
        condition: impl FnOnce(f64) -> bool,
    ) -> Self {
        let (measured, detail) = match measured {
            Ok(measured) => (measured, detail.to_owned()),
            Err(error) => (f64::NAN, error.to_string()),
        };
        Self {
            name,
            passed: condition(measured),
            measured,
            expected,
            detail,
        }
    }
}

/// Runs every check that applies to a simulator near x.
///
/// # Shapes
/// x has the length of the input; another length is the one failure reported.
///
/// # Cost
/// About 60 forward calls, as many products with J and Jᵀ, and 5 local inversions.
pub fn simulator(simulator: &Arc<dyn Simulator>, x: &[f64], seed: u64) -> Vec<Check> {
    let shared = simulator;
    let simulator = &**simulator;
    if let Err(error) = expect_length("x", x.len(), simulator.input().len()) {
        return vec![Check::at_most("shape", 0.0, "", Err(error))];
    }
    let parts: [&dyn Fn() -> Vec<Check>; 10] = [
        &|| vec![contract(shared, x)],
        &|| vec![taylor(simulator, x, seed)],
        &|| vec![adjoint(simulator, x, seed)],
        &|| vec![linearisation(simulator, x, seed)],
        &|| vec![threads(simulator, x, seed)],
        &|| linearity(simulator, x, seed).into_iter().collect(),
        &|| second_order(simulator, x, seed).into_iter().collect(),
        &|| round_trip(simulator, x, seed).into_iter().collect(),
        &|| nearest_solution(simulator, x).into_iter().collect(),
        &|| residual(shared, x, seed).into_iter().collect(),
    ];
    let mut checks = Vec::new();
    for part in parts {
        if let Err(error) = interrupt::check() {
            // Nobody takes what was checked for all that there is to check.
            checks.push(Check::at_most("interrupted", 0.0, "", Err(error)));
            break;
        }
        checks.extend(part());
    }
    checks
}

/// A point at which to check a simulator: independent normal numbers where x typically lies.
pub fn typical_input(simulator: &dyn Simulator, seed: u64) -> Vec<f64> {
    let typical = simulator.describe().typical;
    let draws = Directions::new(seed).normal(simulator.input().len());
    let place = |(i, draw)| {
        let (centre, spread) = typical.at(i);
        centre + spread * draw
    };
    draws.into_iter().enumerate().map(place).collect()
}

/// Random directions, the same for the same seed.
struct Directions(Pcg64);

impl Directions {
    fn new(seed: u64) -> Self {
        Self(Pcg64::seed_from_u64(seed))
    }

    fn normal(&mut self, len: usize) -> Vec<f64> {
        (0..len)
            .map(|_| StandardNormal.sample(&mut self.0))
            .collect()
    }
}

fn forward(simulator: &dyn Simulator, x: &[f64]) -> Result<Vec<f64>> {
    let mut y = vec![0.0; simulator.output().len()];
    interrupt::check()?;
    simulator.forward(x, &mut y)?;
    Ok(y)
}

fn jvp(simulator: &dyn Simulator, x: &[f64], dx: &[f64]) -> Result<Vec<f64>> {
    let mut dy = vec![0.0; simulator.output().len()];
    interrupt::check()?;
    simulator.jvp(x, dx, &mut dy)?;
    Ok(dy)
}

fn vjp(simulator: &dyn Simulator, x: &[f64], dy: &[f64]) -> Result<Vec<f64>> {
    let mut dx = vec![0.0; simulator.input().len()];
    interrupt::check()?;
    simulator.vjp(x, dy, &mut dx)?;
    Ok(dx)
}

/// How far off J may be, by the simulator's own word.
fn error_of_derivatives(simulator: &dyn Simulator) -> f64 {
    let approximation = simulator.describe().approximation;
    approximation.map_or(0.0, |how| how.error)
}

/// x + scale · dx.
fn moved(x: &[f64], scale: f64, dx: &[f64]) -> Vec<f64> {
    x.iter().zip(dx).map(|(x, d)| x + scale * d).collect()
}

/// The root of the mean square.
fn size(v: &[f64]) -> f64 {
    norm(v) / (v.len().max(1) as f64).sqrt()
}

/// ‖a − b‖ relative to ‖a‖ + ‖b‖; 0 where both vanish, NaN where either is.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let scale = norm(a) + norm(b);
    if scale == 0.0 {
        return 0.0;
    }
    norm(&moved(a, -1.0, b)) / scale
}
