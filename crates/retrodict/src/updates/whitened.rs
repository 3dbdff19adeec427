//! W J and W Δy: a problem in the coordinates in which its loss is round.

use std::cell::RefCell;

use crate::error::Result;
use crate::linalg::LinearMap;
use crate::linalg::{Matrix, norm};
use crate::problem::Evaluation;

/// A direction of the unknowns is known where the error of J is at most this part of its singular value.
pub(crate) const TRUSTED: f64 = 0.3;

/// The map Δx → W J Δx at a point.
pub(crate) struct Whitened<'a, 'p> {
    at: &'a Evaluation<'p>,
    y: &'a [f64],
    scratch: RefCell<Vec<f64>>,
}

impl<'a, 'p> Whitened<'a, 'p> {
    pub(crate) fn new(at: &'a Evaluation<'p>) -> Result<Self> {
        Ok(Self {
            at,
            y: at.y()?,
            scratch: RefCell::new(vec![0.0; at.problem().outputs()]),
        })
    }

    /// W Δy, with Δy the Newton step of the loss.
    pub(crate) fn target_step(&self) -> Result<Vec<f64>> {
        let mut out = vec![0.0; self.y.len()];
        self.whiten(self.at.output_step()?, &mut out);
        Ok(out)
    }

    /// The size of W y, or of W Δy where that is larger.
    pub(crate) fn size(&self) -> Result<f64> {
        let mut seen = vec![0.0; self.y.len()];
        self.whiten(self.y, &mut seen);
        Ok(norm(&seen).max(norm(&self.target_step()?)))
    }

    /// W J, dense.
    pub(crate) fn jacobian(&self) -> Result<Matrix> {
        Ok(self.columns()?.transpose())
    }

    /// The columns of W J, one after the other: (W J)ᵀ.
    pub(crate) fn columns(&self) -> Result<Matrix> {
        let jacobian = self.at.jacobian()?;
        let mut whitened = Matrix::zeros(jacobian.cols(), jacobian.rows());
        let mut column = self.scratch.borrow_mut();
        for j in 0..jacobian.cols() {
            let entries = jacobian.as_slice()[j..].iter().step_by(jacobian.cols());
            column.iter_mut().zip(entries).for_each(|(c, v)| *c = *v);
            self.whiten(&column, whitened.row_mut(j));
        }
        Ok(whitened)
    }

    /// How far off each column of W J may be, as a length; nothing where J is exact.
    pub(crate) fn column_errors(&self, measure: bool) -> Result<Option<Vec<f64>>> {
        let Some(errors) = self.at.jacobian_errors(measure)? else {
            return Ok(None);
        };
        let columns = errors.transpose();
        let mut whitened = vec![0.0; columns.cols()];
        let mut length = |column: &[f64]| {
            self.whiten(column, &mut whitened);
            norm(&whitened)
        };
        let of = |i: usize| {
            // Errors have no sign; under correlated noise that matters.
            let alternating: Vec<f64> = columns
                .row(i)
                .iter()
                .enumerate()
                .map(|(r, e)| if r % 2 == 0 { *e } else { -e })
                .collect();
            length(columns.row(i)).max(length(&alternating))
        };
        Ok(Some((0..columns.rows()).map(of).collect()))
    }

    /// dx = Jᵀ Wᵀ W dy.
    pub(crate) fn pull(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let mut whitened = vec![0.0; dy.len()];
        self.whiten(dy, &mut whitened);
        self.apply_transpose(&whitened, dx)
    }

    /// out = W v.
    pub(crate) fn whiten(&self, v: &[f64], out: &mut [f64]) {
        let problem = self.at.problem();
        problem.loss().whiten(self.y, problem.target(), v, out);
    }
}

impl LinearMap for Whitened<'_, '_> {
    fn inputs(&self) -> usize {
        self.at.inputs()
    }
    fn outputs(&self) -> usize {
        self.at.outputs()
    }
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        let mut scratch = self.scratch.borrow_mut();
        self.at.jvp(dx, &mut scratch)?;
        self.whiten(&scratch, dy);
        Ok(())
    }
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let problem = self.at.problem();
        let mut scratch = self.scratch.borrow_mut();
        let loss = problem.loss();
        loss.whiten_transpose(self.y, problem.target(), dy, &mut scratch);
        self.at.vjp(&scratch, dx)
    }
}
