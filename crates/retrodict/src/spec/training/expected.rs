//! What must come out of a method of a training.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::options::{Validate, require};
use crate::solver::StatusKind;

/// A result that is to come out again, compared by `retrodict train --check`: after so many epochs, a loss lies below or above a value, a layer is saturated or
/// the training has ended in a certain way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TrainingExpectation")]
#[non_exhaustive]
pub struct TrainingExpectation {
    /// The epoch.
    pub epoch: u64,
    /// The largest loss on the training data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_below: Option<f64>,
    /// The smallest loss on the training data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_above: Option<f64>,
    /// The largest loss on held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_below: Option<f64>,
    /// The smallest loss on held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_above: Option<f64>,
    /// The largest ½‖x − x*‖² on held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_below: Option<f64>,
    /// The smallest ½‖x − x*‖² on held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_above: Option<f64>,
    /// The largest mean ‖x − x*‖ on held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_below: Option<f64>,
    /// The smallest mean ‖x − x*‖ on held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_above: Option<f64>,
    /// A layer, such as `tanh1`, that is to be saturated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saturated: Option<String>,
    /// How it is to have ended by then, in a word, such as `diverged`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusKind>,
    /// The share of the seeds that must meet all of this, from 0 to 1.
    #[serde(default = "all", skip_serializing_if = "is_all")]
    pub share: f64,
}

fn all() -> f64 {
    1.0
}

fn is_all(share: &f64) -> bool {
    *share == 1.0
}

impl Validate for TrainingExpectation {
    fn validate(&self) -> Result<()> {
        require(
            self.share > 0.0 && self.share <= 1.0,
            "share",
            self.share,
            "it must be above 0 and at most 1; 0.9 asks for nine of ten seeds",
        )
    }
}
