//! Functions of a symmetric operator times a vector, by Lanczos' iteration.

use super::matrix::Matrix;
use super::symmetric_eigen;
use super::vectors::{axpy, dot, norm};
use crate::error::Result;
use crate::interrupt;

/// out = A v, as a function of v and out.
pub type Operator<'a> = dyn FnMut(&[f64], &mut [f64]) -> Result<()> + 'a;

/// out = f(A) b for a symmetric A, by Lanczos' iteration with full reorthogonalisation.
///
/// `f` maps the Ritz values, smallest first, to the values of the function there.
/// Returns the Ritz values. Stops early when the Krylov space is exhausted, where the
/// result is exact.
///
/// # Cost
/// `steps` applications of A, and 4 n steps² multiplications for the orthogonalisation.
///
/// # Source
/// Golub & Van Loan, *Matrix Computations*, 10.1; Higham, *Functions of Matrices*, 13.2.
pub fn symmetric_function(
    n: usize,
    apply: &mut Operator<'_>,
    b: &[f64],
    steps: usize,
    f: &dyn Fn(&[f64]) -> Vec<f64>,
    out: &mut [f64],
) -> Result<Vec<f64>> {
    out.fill(0.0);
    let length = norm(b);
    if length == 0.0 || steps == 0 {
        return Ok(Vec::new());
    }
    let (basis, t) = tridiagonal(n, apply, b, steps, |_, _, _| Ok(false))?;
    let eigen = symmetric_eigen(&t)?;
    let values = f(&eigen.values);
    let k = values.len();
    for i in 0..k {
        let weight: f64 = (0..k)
            .map(|j| eigen.vectors[(i, j)] * values[j] * eigen.vectors[(0, j)])
            .sum();
        axpy(length * weight, basis.row(i), out);
    }
    Ok(eigen.values)
}

/// The lowest Ritz value of a symmetric A that Lanczos' iteration from b ≠ 0 finds, with its vector of length 1.
///
/// Ends early where all Ritz values are positive and what A leads to outside the space seen so far is
/// shorter than the part `settled` of the lowest: from a b that holds a bit of everything, A is then near a
/// positive multiple of the identity.
///
/// # Cost
/// At most `steps` applications of A.
pub(crate) fn lowest_ritz_pair(
    n: usize,
    apply: &mut Operator<'_>,
    b: &[f64],
    steps: usize,
    settled: f64,
) -> Result<(f64, Vec<f64>)> {
    let enough = |diagonal: &[f64], off: &[f64], beyond: f64| {
        let lowest = symmetric_eigen(&with_diagonals(diagonal, off))?.values[0];
        Ok(beyond <= settled * lowest)
    };
    let (basis, t) = tridiagonal(n, apply, b, steps, enough)?;
    let eigen = symmetric_eigen(&t)?;
    let mut vector = vec![0.0; n];
    for i in 0..t.rows() {
        axpy(eigen.vectors[(i, 0)], basis.row(i), &mut vector);
    }
    Ok((eigen.values[0], vector))
}

/// The measure that a symmetric A and b ≠ 0 define, as Lanczos' iteration finds it: Ritz values, smallest first, each with its
/// share; the shares are those of Gauss's rule and sum to 1.
///
/// # Cost
/// At most `steps` applications of A.
pub(crate) fn spectral_measure(
    n: usize,
    apply: &mut Operator<'_>,
    b: &[f64],
    steps: usize,
) -> Result<Vec<(f64, f64)>> {
    let (_, t) = tridiagonal(n, apply, b, steps, |_, _, _| Ok(false))?;
    let eigen = symmetric_eigen(&t)?;
    let share = |(j, value): (usize, &f64)| (*value, eigen.vectors[(0, j)] * eigen.vectors[(0, j)]);
    Ok(eigen.values.iter().enumerate().map(share).collect())
}

/// The basis of Lanczos' iteration as rows, and the tridiagonal matrix that is A in it.
///
/// `enough` sees that matrix so far, and the length of what A leads to beyond the basis.
fn tridiagonal(
    n: usize,
    apply: &mut Operator<'_>,
    b: &[f64],
    steps: usize,
    mut enough: impl FnMut(&[f64], &[f64], f64) -> Result<bool>,
) -> Result<(Matrix, Matrix)> {
    let steps = steps.min(n);
    let length = norm(b);
    let mut basis = Matrix::zeros(steps, n);
    for (q, b) in basis.row_mut(0).iter_mut().zip(b) {
        *q = b / length;
    }
    let (mut diagonal, mut off) = (Vec::with_capacity(steps), Vec::with_capacity(steps));
    let mut w = vec![0.0; n];
    let mut size = 0.0_f64;
    for k in 0..steps {
        interrupt::check()?;
        apply(basis.row(k), &mut w)?;
        let alpha = dot(basis.row(k), &w);
        size = size.max(norm(&w));
        diagonal.push(alpha);
        // Twice is enough (Parlett), and it also does the three-term recurrence.
        for _ in 0..2 {
            for j in 0..=k {
                let overlap = dot(basis.row(j), &w);
                axpy(-overlap, basis.row(j), &mut w);
            }
        }
        let beta = norm(&w);
        let exhausted = k + 1 == steps || beta <= 1e-14 * size;
        if exhausted || enough(&diagonal, &off, beta)? {
            break;
        }
        off.push(beta);
        for (q, w) in basis.row_mut(k + 1).iter_mut().zip(&w) {
            *q = w / beta;
        }
    }
    Ok((basis, with_diagonals(&diagonal, &off)))
}

fn with_diagonals(diagonal: &[f64], off: &[f64]) -> Matrix {
    let k = diagonal.len();
    let mut t = Matrix::zeros(k, k);
    for (i, value) in diagonal.iter().enumerate() {
        t[(i, i)] = *value;
    }
    for (i, value) in off.iter().enumerate() {
        t[(i, i + 1)] = *value;
        t[(i + 1, i)] = *value;
    }
    t
}
