//! One step of a training, steps that are taken back, and the end of an epoch.

use std::sync::Arc;
use std::time::Instant;

use super::score::score;
use super::seen_statistics::seen_statistics;
use super::{
    Checkpoint, Clock, Data, Epoch, MiniBatch, Progress, Sample, Score, StopWhen, Trainer,
};
use crate::error::{Error, Result, expect_length};
use crate::linalg::{axpy, is_finite, norm};
use crate::problem::{Evaluation, Tally};
use crate::solver::search::{FailedTrials, search};
use crate::solver::status::Status;
use crate::updates::{Notice, Notices, Search, Trial, Verdict};

/// A loss so many times above all recent ones is an explosion.
const EXPLODED: f64 = 10.0;
/// How many losses are recent.
const RECENT: usize = 20;
/// How often a step is halved before it is taken back altogether.
const HALVINGS: u32 = 3;
/// So many steps in a row taken back: nothing is left to try.
const GIVE_UP_AFTER: u32 = 10;

/// A search, or a rule that judges its steps, left θ where it was.
const NOT_TAKEN: Notice = Notice("no lower loss was found along the step: it was not taken");

/// Δθ is no number.
const NOT_FINITE: Notice = Notice("the step was not finite: it was not taken");

/// A training under way.
pub(super) struct TrainingRun<'t> {
    pub(super) trainer: &'t mut Trainer,
    /// Where it stands, but for the rule's memory and the notices.
    pub(super) at: Checkpoint,
    notices: Notices<String>,
    dtheta: Vec<f64>,
}

/// What became of a step.
pub(super) enum Taken {
    /// It was taken.
    Whole,
    /// The step before it had led to an explosion, and was shortened or taken back in its place.
    Back,
}

impl<'t> TrainingRun<'t> {
    pub(super) fn new(trainer: &'t mut Trainer, from: &Checkpoint) -> Self {
        let at = from.clone();
        Self {
            notices: Notices::from_parts(at.notices.clone(), at.first_error.clone()),
            dtheta: vec![0.0; at.theta.len()],
            trainer,
            at,
        }
    }

    pub(super) fn into_checkpoint(self) -> Checkpoint {
        self.at.with(self.notices, &*self.trainer.rule)
    }

    pub(super) fn progress(&self, epoch_ended: bool) -> Progress<'_> {
        Progress::new(&self.at, &self.notices, &*self.trainer.rule, epoch_ended)
    }

    /// How the training ends between two steps, if it ends here.
    pub(super) fn ended(&self, stop: &StopWhen) -> Option<Status> {
        if self.at.in_vain >= GIVE_UP_AFTER {
            return Some(Status::Diverged);
        }
        stop.reached(&self.at)
    }

    /// One step from θ by a mini-batch, which began at `start`. One that is interrupted is taken again, so that its time does
    /// not count.
    pub(super) fn step(&mut self, samples: &[Arc<Sample>], start: Instant) -> Result<Taken> {
        let clock = Arc::new(Clock::default());
        let outcome = self.learn(samples, &clock);
        if !outcome.as_ref().is_err_and(Error::is_interruption) {
            let elapsed = start.elapsed();
            self.at.seconds += elapsed.as_secs_f64();
            self.at.shares.add(clock.shares(elapsed));
        }
        let Some(loss) = outcome? else {
            return Ok(Taken::Back);
        };
        self.at.steps += 1;
        self.at.epoch_sum += loss;
        self.at.epoch_count += 1;
        Ok(Taken::Whole)
    }

    /// Moves θ; the loss before that, or `None` if the step before had to be taken back.
    fn learn(&mut self, samples: &[Arc<Sample>], clock: &Arc<Clock>) -> Result<Option<f64>> {
        let trainer = &*self.trainer;
        let batch = MiniBatch::new(&trainer.network, &self.at.theta, samples, &trainer.loss)
            .with_reduction(trainer.reduction)
            .with_target_scale(trainer.target_scale)
            .with_clock(clock);
        let first = self.at.taken.is_empty();
        let problem = match trainer.strategy.theta_problem(&batch) {
            Ok(problem) => problem,
            Err(error) if first || error.is_interruption() => return Err(error),
            Err(_) => return Ok(self.take_back()),
        };
        let noted = batch.into_notices();
        let tally = Tally::default();
        let at = Evaluation::new(&problem, &tally, &self.at.theta)?.with_clip(trainer.clip);
        let loss = match at.loss() {
            Ok(loss) => loss,
            Err(error) if first || error.is_interruption() => return Err(error),
            Err(_) => f64::INFINITY,
        };
        if self.exploded(loss) {
            return Ok(self.take_back());
        }
        // Before anything of the state changes: this may be interrupted, and is then done again.
        let length = self.find(&at)?;
        self.note_all(&noted);
        let state = &mut self.at;
        if state.halvings <= HALVINGS {
            state.in_vain = 0;
        }
        state.halvings = 0;
        state.recent.push_back(loss);
        if state.recent.len() > RECENT {
            state.recent.pop_front();
        }
        state.before.clone_from(&state.theta);
        state.taken.clear();
        state.taken.extend(self.dtheta.iter().map(|d| length * d));
        if is_finite(&state.taken) {
            axpy(1.0, &state.taken, &mut state.theta);
        } else {
            // No step to shorten: it is taken back at once.
            self.notices.note(NOT_FINITE);
            state.taken.fill(0.0);
            state.rollbacks += 1;
            state.in_vain += 1;
        }
        Ok(Some(loss))
    }

    /// Writes Δθ and returns how much of it is taken: all, unless the rule searches or judges.
    fn find(&mut self, at: &Evaluation<'_>) -> Result<f64> {
        let factor = self.trainer.schedule.factor(self.at.steps);
        let way = self.trainer.search();
        loop {
            let pending = std::mem::take(&mut self.at.pending);
            let rule = &mut self.trainer.rule;
            if pending.is_empty() {
                self.dtheta.fill(0.0);
                if let Some(notice) = rule.update(at, &mut self.dtheta)? {
                    self.notices.note(notice);
                    self.notices.fail(rule.cause().map(Error::to_string));
                }
                self.dtheta.iter_mut().for_each(|d| *d *= factor);
            } else {
                expect_length("the pending step", pending.len(), self.dtheta.len())?;
                self.dtheta.copy_from_slice(&pending);
            }
            if way == Search::Full && !rule.judges() {
                return Ok(1.0);
            }
            if !is_finite(&self.dtheta) {
                self.notices.note(NOT_FINITE);
                return Ok(0.0);
            }
            if norm(&self.dtheta) == 0.0 {
                return Ok(0.0);
            }
            // Steps that explode are taken back later; here only searches shorten them.
            let mut failed_trials = FailedTrials::new(false);
            let landing = search(way, at, &self.dtheta, &mut failed_trials);
            if landing.as_ref().is_err_and(Error::is_interruption) {
                self.at.pending.clone_from(&self.dtheta);
            }
            let verdict = match landing? {
                None => Verdict::GiveUp,
                Some((next, scale)) => {
                    let trial = Trial {
                        loss: at.loss()?,
                        trial_loss: next.loss().unwrap_or(f64::INFINITY),
                    };
                    match rule.judge(&trial) {
                        Verdict::Take => return Ok(scale),
                        verdict => verdict,
                    }
                }
            };
            if verdict == Verdict::GiveUp {
                self.notices.note(NOT_TAKEN);
                let first = failed_trials.first.as_ref();
                self.notices.fail(first.map(Error::to_string));
                return Ok(0.0);
            }
        }
    }

    fn note_all(&mut self, noted: &Notices) {
        if !noted.is_empty() {
            self.notices.merge(&noted.to_text());
        }
    }

    /// Whether the loss is NaN, or far above all recent ones. Where the last step was taken back altogether and the loss is a
    /// number, it is this batch that is hard.
    fn exploded(&self, loss: f64) -> bool {
        let state = &self.at;
        if state.halvings > HALVINGS && loss.is_finite() {
            return false;
        }
        let recent = state.recent.iter().copied().fold(0.0, f64::max);
        !state.taken.is_empty() && (loss.is_nan() || loss > EXPLODED * recent)
    }

    /// Halves the last step, or takes it back altogether.
    fn take_back(&mut self) -> Option<f64> {
        let state = &mut self.at;
        state.halvings += 1;
        state.rollbacks += 1;
        state.theta.clone_from(&state.before);
        if state.halvings <= HALVINGS {
            let shorter = 0.5_f64.powi(state.halvings as i32);
            axpy(shorter, &state.taken, &mut state.theta);
        } else {
            state.in_vain += 1;
        }
        None
    }

    /// Adds the record of an epoch, and keeps θ if it is the best so far.
    pub(super) fn end_epoch(&mut self, data: &mut dyn Data, test: &[Arc<Sample>]) -> Result<()> {
        let (trainer, state) = (&*self.trainer, &mut self.at);
        let network = &*trainer.network;
        let statistics = seen_statistics(network, &state.theta, data, state.steps, trainer.batch)?;
        let on = |samples: &[Arc<Sample>]| -> Result<Option<Score>> {
            if samples.is_empty() {
                return Ok(None);
            }
            let (theta, loss) = (&state.theta, &*trainer.loss);
            score(network, theta, &statistics, samples, loss, trainer.batch).map(Some)
        };
        let epoch = Epoch {
            epoch: state.epochs.len() as u64,
            step: state.steps,
            seconds: state.seconds,
            running_loss: state.epoch_sum / state.epoch_count as f64,
            train: on(data.all())?,
            test: on(test)?,
            shares: state.shares,
            rollbacks: state.rollbacks,
        };
        let loss = epoch.loss();
        if loss < state.best_loss {
            state.best_loss = loss;
            state.best.clone_from(&state.theta);
            state.statistics = statistics;
        }
        state.epochs.push(epoch);
        state.epoch_sum = 0.0;
        state.epoch_count = 0;
        Ok(())
    }
}
