//! The loss of a mini-batch: one loss, summed or averaged over samples.

use std::sync::Arc;

use crate::core::loss::Loss;
use crate::error::{Result, expect_length};

/// A loss for each sample of a batch, averaged or summed over it: L = s Σₙ ℓ(yₙ, yₙ*).
///
/// A gradient with Adam hardly sees s; a half-inverse step does, so published settings
/// belong to one choice of it.
///
/// # Shapes
/// y: the samples' outputs one after the other.
#[derive(Clone)]
pub struct Batch {
    loss: Arc<dyn Loss>,
    outputs: usize,
    factor: f64,
    mean: bool,
}

/// How the losses of a batch become one.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reduction {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

impl Batch {
    /// The loss of `samples` samples with `outputs` values each.
    pub fn new(loss: Arc<dyn Loss>, outputs: usize, samples: usize, reduction: Reduction) -> Self {
        let mean = reduction == Reduction::Mean;
        Self {
            loss,
            outputs: outputs.max(1),
            factor: if mean {
                1.0 / samples.max(1) as f64
            } else {
                1.0
            },
            mean,
        }
    }

    /// Fills `out` sample by sample, and scales it.
    fn each(
        &self,
        out: &mut [f64],
        factor: f64,
        mut fill: impl FnMut(std::ops::Range<usize>, &mut [f64]) -> Result<()>,
    ) -> Result<()> {
        for (n, out) in out.chunks_mut(self.outputs).enumerate() {
            let from = n * self.outputs;
            fill(from..from + out.len(), out)?;
            out.iter_mut().for_each(|o| *o *= factor);
        }
        Ok(())
    }

    /// As `each`, for what cannot fail.
    fn fill(
        &self,
        out: &mut [f64],
        factor: f64,
        mut fill: impl FnMut(std::ops::Range<usize>, &mut [f64]),
    ) {
        // The closure returns no error, so neither does `each`.
        let _ = self.each(out, factor, |range, out| {
            fill(range, out);
            Ok(())
        });
    }
}

impl Loss for Batch {
    fn formula(&self) -> String {
        let over = if self.mean { "mean" } else { "Σ" };
        format!("{over} over the batch of {}", self.loss.formula())
    }
    fn check(&self, outputs: usize) -> Result<()> {
        let whole = outputs / self.outputs * self.outputs;
        expect_length("the batch's outputs", outputs, whole)?;
        self.loss.check(self.outputs)
    }
    fn degree(&self) -> i32 {
        self.loss.degree()
    }
    fn value(&self, y: &[f64], target: &[f64]) -> f64 {
        let pairs = y.chunks(self.outputs).zip(target.chunks(self.outputs));
        self.factor * pairs.map(|(y, t)| self.loss.value(y, t)).sum::<f64>()
    }
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]) {
        self.fill(out, self.factor, |r, out| {
            self.loss.gradient(&y[r.clone()], &target[r], out);
        });
    }
    fn hessian_product(&self, y: &[f64], target: &[f64], dy: &[f64], out: &mut [f64]) {
        self.fill(out, self.factor, |r, out| {
            self.loss
                .hessian_product(&y[r.clone()], &target[r.clone()], &dy[r], out);
        });
    }
    fn whiten(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.fill(out, self.factor.sqrt(), |r, out| {
            self.loss
                .whiten(&y[r.clone()], &target[r.clone()], &v[r], out);
        });
    }
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.fill(out, self.factor.sqrt(), |r, out| {
            self.loss
                .whiten_transpose(&y[r.clone()], &target[r.clone()], &v[r], out);
        });
    }
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()> {
        // The same for any factor.
        self.each(dy, 1.0, |r, dy| {
            self.loss.newton_step(&y[r.clone()], &target[r], dy)
        })
    }
}
