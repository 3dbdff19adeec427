//! Columns of J by differences, with a step for each unknown.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::options::{Validate, require};

/// A change of y below so many units of its last place is round-off.
const VISIBLE: f64 = 1e4;

/// From which sides y is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
/// The step of an unknown is relative to its own size, so that 1e-9 and 1e9 are served alike. While
/// y does not move beyond its round-off, as near a zero of an unknown, the step grows, in two strides up to
/// one that is relative to 1. Where the model fails on one side, the other serves alone.
///
/// # Source
/// Nocedal & Wright, *Numerical Optimization*, 8.1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Differences {
    /// From which sides.
    pub scheme: Scheme,
    /// The step, relative to the size of each unknown; ε^⅓ for central and ε^½ for forward
    /// differences if left out. A model with noise of 1e-6 in y wants about 1e-2 or 1e-3.
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
            "it is relative to each unknown and must lie between 1e-15 and 0.5; leave it out for exact \
             models, take 1e-3 or so for models with noise",
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

    fn step(&self) -> f64 {
        self.step.unwrap_or_else(|| match self.scheme {
            Scheme::Central => f64::EPSILON.cbrt(),
            Scheme::Forward => f64::EPSILON.sqrt(),
        })
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

    /// ∂P/∂xᵢ at x, where y = P(x).
    pub(super) fn column(
        &self,
        i: usize,
        x: &[f64],
        y: &[f64],
        evaluate: &dyn Fn(&[f64]) -> Result<Vec<f64>>,
    ) -> Result<Vec<f64>> {
        let size = x[i].abs();
        let widest = self.step() * size.max(1.0);
        let step = if size > 0.0 {
            self.step() * size
        } else {
            widest
        };
        let mut best = self.slope(i, step, x, y, evaluate)?;
        for wider in [step.sqrt() * widest.sqrt(), widest] {
            if best.visible || wider <= step {
                break;
            }
            match self.slope(i, wider, x, y, evaluate) {
                Ok(slope) => best = slope,
                Err(error) if error.is_interruption() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(best.values)
    }

    fn slope(
        &self,
        i: usize,
        step: f64,
        x: &[f64],
        y: &[f64],
        evaluate: &dyn Fn(&[f64]) -> Result<Vec<f64>>,
    ) -> Result<Slope> {
        // What x + h really is decides what is divided by.
        let side = |h: f64| {
            let mut there = x.to_vec();
            there[i] += h;
            evaluate(&there).map(|y| (there[i], y))
        };
        let (ahead, behind) = match (side(step), self.scheme) {
            (Err(error), _) if error.is_interruption() => return Err(error),
            (Ok(ahead), Scheme::Central) => match side(-step) {
                Err(error) if error.is_interruption() => return Err(error),
                behind => (ahead, behind.unwrap_or((x[i], y.to_vec()))),
            },
            (Ok(ahead), Scheme::Forward) => (ahead, (x[i], y.to_vec())),
            (Err(error), _) => ((x[i], y.to_vec()), side(-step).map_err(|_| error)?),
        };
        let width = ahead.0 - behind.0;
        let pairs = || ahead.1.iter().zip(&behind.1);
        let moved =
            |(a, b): (&f64, &f64)| (a - b).abs() > VISIBLE * f64::EPSILON * a.abs().max(b.abs());
        Ok(Slope {
            visible: pairs().any(moved),
            values: pairs().map(|(a, b)| (a - b) / width).collect(),
        })
    }
}

/// A column of J, and whether y moved more than its round-off.
struct Slope {
    values: Vec<f64>,
    visible: bool,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::error::Error;

    fn broken() -> Error {
        Error::Simulation {
            simulator: "square root".into(),
            message: "of a negative number".into(),
        }
    }

    #[test]
    fn unknowns_of_any_size_are_served_alike() {
        for scheme in [Scheme::Central, Scheme::Forward] {
            let differences = Differences { scheme, step: None };
            for size in [1e-9, 1.0, 1e9] {
                let evaluate = |x: &[f64]| Ok(vec![(x[0] / size).sin(), 3.0 + x[0] / size]);
                let x = [0.7 * size];
                let y = evaluate(&x).unwrap();
                let found = differences.column(0, &x, &y, &evaluate).unwrap();
                for (found, expected) in found.iter().zip([0.7_f64.cos(), 1.0]) {
                    let error = (found * size - expected).abs();
                    assert!(error < differences.error() / 10.0, "{size}: {error}");
                }
            }
        }
    }

    #[test]
    fn steps_grow_near_a_zero_until_y_moves() {
        let differences = Differences::default();
        let calls = Cell::new(0);
        let evaluate = |x: &[f64]| {
            calls.set(calls.get() + 1);
            Ok(vec![2.0 + x[0] + 5.0 * x[1]])
        };
        let x = [1e-200, 0.0];
        let y = evaluate(&x).unwrap();
        let first = differences.column(0, &x, &y, &evaluate).unwrap();
        assert!((first[0] - 1.0).abs() < 1e-9, "{first:?}");
        calls.set(0);
        let second = differences.column(1, &x, &y, &evaluate).unwrap();
        assert!((second[0] - 5.0).abs() < 1e-9, "{second:?}");
        assert_eq!(calls.get(), 2, "nothing to grow where x is 0");
    }

    #[test]
    fn a_side_that_fails_is_left_out() {
        let evaluate = |x: &[f64]| {
            if x[0] < 1.0 {
                Err(broken())
            } else {
                Ok(vec![x[0] * x[0]])
            }
        };
        let differences = Differences::default();
        let found = differences.column(0, &[1.0], &[1.0], &evaluate).unwrap();
        assert!((found[0] - 2.0).abs() < 1e-4, "{found:?}");
        let nowhere = |_: &[f64]| Err(broken());
        assert_eq!(
            differences.column(0, &[1.0], &[1.0], &nowhere),
            Err(broken())
        );
    }

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
