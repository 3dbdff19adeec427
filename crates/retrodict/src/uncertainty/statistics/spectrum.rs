//! The singular values of a whitened J, and what of them stands clear of the errors of J.

use crate::compose::face::Face;
use crate::compose::facets::Facets;
use crate::error::Result;
use crate::linalg::{Matrix, Svd, norm, svd};
use crate::updates::{TRUSTED, Whitened};

/// W J D⁻¹ = U S Vᵀ with columns of length 1, and what of it stands clear of the errors of J.
pub(super) struct Spectrum {
    pub(super) u: Matrix,
    pub(super) s: Vec<f64>,
    /// A row for each unknown, zeros for those that are fixed; a column for each that is free, less one for each equality.
    pub(super) v: Matrix,
    /// D.
    pub(super) effects: Vec<f64>,
    pub(super) rank: usize,
    pub(super) uncertainty: f64,
    pub(super) derivative_error: f64,
}

/// Singular values that exceed the error of J less than this are looked at twice.
const CLEAR: f64 = 30.0;

/// A column whose error is a larger part of it is no more than that error.
const LOST: f64 = 0.5;

impl Spectrum {
    pub(super) fn of(
        whitened: &Whitened<'_, '_>,
        free: &[usize],
        equal: &Matrix,
        x: &[f64],
    ) -> Result<Self> {
        let errors = whitened.column_errors(false)?;
        let found = Self::with(whitened, free, equal, x, errors.as_deref())?;
        // Errors that cannot be told from curvature are measured where something hangs on them.
        match errors {
            Some(_) if !found.is_clear() => {
                let errors = whitened.column_errors(true)?;
                Self::with(whitened, free, equal, x, errors.as_deref())
            }
            _ => Ok(found),
        }
    }

    /// Whether every direction of the free unknowns is determined, whatever the error of J.
    pub(super) fn is_clear(&self) -> bool {
        self.rank == self.v.cols() && self.uncertainty * CLEAR <= 1.0
    }

    pub(super) fn with(
        whitened: &Whitened<'_, '_>,
        free: &[usize],
        equal: &Matrix,
        x: &[f64],
        errors: Option<&[f64]>,
    ) -> Result<Self> {
        let mut columns = whitened.columns()?;
        let (n, m, count) = (columns.rows(), columns.cols(), free.len());
        let mut effects = vec![1.0; n];
        let (mut error, mut hidden) = (0.0_f64, 0.0_f64);
        for i in free {
            let size = norm(columns.row(*i));
            let off = errors.map_or(0.0, |errors| errors[*i]);
            // A value of 0 says nothing of its size.
            let own = if x[*i] == 0.0 { 1.0 } else { x[*i].abs() };
            hidden = hidden.max(off * own);
            if off > LOST * size {
                columns.row_mut(*i).fill(0.0);
            } else if size > 0.0 {
                effects[*i] = size;
                columns.row_mut(*i).iter_mut().for_each(|v| *v /= size);
                error = error.hypot(off / size);
            }
        }
        // Along equalities alone the parameters may change.
        let scale: Vec<f64> = free.iter().map(|i| effects[*i]).collect();
        let face = tangent(equal, free, &scale);
        // Fewer data than parameters: rows of zeros complete the right singular vectors.
        let mut jacobian = Matrix::zeros(m.max(count), count);
        for i in 0..m {
            for (v, j) in jacobian.row_mut(i).iter_mut().zip(free) {
                *v = columns[(*j, i)];
            }
        }
        let Svd { u, s, v } = match &face {
            None => svd(&jacobian)?,
            Some(basis) => {
                let Svd { u, s, v } = svd(&jacobian.multiply(basis))?;
                let v = basis.multiply(&v);
                Svd { u, s, v }
            }
        };
        let round_off = f64::EPSILON * m.max(n) as f64 * s.first().copied().unwrap_or(0.0);
        let floor = round_off.max(error / TRUSTED);
        let rank = s.iter().filter(|s| **s > floor).count();
        let mut whole = Matrix::zeros(n, v.cols());
        for (k, i) in free.iter().enumerate() {
            whole.row_mut(*i).copy_from_slice(v.row(k));
        }
        let least = rank.checked_sub(1).map(|last| s[last]);
        Ok(Self {
            u,
            v: whole,
            effects,
            rank,
            uncertainty: least.map_or(0.0, |least| error / least),
            derivative_error: match hidden > 0.0 {
                true => (hidden / whitened.size()?).min(1.0),
                false => 0.0,
            },
            s,
        })
    }
}

/// An orthonormal basis, in units of the unknowns' effects, of the changes of free unknowns that keep equalities; nothing where
/// there are none.
fn tangent(equal: &Matrix, free: &[usize], scale: &[f64]) -> Option<Matrix> {
    if equal.rows() == 0 {
        return None;
    }
    let mut of_free = Matrix::zeros(equal.rows(), free.len());
    for i in 0..equal.rows() {
        for (v, j) in of_free.row_mut(i).iter_mut().zip(free) {
            *v = equal[(i, *j)];
        }
    }
    let along = Facets::along(of_free);
    // Without gaps no equality contradicts another.
    let face = Face::new(&along, scale).ok()?;
    Some(face.basis().clone())
}
