//! Strategies: which θ-problem is built for a mini-batch. A file each.

use super::MiniBatch;
use crate::error::Result;
use crate::problem::Problem;

mod corrected_targets;
mod end_to_end;
mod physics_residual;
mod supervised;

pub use corrected_targets::CorrectedTargets;
pub use end_to_end::EndToEnd;
pub use physics_residual::PhysicsResidual;
pub use supervised::Supervised;

/// Builds the θ-problem of a mini-batch; strategies differ in nothing else.
pub trait Strategy: Send + Sync {
    /// A simulator of θ, a loss and a target, whose improvement is what this strategy means by
    /// learning.
    ///
    /// # Errors
    /// If the samples or the simulator lack what the strategy needs, or the physics fails.
    fn theta_problem(&self, batch: &MiniBatch<'_>) -> Result<Problem>;
}

/// What a trainer takes as its strategy: a strategy, or one in a box.
pub trait IntoStrategy {
    /// The strategy in a box.
    fn into_strategy(self) -> Box<dyn Strategy>;
}

impl<S: Strategy + 'static> IntoStrategy for S {
    fn into_strategy(self) -> Box<dyn Strategy> {
        Box::new(self)
    }
}

impl IntoStrategy for Box<dyn Strategy> {
    fn into_strategy(self) -> Self {
        self
    }
}
