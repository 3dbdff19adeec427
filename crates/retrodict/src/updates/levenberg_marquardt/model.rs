//! The linear model of a point, in the units of the region: its steps for every damping.

use crate::error::Result;
use crate::linalg::{Matrix, SMALL, Svd, dot, norm, svd, symmetric_eigen, triangle};
use crate::updates::TRUSTED;

/// The least eigenvalue, in parts of the largest for each unknown, of a Hessian that is surely positive: some thousand times its
/// round-off.
const DEFINITE: f64 = 1e-13;

/// W J D⁻¹ = U S Vᵀ and Uᵀ W Δy: what remains valid while trials from one x are rejected.
///
/// Where J is tall and narrow, all of this is of its triangle, in which lengths are the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct QuadraticModel {
    /// W J D⁻¹, or its triangle.
    map: Matrix,
    /// W Δy, or what of it the triangle can reach.
    aim: Vec<f64>,
    parts: Svd,
    overlap: Vec<f64>,
    /// Singular values up to this may be the error of J.
    error: f64,
}

impl QuadraticModel {
    /// From the columns of W J, and how far off each may be.
    pub(super) fn new(
        mut columns: Matrix,
        errors: Option<&[f64]>,
        scale: &[f64],
        aim: &[f64],
    ) -> Result<Self> {
        let error = errors.map_or(0.0, |errors| {
            let shares = errors.iter().zip(scale).enumerate();
            let of = |(i, (error, scale)): (usize, (&f64, &f64))| {
                // A column that is no more than its error changes nothing for the others.
                error.min(norm(columns.row(i))) / scale
            };
            norm(&shares.map(of).collect::<Vec<_>>()) / TRUSTED
        });
        for (i, scale) in scale.iter().enumerate() {
            let share = scale.recip();
            columns.row_mut(i).iter_mut().for_each(|v| *v *= share);
        }
        let mut aim = aim.to_vec();
        let n = columns.rows();
        let map = if n <= SMALL && n < columns.cols() {
            let triangle = triangle(&mut columns, &mut aim);
            aim.truncate(n);
            triangle
        } else {
            columns.transpose()
        };
        // Jacobi's rotations settle sooner along the rows of a triangle.
        let Svd { u, s, v } = svd(&map.transpose())?;
        let parts = Svd { u: v, s, v: u };
        let mut overlap = vec![0.0; parts.s.len()];
        parts.u.apply_transpose(&aim, &mut overlap);
        Ok(Self {
            map,
            aim,
            parts,
            overlap,
            error,
        })
    }

    /// ½ sᵀHs − gᵀs written as ½‖R s − a‖², of the unknowns `free` among `n`; nothing where H is not surely positive.
    pub(super) fn of_hessian(
        hessian: &Matrix,
        pull: &[f64],
        free: &[usize],
        n: usize,
    ) -> Option<Self> {
        let eigen = symmetric_eigen(hessian).ok()?;
        let k = free.len();
        let largest = *eigen.values.last()?;
        if !(largest > 0.0 && eigen.values[0] > DEFINITE * k as f64 * largest) {
            return None;
        }
        let mut v = Matrix::zeros(n, k);
        let mut map = Matrix::zeros(k, n);
        let (mut s, mut aim) = (vec![0.0; k], vec![0.0; k]);
        for c in 0..k {
            // The largest first.
            let of = k - 1 - c;
            s[c] = eigen.values[of].sqrt();
            for (a, i) in free.iter().enumerate() {
                v[(*i, c)] = eigen.vectors[(a, of)];
                map[(c, *i)] = s[c] * v[(*i, c)];
                aim[c] += v[(*i, c)] * pull[a] / s[c];
            }
        }
        Some(Self {
            map,
            overlap: aim.clone(),
            aim,
            parts: Svd {
                u: Matrix::identity(k),
                s,
                v,
            },
            error: 0.0,
        })
    }

    /// The gradient of ½‖W (J Δx − Δy)‖² at Δx = 0, in the units of x.
    pub(super) fn gradient(&self, scale: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; scale.len()];
        self.map.apply_transpose(&self.aim, &mut out);
        out.iter_mut().zip(scale).for_each(|(g, d)| *g *= -d);
        out
    }

    /// JᵀWᵀW J Δx.
    pub(super) fn bend(&self, scale: &[f64], dx: &[f64]) -> Vec<f64> {
        let scaled: Vec<f64> = dx.iter().zip(scale).map(|(d, s)| d * s).collect();
        let mut moved = vec![0.0; self.aim.len()];
        self.map.apply(&scaled, &mut moved);
        let mut out = vec![0.0; dx.len()];
        self.map.apply_transpose(&moved, &mut out);
        out.iter_mut().zip(scale).for_each(|(g, d)| *g *= d);
        out
    }

    /// (W Δy)ᵀ W J Δx and ‖W J Δx‖².
    pub(super) fn reach(&self, scale: &[f64], dx: &[f64]) -> (f64, f64) {
        let scaled: Vec<f64> = dx.iter().zip(scale).map(|(d, s)| d * s).collect();
        let mut moved = vec![0.0; self.aim.len()];
        self.map.apply(&scaled, &mut moved);
        (dot(&self.aim, &moved), dot(&moved, &moved))
    }

    /// W J D⁻¹, or its triangle, and W Δy in its terms.
    pub(super) fn linear(&self) -> (&Matrix, &[f64]) {
        (&self.map, &self.aim)
    }

    /// JᵀJ and Jᵀ aim in the units of the region, of some unknowns.
    pub(super) fn normal(&self, of: &[usize]) -> (Matrix, Vec<f64>) {
        let part = Matrix::from_vec(
            of.len(),
            self.map.rows(),
            of.iter()
                .flat_map(|j| (0..self.map.rows()).map(|i| self.map[(i, *j)]))
                .collect(),
        );
        let pull = (0..of.len()).map(|a| dot(part.row(a), &self.aim)).collect();
        (part.gram(), pull)
    }

    /// How many combinations of the unknowns change y by more than round-off.
    pub(super) fn rank(&self) -> usize {
        let floor = self.floor();
        self.parts.s.iter().filter(|s| **s > floor).count()
    }

    /// By how much the loss falls in the model, without a limit to the step, and without what may be the error of J. Steps are taken
    /// in such directions too: some lead on.
    pub(super) fn promise(&self) -> f64 {
        let floor = self.floor().max(self.error);
        let pairs = self.parts.s.iter().zip(&self.overlap);
        0.5 * pairs
            .filter(|(s, _)| **s > floor)
            .map(|(_, c)| c * c)
            .sum::<f64>()
    }

    /// D Δx for the damping λ: V S/(S² + λ) Uᵀ aim; without damping the minimum-norm solution.
    pub(super) fn step(&self, lambda: f64, out: &mut [f64]) {
        out.fill(0.0);
        let floor = self.floor();
        for (k, (s, c)) in self.parts.s.iter().zip(&self.overlap).enumerate() {
            if *s <= floor {
                continue;
            }
            let weight = c * s / (s * s + lambda);
            for (i, o) in out.iter_mut().enumerate() {
                *o += weight * self.parts.v[(i, k)];
            }
        }
    }

    /// g ← D⁻¹ V (S² + λ)⁻¹ Vᵀ D⁻¹ g.
    pub(super) fn answer(&self, scale: &[f64], lambda: f64, g: &mut [f64]) {
        g.iter_mut().zip(scale).for_each(|(g, s)| *g /= s);
        let mut along = vec![0.0; self.parts.s.len()];
        self.parts.v.apply_transpose(g, &mut along);
        let floor = self.floor();
        for (a, s) in along.iter_mut().zip(&self.parts.s) {
            *a = if *s <= floor {
                0.0
            } else {
                *a / (s * s + lambda)
            };
        }
        self.parts.v.apply(&along, g);
        g.iter_mut().zip(scale).for_each(|(g, s)| *g /= s);
    }

    /// Below this a singular value is round-off.
    fn floor(&self) -> f64 {
        let largest = self.parts.s.first().copied().unwrap_or(0.0);
        f64::EPSILON * self.parts.s.len() as f64 * largest
    }

    /// φ(λ) = ‖D Δx(λ)‖ and φ′(λ).
    pub(super) fn length(&self, lambda: f64) -> (f64, f64) {
        let floor = self.floor();
        let (mut square, mut slope) = (0.0, 0.0);
        for (s, c) in self.parts.s.iter().zip(&self.overlap) {
            if *s <= floor {
                continue;
            }
            let p = c * s / (s * s + lambda);
            square += p * p;
            slope -= p * p / (s * s + lambda);
        }
        let length = square.sqrt();
        (length, if length > 0.0 { slope / length } else { 0.0 })
    }

    /// The λ ≥ 0 with φ(λ) within a tenth of the radius, by Newton's iteration on 1/φ.
    pub(super) fn damping(&self, radius: f64) -> f64 {
        let (full, slope) = self.length(0.0);
        if full <= 1.1 * radius {
            return 0.0;
        }
        let mut lower = if slope < 0.0 {
            (full - radius) / -slope * (radius / full)
        } else {
            0.0
        };
        let products = self.parts.s.iter().zip(&self.overlap);
        let steepest: f64 = products.map(|(s, c)| s * c * s * c).sum();
        let mut upper = steepest.sqrt() / radius;
        let mut lambda = lower.max(1e-3 * upper).min(upper);
        for _ in 0..50 {
            let (length, slope) = self.length(lambda);
            if (length - radius).abs() <= 0.1 * radius {
                break;
            }
            if length > radius {
                lower = lower.max(lambda);
            } else {
                upper = upper.min(lambda);
            }
            let next = lambda - (length - radius) / radius * (length / slope);
            lambda = if next > lower && next < upper {
                next
            } else {
                (lower * upper).sqrt().max(0.5 * (lower + upper) * 1e-3)
            };
        }
        lambda
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_hessian_that_is_positive_gives_its_newton_step_and_another_nothing() {
        let hessian = Matrix::from_rows(&[&[4.0, 1.0], &[1.0, 3.0]]);
        let model = QuadraticModel::of_hessian(&hessian, &[1.0, 2.0], &[0, 2], 3).unwrap();
        let mut step = [9.0; 3];
        model.step(0.0, &mut step);
        // H⁻¹ = [[3, −1], [−1, 4]] / 11.
        let expected = [1.0 / 11.0, 0.0, 7.0 / 11.0];
        assert!(
            step.iter()
                .zip(&expected)
                .all(|(a, b)| (a - b).abs() < 1e-14)
        );
        assert!((model.promise() - 0.5 * (1.0 + 14.0) / 11.0).abs() < 1e-14);
        assert_eq!(model.rank(), 2);
        let saddle = Matrix::from_rows(&[&[1.0, 2.0], &[2.0, 1.0]]);
        assert!(QuadraticModel::of_hessian(&saddle, &[1.0, 2.0], &[0, 1], 2).is_none());
    }
}
