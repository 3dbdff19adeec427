//! The map that leaves x as it is.

use crate::core::description::Description;
use crate::core::simulator::{LocalInverse, Simulator};
use crate::core::space::Space;
use crate::error::Result;

/// R(x) = x.
#[derive(Debug, Clone)]
pub(super) struct Identity(pub(super) Space);

impl Simulator for Identity {
    fn input(&self) -> &Space {
        &self.0
    }
    fn output(&self) -> &Space {
        &self.0
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        y.copy_from_slice(x);
        Ok(())
    }
    fn jvp(&self, _x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.forward(dx, dy)
    }
    fn vjp(&self, _x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.forward(dy, dx)
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        Some(self)
    }
    fn describe(&self) -> Description {
        Description::default().with_linear(true)
    }
}

impl LocalInverse for Identity {
    fn invert_near(&self, y: &[f64], _x0: &[f64], x: &mut [f64]) -> Result<()> {
        x.copy_from_slice(y);
        Ok(())
    }
}
