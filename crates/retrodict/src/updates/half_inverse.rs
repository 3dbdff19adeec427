//! Half-inverse gradients (HIG).

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DESCENT, Notice, Search, UpdateRule};
use crate::error::Result;
use crate::linalg::{Engine, pseudo_inverse_power};
use crate::options::{Checked, Validate, at_least_below, built, positive, require};
use crate::problem::Evaluation;

/// Half-inverse gradients (HIG): Δx = −η V S^(−κ) Uᵀ ∂L/∂y, for J = U S Vᵀ.
///
/// κ = ½ lies halfway between gradient descent (κ = −1, whose step carries one S too many)
/// and the inverse (κ = 1, which amplifies small singular values).
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::HalfInverseOptions;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let rule = HalfInverseOptions::default().with_learning_rate(0.1).build()?;
/// let solver = Solver::new(rule, StopWhen::after(1));
/// let x = solver.solve(&problem, &[0.0, 0.0])?.x;
/// // S^(−½) of ∂L/∂y = (−1, −100) with S = (1, 100): a gradient would step 1e4 times further in x₁ than in x₀.
/// assert!((x[0] - 0.1).abs() < 1e-12 && (x[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// For κ = 1 and a loss in \[y\]² the step is in \[x\]; for other κ the unit of η makes up.
///
/// # Scaling
/// P → αP and y* → αy* multiply Δx by α^(1−κ).
///
/// # Near the optimum
/// Converges linearly for η S^(1−κ) < 2; flat directions converge faster than with a gradient.
///
/// # Needs
/// J· and Jᵀ·, or the Gram matrix J Jᵀ.
///
/// # When to choose it
/// To train a network through physics, over a whole mini-batch. For one direct inversion
/// the inverse Jacobian is better.
///
/// # Source
/// Schnell, Holl & Thuerey, *Half-Inverse Gradients for Physical Deep Learning* (ICLR 2022),
/// equation 5.
#[derive(Debug, Clone)]
pub struct HalfInverse {
    options: Checked<HalfInverseOptions>,
}

/// The options of [`HalfInverse`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct HalfInverseOptions {
    /// The step η > 0.
    pub learning_rate: f64,
    /// The exponent κ in [−1, 1].
    pub kappa: f64,
    /// Singular values below this, relative to the largest, are dropped; in [0, 1).
    pub truncation: f64,
    /// How the power is computed.
    pub engine: Engine,
}

built!(HalfInverseOptions => HalfInverse {});

impl Default for HalfInverseOptions {
    fn default() -> Self {
        Self {
            learning_rate: 1.0,
            kappa: 0.5,
            truncation: 1e-5,
            engine: Engine::Auto,
        }
    }
}

impl Validate for HalfInverseOptions {
    fn validate(&self) -> Result<()> {
        positive("learning_rate", self.learning_rate)?;
        require(
            (-1.0..=1.0).contains(&self.kappa),
            "kappa",
            self.kappa,
            "it must lie in [-1, 1]; -1 is gradient descent, 0.5 half-inverse, 1 the inverse",
        )?;
        at_least_below("truncation", self.truncation, 0.0, 1.0)?;
        if let Engine::Krylov { steps, tolerance } = self.engine {
            require(
                steps > 0,
                "engine.krylov.steps",
                steps,
                "it must be at least 1; 10 to 50 is usual, 300 with a tolerance",
            )?;
            at_least_below("engine.krylov.tolerance", tolerance, 0.0, 1.0)?;
        }
        Ok(())
    }
}

impl UpdateRule for HalfInverse {
    fn name(&self) -> &'static str {
        "half-inverse"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let g = at.output_gradient()?;
        pseudo_inverse_power(
            at,
            g,
            self.options.kappa,
            self.options.truncation,
            self.options.engine,
            dx,
        )?;
        dx.iter_mut()
            .for_each(|d| *d *= -self.options.learning_rate);
        Ok(None)
    }
    fn engine(&self, m: usize, n: usize) -> Option<Engine> {
        Some(self.options.engine.resolve(m, n, self.options.truncation))
    }

    fn search_within(&self) -> Search {
        DESCENT
    }
}
