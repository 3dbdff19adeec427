//! The second integral, whose inverse differentiates twice.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::integral::{IntegralEquation, linear_simulator, matrix, means, middles, not_empty};
use crate::core::space::Space;
use crate::error::Result;
use crate::linalg::Matrix;
use crate::memory;
use crate::options::{Build, Checked, Validate};

/// The second integral, whose inverse is the second derivative: y″ = x with y(0) = y(1) = 0.
///
/// K is Green's function, s (t − 1) for s < t and t (s − 1) beyond. The problem is mildly ill-posed: the
/// singular values are 1/(πk)².
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::{Deriv2Options, IntegralEquation};
/// let deriv2 = Deriv2Options::default().build()?;
/// let mut y = [0.0; 64];
/// deriv2.forward(&deriv2.points(), &mut y)?;
/// // y″ = s with y(0) = y(1) = 0 is (s³ − s)/6.
/// assert!(y.iter().zip(deriv2.points()).all(|(y, s)| (y - (s.powi(3) - s) / 6.0).abs() < 1e-4));
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x and y have `size` values, the means over equal cells. Hansen's are √h times as large, with h the width
/// of a cell: coefficients of box functions of length 1.
///
/// # Units
/// None.
///
/// # Source
/// Delves & Mohamed, *Computational Methods for Integral Equations* (1985), page 310; Hansen,
/// *Regularization Tools*, `deriv2`, example 1.
#[derive(Debug, Clone)]
pub struct Deriv2 {
    options: Checked<Deriv2Options>,
    input: Space,
    output: Space,
    matrix: Arc<Matrix>,
}

/// The options of [`Deriv2`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct Deriv2Options {
    /// The number of values, at least 1.
    pub size: usize,
}

impl Default for Deriv2Options {
    fn default() -> Self {
        Self { size: 64 }
    }
}

impl Validate for Deriv2Options {
    fn validate(&self) -> Result<()> {
        not_empty(self.size)
    }
    fn memory(&self) -> f64 {
        memory::numbers((self.size as f64 + 4.0) * self.size as f64)
    }
}

impl Build for Deriv2Options {
    type Built = Deriv2;

    fn make(options: Checked<Self>) -> Result<Deriv2> {
        let middle = middles(options.size, 0.0, 1.0);
        let h = 1.0 / options.size as f64;
        // Galerkin's method with box functions, in closed form.
        let matrix = matrix(options.size, |i, j| {
            let (low, high) = (middle[i].min(middle[j]), middle[i].max(middle[j]));
            let smooth = h * low * (high - 1.0);
            // Within a cell the kernel has its kink.
            if i == j { smooth + h * h / 6.0 } else { smooth }
        });
        Ok(Deriv2 {
            input: Space::new("second derivative", &[options.size], "1"),
            output: Space::new("function", &[options.size], "1"),
            matrix: Arc::new(matrix),
            options,
        })
    }
}

impl Deriv2 {
    /// What it was made of.
    pub fn options(&self) -> &Deriv2Options {
        &self.options
    }
}

linear_simulator!(Deriv2);

impl IntegralEquation for Deriv2 {
    fn matrix(&self) -> &Matrix {
        &self.matrix
    }
    fn points(&self) -> Vec<f64> {
        middles(self.options.size, 0.0, 1.0)
    }
    /// t.
    fn solution(&self) -> Vec<f64> {
        self.points()
    }
    /// (s³ − s)/6.
    fn data(&self) -> Vec<f64> {
        means(self.options.size, 1.0, |s| {
            (0.25 * s.powi(4) - 0.5 * s * s) / 6.0
        })
    }
}
