//! How the distance to the truth is measured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A norm of x − x*.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorNorm {
    /// ‖x − x*‖₂.
    #[default]
    Distance,
    /// Σ |x − x*|.
    SumAbs,
    /// √(mean (x − x*)²).
    Rms,
    /// Many x serve as well: only the loss counts.
    None,
}

impl ErrorNorm {
    /// The norm of x − x*.
    pub fn of(self, x: &[f64], truth: &[f64]) -> Option<f64> {
        let differences = x.iter().zip(truth).map(|(x, t)| x - t);
        Some(match self {
            Self::Distance => differences.map(|d| d * d).sum::<f64>().sqrt(),
            Self::SumAbs => differences.map(f64::abs).sum(),
            Self::Rms => (differences.map(|d| d * d).sum::<f64>() / x.len() as f64).sqrt(),
            Self::None => return None,
        })
    }

    /// The formula, for axes.
    pub fn formula(self) -> &'static str {
        match self {
            Self::Distance => "‖x − x*‖₂",
            Self::SumAbs => "Σ |x − x*|",
            Self::Rms => "√mean (x − x*)²",
            Self::None => "",
        }
    }
}
