//! The noise of each field: known, left open, or of levels that are parameters.

use std::sync::Arc;

use crate::core::simulator::Simulator;
use crate::error::{At, Error, Result};
use crate::losses::Distribution;
use crate::registry::Registry;
use crate::spec::InversionSpec;
use crate::spec::noise::{FittedNoise, NoiseLevel};
use crate::spec::random::root_mean_square;
use crate::spec::values::Files;

impl InversionSpec {
    /// What is known of the noise of each field.
    pub(super) fn noises(
        &self,
        targets: &[&[f64]],
        shape: &[usize],
        registry: &Registry,
        files: &dyn Files,
    ) -> Result<Vec<FieldNoise>> {
        match self.noise.fitted(shape, files).inside("noise")? {
            Some(fitted) => {
                let fitted = Arc::new(fitted);
                let each = targets
                    .iter()
                    .map(|_| FieldNoise::Fitted(Arc::clone(&fitted)));
                Ok(each.collect())
            }
            None => {
                let levels = self.noise.levels(targets, shape, registry, files);
                let levels = levels.inside("noise")?;
                Ok(levels.into_iter().map(FieldNoise::Level).collect())
            }
        }
    }
}

/// The noise of one field.
pub(super) enum FieldNoise {
    /// As far as it is known.
    Level(NoiseLevel),
    /// Of levels that are parameters.
    Fitted(Arc<FittedNoise>),
}

impl FieldNoise {
    pub(super) fn is_known(&self) -> bool {
        matches!(self, Self::Level(level) if level.known)
    }

    /// Whether the loss says how much a residual counts: by a level that is known or a parameter.
    pub(super) fn is_weighed(&self) -> bool {
        match self {
            Self::Fitted(_) => true,
            Self::Level(level) => level.known || level.loss.noise().is_known(),
        }
    }

    /// Whether nothing is said of it, not even a loss.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Level(level) if level.plain)
    }

    pub(super) fn sigma(&self) -> Option<f64> {
        match self {
            Self::Level(level) => level.sigma,
            Self::Fitted(_) => None,
        }
    }
}

pub(super) fn noise_without_table() -> Error {
    Error::Config {
        what: "noise".to_owned(),
        message: "noise.parameter names a level, and there is no table of parameters".to_owned(),
    }
}

/// Begins noise levels of which no start is said at the root mean square of their residuals at the start.
pub(super) fn begin(
    simulator: &dyn Simulator,
    noise: &FittedNoise,
    levels: &[(usize, usize)],
    target: &[f64],
    x0: &mut [f64],
) {
    let mut y = vec![0.0; target.len()];
    // Where that fails, the run says so.
    if levels.is_empty() || simulator.forward(x0, &mut y).is_err() {
        return;
    }
    for (place, group) in levels {
        let own = noise.groups.iter().zip(y.iter().zip(target));
        let own = own.filter(|(of, (_, target))| **of == *group && !target.is_nan());
        let residual = |(_, (y, target)): (&usize, (&f64, &f64))| match noise.distribution {
            Distribution::Gaussian => y - target,
            Distribution::Proportional => 1.0 - target / y,
            Distribution::LogNormal => (y / target).ln(),
        };
        let residuals: Vec<f64> = own.map(residual).collect();
        let level = root_mean_square(&residuals);
        if level.is_finite() && level > 0.0 {
            x0[*place] = level;
        }
    }
}
