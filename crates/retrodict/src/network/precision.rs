//! In which numbers a network computes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// In which numbers a network computes; what goes in and comes out is `f64`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Precision {
    /// Of 24 bits: twice as fast where products of matrices take the time.
    #[default]
    F32,
    /// Of 53 bits.
    F64,
}
