//! Products of borrowed matrices, written into a slice.

use std::borrow::Cow;
use std::ops::{AddAssign, MulAssign};

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::interrupt;

/// The numbers that matrices of this module hold: `f64` or `f32`.
pub trait Real: faer::traits::ComplexField + Copy + Default + AddAssign + MulAssign {
    /// 1.
    const ONE: Self;

    /// The nearest number.
    fn from_f64(value: f64) -> Self;
    /// The same number.
    fn to_f64(self) -> f64;
    /// The nearest numbers; no copy where they are the same.
    fn from_slice(values: &[f64]) -> Cow<'_, [Self]>;
    /// The same numbers; no copy where they have the type already.
    fn to_slice(values: &[Self]) -> Cow<'_, [f64]>;
    /// Lets `work` write numbers of this type where `f64` are wanted; no copy where they are the same.
    fn write(out: &mut [f64], work: impl FnOnce(&mut [Self]));
}

impl Real for f64 {
    const ONE: Self = 1.0;

    fn from_f64(value: f64) -> Self {
        value
    }
    fn to_f64(self) -> f64 {
        self
    }
    fn from_slice(values: &[f64]) -> Cow<'_, [Self]> {
        Cow::Borrowed(values)
    }
    fn to_slice(values: &[Self]) -> Cow<'_, [f64]> {
        Cow::Borrowed(values)
    }
    fn write(out: &mut [f64], work: impl FnOnce(&mut [Self])) {
        work(out);
    }
}

impl Real for f32 {
    const ONE: Self = 1.0;

    fn from_f64(value: f64) -> Self {
        value as Self
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    fn from_slice(values: &[f64]) -> Cow<'_, [Self]> {
        Cow::Owned(values.iter().map(|v| *v as Self).collect())
    }
    fn to_slice(values: &[Self]) -> Cow<'_, [f64]> {
        Cow::Owned(values.iter().map(|v| f64::from(*v)).collect())
    }
    fn write(out: &mut [f64], work: impl FnOnce(&mut [Self])) {
        let mut values = vec![0.0; out.len()];
        work(&mut values);
        out.iter_mut()
            .zip(&values)
            .for_each(|(o, v)| *o = f64::from(*v));
    }
}

/// Multiplications from which a product is worth a second thread.
const PARALLEL_FROM: usize = 1 << 21;
/// Rows of a block that one thread computes; fixed, so that results do not depend on threads.
const BLOCK: usize = 64;

/// A row-major matrix that lies in a slice, or its transpose.
#[derive(Debug, Clone, Copy)]
pub struct View<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    transposed: bool,
}

impl<'a, T: Real> View<'a, T> {
    /// The first rows · cols values of a slice, in row order; missing columns are an empty matrix.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Self {
        let rows = if data.len() < rows * cols { 0 } else { rows };
        Self {
            data: &data[..rows * cols],
            rows,
            cols,
            transposed: false,
        }
    }

    /// The transpose.
    pub fn t(self) -> Self {
        Self {
            transposed: !self.transposed,
            ..self
        }
    }

    fn shape(&self) -> (usize, usize) {
        if self.transposed {
            (self.cols, self.rows)
        } else {
            (self.rows, self.cols)
        }
    }

    fn faer(&self) -> MatRef<'a, T> {
        let view = MatRef::from_row_major_slice(self.data, self.rows, self.cols);
        if self.transposed {
            view.transpose()
        } else {
            view
        }
    }
}

/// out = A B, row-major.
///
/// # Cost
/// m k n multiplications, on all threads where they are many.
pub fn multiply<T: Real>(a: View<'_, T>, b: View<'_, T>, out: &mut [T]) {
    product(a, b, out, Accum::Replace);
}

/// out += A B.
pub fn multiply_add<T: Real>(a: View<'_, T>, b: View<'_, T>, out: &mut [T]) {
    product(a, b, out, Accum::Add);
}

fn product<T: Real>(a: View<'_, T>, b: View<'_, T>, out: &mut [T], accum: Accum) {
    let ((m, k), (_, n)) = (a.shape(), b.shape());
    if m == 0 || n == 0 {
        return;
    }
    let block = if m * k * n < PARALLEL_FROM { m } else { BLOCK };
    let some_rows = |i: usize, out: &mut [T]| {
        let rows = out.len() / n;
        matmul(
            MatMut::from_row_major_slice_mut(out, rows, n),
            accum,
            a.faer().subrows(i * block, rows),
            b.faer(),
            T::ONE,
            Par::Seq,
        );
    };
    let out = &mut out[..m * n];
    if block == m {
        some_rows(0, out);
    } else {
        interrupt::waiting(|| {
            out.par_chunks_mut(block * n)
                .enumerate()
                .for_each(|(i, out)| some_rows(i, out));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_definition_on_any_number_of_threads() {
        for (m, k, n) in [(3, 4, 5), (1, 7, 2), (150, 130, 140)] {
            let wave = |i: usize| ((i * 37 % 101) as f64) / 50.0 - 1.0;
            let a: Vec<f64> = (0..m * k).map(wave).collect();
            let b: Vec<f64> = (0..k * n).map(|i| wave(i + 11)).collect();
            let (av, bv) = (View::new(&a, m, k), View::new(&b, k, n));
            let mut out = vec![0.0; m * n];
            multiply(av, bv, &mut out);
            for i in 0..m {
                for j in 0..n {
                    let sum: f64 = (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
                    assert!((out[i * n + j] - sum).abs() < 1e-12);
                }
            }
            // (B' A')' is the same, and adding it doubles it.
            let mut turned = vec![0.0; m * n];
            multiply(bv.t(), av.t(), &mut turned);
            for i in 0..m {
                for j in 0..n {
                    assert!((out[i * n + j] - turned[j * m + i]).abs() < 1e-12);
                }
            }
            let before = out.clone();
            multiply_add(av, bv, &mut out);
            assert!(
                out.iter()
                    .zip(&before)
                    .all(|(a, b)| (a - 2.0 * b).abs() < 1e-12)
            );
        }
    }
}
