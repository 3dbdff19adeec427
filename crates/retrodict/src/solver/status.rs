//! How a run ended, with what to try next.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::interrupt::Interruption;

/// Which goal was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Goal {
    /// The loss fell below `loss_below`.
    Loss,
    /// χ²/N (N data) fell below `discrepancy_below`.
    Discrepancy,
    /// No datum is missed by more than `residual_below`.
    Residual,
    /// The gradient fell below `gradient_below`.
    Gradient,
    /// A step was no longer than `short_step` allows.
    ShortStep,
    /// The loss has almost stopped falling, by the measure of `plateau`.
    Plateau,
    /// The loss changes by less than `loss_change` of itself, and the rule's model predicts no more.
    LossChange,
    /// The data are fitted exactly: by the rule's model they can be, and the remaining step changes no unknown by more than
    /// `loss_change` of its size.
    ExactFit,
    /// The gradient vanished, as far as round-off and the error of J can tell, and no direction was found in which
    /// the loss falls.
    Stationary,
    /// The remaining decrease of the loss is hidden by the noise of the simulator's output.
    Noise,
}

impl Goal {
    /// Whether it says something of the point at which it was reached, and not of the run.
    pub(crate) fn is_of_the_point(self) -> bool {
        !matches!(self, Self::Loss | Self::Plateau)
    }
}

/// How a run ended. None of these is an error: the best iterate is kept.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// The goal was reached.
    Converged(Goal),
    /// The maximum number of steps was reached.
    StepLimit,
    /// The time limit was reached.
    TimeLimit,
    /// The gradient vanished before the goal was reached.
    Stalled,
    /// No step of the rule lowers the loss, and its gradient has not vanished.
    NoProgress,
    /// No unknown has an effect on y at this x, and the data are not fitted.
    NoEffect,
    /// The gradient vanished where the loss falls on either side.
    Saddle,
    /// The loss, or x, grew without bound.
    Diverged,
    /// The line search found no lower point along the update, and the gradient has not vanished.
    LineSearchFailed,
    /// The simulation failed wherever a step led.
    Failed(Error),
    /// In training: the test loss has not improved for as many epochs as patience allows.
    OutOfPatience,
    /// The run was stopped from outside.
    Cancelled,
}

impl Status {
    /// Whether the goal was reached.
    pub fn converged(&self) -> bool {
        matches!(self, Self::Converged(_))
    }

    /// Which of them it is, without what belongs to it.
    pub fn kind(&self) -> StatusKind {
        match self {
            Self::Converged(_) => StatusKind::Converged,
            Self::StepLimit => StatusKind::StepLimit,
            Self::TimeLimit => StatusKind::TimeLimit,
            Self::Stalled => StatusKind::Stalled,
            Self::NoProgress => StatusKind::NoProgress,
            Self::NoEffect => StatusKind::NoEffect,
            Self::Saddle => StatusKind::Saddle,
            Self::Diverged => StatusKind::Diverged,
            Self::LineSearchFailed => StatusKind::LineSearchFailed,
            Self::Failed(_) => StatusKind::Failed,
            Self::OutOfPatience => StatusKind::OutOfPatience,
            Self::Cancelled => StatusKind::Cancelled,
        }
    }

    /// A word for tables and machines.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }
}

/// How a run ended, as it is stored: a [`Status`] in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StatusKind {
    /// See [`Status::Converged`].
    Converged,
    /// See [`Status::StepLimit`].
    StepLimit,
    /// See [`Status::TimeLimit`].
    TimeLimit,
    /// See [`Status::Stalled`].
    Stalled,
    /// See [`Status::NoProgress`].
    NoProgress,
    /// See [`Status::NoEffect`].
    NoEffect,
    /// See [`Status::Saddle`].
    Saddle,
    /// See [`Status::Diverged`].
    Diverged,
    /// See [`Status::LineSearchFailed`].
    LineSearchFailed,
    /// See [`Status::Failed`].
    Failed,
    /// See [`Status::OutOfPatience`].
    OutOfPatience,
    /// See [`Status::Cancelled`].
    Cancelled,
    /// The run has not ended yet: it was interrupted, and can be resumed.
    Interrupted,
}

impl StatusKind {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::StepLimit => "step-limit",
            Self::TimeLimit => "time-limit",
            Self::Stalled => "stalled",
            Self::NoProgress => "no-progress",
            Self::NoEffect => "no-effect",
            Self::Saddle => "saddle",
            Self::Diverged => "diverged",
            Self::LineSearchFailed => "line-search-failed",
            Self::Failed => "failed",
            Self::OutOfPatience => "out-of-patience",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether the run was stopped before it had ended of itself: resuming takes it up.
    pub fn is_stopped(self) -> bool {
        matches!(self, Self::Cancelled | Self::TimeLimit | Self::Interrupted)
    }

    /// Whether something went wrong with the run, and not just with how far it came.
    pub fn is_broken(self) -> bool {
        matches!(self, Self::Diverged | Self::Failed | Self::LineSearchFailed)
    }

    /// Whether the run reached its goal, or all of what it was allowed.
    pub fn is_regular(self) -> bool {
        matches!(self, Self::Converged | Self::StepLimit | Self::TimeLimit)
    }
}

impl fmt::Display for StatusKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
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

/// A failed simulation, or interrupted work.
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
            Self::Converged(Goal::Loss) => {
                "the loss fell below its goal; set a lower goal to continue"
            }
            Self::Converged(Goal::Discrepancy) => {
                "the data are fitted to within their noise level, as requested; a closer fit would fit the noise"
            }
            Self::Converged(Goal::Residual) => {
                "no datum is missed by more than was asked for; a smaller residual_below leads further"
            }
            Self::Converged(Goal::Gradient) => {
                "the gradient fell below its goal; set a lower goal to continue"
            }
            Self::Converged(Goal::ShortStep) => {
                "the last step was shorter than its goal; set a lower goal to continue"
            }
            Self::Converged(Goal::Plateau) => {
                "the loss has almost stopped falling; to continue, require a smaller decrease over more steps, or \
                 try another rule or start"
            }
            Self::Converged(Goal::LossChange) => {
                "the loss has settled: its relative change is below loss_change (default 1e-8), and the linear model \
                 predicts no further decrease beyond that; set a lower loss_change to continue, or 0 for full \
                 precision"
            }
            Self::Converged(Goal::ExactFit) => {
                "the data are fitted exactly: by the linear model, the remaining step changes no unknown by more \
                 than loss_change (default 1e-8) of its size; set a lower loss_change to continue, or 0 for full \
                 precision"
            }
            Self::Converged(Goal::Stationary) => {
                "the gradient vanished, to within round-off and the error of J, and no direction was found in which \
                 the loss falls"
            }
            Self::Converged(Goal::Noise) => {
                "the remaining decrease of the loss is hidden by the noise of the simulator's output; output with \
                 more digits would allow more"
            }
            Self::StepLimit => {
                "the maximum number of steps was reached; allow more, or choose a faster rule"
            }
            Self::TimeLimit => {
                "the time limit was reached; allow more time, or choose a cheaper rule"
            }
            Self::Stalled => {
                "the gradient vanished before the goal was reached; \
                 try another start, or a goal above the noise"
            }
            Self::NoProgress => {
                "no step of this rule lowers the loss any further, although its gradient is not zero: x may not be a \
                 minimum; check the derivatives and the noise of the simulator, or try another rule or start"
            }
            Self::NoEffect => {
                "no unknown has an effect on y at this x, and the data are not fitted, so the loss gives no \
                 direction to move in; try another start, or several"
            }
            Self::Saddle => {
                "the gradient vanished at a saddle point or maximum: the loss falls to either side; move the start \
                 slightly, or try newton with saddle_free = true"
            }
            Self::Diverged => {
                "the loss became infinite or grew without bound; \
                 lower the learning rate, or try a rule with a line search or trust region"
            }
            Self::LineSearchFailed => {
                "the line search found no lower loss along the update, although the gradient is not zero: the \
                 unknowns differ greatly in size or effect (scale them, or try levenberg-marquardt), the simulator \
                 is noisy, or the gradient is wrong (check the derivatives)"
            }
            Self::Failed(error) => {
                return write!(
                    f,
                    "the simulation failed: {error}; the best x is kept; try shorter steps, or a start at which the \
                     simulator works"
                );
            }
            Self::OutOfPatience => {
                "the test loss has not improved for the number of epochs set by patience; the best network is kept"
            }
            Self::Cancelled => {
                "the run was stopped from outside; the best x is kept: start from it to continue"
            }
        };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_stored_by_its_name() {
        for kind in [
            StatusKind::NoProgress,
            StatusKind::Cancelled,
            StatusKind::LineSearchFailed,
        ] {
            let text = serde_json::to_string(&kind).unwrap_or_default();
            assert_eq!(text, format!("\"{kind}\""));
            assert_eq!(serde_json::from_str::<StatusKind>(&text).ok(), Some(kind));
        }
    }
}
