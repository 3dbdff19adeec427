//! What equalities leave of a step.

use super::facets::Facets;
use crate::linalg::{Matrix, dot, norm, orthogonalise};

/// A normal of which less than this is left beside others depends on them.
const DEPENDENT: f64 = 1e-10;

/// A gap below this part of the values that it is the difference of is round-off of dependent equalities.
const CLOSED: f64 = 1e-8;

/// Shares below this say nothing of who contradicts whom.
const SLIGHT: f64 = 1e-8;

/// What the equalities leave: s = p + N t for steps D Δx = s, with N orthonormal and p the shortest step that closes their
/// gaps.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Face {
    shortest: Vec<f64>,
    /// N, n × free.
    basis: Matrix,
}

impl Face {
    /// In the units of x that `scale` gives; or the equalities that contradict each other.
    pub(crate) fn new(facets: &Facets, scale: &[f64]) -> Result<Self, Vec<usize>> {
        let n = scale.len();
        let mut basis: Vec<Vec<f64>> = Vec::new();
        // Which equality each of these is, and it in terms of them: C D⁻¹ = Rᵀ Q.
        let (mut which, mut triangle) = (Vec::new(), Vec::<Vec<f64>>::new());
        let mut shortest = vec![0.0; n];
        for i in 0..facets.equal.rows() {
            let mut row: Vec<f64> = facets
                .equal
                .row(i)
                .iter()
                .zip(scale)
                .map(|(c, d)| c / d)
                .collect();
            let whole = norm(&row);
            if whole == 0.0 {
                // Of constants alone.
                continue;
            }
            row.iter_mut().for_each(|v| *v /= whole);
            let gap = facets.gap[i] / whole - dot(&row, &shortest);
            let mut left = row.clone();
            let along = orthogonalise(&mut left, &basis);
            let length = norm(&left);
            if length > DEPENDENT {
                left.iter_mut().for_each(|v| *v /= length);
                // Along what is new, so that the equalities before stay met.
                shortest
                    .iter_mut()
                    .zip(&left)
                    .for_each(|(s, v)| *s += gap / length * v);
                basis.push(left);
                which.push(i);
                triangle.push([&along[..], &[length]].concat());
            } else if gap.abs() > CLOSED * (norm(&shortest) + facets.gap_size[i] / whole) {
                let mut shares = along;
                for j in (0..shares.len()).rev() {
                    shares[j] /= triangle[j][j];
                    let share = shares[j];
                    (0..j).for_each(|k| shares[k] -= triangle[j][k] * share);
                }
                let pairs = which.iter().zip(&shares);
                let others = pairs.filter(|(_, share)| share.abs() > SLIGHT);
                return Err(others.map(|(j, _)| *j).chain([i]).collect());
            }
        }
        let count = basis.len();
        if count == 0 {
            return Ok(Self {
                shortest,
                basis: Matrix::identity(n),
            });
        }
        let mut free: Vec<Vec<f64>> = Vec::new();
        let mut left: Vec<Vec<f64>> = (0..n)
            .map(|i| {
                let mut unit = vec![0.0; n];
                unit[i] = 1.0;
                orthogonalise(&mut unit, &basis);
                unit
            })
            .collect();
        while free.len() + count < n {
            let longest =
                (0..left.len()).max_by(|a, b| norm(&left[*a]).total_cmp(&norm(&left[*b])));
            let Some(longest) = longest else { break };
            let mut next = left.swap_remove(longest);
            orthogonalise(&mut next, &basis);
            orthogonalise(&mut next, &free);
            let length = norm(&next);
            next.iter_mut().for_each(|v| *v /= length);
            for other in &mut left {
                let along = dot(other, &next);
                other
                    .iter_mut()
                    .zip(&next)
                    .for_each(|(o, v)| *o -= along * v);
            }
            free.push(next);
        }
        Ok(Self {
            shortest,
            basis: Matrix::from_vec(free.len(), n, free.concat()).transpose(),
        })
    }

    /// How many directions are left.
    pub(crate) fn free(&self) -> usize {
        self.basis.cols()
    }

    /// N.
    pub(crate) fn basis(&self) -> &Matrix {
        &self.basis
    }

    /// p.
    pub(crate) fn shortest(&self) -> &[f64] {
        &self.shortest
    }

    /// The inequalities in t: A D⁻¹ N t ≤ room − A D⁻¹ p. One that equalities decide has no normal left; where they meet it, to
    /// round-off, it has no limit either.
    pub(crate) fn inequalities(&self, facets: &Facets, scale: &[f64]) -> (Matrix, Vec<f64>) {
        let mut rows = facets.below.clone();
        for i in 0..rows.rows() {
            let pairs = rows.row_mut(i).iter_mut().zip(scale);
            pairs.for_each(|(a, d)| *a /= d);
        }
        let mut within = rows.multiply(&self.basis);
        let mut limits = Vec::with_capacity(rows.rows());
        for i in 0..rows.rows() {
            let limit = facets.room[i] - dot(rows.row(i), &self.shortest);
            let decided = norm(within.row(i)) <= DEPENDENT * norm(rows.row(i));
            if decided {
                within.row_mut(i).fill(0.0);
            }
            limits.push(match decided && limit >= -CLOSED * facets.room_size[i] {
                true => f64::INFINITY,
                false => limit,
            });
        }
        (within, limits)
    }

    /// s = p + N t.
    pub(crate) fn step(&self, t: &[f64]) -> Vec<f64> {
        let mut s = vec![0.0; self.shortest.len()];
        self.basis.apply(t, &mut s);
        s.iter_mut().zip(&self.shortest).for_each(|(s, p)| *s += p);
        s
    }
}
