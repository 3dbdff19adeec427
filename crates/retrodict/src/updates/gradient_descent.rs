//! Gradient descent, with momentum.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Memory, Notice, UpdateRule};
use crate::error::Result;
use crate::options::{Build, Checked, Validate, at_least_below, built, positive};
use crate::problem::Evaluation;

/// Gradient descent, optionally with momentum: Δx = −η ∂L/∂x + μ Δx₋₁.
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::GradientDescent;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let solver = Solver::new(GradientDescent::new(1e-4)?, StopWhen::after(1));
/// let x = solver.solve(&problem, &[0.0, 0.0])?.x;
/// // The step is 1e4 times longer where P is 100 times more sensitive.
/// assert!((x[0] - 1e-4).abs() < 1e-12 && (x[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// The gradient is in \[L\]/\[x\], so η carries \[x\]²/\[L\]: a learning rate that works in one
/// system of units fails in another.
///
/// # Scaling
/// P → αP and y* → αy* multiply Δx by α²: large where P is sensitive and a small step is
/// needed, small where P is insensitive and a large one is.
///
/// # Near the optimum
/// Δx fades with the gradient; convergence is linear with the rate 1 − 1/cond(H).
///
/// # Needs
/// One vjp a step.
///
/// # When to choose it
/// As a baseline, or where nothing but a noisy gradient is to be had.
///
/// # Source
/// Cauchy (1847); momentum: Polyak (1964); here in the form of Thuerey et al.,
/// *Physics-based Deep Learning*, chapter on gradient inversion.
#[derive(Debug, Clone)]
pub struct GradientDescent {
    options: Checked<GradientDescentOptions>,
    memory: Memory<Vec<f64>>,
}

/// The options of [`GradientDescent`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct GradientDescentOptions {
    /// The step η > 0, in \[x\]²/\[L\].
    pub learning_rate: f64,
    /// The momentum μ in [0, 1).
    pub momentum: f64,
}

built!(GradientDescentOptions => GradientDescent { memory });

impl Default for GradientDescentOptions {
    fn default() -> Self {
        Self {
            learning_rate: 0.01,
            momentum: 0.0,
        }
    }
}

impl GradientDescent {
    /// Gradient descent with the step η and no momentum.
    ///
    /// # Errors
    /// If η is not greater than 0.
    pub fn new(learning_rate: f64) -> Result<Self> {
        GradientDescentOptions::default()
            .with_learning_rate(learning_rate)
            .build()
    }
}

impl Validate for GradientDescentOptions {
    fn validate(&self) -> Result<()> {
        positive("learning_rate", self.learning_rate)?;
        at_least_below("momentum", self.momentum, 0.0, 1.0)
    }
}

impl UpdateRule for GradientDescent {
    fn name(&self) -> &'static str {
        "gradient-descent"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let gradient = at.gradient()?;
        let velocity = &mut self.memory.0;
        velocity.resize(dx.len(), 0.0);
        for ((dx, v), g) in dx.iter_mut().zip(velocity).zip(gradient) {
            *v = self.options.momentum * *v - self.options.learning_rate * g;
            *dx = *v;
        }
        Ok(None)
    }

    fn remember(&self) -> Vec<u8> {
        self.memory.to_bytes()
    }

    fn recall(&mut self, bytes: &[u8]) -> Result<()> {
        self.memory.take_from(bytes)
    }
}
