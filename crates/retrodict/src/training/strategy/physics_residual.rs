//! Learning to satisfy the simulator's residual.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Joint;
use super::super::MiniBatch;
use super::Strategy;
use crate::compose::residual::ResidualAt;
use crate::core::simulator::Simulator;
use crate::error::{Error, Result};
use crate::losses::{Batch, SquaredError};
use crate::options::{Validate, plain};
use crate::problem::Problem;

/// θ ↦ R(f(y*; θ), y*), target 0: the network learns to satisfy an equation between x and y*, and P
/// itself is not asked.
///
/// The loss is ½ Σ R². It is in the units of R, whatever the loss that the network is judged
/// by: where R is ∇²y − x, errors of x count that P would smooth away. R sees y* as it is, with
/// its noise; an R that differentiates y* makes the noise larger.
///
/// # Errors
/// [`Error::Unsupported`] if a sample's simulator brings no [`Residual`](crate::Residual).
///
/// # Cost
/// The network once for the batch, and R once for each sample.
///
/// # Source
/// Thuerey et al., *Physics-based Deep Learning*, "Physical loss terms"; Raissi, Perdikaris &
/// Karniadakis, *Physics-informed neural networks* (J. Comput. Phys. 378, 2019), where the
/// network itself is the solution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PhysicsResidual {}

plain!(PhysicsResidual);

impl Validate for PhysicsResidual {
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

impl Strategy for PhysicsResidual {
    fn theta_problem(&self, batch: &MiniBatch<'_>) -> Result<Problem> {
        let residuals = batch
            .samples
            .iter()
            .map(|sample| {
                let simulator = Arc::clone(&sample.simulator);
                let residual = ResidualAt::new(simulator, sample.target.clone())?;
                let residual = residual.ok_or_else(|| missing(&*sample.simulator))?;
                Ok(Arc::new(residual) as Arc<dyn Simulator>)
            })
            .collect::<Result<Vec<_>>>()?;
        let outputs = residuals.first().map_or(0, |r| r.output().len());
        let joint = Joint::with_physics(
            Arc::clone(batch.network),
            batch.inputs(),
            residuals,
            Arc::clone(&batch.clock),
        )?;
        let loss = Batch::new(
            Arc::new(SquaredError::half()),
            outputs,
            batch.samples.len(),
            batch.reduction,
        );
        let zero = vec![0.0; outputs * batch.samples.len()];
        Problem::new(Arc::new(joint), Arc::new(loss), zero)
    }
}

fn missing(simulator: &dyn Simulator) -> Error {
    Error::Unsupported {
        rule: "physics-residual training",
        needs: "a residual R(x, y)",
        simulator: format!("the simulator of the {}", simulator.output().name),
        instead: vec![
            "end-to-end, which runs the physics, or corrected-targets, which inverts it".into(),
        ],
    }
}
