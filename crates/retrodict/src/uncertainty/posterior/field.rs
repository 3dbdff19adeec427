//! Gaussian fields of which a posterior can be drawn.

use crate::core::space::Space;
use crate::error::Result;
use crate::options::{Validate, grid};
use crate::priors::{Matern, Whitening};

/// A Gaussian prior of a field around some mean, with covariance S Sᵀ and cheap products with S.
pub trait GaussianField: Sync {
    /// The number of values.
    fn len(&self) -> usize;
    /// Whether the field has no value.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// out = S white: a draw of the field, if `white` is one of independent normal numbers.
    fn root(&self, white: &[f64], out: &mut [f64]);
    /// out = Sᵀ v.
    fn root_transpose(&self, v: &[f64], out: &mut [f64]);
    /// The variance of each value.
    fn variances(&self) -> Vec<f64>;
}

/// The field of a [`Matern`] prior on a grid.
///
/// # Cost
/// A transform and its inverse for each product.
#[derive(Debug)]
pub struct MaternField(Whitening, usize);

impl MaternField {
    /// The field that this prior expects on a grid of one to three axes.
    ///
    /// # Errors
    /// If the prior's options or the shape are not allowed.
    pub fn new(prior: &Matern, shape: &[usize]) -> Result<Self> {
        prior.validate()?;
        grid(shape)?;
        let space = Space::new("field", shape, "1");
        Ok(Self(Whitening::new(prior, &space), space.len()))
    }
}

impl GaussianField for MaternField {
    fn len(&self) -> usize {
        self.1
    }
    fn root(&self, white: &[f64], out: &mut [f64]) {
        self.0.root(white, out);
    }
    /// S is symmetric.
    fn root_transpose(&self, v: &[f64], out: &mut [f64]) {
        self.0.root(v, out);
    }
    fn variances(&self) -> Vec<f64> {
        self.0.variances()
    }
}
