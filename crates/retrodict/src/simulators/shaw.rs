//! A light source behind a slit.

use std::f64::consts::{FRAC_PI_2, PI};
use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::integral::{IntegralEquation, linear_simulator, matrix, middles, not_empty};
use crate::core::space::Space;
use crate::error::Result;
use crate::linalg::Matrix;
use crate::memory;
use crate::options::{Build, Checked, Validate};

/// A light source behind a slit: K(s, t) = (cos s + cos t)² (sin u/u)², u = π (sin s + sin t).
///
/// x is the source over the angle of incidence, y the light behind the slit, both from −π/2 to π/2. The
/// singular values fall exponentially: twenty of them reach round-off.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::ShawOptions;
/// let shaw = ShawOptions::default().build()?;
/// let mut y = [0.0; 64];
/// shaw.forward(&[1.0; 64], &mut y)?;
/// // An even light leaves an even light, brightest in the middle.
/// assert!((y[10] - y[53]).abs() < 1e-13 && y[31] > y[10]);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x and y have `size` values, in the middles of equal cells.
///
/// # Units
/// None.
///
/// # Source
/// Shaw, *Improvements of the resolution of an instrument by numerical solution of an integral equation*
/// (1972); Hansen, *Regularization Tools*, `shaw`.
#[derive(Debug, Clone)]
pub struct Shaw {
    options: Checked<ShawOptions>,
    input: Space,
    output: Space,
    matrix: Arc<Matrix>,
}

/// The options of [`Shaw`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct ShawOptions {
    /// The number of values, at least 1.
    pub size: usize,
}

impl Default for ShawOptions {
    fn default() -> Self {
        Self { size: 64 }
    }
}

impl Validate for ShawOptions {
    fn validate(&self) -> Result<()> {
        not_empty(self.size)
    }
    fn memory(&self) -> f64 {
        memory::numbers((self.size as f64 + 4.0) * self.size as f64)
    }
}

impl Build for ShawOptions {
    type Built = Shaw;

    fn make(options: Checked<Self>) -> Result<Shaw> {
        let angles = middles(options.size, -FRAC_PI_2, FRAC_PI_2);
        let width = PI / options.size as f64;
        // The midpoint rule.
        let matrix = matrix(options.size, |i, j| {
            let u = PI * (angles[i].sin() + angles[j].sin());
            let diffracted = if u == 0.0 { 1.0 } else { u.sin() / u };
            width * ((angles[i].cos() + angles[j].cos()) * diffracted).powi(2)
        });
        Ok(Shaw {
            input: Space::new("light source", &[options.size], "1"),
            output: Space::new("light behind a slit", &[options.size], "1"),
            matrix: Arc::new(matrix),
            options,
        })
    }
}

impl Shaw {
    /// What it was made of.
    pub fn options(&self) -> &ShawOptions {
        &self.options
    }
}

linear_simulator!(Shaw);

impl IntegralEquation for Shaw {
    fn matrix(&self) -> &Matrix {
        &self.matrix
    }
    fn points(&self) -> Vec<f64> {
        middles(self.options.size, -FRAC_PI_2, FRAC_PI_2)
    }
    /// Two humps: 2 exp(−6 (t − 0.8)²) + exp(−2 (t + 0.5)²).
    fn solution(&self) -> Vec<f64> {
        let hump = |t: f64, at: f64, narrow: f64| (-narrow * (t - at).powi(2)).exp();
        let points = self.points().into_iter();
        points
            .map(|t| 2.0 * hump(t, 0.8, 6.0) + hump(t, -0.5, 2.0))
            .collect()
    }
}
