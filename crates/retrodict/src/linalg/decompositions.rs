//! Dense decompositions: SVD, symmetric eigenvalues, Cholesky.

use faer::diag::Diag;
use faer::dyn_stack::MemBuffer;
use faer::dyn_stack::MemStack;
use faer::linalg::evd::{self, ComputeEigenvectors};
use faer::linalg::svd::{self, ComputeSvdVectors};
use faer::prelude::default;
use faer::{Mat, Par};

use super::matrix::Matrix;
use super::small;
use crate::error::{Error, Result};
use crate::interrupt;

/// A sum that several threads share would depend on their number; batches use the threads instead.
const ONE_THREAD: Par = Par::Seq;

/// The largest min(m, n) for which Jacobi's methods are used.
pub(crate) const SMALL: usize = 12;

/// A thin singular value decomposition A = U S Vᵀ with k = min(m, n) values.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Svd {
    /// Left singular vectors as columns, m × k.
    pub u: Matrix,
    /// Singular values, largest first.
    pub s: Vec<f64>,
    /// Right singular vectors as columns, n × k.
    pub v: Matrix,
}

/// A = V diag(values) Vᵀ.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SymmetricEigen {
    /// Eigenvalues, smallest first.
    pub values: Vec<f64>,
    /// Eigenvectors as columns.
    pub vectors: Matrix,
}

fn require_finite(what: &'static str, a: &Matrix) -> Result<()> {
    if a.is_finite() {
        return Ok(());
    }
    Err(Error::LinearAlgebra {
        what,
        message: "the matrix contains NaN or infinity; check the simulator's derivatives at this x"
            .to_owned(),
    })
}

/// Whether a decomposition of an m × n matrix may take more than half a second.
fn takes_long(m: usize, n: usize) -> bool {
    m.saturating_mul(n).saturating_mul(m.min(n)) > 50_000_000
}

/// The thin SVD of A; one-sided Jacobi up to 12 columns, faer beyond.
///
/// # Errors
/// [`Error::LinearAlgebra`] if A is not finite or the iteration fails.
pub fn svd(a: &Matrix) -> Result<Svd> {
    require_finite("the singular value decomposition", a)?;
    let (m, n) = (a.rows(), a.cols());
    if takes_long(m, n) {
        let a = a.clone();
        return interrupt::abandonable("the singular value decomposition", move || svd_large(&a))?;
    }
    if m.min(n) > SMALL {
        return svd_large(a);
    }
    if m < n {
        let flipped = svd_tall(&a.transpose());
        return Ok(Svd {
            u: flipped.v,
            s: flipped.s,
            v: flipped.u,
        });
    }
    Ok(svd_tall(a))
}

/// The bytes that [`svd`] of a large m × n matrix holds at once besides the matrix: the vectors, and with
/// them either the workspace in which they are computed or what is returned.
pub(super) fn svd_bytes(m: usize, n: usize) -> u64 {
    let thin = ComputeSvdVectors::Thin;
    let scratch = svd::svd_scratch::<f64>(m, n, thin, thin, ONE_THREAD, default());
    let (rows, rank) = (m as u64 + n as u64, m.min(n) as u64);
    let vectors = rows.saturating_mul(rank).saturating_mul(8);
    vectors.saturating_add(vectors.max(scratch.size_bytes() as u64))
}

/// The bytes that [`symmetric_eigen`] of a large n × n matrix holds at once besides the matrix.
pub(super) fn symmetric_eigen_bytes(n: usize) -> u64 {
    let scratch =
        evd::self_adjoint_evd_scratch::<f64>(n, ComputeEigenvectors::Yes, ONE_THREAD, default());
    let vectors = (n as u64).saturating_mul(n as u64).saturating_mul(8);
    vectors.saturating_add(vectors.max(scratch.size_bytes() as u64))
}

fn not_converged(what: &'static str) -> Error {
    Error::LinearAlgebra {
        what,
        message: "the iteration did not converge; rescale the problem".to_owned(),
    }
}

fn svd_large(a: &Matrix) -> Result<Svd> {
    let (m, n, thin) = (a.rows(), a.cols(), ComputeSvdVectors::Thin);
    let size = m.min(n);
    let (mut u, mut v) = (Mat::zeros(m, size), Mat::zeros(n, size));
    let mut s = Diag::zeros(size);
    let scratch = svd::svd_scratch::<f64>(m, n, thin, thin, ONE_THREAD, default());
    svd::svd(
        a.view(),
        s.as_mut(),
        Some(u.as_mut()),
        Some(v.as_mut()),
        ONE_THREAD,
        MemStack::new(&mut MemBuffer::new(scratch)),
        default(),
    )
    .map_err(|_| not_converged("the singular value decomposition"))?;
    let s = s.column_vector();
    Ok(Svd {
        u: Matrix::from_view(u.as_ref()),
        s: (0..size).map(|i| s[i]).collect(),
        v: Matrix::from_view(v.as_ref()),
    })
}

/// Columns of a matrix whose largest value is 1 that are shorter than this are zero.
const VANISHED: f64 = f64::MIN_POSITIVE / f64::EPSILON;

fn svd_tall(a: &Matrix) -> Svd {
    let (m, n) = (a.rows(), a.cols());
    // Scaled so that squares neither overflow nor underflow.
    let largest = a.as_slice().iter().fold(0.0_f64, |c, v| c.max(v.abs()));
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let mut columns = vec![0.0; m * n];
    for i in 0..m {
        for j in 0..n {
            columns[j * m + i] = a[(i, j)] / scale;
        }
    }
    let vectors = small::orthogonalise(&mut columns, m, n);
    // What is left beside the largest by underflow alone has no direction any more.
    let norms: Vec<f64> = (0..n)
        .map(|j| super::norm(&columns[j * m..(j + 1) * m]))
        .map(|norm| if norm < VANISHED { 0.0 } else { norm })
        .collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| norms[j].total_cmp(&norms[i]));
    let (mut u, mut v) = (Matrix::zeros(m, n), Matrix::zeros(n, n));
    for (k, &j) in order.iter().enumerate() {
        for i in 0..m {
            // A zero singular value leaves a zero column: it is never used.
            u[(i, k)] = if norms[j] > 0.0 {
                columns[j * m + i] / norms[j]
            } else {
                0.0
            };
        }
        for i in 0..n {
            v[(i, k)] = vectors[j * n + i];
        }
    }
    Svd {
        u,
        s: order.iter().map(|&j| norms[j] * scale).collect(),
        v,
    }
}

/// Eigenvalues and vectors of a symmetric matrix; the upper triangle is not read.
///
/// # Errors
/// [`Error::LinearAlgebra`] if A is not finite or the iteration fails.
pub fn symmetric_eigen(a: &Matrix) -> Result<SymmetricEigen> {
    require_finite("the eigendecomposition", a)?;
    let n = a.rows();
    if n <= SMALL {
        let mut d = a.clone();
        for i in 0..n {
            for j in i + 1..n {
                d[(i, j)] = d[(j, i)];
            }
        }
        let v = small::diagonalise(&mut d);
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| d[(i, i)].total_cmp(&d[(j, j)]));
        let mut vectors = Matrix::zeros(n, n);
        for (k, &j) in order.iter().enumerate() {
            for i in 0..n {
                vectors[(i, k)] = v[(i, j)];
            }
        }
        return Ok(SymmetricEigen {
            values: order.iter().map(|&j| d[(j, j)]).collect(),
            vectors,
        });
    }
    if takes_long(n, n) {
        let a = a.clone();
        return interrupt::abandonable("the eigendecomposition", move || eigen_large(&a))?;
    }
    eigen_large(a)
}

fn eigen_large(a: &Matrix) -> Result<SymmetricEigen> {
    let n = a.rows();
    let (mut u, mut s) = (Mat::zeros(n, n), Diag::zeros(n));
    let scratch =
        evd::self_adjoint_evd_scratch::<f64>(n, ComputeEigenvectors::Yes, ONE_THREAD, default());
    evd::self_adjoint_evd(
        a.view(),
        s.as_mut(),
        Some(u.as_mut()),
        ONE_THREAD,
        MemStack::new(&mut MemBuffer::new(scratch)),
        default(),
    )
    .map_err(|_| not_converged("the eigendecomposition"))?;
    let s = s.column_vector();
    Ok(SymmetricEigen {
        values: (0..n).map(|i| s[i]).collect(),
        vectors: Matrix::from_view(u.as_ref()),
    })
}

/// A = L Lᵀ.
#[derive(Debug, Clone, PartialEq)]
pub struct Cholesky(Matrix);

/// The Cholesky factorisation of a symmetric positive definite matrix; reads its lower triangle.
///
/// # Errors
/// [`Error::LinearAlgebra`] naming the first row at which A is not positive definite.
pub fn cholesky(a: &Matrix) -> Result<Cholesky> {
    let n = a.rows();
    let mut l = Matrix::zeros(n, n);
    for i in 0..n {
        for j in 0..=i {
            let (ri, rj) = (&l.row(i)[..j], &l.row(j)[..j]);
            let rest = a[(i, j)] - super::dot(ri, rj);
            if i != j {
                l[(i, j)] = rest / l[(j, j)];
            } else if rest > 0.0 && rest.is_finite() {
                l[(i, i)] = rest.sqrt();
            } else {
                return Err(Error::LinearAlgebra {
                    what: "the Cholesky factorisation",
                    message: format!(
                        "the matrix is not positive definite at row {i} (pivot {rest:.3e}); \
                         a covariance must be symmetric with positive eigenvalues"
                    ),
                });
            }
        }
    }
    Ok(Cholesky(l))
}

impl Cholesky {
    /// The lower factor L.
    pub fn factor(&self) -> &Matrix {
        &self.0
    }

    /// b ← A⁻¹ b.
    pub fn solve(&self, b: &mut [f64]) {
        self.solve_lower(b);
        self.solve_lower_transpose(b);
    }

    /// b ← L⁻¹ b.
    pub fn solve_lower(&self, b: &mut [f64]) {
        for i in 0..b.len() {
            let known = super::dot(&self.0.row(i)[..i], &b[..i]);
            b[i] = (b[i] - known) / self.0[(i, i)];
        }
    }

    /// b ← L⁻ᵀ b.
    pub fn solve_lower_transpose(&self, b: &mut [f64]) {
        for i in (0..b.len()).rev() {
            b[i] /= self.0[(i, i)];
            let (head, tail) = b.split_at_mut(i);
            super::axpy(-tail[0], &self.0.row(i)[..i], head);
        }
    }
}
