use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::simulator::{LocalInverse, Simulator};
use crate::core::space::Space;
use crate::error::Result;
use crate::options::{Validate, require};

/// Two numbers, of which the second is scaled: P(x) = (x₁, α x₂).
///
/// The smallest problem that shows what is wrong with a gradient: with α = 100 it is a
/// hundred times too long along x₂, where the step should be a hundred times shorter.
///
/// # Shapes
/// x and y have 2 values.
///
/// # Units
/// None; α stands for a change of units of the second component.
///
/// # Source
/// Thuerey et al., *Physics-based Deep Learning*, "Scale-invariance and inversion".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Scaling {
    /// The factor α on the second component; not 0.
    pub alpha: f64,
}

impl Default for Scaling {
    fn default() -> Self {
        Self { alpha: 100.0 }
    }
}

impl Validate for Scaling {
    fn validate(&self) -> Result<()> {
        require(
            self.alpha.is_finite() && self.alpha != 0.0,
            "alpha",
            self.alpha,
            "it must be finite and not 0",
        )
    }
}

impl Simulator for Scaling {
    fn input(&self) -> Space {
        Space::new("x", &[2], "1")
    }
    fn output(&self) -> Space {
        Space::new("scaled x", &[2], "1")
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        y[0] = x[0];
        y[1] = self.alpha * x[1];
        Ok(())
    }
    fn jvp(&self, _x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.forward(dx, dy)
    }
    fn vjp(&self, _x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.forward(dy, dx)
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        Some(self)
    }
    fn is_linear(&self) -> bool {
        true
    }
}

impl LocalInverse for Scaling {
    fn invert_near(&self, y: &[f64], _x0: &[f64], x: &mut [f64]) -> Result<()> {
        x[0] = y[0];
        x[1] = y[1] / self.alpha;
        Ok(())
    }
}
