use serde::{Deserialize, Serialize};

use super::{Memory, Notice, UpdateRule};
use crate::error::Result;
use crate::linalg::{Engine, LsmrOptions, lsmr, pseudo_inverse_power};
use crate::options::{Validate, at_least_below, positive, require};
use crate::problem::Evaluation;

/// Inverse gradient (IG): Δx = J⁺ η Δy, with Δy the Newton step of the loss in y.
///
/// J may be singular or rectangular: of all least-squares solutions the shortest is taken, and
/// singular values below `truncation` of the largest are dropped. Small problems are solved
/// by a truncated SVD, large ones by LSMR with jvp and vjp alone, where the truncation is its
/// stopping tolerance.
///
/// # Units
/// J⁺ is in \[x\]/\[y\], so Δx is in \[x\] and η has no unit.
///
/// # Scaling
/// Invariant to P → αP, y* → αy*, to L → βL, and for regular J to any linear change of x.
///
/// # Near the optimum
/// Quadratic convergence for η = 1 where the target is reached, whatever the loss.
///
/// # Needs
/// min(m, n) products with J or Jᵀ (small), or one pair of them for each iteration of LSMR.
///
/// # When to choose it
/// When P brings no inverse. It is the inverse simulator to first order in Δy, and agrees
/// with Gauss–Newton for a squared loss.
///
/// # Source
/// Thuerey et al., *Physics-based Deep Learning*, "Inverse gradients"; LSMR: Fong & Saunders
/// (2011).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InverseJacobian {
    /// The step η > 0 in y.
    pub learning_rate: f64,
    /// Singular values below this, relative to the largest, are dropped; in [0, 1).
    pub truncation: f64,
    /// min(m, n) up to which J is formed.
    pub dense_up_to: usize,
    /// Iterations of LSMR where it is not.
    pub krylov_steps: usize,
    /// What lasts from step to step; starts empty and is no option.
    #[serde(skip)]
    pub memory: Memory<Vec<f64>>,
}

impl Default for InverseJacobian {
    fn default() -> Self {
        Self {
            learning_rate: 1.0,
            truncation: 1e-12,
            dense_up_to: 400,
            krylov_steps: 100,
            memory: Memory::default(),
        }
    }
}

impl Validate for InverseJacobian {
    fn validate(&self) -> Result<()> {
        positive("learning_rate", self.learning_rate)?;
        at_least_below("truncation", self.truncation, 0.0, 1.0)?;
        require(
            self.krylov_steps > 0,
            "krylov_steps",
            self.krylov_steps,
            "it must be at least 1",
        )
    }
}

impl UpdateRule for InverseJacobian {
    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let aim = &mut self.memory.0;
        aim.clear();
        let step = at.output_step()?.iter();
        aim.extend(step.map(|dy| self.learning_rate * dy));
        if aim.len().min(dx.len()) <= self.dense_up_to {
            let j = at.jacobian()?;
            pseudo_inverse_power(j, aim, 1.0, self.truncation, Engine::Dense, dx)?;
        } else {
            let options = LsmrOptions {
                damping: 0.0,
                tolerance: self.truncation,
                max_iterations: self.krylov_steps,
            };
            lsmr(at, aim, &options, dx)?;
        }
        Ok(None)
    }
}
