//! A simulator, a loss and a target; and what a rule can evaluate at a point.
//!
//! Shape checks, caching and counting live only here and in [`Evaluation`].

use std::cell::Cell;
use std::sync::Arc;

use crate::compose::bounds::{Bounds, BoundsBox};
use crate::compose::constraints::LinearConstraints;
use crate::compose::polyhedron::Polyhedron;
use crate::compose::transformed::Transformed;
use crate::core::description::Description;
use crate::core::loss::Loss;
use crate::core::share::Share;
use crate::core::simulator::Simulator;
use crate::error::{Result, expect_finite, expect_length};

mod computed;
mod constrained;
mod evaluation;
mod likelihood;
mod observed;
mod parts;
mod priors;
mod reduced;
mod within;

pub use crate::core::counts::Counts;
pub use computed::Computed;
pub use evaluation::Evaluation;
pub(crate) use evaluation::{flatten, silence};
pub use observed::Shortage;
pub use parts::Term;

/// Find x with P(x) near y*: the simulator P, the loss L and the target y*.
#[derive(Clone)]
pub struct Problem {
    simulator: Arc<dyn Simulator>,
    loss: Arc<dyn Loss>,
    target: Vec<f64>,
    inputs: usize,
    /// What the simulator tells of itself, asked once.
    description: Arc<Description>,
    /// The data apart from priors and transforms, where there are any.
    data: Option<Arc<parts::DataBlocks>>,
    terms: Vec<Term>,
    bounds: Option<Bounds>,
    /// The bounds in the unknowns that rules see.
    walls: Option<BoundsBox>,
    constraints: Option<Arc<LinearConstraints>>,
    /// The constraints in the unknowns that rules see.
    polyhedron: Option<Arc<Polyhedron>>,
    transformed: Option<Arc<Transformed>>,
}

impl Problem {
    /// Joins a simulator, a loss and a target; the first two by value, or in an `Arc`.
    ///
    /// # Errors
    /// If the target's length is not that of y, or a value of it is not finite, or the
    /// loss does not fit.
    pub fn new(
        simulator: impl Share<dyn Simulator>,
        loss: impl Share<dyn Loss>,
        target: impl Into<Vec<f64>>,
    ) -> Result<Self> {
        Self::of(simulator.share(), loss.share(), target.into())
    }

    fn of(simulator: Arc<dyn Simulator>, loss: Arc<dyn Loss>, target: Vec<f64>) -> Result<Self> {
        expect_length("the target", target.len(), simulator.output().len())?;
        expect_finite("the target", &target)?;
        loss.check(target.len())?;
        loss.check_target(&target)?;
        let inputs = simulator.input().len();
        Ok(Self {
            description: Arc::new(simulator.describe()),
            simulator,
            loss,
            target,
            inputs,
            data: None,
            terms: Vec::new(),
            bounds: None,
            walls: None,
            constraints: None,
            polyhedron: None,
            transformed: None,
        })
    }

    /// The simulator P.
    pub fn simulator(&self) -> &dyn Simulator {
        &*self.simulator
    }

    /// What the simulator tells of itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The loss L.
    pub fn loss(&self) -> &dyn Loss {
        &*self.loss
    }

    /// The target y*.
    pub fn target(&self) -> &[f64] {
        &self.target
    }

    /// The number of unknowns: the length of x.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The number of observations, with the rows of priors: the length of y.
    pub fn outputs(&self) -> usize {
        self.target.len()
    }

    /// The simulator's name for messages: that of its output.
    pub fn name(&self) -> String {
        self.simulator.output().name.clone()
    }
}

/// Counts that grow while evaluations run.
#[derive(Debug, Default)]
pub struct Tally(Cell<Counts>);

impl Tally {
    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.0.get()
    }

    /// Counts from 0 again.
    pub(crate) fn reset(&self) {
        self.0.set(Counts::default());
    }

    fn add(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.0.get();
        change(&mut counts);
        self.0.set(counts);
    }
}
