//! Dense matrices (the full module lands from its own branch).

use std::ops::{Index, IndexMut};

use crate::error::Result;

/// A dense row-major matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    data: Vec<f64>,
}

impl Matrix {
    /// All zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self {
            rows,
            cols,
            data: vec![0.0; rows * cols],
        }
    }
    /// A row.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.cols..(i + 1) * self.cols]
    }
    /// A row.
    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.data[i * self.cols..(i + 1) * self.cols]
    }
    /// A Aᵀ.
    pub fn gram(&self) -> Self {
        let mut g = Self::zeros(self.rows, self.rows);
        for i in 0..self.rows {
            for j in 0..self.rows {
                g[(i, j)] = dot(self.row(i), self.row(j));
            }
        }
        g
    }
}

impl Index<(usize, usize)> for Matrix {
    type Output = f64;
    fn index(&self, (r, c): (usize, usize)) -> &f64 {
        &self.data[r * self.cols + c]
    }
}

impl IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (r, c): (usize, usize)) -> &mut f64 {
        &mut self.data[r * self.cols + c]
    }
}

/// aᵀ b.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// ‖a‖₂.
pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// Placeholder until the branch lands.
pub(crate) fn symmetric_function(
    _n: usize,
    _apply: &mut dyn FnMut(&[f64], &mut [f64]) -> Result<()>,
    _b: &[f64],
    _steps: usize,
    _f: &dyn Fn(&[f64]) -> Vec<f64>,
    _out: &mut [f64],
) -> Result<Vec<f64>> {
    Ok(Vec::new())
}
