//! How noise of a level makes a datum of what the model says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The distribution of a datum y* around the model's y, with a level σ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Gaussian, with the standard deviation σ, in the unit of y.
    #[default]
    Gaussian,
    /// Gaussian, with the standard deviation σ |y|: σ is relative, and the model says how large the noise is.
    Proportional,
    /// Gaussian in ln y, with the standard deviation σ of it: 0.1 is about 10 %.
    LogNormal,
}

/// −ln p of a datum without ½ ln 2π, and its derivatives by y and by s = ln σ.
pub(super) struct Datum {
    pub(super) value: f64,
    pub(super) slope: f64,
    pub(super) slope_level: f64,
    /// What is expected of the second derivatives: the Fisher information.
    pub(super) information: Second,
    /// The second derivatives.
    pub(super) hessian: Second,
}

/// Second derivatives by y, by both, and by the level.
#[derive(Clone, Copy)]
pub(super) struct Second {
    pub(super) value: f64,
    pub(super) both: f64,
    pub(super) level: f64,
}

impl Second {
    /// What is left for the level where y takes its part.
    pub(super) fn rest(&self) -> f64 {
        self.level - self.both * self.both / self.value
    }
}

impl Distribution {
    pub(super) fn formula(self) -> &'static str {
        match self {
            Self::Gaussian => "Σ ½ ((y − y*)/σ)² + ln σ",
            Self::Proportional => "Σ ½ ((y − y*)/(σ y))² + ln(σ |y|)",
            Self::LogNormal => "Σ ½ (ln(y/y*)/σ)² + ln σ",
        }
    }

    /// What −ln p of a datum has beside: ln y* where a density of ln y* is meant.
    pub(super) fn measure(self, target: f64) -> f64 {
        match self {
            Self::LogNormal => target.ln(),
            Self::Gaussian | Self::Proportional => 0.0,
        }
    }

    /// A datum, with s = ln σ; infinite or NaN where the distribution has no density.
    pub(super) fn at(self, y: f64, target: f64, s: f64) -> Datum {
        let weight = (-2.0 * s).exp();
        match self {
            Self::Gaussian => {
                let r = y - target;
                let square = weight * r * r;
                Datum {
                    value: 0.5 * square + s,
                    slope: weight * r,
                    slope_level: 1.0 - square,
                    information: Second {
                        value: weight,
                        both: 0.0,
                        level: 2.0,
                    },
                    hessian: Second {
                        value: weight,
                        both: -2.0 * weight * r,
                        level: 2.0 * square,
                    },
                }
            }
            Self::Proportional => {
                let r = 1.0 - target / y;
                let square = weight * r * r;
                let along = target / (y * y);
                Datum {
                    value: 0.5 * square + s + y.abs().ln(),
                    slope: weight * r * along + 1.0 / y,
                    slope_level: 1.0 - square,
                    information: Second {
                        value: (weight + 2.0) / (y * y),
                        both: 2.0 / y,
                        level: 2.0,
                    },
                    hessian: Second {
                        value: weight * along * (along - 2.0 * r / y) - 1.0 / (y * y),
                        both: -2.0 * weight * r * along,
                        level: 2.0 * square,
                    },
                }
            }
            Self::LogNormal => {
                let r = (y / target).ln();
                let square = weight * r * r;
                Datum {
                    value: 0.5 * square + s,
                    slope: weight * r / y,
                    slope_level: 1.0 - square,
                    information: Second {
                        value: weight / (y * y),
                        both: 0.0,
                        level: 2.0,
                    },
                    hessian: Second {
                        value: weight * (1.0 - r) / (y * y),
                        both: -2.0 * weight * r / y,
                        level: 2.0 * square,
                    },
                }
            }
        }
    }
}
