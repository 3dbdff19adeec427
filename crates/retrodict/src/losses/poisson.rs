//! Counts.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

use crate::core::loss::{ChiSquared, LogLikelihood, Loss};
use crate::core::noise::NoiseModel;
use crate::error::Result;
use crate::options::{Validate, plain, require};

/// Counts: L = Σ y − y* + y* ln(y*/y), the −log likelihood of Poisson's distribution less that of y = y*.
///
/// y is the expected count of each datum. 2 L is the deviance: near the number of data, less the unknowns, where the
/// model is right and counts are not few. W = 1/√y is the square root of the Fisher information.
///
/// ```
/// use retrodict::losses::PoissonDeviance;
/// use retrodict::prelude::*;
/// let loss = PoissonDeviance::default();
/// assert_eq!(loss.value(&[4.0], &[4.0]), 0.0);
/// // None where one is expected: e⁻¹.
/// assert_eq!(loss.value(&[1.0], &[0.0]), 1.0);
/// assert_eq!(loss.value(&[-1.0], &[0.0]), f64::INFINITY);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// y and y* are counts.
///
/// # Errors
/// Unless every y* is 0 or greater. Where y is not greater than 0, L is infinite.
///
/// # Source
/// McCullagh & Nelder, *Generalized Linear Models*, 6.2; Cash, ApJ 228 (1979), 939.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PoissonDeviance {}

plain!(PoissonDeviance);

impl Validate for PoissonDeviance {
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

/// t ln(t/y), which is 0 for t = 0.
fn excess(y: f64, target: f64) -> f64 {
    match target > 0.0 {
        true => target * (target / y).ln(),
        false => 0.0,
    }
}

impl Loss for PoissonDeviance {
    fn formula(&self) -> String {
        "Σ y − y* + y* ln(y*/y)".to_owned()
    }
    fn check_target(&self, target: &[f64]) -> Result<()> {
        target.iter().enumerate().try_for_each(|(i, value)| {
            let allowed = "counts are 0 or greater; subtract no background from them, but add it to the model";
            require(*value >= 0.0, &format!("target[{i}]"), value, allowed)
        })
    }
    fn of_subset(&self, _kept: &[usize]) -> Result<Arc<dyn Loss>> {
        Ok(Arc::new(*self))
    }
    fn majorises(&self) -> bool {
        false
    }
    fn noise(&self) -> NoiseModel<'_> {
        NoiseModel::Counts
    }
    fn chi_squared(&self, y: &[f64], target: &[f64]) -> Option<ChiSquared> {
        let terms = y.iter().zip(target).map(|(y, t)| (y - t) * (y - t) / y);
        Some(ChiSquared {
            value: terms.sum(),
            data: y.len(),
        })
    }
    fn log_likelihood(&self, y: &[f64], target: &[f64]) -> Option<LogLikelihood> {
        let terms = y.iter().zip(target).map(|(y, t)| match *t > 0.0 {
            true => t * y.ln() - y - ln_gamma(t + 1.0),
            false => -y,
        });
        Some(LogLikelihood::new(terms.sum()))
    }
    fn value(&self, y: &[f64], target: &[f64]) -> f64 {
        let terms = y.iter().zip(target).map(|(y, t)| match *y <= 0.0 {
            true => f64::INFINITY,
            // NaN stays NaN.
            false => y - t + excess(*y, *t),
        });
        terms.sum()
    }
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]) {
        for ((out, y), t) in out.iter_mut().zip(y).zip(target) {
            *out = 1.0 - t / y;
        }
    }
    fn hessian_product(&self, y: &[f64], target: &[f64], dy: &[f64], out: &mut [f64]) {
        for (((out, y), t), dy) in out.iter_mut().zip(y).zip(target).zip(dy) {
            *out = t / (y * y) * dy;
        }
    }
    fn whiten(&self, y: &[f64], _target: &[f64], v: &[f64], out: &mut [f64]) {
        for ((out, y), v) in out.iter_mut().zip(y).zip(v) {
            *out = v / y.sqrt();
        }
    }
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.whiten(y, target, v, out);
    }
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()> {
        for ((dy, y), t) in dy.iter_mut().zip(y).zip(target) {
            *dy = t - y;
        }
        Ok(())
    }
}
