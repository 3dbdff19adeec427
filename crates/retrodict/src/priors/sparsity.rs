//! Few values that differ from a reference.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::{Prior, PriorBlock, for_each_place};
use crate::core::space::Space;
use crate::error::{Result, expect_finite};
use crate::losses::Power;
use crate::options::{Validate, plain, positive, require};

/// Sparsity: (1/p) Σ ((x − x₀)² + ε²)^(p/2), less its value at x₀: few values differ from x₀.
///
/// For p = 1 it is the sum of magnitudes, convex, which shrinks large values too; a smaller p spares
/// them, but then there may be several minima. Rules for least squares reweight it from step to step.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::priors::Sparsity;
/// let prior = Sparsity::default().with_smoothing(1e-9);
/// let field = Space::new("field", &[4], "1");
/// let block = prior.on(&field)?;
/// let penalty = |x: &[f64]| -> retrodict::Result<f64> {
///     let mut r = vec![0.0; block.target.len()];
///     block.simulator.forward(x, &mut r)?;
///     Ok(block.loss.value(&r, &block.target))
/// };
/// // |x| summed.
/// assert!((penalty(&[0.0, -2.0, 0.0, 1.0])? - 3.0).abs() < 1e-6);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// Any x.
///
/// # Units
/// ε in \[x\].
///
/// # Source
/// Daubechies, DeVore, Fornasier & Güntürk (2010); Chartrand & Yin (2008) for p < 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct Sparsity {
    /// The exponent p in (0, 2].
    pub exponent: f64,
    /// The size ε > 0 below which a value counts as 0.
    pub smoothing: f64,
    /// The reference x₀: nothing for 0, one value for all, or one for each.
    #[setters(into)]
    pub reference: Vec<f64>,
}

impl Default for Sparsity {
    fn default() -> Self {
        Self {
            exponent: 1.0,
            smoothing: 1e-3,
            reference: Vec::new(),
        }
    }
}

plain!(Sparsity);

impl Validate for Sparsity {
    fn validate(&self) -> Result<()> {
        require(
            self.exponent > 0.0 && self.exponent <= 2.0,
            "exponent",
            self.exponent,
            "it must be greater than 0 and at most 2; 1 is usual",
        )?;
        positive("smoothing", self.smoothing)?;
        expect_finite("reference", &self.reference)
    }
}

impl Prior for Sparsity {
    fn on(&self, space: &Space) -> Result<PriorBlock> {
        self.validate()?;
        let reference = for_each_place("reference", &self.reference, space.len(), 0.0)?;
        let loss = Power {
            exponent: self.exponent,
            smoothing: self.smoothing,
        };
        let simulator = Arc::new(Identity(space.clone()));
        PriorBlock::around("sparsity", simulator, Arc::new(loss), &reference)
    }
}
