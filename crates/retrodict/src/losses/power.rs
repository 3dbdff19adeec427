//! A smoothed power of residuals: sparsity's loss.

use std::sync::Arc;

use super::separable::{LossTerm, SeparableLoss};
use crate::core::loss::Loss;

/// A smoothed power of the residuals: L = (1/p) Σ ((r² + ε²)^(p/2) − ε^p).
///
/// For p = 2 it is half the square, for p = 1 the sum of magnitudes. Its parabola from above has
/// the weight (r² + ε²)^(p/2 − 1), as in iteratively reweighted least squares.
///
/// # Source
/// Daubechies, DeVore, Fornasier & Güntürk, *Iteratively reweighted least squares minimization for
/// sparse recovery* (2010).
#[derive(Debug, Clone)]
pub(crate) struct Power {
    /// p in (0, 2].
    pub(crate) exponent: f64,
    /// ε > 0.
    pub(crate) smoothing: f64,
}

impl SeparableLoss for Power {
    fn formula(&self) -> String {
        format!("Σ |y − y*|^{0} / {0}, smoothed", self.exponent)
    }
    fn subset(&self, _kept: &[usize]) -> Arc<dyn Loss> {
        Arc::new(self.clone())
    }
    fn term(&self, _i: usize, r: f64) -> LossTerm {
        let (p, floor) = (self.exponent, self.smoothing * self.smoothing);
        let square = r * r + floor;
        let weight = square.powf(0.5 * p - 1.0);
        LossTerm {
            value: (square.powf(0.5 * p) - self.smoothing.powf(p)) / p,
            slope: weight * r,
            curvature: weight * (floor + (p - 1.0) * r * r) / square,
            weight,
        }
    }
}
