//! J of P(φ(p)), where φ has few unknowns: J of P times ∂φ/∂p.

use crate::error::Result;
use crate::linalg::{LinearMap, Matrix};

/// The map dp ↦ J M dp, with M a matrix: the chain rule.
pub(crate) struct ChainedMap<'a> {
    map: Box<dyn LinearMap + Send + 'a>,
    slopes: Matrix,
}

impl<'a> ChainedMap<'a> {
    /// J of the outer function, and M = ∂φ/∂p.
    pub(crate) fn new(map: Box<dyn LinearMap + Send + 'a>, slopes: Matrix) -> Self {
        Self { map, slopes }
    }
}

impl LinearMap for ChainedMap<'_> {
    fn inputs(&self) -> usize {
        self.slopes.cols()
    }
    fn outputs(&self) -> usize {
        self.map.outputs()
    }
    fn apply(&self, dp: &[f64], dy: &mut [f64]) -> Result<()> {
        let mut dx = vec![0.0; self.slopes.rows()];
        self.slopes.apply(dp, &mut dx);
        self.map.apply(&dx, dy)
    }
    fn apply_transpose(&self, dy: &[f64], dp: &mut [f64]) -> Result<()> {
        let mut dx = vec![0.0; self.slopes.rows()];
        self.map.apply_transpose(dy, &mut dx)?;
        self.slopes.apply_transpose(&dx, dp);
        Ok(())
    }
    fn dense(&self) -> Result<Matrix> {
        Ok(product(&self.map.dense()?, &self.slopes, |v| v))
    }
    fn noise(&self) -> Option<Vec<f64>> {
        self.map.noise()
    }
    fn look_for_noise(&self) -> Result<u64> {
        self.map.look_for_noise()
    }
    fn errors(&self, measure: bool) -> Result<Option<Matrix>> {
        let errors = self.map.errors(measure)?;
        Ok(errors.map(|errors| product(&errors, &self.slopes, f64::abs)))
    }
    fn expect_products(&self, count: usize) -> Result<()> {
        self.map.expect_products(count)
    }
}

/// A f(B), for a small B.
fn product(a: &Matrix, b: &Matrix, f: fn(f64) -> f64) -> Matrix {
    let mut whole = Matrix::zeros(a.rows(), b.cols());
    for i in 0..a.rows() {
        for (k, a) in a.row(i).iter().enumerate() {
            let row = whole.row_mut(i).iter_mut().zip(b.row(k));
            row.for_each(|(sum, b)| *sum += a * f(*b));
        }
    }
    whole
}
