//! The loop of training: batch, update, record, stop.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::spread::among_threads;
use super::{Clock, Data, Lesson, Limits, Notes, Sample, Schedule, Shares, Strategy};
use crate::core::loss::Loss;
use crate::error::{Error, Result, expect_length};
use crate::interrupt::Interrupt;
use crate::linalg::{axpy, distance_squared, is_finite, norm};
use crate::losses::Reduction;
use crate::network::Network;
use crate::problem::{Evaluation, Tally};
use crate::solver::search::{FailedTrials, search};
use crate::solver::status::{Goal, Status};
use crate::updates::{Notice, Search, Trial, UpdateRule, Verdict};

/// A loss so many times above all recent ones is an explosion.
const EXPLODED: f64 = 10.0;
/// How many losses are recent.
const RECENT: usize = 20;
/// How often a step is halved before it is taken back altogether.
const HALVINGS: u32 = 3;
/// So many steps in a row taken back: nothing is left to try.
const GIVE_UP_AFTER: u32 = 10;

/// Everything that training needs but data and θ.
pub struct Trainer {
    /// f.
    pub network: Arc<dyn Network>,
    /// Which θ-problem a mini-batch makes.
    pub strategy: Box<dyn Strategy>,
    /// The rule over θ.
    pub rule: Box<dyn UpdateRule>,
    /// The loss of one sample's y.
    pub loss: Arc<dyn Loss>,
    /// How the losses of a mini-batch become one.
    pub reduction: Reduction,
    /// Samples in a mini-batch.
    pub batch: usize,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// ∂L/∂θ is shortened to this length; rules that do not use it are not touched.
    pub clip: Option<f64>,
}

/// The state of a training run: enough to resume it as if it had never stopped, with the rule's own memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// θ now.
    pub theta: Vec<f64>,
    /// The number of steps taken.
    pub step: u64,
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
    recent: VecDeque<f64>,
    before: Vec<f64>,
    taken: Vec<f64>,
    halvings: u32,
    in_vain: u32,
    epoch_sum: f64,
    epoch_count: u64,
    /// Δθ of a step that was interrupted after the rule had found it and learned from it; empty else.
    #[serde(default)]
    pending: Vec<f64>,
    /// Where the rule fell back from its formula, and how often.
    #[serde(default)]
    pub notices: Vec<(String, u64)>,
    /// Why it first did, where an error was the cause.
    #[serde(default)]
    #[serde(alias = "trouble")]
    pub first_error: Option<String>,
}

impl State {
    /// The start of a training.
    pub fn new(theta: Vec<f64>) -> Self {
        Self {
            best: theta.clone(),
            theta,
            step: 0,
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
        }
    }

    fn note(&mut self, notice: Notice, first_error: Option<&Error>) {
        self.count(notice.0, 1);
        if self.first_error.is_none() {
            self.first_error = first_error.map(ToString::to_string);
        }
    }

    fn note_all(&mut self, notes: &Notes) {
        let noted = notes.lock();
        for (notice, count) in &noted.counts {
            self.count(notice, *count);
        }
        if self.first_error.is_none() {
            self.first_error = noted.first_error.as_ref().map(|(_, why)| why.clone());
        }
    }

    fn count(&mut self, notice: &str, times: u64) {
        match self.notices.iter_mut().find(|(known, _)| known == notice) {
            Some((_, count)) => *count += times,
            None => self.notices.push((notice.to_owned(), times)),
        }
    }
}

/// A search, or a rule that judges its steps, left θ where it was.
const NOT_TAKEN: Notice = Notice("no lower loss was found along the step: it was not taken");

/// Δθ is no number.
const NOT_FINITE: Notice = Notice("the step was not finite: it was not taken");

/// How good θ was after an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Epoch {
    /// The number of epochs done; 0 is the start.
    pub epoch: u64,
    /// The number of steps done.
    pub step: u64,
    /// Seconds spent in steps.
    pub seconds: f64,
    /// The mean of what the strategy's loss was at the steps of this epoch; NaN at the start.
    pub running_loss: f64,
    /// On the training data, after the epoch, where there is a fixed set of them.
    pub train: Option<Score>,
    /// On data that are held out.
    pub test: Option<Score>,
    /// Where the time went so far.
    pub shares: Shares,
    /// Steps taken back or shortened so far.
    pub rollbacks: u64,
}

/// How good a network is on some samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Score {
    /// The mean over the samples of L(P(f(y*)), y*).
    pub loss: f64,
    /// The mean over the samples of ½ ‖f(y*) − x*‖², where x* is known. Of several solutions the nearest
    /// counts, where the simulator knows them all
    /// ([`is_nearest`](crate::LocalInverse::is_nearest)).
    pub x_half_square: Option<f64>,
    /// The mean over the samples of ‖f(y*) − x*‖, likewise. A few that are far off weigh less in it.
    pub x_distance: Option<f64>,
}

/// What an observer sees after each step.
#[non_exhaustive]
pub struct Step<'a> {
    /// Where training stands.
    pub state: &'a State,
    /// The rule with its memory.
    pub rule: &'a dyn UpdateRule,
    /// The strategy's loss on the mini-batch, before the step.
    pub loss: f64,
    /// Whether an epoch ended with this step.
    pub epoch_ended: bool,
}

/// How training ended.
#[non_exhaustive]
pub struct Trained {
    /// Where it stood.
    pub state: State,
    /// Why it ended.
    pub status: Status,
}

/// The mean loss and error of a network over samples, in batches of `size`.
///
/// # Errors
/// If a length is wrong. A simulation that fails makes the loss infinite.
pub fn score(
    network: &dyn Network,
    theta: &[f64],
    samples: &[Arc<Sample>],
    loss: &dyn Loss,
    size: usize,
) -> Result<Score> {
    let n = network.output().len();
    let (mut sum, mut squares, mut distances, mut labelled) = (0.0, 0.0, 0.0, 0);
    for batch in samples.chunks(size.max(1)) {
        let inputs: Vec<f64> = batch.iter().flat_map(|s| s.input.iter().copied()).collect();
        let mut x = vec![0.0; batch.len() * n];
        network.forward(theta, &inputs, &mut x)?;
        let losses = super::spread::spread(batch.len(), |i| {
            let sample = &batch[i];
            let mut y = vec![0.0; sample.target.len()];
            let x = &x[i * n..(i + 1) * n];
            expect_length("the network's output", n, sample.simulator.input().len())?;
            match sample.simulator.forward(x, &mut y) {
                Ok(()) => Ok(loss.value(&y, &sample.target)),
                Err(error) if error.is_interruption() => Err(error),
                Err(_) => Ok(f64::INFINITY),
            }
        })?;
        sum += losses.iter().sum::<f64>();
        for (sample, x) in batch.iter().zip(x.chunks(n)) {
            if let Some(label) = &sample.label {
                let square = error_squared(sample, x, label)?;
                squares += square;
                distances += square.sqrt();
                labelled += 1;
            }
        }
    }
    Ok(Score {
        loss: sum / samples.len().max(1) as f64,
        x_half_square: (labelled > 0).then(|| 0.5 * squares / f64::from(labelled)),
        x_distance: (labelled > 0).then(|| distances / f64::from(labelled)),
    })
}

/// ‖x − x*‖², with the x* that is nearest to x where all are known.
fn error_squared(sample: &Sample, x: &[f64], label: &[f64]) -> Result<f64> {
    let all_known = sample.simulator.local_inverse().filter(|i| i.is_nearest());
    let Some(inverse) = all_known else {
        return Ok(distance_squared(x, label));
    };
    let mut nearest = label.to_vec();
    inverse.invert_near(&sample.target, x, &mut nearest)?;
    Ok(distance_squared(x, &nearest))
}

impl Trainer {
    /// Trains from a state until a limit is reached.
    ///
    /// # Errors
    /// If data, network and physics do not fit, or the first step fails. What happens later is a
    /// [`Status`].
    pub fn train(
        &mut self,
        data: &mut dyn Data,
        test: &[Arc<Sample>],
        state: State,
        limits: &Limits,
        observer: impl FnMut(&Step<'_>) -> ControlFlow<()> + Send,
    ) -> Result<Trained> {
        among_threads(|| self.learn(data, test, state, limits, observer))
    }

    fn learn(
        &mut self,
        data: &mut dyn Data,
        test: &[Arc<Sample>],
        mut state: State,
        limits: &Limits,
        mut observer: impl FnMut(&Step<'_>) -> ControlFlow<()>,
    ) -> Result<Trained> {
        expect_length("theta", state.theta.len(), self.network.parameters())?;
        let per_epoch = data.batches(self.batch);
        let mut step = vec![0.0; state.theta.len()];
        loop {
            // Also one at whose end an earlier training was interrupted.
            if state.epochs.is_empty() || self.epoch_is_over(&state, per_epoch) {
                match self.end_epoch(data, test, &mut state) {
                    Err(Error::Interrupted { why }) => {
                        return Ok(Trained {
                            state,
                            status: why.into(),
                        });
                    }
                    ended => ended?,
                }
                if state.step > 0 && self.show(&state, true, &mut observer).is_break() {
                    return Ok(Trained {
                        state,
                        status: Status::Cancelled,
                    });
                }
            }
            if let Some(status) = ended(&state, limits) {
                return Ok(Trained { state, status });
            }
            let start = Instant::now();
            let clock = Arc::new(Clock::default());
            let outcome = left(&state, limits, start).within(|| {
                let batch = data.batch(state.step, self.batch)?;
                self.step(&mut state, &batch, &clock, &mut step)
            });
            let loss = match outcome {
                Err(Error::Interrupted { why }) => {
                    // The step is taken again, so its time does not count.
                    return Ok(Trained {
                        state,
                        status: why.into(),
                    });
                }
                outcome => {
                    add(&mut state, &clock, start.elapsed());
                    outcome
                }
            };
            let loss = match loss {
                Ok(Some(loss)) => loss,
                // Taken back; the same batch is tried again from there.
                Ok(None) if state.in_vain < GIVE_UP_AFTER => continue,
                Ok(None) => {
                    return Ok(Trained {
                        state,
                        status: Status::Diverged,
                    });
                }
                Err(error) if state.step == 0 => return Err(error),
                Err(error) => {
                    return Ok(Trained {
                        state,
                        status: Status::Failed(error),
                    });
                }
            };
            state.step += 1;
            state.epoch_sum += loss;
            state.epoch_count += 1;
            let over = self.epoch_is_over(&state, per_epoch);
            if !over && self.show(&state, false, &mut observer).is_break() {
                return Ok(Trained {
                    state,
                    status: Status::Cancelled,
                });
            }
        }
    }

    fn epoch_is_over(&self, state: &State, per_epoch: u64) -> bool {
        state.epoch_count > 0 && state.step.is_multiple_of(per_epoch)
    }

    fn show(
        &self,
        state: &State,
        epoch_ended: bool,
        observer: &mut impl FnMut(&Step<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        observer(&Step {
            state,
            rule: &*self.rule,
            loss: state.recent.back().copied().unwrap_or(f64::NAN),
            epoch_ended,
        })
    }

    /// One step: the loss before it, or `None` if the step before had to be taken back.
    fn step(
        &mut self,
        state: &mut State,
        batch: &[Arc<Sample>],
        clock: &Arc<Clock>,
        dtheta: &mut [f64],
    ) -> Result<Option<f64>> {
        let notes = Notes::default();
        let lesson = Lesson {
            network: &self.network,
            theta: &state.theta,
            batch,
            loss: &self.loss,
            reduction: self.reduction,
            clock,
            notes: &notes,
        };
        let tally = Tally::default();
        let problem = match self.strategy.theta_problem(&lesson) {
            Ok(problem) => problem,
            Err(error) if state.taken.is_empty() => return Err(error),
            Err(error) if error.is_interruption() => return Err(error),
            Err(_) => return Ok(take_back(state)),
        };
        let at = Evaluation::new(&problem, &tally, &state.theta)?.with_clip(self.clip);
        let loss = match at.loss() {
            Ok(loss) => loss,
            Err(error) if state.taken.is_empty() || error.is_interruption() => return Err(error),
            Err(_) => f64::INFINITY,
        };
        if exploded(state, loss) {
            return Ok(take_back(state));
        }
        // Before anything of the state changes: this may be interrupted, and is then done again.
        let length = self.find(&at, state, dtheta)?;
        state.note_all(&notes);
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
        state.taken.extend(dtheta.iter().map(|d| length * d));
        if is_finite(&state.taken) {
            axpy(1.0, &state.taken, &mut state.theta);
        } else {
            // No step to shorten: it is taken back at once.
            state.note(NOT_FINITE, None);
            state.taken.fill(0.0);
            state.rollbacks += 1;
            state.in_vain += 1;
        }
        Ok(Some(loss))
    }

    /// Writes Δθ and returns how much of it is taken: all, unless the rule searches or judges.
    fn find(&mut self, at: &Evaluation<'_>, state: &mut State, dtheta: &mut [f64]) -> Result<f64> {
        let factor = self.schedule.factor(state.step);
        loop {
            let pending = std::mem::take(&mut state.pending);
            if pending.is_empty() {
                dtheta.fill(0.0);
                if let Some(notice) = self.rule.update(at, dtheta)? {
                    state.note(notice, self.rule.cause());
                }
                dtheta.iter_mut().for_each(|d| *d *= factor);
            } else {
                expect_length("the pending step", pending.len(), dtheta.len())?;
                dtheta.copy_from_slice(&pending);
            }
            if self.rule.search() == Search::Full && !self.rule.judges() {
                return Ok(1.0);
            }
            if !is_finite(dtheta) {
                state.note(NOT_FINITE, None);
                return Ok(0.0);
            }
            if norm(dtheta) == 0.0 {
                return Ok(0.0);
            }
            // Steps that explode are taken back later; here only searches shorten them.
            let mut failed_trials = FailedTrials::new(false);
            let landing = search(self.rule.search(), at, dtheta, &mut failed_trials);
            if landing.as_ref().is_err_and(Error::is_interruption) {
                state.pending = dtheta.to_vec();
            }
            let Some((next, scale)) = landing? else {
                state.note(NOT_TAKEN, failed_trials.first.as_ref());
                return Ok(0.0);
            };
            let trial = Trial {
                loss: at.loss()?,
                trial_loss: next.loss().unwrap_or(f64::INFINITY),
            };
            match self.rule.judge(&trial) {
                Verdict::Take => return Ok(scale),
                Verdict::GiveUp => {
                    state.note(NOT_TAKEN, failed_trials.first.as_ref());
                    return Ok(0.0);
                }
                Verdict::Retry => {}
            }
        }
    }

    fn end_epoch(&self, data: &dyn Data, test: &[Arc<Sample>], state: &mut State) -> Result<()> {
        let on = |samples: &[Arc<Sample>]| -> Result<Option<Score>> {
            if samples.is_empty() {
                return Ok(None);
            }
            score(
                &*self.network,
                &state.theta,
                samples,
                &*self.loss,
                self.batch,
            )
            .map(Some)
        };
        let (train, test) = (on(data.all())?, on(test)?);
        let running_loss = state.epoch_sum / state.epoch_count as f64;
        let loss = test.or(train).map_or(running_loss, |score| score.loss);
        if loss < state.best_loss {
            state.best_loss = loss;
            state.best.clone_from(&state.theta);
        }
        state.epochs.push(Epoch {
            epoch: state.epochs.len() as u64,
            step: state.step,
            seconds: state.seconds,
            running_loss,
            train,
            test,
            shares: state.shares,
            rollbacks: state.rollbacks,
        });
        state.epoch_sum = 0.0;
        state.epoch_count = 0;
        Ok(())
    }
}

/// Whether the loss left the numbers or all that was seen lately. Where the last step was taken
/// back altogether and the loss is a number, it is this batch that is hard.
fn exploded(state: &State, loss: f64) -> bool {
    if state.halvings > HALVINGS && loss.is_finite() {
        return false;
    }
    let recent = state.recent.iter().copied().fold(0.0, f64::max);
    !state.taken.is_empty() && (loss.is_nan() || loss > EXPLODED * recent)
}

/// Halves the last step, or takes it back altogether.
fn take_back(state: &mut State) -> Option<f64> {
    state.halvings += 1;
    state.rollbacks += 1;
    state.theta.clone_from(&state.before);
    if state.halvings <= HALVINGS {
        axpy(
            0.5_f64.powi(state.halvings as i32),
            &state.taken,
            &mut state.theta,
        );
    } else {
        state.in_vain += 1;
    }
    None
}

fn add(state: &mut State, clock: &Clock, elapsed: Duration) {
    let shares = clock.shares(elapsed);
    state.seconds += elapsed.as_secs_f64();
    state.shares.network += shares.network;
    state.shares.physics += shares.physics;
    state.shares.inversion += shares.inversion;
}

/// What interrupts a step that begins now: also that the time of all steps is over.
fn left(state: &State, limits: &Limits, now: Instant) -> Interrupt {
    let interrupt = Interrupt::current();
    let left = limits.time.map(|most| most.as_secs_f64() - state.seconds);
    let deadline = left
        .and_then(|left| Duration::try_from_secs_f64(left.max(0.0)).ok())
        .and_then(|left| now.checked_add(left));
    match deadline {
        Some(deadline) => interrupt.with_deadline(deadline),
        None => interrupt,
    }
}

fn ended(state: &State, limits: &Limits) -> Option<Status> {
    if state.in_vain >= GIVE_UP_AFTER {
        return Some(Status::Diverged);
    }
    if let Some(why) = Interrupt::current().reason() {
        return Some(why.into());
    }
    let epochs = state.epochs.len() as u64 - 1;
    if limits
        .loss_below
        .is_some_and(|goal| state.best_loss <= goal)
    {
        return Some(Status::Converged(Goal::Loss));
    }
    if limits.steps.is_some_and(|most| state.step >= most)
        || limits.epochs.is_some_and(|most| epochs >= most)
    {
        return Some(Status::StepLimit);
    }
    if limits
        .time
        .is_some_and(|most| state.seconds >= most.as_secs_f64())
    {
        return Some(Status::TimeLimit);
    }
    let best = state
        .epochs
        .iter()
        .rposition(|e| e.test.or(e.train).map_or(e.running_loss, |s| s.loss) == state.best_loss);
    let waited = best.map_or(0, |at| epochs - at as u64);
    if limits.patience.is_some_and(|most| waited >= most) {
        return Some(Status::OutOfPatience);
    }
    None
}
