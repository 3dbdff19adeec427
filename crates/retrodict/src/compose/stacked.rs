//! Several simulators of one x, their outputs one after the other.

use std::ops::Range;
use std::sync::Arc;

use crate::core::simulator::{Approximation, SecondOrder, Simulator, Typical};
use crate::core::space::Space;
use crate::error::{Result, expect_length};
use crate::linalg::LinearMap;
use crate::linalg::Matrix;
use crate::options::require;

/// x ↦ (P₁(x), P₂(x), …): several observations of one system, or data and what is known before.
///
/// # Shapes
/// x: as for every part. y: the outputs of the parts one after the other.
///
/// # Cost
/// That of all parts.
#[derive(Clone)]
pub struct Stacked {
    parts: Vec<Arc<dyn Simulator>>,
    ranges: Vec<Range<usize>>,
    inputs: usize,
}

impl Stacked {
    /// Puts simulators of one x together.
    ///
    /// # Errors
    /// If there is none, or their inputs differ in length.
    pub fn new(parts: Vec<Arc<dyn Simulator>>) -> Result<Self> {
        let allowed = "it needs at least one simulator";
        require(!parts.is_empty(), "stacked", "no simulator", allowed)?;
        let inputs = parts[0].input().len();
        let mut ranges = Vec::with_capacity(parts.len());
        let mut from = 0;
        for part in &parts {
            let what = format!("the input of {}", part.output().name);
            expect_length(&what, part.input().len(), inputs)?;
            let to = from + part.output().len();
            ranges.push(from..to);
            from = to;
        }
        Ok(Self {
            parts,
            ranges,
            inputs,
        })
    }

    /// Each part with its place in y.
    pub fn parts(&self) -> impl Iterator<Item = (&Arc<dyn Simulator>, Range<usize>)> {
        self.parts.iter().zip(self.ranges.iter().cloned())
    }

    fn outputs(&self) -> usize {
        self.ranges.last().map_or(0, |range| range.end)
    }
}

impl Simulator for Stacked {
    fn input(&self) -> Space {
        self.parts[0].input()
    }
    fn output(&self) -> Space {
        let first = self.parts[0].output();
        let same = self
            .parts
            .iter()
            .all(|part| part.output().unit == first.unit);
        let unit = if same { &first.unit } else { "1" };
        Space::new(&first.name, &[self.outputs()], unit)
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.parts()
            .try_for_each(|(part, range)| part.forward(x, &mut y[range]))
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.parts()
            .try_for_each(|(part, range)| part.jvp(x, dx, &mut dy[range]))
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let parts = self.parts();
        sum(parts, dx, |(part, range), dx| part.vjp(x, &dy[range], dx))
    }
    fn linearize<'a>(&'a self, x: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'a>> {
        let maps = self
            .parts()
            .map(|(part, range)| part.linearize(x, &mut y[range]));
        Ok(Box::new(StackedMap {
            maps: maps.collect::<Result<_>>()?,
            stacked: self,
        }))
    }
    fn keeps_trajectory(&self) -> bool {
        self.parts.iter().any(|part| part.keeps_trajectory())
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        let brings = |part: &Arc<dyn Simulator>| part.is_linear() || part.second_order().is_some();
        (!self.is_linear() && self.parts.iter().all(brings)).then_some(self)
    }
    fn typical(&self) -> Typical {
        self.parts[0].typical()
    }
    fn labels(&self) -> Option<Vec<(String, String)>> {
        self.parts.iter().find_map(|part| part.labels())
    }
    fn is_linear(&self) -> bool {
        self.parts.iter().all(|part| part.is_linear())
    }
    /// The worst of the parts', and all that they say.
    fn approximation(&self) -> Option<Approximation> {
        let parts = self.parts.iter().filter_map(|part| part.approximation());
        parts.reduce(|one, other| Approximation {
            error: one.error.max(other.error),
            note: format!("{}; {}", one.note, other.note),
        })
    }
}

impl SecondOrder for Stacked {
    fn vjp_derivative(&self, x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
        let curved = self
            .parts()
            .filter_map(|(part, range)| Some((part.second_order()?, range)));
        sum(curved, out, |(part, range), out| {
            part.vjp_derivative(x, &dy[range], dx, out)
        })
    }
}

/// out = the sum of what `write` makes of each item.
fn sum<T>(
    items: impl Iterator<Item = T>,
    out: &mut [f64],
    mut write: impl FnMut(T, &mut [f64]) -> Result<()>,
) -> Result<()> {
    out.fill(0.0);
    let mut term = vec![0.0; out.len()];
    for item in items {
        write(item, &mut term)?;
        out.iter_mut().zip(&term).for_each(|(o, t)| *o += t);
    }
    Ok(())
}

struct StackedMap<'a> {
    maps: Vec<Box<dyn LinearMap + Send + 'a>>,
    stacked: &'a Stacked,
}

impl StackedMap<'_> {
    fn parts(&self) -> impl Iterator<Item = (&dyn LinearMap, Range<usize>)> {
        let ranges = self.stacked.ranges.iter().cloned();
        self.maps
            .iter()
            .map(|map| &**map as &dyn LinearMap)
            .zip(ranges)
    }
}

impl LinearMap for StackedMap<'_> {
    fn inputs(&self) -> usize {
        self.stacked.inputs
    }
    fn outputs(&self) -> usize {
        self.stacked.outputs()
    }
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.parts()
            .try_for_each(|(map, range)| map.apply(dx, &mut dy[range]))
    }
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        sum(self.parts(), dx, |(map, range), dx| {
            map.apply_transpose(&dy[range], dx)
        })
    }
    fn dense(&self) -> Result<Matrix> {
        let mut whole = Matrix::zeros(self.outputs(), self.inputs());
        for (map, range) in self.parts() {
            let part = map.dense()?;
            for (i, row) in range.enumerate() {
                whole.row_mut(row).copy_from_slice(part.row(i));
            }
        }
        Ok(whole)
    }
    fn noise(&self) -> Option<Vec<f64>> {
        let mut whole = None;
        for (map, range) in self.parts() {
            if let Some(part) = map.noise() {
                let whole = whole.get_or_insert_with(|| vec![0.0; self.outputs()]);
                whole[range].copy_from_slice(&part);
            }
        }
        whole
    }
    fn look_for_noise(&self) -> Result<u64> {
        let parts = self.parts().map(|(map, _)| map.look_for_noise());
        parts.sum()
    }
    fn errors(&self, measure: bool) -> Result<Option<Matrix>> {
        let mut whole = None;
        for (map, range) in self.parts() {
            let Some(part) = map.errors(measure)? else {
                continue;
            };
            let whole =
                whole.get_or_insert_with(|| Matrix::zeros(self.outputs(), self.stacked.inputs));
            for (i, row) in range.enumerate() {
                whole.row_mut(row).copy_from_slice(part.row(i));
            }
        }
        Ok(whole)
    }
    fn expect_products(&self, count: usize) -> Result<()> {
        self.maps
            .iter()
            .try_for_each(|map| map.expect_products(count))
    }
}
