//! What a run found, and the lines of its history.

use serde::{Deserialize, Serialize};

use crate::core::counts::Counts;
use crate::error::Error;
use crate::solver::explained::Explained;
use crate::solver::status::Status;
use crate::updates::Notices;

/// One line of a run's history; step 0 is the start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// The number of steps taken.
    pub step: usize,
    /// Seconds since the start.
    pub seconds: f64,
    /// L at this x.
    pub loss: f64,
    /// ‖Δx‖₂ of the step that led here.
    pub step_norm: f64,
    /// Evaluations of the simulator so far.
    pub counts: Counts,
}

/// The result of a run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Solution {
    /// The best iterate: the one with the lowest loss; of equals, to round-off, the last.
    pub x: Vec<f64>,
    /// L at that x.
    pub loss: f64,
    /// How the run ended, at that x.
    pub status: Status,
    /// The unknowns without effect on y at that x, if J was known there.
    pub without_effect: Vec<usize>,
    /// How much of the data is explained at that x, if y was available.
    pub explained: Option<Explained>,
    /// The most recent estimate of the noise or rounding of y, relative to the size of y; `None` if no more than round-off.
    pub output_noise: Option<f64>,
    /// The number of steps taken.
    pub steps: usize,
    /// Seconds from start to end.
    pub seconds: f64,
    /// Evaluations of the simulator.
    pub counts: Counts,
    /// Where the rule departed from its formula, how often, and the first error that made it do so, since the run began or
    /// was resumed.
    pub notices: Notices,
}

impl Solution {
    /// What is left of a run that failed before its first step: the start and its loss.
    pub fn failed(start: impl Into<Vec<f64>>, loss: f64, error: Error) -> Self {
        Self {
            x: start.into(),
            loss,
            status: Status::Failed(error),
            without_effect: Vec::new(),
            explained: None,
            output_noise: None,
            steps: 0,
            seconds: 0.0,
            counts: Counts::default(),
            notices: Notices::default(),
        }
    }
}
