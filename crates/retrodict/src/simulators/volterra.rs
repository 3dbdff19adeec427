//! Temperature inside a wall from that of its surface.

use std::f64::consts::PI;
use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::integral::{IntegralEquation, linear_simulator, matrix, not_empty};
use crate::core::space::Space;
use crate::error::Result;
use crate::linalg::Matrix;
use crate::memory;
use crate::options::{Build, Checked, Validate, positive};

/// The temperature inside a wall from that at its surface: y(s) = ∫₀ˢ k(s − t) x(t) dt with
/// k(u) = u^(−3/2) exp(−1/(4κ²u))/(2κ√π).
///
/// Hansen calls it `heat`, the inverse heat equation. κ tells how well the wall conducts: 5 is easy, 1 is
/// hard. Its convolution looks back only, and in the last moments before the end y tells next to nothing
/// of x.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::VolterraOptions;
/// let wall = VolterraOptions::default().build()?;
/// let mut x = [0.0; 64];
/// x[32] = 1.0;
/// let mut y = [0.0; 64];
/// wall.forward(&x, &mut y)?;
/// // Nothing is felt inside before it is warm outside.
/// assert!(y[..32] == [0.0; 32] && y[63] > 0.0);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x and y have `size` values over the time from 0 to 1.
///
/// # Units
/// None.
///
/// # Source
/// Carasso, *Determining surface temperatures from interior observations* (1982); Hansen, *Regularization
/// Tools*, `heat`.
#[derive(Debug, Clone)]
pub struct Volterra {
    options: Checked<VolterraOptions>,
    input: Space,
    output: Space,
    matrix: Arc<Matrix>,
}

/// The options of [`Volterra`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct VolterraOptions {
    /// The number of values, at least 1.
    pub size: usize,
    /// κ > 0.
    pub kappa: f64,
}

impl Default for VolterraOptions {
    fn default() -> Self {
        Self {
            size: 64,
            kappa: 1.0,
        }
    }
}

impl Validate for VolterraOptions {
    fn validate(&self) -> Result<()> {
        not_empty(self.size)?;
        positive("kappa", self.kappa)
    }
    fn memory(&self) -> f64 {
        memory::numbers((self.size as f64 + 4.0) * self.size as f64)
    }
}

impl Build for VolterraOptions {
    type Built = Volterra;

    fn make(options: Checked<Self>) -> Result<Volterra> {
        let width = 1.0 / options.size as f64;
        let kernel = |past: usize| {
            let u = (past as f64 + 0.5) * width;
            let decay = (-1.0 / (4.0 * options.kappa * options.kappa * u)).exp();
            width * decay / (2.0 * options.kappa * (PI * u.powi(3)).sqrt())
        };
        let response: Vec<f64> = (0..options.size).map(kernel).collect();
        // The midpoint rule; y stands at the ends of the cells.
        let matrix = matrix(options.size, |i, j| {
            i.checked_sub(j).map_or(0.0, |past| response[past])
        });
        Ok(Volterra {
            input: Space::new("surface temperature", &[options.size], "1"),
            output: Space::new("inner temperature", &[options.size], "1"),
            matrix: Arc::new(matrix),
            options,
        })
    }
}

impl Volterra {
    /// What it was made of.
    pub fn options(&self) -> &VolterraOptions {
        &self.options
    }
}

linear_simulator!(Volterra);

impl IntegralEquation for Volterra {
    fn matrix(&self) -> &Matrix {
        &self.matrix
    }
    /// The ends of the cells, where the source takes x.
    fn points(&self) -> Vec<f64> {
        let end = |i| i as f64 / self.options.size as f64;
        (1..=self.options.size).map(end).collect()
    }
    /// With τ = 20 t: 3τ²/16 up to 2, then ¾ + (τ − 2)(3 − τ) up to 3, then ¾ e^(6 − 2τ), and 0 beyond t = ½.
    fn solution(&self) -> Vec<f64> {
        let surface = |t: f64| match 20.0 * t {
            _ if t > 0.5 => 0.0,
            tau if tau < 2.0 => 0.1875 * tau * tau,
            tau if tau < 3.0 => 0.75 + (tau - 2.0) * (3.0 - tau),
            tau => 0.75 * (6.0 - 2.0 * tau).exp(),
        };
        self.points().into_iter().map(surface).collect()
    }
}
