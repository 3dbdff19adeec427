//! Networks whose ends follow from the physics: what a table of options describes.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Activation, Initialisation, Mlp, Network, Precision};
use crate::core::space::Space;
use crate::error::Result;
use crate::memory;
use crate::options::{Validate, plain, require};

/// A kind of network with its options; input and output come from the data.
pub trait Architecture: Send + Sync {
    /// The network from what is seen of a sample to its x.
    ///
    /// # Errors
    /// If the spaces do not suit the kind.
    fn between(&self, input: &Space, output: &Space) -> Result<Arc<dyn Network>>;
    /// Whether it takes an input for a field, with channels or without: those are normalised as a whole, and not cell by cell.
    fn sees_fields(&self) -> bool {
        false
    }
    /// Whether its output is a field.
    fn makes_fields(&self) -> bool {
        false
    }
    /// Whether it sets an output against its input, so that both are to be normalised alike.
    fn compares_ends(&self) -> bool {
        false
    }
}

/// An [`Mlp`] by its hidden layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct Dense {
    /// The widths of the layers between input and output.
    #[setters(into)]
    pub hidden: Vec<usize>,
    /// What follows each of them.
    pub activation: Activation,
    /// How weights are drawn at the start.
    pub initialisation: Initialisation,
    /// In which numbers it computes.
    pub precision: Precision,
}

impl Default for Dense {
    fn default() -> Self {
        Self {
            hidden: vec![20, 20, 20],
            activation: Activation::default(),
            initialisation: Initialisation::default(),
            precision: Precision::F64,
        }
    }
}

plain!(Dense);

impl Validate for Dense {
    fn validate(&self) -> Result<()> {
        require(
            !self.hidden.contains(&0),
            "hidden",
            format!("{:?}", self.hidden),
            "each layer needs 1 neuron or more, for example [20, 20, 20]",
        )
    }
    fn memory(&self) -> f64 {
        // Weights between the hidden layers, with their gradient and a step.
        let weights = self.hidden.windows(2).map(memory::cells).sum::<f64>();
        let neurons: f64 = self.hidden.iter().map(|n| *n as f64).sum();
        memory::numbers(3.0 * (weights + 2.0 * neurons))
    }
}

impl Architecture for Dense {
    fn between(&self, input: &Space, output: &Space) -> Result<Arc<dyn Network>> {
        let mut widths = vec![input.len()];
        widths.extend(&self.hidden);
        widths.push(output.len());
        let network = Mlp::new(widths)?
            .with_activation(self.activation)
            .with_initialisation(self.initialisation)
            .with_precision(self.precision);
        Ok(Arc::new(network))
    }
}
