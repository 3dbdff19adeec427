//! How a run ended, in words that say what to try next.

use std::fmt;

use crate::error::Error;
use crate::interrupt::Interruption;

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
    /// The loss changes by less than `loss_change` of itself, and the rule's model promises no more.
    LossChange,
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

impl From<Interruption> for Status {
    fn from(why: Interruption) -> Self {
        match why {
            Interruption::Cancelled => Self::Cancelled,
            Interruption::TimeLimit => Self::TimeLimit,
        }
    }
}

/// A simulation that failed, or work that was interrupted.
impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Interrupted { why } => why.into(),
            error => Self::Failed(error),
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
            Self::Converged(Goal::LossChange) => {
                "the loss changes by less than its tolerance, and the linear model promises no more; \
                 a lower loss_change, or 0, leads further"
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
