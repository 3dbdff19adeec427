//! Learning x from pairs.

use std::sync::Arc;

use super::super::Joint;
use super::super::MiniBatch;
use super::super::joint::missing_label;
use super::Strategy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::losses::{Batch, SquaredError};
use crate::options::{Validate, plain};
use crate::problem::Problem;

/// θ ↦ f(y*; θ), target x: the pairs (x, y*) are the data; the simulator is never evaluated.
///
/// The loss is ½ Σ (f − x)², of normalised x where the network's outputs are normalised. Where several x lead to the same y*, the network learns their mean,
/// which may lead nowhere.
///
/// # Source
/// Thuerey et al., *Physics-based Deep Learning*, chapter on supervised training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Supervised {}

plain!(Supervised);

impl Validate for Supervised {
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

impl Strategy for Supervised {
    fn theta_problem(&self, batch: &MiniBatch<'_>) -> Result<Problem> {
        let labels = batch
            .samples
            .iter()
            .enumerate()
            .map(|(i, s)| s.label.as_deref().ok_or_else(|| missing_label(i)))
            .collect::<Result<Vec<_>>>()?
            .concat();
        towards(batch, alone(batch), labels)
    }
}

/// The network without physics, on the batch; where its outputs are scaled to be x, without that.
pub(super) fn alone(batch: &MiniBatch<'_>) -> Joint {
    let network = match batch.network.scaled_output() {
        Some((network, _)) => network,
        None => batch.network,
    };
    Joint::alone(
        Arc::clone(network),
        batch.inputs(),
        Arc::clone(&batch.clock),
    )
}

/// The problem of bringing the network's outputs to given x, compared as the network makes them: what is learned does then not
/// depend on the units of x.
pub(super) fn towards(batch: &MiniBatch<'_>, network: Joint, x: Vec<f64>) -> Result<Problem> {
    let x = match batch.network.scaled_output() {
        Some((_, scaling)) => scaling.scaled("x", &x)?,
        None => x,
    };
    let loss = Batch::new(
        Arc::new(SquaredError::half()),
        batch.network.output().len(),
        batch.samples.len(),
        batch.reduction,
    );
    Problem::new(Arc::new(network), Arc::new(loss), x)
}
