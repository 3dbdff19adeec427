//! How quasi-Newton rules restart when their search fails: down the gradient, in units of x itself.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::linalg::norm;
use crate::problem::Evaluation;

/// The first step after a restart, relative to x.
const FIRST: f64 = 0.1;

/// A restart has helped if the loss has since fallen by this fraction.
const HELPED: f64 = 1e-8;

/// Where a rule restarted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Anew {
    /// The squares of the units of x there, in place of the first H⁻¹.
    pub(super) units: Vec<f64>,
    /// L there.
    loss: f64,
}

impl Anew {
    /// Begins at a point, unless the last beginning has brought nothing.
    pub(super) fn begin(last: &mut Option<Self>, at: &Evaluation<'_>) -> Result<bool> {
        let loss = at.loss()?;
        if let Some(last) = last
            && last.loss - loss <= HELPED * last.loss.abs()
        {
            return Ok(false);
        }
        // A value of 0 says nothing of its unit.
        let unit = |x: &f64| if *x == 0.0 { 1.0 } else { x * x };
        let units = at.x().iter().map(unit).collect();
        *last = Some(Self { units, loss });
        Ok(true)
    }

    /// Δx = −D ∂L/∂x, a tenth of x long.
    pub(super) fn first_step(&self, gradient: &[f64], dx: &mut [f64]) {
        let own: Vec<f64> = gradient
            .iter()
            .zip(&self.units)
            .map(|(g, d)| g * d.sqrt())
            .collect();
        let length = norm(&own).max(f64::MIN_POSITIVE);
        for ((dx, g), d) in dx.iter_mut().zip(gradient).zip(&self.units) {
            *dx = -FIRST * d * g / length;
        }
    }

    /// yᵀ D y.
    pub(super) fn squares(&self, y: &[f64]) -> f64 {
        y.iter().zip(&self.units).map(|(y, d)| y * y * d).sum()
    }
}
