//! Piecewise constant fields with sharp edges.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::differences::{DifferenceOperator, Edges};
use super::{Prior, PriorBlock, for_each_place};
use crate::core::space::Space;
use crate::error::{Result, expect_finite};
use crate::losses::Grouped;
use crate::options::{Validate, grid, plain, positive, require};

/// Total variation: Σ √(|∇(x − x₀)|² + ε²) − ε over the cells. Edges stay sharp, and noise goes.
///
/// |∇x| is the length of the vector of forward differences, so the directions of the axes do not
/// stand out. Below ε it is a smoothness prior, and no jump is favoured.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::priors::TotalVariation;
/// let prior = TotalVariation::default().with_smoothing(1e-9);
/// let field = Space::new("field", &[4], "1");
/// let block = prior.on(&field)?;
/// let penalty = |x: &[f64]| -> retrodict::Result<f64> {
///     let mut r = vec![0.0; block.target.len()];
///     block.simulator.forward(x, &mut r)?;
///     Ok(block.loss.value(&r, &block.target))
/// };
/// // A jump costs its height, whether it is steep or not.
/// let [steep, gentle] = [[0.0, 0.0, 3.0, 3.0], [0.0, 1.0, 2.0, 3.0]].map(|x| penalty(&x));
/// assert!((steep? - 3.0).abs() < 1e-6 && (gentle? - 3.0).abs() < 1e-6);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// A grid of one to three axes.
///
/// # Units
/// ε in \[x\]/\[`cell`\].
///
/// # Source
/// Rudin, Osher & Fatemi (1992); Vogel & Oman (1996) for how it is minimised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct TotalVariation {
    /// The slope ε > 0 below which differences count as noise.
    pub smoothing: f64,
    /// What lies beyond the edges: `mirrored` or `periodic`.
    pub edges: Edges,
    /// The width of a cell, greater than 0.
    pub cell: f64,
    /// The reference x₀: nothing for 0, one value for all, or one for each.
    #[setters(into)]
    pub reference: Vec<f64>,
}

impl Default for TotalVariation {
    fn default() -> Self {
        Self {
            smoothing: 1e-2,
            edges: Edges::Mirrored,
            cell: 1.0,
            reference: Vec::new(),
        }
    }
}

plain!(TotalVariation);

impl Validate for TotalVariation {
    fn validate(&self) -> Result<()> {
        positive("smoothing", self.smoothing)?;
        positive("cell", self.cell)?;
        require(
            matches!(self.edges, Edges::Mirrored | Edges::Periodic),
            "edges",
            self.edges,
            "total variation needs a gradient at every cell: mirrored or periodic",
        )?;
        expect_finite("reference", &self.reference)
    }
}

impl Prior for TotalVariation {
    fn on(&self, space: &Space) -> Result<PriorBlock> {
        self.validate()?;
        grid(&space.shape)?;
        let reference = for_each_place("reference", &self.reference, space.len(), 0.0)?;
        let differences = DifferenceOperator::new(space, 1, self.edges, self.cell)?;
        let loss = Grouped {
            places: space.len(),
            smoothing: self.smoothing,
        };
        let simulator = Arc::new(differences);
        PriorBlock::around("total-variation", simulator, Arc::new(loss), &reference)
    }
}
