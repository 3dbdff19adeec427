//! When a training ends: goals and limits, in the words of [`StopWhen`](crate::StopWhen) where they mean the same.

use std::time::{Duration, Instant};

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Checkpoint;
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::options::{Validate, require};
use crate::solver::limits::Limits;
use crate::solver::status::Status;

/// When a training ends, whatever comes first. Criteria that are `None` are not checked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[setters(prefix = "with_")]
#[non_exhaustive]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "TrainingStop")]
pub struct StopWhen {
    /// Maximum number of epochs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(strip_option)]
    pub epochs: Option<u64>,
    /// Maximum number of steps, each on one mini-batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(strip_option)]
    pub steps: Option<u64>,
    /// Maximum time in steps, such as "90s" or "2m", or seconds; what is spent on test data does not count. A step that takes
    /// longer than what is left is not taken.
    #[serde(
        alias = "seconds",
        with = "crate::duration::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    #[setters(into)]
    pub time: Option<Duration>,
    /// Stopped once the test loss has not improved for this number of epochs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(strip_option)]
    pub patience: Option<u64>,
    /// Converged once the loss on held-out data, or on the training data if none are held out, is at most this.
    #[serde(alias = "loss", skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub loss_below: Option<f64>,
}

impl StopWhen {
    /// Stops after this number of steps.
    pub fn after(steps: u64) -> Self {
        Self::default().with_steps(steps)
    }

    /// These criteria, and others where these are silent. A budget of epochs, steps or time silences the other's budgets
    /// altogether.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let budget = if self.has_budget() { self } else { other };
        Self {
            epochs: budget.epochs,
            steps: budget.steps,
            time: budget.time,
            patience: self.patience.or(other.patience),
            loss_below: self.loss_below.or(other.loss_below),
        }
    }

    /// Whether epochs, steps or time are limited, so that training ends whatever happens.
    pub fn has_budget(&self) -> bool {
        self.epochs.is_some() || self.steps.is_some() || self.time.is_some()
    }

    /// The criteria that a solver has too.
    fn limits(&self) -> Limits {
        Limits {
            steps: self.steps,
            time: self.time,
            loss_below: self.loss_below,
        }
    }

    /// What interrupts work that begins now, beside what interrupts this thread: also that the time of all steps is over.
    pub(super) fn interrupt(&self, at: &Checkpoint, now: Instant) -> Interrupt {
        self.limits().interrupt(now, at.seconds)
    }

    /// How a training ends between two steps, if it ends here.
    pub(super) fn reached(&self, at: &Checkpoint) -> Option<Status> {
        let limits = self.limits();
        if let Some(goal) = limits.goal(at.best_loss) {
            return Some(Status::Converged(goal));
        }
        let epochs = at.epochs.len().saturating_sub(1) as u64;
        if self.epochs.is_some_and(|most| epochs >= most) {
            return Some(Status::StepLimit);
        }
        if let Some(status) = limits.ended(at.steps, &self.interrupt(at, Instant::now())) {
            return Some(status);
        }
        let best = at.epochs.iter().rposition(|e| e.loss() == at.best_loss);
        let waited = best.map_or(0, |best| epochs - best as u64);
        let impatient = self.patience.is_some_and(|most| waited >= most);
        impatient.then_some(Status::OutOfPatience)
    }
}

impl Validate for StopWhen {
    fn validate(&self) -> Result<()> {
        self.limits().validate()?;
        require(
            self.patience != Some(0),
            "patience",
            0,
            "it must be at least 1: a loss cannot improve within no epoch",
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_of_one_s_own_replaces_the_common_one() {
        let common = StopWhen {
            epochs: Some(20),
            loss_below: Some(1e-3),
            ..StopWhen::default()
        };
        let own = StopWhen {
            time: Some(Duration::from_secs(2)),
            ..StopWhen::default()
        };
        let both = own.or(&common);
        assert_eq!(
            (both.epochs, both.time, both.loss_below),
            (None, Some(Duration::from_secs(2)), Some(1e-3))
        );
        assert_eq!(StopWhen::default().or(&common), common);
    }

    #[test]
    fn the_words_of_earlier_files_are_read_and_times_have_units() {
        let read = |text: &str| toml::from_str::<StopWhen>(text);
        let time = read("time = '90s'").unwrap();
        assert_eq!(read("seconds = 90.0").unwrap(), time);
        assert_eq!(read("time = '1.5m'").unwrap(), time);
        assert_eq!(
            read("loss = 0.1").unwrap(),
            read("loss_below = 0.1").unwrap()
        );
        let message = read("time = 1e300").unwrap_err().to_string();
        assert!(message.contains("less than 1e19"), "{message}");
        assert!(read("patience = 0").unwrap().validate().is_err());
        assert!(read("loss_below = -1.0").unwrap().validate().is_err());
    }
}
