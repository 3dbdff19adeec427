//! The sum of squares.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::separable::LN_ROOT;
use crate::core::loss::{LogLikelihood, Loss};
use crate::error::Result;
use crate::linalg::distance_squared;
use crate::options::{Validate, plain};

/// Squared error: L = Σ (y − y*)², or half of it.
///
/// The published toy problems carry no ½, so that is the default; the Newton step
/// Δy = y* − y is the same with and without it, a gradient step is not.
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// assert_eq!(SquaredError::default().value(&[3.0], &[1.0]), 4.0);
/// assert_eq!(SquaredError::half().value(&[3.0], &[1.0]), 2.0);
/// ```
///
/// # Units
/// \[L\] = \[y\]².
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, Setters,
)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct SquaredError {
    /// Whether L carries the factor ½.
    pub half: bool,
}

impl SquaredError {
    /// ½ Σ (y − y*)².
    pub fn half() -> Self {
        Self { half: true }
    }

    fn factor(self) -> f64 {
        if self.half { 0.5 } else { 1.0 }
    }
}

plain!(SquaredError);

impl Validate for SquaredError {
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

impl Loss for SquaredError {
    fn formula(&self) -> String {
        if self.half {
            "½ Σ (y − y*)²"
        } else {
            "Σ (y − y*)²"
        }
        .to_owned()
    }
    fn of_subset(&self, _kept: &[usize]) -> Result<Arc<dyn Loss>> {
        Ok(Arc::new(*self))
    }
    fn degree(&self) -> i32 {
        2
    }
    fn log_likelihood(&self, y: &[f64], target: &[f64]) -> Option<LogLikelihood> {
        let m = y.len() as f64;
        // The variance of largest likelihood.
        let variance = distance_squared(y, target) / m;
        let value = -m * (0.5 * variance.ln() + 0.5 + LN_ROOT);
        Some(LogLikelihood::estimated(value, 1))
    }
    fn value(&self, y: &[f64], target: &[f64]) -> f64 {
        self.factor() * distance_squared(y, target)
    }
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]) {
        let c = 2.0 * self.factor();
        for ((o, y), t) in out.iter_mut().zip(y).zip(target) {
            *o = c * (y - t);
        }
    }
    fn hessian_product(&self, _y: &[f64], _target: &[f64], dy: &[f64], out: &mut [f64]) {
        let c = 2.0 * self.factor();
        for (o, d) in out.iter_mut().zip(dy) {
            *o = c * d;
        }
    }
    fn whiten(&self, _y: &[f64], _target: &[f64], v: &[f64], out: &mut [f64]) {
        let c = (2.0 * self.factor()).sqrt();
        for (o, v) in out.iter_mut().zip(v) {
            *o = c * v;
        }
    }
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.whiten(y, target, v, out);
    }
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()> {
        for ((d, y), t) in dy.iter_mut().zip(y).zip(target) {
            *d = t - y;
        }
        Ok(())
    }
}
