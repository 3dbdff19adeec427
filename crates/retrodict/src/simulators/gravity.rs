//! Mass below ground from gravity above.

use std::f64::consts::PI;
use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::integral::{IntegralEquation, linear_simulator, matrix, middles, not_empty};
use crate::core::space::Space;
use crate::error::Result;
use crate::linalg::Matrix;
use crate::memory;
use crate::options::{Build, Checked, Validate, positive};

/// Mass below ground from gravity above: K(s, t) = d (d² + (s − t)²)^(−3/2).
///
/// x is the mass along a line at the depth d, y the vertical pull at the surface, both from 0 to 1. The
/// deeper, the more ill-posed: the singular values fall about as e^(−πdk).
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::GravityOptions;
/// let gravity = GravityOptions::default().with_size(400).build()?;
/// let mut y = [0.0; 400];
/// gravity.forward(&[1.0; 400], &mut y)?;
/// // Above the middle of an even line: 1/(d √(d² + ¼)).
/// assert!((y[199] - 1.0 / (0.25 * f64::hypot(0.25, 0.5))).abs() < 1e-3);
/// # Ok::<(), retrodict::Error>(())
/// ```
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
#[derive(Debug, Clone)]
pub struct Gravity {
    options: Checked<GravityOptions>,
    input: Space,
    output: Space,
    matrix: Arc<Matrix>,
}

/// The options of [`Gravity`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct GravityOptions {
    /// The number of values, at least 1.
    pub size: usize,
    /// How deep the mass lies, greater than 0.
    pub depth: f64,
}

impl Default for GravityOptions {
    fn default() -> Self {
        Self {
            size: 64,
            depth: 0.25,
        }
    }
}

impl Validate for GravityOptions {
    fn validate(&self) -> Result<()> {
        not_empty(self.size)?;
        positive("depth", self.depth)
    }
    fn memory(&self) -> f64 {
        memory::numbers((self.size as f64 + 4.0) * self.size as f64)
    }
}

impl Build for GravityOptions {
    type Built = Gravity;

    fn make(options: Checked<Self>) -> Result<Gravity> {
        let places = middles(options.size, 0.0, 1.0);
        let width = 1.0 / options.size as f64;
        // The midpoint rule.
        let matrix = matrix(options.size, |i, j| {
            let distance = options.depth.hypot(places[i] - places[j]);
            width * options.depth / distance.powi(3)
        });
        Ok(Gravity {
            input: Space::new("mass below ground", &[options.size], "1"),
            output: Space::new("vertical pull", &[options.size], "1"),
            matrix: Arc::new(matrix),
            options,
        })
    }
}

impl Gravity {
    /// What it was made of.
    pub fn options(&self) -> &GravityOptions {
        &self.options
    }
}

linear_simulator!(Gravity);

impl IntegralEquation for Gravity {
    fn matrix(&self) -> &Matrix {
        &self.matrix
    }
    fn points(&self) -> Vec<f64> {
        middles(self.options.size, 0.0, 1.0)
    }
    /// sin πt + ½ sin 2πt.
    fn solution(&self) -> Vec<f64> {
        let points = self.points().into_iter();
        points
            .map(|t| (PI * t).sin() + 0.5 * (2.0 * PI * t).sin())
            .collect()
    }
}
