//! Linear constraints as rules and the solver see them: what holds at a point, where steps may lead, the nearest point inside.

use super::constraints::{LinearConstraints, Relation};
use super::face::Face;
use super::facets::Facets;
use crate::core::transform::Transform;
use crate::error::{Error, Result};
use crate::linalg::{Matrix, dot, nearest, norm};

/// Differences below this part of what they are sums of are round-off.
const ROUND_OFF: f64 = 1e-12;

/// The constraints of a problem in the unknowns that rules see, each row of length 1.
#[derive(Debug, Clone)]
pub(crate) struct Polyhedron {
    /// C z = d.
    equal: Matrix,
    equal_to: Vec<f64>,
    equal_names: Vec<String>,
    /// A z ≤ b.
    below: Matrix,
    below_what: Vec<f64>,
    below_names: Vec<String>,
}

impl Polyhedron {
    /// Constraints that were [validated](LinearConstraints::validate), behind transforms of single unknowns if there are any.
    ///
    /// # Errors
    /// If a constrained unknown has a transform that is not linear.
    pub(crate) fn new(
        constraints: &LinearConstraints,
        n: usize,
        transforms: Option<&[Transform]>,
    ) -> Result<Self> {
        let mut found = Self {
            equal: Matrix::zeros(0, n),
            equal_to: Vec::new(),
            equal_names: Vec::new(),
            below: Matrix::zeros(0, n),
            below_what: Vec::new(),
            below_names: Vec::new(),
        };
        let (mut equal, mut below) = (Vec::new(), Vec::new());
        for row in &constraints.rows {
            let mut a = row.coefficients.clone();
            for (i, a) in a.iter_mut().enumerate().filter(|(_, a)| **a != 0.0) {
                match transforms.map(|transforms| transforms[i]) {
                    None | Some(Transform::None) => {}
                    Some(Transform::Scale(unit)) => *a *= unit,
                    Some(_) => {
                        return Err(Error::Option {
                            key: "transform".to_owned(),
                            found: format!("a nonlinear transform of x[{i}]"),
                            allowed: format!(
                                "constraint '{}' is linear in x: leave x[{i}] untransformed (or scaled), or out of it",
                                row.name
                            ),
                        });
                    }
                }
            }
            let sign = if row.relation == Relation::AtLeast {
                -1.0
            } else {
                1.0
            };
            let by = sign / norm(&a);
            let a = a.into_iter().map(|a| a * by);
            let name = row.name.clone();
            if row.relation == Relation::Equal {
                equal.extend(a);
                found.equal_to.push(row.value * by);
                found.equal_names.push(name);
            } else {
                below.extend(a);
                found.below_what.push(row.value * by);
                found.below_names.push(name);
            }
        }
        found.equal = Matrix::from_vec(found.equal_to.len(), n, equal);
        found.below = Matrix::from_vec(found.below_what.len(), n, below);
        Ok(found)
    }

    /// The constraints seen from z, with the room that bounds leave there down (0 or less) and up.
    pub(crate) fn seen_from(&self, z: &[f64], margins: Option<(Vec<f64>, Vec<f64>)>) -> Facets {
        let left = |rows: &Matrix, limits: &[f64]| -> (Vec<f64>, Vec<f64>) {
            let pairs = limits.iter().enumerate();
            let of = |(i, limit): (usize, &f64)| {
                let size = limit.abs() + size(rows.row(i), z);
                let left = limit - dot(rows.row(i), z);
                // What is met to round-off is met: a step need not restore it.
                match left.abs() <= f64::EPSILON * size {
                    true => (0.0, size),
                    false => (left, size),
                }
            };
            pairs.map(of).unzip()
        };
        let (gap, gap_size) = left(&self.equal, &self.equal_to);
        let (mut room, mut room_size) = left(&self.below, &self.below_what);
        room.iter_mut().for_each(|room| *room = room.max(0.0));
        let mut below = self.below.as_slice().to_vec();
        if let Some((low, high)) = margins {
            for (sign, side) in [(-1.0, low), (1.0, high)] {
                for (i, margin) in side.iter().enumerate().filter(|(_, m)| m.is_finite()) {
                    below.extend((0..z.len()).map(|j| if i == j { sign } else { 0.0 }));
                    room.push(sign * margin);
                    room_size.push(z[i].abs() + margin.abs());
                }
            }
        }
        Facets {
            gap,
            gap_size,
            equal: self.equal.clone(),
            below: Matrix::from_vec(room.len(), z.len(), below),
            room,
            room_size,
        }
    }

    /// Whether z meets all of them to round-off.
    pub(crate) fn holds(&self, z: &[f64]) -> bool {
        let off = |rows: &Matrix, limits: &[f64], i: usize| {
            let row = rows.row(i);
            (
                dot(row, z) - limits[i],
                ROUND_OFF * (size(row, z) + limits[i].abs()),
            )
        };
        let equal = (0..self.equal.rows()).map(|i| off(&self.equal, &self.equal_to, i));
        let below = (0..self.below.rows()).map(|i| off(&self.below, &self.below_what, i));
        equal.into_iter().all(|(off, most)| off.abs() <= most)
            && below.into_iter().all(|(off, most)| off <= most)
    }

    /// The point nearest to z that meets the constraints and bounds (as lower and upper ones of each unknown).
    ///
    /// # Errors
    /// If there is none: the error names what is in conflict.
    pub(crate) fn nearest_to(
        &self,
        z: &[f64],
        bounds: Option<(&[f64], &[f64])>,
    ) -> Result<Vec<f64>> {
        let margins = bounds.map(|(low, high)| {
            let side = |side: &[f64]| side.iter().zip(z).map(|(b, z)| b - z).collect();
            (side(low), side(high))
        });
        let mut facets = self.seen_from(z, margins.clone());
        // Here a point outside is what it is.
        for (i, room) in facets
            .room
            .iter_mut()
            .enumerate()
            .take(self.below_what.len())
        {
            *room = self.below_what[i] - dot(self.below.row(i), z);
        }
        let ones = vec![1.0; z.len()];
        let found = Face::new(&facets, &ones).and_then(|face| {
            let (rows, limits) = face.inequalities(&facets, &ones);
            let step = nearest(&vec![0.0; face.free()], &rows, &limits)
                .map_err(|rows| self.equal_with(rows))?;
            Ok(face.step(&step.point))
        });
        let step = found.map_err(|conflict| self.conflict(&conflict, margins.as_ref()))?;
        Ok(z.iter().zip(&step).map(|(z, s)| z + s).collect())
    }

    /// Inequalities in conflict, counted after all equalities, which may have their share.
    fn equal_with(&self, rows: Vec<usize>) -> Vec<usize> {
        let count = self.equal_to.len();
        (0..count)
            .chain(rows.into_iter().map(|i| count + i))
            .collect()
    }

    fn conflict(&self, rows: &[usize], margins: Option<&(Vec<f64>, Vec<f64>)>) -> Error {
        let names = self.equal_names.iter().chain(&self.below_names);
        let mut names: Vec<String> = names.map(|name| format!("'{name}'")).collect();
        if let Some((low, high)) = margins {
            for (side, margins) in [("lower", low), ("upper", high)] {
                let finite = margins.iter().enumerate().filter(|(_, m)| m.is_finite());
                names.extend(finite.map(|(i, _)| format!("the {side} bound of x[{i}]")));
            }
        }
        let named: Vec<&str> = rows
            .iter()
            .filter_map(|i| names.get(*i).map(String::as_str))
            .collect();
        Error::Option {
            key: "constraints".to_owned(),
            found: named.join(", "),
            allowed: "no x meets these together: correct or remove one of them".to_owned(),
        }
    }
}

/// The size of the terms of a·z.
fn size(row: &[f64], z: &[f64]) -> f64 {
    row.iter().zip(z).map(|(a, z)| (a * z).abs()).sum()
}
