//! Strategies: which θ-problem is built for a mini-batch. A file each.

use std::sync::Arc;

use super::{Clock, Notes, Sample};
use crate::core::loss::Loss;
use crate::error::Result;
use crate::losses::Reduction;
use crate::network::Network;
use crate::problem::Problem;

mod corrected_targets;
mod end_to_end;
mod physics_residual;
mod supervised;

pub use corrected_targets::CorrectedTargets;
pub use end_to_end::EndToEnd;
pub use physics_residual::PhysicsResidual;
pub use supervised::Supervised;

/// All that a strategy may look at.
pub struct Lesson<'a> {
    /// f.
    pub network: &'a Arc<dyn Network>,
    /// θ now.
    pub theta: &'a [f64],
    /// The mini-batch.
    pub batch: &'a [Arc<Sample>],
    /// The loss of one sample's y.
    pub loss: &'a Arc<dyn Loss>,
    /// How the losses of the samples become one.
    pub reduction: Reduction,
    /// Where time is counted.
    pub clock: &'a Arc<Clock>,
    /// Where rules of the strategy's own tell that they fell back.
    pub notes: &'a Notes,
}

impl Lesson<'_> {
    /// What the network sees of the batch, sample after sample.
    pub fn inputs(&self) -> Vec<f64> {
        let each = self.batch.iter().map(|s| s.input.as_slice());
        each.collect::<Vec<_>>().concat()
    }
}

/// Builds the θ-problem of a mini-batch; strategies differ in nothing else.
pub trait Strategy: Send + Sync {
    /// A simulator of θ, a loss and a target, whose improvement is what this strategy means by
    /// learning.
    ///
    /// # Errors
    /// If the samples or the simulator lack what the strategy needs, or the physics fails.
    fn theta_problem(&self, lesson: &Lesson<'_>) -> Result<Problem>;
}
