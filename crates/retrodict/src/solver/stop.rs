//! When a run ends: goals, limits, and the checks of both.

use std::collections::VecDeque;
use std::time::Duration;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Error, Result};
use crate::linalg::norm;
use crate::options::{not_negative, positive, require};
use crate::problem::{Evaluation, Problem};
use crate::solver::constrained::allowed_gradient;
use crate::solver::limits::Limits;
use crate::solver::status::Goal;
use crate::updates::Trial;

/// When a run ends, in the same words for every door. Criteria that are `None` are not
/// checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[setters(prefix = "with_")]
#[non_exhaustive]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Stop")]
pub struct StopWhen {
    /// Maximum number of steps.
    pub steps: usize,
    /// Maximum time, such as "10s" or "2m", or seconds: also within a step, except that the loss at the start gets a second.
    #[serde(
        with = "crate::duration::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    #[setters(into)]
    pub time: Option<Duration>,
    /// Converged once L is at most this.
    #[serde(alias = "loss", skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub loss_below: Option<f64>,
    /// Converged once χ²/N (N data) is at most this: 1 where the data are fitted to within their
    /// noise (Morozov's discrepancy principle), for which `true` is short. Only the data count, and the loss must know their
    /// noise level.
    #[serde(
        alias = "discrepancy",
        deserialize_with = "level",
        skip_serializing_if = "Option::is_none"
    )]
    #[setters(into)]
    pub discrepancy_below: Option<f64>,
    /// Converged once no datum is missed by more than this: the largest |P(x) − y*|, in the unit of y, without priors.
    #[serde(alias = "residual", skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub residual_below: Option<f64>,
    /// Converged once ‖∂L/∂x‖ is at most this; costs a vjp a step for rules without gradients.
    #[serde(alias = "gradient", skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub gradient_below: Option<f64>,
    /// Converged once a step was no longer than this · ‖x‖.
    #[serde(alias = "step", skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub short_step: Option<f64>,
    /// Converged once the lowest loss fell by no more than this share of itself over the last `plateau_steps` steps, in [0, 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub plateau: Option<f64>,
    /// Over how many steps a plateau is looked for, at least 1.
    pub plateau_steps: usize,
    /// Converged once a step changed the loss by no more than this fraction of it, and the rule's model predicts no more
    /// than that for any step, like `ftol` in SciPy. For rules that have such a model (Levenberg–Marquardt).
    ///
    /// Such a step ends the run only if the gradient is small too: at most 1e-6, or the error of J, scaled by its own
    /// unknowns, as with `gtol`.
    /// If the model says that the data can be fitted exactly, a run ends once the full step would change no unknown by
    /// more than this fraction of its size, and is shorter than the one before.
    /// `None` means [`LOSS_CHANGE`], or 0 if another goal is set; 0 continues to full precision.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub loss_change: Option<f64>,
    /// Stationary once ‖Δx‖ ≤ this · ‖x‖.
    pub step_below: f64,
    /// Diverged once L exceeds this multiple of the first loss.
    pub diverged_above: f64,
}

/// The default maximum number of steps. Rules that solve least squares take far fewer, but for narrow
/// valleys.
pub const STEPS: usize = 1000;

/// The default relative change of the loss that ends a run: 1e-8 leaves x within about √m · 1e-4 standard deviations for a
/// fit to m data.
pub const LOSS_CHANGE: f64 = 1e-8;

/// A fit that is exact ends where round-off does: of a loss below this part of the first one, changes are measured by that
/// part.
const EXACT_FIT: f64 = 1e-22;

/// A model that promises at least this part of the loss says that the data can be met exactly.
const EXACT: f64 = 0.5;

/// Before a trial, a promise must be so much smaller than after one, which bears it out.
const UNTRIED: f64 = 1e-4;

/// A run that has lowered the loss by less than this share of it may stand at a saddle where it began.
const LEFT_THE_START: f64 = 1e-3;

/// χ²/N to which data are fitted: a number, or `true` for 1, which is the noise level.
fn level<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a number, or true for 1")]
    enum Level {
        Number(f64),
        Reached(bool),
        Open(()),
    }
    match Level::deserialize(from)? {
        Level::Number(level) => Ok(Some(level)),
        Level::Reached(true) => Ok(Some(1.0)),
        Level::Reached(false) => Err(D::Error::custom("expected a number, or true for 1")),
        Level::Open(()) => Ok(None),
    }
}

impl Default for StopWhen {
    fn default() -> Self {
        Self {
            steps: STEPS,
            time: None,
            loss_below: None,
            discrepancy_below: None,
            residual_below: None,
            gradient_below: None,
            short_step: None,
            plateau: None,
            plateau_steps: 10,
            loss_change: None,
            step_below: 1e-15,
            diverged_above: 1e8,
        }
    }
}

impl StopWhen {
    /// Stops after this number of steps, unless the update vanishes before.
    pub fn after(steps: usize) -> Self {
        Self {
            steps,
            ..Self::default()
        }
    }

    /// Checks the goals, and that the problem's loss knows the noise level if a goal needs it.
    ///
    /// # Errors
    /// [`Error::Option`] with the goal, or [`Error::Unsupported`] for a loss without a noise model.
    pub fn check(&self, problem: &Problem) -> Result<()> {
        self.limits().validate()?;
        for (key, goal) in [
            ("residual_below", self.residual_below),
            ("gradient_below", self.gradient_below),
            ("short_step", self.short_step),
            ("loss_change", self.loss_change),
        ] {
            not_negative(key, goal.unwrap_or(0.0))?;
        }
        positive("discrepancy_below", self.discrepancy_below.unwrap_or(1.0))?;
        let allowed =
            "it must be less than 1, as a part of ‖x‖; for a number of steps, write steps";
        let short = self.short_step.unwrap_or(0.0);
        require(short < 1.0, "short_step", short, allowed)?;
        let steps = self.plateau_steps;
        require(steps > 0, "plateau_steps", steps, "it must be at least 1")?;
        if let Some(decrease) = self.plateau {
            let allowed = "it must lie in [0, 1), for example 1e-3";
            let fits = (0.0..1.0).contains(&decrease);
            require(fits, "plateau", decrease, allowed)?;
        }
        if self.discrepancy_below.is_some() && !problem.loss().noise().is_known() {
            return Err(Error::Unsupported {
                rule: "stopping by discrepancy",
                needs: "the standard deviations of the noise",
                simulator: format!("the loss {}", problem.loss().formula()),
                instead: vec!["the loss weighted or covariance, which know them".into()],
            });
        }
        Ok(())
    }

    /// Whether a goal was set that a vanishing update does not reach.
    pub(crate) fn asks_for_more(&self) -> bool {
        self.loss_below.is_some()
            || self.discrepancy_below.is_some()
            || self.residual_below.is_some()
            || self.gradient_below.is_some()
    }

    /// The goal that was reached at this point, if one was; `last_step` is ‖Δx‖ of the step that led there.
    pub(crate) fn reached(
        &self,
        at: &Evaluation<'_>,
        last_step: Option<f64>,
        lowest: &Lowest,
    ) -> Result<Option<Goal>> {
        if let Some(goal) = self.limits().goal(lowest.newest()) {
            return Ok(Some(goal));
        }
        if let Some(goal) = self.discrepancy_below
            && let Some(found) = at
                .problem()
                .loss()
                .chi_squared(at.y()?, at.problem().target())
            && found.per_datum() <= goal
        {
            return Ok(Some(Goal::Discrepancy));
        }
        if let Some(goal) = self.residual_below {
            let data = at.problem().data_outputs();
            let pairs = at.y()?[..data].iter().zip(at.problem().target());
            // A residual that is not a number meets no goal.
            if pairs
                .map(|(y, target)| (y - target).abs())
                .all(|r| r <= goal)
            {
                return Ok(Some(Goal::Residual));
            }
        }
        if let Some(goal) = self.gradient_below
            && norm(&allowed_gradient(at)?) <= goal
        {
            return Ok(Some(Goal::Gradient));
        }
        if let (Some(goal), Some(length)) = (self.short_step, last_step)
            && length <= goal * norm(at.x())
        {
            return Ok(Some(Goal::ShortStep));
        }
        let steps = self.plateau_steps;
        if self
            .plateau
            .is_some_and(|decrease| lowest.hardly_falls(decrease, steps))
        {
            return Ok(Some(Goal::Plateau));
        }
        Ok(None)
    }

    /// The share of the loss below which a change of it is none.
    fn least_change(&self) -> f64 {
        let another = self.asks_for_more() || self.short_step.is_some() || self.plateau.is_some();
        let unless_told = if another { 0.0 } else { LOSS_CHANGE };
        self.loss_change.unwrap_or(unless_told)
    }

    /// Whether the loss has settled: a step changed it by no more than its tolerance, and no step promises more. `first` is
    /// the loss at the start.
    pub(crate) fn settled(&self, trial: &Trial, promise: Option<f64>, first: f64) -> bool {
        let most = self.least_change() * trial.loss.abs().max(EXACT_FIT * first.abs());
        let change = (trial.loss - trial.trial_loss).abs();
        let lowest = trial.loss.min(trial.trial_loss);
        most > 0.0
            && change <= most
            && promise.is_some_and(|promise| promise <= most)
            && left_the_start(lowest, first)
    }

    /// Whether no step promises to change the loss, so that none need be tried.
    pub(crate) fn nothing_to_gain(&self, loss: f64, promise: Option<f64>, first: f64) -> bool {
        let most = UNTRIED * self.least_change() * loss.abs();
        most > 0.0 && promise.is_some_and(|promise| promise <= most) && left_the_start(loss, first)
    }

    /// Whether the data are met as well as makes a difference to x: by the model they can be met exactly, and that changes no
    /// unknown by more than the tolerance.
    pub(crate) fn arrived(&self, loss: f64, promise: Option<f64>, change: f64, first: f64) -> bool {
        let least = self.least_change();
        least > 0.0
            && change <= least
            && promise.is_some_and(|promise| promise >= EXACT * loss)
            && left_the_start(loss, first)
    }

    /// The criteria that training has too.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            steps: Some(self.steps as u64),
            time: self.time,
            loss_below: self.loss_below,
        }
    }
}

/// Whether the loss has fallen from what it was at the start. Where it has not, a model that promises nothing may be that
/// of a saddle; a descent leads to none.
fn left_the_start(loss: f64, first: f64) -> bool {
    loss <= first - LEFT_THE_START * first.abs()
}

/// The lowest loss after each of the last steps, as many as a plateau is looked for over.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Lowest(VecDeque<f64>);

impl Lowest {
    /// Of earlier steps, oldest first.
    pub(crate) fn of(earlier: &[f64]) -> Self {
        Self(earlier.iter().copied().collect())
    }

    /// All of them, oldest first.
    pub(crate) fn values(&self) -> Vec<f64> {
        self.0.iter().copied().collect()
    }

    /// The lowest loss so far.
    pub(crate) fn newest(&self) -> f64 {
        self.0.back().copied().unwrap_or(f64::INFINITY)
    }

    /// Takes the loss of one more point.
    pub(crate) fn take(&mut self, loss: f64, stop: &StopWhen) {
        self.0.push_back(self.newest().min(loss));
        let kept = 1 + stop.plateau.map_or(0, |_| stop.plateau_steps);
        while self.0.len() > kept {
            self.0.pop_front();
        }
    }

    fn hardly_falls(&self, decrease: f64, steps: usize) -> bool {
        let before = self.0.front().filter(|_| self.0.len() > steps);
        before.is_some_and(|before| before - self.newest() <= decrease * before.abs())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::options::Build;

    #[test]
    fn a_plateau_is_seen_after_its_steps_and_not_before() {
        let stop = StopWhen {
            plateau: Some(0.1),
            plateau_steps: 2,
            ..StopWhen::default()
        };
        let mut lowest = Lowest::default();
        for (loss, flat) in [
            (10.0, false),
            (9.9, false),
            (5.0, false),
            // From 9.9 to 4.9.
            (4.9, false),
            // From 5 to 4.8; a loss that rises in between counts as none.
            (7.0, true),
            (4.0, false),
        ] {
            lowest.take(loss, &stop);
            assert_eq!(lowest.hardly_falls(0.1, 2), flat, "at {loss}");
        }
        assert_eq!(lowest.values(), [4.9, 4.9, 4.0]);
    }

    #[test]
    fn a_run_ends_where_no_datum_is_missed_by_more_than_was_asked() {
        use std::sync::Arc;

        use crate::losses::SquaredError;
        use crate::simulators::SquareOptions;
        use crate::solver::solve::Solver;
        use crate::solver::status::Status;
        use crate::updates::GradientDescentOptions;

        let loss = Arc::new(SquaredError::half());
        let problem = Problem::new(
            Arc::new(SquareOptions::default().build().unwrap()),
            loss,
            vec![2.0, 9.0],
        )
        .unwrap();
        let stop = StopWhen {
            residual_below: Some(0.01),
            ..StopWhen::after(500)
        };
        let rule = GradientDescentOptions::default()
            .with_learning_rate(0.01)
            .build()
            .unwrap();
        let misses = |x: &[f64]| (x[0] - 2.0).abs().max((x[1] * x[1] - 9.0).abs());
        let mut seen = Vec::new();
        let solution = Solver::new(rule, stop).solve_observed(&problem, &[1.0, 2.0], |_, x| {
            seen.push(misses(x));
            std::ops::ControlFlow::Continue(())
        });
        assert_eq!(solution.unwrap().status, Status::Converged(Goal::Residual));
        let (last, before) = seen.split_last().unwrap();
        assert!(
            *last <= 0.01 && before.iter().all(|miss| *miss > 0.01),
            "{seen:?}"
        );
    }
}
