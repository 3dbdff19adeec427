//! The loop of training: batch, step, record, stop.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use super::spread::among_threads;
use super::step::{Taken, TrainingRun};
use super::{Checkpoint, Data, Progress, Sample, StopWhen, Trainer};
use crate::error::{Error, Result, expect_length};
use crate::solver::status::Status;

/// How a training ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Trained {
    /// Where it stands, with the best θ, the history and all that it takes to go on.
    pub checkpoint: Checkpoint,
    /// Why it ended.
    pub status: Status,
}

impl Trainer {
    /// Trains from θ until a criterion is met.
    ///
    /// # Errors
    /// If data, network and physics do not fit, or the first step fails. What happens later is a
    /// [`Status`].
    pub fn train(
        &mut self,
        data: &mut dyn Data,
        test: &[Arc<Sample>],
        theta: &[f64],
        stop: &StopWhen,
    ) -> Result<Trained> {
        let fresh = Checkpoint::at(theta.to_vec());
        self.resume(data, test, &fresh, stop, |_| ControlFlow::Continue(()))
    }

    /// Resumes a training from its state. The observer is called after every further step, and may stop the training.
    ///
    /// Steps, epochs and time count from the start of the training.
    ///
    /// # Errors
    /// As [`train`](Trainer::train), or if the rule cannot restore its memory.
    pub fn resume(
        &mut self,
        data: &mut dyn Data,
        test: &[Arc<Sample>],
        from: &Checkpoint,
        stop: &StopWhen,
        observer: impl FnMut(&Progress<'_>) -> ControlFlow<()> + Send,
    ) -> Result<Trained> {
        among_threads(|| self.take_up(data, test, from, stop, observer))
    }

    fn take_up(
        &mut self,
        data: &mut dyn Data,
        test: &[Arc<Sample>],
        from: &Checkpoint,
        stop: &StopWhen,
        mut observer: impl FnMut(&Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Trained> {
        expect_length("theta", from.theta.len(), self.network.parameters())?;
        if let Some(search) = self.search {
            search.check(&*self.rule)?;
        }
        if !from.rule.is_empty() {
            self.rule.recall(&from.rule)?;
        }
        let mut run = TrainingRun::new(self, from);
        let status = run.go(data, test, stop, &mut observer)?;
        Ok(Trained {
            checkpoint: run.into_checkpoint(),
            status,
        })
    }
}

impl TrainingRun<'_> {
    /// Takes steps until the training ends, and returns why it did.
    fn go(
        &mut self,
        data: &mut dyn Data,
        test: &[Arc<Sample>],
        stop: &StopWhen,
        observer: &mut impl FnMut(&Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Status> {
        let size = self.trainer.batch;
        let per_epoch = data.batches(size);
        loop {
            // Also one at whose end an earlier training was interrupted.
            if self.at.is_fresh() || self.epoch_is_over(per_epoch) {
                match self.end_epoch(data, test) {
                    Err(Error::Interrupted { why }) => return Ok(why.into()),
                    ended => ended?,
                }
                if self.at.steps > 0 && observer(&self.progress(true)).is_break() {
                    return Ok(Status::Cancelled);
                }
            }
            if let Some(status) = self.ended(stop) {
                return Ok(status);
            }
            let start = Instant::now();
            let interrupt = stop.interrupt(&self.at, start);
            let taken = interrupt.within(|| {
                let batch = data.batch(self.at.steps, size)?;
                self.step(&batch, start)
            });
            match taken {
                Ok(Taken::Whole) => {}
                // The same batch is tried again from there.
                Ok(Taken::Back) => continue,
                Err(error) if self.at.steps == 0 && !error.is_interruption() => return Err(error),
                Err(error) => return Ok(error.into()),
            }
            let over = self.epoch_is_over(per_epoch);
            if !over && observer(&self.progress(false)).is_break() {
                return Ok(Status::Cancelled);
            }
        }
    }

    fn epoch_is_over(&self, per_epoch: u64) -> bool {
        self.at.epoch_count > 0 && self.at.steps.is_multiple_of(per_epoch)
    }
}
