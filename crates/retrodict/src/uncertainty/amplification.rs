//! How much of the noise in y an exact fit passes on to x: from the singular values of J.

use crate::core::random::Random;
use crate::error::Result;
use crate::linalg::{LinearMap, Matrix, norm, spectral_measure, svd};

/// How strongly an exact fit of y amplifies the noise in it.
///
/// An exact fit adds J⁺e to x for noise e in y, which is s₁/sᵢ times as large, relative to x and y, along the i-th singular
/// vector as along the first one. A problem where that is a thousand or more is ill-posed in practice: noise of 0.1 % is as large
/// as x itself.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Amplification {
    /// By how much relative white noise grows from y to x: the root mean square of s₁/sᵢ.
    pub noise: f64,
    /// The condition number s₁/sₖ, of the singular values that stand out of the round-off.
    pub condition: f64,
}

/// Up to how many rows or columns, whichever are fewer, J is formed and decomposed.
const DENSE: usize = 256;

/// Steps of Lanczos' iteration for larger ones.
const STEPS: usize = 60;

/// The part of the largest value of J Jᵀ below which Lanczos' iteration finds round-off: its square root for J.
const ROUND_OFF: f64 = 1e-14;

impl Amplification {
    /// That of J. Up to 256 rows or columns, whichever are fewer, all singular values are computed, with the columns of J scaled to
    /// one length, so that the units of x do not matter; beyond, both figures are estimated from below by 60 steps of Lanczos'
    /// iteration with J Jᵀ (or JᵀJ), which tells singular values down to 1e-7 of the largest one from 0.
    ///
    /// # Errors
    /// If a product with J fails or is not finite.
    ///
    /// # Cost
    /// min(m, n) products with J or Jᵀ, or 60 with both.
    ///
    /// # Source
    /// Golub & Meurant, *Matrices, Moments and Quadrature with Applications*, chapter 7, with f(λ) = 1/λ, where Gauss's rule is a
    /// lower bound.
    pub fn of(map: &dyn LinearMap) -> Result<Self> {
        let least = map.inputs().min(map.outputs());
        match least {
            0..=DENSE => Self::of_matrix(map.dense()?),
            _ => Self::estimated(map, STEPS),
        }
    }

    fn of_matrix(mut j: Matrix) -> Result<Self> {
        let columns = j.transpose();
        let lengths: Vec<f64> = (0..j.cols()).map(|c| norm(columns.row(c))).collect();
        for r in 0..j.rows() {
            let row = j.row_mut(r).iter_mut().zip(&lengths);
            // A column of zeros stays one.
            row.for_each(|(v, length)| *v /= if *length == 0.0 { 1.0 } else { *length });
        }
        let values = svd(&j)?.s;
        let largest = values.first().copied().unwrap_or(0.0);
        let seen = largest * f64::EPSILON * j.rows().max(j.cols()) as f64;
        let squares = values.iter().filter(|s| **s > seen).map(|s| s * s);
        let share = 1.0 / values.len().max(1) as f64;
        Ok(Self::of_measure(squares.map(|square| (square, share))))
    }

    fn estimated(map: &dyn LinearMap, steps: usize) -> Result<Self> {
        let (m, n) = (map.outputs(), map.inputs());
        let (least, most) = (m.min(n), m.max(n));
        let mut random = Random::seeded(0);
        // Signs, since all directions are to count alike: their mean over the spectrum varies less than that of normal numbers
        // (Hutchinson 1990).
        let b: Vec<f64> = (0..least).map(|_| random.normal().signum()).collect();
        let mut between = vec![0.0; most];
        let mut gram = |v: &[f64], out: &mut [f64]| match m <= n {
            true => map.apply_gram(v, &mut between, out),
            false => {
                map.apply(v, &mut between)?;
                map.apply_transpose(&between, out)
            }
        };
        let found = spectral_measure(least, &mut gram, &b, steps)?;
        let largest = found
            .iter()
            .fold(0.0, |most: f64, (value, _)| most.max(*value));
        let seen = found
            .into_iter()
            .filter(|(value, _)| *value > ROUND_OFF * largest);
        Ok(Self::of_measure(seen))
    }

    /// Of squares of singular values, each with its share in all of them.
    fn of_measure(squares: impl Iterator<Item = (f64, f64)>) -> Self {
        let (mut largest, mut smallest, mut inverse) = (0.0_f64, f64::INFINITY, 0.0);
        for (square, share) in squares {
            largest = largest.max(square);
            smallest = smallest.min(square);
            inverse += share / square;
        }
        match largest > 0.0 {
            true => Self {
                noise: (largest * inverse).sqrt(),
                condition: (largest / smallest).sqrt(),
            },
            // y does not depend on x: nothing is passed on.
            false => Self {
                noise: 0.0,
                condition: 1.0,
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// diag(s), embedded in an m × n matrix.
    struct Diagonal {
        s: Vec<f64>,
        m: usize,
        n: usize,
    }

    impl LinearMap for Diagonal {
        fn inputs(&self) -> usize {
            self.n
        }
        fn outputs(&self) -> usize {
            self.m
        }
        fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
            dy.fill(0.0);
            for (i, s) in self.s.iter().enumerate() {
                dy[i] = s * dx[i];
            }
            Ok(())
        }
        fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
            dx.fill(0.0);
            for (i, s) in self.s.iter().enumerate() {
                dx[i] = s * dy[i];
            }
            Ok(())
        }
    }

    /// A · diag(s) · B with rotations A and B of neighbours, so that no column is a multiple of a unit vector.
    fn mixed(s: &[f64]) -> Matrix {
        let n = s.len();
        let mut j = Matrix::zeros(n, n);
        for (i, s) in s.iter().enumerate() {
            j[(i, i)] = *s;
        }
        let (c, d) = (0.8, 0.6);
        let mut rotation = Matrix::identity(n);
        for i in 0..n - 1 {
            let mut one = Matrix::identity(n);
            (one[(i, i)], one[(i, i + 1)]) = (c, d);
            (one[(i + 1, i)], one[(i + 1, i + 1)]) = (-d, c);
            rotation = rotation.multiply(&one);
        }
        rotation.multiply(&j).multiply(&rotation.transpose())
    }

    #[test]
    fn units_of_x_do_not_matter_and_directions_do() {
        // Unknowns of very different size, seen one by one, are no ill-posed problem.
        let apart = Diagonal {
            s: vec![1e8, 1.0, 1e-8],
            m: 3,
            n: 3,
        };
        let found = Amplification::of(&apart).unwrap();
        assert!((found.noise - 1.0).abs() < 1e-12 && (found.condition - 1.0).abs() < 1e-12);
        // Two columns that are almost the same are: s² = 1 ± cos of the angle between them.
        let epsilon = 1e-4_f64;
        let j = Matrix::from_rows(&[&[1.0, 1.0], &[0.0, epsilon]]);
        let cosine = 1.0 / (1.0 + epsilon * epsilon).sqrt();
        let ratio = ((1.0 + cosine) / (1.0 - cosine)).sqrt();
        let found = Amplification::of_matrix(j).unwrap();
        assert!((found.condition / ratio - 1.0).abs() < 1e-6, "{found:?}");
        let expected = ((1.0 + ratio * ratio) / 2.0).sqrt();
        assert!((found.noise / expected - 1.0).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn what_is_not_seen_at_all_amplifies_nothing() {
        let j = mixed(&[1.0, 0.5, 0.0]);
        assert!(Amplification::of_matrix(j).unwrap().condition < 10.0);
        let blind = Amplification::of_matrix(Matrix::zeros(3, 2)).unwrap();
        assert_eq!((blind.noise, blind.condition), (0.0, 1.0));
    }

    #[test]
    fn the_estimate_bounds_known_spectra_from_below() {
        // Well-posed: all directions between 1 and 3, so that all is found.
        let n = 400;
        let s: Vec<f64> = (0..n)
            .map(|i| 1.0 + 2.0 * i as f64 / (n - 1) as f64)
            .collect();
        let exact = (9.0 * s.iter().map(|s| 1.0 / (s * s)).sum::<f64>() / n as f64).sqrt();
        for (m, n) in [(n, n), (n + 50, n), (n, n + 50)] {
            let found = Amplification::of(&Diagonal { s: s.clone(), m, n }).unwrap();
            assert!(
                (found.noise / exact - 1.0).abs() < 0.05,
                "{found:?} {exact}"
            );
            assert!((2.9..=3.000_001).contains(&found.condition), "{found:?}");
        }
        // Ill-posed: they fall by a decade in 20, as those of a diffusion do.
        let s: Vec<f64> = (0..n).map(|i| 10.0_f64.powf(-(i as f64) / 20.0)).collect();
        let found = Amplification::of(&Diagonal { s, m: n, n }).unwrap();
        assert!(found.condition > 1e4 && found.noise > 1e3, "{found:?}");
        // A single direction that is hardly seen does little to the mean.
        let mut s = vec![1.0; n];
        s[7] = 1e-3;
        let found = Amplification::of(&Diagonal { s, m: n, n }).unwrap();
        assert!((found.condition / 1e3 - 1.0).abs() < 1e-3, "{found:?}");
        assert!(found.noise < 300.0, "{found:?}");
    }
}
