//! Noise in proportion to the data.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::WeightedOptions;
use super::separable::LN_ROOT;
use crate::core::loss::{ChiSquared, LogLikelihood, Loss};
use crate::core::noise::NoiseModel;
use crate::error::{Result, expect_length};
use crate::options::{Checked, Validate, built, require};

/// Multiplicative noise: L = Σ (ln(y/y*)/σ)², with σ the standard deviation of ln y, or half of it.
///
/// σ = 0.1 means an error of about 10 %, whatever the size of the datum. W = 1/(σ y) is the square
/// root of the Fisher information, so that Gauss–Newton sees the least squares of the logarithms.
///
/// ```
/// use retrodict::losses::LogNormalOptions;
/// use retrodict::prelude::*;
/// let loss = LogNormalOptions::default().with_deviations([0.1]).build()?;
/// // Twice too much counts as much as half of it.
/// let [twice, half] = [2.0, 0.5].map(|y| loss.value(&[y], &[1.0]));
/// assert!((twice - half).abs() < 1e-12 * twice);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// One standard deviation for each output, or a single one for all.
///
/// # Units
/// None: ratios count.
///
/// # Errors
/// Unless every y* is greater than 0. Where y is not, L is infinite.
///
/// # Source
/// Crow & Shimizu, *Lognormal Distributions* (1988), chapter 1.
#[derive(Debug, Clone)]
pub struct LogNormal {
    options: Checked<LogNormalOptions>,
}

/// The options of [`LogNormal`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct LogNormalOptions {
    /// The standard deviation of the logarithm of each datum, greater than 0.
    #[setters(into)]
    pub deviations: Vec<f64>,
    /// Whether L carries the factor ½.
    pub half: bool,
}

built!(LogNormalOptions => LogNormal {});

impl Default for LogNormalOptions {
    fn default() -> Self {
        Self {
            deviations: vec![1.0],
            half: false,
        }
    }
}

impl LogNormal {
    /// out = f(r, y, c) with r = ln(y/y*) and L = ½ Σ c r².
    fn fill(&self, y: &[f64], target: &[f64], out: &mut [f64], f: impl Fn(f64, f64, f64) -> f64) {
        let factor = if self.options.half { 1.0 } else { 2.0 };
        let shared = self.options.deviations.len() == 1;
        for (i, out) in out.iter_mut().enumerate() {
            let deviation = self.options.deviations[if shared { 0 } else { i }];
            let curvature = factor / (deviation * deviation);
            *out = f((y[i] / target[i]).ln(), y[i], curvature);
        }
    }
}

impl Validate for LogNormalOptions {
    fn validate(&self) -> Result<()> {
        let logarithms = WeightedOptions::default().with_deviations(self.deviations.clone());
        logarithms.validate()
    }
}

impl Loss for LogNormal {
    fn formula(&self) -> String {
        if self.options.half {
            "½ Σ (ln(y/y*)/σ)²"
        } else {
            "Σ (ln(y/y*)/σ)²"
        }
        .to_owned()
    }
    fn check(&self, outputs: usize) -> Result<()> {
        match self.options.deviations.len() {
            1 => Ok(()),
            several => expect_length("deviations", several, outputs),
        }
    }
    fn check_target(&self, target: &[f64]) -> Result<()> {
        target.iter().enumerate().try_for_each(|(i, value)| {
            let allowed = "multiplicative noise keeps every datum greater than 0; \
                           leave it out as missing, or use `weighted`";
            require(*value > 0.0, &format!("target[{i}]"), value, allowed)
        })
    }
    fn of_subset(&self, kept: &[usize]) -> Result<Arc<dyn Loss>> {
        Ok(Arc::new(Self {
            options: self.options.with(|options| {
                options.deviations = super::weighted::kept(&options.deviations, kept)
            }),
        }))
    }
    fn majorises(&self) -> bool {
        false
    }
    fn noise(&self) -> NoiseModel<'_> {
        NoiseModel::Multiplicative(&self.options.deviations)
    }
    fn chi_squared(&self, y: &[f64], target: &[f64]) -> Option<ChiSquared> {
        Some(ChiSquared {
            value: self.value(y, target) / if self.options.half { 0.5 } else { 1.0 },
            data: y.len(),
        })
    }
    fn log_likelihood(&self, y: &[f64], target: &[f64]) -> Option<LogLikelihood> {
        let chi_squared = self.chi_squared(y, target)?.value;
        let deviations = self.options.deviations.iter().cycle();
        let constants = target.iter().zip(deviations);
        let constants = constants.map(|(t, sigma)| (sigma * t).ln() + LN_ROOT);
        Some(LogLikelihood::new(
            -0.5 * chi_squared - constants.sum::<f64>(),
        ))
    }
    fn value(&self, y: &[f64], target: &[f64]) -> f64 {
        let mut terms = vec![0.0; y.len()];
        self.fill(y, target, &mut terms, |r, y, c| match y <= 0.0 {
            true => f64::INFINITY,
            false => 0.5 * c * r * r,
        });
        terms.iter().sum()
    }
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]) {
        self.fill(y, target, out, |r, y, c| c * r / y);
    }
    fn hessian_product(&self, y: &[f64], target: &[f64], dy: &[f64], out: &mut [f64]) {
        self.fill(y, target, out, |r, y, c| c * (1.0 - r) / (y * y));
        out.iter_mut().zip(dy).for_each(|(out, dy)| *out *= dy);
    }
    fn whiten(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.fill(y, target, out, |_, y, c| c.sqrt() / y);
        out.iter_mut().zip(v).for_each(|(out, v)| *out *= v);
    }
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.whiten(y, target, v, out);
    }
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()> {
        self.fill(y, target, dy, |r, y, _| -r * y);
        Ok(())
    }
}
