//! Two numbers, the second scaled.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::description::Description;
use crate::core::simulator::{LocalInverse, Simulator};
use crate::core::space::Space;
use crate::error::Result;
use crate::options::{Build, Checked, Validate, require};

/// Two numbers, of which the second is scaled: P(x) = (x₁, α x₂).
///
/// The smallest problem that shows what is wrong with a gradient: with α = 100 it is a
/// hundred times too long along x₂, where the step should be a hundred times shorter.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// let scaling = ScalingOptions::default().with_alpha(1e3).build()?;
/// let mut y = [0.0; 2];
/// scaling.forward(&[1.0, 2.0], &mut y)?;
/// assert_eq!(y, [1.0, 2000.0]);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x and y have 2 values.
///
/// # Units
/// None; α stands for a change of units of the second component.
///
/// # Source
/// Thuerey et al., *Physics-based Deep Learning*, "Scale-invariance and inversion".
#[derive(Debug, Clone)]
pub struct Scaling {
    options: Checked<ScalingOptions>,
    input: Space,
    output: Space,
}

/// The options of [`Scaling`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct ScalingOptions {
    /// The factor α on the second component; not 0.
    pub alpha: f64,
}

impl Default for ScalingOptions {
    fn default() -> Self {
        Self { alpha: 100.0 }
    }
}

impl Validate for ScalingOptions {
    fn validate(&self) -> Result<()> {
        require(
            self.alpha.is_finite() && self.alpha != 0.0,
            "alpha",
            self.alpha,
            "it must be finite and not 0",
        )
    }
}

impl Build for ScalingOptions {
    type Built = Scaling;

    fn make(options: Checked<Self>) -> Result<Scaling> {
        Ok(Scaling {
            input: Space::new("x", &[2], "1"),
            output: Space::new("scaled x", &[2], "1"),
            options,
        })
    }
}

impl Scaling {
    /// What it was made of.
    pub fn options(&self) -> &ScalingOptions {
        &self.options
    }
}

impl Simulator for Scaling {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        y[0] = x[0];
        y[1] = self.options.alpha * x[1];
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
    fn describe(&self) -> Description {
        Description::default().with_linear(true)
    }
}

impl LocalInverse for Scaling {
    fn invert_near(&self, y: &[f64], _x0: &[f64], x: &mut [f64]) -> Result<()> {
        x[0] = y[0];
        x[1] = y[1] / self.options.alpha;
        Ok(())
    }
}
