//! Problems of fewer unknowns: one of them follows from the others.

use std::sync::Arc;

use super::Problem;
use crate::compose::bounds::Bounds;
use crate::core::simulator::Simulator;
use crate::error::Result;

impl Problem {
    /// The simulator of what rules see: of data and priors, in the unknowns that transforms give.
    pub(crate) fn seen_simulator(&self) -> &Arc<dyn Simulator> {
        &self.simulator
    }

    /// The bounds of each unknown that rules see; infinite where there is none.
    pub(crate) fn walls_of(&self, unknown: usize) -> (f64, f64) {
        let walls = self.walls.as_ref();
        walls.map_or((f64::NEG_INFINITY, f64::INFINITY), |walls| {
            walls.of(unknown)
        })
    }

    /// The same data and priors, as a problem of another simulator of the unknowns that rules see, of which these are left:
    /// with their bounds, and without transforms.
    pub(crate) fn reduced(&self, simulator: Arc<dyn Simulator>, left: &[usize]) -> Result<Self> {
        let problem = Self::of(simulator, Arc::clone(&self.loss), self.target.clone())?;
        if self.walls.is_none() {
            return Ok(problem);
        }
        let (lower, upper) = left.iter().map(|i| self.walls_of(*i)).unzip();
        problem.within(&Bounds { lower, upper })
    }
}
