//! The marker at the start.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Result, expect_finite, expect_length};
use crate::options::{positive, require};

/// The marker at the start: dye that the flow carries and that is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "pattern", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Marker {
    /// ½ + ½ sin sin with `count` periods along each axis: something to see everywhere.
    Waves {
        /// Periods along each axis.
        count: usize,
    },
    /// A Gaussian in the middle of the box.
    Blob {
        /// Its standard deviation along each axis, as a share of the side.
        widths: [f64; 2],
    },
    /// Given values, a cell each, row by row.
    Values {
        /// The marker in each cell.
        values: Vec<f64>,
    },
}

impl Default for Marker {
    fn default() -> Self {
        Self::Waves { count: 2 }
    }
}

impl Marker {
    /// Checks every option.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option), or a length or a value that does not fit.
    pub(super) fn validate(&self, extents: [usize; 2]) -> Result<()> {
        match self {
            Self::Waves { count } => require(
                *count > 0 && 4 * count <= extents[0].min(extents[1]),
                "marker.count",
                count,
                "it needs at least one period, and at least four cells for each",
            ),
            Self::Blob { widths } => widths
                .iter()
                .try_for_each(|width| positive("marker.widths", *width)),
            Self::Values { values } => {
                expect_length("marker.values", values.len(), extents[0] * extents[1])?;
                expect_finite("marker.values", values)
            }
        }
    }

    /// The marker in each cell.
    pub(super) fn values(&self, [n0, n1]: [usize; 2]) -> Vec<f64> {
        let at = |f: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
            let share = |i: usize, n: usize| (i as f64 + 0.5) / n as f64;
            (0..n0 * n1)
                .map(|cell| f(share(cell / n1, n0), share(cell % n1, n1)))
                .collect()
        };
        match self {
            Self::Waves { count } => {
                let phase = 2.0 * PI * *count as f64;
                at(&|x, y| 0.5 + 0.5 * (phase * x).sin() * (phase * y).sin())
            }
            Self::Blob { widths: [a, b] } => at(&|x, y| {
                let squares = ((x - 0.5) / a).powi(2) + ((y - 0.5) / b).powi(2);
                (-0.5 * squares).exp()
            }),
            Self::Values { values } => values.clone(),
        }
    }
}
