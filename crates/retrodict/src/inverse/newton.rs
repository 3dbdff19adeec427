//! A local inverse by Newton steps on P(x) = y.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::nearest::nearest;
use super::tangent::{LocalSearch, Solves, moved};
use super::{Ended, Inversion, Inverter};
use crate::core::simulator::Simulator;
use crate::error::Result;
use crate::linalg::norm;
use crate::options::{Checked, Validate, at_least_below, built, require};

/// Newton's method on P(x) = y from x₀: steps J⁺(y − P(x)), shortened until they contract.
///
/// A step t Δx is taken if the next one, with the same J, would be shorter by the factor 1 − t/2.
/// That keeps the iterates on the way that Newton's method itself would follow in infinitely short
/// steps, and so on the branch of x₀; where J becomes singular it stops instead of leaping across.
/// Of the solutions of an under-determined P, the one nearest to x₀ is sought.
///
/// ```
/// use retrodict::inverse::{Inverter, NewtonInverse};
/// use retrodict::prelude::*;
/// use retrodict::simulators::SquareOptions;
/// // y = (x₀, x₁²): the branch of x₀ is kept.
/// let square = SquareOptions::default().build()?;
/// let found = NewtonInverse::default().invert(&square, &[1.0, 4.0], &[1.0, -1.0])?;
/// assert!(found.ended.arrived() && (found.x[1] + 2.0).abs() < 1e-6);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// None of the options has a unit; the test of a step is not changed by units of y, nor are
/// the iterates of a square P by those of x.
///
/// # Cost
/// A step takes one linearisation, and J: min(m, n) products, or LSMR where J is large.
///
/// # Source
/// Deuflhard, *Newton Methods for Nonlinear Problems*, 3.3 and 4.4 (natural monotonicity);
/// minimum-norm steps: Ben-Israel (1966).
#[derive(Debug, Clone)]
pub struct NewtonInverse {
    options: Checked<NewtonInverseOptions>,
}

/// The options of [`NewtonInverse`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct NewtonInverseOptions {
    /// Arrived once ‖P(x) − y‖ is at most this share of ‖P(x₀) − y‖; in (0, 1).
    pub tolerance: f64,
    /// Maximum number of steps.
    pub steps: usize,
    /// The shortest share of a step that is tried; in (0, 1).
    pub shortest: f64,
    /// Singular values below this, relative to the largest, are dropped; in [0, 1).
    pub truncation: f64,
    /// min(m, n) up to which J is formed.
    pub dense_up_to: usize,
    /// Iterations of LSMR where it is not.
    pub krylov_steps: usize,
}

built!(NewtonInverseOptions => NewtonInverse {});

impl Default for NewtonInverseOptions {
    fn default() -> Self {
        Self {
            tolerance: 1e-12,
            steps: 50,
            shortest: 1e-4,
            truncation: 1e-12,
            dense_up_to: 400,
            krylov_steps: 500,
        }
    }
}

impl Validate for NewtonInverseOptions {
    fn validate(&self) -> Result<()> {
        share("tolerance", self.tolerance)?;
        share("shortest", self.shortest)?;
        counts_and_truncation(self.steps, self.krylov_steps, self.truncation)
    }
}

/// Fails unless 0 < `value` < 1.
pub(super) fn share(key: &str, value: f64) -> Result<()> {
    require(
        value > 0.0 && value < 1.0,
        key,
        value,
        "it must lie between 0 and 1",
    )
}

/// What all local inverses ask of these options.
pub(super) fn counts_and_truncation(
    steps: usize,
    krylov_steps: usize,
    truncation: f64,
) -> Result<()> {
    require(steps > 0, "steps", steps, "it must be at least 1")?;
    let allowed = "it must be at least 1";
    require(krylov_steps > 0, "krylov_steps", krylov_steps, allowed)?;
    at_least_below("truncation", truncation, 0.0, 1.0)
}

impl Inverter for NewtonInverse {
    fn invert(&self, simulator: &dyn Simulator, y: &[f64], x0: &[f64]) -> Result<Inversion> {
        let solves = Solves {
            truncation: self.options.truncation,
            dense_up_to: self.options.dense_up_to,
            krylov_steps: self.options.krylov_steps,
        };
        let mut course = LocalSearch::new(simulator, y, x0, solves)?;
        let mut at = course.point(x0.to_vec())?;
        let way = at.left;
        let mut share = 1.0;
        let mut steps = 0;
        let ended = loop {
            if at.left <= self.options.tolerance * way || at.left <= course.round_off(&at) {
                break Ended::Arrived;
            }
            if steps >= self.options.steps {
                break Ended::StepLimit;
            }
            let tangent = course.tangent(&at)?;
            let dx = tangent.solve(&at.residual, 0.0, &mut course.counts)?;
            // What of the residual J can reach.
            let within = norm(&tangent.apply(&dx, &mut course.counts)?);
            if within <= self.options.tolerance * way {
                break if course.is_open(&at.x) {
                    Ended::Fold
                } else {
                    Ended::Nearest
                };
            }
            let length = norm(&dx);
            let mut failure = None;
            let mut next = None;
            while share >= self.options.shortest {
                match course.point(moved(&at.x, share, &dx)) {
                    Ok(trial) => {
                        let again = tangent.solve(&trial.residual, 0.0, &mut course.counts)?;
                        let done = trial.left <= course.round_off(&trial);
                        if done || norm(&again) <= (1.0 - 0.5 * share) * length {
                            next = Some(trial);
                            break;
                        }
                    }
                    Err(error) if error.is_interruption() => return Err(error),
                    Err(error) => failure = Some(error),
                }
                share *= 0.5;
            }
            match (next, failure) {
                (Some(next), _) => at = next,
                (None, Some(error)) => break Ended::Failed(error),
                // At the accuracy of P no step can be seen to contract.
                (None, None) if at.left <= 1e3 * course.round_off(&at) => break Ended::Arrived,
                (None, None) => break Ended::Fold,
            }
            steps += 1;
            share = (2.0 * share).min(1.0);
        };
        if ended == Ended::Arrived && y.len() < x0.len() {
            at = nearest(&mut course, at, x0, self.options.tolerance * way)?;
        }
        Ok(super::inversion(at, ended, way, steps, course.counts))
    }
}
