//! The physics behind a network: simulator, loss and local inverse of a training.

use std::sync::Arc;

use super::TrainingSpec;
use super::draw::DrawSpec;
use crate::core::loss::Loss;
use crate::core::simulator::Simulator;
use crate::error::{At, Error, Result};
use crate::inverse::{Inverter, WithInverse};
use crate::registry::{Entry, Registry};
use crate::spec::loss;

/// P and L of a training, with a method's own options.
#[derive(Clone)]
#[non_exhaustive]
pub struct Physics {
    /// P.
    pub simulator: Arc<dyn Simulator>,
    /// L of one sample.
    pub loss: Arc<dyn Loss>,
    /// The name of P in the registry; empty if it is in none.
    pub name: String,
    /// The options of P.
    pub options: toml::Table,
    entry: Option<Entry<Arc<dyn Simulator>>>,
    inverse: Option<Arc<dyn Inverter>>,
}

impl Physics {
    /// The physics of a description, with options of the simulator that go before its own.
    pub(super) fn new(spec: &TrainingSpec, own: &toml::Table, registry: &Registry) -> Result<Self> {
        let entry = *registry.simulator(&spec.simulator.name)?;
        let mut options = spec.simulator.options.clone();
        options.extend(own.clone());
        let simulator = entry.build_in(registry, &options)?;
        Ok(Self {
            name: entry.name.to_owned(),
            options,
            entry: Some(entry),
            ..Self::of(spec, simulator, registry)?
        })
    }

    /// The physics of a description, with a simulator in place of the one that it names.
    pub(super) fn of(
        spec: &TrainingSpec,
        simulator: Arc<dyn Simulator>,
        registry: &Registry,
    ) -> Result<Self> {
        let inverse = spec.inverse.as_ref();
        let inverse = inverse.map(|named| registry.inverses.make(registry, named));
        let inverse = inverse.transpose().inside("inverse")?;
        let simulator = join(simulator, inverse.as_ref());
        let output = simulator.output();
        let loss = loss::between(&spec.loss, output, registry).inside("loss")?;
        loss.check(output.len()).inside("loss")?;
        Ok(Self {
            simulator,
            loss,
            name: String::new(),
            options: toml::Table::new(),
            entry: None,
            inverse,
        })
    }

    /// P for a y*: where samples start from a state of their own, y* is that state.
    ///
    /// # Errors
    /// If P cannot be made of that state.
    pub fn aimed_at(&self, draw: &DrawSpec, target: &[f64]) -> Result<Arc<dyn Simulator>> {
        match draw {
            DrawSpec::States { option, .. } => self.with(option, target),
            _ => Ok(Arc::clone(&self.simulator)),
        }
    }

    /// P with one option changed.
    ///
    /// # Errors
    /// If P has no such option, or is in no registry.
    pub fn with(&self, option: &str, values: &[f64]) -> Result<Arc<dyn Simulator>> {
        let Some(entry) = self.entry else {
            return Err(Error::Config {
                what: "data.draw".to_owned(),
                message: format!(
                    "each state is set as the option '{option}' of the simulator, so that the simulator must be one \
                     of the registry, named with its options"
                ),
            });
        };
        let mut options = self.options.clone();
        let list = values.iter().map(|v| toml::Value::Float(*v)).collect();
        options.insert(option.to_owned(), toml::Value::Array(list));
        Ok(join(entry.build(&options)?, self.inverse.as_ref()))
    }
}

/// The simulator with that inverse in place of its own, if one was chosen.
fn join(simulator: Arc<dyn Simulator>, inverse: Option<&Arc<dyn Inverter>>) -> Arc<dyn Simulator> {
    match inverse {
        Some(inverse) => Arc::new(WithInverse::new(simulator, Arc::clone(inverse))),
        None => simulator,
    }
}
