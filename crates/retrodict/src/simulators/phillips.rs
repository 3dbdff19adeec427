//! A hump blurred by itself.

use std::f64::consts::{FRAC_PI_3, PI};
use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::integral::{IntegralEquation, linear_simulator, matrix, middles};
use crate::core::space::Space;
use crate::error::Result;
use crate::linalg::Matrix;
use crate::memory;
use crate::options::{Build, Checked, Validate, require};

/// Phillips' problem: a hump blurred by itself, K(s, t) = φ(s − t) with φ(u) = 1 + cos(πu/3) for |u| < 3.
///
/// s and t run from −6 to 6. The singular values fall slowly, as those of a kernel with a kink in its
/// second derivative.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::{IntegralEquation, PhillipsOptions};
/// let phillips = PhillipsOptions::default().build()?;
/// let mut y = [0.0; 64];
/// phillips.forward(&phillips.solution(), &mut y)?;
/// assert!(y.iter().zip(phillips.data()).all(|(y, exact)| (y - exact).abs() < 0.02));
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
/// Phillips, *A technique for the numerical solution of certain integral equations of the first kind*
/// (1962); Hansen, *Regularization Tools*, `phillips`.
#[derive(Debug, Clone)]
pub struct Phillips {
    options: Checked<PhillipsOptions>,
    input: Space,
    output: Space,
    matrix: Arc<Matrix>,
}

/// The options of [`Phillips`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct PhillipsOptions {
    /// The number of values, a multiple of 4.
    pub size: usize,
}

impl Default for PhillipsOptions {
    fn default() -> Self {
        Self { size: 64 }
    }
}

impl Validate for PhillipsOptions {
    fn validate(&self) -> Result<()> {
        require(
            self.size > 0 && self.size.is_multiple_of(4),
            "size",
            self.size,
            "it must be a multiple of 4, so that the kernel ends where cells do; try 64",
        )
    }
    fn memory(&self) -> f64 {
        memory::numbers((self.size as f64 + 4.0) * self.size as f64)
    }
}

impl Build for PhillipsOptions {
    type Built = Phillips;

    fn make(options: Checked<Self>) -> Result<Phillips> {
        let h = 12.0 / options.size as f64;
        let half = (0.5 * FRAC_PI_3 * h).sin().powi(2);
        let bend = 36.0 / (PI * PI * h) * half;
        let edge = options.size / 4;
        // Galerkin's method with box functions, in closed form: second differences of ∬φ.
        let matrix = matrix(options.size, |i, j| {
            let apart = i.abs_diff(j);
            match apart.cmp(&edge) {
                std::cmp::Ordering::Less => h + bend * (FRAC_PI_3 * apart as f64 * h).cos(),
                std::cmp::Ordering::Equal => 0.5 * (h - bend),
                std::cmp::Ordering::Greater => 0.0,
            }
        });
        Ok(Phillips {
            input: Space::new("hump", &[options.size], "1"),
            output: Space::new("blurred hump", &[options.size], "1"),
            matrix: Arc::new(matrix),
            options,
        })
    }
}

impl Phillips {
    /// What it was made of.
    pub fn options(&self) -> &PhillipsOptions {
        &self.options
    }
}

linear_simulator!(Phillips);

impl Phillips {
    /// The means of an even function over all cells, from its antiderivative on the right half.
    fn even_means(&self, integral: impl Fn(f64) -> f64) -> Vec<f64> {
        let right = super::integral::means(self.options.size / 2, 6.0, integral);
        right.iter().rev().chain(&right).copied().collect()
    }
}

impl IntegralEquation for Phillips {
    fn matrix(&self) -> &Matrix {
        &self.matrix
    }
    fn points(&self) -> Vec<f64> {
        middles(self.options.size, -6.0, 6.0)
    }
    /// φ.
    fn solution(&self) -> Vec<f64> {
        self.even_means(|t| {
            let t = t.min(3.0);
            t + (FRAC_PI_3 * t).sin() / FRAC_PI_3
        })
    }
    /// (6 − |s|) (1 + ½ cos(πs/3)) + 9/(2π) sin(π|s|/3).
    fn data(&self) -> Vec<f64> {
        self.even_means(|s| {
            let (sin, cos) = (FRAC_PI_3 * s).sin_cos();
            6.0 * s - 0.5 * s * s + 1.5 / PI * (6.0 - s) * sin - 18.0 / (PI * PI) * cos
        })
    }
}
