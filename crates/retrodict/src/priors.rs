//! What is known of x before the data: smooth, small, sparse, or distributed in a known way.
//!
//! A prior is one more block of data: a map R(x), what it should be, and a loss. So every rule
//! that works on data works on data and priors together.

use std::sync::Arc;

use crate::core::loss::Loss;
use crate::core::simulator::Simulator;
use crate::core::space::Space;
use crate::error::{Result, expect_finite, expect_length};

mod differences;
mod gaussian;
mod identity;
mod matern;
mod readings;
mod single;
mod sparsity;
mod tikhonov;
mod total_variation;

pub use differences::Edges;
pub use gaussian::Gaussian;
pub use matern::Matern;
pub(crate) use matern::Whitening;
pub(crate) use readings::Readings;
pub use single::{Marginal, Single};
pub use sparsity::Sparsity;
pub use tikhonov::Tikhonov;
pub use total_variation::TotalVariation;

/// What is known of x before the data: a map R(x) with a loss L(R(x), R(x₀)).
///
/// Every prior's loss carries the factor ½ where it is a square, as the negative logarithm of a
/// density does. A loss of the data without it weighs the data twice as much.
pub trait Prior: Send + Sync {
    /// The prior as a block of data on a space.
    ///
    /// # Errors
    /// If an option does not fit the space, for example a reference of another length.
    fn on(&self, space: &Space) -> Result<PriorBlock>;
}

/// A prior on a given space: one more map of x, with its loss and its target.
#[derive(Clone)]
#[non_exhaustive]
pub struct PriorBlock {
    /// The prior's name, for messages and tables.
    pub name: &'static str,
    /// R. Where R can be undone, it brings a local inverse.
    pub simulator: Arc<dyn Simulator>,
    /// The loss of R(x).
    pub loss: Arc<dyn Loss>,
    /// What R(x) should be.
    pub target: Vec<f64>,
}

impl PriorBlock {
    /// Joins a map, a loss and the reference x₀, whose R(x₀) becomes the target.
    pub(crate) fn around(
        name: &'static str,
        simulator: Arc<dyn Simulator>,
        loss: Arc<dyn Loss>,
        reference: &[f64],
    ) -> Result<Self> {
        let mut target = vec![0.0; simulator.output().len()];
        simulator.forward(reference, &mut target)?;
        Ok(Self {
            name,
            simulator,
            loss,
            target,
        })
    }
}

/// The values of an option that is given for all places at once or for each one.
fn for_each_place(what: &str, values: &[f64], places: usize, default: f64) -> Result<Vec<f64>> {
    expect_finite(what, values)?;
    match values {
        [] => Ok(vec![default; places]),
        [value] => Ok(vec![*value; places]),
        _ => {
            expect_length(what, values.len(), places)?;
            Ok(values.to_vec())
        }
    }
}
