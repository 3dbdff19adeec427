//! The inverse Jacobian (IG).

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::least_squares::LeastSquares;
use super::whitened::Whitened;
use super::{DESCENT, Memory, Notice, Search, UpdateRule};
use crate::error::Result;
use crate::options::{Checked, Validate, at_least_below, built, positive, require};
use crate::problem::Evaluation;

/// Inverse gradient (IG): Δx = J⁺ η Δy, with Δy the Newton step of the loss in y.
///
/// J may be singular or rectangular: of all least-squares solutions the shortest is taken, and
/// singular values below `truncation` of the largest are dropped. Small problems are solved
/// by a truncated SVD, large ones by LSMR with jvp and vjp alone, where the truncation is its
/// stopping tolerance.
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::InverseJacobian;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let solver = Solver::new(InverseJacobian::default(), StopWhen::after(1));
/// let x = solver.solve(&problem, &[0.0, 0.0])?.x;
/// // P is linear: one step.
/// assert!((x[0] - 1.0).abs() < 1e-12 && (x[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), retrodict::Error>(())
/// ```
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
/// # With priors and within bounds
/// With priors the target can't be reached, and the losses' weights count, as in Gauss–Newton. Unknowns
/// that run into a bound stop there and the others are sought again; where bounds bend the way,
/// the step is halved until the loss falls.
///
/// # When to choose it
/// When P brings no inverse. It is the inverse simulator to first order in Δy, and agrees
/// with Gauss–Newton for a squared loss.
///
/// # Source
/// Thuerey et al., *Physics-based Deep Learning*, "Inverse gradients"; LSMR: Fong & Saunders
/// (2011).
#[derive(Debug, Clone)]
pub struct InverseJacobian {
    options: Checked<InverseJacobianOptions>,
    memory: Memory<Vec<f64>>,
}

/// The options of [`InverseJacobian`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct InverseJacobianOptions {
    /// The step η > 0 in y.
    pub learning_rate: f64,
    /// Singular values below this, relative to the largest, are dropped; in [0, 1). Where J's
    /// columns differ in length by more than 1e6, and less so in units of x itself, these are used.
    /// Where J is found by differences and there are no fewer data than unknowns, those that may be its error are dropped too.
    pub truncation: f64,
    /// min(m, n) up to which J is formed.
    pub dense_up_to: usize,
    /// Iterations of LSMR where it is not.
    pub krylov_steps: usize,
}

built!(InverseJacobianOptions => InverseJacobian { memory });

impl Default for InverseJacobianOptions {
    fn default() -> Self {
        Self {
            learning_rate: 1.0,
            truncation: 1e-12,
            dense_up_to: 400,
            krylov_steps: 100,
        }
    }
}

impl Validate for InverseJacobianOptions {
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
    fn name(&self) -> &'static str {
        "inverse-jacobian"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let aim = &mut self.memory.0;
        aim.clear();
        let step = at.output_step()?.iter();
        aim.extend(step.map(|dy| self.options.learning_rate * dy));
        let solver = LeastSquares {
            truncation: self.options.truncation,
            krylov_steps: self.options.krylov_steps,
        };
        let dense = aim.len().min(dx.len()) <= self.options.dense_up_to;
        if !at.problem().priors().is_empty() {
            // Data and priors disagree, and their weights say how much of each is given up.
            let map = Whitened::new(at)?;
            let step = map.target_step()?;
            aim.iter_mut()
                .zip(step)
                .for_each(|(a, w)| *a = self.options.learning_rate * w);
            if dense {
                solver.dense(at, &map.jacobian()?, aim, dx)?;
            } else {
                solver.matrix_free(at, &map, aim, dx)?;
            }
        } else if dense {
            solver.dense(at, at.jacobian()?, aim, dx)?;
        } else {
            solver.matrix_free(at, at, aim, dx)?;
        }
        Ok(None)
    }

    fn search_within(&self) -> Search {
        DESCENT
    }
}
