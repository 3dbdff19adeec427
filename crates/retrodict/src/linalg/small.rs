//! Jacobi's methods for small matrices, where a library's set-up would cost more than the work.

use super::Matrix;

/// Sweeps after which rotations have long converged; Jacobi's methods need five to ten.
const MAX_SWEEPS: usize = 60;

/// One-sided Jacobi SVD of a tall or square matrix given by its columns (n columns of length m,
/// one after the other, n ≤ m): rotates them until they are orthogonal.
///
/// Returns V as n columns of length n; the columns of A become U S.
/// High relative accuracy: Demmel & Veselić, SIAM J. Matrix Anal. Appl. 13 (1992).
pub(super) fn orthogonalise(columns: &mut [f64], m: usize, n: usize) -> Vec<f64> {
    let mut v = vec![0.0; n * n];
    for i in 0..n {
        v[i * n + i] = 1.0;
    }
    for _ in 0..MAX_SWEEPS {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                rotated |= rotate_pair(columns, m, &mut v, n, p, q);
            }
        }
        if !rotated {
            break;
        }
    }
    v
}

fn rotate_pair(a: &mut [f64], m: usize, v: &mut [f64], n: usize, p: usize, q: usize) -> bool {
    let (mut alpha, mut beta, mut gamma) = (0.0, 0.0, 0.0);
    for (x, y) in a[p * m..][..m].iter().zip(&a[q * m..][..m]) {
        alpha += x * x;
        beta += y * y;
        gamma += x * y;
    }
    if gamma == 0.0 || gamma.abs() <= f64::EPSILON * (alpha * beta).sqrt() {
        return false;
    }
    let t = tangent((beta - alpha) / (2.0 * gamma));
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = c * t;
    turn(a, m, p, q, c, s);
    turn(v, n, p, q, c, s);
    true
}

/// The smaller root of t² + 2ζt = 1: the tangent of the angle by which a pair is turned.
fn tangent(zeta: f64) -> f64 {
    // Beyond, ζ² + 1 is ζ² to the last bit; squared further out it would overflow.
    if zeta.abs() > 1e8 {
        return 0.5 / zeta;
    }
    zeta.signum() / (zeta.abs() + (zeta * zeta + 1.0).sqrt())
}

fn turn(a: &mut [f64], m: usize, p: usize, q: usize, c: f64, s: f64) {
    let (before, after) = a.split_at_mut(q * m);
    for (x, y) in before[p * m..][..m].iter_mut().zip(&mut after[..m]) {
        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
    }
}

/// Cyclic Jacobi for a symmetric matrix: the diagonal becomes the eigenvalues.
///
/// Returns V with the eigenvectors as columns. Golub & Van Loan, *Matrix Computations*, 8.5.
pub(super) fn diagonalise(a: &mut Matrix) -> Matrix {
    let n = a.rows();
    let mut v = Matrix::identity(n);
    for _ in 0..MAX_SWEEPS {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                let apq = a[(p, q)];
                let size = (a[(p, p)].abs() * a[(q, q)].abs()).sqrt();
                if apq == 0.0 || (apq.abs() <= 1e-17 * size) {
                    continue;
                }
                rotated |= turn_symmetric(a, &mut v, p, q);
            }
        }
        if !rotated {
            break;
        }
    }
    v
}

fn turn_symmetric(a: &mut Matrix, v: &mut Matrix, p: usize, q: usize) -> bool {
    let n = a.rows();
    let apq = a[(p, q)];
    let (app, aqq) = (a[(p, p)], a[(q, q)]);
    let theta = (aqq - app) / (2.0 * apq);
    let t = tangent(theta);
    a[(p, q)] = 0.0;
    a[(q, p)] = 0.0;
    if t == 0.0 {
        return false;
    }
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    a[(p, p)] = app - t * apq;
    a[(q, q)] = aqq + t * apq;
    for i in 0..n {
        if i != p && i != q {
            let (x, y) = (a[(i, p)], a[(i, q)]);
            let (x, y) = (c * x - s * y, s * x + c * y);
            a[(i, p)] = x;
            a[(p, i)] = x;
            a[(i, q)] = y;
            a[(q, i)] = y;
        }
        let (x, y) = (v[(i, p)], v[(i, q)]);
        v[(i, p)] = c * x - s * y;
        v[(i, q)] = s * x + c * y;
    }
    true
}
