//! Two numbers, the second squared.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::simulator::{LocalInverse, SecondOrder, Simulator};
use crate::core::space::Space;
use crate::error::Result;
use crate::options::{Build, Checked, Validate};

/// Two numbers, of which the second is squared: P(x) = (x₀, x₁²).
///
/// With L = y₀² + y₁² this is the book's comparison of gradient descent, Newton's method and
/// the inverse simulator: the loss is a quartic in x₁, a parabola in y₁.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::SquareOptions;
/// let square = SquareOptions::default().build()?;
/// let mut y = [0.0; 2];
/// square.forward(&[2.0, -3.0], &mut y)?;
/// assert_eq!(y, [2.0, 9.0]);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x and y have 2 values.
///
/// # Units
/// None.
///
/// # Source
/// Thuerey et al., *Physics-based Deep Learning*, "Simple example comparing different optimizers".
#[derive(Debug, Clone)]
pub struct Square {
    options: Checked<SquareOptions>,
    input: Space,
    output: Space,
}

/// The options of [`Square`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct SquareOptions {}

impl Validate for SquareOptions {
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

impl Build for SquareOptions {
    type Built = Square;

    fn make(options: Checked<Self>) -> Result<Square> {
        Ok(Square {
            input: Space::new("x", &[2], "1"),
            output: Space::new("squared x", &[2], "1"),
            options,
        })
    }
}

impl Square {
    /// What it was made of.
    pub fn options(&self) -> &SquareOptions {
        &self.options
    }
}

impl Simulator for Square {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        y[0] = x[0];
        y[1] = x[1] * x[1];
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        dy[0] = dx[0];
        dy[1] = 2.0 * x[1] * dx[1];
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        // J is diagonal.
        self.jvp(x, dy, dx)
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        Some(self)
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        Some(self)
    }
}

impl LocalInverse for Square {
    /// Keeps the sign of x₀'s second component. A negative y₁ is unreachable; the nearest
    /// point that P reaches has y₁ = 0.
    fn invert_near(&self, y: &[f64], x0: &[f64], x: &mut [f64]) -> Result<()> {
        x[0] = y[0];
        x[1] = y[1].max(0.0).sqrt().copysign(x0[1]);
        Ok(())
    }
    fn is_nearest(&self) -> bool {
        true
    }
}

impl SecondOrder for Square {
    fn vjp_derivative(&self, _x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
        out[0] = 0.0;
        out[1] = 2.0 * dy[1] * dx[1];
        Ok(())
    }
}
