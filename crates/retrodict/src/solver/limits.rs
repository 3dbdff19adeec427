//! What ends solving and training alike: a number of steps, a time, a loss that is low enough.

use std::time::{Duration, Instant};

use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::options::not_negative;
use crate::solver::status::{Goal, Status};

/// The criteria that [`StopWhen`](crate::StopWhen) and [`training::StopWhen`](crate::training::StopWhen) share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) steps: Option<u64>,
    pub(crate) time: Option<Duration>,
    pub(crate) loss_below: Option<f64>,
}

impl Limits {
    pub(crate) fn validate(&self) -> Result<()> {
        not_negative("loss_below", self.loss_below.unwrap_or(0.0))
    }

    /// The goal that the lowest loss reaches, if it does.
    pub(crate) fn goal(&self, lowest: f64) -> Option<Goal> {
        let low = self.loss_below.is_some_and(|goal| lowest <= goal);
        low.then_some(Goal::Loss)
    }

    /// How a run ends after so many steps where no goal is reached, if it ends here.
    pub(crate) fn ended(&self, steps: u64, interrupt: &Interrupt) -> Option<Status> {
        if self.steps.is_some_and(|most| steps >= most) {
            return Some(Status::StepLimit);
        }
        interrupt.reason().map(Status::from)
    }

    /// What interrupts work that begins at `clock` after so many seconds of the time were spent, beside what interrupts this
    /// thread.
    pub(crate) fn interrupt(&self, clock: Instant, spent: f64) -> Interrupt {
        let interrupt = Interrupt::current();
        let spent = Duration::try_from_secs_f64(spent).unwrap_or(Duration::MAX);
        let left = self.time.map(|limit| limit.saturating_sub(spent));
        // A limit that the clock cannot hold is none.
        match left.and_then(|left| clock.checked_add(left)) {
            Some(deadline) => interrupt.with_deadline(deadline),
            None => interrupt,
        }
    }
}
