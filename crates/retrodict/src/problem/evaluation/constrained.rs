//! Linear constraints seen from a point.

use super::Evaluation;
use crate::compose::facets::Facets;
use crate::linalg::{Matrix, axpy, dot};

impl Evaluation<'_> {
    /// The constraints and bounds as inequalities and equations of a step from here; nothing where there are no constraints.
    pub(crate) fn facets(&self) -> Option<Facets> {
        let polyhedron = self.problem.polyhedron.as_ref()?;
        Some(polyhedron.seen_from(&self.x, self.margins()))
    }

    /// An orthonormal basis, as rows, of the normals of all constraints and bounds that hold here as equations.
    pub(crate) fn normals(&self) -> Option<Matrix> {
        let facets = self.facets()?;
        let touched = facets.touched(&self.x, &vec![1.0; self.x.len()]);
        Some(facets.cone(&touched).normals())
    }

    /// The share of Δx after which the first inequality is met; infinite if none ever is.
    pub(super) fn share_of_constraints(&self, dx: &[f64]) -> f64 {
        let Some(polyhedron) = &self.problem.polyhedron else {
            return f64::INFINITY;
        };
        let facets = polyhedron.seen_from(&self.x, None);
        let shares = facets.room.iter().enumerate().map(|(i, room)| {
            let along = dot(facets.below.row(i), dx);
            if along > 0.0 {
                room / along
            } else {
                f64::INFINITY
            }
        });
        shares.fold(f64::INFINITY, f64::min)
    }
}

/// Takes from v what lies along the normals, given as orthonormal rows.
pub(crate) fn flatten(normals: &Matrix, v: &mut [f64]) {
    for _ in 0..2 {
        for i in 0..normals.rows() {
            let along = dot(normals.row(i), v);
            axpy(-along, normals.row(i), v);
        }
    }
}
