//! The loop: evaluate, update, judge, record, stop.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::linalg::{distance_squared, dot, norm};
use crate::problem::{Counts, Evaluation, Problem, Tally};
use crate::search::search;
use crate::status::{Goal, Status};
use crate::updates::{Notice, Trial, UpdateRule, Verdict};

/// When a run ends. What is `None` is not asked for.
#[derive(Debug, Clone)]
pub struct StopWhen {
    /// At most so many steps.
    pub steps: usize,
    /// At most so much time.
    pub time: Option<Duration>,
    /// Converged once L is at most this.
    pub loss_below: Option<f64>,
    /// Converged once ‖∂L/∂x‖ is at most this; costs a vjp a step for rules without gradients.
    pub gradient_below: Option<f64>,
    /// Stationary once ‖Δx‖ ≤ this · ‖x‖.
    pub step_below: f64,
    /// Diverged once L exceeds this multiple of the first loss.
    pub diverged_above: f64,
    /// Ends the run from outside, for example on Ctrl-C.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Default for StopWhen {
    fn default() -> Self {
        Self {
            steps: 100,
            time: None,
            loss_below: None,
            gradient_below: None,
            step_below: 1e-15,
            diverged_above: 1e8,
            cancel: None,
        }
    }
}

impl StopWhen {
    /// After so many steps, unless the update vanishes before.
    pub fn after(steps: usize) -> Self {
        Self {
            steps,
            ..Self::default()
        }
    }
}

/// One line of a run's history; step 0 is the start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record {
    /// The number of steps taken.
    pub step: usize,
    /// Seconds since the start.
    pub seconds: f64,
    /// L at this x.
    pub loss: f64,
    /// ‖Δx‖₂ of the step that led here.
    pub step_norm: f64,
    /// What the simulator was asked for so far.
    pub counts: Counts,
}

/// What a run found.
#[derive(Debug, Clone)]
pub struct Solution {
    /// The best iterate: the one with the lowest loss; of equals, to round-off, the last.
    pub x: Vec<f64>,
    /// L at that x.
    pub loss: f64,
    /// How the run ended.
    pub status: Status,
    /// The number of steps taken.
    pub steps: usize,
    /// Seconds from start to end.
    pub seconds: f64,
    /// What the simulator was asked for.
    pub counts: Counts,
    /// Where the rule fell back from its formula, and how often.
    pub notices: Vec<(Notice, usize)>,
    /// Why the rule first fell back, where an error was the cause.
    pub trouble: Option<Error>,
}

/// A rule and when to stop.
pub struct Solver {
    /// The rule.
    pub rule: Box<dyn UpdateRule>,
    /// When to stop.
    pub stop: StopWhen,
}

impl Solver {
    /// A solver for one run; a rule's state starts fresh with it.
    pub fn new(rule: impl UpdateRule + 'static, stop: StopWhen) -> Self {
        Self {
            rule: Box::new(rule),
            stop,
        }
    }

    /// Solves a problem from a start.
    ///
    /// # Errors
    /// If the start does not fit, the rule cannot work on this problem, or the simulation
    /// fails at the start. What happens later is a [`Status`].
    pub fn solve(self, problem: &Problem, start: &[f64]) -> Result<Solution> {
        self.solve_observed(problem, start, |_, _| ControlFlow::Continue(()))
    }

    /// Solves a problem and shows every record with its x to an observer, which may end the run.
    ///
    /// # Errors
    /// As [`solve`](Solver::solve).
    pub fn solve_observed(
        self,
        problem: &Problem,
        start: &[f64],
        observer: impl FnMut(&Record, &[f64]) -> ControlFlow<()>,
    ) -> Result<Solution> {
        let tally = Tally::default();
        crate::error::expect_length("x", start.len(), problem.inputs())?;
        let mut start = start.to_vec();
        let outside = problem
            .bounds()
            .map_or(0, |bounds| bounds.project(&mut start));
        let start = problem.unknowns(&start)?;
        let at = Evaluation::new(problem, &tally, &start)?;
        let loss = at.loss()?;
        let mut run = Run {
            rule: self.rule,
            stop: self.stop,
            clock: Instant::now(),
            first_loss: loss,
            best: (start, loss),
            lowest: loss,
            notices: Vec::new(),
            trouble: None,
            steps: 0,
            observer,
        };
        if outside > 0 {
            run.note(START_OUTSIDE);
        }
        run.go(at)
    }
}

const START_OUTSIDE: Notice =
    Notice("the start lay outside the bounds: began at the nearest point within");

struct Run<O> {
    rule: Box<dyn UpdateRule>,
    stop: StopWhen,
    clock: Instant,
    first_loss: f64,
    best: (Vec<f64>, f64),
    lowest: f64,
    notices: Vec<(Notice, usize)>,
    trouble: Option<Error>,
    steps: usize,
    observer: O,
}

/// What one step led to.
enum Next<'p> {
    Moved(Box<Evaluation<'p>>, f64),
    End(Status),
}

impl<O: FnMut(&Record, &[f64]) -> ControlFlow<()>> Run<O> {
    fn go(mut self, start: Evaluation<'_>) -> Result<Solution> {
        let mut at = start;
        let mut dx = vec![0.0; at.x().len()];
        let mut status = self.record(&at, 0.0)?;
        while status.is_none() {
            match self.step(&at, &mut dx) {
                Ok(Next::Moved(next, step_norm)) => {
                    at = *next;
                    self.steps += 1;
                    status = self.record(&at, step_norm)?;
                }
                Ok(Next::End(end)) => status = Some(end),
                // A simulation that fails where the step leads is an outcome; the best x is kept.
                Err(error @ Error::Simulation { .. }) => status = Some(Status::Failed(error)),
                // Nothing was achieved yet: this is misuse, and the caller hears of it.
                Err(error) if self.steps == 0 => return Err(error),
                Err(error) => status = Some(Status::Failed(error)),
            }
        }
        Ok(Solution {
            x: at.problem().values(&self.best.0),
            loss: self.best.1,
            status: status.unwrap_or(Status::StepLimit),
            steps: self.steps,
            seconds: self.clock.elapsed().as_secs_f64(),
            counts: at.counts(),
            notices: self.notices,
            trouble: self.trouble,
        })
    }

    fn step<'p>(&mut self, at: &Evaluation<'p>, dx: &mut [f64]) -> Result<Next<'p>> {
        loop {
            dx.fill(0.0);
            if let Some(notice) = self.rule.update(at, dx)? {
                self.note(notice);
            }
            at.drop_blocked(dx);
            let bent = at.is_bent(dx)?;
            let length = norm(dx);
            if !length.is_finite() {
                return Ok(Next::End(Status::Diverged));
            }
            if length <= self.stop.step_below * norm(at.x()) {
                return Ok(Next::End(self.stationary(at)?));
            }
            let step_size = if bent {
                self.rule.step_size_within()
            } else {
                self.rule.step_size()
            };
            let Some((next, scale)) = search(step_size, at, dx)? else {
                // Below the loss's round-off no step can be seen to lower it.
                let promised = dot(at.gradient()?, dx).abs();
                return Ok(Next::End(
                    if promised <= 16.0 * f64::EPSILON * at.loss()?.abs() {
                        self.stationary(at)?
                    } else if self.rule.trouble().is_some() {
                        // The rule had lost its way before: no way on is no fault of the search.
                        Status::Stalled
                    } else {
                        Status::LineSearchFailed
                    },
                ));
            };
            let trial = Trial {
                loss: at.loss()?,
                trial_loss: next.loss().unwrap_or(f64::INFINITY),
            };
            match self.rule.judge(&trial) {
                Verdict::Take => {
                    // A simulation that failed at the new point says why.
                    next.loss()?;
                    let length = if bent {
                        distance_squared(next.x(), at.x()).sqrt()
                    } else {
                        scale * length
                    };
                    return Ok(Next::Moved(Box::new(next), length));
                }
                Verdict::GiveUp => return Ok(Next::End(self.stationary(at)?)),
                Verdict::Retry => {
                    if let Some(status) = self.interrupted() {
                        return Ok(Next::End(status));
                    }
                }
            }
        }
    }

    /// Keeps the best iterate, tells the observer, and says whether the run ends here.
    fn record(&mut self, at: &Evaluation<'_>, step_norm: f64) -> Result<Option<Status>> {
        let loss = at.loss()?;
        let excess = loss - self.lowest;
        self.lowest = self.lowest.min(loss);
        // Of points that the loss cannot tell apart the later one is the better, since a rule
        // may see its way where the loss no longer does.
        let close = excess > 0.0 && excess <= 1e-6 * loss;
        if excess <= 0.0 || close && excess <= at.loss_round_off()? || self.best.1.is_nan() {
            self.best.0.copy_from_slice(at.x());
            self.best.1 = loss;
        }
        let record = Record {
            step: self.steps,
            seconds: self.clock.elapsed().as_secs_f64(),
            loss,
            step_norm,
            counts: at.counts(),
        };
        let seen = if at.problem().is_transformed() {
            (self.observer)(&record, &at.problem().values(at.x()))
        } else {
            (self.observer)(&record, at.x())
        };
        if !loss.is_finite() || loss > self.stop.diverged_above * self.first_loss.max(1e-300) {
            return Ok(Some(Status::Diverged));
        }
        if self.stop.loss_below.is_some_and(|goal| loss <= goal) {
            return Ok(Some(Status::Converged(Goal::Loss)));
        }
        if let Some(goal) = self.stop.gradient_below
            && norm(at.gradient()?) <= goal
        {
            return Ok(Some(Status::Converged(Goal::Gradient)));
        }
        if seen.is_break() {
            return Ok(Some(Status::Cancelled));
        }
        if self.steps >= self.stop.steps {
            return Ok(Some(Status::StepLimit));
        }
        Ok(self.interrupted())
    }

    fn interrupted(&self) -> Option<Status> {
        if let Some(cancel) = &self.stop.cancel
            && cancel.load(Ordering::Relaxed)
        {
            return Some(Status::Cancelled);
        }
        match self.stop.time {
            Some(limit) if self.clock.elapsed() >= limit => Some(Status::TimeLimit),
            _ => None,
        }
    }

    /// The update vanished: a goal that was set and not reached makes that a stall.
    fn stationary(&self, at: &Evaluation<'_>) -> Result<Status> {
        let asked = self.stop.loss_below.is_some() || self.stop.gradient_below.is_some();
        if asked {
            return Ok(Status::Stalled);
        }
        if crate::status::leads_downhill(at)? {
            return Ok(Status::Saddle);
        }
        Ok(Status::Converged(Goal::Stationary))
    }

    fn note(&mut self, notice: Notice) {
        if self.trouble.is_none() {
            self.trouble = self.rule.trouble().cloned();
        }
        match self.notices.iter_mut().find(|(known, _)| *known == notice) {
            Some((_, count)) => *count += 1,
            None => self.notices.push((notice, 1)),
        }
    }
}

/// Solves independent problems over all cores; `solver` makes a fresh solver for each index.
///
/// The result does not depend on the number of threads: each problem runs on one thread,
/// and results come in the order of the problems.
///
/// # Errors
/// The first problem's error, in order.
pub fn solve_batch(
    problems: &[Problem],
    starts: &[Vec<f64>],
    solver: impl Fn(usize) -> Result<Solver> + Sync,
) -> Result<Vec<Solution>> {
    crate::error::expect_length("the list of starts", starts.len(), problems.len())?;
    problems
        .par_iter()
        .zip(starts)
        .enumerate()
        .map(|(i, (problem, start))| solver(i)?.solve(problem, start))
        .collect()
}
