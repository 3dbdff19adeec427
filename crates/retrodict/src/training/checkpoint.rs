//! The state of a training: enough to resume it as if it had never stopped.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Epoch, Shares};
use crate::updates::{Notices, UpdateRule};

/// The state of a training between two steps, as a file keeps it.
///
/// [`Trainer::resume`](super::Trainer::resume) takes it up: with the same data, network, strategy and rule a training goes on
/// bit for bit.
// Files hold the fields in this order without their names: new ones are added at the end, with a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The θ from which the next step is taken.
    pub theta: Vec<f64>,
    /// The number of steps taken.
    #[serde(alias = "step")]
    pub steps: u64,
    /// Seconds spent in steps.
    pub seconds: f64,
    /// Where they went.
    pub shares: Shares,
    /// One line for each epoch that has ended; the first is the start.
    pub epochs: Vec<Epoch>,
    /// The best θ so far, by its loss on test data, or on training data where there are none.
    pub best: Vec<f64>,
    /// That loss; infinite at the start.
    pub best_loss: f64,
    /// How many steps were taken back or shortened.
    pub rollbacks: u64,
    /// The losses of the last steps.
    pub(super) recent: VecDeque<f64>,
    /// θ before the last step.
    pub(super) before: Vec<f64>,
    /// The last step.
    pub(super) taken: Vec<f64>,
    /// How often it was halved.
    pub(super) halvings: u32,
    /// Steps in a row that were taken back altogether.
    pub(super) in_vain: u32,
    /// The losses of this epoch's steps, added up, and their number.
    pub(super) epoch_sum: f64,
    pub(super) epoch_count: u64,
    /// The update of a step that was interrupted after the rule had found it and learned from it; empty else.
    #[serde(default)]
    pub(super) pending: Vec<f64>,
    /// Where rules departed from their formulas, and how often.
    #[serde(default)]
    pub notices: Vec<(String, u64)>,
    /// The first error that made one do so, if any.
    #[serde(default)]
    #[serde(alias = "trouble")]
    pub first_error: Option<String>,
    /// The rule's memory.
    #[serde(default, with = "serde_bytes")]
    pub rule: Vec<u8>,
    /// What the normalising layers saw of the training data with the best θ; empty where there are none.
    #[serde(default)]
    pub statistics: Vec<f64>,
}

impl Checkpoint {
    /// At a start, before anything is done.
    pub fn at(theta: Vec<f64>) -> Self {
        Self {
            best: theta.clone(),
            theta,
            steps: 0,
            seconds: 0.0,
            shares: Shares::default(),
            epochs: Vec::new(),
            best_loss: f64::INFINITY,
            rollbacks: 0,
            recent: VecDeque::new(),
            before: Vec::new(),
            taken: Vec::new(),
            halvings: 0,
            in_vain: 0,
            epoch_sum: 0.0,
            epoch_count: 0,
            pending: Vec::new(),
            notices: Vec::new(),
            first_error: None,
            rule: Vec::new(),
            statistics: Vec::new(),
        }
    }

    /// Whether nothing was done yet.
    pub fn is_fresh(&self) -> bool {
        self.epochs.is_empty()
    }

    /// With what stands beside it while a training runs.
    pub(super) fn with(mut self, notices: Notices<String>, rule: &dyn UpdateRule) -> Self {
        (self.notices, self.first_error) = notices.into_parts();
        self.rule = rule.remember();
        self
    }
}

/// What an observer is shown after every step.
#[non_exhaustive]
pub struct Progress<'a> {
    /// θ after it.
    pub theta: &'a [f64],
    /// The number of steps taken.
    pub steps: u64,
    /// Seconds spent in steps.
    pub seconds: f64,
    /// Where they went.
    pub shares: Shares,
    /// The strategy's loss on the mini-batch, before the step.
    pub loss: f64,
    /// One line for each epoch that has ended; the first is the start.
    pub epochs: &'a [Epoch],
    /// Whether an epoch ended with this step.
    pub epoch_ended: bool,
    /// Where rules departed from their formulas, how often, and the first error that made one do so.
    pub notices: &'a Notices<String>,
    at: &'a Checkpoint,
    rule: &'a dyn UpdateRule,
}

impl<'a> Progress<'a> {
    pub(super) fn new(
        at: &'a Checkpoint,
        notices: &'a Notices<String>,
        rule: &'a dyn UpdateRule,
        epoch_ended: bool,
    ) -> Self {
        Self {
            theta: &at.theta,
            steps: at.steps,
            seconds: at.seconds,
            shares: at.shares,
            loss: at.recent.back().copied().unwrap_or(f64::NAN),
            epochs: &at.epochs,
            epoch_ended,
            notices,
            at,
            rule,
        }
    }

    /// Where the training stands, with a copy of everything that it needs.
    pub fn checkpoint(&self) -> Checkpoint {
        self.at.clone().with(self.notices.clone(), self.rule)
    }
}
