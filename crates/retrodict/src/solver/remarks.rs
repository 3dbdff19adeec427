//! Remarks beside the status of a run: unknowns without effect, noisy outputs, and fits that explain little.

use crate::problem::Problem;
use crate::solver::explained::Explained;
use crate::solver::solution::Solution;
use crate::solver::status::Status;

/// A fit that explains less of the variation of the data is remarked on.
const LITTLE: f64 = 0.5;

/// Where the noise is known, residuals up to twice that are no matter, however little is explained.
const WITHIN_NOISE: f64 = 4.0;

/// Unknowns up to which several starts are advised.
const FEW: usize = 32;

/// Seconds that a run may take for ten more to be cheap.
const CHEAP: f64 = 6.0;

/// Noise of y above this fraction of it is reported: more than single precision causes.
const ROUGH: f64 = 1e-5;

/// Names beyond this are counted.
const NAMED: usize = 8;

/// How a user of this interface starts elsewhere.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Advice<'a> {
    /// From another point: `give another --start`.
    pub elsewhere: &'a str,
    /// From several: `try --starts 10`.
    pub several: &'a str,
}

impl<'a> Advice<'a> {
    /// From another point, and from several.
    pub const fn new(elsewhere: &'a str, several: &'a str) -> Self {
        Self { elsewhere, several }
    }
}

impl Solution {
    /// What the status means here, and what to try next, in a sentence.
    pub fn message(&self) -> String {
        let why = match self.status {
            Status::Cancelled => "the run was stopped from outside",
            Status::TimeLimit => "the time limit was reached",
            _ => return self.status.to_string(),
        };
        match self.loss.is_nan() {
            true => format!("{why} before the loss at the start was evaluated; x is the start"),
            false => self.status.to_string(),
        }
    }

    /// Remarks that go with the status, in sentences.
    ///
    /// `name` gives the names of single unknowns.
    pub fn remarks(
        &self,
        problem: &Problem,
        name: impl Fn(usize) -> String,
        advice: &Advice<'_>,
    ) -> Vec<String> {
        let mut words = Vec::new();
        if !self.without_effect.is_empty() && problem.priors().is_empty() {
            let shown = self.without_effect.iter().take(NAMED);
            let shown: Vec<String> = shown.map(|i| name(*i)).collect();
            let more = match self.without_effect.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            words.push(format!(
                "unknowns without effect on y at this x, or with almost none, which the data therefore do not \
                 determine: {}{more}; {} where y depends on them",
                shown.join(", "),
                advice.elsewhere
            ));
        }
        if let Some(noise) = self.output_noise.filter(|noise| *noise > ROUGH) {
            words.push(format!(
                "y is rounded or noisy, with a relative error of about {noise:.0e}: a change of x with a smaller \
                 effect on y cannot be detected"
            ));
        }
        words.extend(
            self.explained
                .and_then(|found| self.little(found, problem, advice)),
        );
        words
    }

    fn little(&self, found: Explained, problem: &Problem, advice: &Advice<'_>) -> Option<String> {
        let within = found.chi_squared.is_some_and(|chi| chi <= WITHIN_NOISE);
        // These say themselves that x is no optimum.
        let elsewhere = matches!(
            self.status,
            Status::NoEffect | Status::Failed(_) | Status::Diverged
        );
        if found.share >= LITTLE || within || elsewhere {
            return None;
        }
        let mut text = match found.share >= 0.0 {
            true => format!(
                "the fit explains {:.0} % of the variation of the data (R² = {:.2}",
                100.0 * found.share,
                found.share
            ),
            false => format!(
                "the fit is worse than the mean of the data (R² = {:.2}",
                found.share
            )
            .replace('-', "−"),
        };
        if let Some(chi) = found.chi_squared {
            text.push_str(&format!(", χ²/N = {chi:.3}"));
        }
        text.push_str("): ");
        if !problem.priors().is_empty() {
            text.push_str("the prior may be too strong, or this may be a local optimum; ");
        } else if self.status.converged() && self.steps <= 1 {
            // A model that one step solves is linear: no other start leads elsewhere.
            text.push_str("the model may be wrong for these data");
            return Some(text);
        } else {
            text.push_str("this may be a local optimum, or the model may be wrong; ");
        }
        let cheap = problem.inputs() <= FEW && self.seconds <= CHEAP;
        text.push_str(if cheap {
            advice.several
        } else {
            advice.elsewhere
        });
        Some(text)
    }
}
