//! A dense matrix, row by row.

use std::ops::{Index, IndexMut};

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::vectors::{axpy, dot};

/// A dense row-major matrix of `f64`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    data: Vec<f64>,
}

/// Products below this many multiplications are cheaper in a plain loop.
const SMALL_PRODUCT: usize = 4096;
/// Rows and columns of a block that is mirrored at once.
#[cfg(feature = "network")]
const MIRRORED: usize = 32;

impl Matrix {
    /// All zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self::from_vec(rows, cols, vec![0.0; rows * cols])
    }

    /// The identity.
    pub fn identity(n: usize) -> Self {
        let mut m = Self::zeros(n, n);
        for i in 0..n {
            m[(i, i)] = 1.0;
        }
        m
    }

    /// From values in row order; `data` is cut or filled with zeros to rows · cols values.
    pub fn from_vec(rows: usize, cols: usize, mut data: Vec<f64>) -> Self {
        data.resize(rows * cols, 0.0);
        Self { rows, cols, data }
    }

    /// From rows; the first one sets the width.
    pub fn from_rows(rows: &[&[f64]]) -> Self {
        let cols = rows.first().map_or(0, |r| r.len());
        let mut m = Self::zeros(rows.len(), cols);
        for (i, row) in rows.iter().enumerate() {
            for (a, b) in m.row_mut(i).iter_mut().zip(*row) {
                *a = *b;
            }
        }
        m
    }

    /// The number of rows.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    #[inline]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Row i.
    #[inline]
    pub fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.cols..(i + 1) * self.cols]
    }

    /// Row i, to be written.
    #[inline]
    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.data[i * self.cols..(i + 1) * self.cols]
    }

    /// All values in row order.
    #[inline]
    pub fn as_slice(&self) -> &[f64] {
        &self.data
    }

    /// All values in row order, to be written.
    pub fn as_mut_slice(&mut self) -> &mut [f64] {
        &mut self.data
    }

    /// Whether every value is finite.
    pub fn is_finite(&self) -> bool {
        self.data.iter().all(|v| v.is_finite())
    }

    /// Aᵀ.
    pub fn transpose(&self) -> Self {
        let mut t = Self::zeros(self.cols, self.rows);
        for i in 0..self.rows {
            for j in 0..self.cols {
                t[(j, i)] = self[(i, j)];
            }
        }
        t
    }

    /// A B.
    pub fn multiply(&self, other: &Self) -> Self {
        let mut out = Self::zeros(self.rows, other.cols);
        if self.rows * self.cols * other.cols <= SMALL_PRODUCT {
            for i in 0..self.rows {
                for k in 0..self.cols {
                    let a = self[(i, k)];
                    axpy(a, other.row(k), out.row_mut(i));
                }
            }
            return out;
        }
        product(self.view(), other.view(), out.view_mut());
        out
    }

    /// A Aᵀ.
    pub fn gram(&self) -> Self {
        let mut g = Self::zeros(self.rows, self.rows);
        if self.rows * self.rows * self.cols > SMALL_PRODUCT {
            product(self.view(), self.view().transpose(), g.view_mut());
            return g;
        }
        for i in 0..self.rows {
            for j in 0..=i {
                let value = dot(self.row(i), self.row(j));
                g[(i, j)] = value;
                g[(j, i)] = value;
            }
        }
        g
    }

    /// Copies the lower triangle of a square matrix to the upper one, a block at a time: whole columns would
    /// not stay in the cache.
    #[cfg(feature = "network")]
    pub(crate) fn mirror_lower(&mut self) {
        let n = self.rows;
        for top in (0..n).step_by(MIRRORED) {
            for left in (0..=top).step_by(MIRRORED) {
                for i in top..(top + MIRRORED).min(n) {
                    for j in left..(left + MIRRORED).min(i) {
                        self.data[j * n + i] = self.data[i * n + j];
                    }
                }
            }
        }
    }

    /// y = A x.
    pub fn apply(&self, x: &[f64], y: &mut [f64]) {
        for (i, y) in y.iter_mut().enumerate() {
            *y = dot(self.row(i), x);
        }
    }

    /// x = Aᵀ y.
    pub fn apply_transpose(&self, y: &[f64], x: &mut [f64]) {
        x.fill(0.0);
        for (i, y) in y.iter().enumerate() {
            axpy(*y, self.row(i), x);
        }
    }

    pub(super) fn view(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.data, self.rows, self.cols)
    }

    fn view_mut(&mut self) -> MatMut<'_, f64> {
        MatMut::from_row_major_slice_mut(&mut self.data, self.rows, self.cols)
    }

    pub(super) fn from_view(view: MatRef<'_, f64>) -> Self {
        let mut m = Self::zeros(view.nrows(), view.ncols());
        for i in 0..m.rows {
            for j in 0..m.cols {
                m[(i, j)] = view[(i, j)];
            }
        }
        m
    }
}

fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>, out: MatMut<'_, f64>) {
    matmul(out, Accum::Replace, a, b, 1.0, Par::Seq);
}

impl Index<(usize, usize)> for Matrix {
    type Output = f64;
    #[inline]
    fn index(&self, (r, c): (usize, usize)) -> &f64 {
        &self.data[r * self.cols + c]
    }
}

impl IndexMut<(usize, usize)> for Matrix {
    #[inline]
    fn index_mut(&mut self, (r, c): (usize, usize)) -> &mut f64 {
        &mut self.data[r * self.cols + c]
    }
}
