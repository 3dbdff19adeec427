//! J at one x of a model outside, found at first use and kept.

use std::sync::OnceLock;

use super::{External, Model};
use crate::error::{Result, expect_length};
use crate::linalg::Matrix;
use crate::simulator::LinearMap;

/// J(x): products that the model offers, and J itself for all else.
pub(super) struct JacobianAt<'a> {
    external: &'a External,
    x: Vec<f64>,
    y: Vec<f64>,
    dense: OnceLock<Matrix>,
}

impl<'a> JacobianAt<'a> {
    pub(super) fn new(external: &'a External, x: Vec<f64>, y: Vec<f64>) -> Self {
        Self {
            external,
            x,
            y,
            dense: OnceLock::new(),
        }
    }

    fn matrix(&self) -> Result<&Matrix> {
        if let Some(dense) = self.dense.get() {
            return Ok(dense);
        }
        let found = self.external.dense(&self.x, &self.y)?;
        Ok(self.dense.get_or_init(|| found))
    }

    /// J, if it is there already and as good as what the model offers.
    fn kept(&self) -> Option<&Matrix> {
        self.dense.get().filter(|_| self.external.exact().is_some())
    }
}

impl LinearMap for JacobianAt<'_> {
    fn inputs(&self) -> usize {
        self.external.inputs
    }
    fn outputs(&self) -> usize {
        self.external.outputs
    }
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        expect_length("dx", dx.len(), self.inputs())?;
        if self.external.offers.jvp && self.kept().is_none() {
            let ask = |model: &dyn Model| model.jvp(&self.x, dx);
            let found = self.external.ask_rows("J dx", 1, &self.x, ask)?;
            dy.copy_from_slice(&self.external.silenced(1, found));
        } else {
            self.matrix()?.apply(dx, dy);
        }
        Ok(())
    }
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        expect_length("dy", dy.len(), self.outputs())?;
        if self.external.offers.vjp && self.kept().is_none() {
            let ask = |model: &dyn Model| model.vjp(&self.x, dy);
            dx.copy_from_slice(&self.external.ask("Jᵀ dy", dx.len(), &self.x, ask)?);
        } else {
            self.matrix()?.apply_transpose(dy, dx);
        }
        Ok(())
    }
    fn dense(&self) -> Result<Matrix> {
        self.matrix().cloned()
    }
}
