//! What a problem is made of, taken apart and joined again.

use std::sync::Arc;

use std::ops::Range;

use super::Problem;
use crate::compose::bounds::{Bounds, BoundsBox};
use crate::compose::constraints::LinearConstraints;
use crate::compose::polyhedron::Polyhedron;
use crate::compose::stacked::Stacked;
use crate::compose::transformed::Transformed;
use crate::core::loss::Loss;
use crate::core::simulator::Simulator;
use crate::core::transform::Transform;
use crate::error::Result;
use crate::losses::Blocks;
use crate::options::not_negative;
use crate::priors::PriorBlock;

/// A prior of a problem: its block of rows and its weight in the loss.
#[derive(Clone)]
#[non_exhaustive]
pub struct Term {
    /// The map R, its loss and its target.
    pub block: PriorBlock,
    /// w in L + w L(R(x), R(x₀)).
    pub weight: f64,
    /// Its rows of y.
    pub rows: Range<usize>,
}

/// The data of a problem, apart from priors.
#[derive(Clone)]
pub(super) struct DataBlocks {
    /// The simulator of x.
    pub(super) simulator: Arc<dyn Simulator>,
    /// The simulator of the unknowns that rules see.
    pub(super) observed: Arc<dyn Simulator>,
    pub(super) loss: Arc<dyn Loss>,
    pub(super) target: Vec<f64>,
}

/// Data, priors, bounds, constraints and transforms.
pub(super) struct Parts {
    pub(super) data: DataBlocks,
    pub(super) terms: Vec<Term>,
    pub(super) bounds: Option<Bounds>,
    pub(super) constraints: Option<Arc<LinearConstraints>>,
    pub(super) transforms: Vec<Transform>,
}

impl Problem {
    pub(super) fn parts(&self) -> Parts {
        let data = match &self.data {
            Some(data) => DataBlocks::clone(data),
            None => DataBlocks {
                simulator: self.simulator.clone(),
                observed: self.simulator.clone(),
                loss: self.loss.clone(),
                target: self.target.clone(),
            },
        };
        let transforms = self.transformed.as_ref();
        Parts {
            data,
            terms: self.terms.clone(),
            bounds: self.bounds.clone(),
            constraints: self.constraints.clone(),
            transforms: transforms.map_or(Vec::new(), |t| t.transforms().to_vec()),
        }
    }
}

impl Parts {
    /// The problem: data and priors of x stacked, in the unknowns that the transforms give.
    pub(super) fn join(mut self) -> Result<Problem> {
        let mut simulators = vec![self.data.simulator.clone()];
        let mut losses = vec![(self.data.loss.clone(), self.data.target.len(), 1.0)];
        let mut target = self.data.target.clone();
        for term in &mut self.terms {
            not_negative(&format!("weight of {}", term.block.name), term.weight)?;
            let from = target.len();
            target.extend(&term.block.target);
            term.rows = from..target.len();
            simulators.push(term.block.simulator.clone());
            losses.push((term.block.loss.clone(), term.rows.len(), term.weight));
        }
        let (simulator, loss): (Arc<dyn Simulator>, Arc<dyn Loss>) = if self.terms.is_empty() {
            (self.data.simulator.clone(), self.data.loss.clone())
        } else {
            (
                Arc::new(Stacked::new(simulators)?),
                Arc::new(Blocks::new(losses)?.with_data(1)),
            )
        };
        let n = simulator.input().len();
        let bounds = self.bounds.map(|bounds| bounds.for_each(n)).transpose()?;
        let transformed = match &self.transforms[..] {
            [] => None,
            transforms => {
                let observed = Transformed::new(self.data.simulator.clone(), transforms)?;
                self.data.observed = Arc::new(observed);
                Some(Arc::new(Transformed::new(simulator.clone(), transforms)?))
            }
        };
        let walls = bounds.as_ref().map(|bounds| match &transformed {
            None => BoundsBox::new(bounds),
            Some(transformed) => BoundsBox::behind(bounds, transformed.transforms()),
        });
        let simulator = match &transformed {
            None => simulator,
            Some(transformed) => transformed.clone(),
        };
        let polyhedron = match &self.constraints {
            None => None,
            Some(constraints) => {
                constraints.validate(n)?;
                let transforms = transformed.as_ref().map(|t| t.transforms());
                let polyhedron = Polyhedron::new(constraints, n, transforms)?;
                // Whether any point meets them all, with the bounds.
                let sides = walls.as_ref().map(BoundsBox::sides);
                polyhedron.nearest_to(&vec![0.0; n], sides)?;
                Some(Arc::new(polyhedron))
            }
        };
        Ok(Problem {
            data: Some(Arc::new(self.data)),
            terms: self.terms,
            bounds,
            walls,
            constraints: self.constraints,
            polyhedron,
            transformed,
            ..Problem::new(simulator, loss, target)?
        })
    }
}
