//! What convolutional networks are made of. A file for each layer.

use super::lanes::Real;
use super::maps::{Maps, Shape};

mod convolution;
mod normalisation;
mod pooling;
mod upsampling;

pub(super) use convolution::Convolution;
pub(super) use normalisation::{BatchNormalisation, Moments};
pub(super) use pooling::Pooling;
pub(super) use upsampling::Upsampling;

/// What a layer keeps of a batch for its derivatives.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(pub Moments);

/// All that the derivatives of a layer may look at.
pub(super) struct Seen<'a, R: Real> {
    pub theta: &'a [f64],
    pub inputs: &'a [&'a Maps<R>],
    pub kept: &'a Kept,
    pub batch: usize,
}

/// One layer of a convolutional network: feature maps to feature maps.
///
/// `theta` is that of the whole network; a layer knows where its own weights lie.
pub(super) trait Layer<R: Real>: Send + Sync {
    /// What it makes.
    fn shape(&self) -> Shape;

    /// Writes every cell of `out`, borders and unused channels included.
    fn forward(&self, theta: &[f64], inputs: &[&Maps<R>], out: &mut Maps<R>, kept: &mut Kept);

    /// The change of the output by those of the inputs (zero where there is none) and of θ.
    fn tangent(
        &self,
        seen: &Seen<'_, R>,
        dinputs: &[Option<&Maps<R>>],
        dtheta: &[f64],
        dout: &mut Maps<R>,
    );

    /// The adjoint of [`tangent`](Layer::tangent): adds to the inputs' and to θ's. Inputs whose place
    /// is `None` are not asked for. `delta` may be overwritten.
    fn adjoint(
        &self,
        seen: &Seen<'_, R>,
        delta: &mut Maps<R>,
        dinputs: &mut [Option<Sink<R>>],
        dtheta: &mut [f64],
    );
}

/// Where an adjoint goes: maps, and whether something was added there before.
pub(super) struct Sink<R: Real> {
    pub maps: Maps<R>,
    pub begun: bool,
}

impl<R: Real> Sink<R> {
    /// Makes the maps zero, unless something was added before.
    pub fn begin(&mut self) {
        if !self.begun {
            self.maps.cells.fill(super::lanes::Cell::zero());
            self.begun = true;
        }
    }
}
