//! J by differences, column by column, with steps that keep the error of each column small and known.

mod estimate;
mod learn;
mod next;
mod search;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod trial;

use super::differences::Differences;
use super::noise;
use super::parallel::Evaluate;
use crate::error::Result;

pub(super) use estimate::EstimatedJacobian;
use estimate::NoiseKind;
use search::StepSearch;
use trial::Column;

/// A column with a smaller error, relative to its length, is good enough.
const GOOD: f64 = 1e-4;

/// J at x, where y = P(x).
///
/// # Errors
/// If the model fails on both sides of x along an unknown.
pub(super) fn jacobian(
    differences: &Differences,
    x: &[f64],
    y: &[f64],
    at_once: usize,
    evaluate: &Evaluate<'_>,
) -> Result<EstimatedJacobian> {
    StepSearch {
        differences,
        x,
        y,
        at_once,
        evaluate,
        noise: noise::of_round_off(y),
        kind: NoiseKind::RoundOff,
        columns: vec![Column::default(); x.len()],
        scatter: (0.0, 0.0, 0),
        suspected: None,
    }
    .run()
}
