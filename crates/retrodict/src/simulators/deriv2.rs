use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::integral::{IntegralEquation, linear_simulator, matrix, means, middles, not_empty};
use crate::error::Result;
use crate::linalg::Matrix;
use crate::memory;
use crate::options::{Derived, Validate};

/// The second integral, whose inverse is the second derivative: y″ = x with y(0) = y(1) = 0.
///
/// K is Green's function, s (t − 1) for s < t and t (s − 1) beyond. The problem is mildly ill-posed: the
/// singular values are 1/(πk)².
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Deriv2 {
    /// The number of values, at least 1.
    pub size: usize,
    /// The matrix.
    #[serde(skip)]
    pub plan: Derived<Matrix>,
}

impl Default for Deriv2 {
    fn default() -> Self {
        Self {
            size: 64,
            plan: Derived::default(),
        }
    }
}

impl Validate for Deriv2 {
    fn validate(&self) -> Result<()> {
        not_empty(self.size)
    }
    fn memory(&self) -> f64 {
        memory::numbers((self.size as f64 + 4.0) * self.size as f64)
    }
}

linear_simulator!(Deriv2, "second derivative", "function");

impl IntegralEquation for Deriv2 {
    /// Galerkin's method with box functions, in closed form.
    fn matrix(&self) -> &Matrix {
        self.plan.get(|| {
            let middle = self.points();
            let h = 1.0 / self.size as f64;
            matrix(self.size, |i, j| {
                let (low, high) = (middle[i].min(middle[j]), middle[i].max(middle[j]));
                let smooth = h * low * (high - 1.0);
                // Within a cell the kernel has its kink.
                if i == j { smooth + h * h / 6.0 } else { smooth }
            })
        })
    }
    fn points(&self) -> Vec<f64> {
        middles(self.size, 0.0, 1.0)
    }
    /// t.
    fn solution(&self) -> Vec<f64> {
        self.points()
    }
    /// (s³ − s)/6.
    fn data(&self) -> Vec<f64> {
        means(self.size, 1.0, |s| (0.25 * s.powi(4) - 0.5 * s * s) / 6.0)
    }
}
