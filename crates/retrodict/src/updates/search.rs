//! How far along Δx: what a rule asks the solver for, or a user in its place.

use std::fmt;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{UpdateRule, validate_wolfe};
use crate::error::Result;
use crate::options::{Build, Checked, Validate, require};

/// How the length of a step is found along Δx.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Search {
    /// The whole Δx.
    Full,
    /// Halve Δx until the loss falls by `decrease` of what its slope predicts.
    Backtracking {
        /// The Armijo constant, in (0, 1).
        decrease: f64,
    },
    /// Strong Wolfe conditions (Nocedal & Wright, *Numerical Optimization*, algorithm 3.5).
    StrongWolfe {
        /// The Armijo constant c₁, in (0, c₂).
        decrease: f64,
        /// The curvature constant c₂, in (c₁, 1).
        curvature: f64,
    },
}

impl Search {
    /// Whether a rule may be searched along with this.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option) if a constant is not allowed, or the rule finds the length itself.
    pub(crate) fn check(self, rule: &dyn UpdateRule) -> Result<()> {
        require(
            !rule.judges(),
            "search",
            self,
            "this rule finds the length of its steps itself, by a trust region; leave the search out, or choose another rule",
        )?;
        match self {
            Self::Full => Ok(()),
            Self::Backtracking { decrease } => Backtracking { decrease }.validate(),
            Self::StrongWolfe {
                decrease,
                curvature,
            } => validate_wolfe(decrease, curvature),
        }
    }
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Backtracking { .. } => "backtracking",
            Self::StrongWolfe { .. } => "strong-wolfe",
        })
    }
}

/// The whole Δx, shortened only where the simulation fails: [`Search::Full`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FullStep {}

/// The options of [`Search::Backtracking`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct Backtracking {
    /// The Armijo constant, in (0, 1): the share of the predicted fall of the loss that a step must bring.
    pub decrease: f64,
}

/// The options of [`Search::StrongWolfe`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct StrongWolfe {
    /// The Armijo constant c₁, in (0, c₂).
    pub decrease: f64,
    /// The curvature constant c₂, in (c₁, 1): the share of its slope that the loss may keep.
    pub curvature: f64,
}

impl Default for Backtracking {
    fn default() -> Self {
        Self { decrease: 1e-4 }
    }
}

impl Default for StrongWolfe {
    fn default() -> Self {
        Self {
            decrease: 1e-4,
            curvature: 0.9,
        }
    }
}

impl Validate for FullStep {
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

impl Validate for Backtracking {
    fn validate(&self) -> Result<()> {
        let decrease = self.decrease;
        require(
            decrease > 0.0 && decrease < 1.0,
            "decrease",
            decrease,
            "it must lie in (0, 1); 1e-4 is usual",
        )
    }
}

impl Validate for StrongWolfe {
    fn validate(&self) -> Result<()> {
        validate_wolfe(self.decrease, self.curvature)
    }
}

impl Build for FullStep {
    type Built = Search;

    fn make(_: Checked<Self>) -> Result<Search> {
        Ok(Search::Full)
    }
}

impl Build for Backtracking {
    type Built = Search;

    fn make(options: Checked<Self>) -> Result<Search> {
        Ok(Search::Backtracking {
            decrease: options.decrease,
        })
    }
}

impl Build for StrongWolfe {
    type Built = Search;

    fn make(options: Checked<Self>) -> Result<Search> {
        Ok(Search::StrongWolfe {
            decrease: options.decrease,
            curvature: options.curvature,
        })
    }
}
