//! The loss of several blocks of data, weighted and added.

use std::borrow::Cow;
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
    /// Where its noise levels are, if these are unknowns that do not stand right behind its data.
    levels: Range<usize>,
    /// Whether these are data, and no prior.
    is_data: bool,
}

impl Block {
    /// What the loss of the block sees of y: its data, then its noise levels.
    fn part<'a>(&self, whole: &'a [f64]) -> Cow<'a, [f64]> {
        let data = &whole[self.range.clone()];
        match self.levels.is_empty() {
            true => Cow::Borrowed(data),
            false => Cow::Owned([data, &whole[self.levels.clone()]].concat()),
        }
    }

    /// Changes what the loss of the block sees of `whole`.
    fn change(&self, whole: &mut [f64], change: impl FnOnce(&mut [f64])) {
        if self.levels.is_empty() {
            return change(&mut whole[self.range.clone()]);
        }
        let mut part = self.part(whole).into_owned();
        change(&mut part);
        let (data, levels) = part.split_at(self.range.len());
        whole[self.range.clone()].copy_from_slice(data);
        whole[self.levels.clone()].copy_from_slice(levels);
    }
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
                levels: 0..0,
                is_data: true,
            })
        };
        let blocks = blocks.into_iter().map(&mut place).collect::<Result<_>>()?;
        Ok(Self { blocks })
    }

    /// The sum of losses of so many outputs each, where the noise levels of all of them stand behind the data of all.
    pub(crate) fn with_levels_last(
        blocks: impl IntoIterator<Item = (Arc<dyn Loss>, usize)>,
    ) -> Result<Self> {
        let blocks: Vec<_> = blocks.into_iter().collect();
        let data = |(loss, outputs): &(Arc<dyn Loss>, usize)| outputs - loss.levels();
        let mut from: usize = blocks.iter().map(data).sum();
        let plain = blocks
            .iter()
            .map(|block| (Arc::clone(&block.0), data(block), 1.0));
        let mut whole = Self::new(plain)?;
        for block in &mut whole.blocks {
            block.levels = from..from + block.loss.levels();
            from = block.levels.end;
        }
        Ok(whole)
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
            block.change(out, |out| {
                fill(block, out);
                if block.weight != 1.0 {
                    let factor = block.weight.powf(power);
                    out.iter_mut().for_each(|o| *o *= factor);
                }
            });
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
        let end = |block: &Block| block.range.end.max(block.levels.end);
        let whole = self.blocks.iter().map(end).max().unwrap_or(0);
        expect_length("the blocks' outputs", outputs, whole)?;
        let length = |block: &Block| block.range.len() + block.levels.len();
        self.blocks
            .iter()
            .try_for_each(|block| block.loss.check(length(block)))
    }
    fn check_target(&self, target: &[f64]) -> Result<()> {
        self.blocks
            .iter()
            .try_for_each(|block| block.loss.check_target(&block.part(target)))
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
        // Where a level is an unknown there is none, and y may be that of the data alone.
        if self.levels() > 0 {
            return None;
        }
        for block in self.blocks.iter().filter(|block| block.is_data) {
            let part = block
                .loss
                .chi_squared(&block.part(y), &block.part(target))?;
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
        data.try_fold(LogLikelihood::new(0.0), |sum, block| {
            let part = block
                .loss
                .log_likelihood(&block.part(y), &block.part(target))?;
            let estimated = sum.estimated + part.estimated;
            Some(LogLikelihood::estimated(sum.value + part.value, estimated))
        })
    }
    fn value(&self, y: &[f64], target: &[f64]) -> f64 {
        let value =
            |block: &Block| block.weight * block.loss.value(&block.part(y), &block.part(target));
        self.blocks.iter().map(value).sum()
    }
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]) {
        self.fill(out, 1.0, |block, out| {
            let (y, target) = (block.part(y), block.part(target));
            block.loss.gradient(&y, &target, out);
        });
    }
    fn hessian_product(&self, y: &[f64], target: &[f64], dy: &[f64], out: &mut [f64]) {
        self.fill(out, 1.0, |block, out| {
            let (y, target) = (block.part(y), block.part(target));
            block
                .loss
                .hessian_product(&y, &target, &block.part(dy), out);
        });
    }
    fn whiten(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.fill(out, 0.5, |block, out| {
            let (y, target) = (block.part(y), block.part(target));
            block.loss.whiten(&y, &target, &block.part(v), out);
        });
    }
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.fill(out, 0.5, |block, out| {
            let (y, target) = (block.part(y), block.part(target));
            block
                .loss
                .whiten_transpose(&y, &target, &block.part(v), out);
        });
    }
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()> {
        // The same for any weight.
        self.blocks.iter().try_for_each(|block| {
            let (y, target) = (block.part(y), block.part(target));
            let mut done = Ok(());
            block.change(dy, |dy| done = block.loss.newton_step(&y, &target, dy));
            done
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
