//! A local inverse by damped least squares.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::nearest::nearest;
use super::newton::{counts_and_truncation, share};
use super::tangent::{LocalSearch, Solves, moved};
use super::{Ended, Inversion, Inverter};
use crate::core::simulator::Simulator;
use crate::error::Result;
use crate::linalg::norm;
use crate::options::{Checked, Validate, built, positive};

/// Levenberg's and Marquardt's method on ‖P(x) − y‖ from x₀: steps (JᵀJ + λ)⁻¹Jᵀ(y − P(x)).
///
/// It never goes uphill, and where y cannot be reached it comes as near as it gets: the
/// method for fits, with more observations than unknowns. λ follows Nielsen's rule. Of the
/// solutions of an under-determined P, the one nearest to x₀ is sought.
///
/// ```
/// use retrodict::inverse::{Inverter, LevenbergMarquardtInverse};
/// use retrodict::prelude::*;
/// use retrodict::simulators::SquareOptions;
/// // y = (x₀, x₁²): the branch of x₀ is kept.
/// let square = SquareOptions::default().build()?;
/// let found = LevenbergMarquardtInverse::default().invert(&square, &[1.0, 4.0], &[1.0, -1.0])?;
/// assert!(found.ended.arrived() && (found.x[1] + 2.0).abs() < 1e-6);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// λ is in \[y²\]/\[x²\] and starts in proportion to ‖J‖²; all unknowns should have the same unit.
///
/// # Cost
/// A trial takes one linearisation, a step J: min(m, n) products, or LSMR where J is large.
///
/// # Source
/// Madsen, Nielsen & Tingleff, *Methods for Non-Linear Least Squares Problems*, algorithm 3.16.
#[derive(Debug, Clone)]
pub struct LevenbergMarquardtInverse {
    options: Checked<LevenbergMarquardtInverseOptions>,
}

/// The options of [`LevenbergMarquardtInverse`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct LevenbergMarquardtInverseOptions {
    /// Arrived once ‖P(x) − y‖ is at most this share of ‖P(x₀) − y‖, or its slope vanishes to
    /// this share; in (0, 1).
    pub tolerance: f64,
    /// Maximum number of steps, rejected ones included.
    pub steps: usize,
    /// The first λ, relative to the square of the slope of ‖P(x) − y‖ at x₀; above 0.
    pub damping: f64,
    /// Singular values below this, relative to the largest, are dropped; in [0, 1).
    pub truncation: f64,
    /// min(m, n) up to which J is formed.
    pub dense_up_to: usize,
    /// Iterations of LSMR where it is not.
    pub krylov_steps: usize,
}

built!(LevenbergMarquardtInverseOptions => LevenbergMarquardtInverse {});

impl Default for LevenbergMarquardtInverseOptions {
    fn default() -> Self {
        Self {
            tolerance: 1e-12,
            steps: 200,
            damping: 1e-3,
            truncation: 1e-12,
            dense_up_to: 400,
            krylov_steps: 500,
        }
    }
}

impl Validate for LevenbergMarquardtInverseOptions {
    fn validate(&self) -> Result<()> {
        share("tolerance", self.tolerance)?;
        positive("damping", self.damping)?;
        counts_and_truncation(self.steps, self.krylov_steps, self.truncation)
    }
}

impl Inverter for LevenbergMarquardtInverse {
    fn invert(&self, simulator: &dyn Simulator, y: &[f64], x0: &[f64]) -> Result<Inversion> {
        let solves = Solves {
            truncation: self.options.truncation,
            dense_up_to: self.options.dense_up_to,
            krylov_steps: self.options.krylov_steps,
        };
        let mut course = LocalSearch::new(simulator, y, x0, solves)?;
        let mut at = course.point(x0.to_vec())?;
        let way = at.left;
        let (mut lambda, mut growth) = (0.0, 2.0);
        let mut steps = 0;
        let ended = 'points: loop {
            if at.left <= self.options.tolerance * way || at.left <= course.round_off(&at) {
                break Ended::Arrived;
            }
            let mut slope = vec![0.0; x0.len()];
            course.counts.vjp += 1;
            at.map.apply_transpose(&at.residual, &mut slope)?;
            // ‖Jᵀr‖/‖r‖ is a share of ‖J‖; the largest seen stands for it.
            let steepness = norm(&slope) / at.left;
            if lambda == 0.0 {
                lambda = self.options.damping * steepness * steepness;
            }
            let tangent = course.tangent(&at)?;
            let bottom = if course.is_open(&at.x) {
                Ended::Fold
            } else {
                Ended::Nearest
            };
            loop {
                let dx = tangent.solve(&at.residual, lambda.sqrt(), &mut course.counts)?;
                let dy = tangent.apply(&dx, &mut course.counts)?;
                if norm(&dy) <= self.options.tolerance * way
                    || norm(&dx) <= f64::EPSILON * norm(&at.x)
                {
                    break 'points if at.left <= 1e3 * course.round_off(&at) {
                        Ended::Arrived
                    } else {
                        bottom
                    };
                }
                if steps >= self.options.steps {
                    break 'points Ended::StepLimit;
                }
                steps += 1;
                let promised = at.left * at.left - norm(&moved(&at.residual, -1.0, &dy)).powi(2);
                let trial = course.point(moved(&at.x, 1.0, &dx));
                let gain = match &trial {
                    Ok(trial) => (at.left * at.left - trial.left * trial.left) / promised,
                    Err(_) => f64::NEG_INFINITY,
                };
                match trial {
                    Err(error) if error.is_interruption() => return Err(error),
                    Ok(trial) if gain > 0.0 => {
                        lambda *= (1.0 - (2.0 * gain - 1.0).powi(3)).max(1.0 / 3.0);
                        growth = 2.0;
                        drop(tangent);
                        at = trial;
                        continue 'points;
                    }
                    _ => {
                        lambda *= growth;
                        growth *= 2.0;
                    }
                }
            }
        };
        if ended == Ended::Arrived && y.len() < x0.len() {
            at = nearest(&mut course, at, x0, self.options.tolerance * way)?;
        }
        Ok(super::inversion(at, ended, way, steps, course.counts))
    }
}
