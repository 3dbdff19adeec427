//! What a run found, and the lines of its history.

use serde::{Deserialize, Serialize};

use crate::core::counts::Counts;
use crate::error::Error;
use crate::solver::explained::Explained;
use crate::solver::status::Status;
use crate::updates::Notice;

/// One line of a run's history; step 0 is the start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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
    /// How the run ended, said of that x.
    pub status: Status,
    /// The unknowns that do not change y at that x, as far as that was looked at: J was known there.
    pub without_effect: Vec<usize>,
    /// How much of the data is explained at that x, where y was at hand.
    pub explained: Option<Explained>,
    /// The noise or rounding of y that was seen last, relative to the size of y; nothing where there was no more than
    /// round-off.
    pub output_noise: Option<f64>,
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
