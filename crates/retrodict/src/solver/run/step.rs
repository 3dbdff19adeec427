//! One step of a run: an update, a search along it, and the verdict of the rule.

use super::dead_end::{failed, without_value};
use super::{Next, SolverRun};
use crate::error::Result;
use crate::interrupt;
use crate::linalg::{distance_squared, norm};
use crate::problem::Evaluation;
use crate::solver::curvature;
use crate::solver::explained;
use crate::solver::search::{FailedTrials, search};
use crate::solver::stationarity;
use crate::solver::status::{Goal, Status};
use crate::updates::{Notice, Search, Trial, Verdict};

/// What a trial that failed, or gave no number, leads to.
const SHORTENED: Notice =
    Notice("the simulation failed or returned NaN at a trial point; the step was shortened");

impl SolverRun {
    pub(super) fn step<'p>(&mut self, at: &Evaluation<'p>, dx: &mut [f64]) -> Result<Next<'p>> {
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
    pub(super) fn rests(&mut self, at: &Evaluation<'_>) -> Result<bool> {
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

    fn note_failed_trials(&mut self, failed_trials: FailedTrials) {
        (0..failed_trials.count).for_each(|_| self.note(SHORTENED));
        self.notices.fail(failed_trials.first);
    }
}
