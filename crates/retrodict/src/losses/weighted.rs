//! Squares in units of independent noise.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::separable::{LossTerm, SeparableLoss};
use crate::core::loss::Loss;
use crate::core::noise::NoiseModel;
use crate::error::{Result, expect_length};
use crate::options::{Build, Checked, Validate, built, deviation, require};

/// Squared error in units of the noise: L = Σ ((yᵢ − y*ᵢ)/σᵢ)², or half of it.
///
/// With the factor ½ it is the negative log-likelihood of independent Gaussian noise.
///
/// ```
/// use retrodict::losses::Weighted;
/// use retrodict::prelude::*;
/// let loss = Weighted::half([2.0])?;
/// assert_eq!(loss.value(&[3.0, 1.0], &[1.0, 1.0]), 0.5);
/// // An exact measurement is refused.
/// assert!(Weighted::half([0.0]).is_err());
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// One σ for each output, or a single one for all of them.
///
/// # Units
/// σ in \[y\]; L has none.
#[derive(Debug, Clone)]
pub struct Weighted {
    options: Checked<WeightedOptions>,
}

/// The options of [`Weighted`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct WeightedOptions {
    /// The standard deviations σ > 0 of the noise.
    #[setters(into)]
    pub deviations: Vec<f64>,
    /// Whether L carries the factor ½.
    pub half: bool,
}

built!(WeightedOptions => Weighted {});

impl Default for WeightedOptions {
    fn default() -> Self {
        Self {
            deviations: vec![1.0],
            half: false,
        }
    }
}

impl Validate for WeightedOptions {
    fn validate(&self) -> Result<()> {
        let count = self.deviations.len();
        let allowed = "it needs one standard deviation for each output, or a single one for all";
        require(count > 0, "deviations", "[]", allowed)?;
        self.deviations
            .iter()
            .enumerate()
            .try_for_each(|(i, value)| deviation(&format!("deviations[{i}]"), *value))
    }
}

impl Weighted {
    /// ½ Σ ((yᵢ − y*ᵢ)/σᵢ)²: −log of the likelihood of independent Gaussian noise, for one σ for each output or a single
    /// one for all.
    ///
    /// # Errors
    /// Unless every σ is finite and greater than 0.
    pub fn half(deviations: impl Into<Vec<f64>>) -> Result<Self> {
        let options = WeightedOptions::default().with_deviations(deviations);
        options.with_half(true).build()
    }

    fn of(&self, i: usize) -> f64 {
        let shared = self.options.deviations.len() == 1;
        self.options.deviations[if shared { 0 } else { i }]
    }
}

impl SeparableLoss for Weighted {
    fn formula(&self) -> String {
        if self.options.half {
            "½ Σ ((y − y*)/σ)²"
        } else {
            "Σ ((y − y*)/σ)²"
        }
        .to_owned()
    }
    fn check(&self, outputs: usize) -> Result<()> {
        if self.options.deviations.len() == 1 {
            return Ok(());
        }
        expect_length("deviations", self.options.deviations.len(), outputs)
    }
    fn subset(&self, places: &[usize]) -> Arc<dyn Loss> {
        Arc::new(Self {
            options: self
                .options
                .with(|options| options.deviations = kept(&options.deviations, places)),
        })
    }
    fn term(&self, i: usize, r: f64) -> LossTerm {
        let weight = self.of(i).powi(-2);
        let factor = if self.options.half { 0.5 } else { 1.0 };
        LossTerm {
            value: factor * weight * r * r,
            slope: 2.0 * factor * weight * r,
            curvature: 2.0 * factor * weight,
            weight: 2.0 * factor * weight,
        }
    }
    fn noise(&self) -> NoiseModel<'_> {
        NoiseModel::Independent(&self.options.deviations)
    }
}

/// The standard deviations of some of the data; a single one is that of all.
pub(super) fn kept(deviations: &[f64], places: &[usize]) -> Vec<f64> {
    match deviations {
        [one] => vec![*one],
        _ => places.iter().map(|i| deviations[*i]).collect(),
    }
}
