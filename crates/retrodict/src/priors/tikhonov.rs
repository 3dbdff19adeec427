//! Small values, slopes or curvatures.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::differences::{DifferenceOperator, Edges};
use super::identity::Identity;
use super::{Prior, PriorBlock, for_each_place};
use crate::core::simulator::Simulator;
use crate::core::space::Space;
use crate::error::{Result, expect_finite};
use crate::losses::SquaredError;
use crate::options::{Validate, grid, plain, positive, require};

/// Tikhonov's regularisation: ½ ‖D (x − x₀)‖², with D the identity or differences along each axis.
///
/// Order 0 keeps x near x₀, order 1 keeps x − x₀ flat, order 2 keeps it straight: with free edges
/// a constant costs nothing to order 1, and nothing linear along the axes to order 2.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::priors::Tikhonov;
/// let prior = Tikhonov::default().with_order(1);
/// let field = Space::new("field", &[4], "1");
/// let block = prior.on(&field)?;
/// let penalty = |x: &[f64]| -> retrodict::Result<f64> {
///     let mut r = vec![0.0; block.target.len()];
///     block.simulator.forward(x, &mut r)?;
///     Ok(block.loss.value(&r, &block.target))
/// };
/// assert_eq!(penalty(&[3.0; 4])?, 0.0);
/// assert_eq!(penalty(&[0.0, 1.0, 2.0, 3.0])?, 1.5);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// Order 0: any x. Orders 1 and 2: a grid of one to three axes.
///
/// # Units
/// The weight in \[L\] \[`cell`\]^(2·order)/\[x\]².
///
/// # Source
/// Tikhonov (1963); Hansen, *Discrete Inverse Problems*, sections 4.1 and 8.1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct Tikhonov {
    /// The order of the differences: 0, 1 or 2.
    pub order: usize,
    /// What lies beyond the edges of the grid.
    pub edges: Edges,
    /// The width of a cell, greater than 0.
    pub cell: f64,
    /// The reference x₀: nothing for 0, one value for all, or one for each.
    #[setters(into)]
    pub reference: Vec<f64>,
}

impl Default for Tikhonov {
    fn default() -> Self {
        Self {
            order: 0,
            edges: Edges::default(),
            cell: 1.0,
            reference: Vec::new(),
        }
    }
}

plain!(Tikhonov);

impl Validate for Tikhonov {
    fn validate(&self) -> Result<()> {
        require(self.order <= 2, "order", self.order, "it must be 0, 1 or 2")?;
        positive("cell", self.cell)?;
        expect_finite("reference", &self.reference)
    }
}

impl Prior for Tikhonov {
    fn on(&self, space: &Space) -> Result<PriorBlock> {
        self.validate()?;
        let reference = for_each_place("reference", &self.reference, space.len(), 0.0)?;
        let simulator: Arc<dyn Simulator> = match self.order {
            0 => Arc::new(Identity(space.clone())),
            order => {
                grid(&space.shape)?;
                Arc::new(DifferenceOperator::new(
                    space, order, self.edges, self.cell,
                )?)
            }
        };
        let loss = Arc::new(SquaredError::half());
        PriorBlock::around("tikhonov", simulator, loss, &reference)
    }
}
