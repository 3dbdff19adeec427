use serde::{Deserialize, Serialize};

use super::{Memory, Notice, UpdateRule};
use crate::error::Result;
use crate::options::{Validate, positive};
use crate::problem::Evaluation;

/// Inverse simulator (PG): Δx = P⁻¹(y₀ + η Δy; x₀) − x₀, with Δy the Newton step of the loss in y.
///
/// The step is taken where the loss is simple, in y, and the physics is undone exactly.
///
/// # Units
/// Δy is in \[y\], P⁻¹ maps it to \[x\]; η has no unit.
///
/// # Scaling
/// Invariant to every change of units, linear or not, of x, y and L: higher-order terms of P
/// are undone too.
///
/// # Near the optimum
/// y converges to y* by the factor 1 − η a step, at once for η = 1, however nonlinear P is.
///
/// # Needs
/// A local inverse; no derivative.
///
/// # When to choose it
/// Whenever P brings a local inverse. For an ill-posed P the inverse regularises; see
/// [`Heat`](crate::simulators).
///
/// # Source
/// Holl, Koltun & Thuerey, *Scale-invariant Learning by Physics Inversion* (NeurIPS 2022),
/// equation 6; *Physics-based Deep Learning*, "Inverse simulator".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InverseSimulator {
    /// The step η > 0 in y; 1 aims at the loss's own target.
    pub learning_rate: f64,
    /// What lasts from step to step; starts empty and is no option.
    #[serde(skip)]
    pub memory: Memory<Vec<f64>>,
}

impl Default for InverseSimulator {
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl InverseSimulator {
    /// The rule with the step η in y.
    pub fn new(learning_rate: f64) -> Self {
        Self {
            learning_rate,
            memory: Memory::default(),
        }
    }
}

impl Validate for InverseSimulator {
    fn validate(&self) -> Result<()> {
        positive("learning_rate", self.learning_rate)
    }
}

impl UpdateRule for InverseSimulator {
    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let dy = &mut self.memory.0;
        dy.clear();
        dy.extend(at.output_step()?.iter().map(|dy| self.learning_rate * dy));
        at.inverse_step(dy, dx)?;
        Ok(None)
    }
}
