//! Posteriors given the unknowns that bounds hold.

use super::GaussianField;
use crate::error::Result;
use crate::linalg::{Cholesky, Matrix, axpy, cholesky, dot};
use crate::options::require;

/// The covariances of known values hold no more numbers than this: 512 MB.
const ROOM: usize = 64_000_000;

/// Beside the largest variance: neighbours of a smooth field that are both known exactly make a covariance that is
/// singular to round-off.
const NUGGET: f64 = 1e-12;

/// A Gaussian field of which some values are known: what the others still may be.
///
/// With the selection E of the known values and C = S Sᵀ the covariance is C − C E (Eᵀ C E)⁻¹ Eᵀ C = S′ S′ᵀ, where
/// S′ = (1 − C E (Eᵀ C E)⁻¹ Eᵀ) S.
///
/// # Cost
/// For k known values of n: k n numbers are kept, and a product with S′ takes 2 k n operations more than one with S.
///
/// # Source
/// Rasmussen & Williams, *Gaussian Processes for Machine Learning* (2006), equation 2.19.
pub(super) struct Conditional<'a> {
    field: &'a dyn GaussianField,
    places: Vec<usize>,
    /// L with L Lᵀ = Eᵀ C E.
    factor: Cholesky,
    /// L⁻¹ Eᵀ C, a row for each known value.
    rows: Matrix,
}

impl<'a> Conditional<'a> {
    /// The field given its values at these places; draws are 0 there.
    ///
    /// # Errors
    /// If the covariances of so many values do not fit into memory.
    pub(super) fn new(field: &'a dyn GaussianField, places: Vec<usize>) -> Result<Self> {
        let (k, n) = (places.len(), field.len());
        require(
            k.saturating_mul(n) <= ROOM,
            "bounds",
            format!("{k} of {n} unknowns fixed by equal bounds"),
            "the posterior stores the covariance of each of them with all others, which does not fit into memory: \
             fix fewer, or leave the posterior out",
        )?;
        let mut covariances = Matrix::zeros(k, n);
        let (mut unit, mut white) = (vec![0.0; n], vec![0.0; n]);
        for (row, place) in places.iter().enumerate() {
            unit[*place] = 1.0;
            field.root_transpose(&unit, &mut white);
            field.root(&white, covariances.row_mut(row));
            unit[*place] = 0.0;
        }
        let mut between = Matrix::zeros(k, k);
        for row in 0..k {
            for (column, place) in places.iter().enumerate() {
                between[(row, column)] = covariances[(row, *place)];
            }
        }
        let largest = (0..k).map(|i| between[(i, i)]).fold(0.0, f64::max);
        (0..k).for_each(|i| between[(i, i)] += NUGGET * largest);
        let factor = cholesky(&between)?;
        let mut columns = covariances.transpose();
        (0..n).for_each(|i| factor.solve_lower(columns.row_mut(i)));
        Ok(Self {
            field,
            places,
            factor,
            rows: columns.transpose(),
        })
    }

    fn clear(&self, values: &mut [f64]) {
        self.places.iter().for_each(|place| values[*place] = 0.0);
    }
}

impl GaussianField for Conditional<'_> {
    fn len(&self) -> usize {
        self.field.len()
    }
    fn root(&self, white: &[f64], out: &mut [f64]) {
        self.field.root(white, out);
        let mut shares: Vec<f64> = self.places.iter().map(|place| out[*place]).collect();
        self.factor.solve_lower(&mut shares);
        for (row, share) in shares.iter().enumerate() {
            axpy(-share, self.rows.row(row), out);
        }
        // But for the nugget they are.
        self.clear(out);
    }
    fn root_transpose(&self, v: &[f64], out: &mut [f64]) {
        let mut v = v.to_vec();
        self.clear(&mut v);
        let rows = (0..self.places.len()).map(|row| self.rows.row(row));
        let mut shares: Vec<f64> = rows.map(|row| dot(row, &v)).collect();
        self.factor.solve_lower_transpose(&mut shares);
        for (place, share) in self.places.iter().zip(&shares) {
            v[*place] = -share;
        }
        self.field.root_transpose(&v, out);
    }
    fn variances(&self) -> Vec<f64> {
        let mut variances = self.field.variances();
        for row in 0..self.places.len() {
            let explained = variances.iter_mut().zip(self.rows.row(row));
            explained.for_each(|(variance, share)| *variance -= share * share);
        }
        self.clear(&mut variances);
        variances.iter_mut().for_each(|v| *v = v.max(0.0));
        variances
    }
}
