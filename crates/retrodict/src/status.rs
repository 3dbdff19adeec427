//! How a run ended, in words that say what to try next.

use std::fmt;

use crate::error::{Error, Result};
use crate::linalg::{norm, symmetric_function};
use crate::problem::Evaluation;

/// Which goal was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The loss fell below `loss_below`.
    Loss,
    /// The gradient fell below `gradient_below`.
    Gradient,
    /// The update vanished, and no direction of negative curvature was found.
    Stationary,
}

/// How a run ended. None of these is an error: the best iterate is kept.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// The goal was reached.
    Converged(Goal),
    /// All steps were used.
    StepLimit,
    /// All time was used.
    TimeLimit,
    /// The update vanished before the goal was reached.
    Stalled,
    /// The update vanished where the loss still falls in some direction.
    Saddle,
    /// The loss, or x, left the numbers or grew without bound.
    Diverged,
    /// The line search found no lower point along the update.
    LineSearchFailed,
    /// The simulation failed after the first step.
    Failed(Error),
    /// The run was ended from outside.
    Cancelled,
}

impl Status {
    /// Whether the goal was reached.
    pub fn converged(&self) -> bool {
        matches!(self, Self::Converged(_))
    }

    /// A word for tables and machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Converged(_) => "converged",
            Self::StepLimit => "step-limit",
            Self::TimeLimit => "time-limit",
            Self::Stalled => "stalled",
            Self::Saddle => "saddle",
            Self::Diverged => "diverged",
            Self::LineSearchFailed => "line-search-failed",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Converged(Goal::Loss) => "the loss reached its goal",
            Self::Converged(Goal::Gradient) => "the gradient reached its goal",
            Self::Converged(Goal::Stationary) => "the update vanished: nothing is left to gain",
            Self::StepLimit => "all steps were used; allow more, or choose a faster rule",
            Self::TimeLimit => "all time was used; allow more, or choose a cheaper rule",
            Self::Stalled => {
                "the update vanished before the goal was reached; \
                 try another start, a lower truncation, or a goal above the noise"
            }
            Self::Saddle => {
                "the update vanished at a saddle or maximum; \
                 move the start a little, or try newton with saddle_free = true"
            }
            Self::Diverged => {
                "the loss left the numbers or grew without bound; \
                 lower the learning rate, or try a rule with a line search or trust region"
            }
            Self::LineSearchFailed => {
                "no lower point lies along the update; \
                 the loss is at its round-off, or its gradient is wrong: run `retrodict check`"
            }
            Self::Failed(error) => return write!(f, "the simulation failed: {error}"),
            Self::Cancelled => "the run was ended from outside",
        };
        f.write_str(text)
    }
}

/// Steps of the Lanczos iteration that looks for negative curvature.
const CURVATURE_STEPS: usize = 8;

/// Whether the loss falls to second order somewhere around a stationary point.
///
/// Differences of the gradient stand in for the Hessian, so that it works with every
/// simulator; a simulator that fails there is given the benefit of the doubt.
pub(crate) fn leads_downhill(at: &Evaluation<'_>) -> Result<bool> {
    let x = at.x();
    let n = x.len();
    if at.problem().simulator().is_linear() {
        return Ok(false);
    }
    let gradient = at.gradient()?.to_vec();
    let h = 1e-5 * (1.0 + norm(x) / (n as f64).sqrt());
    let mut hessian = |v: &[f64], out: &mut [f64]| -> Result<()> {
        let moved = at.moved(v, h / norm(v).max(f64::MIN_POSITIVE));
        for ((o, a), b) in out.iter_mut().zip(moved.gradient()?).zip(&gradient) {
            *o = (a - b) * norm(v) / h;
        }
        Ok(())
    };
    // A fixed vector with no zero and no symmetry: the same answer on every run.
    let probe: Vec<f64> = (0..n).map(|i| 1.0 + 0.5 * (1.7 * i as f64).sin()).collect();
    let mut unused = vec![0.0; n];
    let ritz = symmetric_function(
        n,
        &mut hessian,
        &probe,
        CURVATURE_STEPS.min(n),
        &|values: &[f64]| values.to_vec(),
        &mut unused,
    );
    let Ok(ritz) = ritz else { return Ok(false) };
    let largest = ritz.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    Ok(ritz.iter().any(|v| *v < -1e-4 * largest))
}
