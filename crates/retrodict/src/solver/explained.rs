//! How much of the data a point explains, and how noisy its outputs are.

use crate::linalg::norm;
use crate::problem::Evaluation;

/// How much of the data y explains.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Explained {
    /// R² = 1 − L(y)/L(ȳ*), where ȳ* is the mean of the data, by the loss of the data alone: negative where the mean fits better.
    pub share: f64,
    /// χ² per datum, where the noise is known.
    pub chi_squared: Option<f64>,
}

impl Explained {
    /// How much of the data the outputs at a point explain; nothing where the data do not vary, or y is not known there.
    pub(crate) fn at(at: &Evaluation<'_>) -> Option<Self> {
        if !at.knows_y() {
            return None;
        }
        let (problem, y) = (at.problem(), at.y().ok()?);
        let data = problem.data_outputs();
        let (y, target) = (&y[..data], &problem.target()[..data]);
        let mean = target.iter().sum::<f64>() / target.len() as f64;
        let loss = problem.data_loss();
        // Noise levels that are unknowns would be others for the mean.
        let misfit = |y: &[f64]| match loss.levels() {
            0 => loss.value(y, target),
            _ => y.iter().zip(target).map(|(y, t)| (y - t) * (y - t)).sum(),
        };
        let share = 1.0 - misfit(y) / misfit(&vec![mean; data]);
        // Data that are the same to round-off have no variation to explain.
        let varies = target.iter().any(|v| (v - mean).abs() > 1e-12 * mean.abs());
        (varies && share.is_finite()).then(|| Self {
            share,
            chi_squared: loss.chi_squared(y, target).map(|c| c.per_datum()),
        })
    }
}

/// The noise of y at a point, relative to y, where more than round-off was seen.
pub(crate) fn output_noise(at: &Evaluation<'_>) -> Option<f64> {
    if !at.knows_y() {
        return None;
    }
    let (noise, y) = (at.noise()?, at.y().ok()?);
    let share = norm(&noise) / norm(y);
    share.is_finite().then_some(share)
}
