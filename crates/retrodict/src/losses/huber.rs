//! Huber's loss, robust to outliers.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::separable::{LossTerm, SeparableLoss};
use crate::core::loss::Loss;
use crate::error::Result;
use crate::options::{Checked, Validate, built, positive};

/// Huber's loss: ½ r² up to |r| = δ, δ (|r| − ½ δ) beyond, summed over r = y − y*.
///
/// Outliers pull with a constant force. The second derivative vanishes beyond δ, so the Newton
/// step uses the parabola that touches the loss from above: it aims at y* itself, with the
/// weight min(1, δ/|r|).
///
/// ```
/// use retrodict::losses::HuberOptions;
/// use retrodict::prelude::*;
/// let loss = HuberOptions::default().with_delta(1.0).build()?;
/// assert_eq!(loss.value(&[0.5], &[0.0]), 0.125);
/// assert_eq!(loss.value(&[3.0], &[0.0]), 2.5);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// δ in \[y\], L in \[y\]².
///
/// # Source
/// Huber, *Robust estimation of a location parameter* (1964).
#[derive(Debug, Clone)]
pub struct Huber {
    options: Checked<HuberOptions>,
}

/// The options of [`Huber`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct HuberOptions {
    /// The residual δ > 0 from which on the loss grows linearly.
    pub delta: f64,
}

built!(HuberOptions => Huber {});

impl Default for HuberOptions {
    fn default() -> Self {
        Self { delta: 1.0 }
    }
}

impl Validate for HuberOptions {
    fn validate(&self) -> Result<()> {
        positive("delta", self.delta)
    }
}

impl SeparableLoss for Huber {
    fn formula(&self) -> String {
        "Σ ½ r² up to |r| = δ, δ (|r| − ½ δ) beyond".to_owned()
    }
    fn subset(&self, _kept: &[usize]) -> Arc<dyn Loss> {
        Arc::new(self.clone())
    }
    fn term(&self, _i: usize, r: f64) -> LossTerm {
        let (size, delta) = (r.abs(), self.options.delta);
        // NaN falls into the first branch and stays NaN.
        if size > delta {
            return LossTerm {
                value: delta * (size - 0.5 * delta),
                slope: delta * r.signum(),
                curvature: 0.0,
                weight: delta / size,
            };
        }
        LossTerm {
            value: 0.5 * r * r,
            slope: r,
            curvature: 1.0,
            weight: 1.0,
        }
    }
}
