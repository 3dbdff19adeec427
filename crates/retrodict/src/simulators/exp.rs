//! The exponential of each value.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::simulator::{LocalInverse, Residual, SecondOrder, Simulator};
use crate::core::space::Space;
use crate::error::{Error, Result};
use crate::memory;
use crate::options::{Build, Checked, Validate, require};

/// The exponential of each value: y = e^x.
///
/// The gradient of a squared loss vanishes for x → −∞ and explodes for x → ∞; the inverse,
/// ln y, does neither.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::ExpOptions;
/// let exp = ExpOptions::default().with_size(2).build()?;
/// let mut y = [0.0; 2];
/// exp.forward(&[0.0, -1.0], &mut y)?;
/// assert_eq!(y, [1.0, f64::exp(-1.0)]);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x and y have `size` values.
///
/// # Units
/// None: an exponent has no unit.
///
/// # Errors
/// The inverse of y ≤ 0 is [`Error::OutsideRange`].
///
/// # Source
/// Holl, Koltun & Thuerey, *Scale-invariant Learning by Physics Inversion*, section 3.1.
#[derive(Debug, Clone)]
pub struct Exp {
    options: Checked<ExpOptions>,
    input: Space,
    output: Space,
    residual: Space,
}

/// The options of [`Exp`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct ExpOptions {
    /// The number of values, at least 1.
    pub size: usize,
}

impl Default for ExpOptions {
    fn default() -> Self {
        Self { size: 1 }
    }
}

impl Validate for ExpOptions {
    fn validate(&self) -> Result<()> {
        require(self.size > 0, "size", self.size, "it must be at least 1")
    }
    fn memory(&self) -> f64 {
        memory::numbers(4.0 * self.size as f64)
    }
}

impl Build for ExpOptions {
    type Built = Exp;

    fn make(options: Checked<Self>) -> Result<Exp> {
        Ok(Exp {
            input: Space::new("exponent", &[options.size], "1"),
            output: Space::new("exponential", &[options.size], "1"),
            residual: Space::new("x − ln y", &[options.size], "1"),
            options,
        })
    }
}

impl Exp {
    /// What it was made of.
    pub fn options(&self) -> &ExpOptions {
        &self.options
    }
}

impl Simulator for Exp {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        for (y, x) in y.iter_mut().zip(x) {
            *y = x.exp();
        }
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        for ((dy, x), dx) in dy.iter_mut().zip(x).zip(dx) {
            *dy = x.exp() * dx;
        }
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
    fn residual(&self) -> Option<&dyn Residual> {
        Some(self)
    }
}

impl LocalInverse for Exp {
    fn invert_near(&self, y: &[f64], _x0: &[f64], x: &mut [f64]) -> Result<()> {
        if let Some(index) = y.iter().position(|y| y.is_nan() || *y <= 0.0) {
            return Err(Error::OutsideRange {
                simulator: "exp".to_owned(),
                found: format!("y = {} (index {index})", y[index]),
                allowed: "e^x is greater than 0; lower the learning rate, \
                          or try levenberg-marquardt"
                    .to_owned(),
            });
        }
        for (x, y) in x.iter_mut().zip(y) {
            *x = y.ln();
        }
        Ok(())
    }
}

/// R = x − ln y, which is as steep for x → −∞ as anywhere.
impl Residual for Exp {
    fn space(&self) -> &Space {
        &self.residual
    }
    fn evaluate(&self, x: &[f64], y: &[f64], r: &mut [f64]) -> Result<()> {
        self.invert_near(y, x, r)?;
        for (r, x) in r.iter_mut().zip(x) {
            *r = x - *r;
        }
        Ok(())
    }
    fn tangent(&self, _x: &[f64], _y: &[f64], dx: &[f64], dr: &mut [f64]) -> Result<()> {
        dr.copy_from_slice(dx);
        Ok(())
    }
    fn adjoint(&self, _x: &[f64], _y: &[f64], dr: &[f64], dx: &mut [f64]) -> Result<()> {
        dx.copy_from_slice(dr);
        Ok(())
    }
    fn is_affine(&self) -> bool {
        true
    }
}

impl SecondOrder for Exp {
    fn vjp_derivative(&self, x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
        for (i, out) in out.iter_mut().enumerate() {
            *out = dy[i] * x[i].exp() * dx[i];
        }
        Ok(())
    }
}
