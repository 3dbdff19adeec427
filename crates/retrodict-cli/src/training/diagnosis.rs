//! What is looked at while a network learns: singular values of J, and how busy the neurons are.

use std::sync::Arc;

use retrodict::linalg::svd;
use retrodict::training::{Clock, Joint, Sample};
use retrodict::{Network, Simulator};
use serde::{Deserialize, Serialize};

/// J is decomposed up to so many rows, and so many values in all.
const MOST_ROWS: usize = 400;
const MOST_VALUES: usize = 2_000_000;

/// The share of saturated values from which on a layer is named; of a relu layer half is usual.
pub(super) const SATURATED: f64 = 0.8;

/// What was seen, epoch by epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The singular values of J = ∂y/∂θ of a mini-batch, largest first, after some epochs.
    pub spectra: Vec<(u64, Vec<f64>)>,
    /// The activation layers after some epochs.
    pub activity: Vec<(u64, Vec<Layer>)>,
}

/// How busy the neurons of a layer were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Its name, for example `tanh2`.
    pub name: String,
    /// The share of values at which the activation's slope nearly vanishes.
    pub saturated: f64,
    /// The mean value.
    pub mean: f64,
    /// The standard deviation.
    pub spread: f64,
}

impl Diagnosis {
    /// Whether an epoch is looked at: the first ones, then ever fewer.
    pub fn wants(epoch: u64) -> bool {
        epoch < 2
            || epoch.is_power_of_two()
            || epoch.is_multiple_of(3) && (epoch / 3).is_power_of_two()
    }

    /// Looks at a θ.
    pub fn look(
        &mut self,
        epoch: u64,
        network: &Arc<dyn Network>,
        theta: &[f64],
        batch: &[Arc<Sample>],
    ) -> retrodict::Result<()> {
        if batch.is_empty() || self.activity.last().is_some_and(|(e, _)| *e >= epoch) {
            return Ok(());
        }
        let inputs: Vec<f64> = batch.iter().flat_map(|s| s.input.iter().copied()).collect();
        let mut outputs = vec![0.0; batch.len() * network.output().len()];
        let map = network.linearize(theta, &inputs, &mut outputs)?;
        let layers = map.activations().into_iter().map(|a| Layer {
            name: a.layer,
            saturated: a.saturated,
            mean: a.mean,
            spread: a.spread,
        });
        self.activity.push((epoch, layers.collect()));
        drop(map);
        let width = batch.first().map_or(1, |s| s.target.len()).max(1);
        let rows = MOST_ROWS.min(MOST_VALUES / network.parameters().max(1));
        let some = &batch[..batch.len().min(rows / width)];
        if some.is_empty() {
            return Ok(());
        }
        let inputs = some.iter().flat_map(|s| s.input.iter().copied()).collect();
        let physics = some.iter().map(|s| Arc::clone(&s.simulator)).collect();
        let clock = Arc::new(Clock::default());
        let joint = Joint::with_physics(Arc::clone(network), inputs, physics, clock)?;
        let mut y = vec![0.0; joint.output().len()];
        // A network that exploded has no J to speak of.
        if let Ok(parts) = joint
            .linearize(theta, &mut y)
            .and_then(|map| map.dense())
            .and_then(|j| svd(&j))
        {
            self.spectra.push((epoch, parts.s));
        }
        Ok(())
    }

    /// The layers that do hardly anything any more, as they were at the last look.
    pub fn saturated(&self) -> Vec<&Layer> {
        let last = self.activity.last();
        last.into_iter()
            .flat_map(|(_, layers)| layers)
            .filter(|layer| layer.saturated > SATURATED)
            .collect()
    }
}
