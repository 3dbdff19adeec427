//! A matrix that is known by its products.

use crate::error::Result;
use crate::interrupt;
use crate::linalg::Matrix;
use crate::memory;

/// J(x) at a fixed x, as an operator.
pub trait LinearMap {
    /// The number of columns: the length of dx.
    fn inputs(&self) -> usize;
    /// The number of rows: the length of dy.
    fn outputs(&self) -> usize;
    /// dy = J dx.
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()>;
    /// dx = Jᵀ dy.
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()>;
    /// J itself, m × n; by columns or by rows, whichever are fewer.
    ///
    /// # Cost
    /// min(m, n) applications.
    fn dense(&self) -> Result<Matrix> {
        by_products(self)
    }
    /// How far off each entry of [`dense`](LinearMap::dense) may be, m × n; nothing where J is exact.
    ///
    /// Without `measure` whatever may be an error counts as one. With it, the noise of y is found from a few
    /// evaluations around x, if it can be.
    ///
    /// # Errors
    /// As [`dense`](LinearMap::dense).
    ///
    /// # Cost
    /// What J costs, if it was not asked for before; with `measure`, six evaluations or so once.
    fn errors(&self, _measure: bool) -> Result<Option<Matrix>> {
        Ok(None)
    }
    /// The noise of each value of y here, as a standard deviation, where answers were seen to be rounded or to scatter;
    /// nothing where they have all their digits, as far as is known.
    fn noise(&self) -> Option<Vec<f64>> {
        None
    }
    /// Looks whether answers scatter around x, where that is not known yet, so that [`noise`](LinearMap::noise) tells; returns
    /// the number of evaluations.
    ///
    /// # Errors
    /// If the work was interrupted.
    ///
    /// # Cost
    /// Six evaluations or so, once; none for simulators that compute to round-off.
    fn look_for_noise(&self) -> Result<u64> {
        Ok(0)
    }
    /// Says that so many products with J or Jᵀ are to come, so that a map may prepare for them.
    ///
    /// # Errors
    /// If the preparation fails.
    fn expect_products(&self, _count: usize) -> Result<()> {
        Ok(())
    }
    /// out = J Jᵀ dy. `scratch` has the length of dx; its contents on entry are ignored. A network needs none of it, since it knows
    /// what a step along Jᵀ dy does to its outputs without taking it.
    ///
    /// # Cost
    /// A product with Jᵀ and one with J, or about half of that.
    fn apply_gram(&self, dy: &[f64], scratch: &mut [f64], out: &mut [f64]) -> Result<()> {
        self.apply_transpose(dy, scratch)?;
        self.apply(scratch, out)
    }
    /// The Gram matrix J Jᵀ, m × m. A network overrides it without ever forming J.
    ///
    /// # Cost
    /// [`dense`](LinearMap::dense) and m² n multiplications.
    fn gram(&self) -> Result<Matrix> {
        Ok(self.dense()?.gram())
    }
}

/// J by columns or by rows, whichever are fewer.
pub(crate) fn by_products<L: LinearMap + ?Sized>(map: &L) -> Result<Matrix> {
    let (m, n) = (map.outputs(), map.inputs());
    memory::affordable("J as a matrix", memory::numbers(memory::cells(&[m, n])))?;
    let mut j = Matrix::zeros(m, n);
    if n <= m {
        let (mut dx, mut dy) = (vec![0.0; n], vec![0.0; m]);
        for c in 0..n {
            interrupt::check()?;
            dx[c] = 1.0;
            map.apply(&dx, &mut dy)?;
            dx[c] = 0.0;
            for r in 0..m {
                j[(r, c)] = dy[r];
            }
        }
    } else {
        let mut dy = vec![0.0; m];
        for r in 0..m {
            interrupt::check()?;
            dy[r] = 1.0;
            map.apply_transpose(&dy, j.row_mut(r))?;
            dy[r] = 0.0;
        }
    }
    Ok(j)
}

impl LinearMap for Matrix {
    fn inputs(&self) -> usize {
        self.cols()
    }
    fn outputs(&self) -> usize {
        self.rows()
    }
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.apply(dx, dy);
        Ok(())
    }
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.apply_transpose(dy, dx);
        Ok(())
    }
    fn dense(&self) -> Result<Matrix> {
        Ok(self.clone())
    }
    fn gram(&self) -> Result<Matrix> {
        Ok(self.gram())
    }
}
