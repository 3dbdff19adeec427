//! How the learning rate changes from step to step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::options::{Validate, at_least_below, require};

/// How the learning rate changes: a factor on Δθ at each step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Schedule {
    /// 1 throughout.
    #[default]
    Constant,
    /// From 1 down to `floor` along half a cosine over `steps`, and there from then on.
    Cosine {
        /// The number of steps of the descent.
        steps: u64,
        /// The last factor, in [0, 1).
        #[serde(default)]
        floor: f64,
    },
    /// Times `factor` after every so many steps.
    Step {
        /// The number of steps between two changes.
        every: u64,
        /// In (0, 1].
        factor: f64,
    },
    /// From near 0 up to 1 in a straight line over `steps`.
    WarmUp {
        /// The number of steps of the rise.
        steps: u64,
    },
}

impl Schedule {
    /// The factor for step 0, 1, ….
    pub fn factor(self, step: u64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Cosine { steps, floor } => {
                let part = (step as f64 / steps as f64).min(1.0);
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * part).cos())
            }
            Self::Step { every, factor } => factor.powf((step / every) as f64),
            Self::WarmUp { steps } => ((step + 1) as f64 / steps as f64).min(1.0),
        }
    }
}

impl Validate for Schedule {
    fn validate(&self) -> Result<()> {
        let at_least_one =
            |key: &str, steps: u64| require(steps > 0, key, steps, "it must be at least 1");
        match *self {
            Self::Constant => Ok(()),
            Self::Cosine { steps, floor } => {
                at_least_one("schedule.steps", steps)?;
                at_least_below("schedule.floor", floor, 0.0, 1.0)
            }
            Self::Step { every, factor } => {
                at_least_one("schedule.every", every)?;
                require(
                    factor > 0.0 && factor <= 1.0,
                    "schedule.factor",
                    factor,
                    "it must lie in (0, 1]; 0.5 halves the learning rate",
                )
            }
            Self::WarmUp { steps } => at_least_one("schedule.steps", steps),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn factors_follow_their_curves() {
        let cosine = Schedule::Cosine {
            steps: 10,
            floor: 0.2,
        };
        assert_eq!(cosine.factor(0), 1.0);
        assert!((cosine.factor(5) - 0.6).abs() < 1e-15);
        assert!((cosine.factor(10) - 0.2).abs() < 1e-15 && cosine.factor(99) == cosine.factor(10));
        let step = Schedule::Step {
            every: 3,
            factor: 0.5,
        };
        assert_eq!([0, 2, 3, 6].map(|n| step.factor(n)), [1.0, 1.0, 0.5, 0.25]);
        let rise = Schedule::WarmUp { steps: 4 };
        assert_eq!([0, 1, 3, 9].map(|n| rise.factor(n)), [0.25, 0.5, 1.0, 1.0]);
        assert!(Schedule::WarmUp { steps: 0 }.validate().is_err());
        assert!(
            Schedule::Step {
                every: 1,
                factor: 2.0
            }
            .validate()
            .is_err()
        );
    }
}
