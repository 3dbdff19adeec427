//! Cauchy's loss, which lets go of outliers.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::separable::{LossTerm, SeparableLoss};
use crate::core::loss::Loss;
use crate::error::Result;
use crate::options::{Checked, Validate, built, positive};

/// Cauchy's loss: ½ c² Σ ln(1 + (r/c)²) with r = y − y*.
///
/// Outliers are let go of: beyond |r| = c the pull falls, and the second derivative is negative.
/// The Newton step uses the parabola that touches the loss from above, as iteratively
/// reweighted least squares does: it aims at y* itself, with the weight 1/(1 + (r/c)²).
///
/// ```
/// use retrodict::losses::CauchyOptions;
/// use retrodict::prelude::*;
/// let loss = CauchyOptions::default().with_scale(2.0).build()?;
/// assert!((loss.value(&[2.0], &[0.0]) - 2.0 * 2.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// c in \[y\], L in \[y\]².
///
/// # Source
/// Holland & Welsch, *Robust regression using iteratively reweighted least-squares* (1977).
#[derive(Debug, Clone)]
pub struct Cauchy {
    options: Checked<CauchyOptions>,
}

/// The options of [`Cauchy`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct CauchyOptions {
    /// The residual c > 0 at which the pull is strongest.
    pub scale: f64,
}

built!(CauchyOptions => Cauchy {});

impl Default for CauchyOptions {
    fn default() -> Self {
        Self { scale: 1.0 }
    }
}

impl Validate for CauchyOptions {
    fn validate(&self) -> Result<()> {
        positive("scale", self.scale)
    }
}

impl SeparableLoss for Cauchy {
    fn formula(&self) -> String {
        "½ c² Σ ln(1 + ((y − y*)/c)²)".to_owned()
    }
    fn subset(&self, _kept: &[usize]) -> Arc<dyn Loss> {
        Arc::new(self.clone())
    }
    fn term(&self, _i: usize, r: f64) -> LossTerm {
        let u = (r / self.options.scale).powi(2);
        let weight = 1.0 / (1.0 + u);
        LossTerm {
            value: 0.5 * self.options.scale * self.options.scale * u.ln_1p(),
            slope: weight * r,
            curvature: (1.0 - u) * weight * weight,
            weight,
        }
    }
}
