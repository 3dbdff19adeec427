//! Data against prior in coordinates in which both are diagonal.

use super::WeightPoint;
use super::rules::Balance;
use crate::error::Result;
use crate::linalg::{Matrix, Svd, dot, norm, svd};

/// ‖A Δ − b‖² + w ‖R Δ − t‖² for every w at once, by the generalised singular value decomposition.
///
/// Δ = T z, with A T = U C and the columns of R T orthogonal of lengths s; then every sum over data or prior is
/// a sum over z.
///
/// # Source
/// Paige & Saunders, *Towards a generalized singular value decomposition* (1981).
pub(super) struct Trade {
    /// n × r: Δ = T z.
    back: Matrix,
    c: Vec<f64>,
    s: Vec<f64>,
    /// Uᵀ b.
    data: Vec<f64>,
    /// (R T)ᵀ t over s, in units of s.
    prior: Vec<f64>,
    /// What no Δ explains, squared.
    data_left: f64,
    prior_left: f64,
    /// The number of data.
    rows: f64,
    /// R was scaled by this, so that both weigh alike at w = 1.
    scale: f64,
}

/// log₁₀ of the weights that are tried, relative to that at which data and prior weigh alike.
const LOWEST: f64 = -16.0;
const HIGHEST: f64 = 6.0;
const PER_DECADE: usize = 20;

impl Trade {
    /// From the stacked rows of data and prior, of which the first `data` are data.
    pub(super) fn new(stacked: &Matrix, target: &[f64], data: usize) -> Result<Self> {
        let (rows, n) = (stacked.rows(), stacked.cols());
        let values = stacked.as_slice();
        let size = |values: &[f64]| norm(values).max(f64::MIN_POSITIVE);
        let scale = size(&values[..data * n]) / size(&values[data * n..]);
        let mut both = stacked.clone();
        both.as_mut_slice()[data * n..]
            .iter_mut()
            .for_each(|v| *v *= scale);
        let whole = svd(&both)?;
        let floor = f64::EPSILON * rows.max(n) as f64 * whole.s.first().copied().unwrap_or(0.0);
        let r = whole.s.iter().filter(|s| **s > floor).count();
        // Fewer data than directions: rows of zeros complete the right singular vectors.
        let mut upper = Matrix::zeros(data.max(r), r);
        let mut lower = Matrix::zeros(rows - data, r);
        for i in 0..rows {
            let to = if i < data {
                upper.row_mut(i)
            } else {
                lower.row_mut(i - data)
            };
            to.copy_from_slice(&whole.u.row(i)[..r]);
        }
        let Svd { u, s: c, v } = svd(&upper)?;
        let turned = lower.multiply(&v).transpose();
        // c² + s² = 1: what is round-off beside 1 is a direction that the prior does not see.
        let unseen = 100.0 * f64::EPSILON * rows.max(n) as f64;
        let s: Vec<f64> = (0..r)
            .map(|i| norm(turned.row(i)))
            .map(|s| if s < unseen { 0.0 } else { s })
            .collect();
        let mut back = Matrix::zeros(n, r);
        for i in 0..n {
            for k in 0..r {
                back[(i, k)] = whole.v[(i, k)] / whole.s[k];
            }
        }
        let (b, t) = target.split_at(data);
        let coordinates = u.transpose();
        let along_data: Vec<f64> = (0..r)
            .map(|i| dot(&coordinates.row(i)[..data], b))
            .collect();
        let along_prior: Vec<f64> = (0..r)
            .map(|i| {
                if s[i] > 0.0 {
                    scale * dot(turned.row(i), t) / s[i]
                } else {
                    0.0
                }
            })
            .collect();
        let left = |whole: &[f64], parts: &[f64], scale: f64| {
            (scale * scale * dot(whole, whole) - dot(parts, parts)).max(0.0)
        };
        Ok(Self {
            back: back.multiply(&v),
            data_left: left(b, &along_data, 1.0),
            prior_left: left(t, &along_prior, scale),
            c,
            s,
            data: along_data,
            prior: along_prior,
            rows: data as f64,
            scale,
        })
    }

    /// z at a relative weight.
    fn coordinates(&self, w: f64) -> impl Iterator<Item = f64> + '_ {
        (0..self.c.len()).map(move |i| {
            let (c, s) = (self.c[i], self.s[i]);
            (c * self.data[i] + w * s * self.prior[i]) / (c * c + w * s * s)
        })
    }

    fn relative(&self, w: f64) -> WeightPoint {
        let (mut misfit, mut prior) = (self.data_left, self.prior_left);
        for (i, z) in self.coordinates(w).enumerate() {
            misfit += (self.data[i] - self.c[i] * z).powi(2);
            prior += (self.prior[i] - self.s[i] * z).powi(2);
        }
        WeightPoint {
            weight: w * self.scale * self.scale,
            misfit,
            prior: prior / (self.scale * self.scale),
            freedom: self.used(w).sum(),
        }
    }

    /// The eigenvalues of A, the map from data to fit.
    fn used(&self, w: f64) -> impl Iterator<Item = f64> + '_ {
        let pairs = self.c.iter().zip(&self.s);
        pairs.map(move |(c, s)| c * c / (c * c + w * s * s))
    }
}

impl Balance for Trade {
    fn rows(&self) -> f64 {
        self.rows
    }
    fn weights(&self) -> Vec<f64> {
        let points = (HIGHEST - LOWEST) as usize * PER_DECADE;
        let relative = (0..=points).map(|i| 10_f64.powf(LOWEST + i as f64 / PER_DECADE as f64));
        relative.map(|w| w * self.scale * self.scale).collect()
    }
    fn at(&self, weight: f64) -> Result<(WeightPoint, f64)> {
        let w = weight / (self.scale * self.scale);
        let squares = self.used(w).map(|f| f * f).sum();
        Ok((self.relative(w), squares))
    }
    fn curve(&self) -> Result<Vec<WeightPoint>> {
        let weights = self.weights().into_iter();
        weights
            .map(|w| self.at(w).map(|(point, _)| point))
            .collect()
    }
    fn solution(&self, weight: f64) -> Result<Vec<f64>> {
        let z: Vec<f64> = self
            .coordinates(weight / (self.scale * self.scale))
            .collect();
        let mut step = vec![0.0; self.back.rows()];
        self.back.apply(&z, &mut step);
        Ok(step)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::linalg::cholesky;

    fn wave(rows: usize, cols: usize, f: f64) -> Matrix {
        let values = (0..rows * cols).map(|i| (f * (i * i) as f64 + 0.3 * i as f64).sin());
        Matrix::from_vec(rows, cols, values.collect())
    }

    /// The decomposition against the normal equations, with more and with fewer data than unknowns, and a
    /// prior that does not see everything.
    #[test]
    fn every_weight_solves_the_normal_equations() {
        for (m, n, p) in [(9, 5, 5), (4, 7, 7), (8, 6, 4), (20, 16, 15)] {
            let (a, r) = (wave(m, n, 1.1), wave(p, n, 0.7));
            let stacked = Matrix::from_vec(m + p, n, [a.as_slice(), r.as_slice()].concat());
            let target: Vec<f64> = (0..m + p).map(|i| (0.9 * i as f64).cos()).collect();
            let trade = Trade::new(&stacked, &target, m).unwrap();
            for weight in [1e-3, 0.4, 1e2] {
                let (at, rt) = (a.transpose(), r.transpose());
                let (data, prior) = (at.gram(), rt.gram());
                let mut normal = data.clone();
                let mut right = vec![0.0; n];
                at.apply(&target[..m], &mut right);
                let mut of_prior = vec![0.0; n];
                rt.apply(&target[m..], &mut of_prior);
                for i in 0..n {
                    right[i] += weight * of_prior[i];
                    (0..n).for_each(|j| normal[(i, j)] += weight * prior[(i, j)]);
                }
                let factor = cholesky(&normal).unwrap();
                factor.solve(&mut right);
                let found = trade.solution(weight).unwrap();
                let scale = norm(&right);
                let near = found
                    .iter()
                    .zip(&right)
                    .all(|(a, b)| (a - b).abs() < 1e-9 * scale);
                assert!(near, "{found:?} is not {right:?}");
                // Misfit, prior and tr A = tr (AᵀA + wRᵀR)⁻¹ AᵀA by their definitions.
                let left = |map: &Matrix, target: &[f64]| {
                    let mut y = vec![0.0; map.rows()];
                    map.apply(&right, &mut y);
                    y.iter()
                        .zip(target)
                        .map(|(y, t)| (y - t).powi(2))
                        .sum::<f64>()
                };
                let mut freedom = 0.0;
                for i in 0..n {
                    let mut column: Vec<f64> = (0..n).map(|j| data[(j, i)]).collect();
                    factor.solve(&mut column);
                    freedom += column[i];
                }
                let (point, _) = trade.at(weight).unwrap();
                for (found, expected) in [
                    (point.misfit, left(&a, &target[..m])),
                    (point.prior, left(&r, &target[m..])),
                    (point.freedom, freedom),
                    (point.weight, weight),
                ] {
                    assert!(
                        (found - expected).abs() < 1e-8 * (1.0 + expected),
                        "{found} {expected}"
                    );
                }
            }
        }
    }
}
