//! Problems with bounds on x, and in other unknowns than x.

use super::Problem;
use crate::compose::bounds::Bounds;
use crate::core::transform::Transform;
use crate::error::Result;

impl Problem {
    /// The same problem with bounds on x, which no iterate leaves.
    ///
    /// # Errors
    /// If the bounds do not fit x, or a lower bound exceeds its upper one.
    pub fn within(&self, bounds: &Bounds) -> Result<Self> {
        let mut parts = self.parts();
        parts.bounds = Some(bounds.clone());
        parts.join()
    }

    /// The same problem without bounds; linear constraints stay.
    pub fn unbounded(&self) -> Self {
        Self {
            bounds: None,
            walls: None,
            ..self.clone()
        }
    }

    /// The bounds on x, one value for each unknown, if there are any.
    pub fn bounds(&self) -> Option<&Bounds> {
        self.bounds.as_ref()
    }

    /// The same problem, which rules see in z with x = T(z): one transform for all unknowns, or one
    /// for each.
    ///
    /// Starts, solutions, priors and bounds are those of x as before; an [`Evaluation`](crate::Evaluation)
    /// is one in z.
    ///
    /// # Errors
    /// If there is another number of transforms, or one of them is not allowed.
    pub fn transformed(&self, transforms: &[Transform]) -> Result<Self> {
        let mut parts = self.parts();
        parts.transforms = transforms.to_vec();
        parts.join()
    }

    /// The same problem in x itself, without transforms.
    pub fn untransformed(&self) -> Result<Self> {
        self.transformed(&[])
    }

    /// T, for each unknown; nothing where rules see x itself.
    pub fn transforms(&self) -> &[Transform] {
        self.transformed.as_ref().map_or(&[], |t| t.transforms())
    }

    /// Whether rules see other unknowns than x.
    pub fn is_transformed(&self) -> bool {
        self.transformed.is_some()
    }

    /// x = T(z), or z itself where there is no transform.
    pub fn values(&self, z: &[f64]) -> Vec<f64> {
        match &self.transformed {
            None => z.to_vec(),
            Some(transformed) => transformed.values(z),
        }
    }

    /// The z that rules see for x.
    ///
    /// # Errors
    /// If a value is not one that its transform reaches; the error names it.
    pub fn unknowns(&self, x: &[f64]) -> Result<Vec<f64>> {
        match &self.transformed {
            None => Ok(x.to_vec()),
            Some(transformed) => transformed.unknowns(x),
        }
    }
}
