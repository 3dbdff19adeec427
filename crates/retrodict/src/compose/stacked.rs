//! Several simulators of one x, their outputs one after the other.

use std::ops::Range;
use std::sync::Arc;

use crate::core::description::{Approximation, Description};
use crate::core::simulator::{SecondOrder, Simulator};
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
    output: Space,
    description: Description,
    /// Whether the parts bring all second derivatives that there are.
    curvature_known: bool,
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
        let described: Vec<Description> = parts.iter().map(|part| part.describe()).collect();
        let known = |(part, described): (&Arc<dyn Simulator>, &Description)| {
            described.linear || part.second_order().is_some()
        };
        let curvature_known = parts.iter().zip(&described).all(known);
        let description = of_parts(described);
        let first = parts[0].output();
        let same = parts.iter().all(|part| part.output().unit == first.unit);
        let shape = match &description.series {
            Some(series) => vec![series.times.len(), series.columns.len()],
            None => vec![from],
        };
        Ok(Self {
            output: Space::new(&first.name, &shape, if same { &first.unit } else { "1" }),
            parts,
            ranges,
            inputs,
            description,
            curvature_known,
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

/// What is told of several simulators, of all of them together.
fn of_parts(described: Vec<Description>) -> Description {
    let mut whole: Option<Description> = None;
    let mut approximations = Vec::new();
    for part in described {
        let Description {
            typical,
            series,
            labels,
            stands_for,
            linear,
            approximation,
            keeps_trajectory,
        } = part;
        approximations.extend(approximation);
        whole = Some(match whole {
            None => Description {
                typical,
                series,
                labels,
                stands_for,
                linear,
                approximation: None,
                keeps_trajectory,
            },
            // Of one x: what the first says of it counts, or whoever says it.
            Some(before) => Description {
                typical: before.typical,
                series: before.series.zip(series).and_then(|(a, b)| a.and_then(b)),
                labels: before.labels.or(labels),
                stands_for: before.stands_for.or(stands_for),
                linear: before.linear && linear,
                approximation: None,
                keeps_trajectory: before.keeps_trajectory || keeps_trajectory,
            },
        });
    }
    whole
        .unwrap_or_default()
        .with_approximation(Approximation::of_all(approximations))
}

impl Simulator for Stacked {
    fn input(&self) -> &Space {
        self.parts[0].input()
    }
    fn output(&self) -> &Space {
        &self.output
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
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        (!self.description.linear && self.curvature_known).then_some(self)
    }
    fn describe(&self) -> Description {
        self.description.clone()
    }
    fn seen_at(&self, places: &[usize]) -> Option<Arc<dyn Simulator>> {
        let mut knows = false;
        let parts = self.parts().map(|(part, range)| {
            let own = places.iter().filter(|place| range.contains(place));
            let own: Vec<usize> = own.map(|place| place - range.start).collect();
            let seen = part.seen_at(&own);
            knows |= seen.is_some();
            seen.unwrap_or_else(|| Arc::clone(part))
        });
        let parts = parts.collect();
        knows.then(|| -> Arc<dyn Simulator> {
            Arc::new(Self {
                parts,
                ..self.clone()
            })
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
