//! The largest eigenvalues of a symmetric operator, by random projections.

use derive_setters::Setters;
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

use super::matrix::Matrix;
use super::product::{View, multiply, multiply_add};
use super::symmetric_eigen;
use super::vectors::{axpy, dot, norm};
use crate::error::Result;
use crate::interrupt;

/// Each row of `out` = A times the same row of the first matrix, for a symmetric A; rows may be done in any order.
pub type RowOperator<'a> = dyn Fn(&Matrix, &mut Matrix) -> Result<()> + 'a;

/// The largest eigenvalues of a symmetric positive semi-definite A, and their vectors.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LowRank {
    /// Eigenvalues, largest first.
    pub values: Vec<f64>,
    /// Eigenvectors as rows.
    pub vectors: Matrix,
}

/// How many eigenvalues are wanted, and from what random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Setters)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct Sketch {
    /// How many eigenvalues; fewer if A has fewer that are not 0.
    pub rank: usize,
    /// How many random directions more than that.
    pub oversampling: usize,
    /// The seed of the random directions.
    pub seed: u64,
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            rank: 100,
            oversampling: 10,
            seed: 0,
        }
    }
}

/// The largest eigenvalues of an n × n operator by a randomised double pass: A on random directions, then A on
/// an orthonormal basis of what came out.
///
/// # Errors
/// What the operator returns.
///
/// # Cost
/// 2 (rank + oversampling) products with A, in two blocks, and 6 n (rank + oversampling)² multiplications.
///
/// # Source
/// Halko, Martinsson & Tropp, *Finding structure with randomness*, SIAM Review 53 (2011), algorithms 4.1 and
/// 5.3.
pub fn randomised_eigen(n: usize, apply: &RowOperator<'_>, sketch: Sketch) -> Result<LowRank> {
    let count = (sketch.rank + sketch.oversampling).min(n);
    let mut random = Pcg64::seed_from_u64(sketch.seed);
    let draws = (0..count * n).map(|_| StandardNormal.sample(&mut random));
    let directions = Matrix::from_vec(count, n, draws.collect());
    let mut range = Matrix::zeros(count, n);
    apply(&directions, &mut range)?;
    let basis = orthonormal_rows(range)?;
    let k = basis.rows();
    let mut applied = Matrix::zeros(k, n);
    apply(&basis, &mut applied)?;
    let mut small = Matrix::zeros(k, k);
    let q = View::new(basis.as_slice(), k, n);
    multiply(
        q,
        View::new(applied.as_slice(), k, n).t(),
        small.as_mut_slice(),
    );
    for i in 0..k {
        for j in 0..i {
            let mean = 0.5 * (small[(i, j)] + small[(j, i)]);
            small[(i, j)] = mean;
            small[(j, i)] = mean;
        }
    }
    let eigen = symmetric_eigen(&small)?;
    let kept = sketch.rank.min(k);
    let mut turn = Matrix::zeros(kept, k);
    for i in 0..kept {
        for j in 0..k {
            turn[(i, j)] = eigen.vectors[(j, k - 1 - i)];
        }
    }
    let mut vectors = Matrix::zeros(kept, n);
    multiply(
        View::new(turn.as_slice(), kept, k),
        q,
        vectors.as_mut_slice(),
    );
    Ok(LowRank {
        values: eigen
            .values
            .iter()
            .rev()
            .take(kept)
            .map(|v| v.max(0.0))
            .collect(),
        vectors,
    })
}

/// Rows that are orthogonalised against those before in one product.
const BLOCK: usize = 16;

/// A row that loses all but this share of its length to those before is a combination of them.
const DEPENDENT: f64 = 1e-13;

/// An orthonormal basis of the rows, in their order; rows that depend on those before are left out.
///
/// Twice is enough (Parlett): each block loses its share of the rows before twice, and each row that of its
/// block.
///
/// # Errors
/// If it is interrupted, which is asked for each block.
fn orthonormal_rows(a: Matrix) -> Result<Matrix> {
    let (count, n) = (a.rows(), a.cols());
    let mut q = Matrix::zeros(count, n);
    let mut kept = 0;
    for first in (0..count).step_by(BLOCK) {
        interrupt::check()?;
        let rows = BLOCK.min(count - first);
        let mut block = a.as_slice()[first * n..(first + rows) * n].to_vec();
        let lengths: Vec<f64> = block.chunks(n).map(norm).collect();
        let mut overlaps = vec![0.0; rows * kept];
        for _ in 0..2 {
            let before = View::new(q.as_slice(), kept, n);
            multiply(View::new(&block, rows, n), before.t(), &mut overlaps);
            overlaps.iter_mut().for_each(|o| *o = -*o);
            multiply_add(View::new(&overlaps, rows, kept), before, &mut block);
        }
        let start = kept;
        for (row, length) in block.chunks_mut(n).zip(&lengths) {
            for _ in 0..2 {
                for i in start..kept {
                    let overlap = dot(q.row(i), row);
                    axpy(-overlap, q.row(i), row);
                }
            }
            let left = norm(row);
            if left > DEPENDENT * length {
                row.iter_mut().for_each(|v| *v /= left);
                q.row_mut(kept).copy_from_slice(row);
                kept += 1;
            }
        }
    }
    Ok(Matrix::from_vec(kept, n, q.as_slice()[..kept * n].to_vec()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A = Σ λᵢ vᵢ vᵢᵀ with cosines as vectors.
    fn operator(n: usize, values: &[f64]) -> impl Fn(&Matrix, &mut Matrix) -> Result<()> {
        let wave = |k: usize| -> Vec<f64> {
            let angle = |i: usize| std::f64::consts::PI * k as f64 * (i as f64 + 0.5) / n as f64;
            let scale = (if k == 0 {
                1.0 / n as f64
            } else {
                2.0 / n as f64
            })
            .sqrt();
            (0..n).map(|i| scale * angle(i).cos()).collect()
        };
        let pairs: Vec<(f64, Vec<f64>)> = values
            .iter()
            .enumerate()
            .map(|(k, v)| (*v, wave(k)))
            .collect();
        move |x: &Matrix, out: &mut Matrix| {
            for i in 0..x.rows() {
                out.row_mut(i).fill(0.0);
                for (value, wave) in &pairs {
                    axpy(value * dot(wave, x.row(i)), wave, out.row_mut(i));
                }
            }
            Ok(())
        }
    }

    #[test]
    fn eigenvalues_are_found_and_their_vectors_orthonormal() {
        let values: Vec<f64> = (0..60).map(|k| 1e3 * 0.4_f64.powi(k)).collect();
        let apply = operator(60, &values);
        let sketch = Sketch {
            rank: 12,
            ..Sketch::default()
        };
        let found = randomised_eigen(60, &apply, sketch).unwrap();
        assert_eq!((found.vectors.rows(), found.vectors.cols()), (12, 60));
        let gram = found.vectors.gram();
        let mut applied = Matrix::zeros(12, 60);
        apply(&found.vectors, &mut applied).unwrap();
        for i in 0..12 {
            assert!(
                (found.values[i] / values[i] - 1.0).abs() < 1e-9,
                "{i}: {}",
                found.values[i]
            );
            for j in 0..12 {
                assert!((gram[(i, j)] - f64::from(i == j)).abs() < 1e-13);
            }
            axpy(-found.values[i], found.vectors.row(i), applied.row_mut(i));
            // A vector is known to the root of what its value is known to.
            assert!(norm(applied.row(i)) < 3e-5 * values[i], "{i}");
        }
    }

    #[test]
    fn an_operator_of_less_rank_gives_what_it_has() {
        let apply = operator(40, &[5.0, 2.0, 1.0]);
        let sketch = Sketch {
            rank: 20,
            ..Sketch::default()
        };
        let found = randomised_eigen(40, &apply, sketch).unwrap();
        for (found, expected) in found.values.iter().zip([5.0, 2.0, 1.0]) {
            assert!((found - expected).abs() < 1e-12);
        }
        assert!(
            found.values[3..].iter().all(|v| *v < 1e-12),
            "{:?}",
            found.values
        );
    }
}
