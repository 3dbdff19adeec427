//! Networks f(·; θ) over one flat θ, batch in, batch out.
//!
//! A layer knows forward, J·, Jᵀ· and its share of the Gram matrix of ∂f/∂θ, so that network and
//! physics can be inverted jointly.

use std::ops::Range;
use std::sync::Arc;

use crate::core::space::Space;
use crate::error::Result;
use crate::linalg::Matrix;

mod activation;
mod architecture;
mod convolutional;
mod lanes;
mod layers;
mod maps;
mod mean_kept;
mod mlp;
mod precision;
mod rows;
mod scaled;
mod standardisation;
mod trained;
mod unet;

pub use activation::Activation;
pub use architecture::{Architecture, Dense};
pub use maps::Padding;
pub use mean_kept::MeanKept;
pub use mlp::{Initialisation, Mlp};
pub use precision::Precision;
pub use scaled::{ScaledInput, ScaledOutput};
pub use standardisation::Standardisation;
pub(crate) use standardisation::no_logarithm;
pub use trained::TrainedNetwork;
pub use unet::UNet;

/// A network: outputs = f(inputs; θ), for a batch of samples, one after the other.
///
/// # Shapes
/// `theta` has [`parameters`](Network::parameters) values. `inputs` has a multiple of
/// [`input`](Network::input)`().len()` values; their ratio is the batch size, and `outputs` has so
/// many times [`output`](Network::output)`().len()` values.
///
/// # Units
/// Interfaces are `f64`. A network may compute inside in `f32`, where its options say so.
pub trait Network: Send + Sync {
    /// The space of one sample's input.
    fn input(&self) -> &Space;
    /// The space of one sample's output.
    fn output(&self) -> &Space;
    /// The length of θ.
    fn parameters(&self) -> usize;
    /// Where in θ each array of weights lies, in order and without gaps.
    fn weights(&self) -> Vec<Weight>;
    /// θ to start from: the same for the same seed.
    fn initial(&self, seed: u64) -> Vec<f64>;

    /// Whether [`NetworkMap::gram`] makes J on the way, so that it takes no less memory than J does.
    fn gram_needs_jacobian(&self) -> bool {
        false
    }

    /// The outputs of a batch, with the batch's own statistics where a layer normalises.
    ///
    /// # Errors
    /// If a length is wrong.
    fn forward(&self, theta: &[f64], inputs: &[f64], outputs: &mut [f64]) -> Result<()>;

    /// Evaluates a batch once, so that ∂f/∂θ can be applied many times. The outputs have the bits of
    /// [`forward`](Network::forward), and the map owns what it needs.
    ///
    /// # Errors
    /// As [`forward`](Network::forward).
    fn linearize(
        &self,
        theta: &[f64],
        inputs: &[f64],
        outputs: &mut [f64],
    ) -> Result<Box<dyn NetworkMap>>;

    /// The network in front of a scaling of its outputs, and the scaling, where the last thing is one: what compares x compares
    /// it as the network makes it, without units.
    fn scaled_output(&self) -> Option<(&Arc<dyn Network>, &Standardisation)> {
        None
    }

    /// Where each array of the statistics of normalising layers lies, in order and without gaps; none where no layer
    /// normalises.
    fn statistics_layout(&self) -> Vec<Weight> {
        Vec::new()
    }

    /// What the normalising layers saw in a batch: means and variances, as [`statistics_layout`](Self::statistics_layout)
    /// says.
    ///
    /// # Errors
    /// As [`forward`](Network::forward).
    fn statistics(&self, _theta: &[f64], _inputs: &[f64]) -> Result<Vec<f64>> {
        Ok(Vec::new())
    }

    /// The outputs with given statistics instead of the batch's own: a sample's output does then
    /// not depend on its neighbours.
    ///
    /// # Errors
    /// As [`forward`](Network::forward).
    fn predict(
        &self,
        theta: &[f64],
        _statistics: &[f64],
        inputs: &[f64],
        outputs: &mut [f64],
    ) -> Result<()> {
        self.forward(theta, inputs, outputs)
    }
}

/// One array of weights within θ.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Weight {
    /// Its name, for example `dense1.weight`.
    pub name: String,
    /// Its shape, slowest axis first.
    pub shape: Vec<usize>,
    /// Where it lies in θ.
    pub range: Range<usize>,
}

/// ∂f/∂θ of a batch at a fixed θ, as an operator.
///
/// # Shapes
/// `dtheta` is as long as θ, `doutputs` as the batch's outputs.
pub trait NetworkMap: Send + Sync {
    /// doutputs = ∂f/∂θ dθ.
    ///
    /// # Errors
    /// If a length is wrong.
    fn apply(&self, dtheta: &[f64], doutputs: &mut [f64]) -> Result<()>;
    /// dθ = (∂f/∂θ)ᵀ doutputs.
    ///
    /// # Errors
    /// If a length is wrong.
    fn apply_transpose(&self, doutputs: &[f64], dtheta: &mut [f64]) -> Result<()>;
    /// out = (∂f/∂θ)(∂f/∂θ)ᵀ doutputs; `scratch` has the length of θ; its contents on entry are ignored.
    ///
    /// # Errors
    /// If a length is wrong.
    ///
    /// # Cost
    /// A product with the transpose and one with ∂f/∂θ, unless a network knows better.
    fn apply_gram(&self, doutputs: &[f64], scratch: &mut [f64], out: &mut [f64]) -> Result<()> {
        self.apply_transpose(doutputs, scratch)?;
        self.apply(scratch, out)
    }
    /// The Gram matrix A (∂f/∂θ)(∂f/∂θ)ᵀ Aᵀ in `f64`, where A is block diagonal: for each sample the
    /// Jacobian ∂y/∂x (rows × outputs) of what follows, or the identity where `physics` is `None`.
    ///
    /// # Errors
    /// If a shape is wrong.
    ///
    /// # Cost
    /// For a dense layer of a × b weights and m rows in all: m² (a + b) multiplications at most.
    fn gram(&self, physics: Option<&[Matrix]>) -> Result<Matrix>;
    /// A (∂f/∂θ) itself, with A as in [`gram`](NetworkMap::gram): a row for each row of A.
    ///
    /// # Errors
    /// If a shape is wrong.
    ///
    /// # Cost
    /// A transposed product for each row; override it where a sample's rows can do with less.
    fn jacobian(&self, physics: Option<&[Matrix]>) -> Result<Matrix>;
    /// The length of the batch's outputs.
    fn outputs(&self) -> usize;
    /// What each activation layer did in this batch.
    fn activations(&self) -> Vec<Activity>;
}

/// How busy the neurons of one activation layer were in a batch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Activity {
    /// The layer's name, for example `tanh2`.
    pub layer: String,
    /// The share of values (neurons times samples) at which the activation's slope is below 0.05 of
    /// its largest.
    pub saturated: f64,
    /// The mean value.
    pub mean: f64,
    /// The standard deviation.
    pub spread: f64,
}
