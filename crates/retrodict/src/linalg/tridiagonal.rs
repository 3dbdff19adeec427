//! A function of a symmetric matrix applied to one vector, without its eigenvectors.

use faer::Mat;
use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::linalg::evd::tridiag;
use faer::linalg::householder;
use faer::prelude::default;
use faer::{Conj, MatRef, Par};

use super::matrix::Matrix;
use crate::error::{Error, Result};

/// Householder reflections that are applied together.
const BLOCK: usize = 32;
/// Steps for one eigenvalue after which the iteration has failed; two are usual.
const MOST_STEPS: usize = 60;

/// out = f(A) b for a symmetric A.
///
/// `f` maps the eigenvalues, in no order, to the values of the function there. Returns the eigenvalues.
/// A is reduced to a tridiagonal T = Qᵀ A Q; the rotations that diagonalise T turn Qᵀb, and turn the
/// result back. Eigenvectors would take as long again as the reduction.
///
/// # Errors
/// [`Error::LinearAlgebra`] if A is not finite or the iteration does not converge.
///
/// # Cost
/// 4/3 n³ multiplications for the reduction, 5 n² to 12 n² for the rest, and workspace for the rotations.
///
/// # Source
/// Golub & Van Loan, *Matrix Computations*, 8.3; Bowdler, Martin, Reinsch & Wilkinson, *The QR and QL
/// algorithms for symmetric matrices* (Numer. Math. 11, 1968).
pub(super) fn symmetric_matrix_function(
    a: &Matrix,
    b: &[f64],
    f: &dyn Fn(&[f64]) -> Vec<f64>,
    out: &mut [f64],
) -> Result<Vec<f64>> {
    if !a.is_finite() {
        return Err(failed(NOT_FINITE));
    }
    let n = a.rows();
    if n == 0 {
        return Ok(Vec::new());
    }
    let block = BLOCK.min(n.max(2) - 1);
    let mut t = MatRef::from_column_major_slice(a.as_slice(), n, n).to_owned();
    let mut factor = Mat::zeros(block, n - 1);
    let scratch = StackReq::any_of(&[
        tridiag::tridiag_in_place_scratch::<f64>(n, Par::Seq, default()),
        householder::apply_block_householder_sequence_transpose_on_the_left_in_place_scratch::<f64>(
            n, block, 1,
        ),
        householder::apply_block_householder_sequence_on_the_left_in_place_scratch::<f64>(
            n, block, 1,
        ),
    ]);
    let mut memory = MemBuffer::new(scratch);
    let stack = MemStack::new(&mut memory);
    tridiag::tridiag_in_place(t.as_mut(), factor.as_mut(), Par::Seq, stack, default());
    let mut values: Vec<f64> = (0..n).map(|i| t[(i, i)]).collect();
    let mut off: Vec<f64> = (1..n).map(|i| t[(i, i - 1)]).collect();
    off.push(0.0);
    let mut vector = Mat::from_fn(n, 1, |i, _| b[i]);
    let basis = t.as_ref().submatrix(1.min(n), 0, n - 1, n - 1);
    if n > 1 {
        householder::apply_block_householder_sequence_transpose_on_the_left_in_place_with_conj(
            basis,
            factor.as_ref(),
            Conj::No,
            vector.as_mut().subrows_mut(1, n - 1),
            Par::Seq,
            stack,
        );
    }
    let mut turned: Vec<f64> = (0..n).map(|i| vector[(i, 0)]).collect();
    // QL finds the first eigenvalues first, and soon where these are the small ones; the reduction mostly
    // leaves the large ones at the beginning.
    let graded_down = values[0].abs() > values[n - 1].abs();
    if graded_down {
        values.reverse();
        off[..n - 1].reverse();
        turned.reverse();
    }
    let sweeps = diagonalise(&mut values, &mut off, &mut turned).ok_or_else(|| failed(NO_END))?;
    for (turned, f) in turned.iter_mut().zip(f(&values)) {
        *turned *= f;
    }
    sweeps.undo(&mut turned);
    if graded_down {
        turned.reverse();
    }
    for (i, turned) in turned.iter().enumerate() {
        vector[(i, 0)] = *turned;
    }
    if n > 1 {
        householder::apply_block_householder_sequence_on_the_left_in_place_with_conj(
            basis,
            factor.as_ref(),
            Conj::No,
            vector.as_mut().subrows_mut(1, n - 1),
            Par::Seq,
            stack,
        );
    }
    for (i, out) in out.iter_mut().enumerate() {
        *out = vector[(i, 0)];
    }
    Ok(values)
}

/// f(T) e₁ for the tridiagonal T with this diagonal and these neighbours, and T's eigenvalues in no order.
///
/// # Errors
/// [`Error::LinearAlgebra`] if T is not finite or the iteration does not converge.
///
/// # Cost
/// 12 n² multiplications, against some n³ for the eigenvectors.
pub(super) fn first_column(
    diagonal: &[f64],
    neighbours: &[f64],
    f: &dyn Fn(&[f64]) -> Vec<f64>,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let n = diagonal.len();
    let (mut values, mut off) = (diagonal.to_vec(), neighbours.to_vec());
    off.resize(n, 0.0);
    if !values.iter().chain(&off).all(|v| v.is_finite()) {
        return Err(failed(NOT_FINITE));
    }
    let mut column = vec![0.0; n];
    // Lanczos' iteration, too, finds the large eigenvalues at the beginning.
    values.reverse();
    off[..n.max(1) - 1].reverse();
    if let Some(last) = column.last_mut() {
        *last = 1.0;
    }
    let sweeps = diagonalise(&mut values, &mut off, &mut column).ok_or_else(|| failed(NO_END))?;
    for (column, f) in column.iter_mut().zip(f(&values)) {
        *column *= f;
    }
    sweeps.undo(&mut column);
    column.reverse();
    Ok((column, values))
}

const NOT_FINITE: &str =
    "the matrix contains NaN or infinity; check the simulator's derivatives at this x";
const NO_END: &str = "the iteration did not converge; rescale the problem";

fn failed(message: &str) -> Error {
    Error::LinearAlgebra {
        what: "the eigendecomposition",
        message: message.to_owned(),
    }
}

/// The rotations of all QL steps, to be undone.
struct Sweeps {
    /// Cosine and sine of each, in the order in which they were made.
    rotations: Vec<[f64; 2]>,
    /// The first pair that each step turned, which went down from there, and how many it turned.
    steps: Vec<(usize, usize)>,
}

impl Sweeps {
    /// Turns a vector back, from the last rotation to the first.
    fn undo(&self, vector: &mut [f64]) {
        let mut rest = &self.rotations[..];
        for &(first, count) in self.steps.iter().rev() {
            let (before, step) = rest.split_at(rest.len() - count);
            rest = before;
            let from = first + 1 - count;
            // What the last rotation left above, the next one down takes up: it stays in a register.
            let mut x = vector[from];
            for (i, [c, s]) in (from..=first).zip(step.iter().rev()) {
                let y = vector[i + 1];
                vector[i] = c * x + s * y;
                x = c * y - s * x;
            }
            vector[first + 1] = x;
        }
    }
}

/// QL steps with implicit shifts: `d` becomes the eigenvalues of the tridiagonal matrix with the diagonal
/// `d` and the neighbours `e`, and `vector` is turned into the coordinates of the eigenvectors.
///
/// A step is a chain in which each rotation waits for the one before. So it takes a root and a division
/// side by side, and no `hypot`: the matrix is scaled to 1, where squares that underflow are nothing beside it.
fn diagonalise(d: &mut [f64], e: &mut [f64], vector: &mut [f64]) -> Option<Sweeps> {
    let n = d.len();
    let mut sweeps = Sweeps {
        // Of a matrix as the reduction leaves it: mostly half of this.
        rotations: Vec::with_capacity(n * n),
        steps: Vec::with_capacity(2 * n),
    };
    let all = d.iter().chain(e.iter());
    let size = all.fold(0.0_f64, |m, v| m.max(v.abs()));
    if size == 0.0 {
        return Some(sweeps);
    }
    d.iter_mut().chain(e.iter_mut()).for_each(|v| *v /= size);
    for l in 0..n {
        let mut tries = 0;
        loop {
            let small = |m: usize| {
                e[m].abs() <= f64::EPSILON * (d[m].abs() + d[m + 1].abs())
                    || e[m].abs() <= 0.5 * f64::EPSILON
            };
            let m = (l..n - 1).find(|m| small(*m)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            tries += 1;
            if tries > MOST_STEPS {
                return None;
            }
            let mut g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            g = d[m] - d[l] + e[l] / (g + g.hypot(1.0).copysign(g));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let before = sweeps.rotations.len();
            let mut split = false;
            let mut y = vector[m];
            for i in (l..m).rev() {
                let (f, b) = (s * e[i], c * e[i]);
                let square = f * f + g * g;
                if square < f64::MIN_POSITIVE {
                    e[i + 1] = 0.0;
                    d[i + 1] -= p;
                    e[m] = 0.0;
                    vector[i + 1] = y;
                    split = true;
                    break;
                }
                // The root and the division do not wait for each other.
                let r = square.sqrt();
                let inverse = r * (1.0 / square);
                e[i + 1] = r;
                s = f * inverse;
                c = g * inverse;
                g = d[i + 1] - p;
                let r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
                sweeps.rotations.push([c, s]);
                let x = vector[i];
                vector[i + 1] = s * x + c * y;
                y = c * x - s * y;
            }
            if !split {
                vector[l] = y;
                d[l] -= p;
                e[l] = g;
                e[m] = 0.0;
            }
            let count = sweeps.rotations.len() - before;
            if count > 0 {
                sweeps.steps.push((m - 1, count));
            }
        }
    }
    d.iter_mut().for_each(|d| *d *= size);
    Some(sweeps)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::linalg::{norm, symmetric_eigen};

    #[test]
    fn it_is_what_the_eigenvectors_give() {
        for (n, rank) in [(1, 1), (2, 2), (13, 13), (50, 50), (90, 30), (200, 200)] {
            let wave = |i: usize| (2.1 * i as f64).sin() + 0.3 * (0.07 * (i * i) as f64).cos();
            let j = Matrix::from_vec(n, rank, (0..n * rank).map(wave).collect());
            let gram = j.gram();
            let b: Vec<f64> = (0..n).map(|i| (i as f64 + 0.5).cos()).collect();
            let root = |v: &[f64]| -> Vec<f64> { v.iter().map(|v| v.max(0.0).sqrt()).collect() };
            let mut out = vec![0.0; n];
            let mut values = symmetric_matrix_function(&gram, &b, &root, &mut out).unwrap();
            values.sort_by(f64::total_cmp);
            let eigen = symmetric_eigen(&gram).unwrap();
            let largest = eigen.values[n - 1];
            assert!((0..n).all(|k| (values[k] - eigen.values[k]).abs() < 1e-12 * largest));
            let mut expected = vec![0.0; n];
            for (k, root) in root(&eigen.values).iter().enumerate() {
                let overlap: f64 = (0..n).map(|i| eigen.vectors[(i, k)] * b[i]).sum();
                for (i, e) in expected.iter_mut().enumerate() {
                    *e += root * overlap * eigen.vectors[(i, k)];
                }
            }
            let rest: Vec<f64> = out.iter().zip(&expected).map(|(a, b)| a - b).collect();
            // The root of a round-off of 1e-16 is 1e-8, where a value is zero.
            let allowed = if rank < n { 1e-6 } else { 1e-10 };
            assert!(
                norm(&rest) < allowed * norm(&expected),
                "{n}: {}",
                norm(&rest)
            );
        }
    }

    #[test]
    fn what_is_diagonal_or_infinite_is_no_trouble() {
        let mut out = [0.0; 3];
        let same = |v: &[f64]| v.to_vec();
        let one = Matrix::identity(3);
        symmetric_matrix_function(&one, &[1.0, 2.0, 3.0], &same, &mut out).unwrap();
        assert_eq!(out, [1.0, 2.0, 3.0]);
        let bad = Matrix::from_vec(1, 1, vec![f64::NAN]);
        assert!(symmetric_matrix_function(&bad, &[1.0], &same, &mut out[..1]).is_err());
    }
}
