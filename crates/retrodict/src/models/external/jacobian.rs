//! J of an external model at one x, computed at first use and cached.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::noise;
use super::{DenseJacobian, Differences, External, Model};
use crate::error::{Result, expect_length};
use crate::linalg::LinearMap;
use crate::linalg::Matrix;

/// J(x): products that the model offers, and J itself for all else.
pub(super) struct JacobianAt<'a> {
    external: &'a External,
    x: Vec<f64>,
    y: Vec<f64>,
    dense: OnceLock<DenseJacobian>,
    /// The noise of y, once it was measured; nothing if it could not be.
    noise: OnceLock<Option<Vec<f64>>>,
}

impl<'a> JacobianAt<'a> {
    pub(super) fn new(external: &'a External, x: Vec<f64>, y: Vec<f64>) -> Self {
        Self {
            external,
            x,
            y,
            dense: OnceLock::new(),
            noise: OnceLock::new(),
        }
    }

    fn found(&self) -> Result<&DenseJacobian> {
        if let Some(dense) = self.dense.get() {
            return Ok(dense);
        }
        let found = self.external.dense(&self.x, &self.y)?;
        Ok(self.dense.get_or_init(|| found))
    }

    fn matrix(&self) -> Result<&Matrix> {
        Ok(match self.found()? {
            DenseJacobian::Exact(matrix) => matrix,
            DenseJacobian::Differences(found) => &found.jacobian,
        })
    }

    /// Measures the noise of y around x; returns the number of evaluations.
    fn measure(&self) -> Result<u64> {
        let usual: Vec<f64>;
        let steps = match self.dense.get() {
            Some(DenseJacobian::Differences(found)) => found.steps(),
            _ => {
                usual = Differences::default().usual_steps(&self.x);
                &usual
            }
        };
        let asked = AtomicU64::new(0);
        let evaluate = |x: &[f64]| {
            asked.fetch_add(1, Ordering::Relaxed);
            self.external.evaluate(x)
        };
        let at_once = self.external.at_once();
        let measured = noise::around(&self.x, &self.y, steps, at_once, &evaluate)?;
        self.noise.get_or_init(|| measured);
        Ok(asked.into_inner())
    }

    /// Whether J is there already and as good as what the model offers.
    fn is_kept(&self) -> bool {
        matches!(self.dense.get(), Some(DenseJacobian::Exact(_)))
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
        if self.external.offers.jvp && !self.is_kept() {
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
        if self.external.offers.vjp && !self.is_kept() {
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
    fn noise(&self) -> Option<Vec<f64>> {
        let seen = match self.dense.get() {
            Some(DenseJacobian::Differences(found)) => found.noise(),
            _ => noise::of_many(&self.y),
        };
        let measured = || {
            let measured = self.noise.get()?.as_ref()?;
            noise::is_beyond_round_off(measured, &self.y).then(|| measured.clone())
        };
        seen.or_else(measured)
    }
    fn look_for_noise(&self) -> Result<u64> {
        if self.noise.get().is_some() || self.noise().is_some() {
            return Ok(0);
        }
        self.measure()
    }
    fn errors(&self, measure: bool) -> Result<Option<Matrix>> {
        let DenseJacobian::Differences(found) = self.found()? else {
            return Ok(None);
        };
        if measure && self.noise.get().is_none() && found.noise().is_none() {
            self.measure()?;
        }
        let noise = self.noise.get().and_then(Option::as_deref);
        Ok(Some(found.errors(noise)))
    }
}
