use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::integral::{IntegralEquation, linear_simulator, matrix, middles, not_empty};
use crate::error::Result;
use crate::linalg::Matrix;
use crate::memory;
use crate::options::{Derived, Validate, positive};

/// Mass below ground from gravity above: K(s, t) = d (d² + (s − t)²)^(−3/2).
///
/// x is the mass along a line at the depth d, y the vertical pull at the surface, both from 0 to 1. The
/// deeper, the more ill-posed: the singular values fall about as e^(−πdk).
///
/// # Shapes
/// x and y have `size` values, in the middles of equal cells.
///
/// # Units
/// None; lengths count in the length of the line.
///
/// # Source
/// Wing, *A Primer on Integral Equations of the First Kind* (1991), page 17; Hansen, *Regularization Tools*,
/// `gravity`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gravity {
    /// The number of values, at least 1.
    pub size: usize,
    /// How deep the mass lies, greater than 0.
    pub depth: f64,
    /// The matrix.
    #[serde(skip)]
    pub plan: Derived<Matrix>,
}

impl Default for Gravity {
    fn default() -> Self {
        Self {
            size: 64,
            depth: 0.25,
            plan: Derived::default(),
        }
    }
}

impl Validate for Gravity {
    fn validate(&self) -> Result<()> {
        not_empty(self.size)?;
        positive("depth", self.depth)
    }
    fn memory(&self) -> f64 {
        memory::numbers((self.size as f64 + 4.0) * self.size as f64)
    }
}

linear_simulator!(Gravity, "mass below ground", "vertical pull");

impl IntegralEquation for Gravity {
    /// The midpoint rule.
    fn matrix(&self) -> &Matrix {
        self.plan.get(|| {
            let places = self.points();
            let width = 1.0 / self.size as f64;
            matrix(self.size, |i, j| {
                let distance = self.depth.hypot(places[i] - places[j]);
                width * self.depth / distance.powi(3)
            })
        })
    }
    fn points(&self) -> Vec<f64> {
        middles(self.size, 0.0, 1.0)
    }
    /// sin πt + ½ sin 2πt.
    fn solution(&self) -> Vec<f64> {
        let points = self.points().into_iter();
        points
            .map(|t| (PI * t).sin() + 0.5 * (2.0 * PI * t).sin())
            .collect()
    }
}
