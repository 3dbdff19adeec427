//! Problems with bounds on x.

use super::Problem;
use crate::bounds::{Bounds, Walls};
use crate::error::Result;

impl Problem {
    /// The same problem with bounds on x, which no iterate leaves.
    ///
    /// # Errors
    /// If the bounds do not fit x, or a lower bound exceeds its upper one.
    pub fn within(&self, bounds: &Bounds) -> Result<Self> {
        Ok(Self {
            walls: Some(Walls::new(bounds, self.inputs)?),
            ..self.clone()
        })
    }

    /// The same problem without bounds.
    pub fn unbounded(&self) -> Self {
        Self {
            walls: None,
            ..self.clone()
        }
    }

    /// The bounds on x, one value for each unknown, if there are any.
    pub fn bounds(&self) -> Option<Bounds> {
        self.walls.as_ref().map(Walls::bounds)
    }
}
