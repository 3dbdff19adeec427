//! The point of a polyhedron nearest to another point: what an active set comes down to where the objective is round.

use super::{Matrix, axpy, dot, norm, orthogonalise};

/// A normal of which less than this is left beside those of the active constraints depends on them.
const DEPENDENT: f64 = 1e-12;

/// Violations below this part of what they are sums of are round-off.
const ROUND_OFF: f64 = 1e-13;

/// Multipliers below this part of the largest say nothing of who is in conflict.
const SLIGHT: f64 = 1e-8;

/// The nearest point, and the constraints that keep the other one away.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Nearest {
    /// The point.
    pub(crate) point: Vec<f64>,
    /// The rows that hold as equations there, and push.
    pub(crate) active: Vec<usize>,
}

/// The q with rows·q ≤ limits nearest to `point`; or the rows that no q meets together.
///
/// # Shapes
/// `rows` is r × k, of any length each; `limits` has r values, `point` k.
///
/// # Cost
/// About r k operations and a k a² decomposition for each of the a constraints that become active.
///
/// # Source
/// Goldfarb & Idnani, *A numerically stable dual method for solving strictly convex quadratic programs* (Math. Program. 27,
/// 1983), for the identity as Hessian. It begins at the free minimum, so that it needs no feasible start, and says where there
/// is none; constraints that depend on each other are exchanged.
pub(crate) fn nearest(point: &[f64], rows: &Matrix, limits: &[f64]) -> Result<Nearest, Vec<usize>> {
    let mut state = ActiveSet::new(point, rows, limits)?;
    let most = 50 * (rows.rows() + point.len() + 1);
    for _ in 0..most {
        let Some(worst) = state.worst() else { break };
        state.add(worst)?;
    }
    Ok(state.finish())
}

/// The rows, each of length 1, and those among them that hold the point.
struct ActiveSet<'a> {
    free: &'a [f64],
    rows: Matrix,
    limits: Vec<f64>,
    point: Vec<f64>,
    active: Vec<usize>,
    multipliers: Vec<f64>,
    /// An orthonormal basis of the normals of the active rows, and those in it: N = Q R.
    basis: Vec<Vec<f64>>,
    triangle: Vec<Vec<f64>>,
}

impl<'a> ActiveSet<'a> {
    fn new(free: &'a [f64], rows: &Matrix, limits: &[f64]) -> Result<Self, Vec<usize>> {
        let mut rows = rows.clone();
        let mut limits = limits.to_vec();
        for i in 0..rows.rows() {
            let length = norm(rows.row(i));
            if length > 0.0 {
                rows.row_mut(i).iter_mut().for_each(|v| *v /= length);
                limits[i] /= length;
            } else if limits[i] < 0.0 {
                return Err(vec![i]);
            } else {
                limits[i] = f64::INFINITY;
            }
        }
        Ok(Self {
            free,
            rows,
            limits,
            point: free.to_vec(),
            active: Vec::new(),
            multipliers: Vec::new(),
            basis: Vec::new(),
            triangle: Vec::new(),
        })
    }

    /// How far the point is beyond a row; 0 where that is round-off.
    fn violation(&self, i: usize) -> f64 {
        let row = self.rows.row(i);
        let along = dot(row, &self.point);
        let size: f64 = row
            .iter()
            .zip(&self.point)
            .map(|(a, q)| (a * q).abs())
            .sum();
        let excess = along - self.limits[i];
        match excess > ROUND_OFF * (size + self.limits[i].abs()) {
            true => excess,
            false => 0.0,
        }
    }

    /// The row that is violated most.
    fn worst(&self) -> Option<usize> {
        let open = (0..self.rows.rows()).filter(|i| !self.active.contains(i));
        let violated = open.map(|i| (i, self.violation(i)));
        let worst = violated
            .filter(|(_, v)| *v > 0.0)
            .max_by(|a, b| a.1.total_cmp(&b.1));
        worst.map(|(i, _)| i)
    }

    /// What is left of a row's normal beside the active ones, and r with N r as the rest of it.
    fn parts(&self, i: usize) -> (Vec<f64>, Vec<f64>) {
        let mut left = self.rows.row(i).to_vec();
        let r = orthogonalise(&mut left, &self.basis);
        (left, r)
    }

    /// R⁻¹ v.
    fn solve(&self, v: &mut [f64]) {
        for j in (0..v.len()).rev() {
            v[j] /= self.triangle[j][j];
            let value = v[j];
            (0..j).for_each(|i| v[i] -= self.triangle[j][i] * value);
        }
    }

    /// R⁻ᵀ v.
    fn solve_transpose(&self, v: &mut [f64]) {
        for j in 0..v.len() {
            let known: f64 = (0..j).map(|i| self.triangle[j][i] * v[i]).sum();
            v[j] = (v[j] - known) / self.triangle[j][j];
        }
    }

    /// Makes a violated row active; others that are in its way are let go of.
    fn add(&mut self, row: usize) -> Result<(), Vec<usize>> {
        let mut pushed = 0.0;
        // Each turn lets go of a row.
        for _ in 0..=self.active.len() {
            let (left, mut r) = self.parts(row);
            let along = r.clone();
            self.solve(&mut r);
            let room = dot(&left, &left);
            let excess = dot(self.rows.row(row), &self.point) - self.limits[row];
            let whole = match room.sqrt() > DEPENDENT {
                true => excess.max(0.0) / room,
                false => f64::INFINITY,
            };
            let shares = r.iter().zip(&self.multipliers).enumerate();
            let first = shares
                .filter(|(_, (r, _))| **r > 0.0)
                .map(|(j, (r, u))| (j, u / r))
                .min_by(|a, b| a.1.total_cmp(&b.1));
            let until = first.map_or(f64::INFINITY, |(_, until)| until);
            let length = whole.min(until);
            if length.is_infinite() {
                let largest = r.iter().fold(0.0_f64, |most, r| most.max(r.abs()));
                let pairs = self.active.iter().zip(&r);
                let mut conflict: Vec<usize> = pairs
                    .filter(|(_, r)| r.abs() > SLIGHT * largest)
                    .map(|(i, _)| *i)
                    .collect();
                conflict.push(row);
                return Err(conflict);
            }
            pushed += length;
            for (u, r) in self.multipliers.iter_mut().zip(&r) {
                *u = (*u - length * r).max(0.0);
            }
            if whole.is_finite() {
                axpy(-length, &left, &mut self.point);
            }
            if whole <= until {
                let length = room.sqrt();
                self.basis.push(left.iter().map(|v| v / length).collect());
                self.triangle.push([&along[..], &[length]].concat());
                self.active.push(row);
                self.multipliers.push(pushed);
                return Ok(());
            }
            if let Some((j, _)) = first {
                self.let_go(j);
            }
        }
        Ok(())
    }

    fn let_go(&mut self, j: usize) {
        self.active.remove(j);
        self.multipliers.remove(j);
        self.basis.truncate(j);
        self.triangle.truncate(j);
        for k in j..self.active.len() {
            let (left, along) = self.parts(self.active[k]);
            let length = norm(&left);
            self.basis.push(left.iter().map(|v| v / length).collect());
            self.triangle.push([&along[..], &[length]].concat());
        }
    }

    /// The point where the active rows hold to round-off: what was added up on the way is found again at once.
    fn finish(mut self) -> Nearest {
        let excess = |i: &usize| dot(self.rows.row(*i), self.free) - self.limits[*i];
        let mut v: Vec<f64> = self.active.iter().map(excess).collect();
        self.solve_transpose(&mut v);
        self.point.copy_from_slice(self.free);
        for (q, v) in self.basis.iter().zip(&v) {
            axpy(-v, q, &mut self.point);
        }
        Nearest {
            point: self.point,
            active: self.active,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    /// The nearest point meets all rows, and what separates it from the other is a sum of active normals with weights that
    /// are not negative.
    #[test]
    fn the_conditions_of_karush_kuhn_and_tucker_hold() {
        let mut source = rand_pcg::Pcg64::seed_from_u64(8);
        let mut active = 0;
        for round in 0..400 {
            let (k, r) = (1 + round % 6, 1 + round % 11);
            let mut normal = |n: usize| -> Vec<f64> {
                (0..n).map(|_| StandardNormal.sample(&mut source)).collect()
            };
            let mut rows = Matrix::from_vec(r, k, normal(r * k));
            // Some point is inside; rows come twice, and in other lengths.
            let inside = normal(k);
            if r > 2 {
                let twice: Vec<f64> = rows.row(0).iter().map(|v| 3.0 * v).collect();
                rows.row_mut(1).copy_from_slice(&twice);
            }
            let slack = normal(r);
            let mut limits: Vec<f64> = (0..r)
                .map(|i| dot(rows.row(i), &inside) + 0.3 * slack[i].abs())
                .collect();
            if r > 2 {
                limits[1] = 3.0 * limits[0];
            }
            let free: Vec<f64> = normal(k).iter().map(|v| 3.0 * v).collect();
            let found = nearest(&free, &rows, &limits).unwrap();
            let mut left: Vec<f64> = free.iter().zip(&found.point).map(|(f, q)| f - q).collect();
            for i in 0..r {
                let along = dot(rows.row(i), &found.point);
                assert!(
                    along <= limits[i] + 1e-12 * (1.0 + along.abs()),
                    "row {i} of {round}"
                );
            }
            // Σ u n = left, by least squares; the active normals are independent.
            let n = found.active.len();
            active += n;
            assert!(n <= k);
            let of = |i: &usize| rows.row(*i).to_vec();
            let normals = Matrix::from_vec(n, k, found.active.iter().flat_map(of).collect());
            let mut u = vec![0.0; n];
            normals.apply(&left, &mut u);
            crate::linalg::cholesky(&normals.gram())
                .unwrap()
                .solve(&mut u);
            for (u, i) in u.iter().zip(&found.active) {
                assert!(*u >= -1e-9, "{u}");
                axpy(-u, rows.row(*i), &mut left);
            }
            assert!(norm(&left) < 1e-9, "{left:?}");
        }
        assert!(active > 400, "{active}");
    }

    #[test]
    fn rows_that_no_point_meets_are_named_and_no_others() {
        // x ≤ 1, y ≤ 5, x + y ≥ 4, x ≥ 2.
        let rows = Matrix::from_rows(&[&[1.0, 0.0], &[0.0, 1.0], &[-1.0, -1.0], &[-1.0, 0.0]]);
        let mut conflict = nearest(&[0.0, 0.0], &rows, &[1.0, 5.0, -4.0, -2.0]).unwrap_err();
        conflict.sort_unstable();
        assert_eq!(conflict, [0, 3]);
        let none = Matrix::from_rows(&[&[0.0, 0.0]]);
        assert_eq!(nearest(&[0.0, 0.0], &none, &[-1.0]), Err(vec![0]));
        assert!(nearest(&[0.0, 0.0], &none, &[1.0]).is_ok());
    }

    #[test]
    fn a_vertex_of_many_rows_is_found() {
        let mut source = rand_pcg::Pcg64::seed_from_u64(2);
        // 40 tangents of a cone that meet in one point.
        let mut rows = Matrix::zeros(40, 3);
        for i in 0..40 {
            let angle: f64 = source.random_range(0.0..std::f64::consts::TAU);
            rows.row_mut(i)
                .copy_from_slice(&[angle.cos(), angle.sin(), 1.0]);
        }
        let found = nearest(&[0.3, -0.2, 5.0], &rows, &[0.0; 40]).unwrap();
        assert!(norm(&found.point) < 1e-12, "{found:?}");
    }
}
