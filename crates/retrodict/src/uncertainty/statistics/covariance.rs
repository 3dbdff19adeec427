//! The covariance of what is identifiable, and the directions that are not.

use crate::linalg::Matrix;

/// s² D⁻¹ V S⁻² Vᵀ D⁻¹.
pub(super) fn covariance(s: &[f64], v: &Matrix, scale: &[f64], variance: f64) -> Matrix {
    let n = scale.len();
    let mut covariance = Matrix::zeros(n, n);
    for i in 0..n {
        for j in 0..n {
            let terms = s.iter().enumerate();
            let sum: f64 = terms.map(|(k, s)| v[(i, k)] / s * (v[(j, k)] / s)).sum();
            // An infinite variance leaves what is not correlated at 0.
            covariance[(i, j)] = if sum == 0.0 {
                0.0
            } else {
                variance * sum / (scale[i] * scale[j])
            };
        }
    }
    covariance
}

/// The columns of V beyond the rank, back in the units of x.
pub(super) fn unseen(rank: usize, free: usize, v: &Matrix, scale: &[f64]) -> Matrix {
    let n = scale.len();
    let mut unseen = Matrix::zeros(free - rank, n);
    for k in rank..free {
        for (i, value) in unseen.row_mut(k - rank).iter_mut().enumerate() {
            *value = v[(i, k)] / scale[i];
        }
    }
    unseen
}

/// A parameter whose share in an unseen direction exceeds this is not determined, where J is exact.
pub(super) const SHARE: f64 = 1e-8;

/// Unseen directions that may be off by more than this tell nothing of single parameters.
pub(super) const MOST_SHARE: f64 = 0.05;

/// The share in an unseen direction that the error of J may make of none: by so much it may be turned.
pub(in crate::uncertainty) fn share(uncertainty: f64) -> f64 {
    match uncertainty <= MOST_SHARE {
        true => SHARE.max(uncertainty),
        false => SHARE,
    }
}

pub(super) fn deviations(
    covariance: &Matrix,
    unseen: &Matrix,
    scale: &[f64],
    share: f64,
) -> Vec<f64> {
    let free = |i: usize| (0..unseen.rows()).any(|k| (unseen[(k, i)] * scale[i]).abs() > share);
    (0..scale.len())
        .map(|i| match free(i) {
            true => f64::INFINITY,
            false => covariance[(i, i)].sqrt(),
        })
        .collect()
}
