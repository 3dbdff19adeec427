//! A run of a solver: what it keeps between two steps, what it records, and when it ends.

mod dead_end;
mod step;

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::time::Instant;

use dead_end::failed;

use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::problem::{Computed, Counts, Evaluation};
use crate::solver::checkpoint::{Checkpoint, Progress};
use crate::solver::explained::{self, Explained};
use crate::solver::solution::{Record, Solution};
use crate::solver::stationarity;
use crate::solver::status::{Goal, Status};
use crate::solver::stop::{Lowest, StopWhen};
use crate::updates::{Notice, Notices, Search, UpdateRule};

/// From so many times its round-off on, a loss is surely higher than another.
const SURELY: f64 = 4.0;

/// A run under way.
pub(super) struct SolverRun {
    pub(super) rule: Box<dyn UpdateRule>,
    pub(super) stop: StopWhen,
    /// What takes the place of the rule's own search.
    pub(super) search: Option<Search>,
    pub(super) clock: Instant,
    /// Seconds spent and evaluations made before the clock started.
    pub(super) seconds: f64,
    pub(super) counts: Counts,
    pub(super) first_loss: f64,
    pub(super) best: (Vec<f64>, f64),
    pub(super) lowest: Lowest,
    pub(super) notices: Notices,
    pub(super) steps: usize,
    /// The update with which an interrupted step goes on.
    pub(super) pending: Option<Vec<f64>>,
    /// Evaluations up to the point from which the run can be resumed.
    pub(super) settled: Counts,
    /// What of x is counted in that.
    pub(super) known: Computed,
    /// The notices up to there.
    pub(super) noted: Notices,
    /// Whether the rule has found its update, and nothing was done with it yet.
    pub(super) aimed: bool,
    /// Whether steps are searched along, though the rule would take them whole.
    pub(super) careful: bool,
    /// The unknowns that were found not to change y at the best x, once they were looked for.
    pub(super) without_effect: Option<Vec<usize>>,
    /// The noise of y that was seen last.
    pub(super) output_noise: Option<f64>,
    /// Whether the last step hardly changed the loss, and no step promises more.
    pub(super) settled_loss: bool,
    /// Whether it was looked for a direction in which a loss that has settled falls all the same.
    pub(super) looked: bool,
}

pub(super) type Observer<'o> = dyn FnMut(&Progress<'_>) -> ControlFlow<()> + 'o;

/// What one step led to.
pub(super) enum Next<'p> {
    Moved(Box<Evaluation<'p>>, f64),
    /// Another update is requested, at the best point if that is a different one.
    Back(Option<Box<Evaluation<'p>>>),
    End(Status),
}

impl SolverRun {
    pub(super) fn go(
        mut self,
        start: Evaluation<'_>,
        fresh: bool,
        observer: &mut Observer<'_>,
    ) -> Result<(Solution, Checkpoint)> {
        let mut at = start;
        let mut dx = vec![0.0; at.x().len()];
        let mut last_step = 0.0;
        let mut status = if fresh {
            self.record(&at, 0.0, observer)?
        } else {
            self.ended(&at, None, false)?
        };
        while status.is_none() {
            let next = match self.step(&at, &mut dx) {
                Ok(Next::Moved(next, step_norm)) => {
                    at = *next;
                    self.steps += 1;
                    last_step = step_norm;
                    self.record(&at, step_norm, observer)
                }
                Ok(Next::Back(best)) => {
                    at = best.map_or(at, |best| *best);
                    self.settle(&at);
                    Ok(None)
                }
                Ok(Next::End(end)) => Ok(Some(end)),
                Err(error) => Err(error),
            };
            status = match next {
                Ok(status) => status,
                // Nothing was achieved yet: this is misuse, and the caller hears of it. A simulation
                // that fails where a step leads is an outcome; the best x is kept.
                Err(error)
                    if self.steps == 0
                        && !error.is_interruption()
                        && !matches!(error, Error::Simulation { .. }) =>
                {
                    return Err(error);
                }
                Err(error) => Some(error.into()),
            };
        }
        let record = self.line(&at, last_step, self.lowest.newest());
        let x = at.problem().values(at.x());
        if self.without_effect.is_none() && at.knows_jacobian() && x == self.best.0 {
            self.without_effect = stationarity::slope(&at)
                .ok()
                .map(|slope| slope.without_effect);
        }
        let explained = match x == self.best.0 {
            true => Explained::at(&at),
            false => None,
        };
        if matches!(status, Some(Status::Cancelled | Status::TimeLimit)) {
            // The step at hand is taken again, and what it met is met again.
            self.notices = std::mem::take(&mut self.noted);
        }
        let mut standing = self.moment(&record, &at, &x).checkpoint();
        standing.counts = self.settled;
        standing.known = self.known;
        // A run that is over goes on for the sake of another goal.
        standing.settled &= matches!(status, Some(Status::Cancelled | Status::TimeLimit));
        // One that was told to stop before its first step still holds the update that it was given.
        standing.pending = self.pending.take().or(self.aimed.then_some(dx));
        let solution = Solution {
            x: self.best.0,
            loss: self.best.1,
            status: status.unwrap_or(Status::StepLimit),
            without_effect: self.without_effect.unwrap_or_default(),
            explained,
            output_noise: explained::output_noise(&at).or(self.output_noise),
            steps: self.steps,
            seconds: record.seconds,
            counts: record.counts,
            notices: self.notices,
        };
        Ok((solution, standing))
    }

    /// Keeps the best iterate, notifies the observer, and returns whether the run ends here.
    fn record(
        &mut self,
        at: &Evaluation<'_>,
        step_norm: f64,
        observer: &mut Observer<'_>,
    ) -> Result<Option<Status>> {
        let loss = at.loss()?;
        let x = match at.problem().is_transformed() {
            true => Cow::Owned(at.problem().values(at.x())),
            false => Cow::Borrowed(at.x()),
        };
        let excess = loss - self.lowest.newest();
        self.lowest.take(loss, &self.stop);
        // Of points that the loss cannot tell apart the later one is the better, since a rule
        // may see its way where the loss no longer does.
        let close = excess > 0.0 && excess <= 1e-6 * loss;
        let alike = close && excess <= SURELY * at.loss_round_off()?;
        if excess <= 0.0 || alike || self.best.1.is_nan() {
            self.best.0.copy_from_slice(&x);
            self.best.1 = loss;
        }
        let record = self.line(at, step_norm, loss);
        self.settle(at);
        let seen = observer(&self.moment(&record, at, &x));
        if loss.is_nan() {
            return Ok(Some(failed(None, at)));
        }
        if !loss.is_finite() || loss > self.stop.diverged_above * self.first_loss.max(1e-300) {
            return Ok(Some(Status::Diverged));
        }
        let last_step = (self.steps > 0).then_some(step_norm);
        self.ended(at, last_step, seen.is_break())
    }

    /// Whether a goal is reached here, or a limit.
    fn ended(
        &mut self,
        at: &Evaluation<'_>,
        last_step: Option<f64>,
        told_to: bool,
    ) -> Result<Option<Status>> {
        // What is said of the point is to hold for the x that is returned.
        if let Some(goal) = self.stop.reached(at, last_step, &self.lowest)?
            && (!goal.is_of_the_point() || self.best.0 == at.problem().values(at.x()))
        {
            return Ok(Some(Status::Converged(goal)));
        }
        if self.settled_loss && stationarity::slope(at)?.is_gentle(at) && self.rests(at)? {
            return Ok(Some(Status::Converged(Goal::LossChange)));
        }
        if told_to {
            return Ok(Some(Status::Cancelled));
        }
        let limits = self.stop.limits();
        Ok(limits.ended(self.steps as u64, &Interrupt::current()))
    }

    fn moment<'a>(
        &'a self,
        record: &'a Record,
        at: &'a Evaluation<'_>,
        x: &'a [f64],
    ) -> Progress<'a> {
        Progress {
            record,
            x,
            unknowns: at.problem().is_transformed().then(|| at.x()),
            best: &self.best,
            first_loss: self.first_loss,
            lowest: &self.lowest,
            rule: &*self.rule,
            careful: self.careful,
            settled: self.settled_loss,
            looked: self.looked,
            known: at.known(),
            notices: &self.notices,
        }
    }

    /// The line of the history for this point.
    fn line(&self, at: &Evaluation<'_>, step_norm: f64, loss: f64) -> Record {
        Record {
            step: self.steps,
            seconds: self.seconds + self.clock.elapsed().as_secs_f64(),
            loss,
            step_norm,
            counts: self.asked(at),
        }
    }

    /// A run that is interrupted goes on from here.
    fn settle(&mut self, at: &Evaluation<'_>) {
        self.settled = self.asked(at);
        self.known = at.known();
        if self.noted != self.notices {
            self.noted.clone_from(&self.notices);
        }
    }

    /// Evaluations of the simulator so far.
    fn asked(&self, at: &Evaluation<'_>) -> Counts {
        let mut counts = self.counts;
        counts.add(&at.counts());
        counts
    }

    pub(super) fn note(&mut self, notice: Notice) {
        self.notices.note(notice);
        self.notices.fail(self.rule.cause().cloned());
    }
}
