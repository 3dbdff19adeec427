use serde::{Deserialize, Serialize};

use super::Number;
use crate::error::Result;
use crate::options::require;

/// What an unknown x stands for: itself, or a value that must be positive or lie within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transform {
    /// x itself.
    None,
    /// e^x: positive, and steps in x are relative.
    Log,
    /// Between a low and a high bound, by the logistic function.
    Bounds(f64, f64),
}

impl Transform {
    /// Checks the bounds.
    ///
    /// # Errors
    /// If they are not finite and ascending.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::Bounds(low, high) => require(
                low < high && (high - low).is_finite(),
                "transform",
                format!("bounds = [{low}, {high}]"),
                "the low bound must be less than the high one, and both finite",
            ),
            _ => Ok(()),
        }
    }

    /// The value that x stands for.
    pub fn apply<D: Number>(&self, x: D) -> D {
        match *self {
            Self::None => x,
            Self::Log => x.exp(),
            Self::Bounds(low, high) => ((-x).exp() + 1.0).recip() * (high - low) + low,
        }
    }

    /// The x that stands for a value.
    ///
    /// # Errors
    /// If no x does.
    pub fn undo(&self, value: f64) -> Result<f64> {
        match *self {
            Self::None => Ok(value),
            Self::Log => {
                require(
                    value > 0.0,
                    "value",
                    value,
                    "a logarithm needs it greater than 0",
                )?;
                Ok(value.ln())
            }
            Self::Bounds(low, high) => {
                let share = (value - low) / (high - low);
                let allowed = format!("it must lie between {low} and {high}");
                require(share > 0.0 && share < 1.0, "value", value, &allowed)?;
                Ok((share / (1.0 - share)).ln())
            }
        }
    }
}
