//! What x and y of a rollout are.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::space::Space;

/// What x is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Input {
    /// A part of the state at the start; the rest of it is given.
    State(Range<usize>),
    /// A control for each step, one after the other.
    Controls,
    /// One u for all steps.
    Parameters,
}

/// What y is: some values of the state, after some of the steps, times in the outer order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Observe {
    /// After how many steps, ascending, each from 0 (the start) to the last.
    pub steps: Vec<usize>,
    /// Which values of the state.
    pub places: Vec<usize>,
}

impl Observe {
    /// Some values of the state, after some of the steps.
    pub fn new(steps: impl Into<Vec<usize>>, places: impl Into<Vec<usize>>) -> Self {
        Self {
            steps: steps.into(),
            places: places.into(),
        }
    }

    /// The whole state after the last step.
    pub fn end(steps: usize, state: usize) -> Self {
        Self {
            steps: vec![steps],
            places: (0..state).collect(),
        }
    }

    /// Some steps and places, or the last step and all places where a list is empty.
    pub fn select(steps: &[usize], places: &[usize], last: usize, state: usize) -> Self {
        let mut seen = Self::end(last, state);
        if !steps.is_empty() {
            seen.steps = steps.to_vec();
        }
        if !places.is_empty() {
            seen.places = places.to_vec();
        }
        seen
    }

    /// How many values [`select`](Observe::select) sees of a state that long, whatever the lists hold.
    pub fn count(steps: &[usize], places: &[usize], state: f64) -> f64 {
        let places = match places.len() {
            0 => state,
            some => some as f64,
        };
        steps.len().max(1) as f64 * places
    }

    /// The space of what is observed: times, then places.
    pub fn space(&self, name: &str, unit: &str) -> Space {
        Space::new(name, &[self.steps.len(), self.places.len()], unit)
    }

    /// How many values are observed.
    pub fn len(&self) -> usize {
        self.steps.len() * self.places.len()
    }

    /// Whether nothing is observed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of y that are observed after step `n`, if any.
    pub(super) fn rows(&self, n: usize) -> Option<Range<usize>> {
        let k = self.steps.binary_search(&n).ok()?;
        Some(k * self.places.len()..(k + 1) * self.places.len())
    }
}
