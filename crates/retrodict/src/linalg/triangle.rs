//! Tall least-squares problems made small before anything is asked of them.

use super::matrix::Matrix;
use super::vectors::{axpy, dot, norm};

/// Qᵀ A of A P = QR, with b replaced by Qᵀb: ‖A x − b‖² = ‖(Qᵀ A) x − (Qᵀb)₁…ₙ‖² + what no x changes.
///
/// The columns stay in their order, so that this is R but for that; its rows fall in length.
///
/// # Shapes
/// `columns` holds A's n columns as rows of m ≥ n values and is overwritten; b has m values.
///
/// # Cost
/// 2 m n² operations, in loops along columns.
///
/// # Source
/// Golub & Van Loan, *Matrix Computations*, algorithm 5.4.1 (Householder, with pivots). Scaled columns keep
/// their relative accuracy: Higham, *Accuracy and Stability of Numerical Algorithms*, theorem 19.4.
pub(crate) fn triangle(columns: &mut Matrix, b: &mut [f64]) -> Matrix {
    let (n, m) = (columns.rows(), columns.cols());
    let mut r = Matrix::zeros(n, n);
    let mut left: Vec<usize> = (0..n).collect();
    // What is left of each column's squared length; only to choose by.
    let mut squares: Vec<f64> = (0..n)
        .map(|j| dot(columns.row(j), columns.row(j)))
        .collect();
    let mut v = Vec::with_capacity(m);
    for k in 0..n {
        let longest =
            (0..left.len()).max_by(|i, j| squares[left[*i]].total_cmp(&squares[left[*j]]));
        let Some(pivot) = longest.map(|i| left.swap_remove(i)) else {
            break;
        };
        v.clear();
        v.extend_from_slice(&columns.row(pivot)[k..]);
        let (length, head) = (norm(&v), v[0]);
        if length > 0.0 {
            r[(k, pivot)] = -length.copysign(head);
            v[0] += length.copysign(head);
            let turn = 1.0 / (length * (length + head.abs()));
            let mirror = |u: &mut [f64]| axpy(-turn * dot(&v, u), &v, u);
            left.iter()
                .for_each(|j| mirror(&mut columns.row_mut(*j)[k..]));
            mirror(&mut b[k..]);
        }
        for &j in &left {
            let value = columns.row(j)[k];
            r[(k, j)] = value;
            squares[j] -= value * value;
        }
    }
    r
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A with columns of very different lengths, one of zeros, and b.
    fn problem() -> (Matrix, Vec<f64>) {
        let (m, n) = (23, 5);
        let value = |i: usize, j: usize| match j {
            3 => 0.0,
            _ => ((i * (j + 2) + 1) as f64).sin() * [1.0, 1e-9, 1e6, 0.0, 3.0][j],
        };
        let columns = (0..n).flat_map(|j| (0..m).map(move |i| value(i, j)));
        let b = (0..m).map(|i| (0.7 * i as f64).cos()).collect();
        (Matrix::from_vec(n, m, columns.collect()), b)
    }

    #[test]
    fn a_triangle_keeps_lengths_and_angles_of_columns_and_its_rows_fall() {
        let (columns, b) = problem();
        let (mut worked, mut q) = (columns.clone(), b.clone());
        let r = triangle(&mut worked, &mut q);
        let of_r = r.transpose();
        for i in 0..5 {
            let size = |k: usize| norm(columns.row(k)).max(f64::MIN_POSITIVE);
            for j in 0..5 {
                let (before, after) = (
                    dot(columns.row(i), columns.row(j)),
                    dot(of_r.row(i), of_r.row(j)),
                );
                assert!((before - after).abs() <= 1e-14 * size(i) * size(j));
            }
            let (before, after) = (dot(columns.row(i), &b), dot(of_r.row(i), &q[..5]));
            assert!((before - after).abs() <= 1e-14 * size(i) * norm(&b));
        }
        for i in 1..5 {
            let zeros = r.row(i).iter().filter(|v| **v == 0.0).count();
            assert!(zeros >= i && norm(r.row(i)) <= norm(r.row(i - 1)), "{r:?}");
        }
        assert!((norm(&q) - norm(&b)).abs() <= 1e-14 * norm(&b));
    }
}
