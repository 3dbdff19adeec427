//! First and second differences along each axis of a grid.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::description::Description;
use crate::core::simulator::Simulator;
use crate::core::space::Space;
use crate::error::Result;
use crate::options::{positive, require};

/// What lies beyond the edges of a grid, where differences reach out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Edges {
    /// Nothing: only differences within the grid are taken.
    #[default]
    Free,
    /// The reference: x − x₀ = 0 there.
    Zero,
    /// The cells inside, mirrored.
    Mirrored,
    /// The cells of the other side.
    Periodic,
}

impl std::fmt::Display for Edges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Free => "free",
            Self::Zero => "zero",
            Self::Mirrored => "mirrored",
            Self::Periodic => "periodic",
        })
    }
}

/// R(x): the differences of one order along the first axis, then along the second, and so on.
#[derive(Debug, Clone)]
pub(super) struct DifferenceOperator {
    space: Space,
    edges: Edges,
    /// The weights of neighbouring cells in a difference.
    stencil: Vec<f64>,
    output: Space,
}

impl DifferenceOperator {
    pub(super) fn new(space: &Space, order: usize, edges: Edges, cell: f64) -> Result<Self> {
        positive("cell", cell)?;
        let stencil = match order {
            1 => vec![-1.0 / cell, 1.0 / cell],
            _ => vec![1.0, -2.0, 1.0]
                .into_iter()
                .map(|c| c / (cell * cell))
                .collect(),
        };
        let mut differences = Self {
            space: space.clone(),
            edges,
            stencil,
            output: Space::default(),
        };
        let rows: usize = differences
            .axes()
            .map(|axis| axis.outer * axis.rows * axis.inner)
            .sum();
        differences.output = Space::new("differences", &[rows], &space.unit);
        require(
            rows > 0,
            "order",
            order,
            &format!(
                "a grid of shape {:?} is too small for such differences; try a lower order or other edges",
                space.shape
            ),
        )?;
        Ok(differences)
    }

    fn axes(&self) -> impl Iterator<Item = AxisDifferences> {
        let shape = &self.space.shape;
        let order = self.stencil.len() - 1;
        (0..shape.len()).map(move |axis| {
            let cells = shape[axis];
            let (rows, before) = match (self.edges, order) {
                (Edges::Free, _) => (cells.saturating_sub(order), 0),
                (Edges::Zero, 1) => (cells + 1, 1),
                (_, 1) => (cells, 0),
                _ => (cells, 1),
            };
            AxisDifferences {
                outer: shape[..axis].iter().product(),
                cells,
                inner: shape[axis + 1..].iter().product(),
                rows,
                before,
                order,
            }
        })
    }

    /// The cell that stands in for one along an axis, if any does.
    fn cell(&self, at: isize, cells: usize) -> Option<usize> {
        let n = cells as isize;
        let cell = match self.edges {
            _ if (0..n).contains(&at) => at,
            Edges::Periodic => at.rem_euclid(n),
            Edges::Mirrored => (if at < 0 { -1 - at } else { 2 * n - 1 - at }).clamp(0, n - 1),
            Edges::Free | Edges::Zero => return None,
        };
        Some(cell as usize)
    }

    /// Shows every pair of a run of differences and a run of cells, with the weight between them.
    fn pairs(&self, mut see: impl FnMut(f64, usize, usize, usize)) {
        let mut row = 0;
        for axis in self.axes() {
            let inner = axis.inner;
            let plain = axis.plain();
            for outer in 0..axis.outer {
                let cells = outer * axis.cells * inner;
                for (k, weight) in self.stencil.iter().enumerate() {
                    // A run of rows within the grid is contiguous, and so are its cells.
                    if !plain.is_empty() {
                        let first = plain.start - axis.before + k;
                        let from = (row + plain.start * inner, cells + first * inner);
                        see(*weight, from.0, from.1, plain.len() * inner);
                    }
                    for r in (0..axis.rows).filter(|r| !plain.contains(r)) {
                        let at = (r + k) as isize - axis.before as isize;
                        if let Some(cell) = self.cell(at, axis.cells) {
                            see(*weight, row + r * inner, cells + cell * inner, inner);
                        }
                    }
                }
                row += axis.rows * inner;
            }
        }
    }
}

/// The differences along one axis.
struct AxisDifferences {
    outer: usize,
    cells: usize,
    inner: usize,
    rows: usize,
    /// How many cells the first difference reaches out before the grid.
    before: usize,
    order: usize,
}

impl AxisDifferences {
    /// The rows whose cells all lie within the grid.
    fn plain(&self) -> std::ops::Range<usize> {
        let end = (self.cells + self.before).saturating_sub(self.order);
        self.before.min(end)..end
    }
}

impl Simulator for DifferenceOperator {
    fn input(&self) -> &Space {
        &self.space
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        y.fill(0.0);
        self.pairs(|weight, row, cell, len| {
            let (y, x) = (&mut y[row..row + len], &x[cell..cell + len]);
            y.iter_mut().zip(x).for_each(|(y, x)| *y += weight * x);
        });
        Ok(())
    }
    fn jvp(&self, _x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.forward(dx, dy)
    }
    fn vjp(&self, _x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        dx.fill(0.0);
        self.pairs(|weight, row, cell, len| {
            let (dx, dy) = (&mut dx[cell..cell + len], &dy[row..row + len]);
            dx.iter_mut()
                .zip(dy)
                .for_each(|(dx, dy)| *dx += weight * dy);
        });
        Ok(())
    }
    fn describe(&self) -> Description {
        Description::default().with_linear(true)
    }
}
