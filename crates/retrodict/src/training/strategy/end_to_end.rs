//! Learning through the physics.

use std::sync::Arc;

use super::super::Joint;
use super::super::MiniBatch;
use super::super::divided::{Divided, OfDivided};
use super::Strategy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::loss::Loss;
use crate::core::simulator::Simulator;
use crate::error::Result;
use crate::losses::Batch;
use crate::options::{Validate, plain};
use crate::problem::Problem;

/// θ ↦ P(f(y*; θ)), target y*: the physics is a part of what is trained.
///
/// With a gradient rule this is differentiable physics (DP), with half-inverse gradients it is
/// HIG training.
///
/// Where targets are normalised, y and y* are divided by the scale of y* before they are compared, so that rates and steps do
/// not depend on its unit.
///
/// # Source
/// Thuerey et al., *Physics-based Deep Learning*, chapters on differentiable physics and on
/// half-inverse gradients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EndToEnd {}

plain!(EndToEnd);

impl Validate for EndToEnd {
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

impl Strategy for EndToEnd {
    fn theta_problem(&self, batch: &MiniBatch<'_>) -> Result<Problem> {
        let scale = batch.target_scale;
        let physics = batch.samples.iter().map(|s| -> Arc<dyn Simulator> {
            let simulator = Arc::clone(&s.simulator);
            match scale == 1.0 {
                true => simulator,
                false => Arc::new(Divided { simulator, scale }),
            }
        });
        let joint = Joint::with_physics(
            Arc::clone(batch.network),
            batch.inputs(),
            physics.collect(),
            Arc::clone(&batch.clock),
        )?;
        let targets: Vec<f64> = batch
            .samples
            .iter()
            .flat_map(|s| s.target.iter().map(|y| y / scale))
            .collect();
        let outputs = batch.samples.first().map_or(0, |s| s.target.len());
        let loss = Arc::clone(batch.loss);
        let loss: Arc<dyn Loss> = match scale == 1.0 {
            true => loss,
            false => Arc::new(OfDivided { loss, scale }),
        };
        let loss = Batch::new(loss, outputs, batch.samples.len(), batch.reduction);
        Problem::new(Arc::new(joint), Arc::new(loss), targets)
    }
}
