//! Bounds on x: a box that no iterate leaves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::transform::Transform;
use crate::error::{Error, Result, expect_length};
use crate::options::require;

/// lower ≤ x ≤ upper, for each unknown.
///
/// ```
/// use retrodict::Bounds;
///
/// // Not negative, and the second at most 1.
/// let bounds = Bounds::new(vec![0.0], vec![f64::INFINITY, 1.0]);
/// # let _ = bounds;
/// ```
///
/// # Shapes
/// Each side: nothing where there is no bound, one value for all unknowns, or one for each;
/// ±∞ where one of them has none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Bounds {
    /// The least values.
    pub lower: Vec<f64>,
    /// The greatest values.
    pub upper: Vec<f64>,
}

impl Bounds {
    /// The least and the greatest values; nothing where there is no bound.
    pub fn new(lower: Vec<f64>, upper: Vec<f64>) -> Self {
        Self { lower, upper }
    }

    /// One value for each of n unknowns on both sides.
    ///
    /// # Errors
    /// If a side has another length, a bound is NaN, or a lower bound exceeds its upper one.
    pub fn for_each(&self, n: usize) -> Result<Self> {
        let side = |name: &str, values: &[f64], none: f64| -> Result<Vec<f64>> {
            match values {
                [] => Ok(vec![none; n]),
                [value] => Ok(vec![*value; n]),
                _ => {
                    expect_length(name, values.len(), n)?;
                    Ok(values.to_vec())
                }
            }
        };
        let lower = side("bounds.lower", &self.lower, f64::NEG_INFINITY)?;
        let upper = side("bounds.upper", &self.upper, f64::INFINITY)?;
        for (i, (low, high)) in lower.iter().zip(&upper).enumerate() {
            // Not so either where one of them is NaN.
            let ordered = low <= high && *low < f64::INFINITY && *high > f64::NEG_INFINITY;
            require(
                ordered,
                &format!("bounds of x[{i}]"),
                format!("[{low}, {high}]"),
                "the lower bound must not exceed the upper one; exchange them, or leave one out",
            )?;
        }
        Ok(Self { lower, upper })
    }

    /// The unknowns that bounds [`for_each`](Self::for_each) unknown leave no room: constants.
    pub fn fixed(&self) -> Vec<usize> {
        let pairs = self.lower.iter().zip(&self.upper).enumerate();
        pairs
            .filter(|(_, (low, high))| low == high)
            .map(|(i, _)| i)
            .collect()
    }

    /// The unknowns that lie on a bound and could leave it, at an x within bounds that stand
    /// [`for_each`](Self::for_each) unknown.
    pub fn touched(&self, x: &[f64]) -> Vec<usize> {
        let sides = self.lower.iter().zip(&self.upper);
        x.iter()
            .zip(sides)
            .enumerate()
            .filter(|(_, (x, (low, high)))| *low < *high && (*x == *low || *x == *high))
            .map(|(i, _)| i)
            .collect()
    }

    /// Moves x to the nearest point within bounds that stand [`for_each`](Self::for_each) unknown, and
    /// says how many values that changed.
    pub fn project(&self, x: &mut [f64]) -> usize {
        let mut changed = 0;
        for (x, (low, high)) in x.iter_mut().zip(self.lower.iter().zip(&self.upper)) {
            let within = x.max(*low).min(*high);
            changed += usize::from(within != *x);
            *x = within;
        }
        changed
    }
}

/// The box of a problem, with one bound for each unknown on both sides.
#[derive(Debug, Clone)]
pub(crate) struct BoundsBox {
    lower: Vec<f64>,
    upper: Vec<f64>,
}

impl BoundsBox {
    /// The walls at bounds that stand [`for_each`](Bounds::for_each) unknown.
    pub(crate) fn new(bounds: &Bounds) -> Self {
        Self {
            lower: bounds.lower.clone(),
            upper: bounds.upper.clone(),
        }
    }

    /// The walls in the unknowns that transforms give; all of them rise.
    pub(crate) fn behind(bounds: &Bounds, transforms: &[Transform]) -> Self {
        let side = |values: &[f64]| {
            let pairs = transforms.iter().zip(values);
            pairs.map(|(t, value)| t.bound(*value)).collect()
        };
        Self {
            lower: side(&bounds.lower),
            upper: side(&bounds.upper),
        }
    }

    /// Where the walls of an unknown are.
    pub(crate) fn of(&self, i: usize) -> (f64, f64) {
        (self.lower[i], self.upper[i])
    }

    /// The least and the greatest values.
    pub(crate) fn sides(&self) -> (&[f64], &[f64]) {
        (&self.lower, &self.upper)
    }

    /// The value nearest to x + step within the walls. What ends beside a wall to round-off ends
    /// at it, so that an unknown at a wall is known to be there.
    pub(crate) fn land(&self, i: usize, x: f64, step: f64) -> f64 {
        let there = x + step;
        let (low, high) = (self.lower[i], self.upper[i]);
        let close = 2.0 * f64::EPSILON * x.abs().max(step.abs());
        if there <= low + close {
            low
        } else if there >= high - close {
            high
        } else {
            there
        }
    }

    /// How far the unknown is from the wall on the side of a step; infinite where there is none.
    pub(crate) fn room(&self, i: usize, x: f64, step: f64) -> f64 {
        if step > 0.0 {
            self.upper[i] - x
        } else if step < 0.0 {
            x - self.lower[i]
        } else {
            f64::INFINITY
        }
    }

    /// Whether any unknown is at a wall.
    pub(crate) fn touched(&self, x: &[f64]) -> bool {
        let mut places = x.iter().zip(self.lower.iter().zip(&self.upper));
        places.any(|(x, (low, high))| x <= low || x >= high)
    }

    /// The unknowns at a wall against which a descent would push them; none if all are free.
    pub(crate) fn held(&self, x: &[f64], gradient: &[f64]) -> Option<Vec<bool>> {
        let pushed = |i: usize| {
            let (low, high) = (x[i] <= self.lower[i], x[i] >= self.upper[i]);
            low && (high || gradient[i] > 0.0) || high && gradient[i] < 0.0
        };
        let held: Vec<bool> = (0..x.len()).map(pushed).collect();
        held.contains(&true).then_some(held)
    }
}

/// The error of a rule whose steps do not keep linear constraints.
pub(crate) fn refuse_constraints(rule: &'static str) -> Error {
    Error::Unsupported {
        rule,
        needs: "a problem without linear constraints",
        simulator: "a constrained problem".to_owned(),
        instead: vec!["levenberg-marquardt or gauss-newton, which keep them".into()],
    }
}

/// The error of a rule that moves all unknowns at once, or not at all.
pub(crate) fn refuse(rule: &'static str) -> Error {
    Error::Unsupported {
        rule,
        needs: "unknowns without bounds",
        simulator: "a bounded problem".to_owned(),
        instead: vec![
            "levenberg-marquardt, or a transform of x that keeps it between the bounds".into(),
        ],
    }
}
