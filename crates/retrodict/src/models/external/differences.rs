//! Derivatives by differences: from which sides, and how far.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::options::{Validate, require};

/// From which sides y is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Scheme {
    /// (P(x + h) − P(x − h)) / 2h: two evaluations for each unknown, about ten digits.
    #[default]
    Central,
    /// (P(x + h) − P(x)) / h: one evaluation for each unknown, about seven digits.
    Forward,
}

impl Scheme {
    /// As it is written in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Central => "central",
            Self::Forward => "forward",
        }
    }
}

/// Derivatives from evaluations alone.
///
/// The step of an unknown is relative to its own size, so that 1e-9 and 1e9 are served alike. Where that leaves
/// a column of J uncertain, another step is taken: a longer one near a zero of an unknown and for a model that
/// rounds its answers or scatters, a shorter one where y bends too much. How far off each column may be is known
/// afterwards. Where the model fails on one side, the other serves alone.
///
/// # Cost
/// One or two evaluations for each unknown, and as many again for those whose first step was not good. A
/// model that rounds (to `f32`, to a few digits) is known by its answers, at the cost of one more
/// evaluation.
///
/// # Source
/// Nocedal & Wright, *Numerical Optimization*, 8.1; Gill, Murray, Saunders & Wright, *Computing forward-difference
/// intervals for numerical optimization*, SIAM J. Sci. Stat. Comput. 4 (1983).
#[derive(
    Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, derive_setters::Setters,
)]
#[setters(prefix = "with_")]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Differences {
    /// From which sides.
    pub scheme: Scheme,
    /// The step, relative to the size of each unknown; ε^⅓ for central and ε^½ for forward
    /// differences if left out, or longer where y turns out to be rounded or to scatter. A step that is
    /// given stands, but near a zero of an unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
}

impl Validate for Differences {
    fn validate(&self) -> Result<()> {
        let Some(step) = self.step else {
            return Ok(());
        };
        require(
            (1e-15..=0.5).contains(&step),
            "differences.step",
            step,
            "it is relative to each unknown and must lie between 1e-15 and 0.5; leave it out for exact models, use \
             about 1e-3 for models with noise",
        )
    }
}

impl Differences {
    /// How many evaluations J takes, beside the one at x.
    pub fn evaluations(&self, inputs: usize) -> usize {
        match self.scheme {
            Scheme::Central => 2 * inputs,
            Scheme::Forward => inputs,
        }
    }

    /// The first step, relative to the size of an unknown.
    pub(super) fn step(&self) -> f64 {
        self.step.unwrap_or_else(|| self.best_step(f64::EPSILON))
    }

    /// The first step of each unknown.
    pub(super) fn usual_steps(&self, x: &[f64]) -> Vec<f64> {
        let size = |x: &f64| if *x == 0.0 { 1.0 } else { x.abs() };
        x.iter().map(|x| self.step() * size(x)).collect()
    }

    /// The step for which noise, relative to y, costs as much as curvature does.
    pub(super) fn best_step(&self, noise: f64) -> f64 {
        match self.scheme {
            Scheme::Central => noise.cbrt(),
            Scheme::Forward => noise.sqrt(),
        }
    }

    /// How far off J may be, relative to its size, if P bends no more than the exponential does.
    pub fn error(&self) -> f64 {
        let step = self.step();
        let truncation = match self.scheme {
            Scheme::Central => step * step,
            Scheme::Forward => step,
        };
        100.0 * (truncation + f64::EPSILON / step)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn steps_out_of_range_are_refused() {
        for step in [0.0, -1e-3, 0.6, f64::NAN] {
            let differences = Differences {
                step: Some(step),
                ..Differences::default()
            };
            let message = differences.validate().unwrap_err().to_string();
            assert!(message.contains("differences.step"), "{message}");
        }
    }
}
