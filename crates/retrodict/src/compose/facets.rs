//! Linear constraints seen from a point.

use crate::linalg::{Matrix, norm, orthogonalise};

/// A normal of which less than this is left beside others depends on them.
const DEPENDENT: f64 = 1e-10;

/// Room below this part of the size of x is round-off.
const ROUND_OFF: f64 = 1e-12;

/// The constraints seen from a point: steps s with C s = gap and A s ≤ room keep them.
#[derive(Debug, Clone)]
pub(crate) struct Facets {
    pub(crate) equal: Matrix,
    pub(crate) gap: Vec<f64>,
    /// The size of what each gap is the difference of.
    pub(crate) gap_size: Vec<f64>,
    pub(crate) below: Matrix,
    pub(crate) room: Vec<f64>,
    /// The size of what each room is the difference of.
    pub(crate) room_size: Vec<f64>,
}

impl Facets {
    /// Equalities that hold, and nothing else.
    pub(crate) fn along(equal: Matrix) -> Self {
        let (count, n) = (equal.rows(), equal.cols());
        Self {
            equal,
            gap: vec![0.0; count],
            gap_size: vec![0.0; count],
            below: Matrix::zeros(0, n),
            room: Vec::new(),
            room_size: Vec::new(),
        }
    }

    /// The rows of inequalities that leave no room, in units of x that `scale` measures.
    pub(crate) fn touched(&self, x: &[f64], scale: &[f64]) -> Vec<usize> {
        let size: Vec<f64> = x.iter().zip(scale).map(|(x, d)| x * d).collect();
        let size = norm(&size);
        let touches = |i: &usize| {
            let row: Vec<f64> = self
                .below
                .row(*i)
                .iter()
                .zip(scale)
                .map(|(a, d)| a / d)
                .collect();
            self.room[*i] <= ROUND_OFF * norm(&row) * size
        };
        (0..self.room.len()).filter(touches).collect()
    }

    /// The same facets with these inequalities alone, and no room at any: the directions that a point leaves open.
    pub(crate) fn cone(&self, touched: &[usize]) -> Self {
        let n = self.below.cols();
        let rows = touched.iter().flat_map(|i| self.below.row(*i).to_vec());
        Self {
            equal: self.equal.clone(),
            gap: vec![0.0; self.gap.len()],
            gap_size: vec![0.0; self.gap.len()],
            below: Matrix::from_vec(touched.len(), n, rows.collect()),
            room: vec![0.0; touched.len()],
            room_size: vec![1.0; touched.len()],
        }
    }

    /// An orthonormal basis of all normals, as rows: what is orthogonal to it stays on all facets.
    pub(crate) fn normals(&self) -> Matrix {
        let (equal, below) = (self.equal.rows(), self.below.rows());
        let values = [self.equal.as_slice(), self.below.as_slice()].concat();
        let rows = Matrix::from_vec(equal + below, self.equal.cols(), values);
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for i in 0..rows.rows() {
            let mut left = rows.row(i).to_vec();
            orthogonalise(&mut left, &basis);
            let length = norm(&left);
            if length > DEPENDENT {
                basis.push(left.into_iter().map(|v| v / length).collect());
            }
        }
        Matrix::from_vec(basis.len(), rows.cols(), basis.concat())
    }
}
