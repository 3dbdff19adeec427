//! How a run ended, in words that say what to try next.

use std::fmt;

use crate::error::{Error, Result};
use crate::linalg::{distance_squared, norm, symmetric_function};
use crate::problem::Evaluation;

/// Which goal was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The loss fell below `loss_below`.
    Loss,
    /// χ² per datum fell below `discrepancy_below`.
    Discrepancy,
    /// The gradient fell below `gradient_below`.
    Gradient,
    /// A step was no longer than `short_step` allows.
    ShortStep,
    /// The loss hardly falls any more, by the measure of `plateau`.
    Plateau,
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
            Self::Converged(Goal::Loss) => "the loss reached its goal; a lower goal leads further",
            Self::Converged(Goal::Discrepancy) => {
                "the data are explained to within their noise: more steps would fit the noise"
            }
            Self::Converged(Goal::Gradient) => {
                "the gradient reached its goal; a lower goal leads further"
            }
            Self::Converged(Goal::ShortStep) => {
                "the last step was as short as its goal; a lower goal leads further"
            }
            Self::Converged(Goal::Plateau) => {
                "the loss hardly falls any more; \
                 ask for a smaller decrease over more steps to go on, or try another rule or start"
            }
            Self::Converged(Goal::Stationary) => {
                "the update vanished: nothing is left to gain from this start"
            }
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
            Self::Failed(error) => {
                return write!(
                    f,
                    "the simulation failed: {error}; the best x is kept: \
                     try shorter steps, or a start from where it works"
                );
            }
            Self::Cancelled => {
                "the run was ended from outside; the best x is kept, and a start there goes on"
            }
        };
        f.write_str(text)
    }
}

/// Steps of the Lanczos iteration that looks for negative curvature.
const CURVATURE_STEPS: usize = 8;

/// Whether the loss falls to second order somewhere around a stationary point.
///
/// The Hessian is looked at in coordinates D x in which every parameter has the same effect,
/// so that parameters of other sizes do not pass for curvature. Where P brings no second
/// derivatives, differences of the gradient stand in for it; a simulator that fails there is
/// given the benefit of the doubt.
pub(crate) fn leads_downhill(at: &Evaluation<'_>) -> Result<bool> {
    let x = at.x();
    let n = x.len();
    if at.problem().simulator().is_linear() {
        return Ok(false);
    }
    let scale = column_scale(at)?;
    let gradient = at.gradient()?.to_vec();
    let reach = scaled_reach(at, &scale)?;
    let exact = at.has_hessian();
    let mut hessian = |v: &[f64], out: &mut [f64]| -> Result<()> {
        let along: Vec<f64> = v.iter().zip(&scale).map(|(v, d)| v / d).collect();
        if exact {
            at.hessian_product(&along, out)?;
        } else {
            let h = 1e-5 * reach / norm(v).max(f64::MIN_POSITIVE);
            let moved = at.moved(&along, h);
            for ((o, a), b) in out.iter_mut().zip(moved.gradient()?).zip(&gradient) {
                *o = (a - b) / h;
            }
        }
        out.iter_mut().zip(&scale).for_each(|(o, d)| *o /= d);
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

/// Parameters up to which J is asked for to bring them to one scale.
const SCALED_UP_TO: usize = 32;

/// D: the norms of the columns of J, or 1 where there are many parameters or one has no effect.
fn column_scale(at: &Evaluation<'_>) -> Result<Vec<f64>> {
    let n = at.x().len();
    if n > SCALED_UP_TO {
        return Ok(vec![1.0; n]);
    }
    let columns = at.jacobian()?.transpose();
    let size = |i| Some(norm(columns.row(i))).filter(|d| *d > 0.0 && d.is_finite());
    Ok((0..n).map(|i| size(i).unwrap_or(1.0)).collect())
}

/// How far D x may be moved: its own size, or that of the misfit where that is larger.
fn scaled_reach(at: &Evaluation<'_>, scale: &[f64]) -> Result<f64> {
    let n = scale.len() as f64;
    if scale.len() > SCALED_UP_TO {
        return Ok(1.0 + norm(at.x()) / n.sqrt());
    }
    let scaled: Vec<f64> = at.x().iter().zip(scale).map(|(x, d)| x * d).collect();
    let misfit = distance_squared(at.y()?, at.problem().target()).sqrt();
    let reach = norm(&scaled).max(misfit) / n.sqrt();
    Ok(if reach > 0.0 { reach } else { 1.0 })
}
