//! The loss of several blocks of data, weighted and added.

use std::ops::Range;
use std::sync::Arc;

use crate::core::loss::{ChiSquared, LogLikelihood, Loss};
use crate::core::noise::NoiseModel;
use crate::error::{Result, expect_length};
use crate::options::not_negative;

/// A loss for each block of y, in a weighted sum: L = Σᵢ wᵢ Lᵢ(yᵢ, yᵢ*).
///
/// It is the loss of a [`Stacked`](crate::Stacked) simulator.
///
/// # Shapes
/// y: the blocks one after the other.
#[derive(Clone)]
pub struct Blocks {
    blocks: Vec<Block>,
}

#[derive(Clone)]
struct Block {
    loss: Arc<dyn Loss>,
    weight: f64,
    range: Range<usize>,
    /// Whether these are data, and no prior.
    is_data: bool,
}

impl Blocks {
    /// The sum of losses of so many outputs each, with their weights.
    ///
    /// # Errors
    /// If a weight is negative or not finite.
    pub fn new(blocks: impl IntoIterator<Item = (Arc<dyn Loss>, usize, f64)>) -> Result<Self> {
        let mut from = 0;
        let mut place = |(loss, outputs, weight)| {
            not_negative("weight", weight)?;
            let range = from..from + outputs;
            from = range.end;
            Ok(Block {
                loss,
                weight,
                range,
                is_data: true,
            })
        };
        let blocks = blocks.into_iter().map(&mut place).collect::<Result<_>>()?;
        Ok(Self { blocks })
    }

    /// The same sum, of which only the first blocks are data.
    pub(crate) fn with_data(mut self, count: usize) -> Self {
        let priors = self.blocks.iter_mut().skip(count);
        priors.for_each(|block| block.is_data = false);
        self
    }

    /// Fills `out` block by block, each times a power of its weight.
    fn fill(&self, out: &mut [f64], power: f64, mut fill: impl FnMut(&Block, &mut [f64])) {
        for block in &self.blocks {
            let out = &mut out[block.range.clone()];
            fill(block, out);
            if block.weight != 1.0 {
                let factor = block.weight.powf(power);
                out.iter_mut().for_each(|o| *o *= factor);
            }
        }
    }
}

impl Loss for Blocks {
    fn formula(&self) -> String {
        let term = |block: &Block| match block.weight {
            1.0 => block.loss.formula(),
            weight => format!("{} · {}", short(weight), block.loss.formula()),
        };
        self.blocks.iter().map(term).collect::<Vec<_>>().join(" + ")
    }
    fn check(&self, outputs: usize) -> Result<()> {
        let whole = self.blocks.last().map_or(0, |block| block.range.end);
        expect_length("the blocks' outputs", outputs, whole)?;
        self.blocks
            .iter()
            .try_for_each(|block| block.loss.check(block.range.len()))
    }
    fn check_target(&self, target: &[f64]) -> Result<()> {
        self.blocks
            .iter()
            .try_for_each(|block| block.loss.check_target(&target[block.range.clone()]))
    }
    fn majorises(&self) -> bool {
        self.blocks.iter().all(|block| block.loss.majorises())
    }
    fn noise(&self) -> NoiseModel<'_> {
        let mut data = self.blocks.iter().filter(|block| block.is_data);
        match (data.next(), data.next()) {
            (None, _) => NoiseModel::Unknown,
            (Some(only), None) => only.loss.noise(),
            (Some(first), Some(second)) => {
                let known = |block: &Block| block.loss.noise().is_known();
                match known(first) && known(second) && data.all(known) {
                    true => NoiseModel::Several,
                    false => NoiseModel::Unknown,
                }
            }
        }
    }
    fn chi_squared(&self, y: &[f64], target: &[f64]) -> Option<ChiSquared> {
        let mut whole = ChiSquared {
            value: 0.0,
            data: 0,
        };
        for Block { loss, range, .. } in self.blocks.iter().filter(|block| block.is_data) {
            let part = loss.chi_squared(&y[range.clone()], &target[range.clone()])?;
            whole.value += part.value;
            whole.data += part.data;
        }
        Some(whole)
    }
    fn levels(&self) -> usize {
        let data = self.blocks.iter().filter(|block| block.is_data);
        data.map(|block| block.loss.levels()).sum()
    }
    fn log_likelihood(&self, y: &[f64], target: &[f64]) -> Option<LogLikelihood> {
        let mut data = self.blocks.iter().filter(|block| block.is_data);
        data.try_fold(LogLikelihood::new(0.0), |sum, Block { loss, range, .. }| {
            let part = loss.log_likelihood(&y[range.clone()], &target[range.clone()]);
            part.map(|part| {
                LogLikelihood::estimated(sum.value + part.value, sum.estimated + part.estimated)
            })
        })
    }
    fn value(&self, y: &[f64], target: &[f64]) -> f64 {
        let value = |block: &Block| {
            let range = block.range.clone();
            block.weight * block.loss.value(&y[range.clone()], &target[range])
        };
        self.blocks.iter().map(value).sum()
    }
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]) {
        self.fill(out, 1.0, |Block { loss, range, .. }, out| {
            loss.gradient(&y[range.clone()], &target[range.clone()], out);
        });
    }
    fn hessian_product(&self, y: &[f64], target: &[f64], dy: &[f64], out: &mut [f64]) {
        self.fill(out, 1.0, |Block { loss, range, .. }, out| {
            let (y, target) = (&y[range.clone()], &target[range.clone()]);
            loss.hessian_product(y, target, &dy[range.clone()], out);
        });
    }
    fn whiten(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.fill(out, 0.5, |Block { loss, range, .. }, out| {
            let (y, target) = (&y[range.clone()], &target[range.clone()]);
            loss.whiten(y, target, &v[range.clone()], out);
        });
    }
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.fill(out, 0.5, |Block { loss, range, .. }, out| {
            let (y, target) = (&y[range.clone()], &target[range.clone()]);
            loss.whiten_transpose(y, target, &v[range.clone()], out);
        });
    }
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()> {
        // The same for any weight.
        self.blocks
            .iter()
            .try_for_each(|Block { loss, range, .. }| {
                let (y, target) = (&y[range.clone()], &target[range.clone()]);
                loss.newton_step(y, target, &mut dy[range.clone()])
            })
    }
}
/// A weight as it was written, or with four digits where it was computed.
fn short(weight: f64) -> String {
    let text = weight.to_string();
    if text.len() <= 8 {
        text
    } else {
        format!("{weight:.3e}")
    }
}
