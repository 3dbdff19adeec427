//! The loop: evaluate, update, judge, record, stop.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::error::{Error, Result, expect_length};
use crate::interrupt::{self, Interrupt};
use crate::linalg::{distance_squared, norm};
use crate::problem::Computed;
use crate::problem::{Counts, Evaluation, Problem, Tally};
use crate::solver::checkpoint::{Checkpoint, Progress};
use crate::solver::curvature;
use crate::solver::explained::{self, Explained};
use crate::solver::search::{FailedTrials, search};
use crate::solver::solution::{Record, Solution};
use crate::solver::stationarity::{self, Nature};
use crate::solver::status::{Goal, Status};
use crate::solver::stop::{Lowest, StopWhen};
use crate::updates::{IntoRule, Notice, Notices, Search, Trial, UpdateRule, Verdict};

/// A rule and when to stop.
pub struct Solver {
    /// The rule.
    rule: Box<dyn UpdateRule>,
    /// When to stop.
    stop: StopWhen,
    /// How far along Δx, in place of what the rule asks for.
    search: Option<Search>,
}

impl Solver {
    /// A solver for one run; a rule's state starts fresh with it.
    pub fn new(rule: impl IntoRule, stop: StopWhen) -> Self {
        Self {
            rule: rule.into_rule(),
            stop,
            search: None,
        }
    }

    /// Another search along Δx than the rule's own: any direction goes with any search.
    ///
    /// ```
    /// use retrodict::prelude::*;
    /// use retrodict::losses::SquaredError;
    /// use retrodict::simulators::SquareOptions;
    /// use retrodict::updates::{GaussNewton, Search};
    /// let square = SquareOptions::default().build()?;
    /// let problem = Problem::new(square, SquaredError::half(), [1.0, 4.0])?;
    /// let searched = Solver::new(GaussNewton::default(), StopWhen::after(20))
    ///     .with_search(Search::Backtracking { decrease: 1e-4 })
    ///     .solve(&problem, &[0.0, 1e-3])?;
    /// assert!(searched.loss < 1e-12);
    /// # Ok::<(), retrodict::Error>(())
    /// ```
    #[must_use]
    pub fn with_search(mut self, search: impl Into<Option<Search>>) -> Self {
        self.search = search.into();
        self
    }

    /// Solves a problem from a start.
    ///
    /// # Errors
    /// If the start does not fit, the rule cannot work on this problem, or the simulation fails at the start. Later failures
    /// are a [`Status`].
    pub fn solve(self, problem: &Problem, start: &[f64]) -> Result<Solution> {
        self.solve_observed(problem, start, |_, _| ControlFlow::Continue(()))
    }

    /// Solves a problem and passes every record with its x to an observer, which may stop the run.
    ///
    /// # Errors
    /// As [`solve`](Solver::solve).
    pub fn solve_observed(
        self,
        problem: &Problem,
        start: &[f64],
        mut observer: impl FnMut(&Record, &[f64]) -> ControlFlow<()>,
    ) -> Result<Solution> {
        let fresh = Checkpoint::at(start.to_vec());
        let (solution, _) = self.resume(problem, &fresh, |m| observer(m.record, m.x))?;
        Ok(solution)
    }

    /// Resumes a run from its state, and also returns its final state. The observer is called for every further step, and for
    /// the start if nothing was done yet.
    ///
    /// Steps count from the run's start, the time limit from now.
    ///
    /// # Errors
    /// As [`solve`](Solver::solve), or if the rule cannot restore its memory.
    ///
    /// # Cost
    /// One forward call more than if the run had never stopped, which is not counted.
    pub fn resume(
        self,
        problem: &Problem,
        from: &Checkpoint,
        observer: impl FnMut(&Progress<'_>) -> ControlFlow<()>,
    ) -> Result<(Solution, Checkpoint)> {
        let clock = Instant::now();
        let interrupt = self.stop.limits().interrupt(clock, 0.0);
        interrupt.within(|| self.take_up(problem, from, clock, observer))
    }

    fn take_up(
        mut self,
        problem: &Problem,
        from: &Checkpoint,
        clock: Instant,
        mut observer: impl FnMut(&Progress<'_>) -> ControlFlow<()>,
    ) -> Result<(Solution, Checkpoint)> {
        self.stop.check(problem)?;
        if let Some(search) = self.search {
            search.check(&*self.rule)?;
        }
        if !from.rule.is_empty() {
            self.rule.recall(&from.rule)?;
        }
        expect_length("x", from.x.len(), problem.inputs())?;
        let fresh = from.is_fresh();
        let mut x = from.x.clone();
        let outside = problem.bounds().map_or(0, |bounds| bounds.project(&mut x));
        // What rules see is kept to the last bit, where it is not x itself.
        let seen = match &from.unknowns {
            Some(unknowns) if problem.is_transformed() => unknowns.clone(),
            _ => problem.unknowns(&x)?,
        };
        let tally = Tally::default();
        let at = Evaluation::new(problem, &tally, &seen)?;
        // A start whose loss is known within a moment is worth it, however short the limit.
        let graced = Interrupt::current().with_grace(AT_LEAST);
        let loss = match graced.within(|| at.ask_again(from.known).and_then(|()| at.loss())) {
            Err(Error::Interrupted { why }) => {
                let seconds = from.seconds + clock.elapsed().as_secs_f64();
                return Ok(unbegun(from, x, why.into(), seconds));
            }
            loss => loss?,
        };
        let best = if fresh {
            (x, loss)
        } else {
            (from.best.clone(), from.best_loss)
        };
        if let Some(pending) = &from.pending {
            expect_length("the pending step", pending.len(), seen.len())?;
        }
        if !fresh {
            // It was counted when the run first came here.
            tally.reset();
        }
        let mut run = Run {
            rule: self.rule,
            stop: self.stop,
            search: self.search,
            clock,
            seconds: from.seconds,
            counts: from.counts,
            first_loss: if fresh { loss } else { from.first_loss },
            best,
            lowest: Lowest::of(&from.lowest),
            notices: Notices::default(),
            steps: from.steps,
            pending: from.pending.clone(),
            settled: from.counts,
            known: from.known,
            noted: Notices::default(),
            aimed: false,
            careful: from.careful,
            without_effect: None,
            output_noise: None,
            settled_loss: from.settled,
            looked: from.looked,
        };
        if outside > 0 {
            run.note(START_OUTSIDE);
            run.noted = run.notices.clone();
        }
        run.go(at, fresh, &mut observer)
    }
}

/// From so many times its round-off on, a loss is surely higher than another.
const SURELY: f64 = 4.0;

/// The loss at the start gets this much time even where the limit is shorter.
const AT_LEAST: Duration = Duration::from_secs(1);

/// A run that was interrupted before it knew the loss at its start: it stands where it stood.
fn unbegun(from: &Checkpoint, x: Vec<f64>, status: Status, seconds: f64) -> (Solution, Checkpoint) {
    let solution = Solution {
        x: if from.is_fresh() {
            x
        } else {
            from.best.clone()
        },
        loss: from.best_loss,
        status,
        steps: from.steps,
        seconds,
        counts: from.counts,
        notices: Notices::default(),
        without_effect: Vec::new(),
        explained: None,
        output_noise: None,
    };
    (solution, from.clone())
}

const START_OUTSIDE: Notice =
    Notice("the start was outside the bounds; started from the nearest point inside");

struct Run {
    rule: Box<dyn UpdateRule>,
    stop: StopWhen,
    /// What takes the place of the rule's own search.
    search: Option<Search>,
    clock: Instant,
    /// Seconds spent and evaluations made before the clock started.
    seconds: f64,
    counts: Counts,
    first_loss: f64,
    best: (Vec<f64>, f64),
    lowest: Lowest,
    notices: Notices,
    steps: usize,
    /// The update with which an interrupted step goes on.
    pending: Option<Vec<f64>>,
    /// Evaluations up to the point from which the run can be resumed.
    settled: Counts,
    /// What of x is counted in that.
    known: Computed,
    /// The notices up to there.
    noted: Notices,
    /// Whether the rule has found its update, and nothing was done with it yet.
    aimed: bool,
    /// Whether steps are searched along, though the rule would take them whole.
    careful: bool,
    /// The unknowns that were found not to change y at the best x, once they were looked for.
    without_effect: Option<Vec<usize>>,
    /// The noise of y that was seen last.
    output_noise: Option<f64>,
    /// Whether the last step hardly changed the loss, and no step promises more.
    settled_loss: bool,
    /// Whether it was looked for a direction in which a loss that has settled falls all the same.
    looked: bool,
}

type Observer<'o> = dyn FnMut(&Progress<'_>) -> ControlFlow<()> + 'o;

/// What one step led to.
enum Next<'p> {
    Moved(Box<Evaluation<'p>>, f64),
    /// Another update is requested, at the best point if that is a different one.
    Back(Option<Box<Evaluation<'p>>>),
    End(Status),
}

/// What a trial that failed, or gave no number, leads to.
const SHORTENED: Notice =
    Notice("the simulation failed or returned NaN at a trial point; the step was shortened");

const BEGAN_ANEW: Notice =
    Notice("no lower loss was found along the update; the rule's memory was reset");

const WENT_BACK: Notice = Notice(
    "full steps increased the loss and then made no progress; went back to the best x and searched along the steps \
     from there",
);

impl Run {
    fn go(
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

    fn step<'p>(&mut self, at: &Evaluation<'p>, dx: &mut [f64]) -> Result<Next<'p>> {
        // Why the first trial from here failed, if one did.
        let mut failure = None;
        loop {
            match self.pending.take() {
                Some(pending) => dx.copy_from_slice(&pending),
                None => {
                    dx.fill(0.0);
                    if let Some(notice) = self.rule.update(at, dx)? {
                        self.note(notice);
                    }
                }
            }
            at.drop_blocked(dx);
            self.aimed = true;
            self.output_noise = explained::output_noise(at).or(self.output_noise);
            self.settle(at);
            let bent = at.is_bent(dx)?;
            let length = norm(dx);
            if !length.is_finite() {
                return Ok(Next::End(Status::Diverged));
            }
            let (loss, foreseen) = (at.loss()?, self.rule.foresees());
            let (first, change) = (self.first_loss, self.rule.change());
            let nothing = self.stop.nothing_to_gain(loss, foreseen, first);
            if nothing && stationarity::slope(at)?.is_gentle(at) && self.rests(at)? {
                return Ok(Next::End(Status::Converged(Goal::LossChange)));
            }
            if self.stop.arrived(loss, foreseen, change, first) {
                return Ok(Next::End(Status::Converged(Goal::ExactFit)));
            }
            if self.vanishes(at, dx, length)? {
                return self.no_way_on(at, failure, Status::NoProgress);
            }
            // A rule that judges its trials shortens them itself.
            let mut failed_trials = FailedTrials::new(!self.rule.judges());
            let landing = search(self.search(bent), at, dx, &mut failed_trials);
            failure = failure.or_else(|| {
                let silent = failed_trials.without_value.then(|| without_value(at));
                failed_trials.first.clone().or(silent)
            });
            self.note_failed_trials(failed_trials);
            let Some((next, scale)) = landing? else {
                // A rule that had lost its way before: no way on is no fault of the search.
                let lost = self.rule.cause().is_some();
                let otherwise = if lost {
                    Status::NoProgress
                } else {
                    Status::LineSearchFailed
                };
                return self.no_way_on(at, failure, otherwise);
            };
            let found = next.loss();
            if let Err(error) = &found
                && error.is_interruption()
            {
                return Err(error.clone());
            }
            let found_nothing = found.is_err();
            let trial = Trial {
                loss: at.loss()?,
                trial_loss: found.unwrap_or(f64::INFINITY),
            };
            self.aimed = false;
            let verdict = self.rule.judge(&trial);
            let promise = self.rule.promise();
            let settled = self.stop.settled(&trial, promise, self.first_loss);
            match verdict {
                Verdict::Take if trial.trial_loss.is_nan() || found_nothing => {
                    return match self.searched_instead(at)? {
                        Some(next) => Ok(next),
                        None => Ok(Next::End(failed(failure, at))),
                    };
                }
                Verdict::Take if next.x() == at.x() => {
                    return self.no_way_on(at, failure, Status::NoProgress);
                }
                Verdict::Take => {
                    self.settled_loss = settled;
                    let length = if bent {
                        distance_squared(next.x(), at.x()).sqrt()
                    } else {
                        scale * length
                    };
                    return Ok(Next::Moved(Box::new(next), length));
                }
                Verdict::GiveUp if settled && !self.rule.overlooks() => {
                    return Ok(Next::End(Status::Converged(Goal::LossChange)));
                }
                // A shorter step may still lower the loss.
                Verdict::Retry
                    if settled && stationarity::slope(at)?.is_gentle(at) && self.rests(at)? =>
                {
                    return Ok(Next::End(Status::Converged(Goal::LossChange)));
                }
                Verdict::GiveUp => return self.no_way_on(at, failure, Status::NoProgress),
                Verdict::Retry => {
                    self.settle(at);
                    interrupt::check()?;
                }
            }
        }
    }

    /// Whether a loss that has settled where the gradient is small ends the run: the rule's model knows all free unknowns, or the
    /// loss was seen to fall on neither side. That is looked at once.
    fn rests(&mut self, at: &Evaluation<'_>) -> Result<bool> {
        if !self.rule.overlooks() {
            return Ok(true);
        }
        if self.looked {
            return Ok(false);
        }
        let falls = curvature::leads_downhill(at)?;
        // Not before: what was interrupted is looked at again.
        self.looked = true;
        Ok(!falls)
    }

    /// How long a piece of Δx is taken.
    fn search(&self, bent: bool) -> Search {
        if let Some(search) = self.search {
            search
        } else if bent || self.careful {
            self.rule.search_within()
        } else {
            self.rule.search()
        }
    }

    /// Whether Δx is round-off, or no more than the error of J makes of nothing.
    fn vanishes(&self, at: &Evaluation<'_>, dx: &[f64], length: f64) -> Result<bool> {
        if !self.rule.judges() && at.knows_jacobian() {
            let inexact = stationarity::error_of_jacobian(at) > 0.0 || at.noise().is_some();
            let went_uphill = at.loss()? > self.best.1;
            if inexact || went_uphill {
                let slope = stationarity::slope(at)?;
                if went_uphill && slope.may_be_noise() {
                    stationarity::look_for_noise(at)?;
                }
                // Once whole steps no longer lead down, a promise that noise may make is none.
                if inexact && slope.vanishes(at) || stationarity::is_noise(at, went_uphill)? {
                    return Ok(true);
                }
            }
        }
        let least = self.stop.step_below;
        if length > least * norm(at.x()) {
            return Ok(false);
        }
        if length == 0.0 {
            return Ok(true);
        }
        // Small beside x in its effect on y too, where J tells: a large unknown that has settled says nothing of
        // a small one.
        if let Some(effects) = at.known_effects() {
            let weigh = |v: &[f64]| -> f64 {
                let parts = v.iter().zip(&effects).map(|(v, e)| v * e);
                norm(&parts.collect::<Vec<_>>())
            };
            return Ok(weigh(dx) <= least * weigh(at.x()));
        }
        let mut pairs = dx.iter().zip(at.x());
        if pairs.all(|(d, x)| d.abs() <= least * x.abs()) {
            return Ok(true);
        }
        let slope = stationarity::slope(at)?;
        Ok(slope.none_has_effect || slope.vanishes(at))
    }

    /// The end of a run from which no step leads on, by what the best point is; `otherwise` is said where the gradient has
    /// not vanished and nothing failed. Where whole steps had led uphill, they are searched along from the best point
    /// before that is said.
    fn no_way_on<'p>(
        &mut self,
        at: &Evaluation<'p>,
        failure: Option<Error>,
        otherwise: Status,
    ) -> Result<Next<'p>> {
        let best = self.best_elsewhere(at)?;
        let (nature, without_effect) =
            stationarity::judge(best.as_ref().unwrap_or(at), self.first_loss)?;
        let leads_on = nature == Nature::Slope && best.is_some() && self.may_search();
        if leads_on {
            return Ok(self.go_back(best));
        }
        if nature == Nature::Slope && self.rule.forget(best.as_ref().unwrap_or(at))? {
            self.note(BEGAN_ANEW);
            return Ok(Next::Back(best.map(Box::new)));
        }
        self.without_effect = without_effect;
        Ok(Next::End(match nature {
            Nature::Minimum | Nature::WithinNoise if self.stop.asks_for_more() => Status::Stalled,
            Nature::WithinNoise => Status::Converged(Goal::Noise),
            Nature::Minimum => Status::Converged(Goal::Stationary),
            Nature::Saddle => Status::Saddle,
            Nature::WithoutEffect | Nature::Slope if failure.is_some() => failed(failure, at),
            Nature::WithoutEffect => Status::NoEffect,
            Nature::Slope => otherwise,
        }))
    }

    /// Where a whole step and shorter ones failed: a search from the best point, unless that was done before.
    fn searched_instead<'p>(&mut self, at: &Evaluation<'p>) -> Result<Option<Next<'p>>> {
        if !self.may_search() {
            return Ok(None);
        }
        let best = self.best_elsewhere(at)?;
        Ok(Some(self.go_back(best)))
    }

    /// Whether the rule takes whole steps so far and knows how to do otherwise.
    fn may_search(&self) -> bool {
        let whole = Search::Full;
        !self.careful
            && self.search.is_none()
            && !self.rule.judges()
            && self.rule.search() == whole
            && self.rule.search_within() != whole
    }

    fn go_back<'p>(&mut self, best: Option<Evaluation<'p>>) -> Next<'p> {
        self.careful = true;
        self.note(WENT_BACK);
        Next::Back(best.map(Box::new))
    }

    /// The best point, where it is another one than this.
    fn best_elsewhere<'p>(&self, at: &Evaluation<'p>) -> Result<Option<Evaluation<'p>>> {
        let problem = at.problem();
        if self.best.0 == problem.values(at.x()) {
            return Ok(None);
        }
        at.elsewhere(&problem.unknowns(&self.best.0)?).map(Some)
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

    fn note_failed_trials(&mut self, failed_trials: FailedTrials) {
        (0..failed_trials.count).for_each(|_| self.note(SHORTENED));
        self.notices.fail(failed_trials.first);
    }

    fn note(&mut self, notice: Notice) {
        self.notices.note(notice);
        self.notices.fail(self.rule.cause().cloned());
    }
}

/// The status of a run that a failure ended; where no error says why, y or its loss is not a number.
fn failed(failure: Option<Error>, at: &Evaluation<'_>) -> Status {
    Status::Failed(failure.unwrap_or_else(|| without_value(at)))
}

/// The failure of a simulation that returns without an error.
fn without_value(at: &Evaluation<'_>) -> Error {
    Error::simulation(at.problem().name(), "y or its loss is NaN")
}

/// Solves independent problems on all cores; `solver` makes a new solver for each index.
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
    let interrupt = Interrupt::current();
    interrupt::waiting(|| {
        problems
            .par_iter()
            .zip(starts)
            .enumerate()
            .map(|(i, (problem, start))| interrupt.within(|| solver(i)?.solve(problem, start)))
            .collect()
    })
}
