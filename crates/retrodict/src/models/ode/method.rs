//! How time is stepped through.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How time is stepped through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// Classical Runge–Kutta steps of at most `dt`: fastest where one length of step suits all.
    #[default]
    Fixed,
    /// Tsitouras 5(4), steps as long as the tolerances allow.
    Adaptive,
    /// Backward differences of order 1 to 5, steps as long as the tolerances allow: for rates
    /// whose time scales lie far apart.
    Stiff,
}

impl Method {
    /// What else to try where the method fails.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::Fixed => "a shorter dt",
            Self::Adaptive => "method = \"stiff\", another tolerance",
            Self::Stiff => "another tolerance",
        }
    }
}
