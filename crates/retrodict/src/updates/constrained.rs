//! The step that a linear model wants within linear constraints and a region: min ½‖M s − a‖² + ½λ‖s‖² with C s = gap and
//! A s ≤ room, in units of x in which s = D Δx.

use crate::compose::face::Face;
use crate::compose::facets::Facets;
use crate::error::{Error, Result};
use crate::linalg::{Matrix, nearest, norm, svd};

/// Singular values below this part of the largest count as it: a direction that the data do not know costs next to nothing to
/// go along, but not nothing.
const LEAST: f64 = 1e-9;

/// The model behind the equalities, and the inequalities in its directions.
pub(super) struct ConstrainedModel {
    face: Face,
    s: Vec<f64>,
    v: Matrix,
    overlap: Vec<f64>,
    /// A D⁻¹ N V.
    rows: Matrix,
    limits: Vec<f64>,
    floor: f64,
}

/// A step, and what held it.
pub(super) struct ConstrainedStep {
    /// D Δx.
    pub(super) step: Vec<f64>,
    /// The damping λ ≥ 0 at which its length is within a tenth of the radius, or 0.
    pub(super) damping: f64,
    /// ‖D Δx‖ without damping.
    pub(super) whole: f64,
    /// Whether inequalities hold it.
    pub(super) held: bool,
    /// Whether there are equalities, which it keeps.
    pub(super) on_face: bool,
}

impl ConstrainedModel {
    /// From M = W J D⁻¹ and W Δy; singular values up to `truncation`, relative to the largest, are no reason to move.
    ///
    /// # Errors
    /// If M is not finite.
    pub(super) fn new(
        map: &Matrix,
        aim: &[f64],
        facets: &Facets,
        scale: &[f64],
        truncation: f64,
    ) -> Result<Self> {
        let face = Face::new(facets, scale).map_err(|_| contradiction())?;
        let (m, k) = (map.rows(), face.free());
        // All directions, also those that the data do not know.
        let padded = m.max(k);
        let mut reduced = map.multiply(face.basis()).as_slice().to_vec();
        reduced.resize(padded * k, 0.0);
        let mut left = vec![0.0; padded];
        map.apply(face.shortest(), &mut left[..m]);
        left[..m].iter_mut().zip(aim).for_each(|(l, a)| *l = a - *l);
        let parts = svd(&Matrix::from_vec(padded, k, reduced))?;
        let mut overlap = vec![0.0; k];
        parts.u.apply_transpose(&left, &mut overlap);
        let largest = parts.s.first().copied().unwrap_or(0.0);
        for (c, s) in overlap.iter_mut().zip(&parts.s) {
            if *s <= truncation.max(f64::EPSILON * k as f64) * largest {
                *c = 0.0;
            }
        }
        let (rows, limits) = face.inequalities(facets, scale);
        Ok(Self {
            rows: rows.multiply(&parts.v),
            limits,
            overlap,
            s: parts.s,
            v: parts.v,
            floor: if largest > 0.0 { LEAST * largest } else { 1.0 },
            face,
        })
    }

    /// D Δx for one λ, and whether an inequality holds it.
    fn damped(&self, lambda: f64) -> Result<(Vec<f64>, bool)> {
        // In q = σ Vᵀ t the model is round, and its minimum within constraints the point nearest to the free one.
        let least = self.floor * self.floor;
        let sigma: Vec<f64> = self
            .s
            .iter()
            .map(|s| (s * s + lambda + least).sqrt())
            .collect();
        let parts = self.s.iter().zip(&self.overlap).zip(&sigma);
        let free: Vec<f64> = parts.map(|((s, c), sigma)| c * s / sigma).collect();
        let mut rows = self.rows.clone();
        for i in 0..rows.rows() {
            rows.row_mut(i)
                .iter_mut()
                .zip(&sigma)
                .for_each(|(a, s)| *a /= s);
        }
        let found = nearest(&free, &rows, &self.limits).map_err(|_| contradiction())?;
        let along: Vec<f64> = found.point.iter().zip(&sigma).map(|(q, s)| q / s).collect();
        let mut t = vec![0.0; along.len()];
        self.v.apply(&along, &mut t);
        Ok((self.face.step(&t), !found.active.is_empty()))
    }

    /// The best step that is no longer than the radius, to a tenth.
    ///
    /// # Errors
    /// If the constraints contradict each other at this x, beyond round-off.
    pub(super) fn step(&self, radius: f64) -> Result<ConstrainedStep> {
        let (mut step, mut held) = self.damped(0.0)?;
        let whole = norm(&step);
        let mut damping = 0.0;
        if whole > 1.1 * radius {
            let pull: Vec<f64> = self
                .s
                .iter()
                .zip(&self.overlap)
                .map(|(s, c)| s * c)
                .collect();
            let (mut lower, mut upper) = (0.0_f64, norm(&pull) / radius);
            damping = 1e-3 * upper;
            for _ in 0..60 {
                (step, held) = self.damped(damping)?;
                let length = norm(&step);
                if (length - radius).abs() <= 0.1 * radius {
                    break;
                }
                if length > radius {
                    lower = damping;
                } else {
                    upper = damping;
                }
                damping = (lower.max(1e-12 * upper) * upper).sqrt();
            }
        }
        Ok(ConstrainedStep {
            step,
            damping,
            whole,
            held,
            on_face: self.face.free() < self.face.shortest().len(),
        })
    }
}

/// Steps begin where all constraints are met, so that only round-off can get here.
fn contradiction() -> Error {
    Error::LinearAlgebra {
        what: "the step within the constraints",
        message: "they contradict each other to within round-off; remove constraints that nearly repeat others"
            .to_owned(),
    }
}

/// What the constraints leave of a pull g on x, in units in which s = D Δx: the nearest s that no constraint blocks. It vanishes
/// where x meets the conditions of Karush, Kuhn and Tucker.
///
/// # Errors
/// As [`ConstrainedModel::step`].
pub(crate) fn unblocked(pull: &[f64], cone: &Facets, scale: &[f64]) -> Result<Vec<f64>> {
    let face = Face::new(cone, scale).map_err(|_| contradiction())?;
    let (rows, limits) = face.inequalities(cone, scale);
    let along: Vec<f64> = (0..face.free())
        .map(|j| {
            (0..pull.len())
                .map(|i| face.basis()[(i, j)] * pull[i])
                .sum()
        })
        .collect();
    let found = nearest(&along, &rows, &limits).map_err(|_| contradiction())?;
    Ok(face.step(&found.point))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::linalg::dot;

    /// At the best step the pull that is left is one that constraints block, the constraints hold, and a step that the radius
    /// holds back is as long as that, to a tenth; also where the data know fewer directions than there are.
    #[test]
    fn steps_are_the_best_within_constraints_and_region() {
        let mut source = rand_pcg::Pcg64::seed_from_u64(11);
        let (mut bent, mut held_back) = (0, 0);
        for round in 0..300 {
            let mut normal = |n: usize| -> Vec<f64> {
                (0..n).map(|_| StandardNormal.sample(&mut source)).collect()
            };
            let n = 2 + round % 5;
            let (m, equal, below) = (1 + round % 7, round % 2, round % 4);
            let map = Matrix::from_vec(m, n, normal(m * n));
            let aim = normal(m);
            let facets = Facets {
                equal: Matrix::from_vec(equal, n, normal(equal * n)),
                gap: vec![0.0; equal],
                gap_size: vec![1.0; equal],
                below: Matrix::from_vec(below, n, normal(below * n)),
                room: normal(below).iter().map(|v| 0.3 * v.abs()).collect(),
                room_size: vec![1.0; below],
            };
            let scale: Vec<f64> = normal(n).iter().map(|v| 0.5 + v.abs()).collect();
            let radius = [0.1, 0.5, 100.0][round % 3];
            let model = ConstrainedModel::new(&map, &aim, &facets, &scale, 1e-14).unwrap();
            let found = model.step(radius).unwrap();
            let length = norm(&found.step);
            assert!(length <= 1.1 * radius, "{length} beyond {radius}");
            assert!(
                found.damping == 0.0 || length >= 0.9 * radius,
                "{length} {radius}"
            );
            held_back += usize::from(found.damping > 0.0);
            bent += usize::from(found.held || found.on_face);
            let dx: Vec<f64> = found.step.iter().zip(&scale).map(|(s, d)| s / d).collect();
            for i in 0..equal {
                assert!(dot(facets.equal.row(i), &dx).abs() < 1e-12);
            }
            for i in 0..below {
                assert!(dot(facets.below.row(i), &dx) <= facets.room[i] + 1e-12);
            }
            // Mᵀ(a − M s) − λ s, in the cone that the step leaves open.
            let mut left = vec![0.0; m];
            map.apply(&found.step, &mut left);
            left.iter_mut().zip(&aim).for_each(|(l, a)| *l = a - *l);
            let mut pull = vec![0.0; n];
            map.apply_transpose(&left, &mut pull);
            pull.iter_mut()
                .zip(&found.step)
                .for_each(|(p, s)| *p -= found.damping * s);
            let rest = |i: &usize| facets.room[*i] - dot(facets.below.row(*i), &dx) <= 1e-10;
            let touched: Vec<usize> = (0..below).filter(rest).collect();
            let open = unblocked(&pull, &facets.cone(&touched), &scale).unwrap();
            assert!(norm(&open) < 1e-6 * norm(&aim), "{round}: {open:?}");
        }
        assert!(bent > 150 && held_back > 50, "{bent} {held_back}");
    }
}
