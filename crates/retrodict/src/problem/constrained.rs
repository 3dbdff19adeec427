//! Problems with linear constraints on x.

use std::sync::Arc;

use super::Problem;
use crate::compose::bounds::BoundsBox;
use crate::compose::constraints::LinearConstraints;
use crate::error::Result;

impl Problem {
    /// The same problem with linear constraints on x beside its bounds: no iterate leaves them. Levenberg–Marquardt and
    /// Gauss–Newton keep them, by active sets behind the equalities' null space; other rules refuse the problem.
    ///
    /// A start that does not meet them is moved to the nearest point that does. Transforms other than scales are refused on
    /// the unknowns that are constrained.
    ///
    /// # Errors
    /// If the constraints do not fit x, or no x meets them together with the bounds: the error names those in conflict.
    pub fn constrained_by(&self, constraints: &LinearConstraints) -> Result<Self> {
        let mut parts = self.parts();
        parts.constraints = (!constraints.is_empty()).then(|| Arc::new(constraints.clone()));
        parts.join()
    }

    /// The same problem without linear constraints.
    pub fn unconstrained(&self) -> Self {
        Self {
            constraints: None,
            polyhedron: None,
            ..self.clone()
        }
    }

    /// The linear constraints on x, if there are any.
    pub fn constraints(&self) -> Option<&LinearConstraints> {
        self.constraints.as_deref()
    }

    /// The nearest point that meets the constraints, in the unknowns that rules see; nothing where z meets them.
    pub(crate) fn nearest_allowed(&self, z: &[f64]) -> Result<Option<Vec<f64>>> {
        match &self.polyhedron {
            Some(polyhedron) if !polyhedron.holds(z) => {
                let sides = self.walls.as_ref().map(BoundsBox::sides);
                polyhedron.nearest_to(z, sides).map(Some)
            }
            _ => Ok(None),
        }
    }
}
