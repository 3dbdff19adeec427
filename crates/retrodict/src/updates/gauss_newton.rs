//! Gauss–Newton.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::least_squares::LeastSquares;
use super::whitened::Whitened;
use super::{DESCENT, Notice, Search, UpdateRule};
use crate::error::Result;
use crate::options::{Checked, Validate, at_least_below, built, positive, require};
use crate::problem::Evaluation;

/// Gauss–Newton: Δx = argmin ‖W (J Δx − η Δy)‖, with WᵀW the curvature of the loss in y.
///
/// It differs from the inverse Jacobian where the target cannot be reached: there the loss's
/// own weights decide what is given up.
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::GaussNewton;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let solver = Solver::new(GaussNewton::default(), StopWhen::after(1));
/// let x = solver.solve(&problem, &[0.0, 0.0])?.x;
/// // P is linear: one step.
/// assert!((x[0] - 1.0).abs() < 1e-12 && (x[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// η has no unit.
///
/// # Scaling
/// Invariant to P → αP, y* → αy*, to L → βL, and for regular J to any linear change of x.
///
/// # Near the optimum
/// Quadratic where the target is reached; linear with a rate in proportion to the residual
/// otherwise. Far away it may diverge: see
/// [`LevenbergMarquardt`](super::LevenbergMarquardt).
///
/// # Needs
/// min(m, n) products with J or Jᵀ (small), or one pair of them for each iteration of LSMR.
///
/// # Within bounds
/// Unknowns that run into a bound stop there and the others are sought again; where bounds bend the
/// way, the step is halved until the loss falls. With linear constraints (for up to 500 unknowns) the step is the best one
/// within them and the bounds, and is halved in the same way.
///
/// # When to choose it
/// For a nearly linear P, or a start near the solution.
///
/// # Source
/// Gauss (1809); Nocedal & Wright, *Numerical Optimization*, 10.3.
#[derive(Debug, Clone)]
pub struct GaussNewton {
    options: Checked<GaussNewtonOptions>,
}

/// The options of [`GaussNewton`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct GaussNewtonOptions {
    /// The step η > 0.
    pub learning_rate: f64,
    /// Singular values of W J below this, relative to the largest, are dropped; in [0, 1). Where
    /// its columns differ in length by more than 1e6, and less so in units of x itself, these are used.
    /// Where J is found by differences and there are no fewer data than unknowns, those that may be its error are dropped too.
    pub truncation: f64,
    /// min(m, n) up to which J is formed.
    pub dense_up_to: usize,
    /// Iterations of LSMR where it is not.
    pub krylov_steps: usize,
}

built!(GaussNewtonOptions => GaussNewton {});

impl Default for GaussNewtonOptions {
    fn default() -> Self {
        Self {
            learning_rate: 1.0,
            truncation: 1e-12,
            dense_up_to: 400,
            krylov_steps: 100,
        }
    }
}

impl Validate for GaussNewtonOptions {
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

impl UpdateRule for GaussNewton {
    fn name(&self) -> &'static str {
        "gauss-newton"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let map = Whitened::new(at)?;
        let mut aim = map.target_step()?;
        aim.iter_mut()
            .for_each(|a| *a *= self.options.learning_rate);
        let solver = LeastSquares {
            truncation: self.options.truncation,
            krylov_steps: self.options.krylov_steps,
        };
        let constrained = at.problem().constraints().is_some();
        if aim.len().min(dx.len()) <= self.options.dense_up_to || constrained {
            solver.dense(at, &map.jacobian()?, &aim, dx)?;
        } else {
            solver.matrix_free(at, &map, &aim, dx)?;
        }
        Ok(None)
    }

    fn keeps_constraints(&self) -> bool {
        true
    }

    fn search_within(&self) -> Search {
        DESCENT
    }
}
