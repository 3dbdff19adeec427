//! Adagrad.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Memory, Notice, UpdateRule};
use crate::error::Result;
use crate::options::{Build, Checked, Validate, built, positive};
use crate::problem::Evaluation;

/// Adagrad: Δx = −η g / (√Σg² + ε), with the sum over all steps so far.
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::Adagrad;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let solver = Solver::new(Adagrad::new(0.1)?, StopWhen::after(1));
/// let x = solver.solve(&problem, &[0.0, 0.0])?.x;
/// // The first step is η for each unknown.
/// assert!((x[0] - 0.1).abs() < 1e-6 && (x[1] - 0.1).abs() < 1e-6);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// The gradient's unit cancels, so η is in \[x\], one number for all unknowns whatever their
/// units.
///
/// # Scaling
/// P → αP and y* → αy* leave Δx unchanged (while the gradient is far above ε).
///
/// # Near the optimum
/// The sum stops growing, and Δx fades with the gradient: what is left is gradient descent with
/// the step η/√Σg² for each unknown, and convergence is linear. The sum never forgets, so
/// steep ground at the start slows every later step.
///
/// # Needs
/// One vjp a step.
///
/// # When to choose it
/// Where many unknowns seldom have a gradient: each keeps long steps until it has been
/// used. For long trainings rather RMSprop or Adam, which forget.
///
/// # Source
/// Duchi, Hazan & Singer, *Adaptive subgradient methods for online learning and stochastic
/// optimization* (JMLR 12, 2011), section 1.1, with the diagonal matrix.
#[derive(Debug, Clone)]
pub struct Adagrad {
    options: Checked<AdagradOptions>,
    memory: Memory<Vec<f64>>,
}

/// The options of [`Adagrad`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct AdagradOptions {
    /// The step η > 0, in \[x\]: the length of the first step of each unknown.
    pub learning_rate: f64,
    /// ε > 0, in \[L\]/\[x\]: keeps the quotient finite.
    pub epsilon: f64,
}

built!(AdagradOptions => Adagrad { memory });

impl Default for AdagradOptions {
    fn default() -> Self {
        Self {
            learning_rate: 0.01,
            epsilon: 1e-10,
        }
    }
}

impl Adagrad {
    /// Adagrad with the step η.
    ///
    /// # Errors
    /// If η is not greater than 0.
    pub fn new(learning_rate: f64) -> Result<Self> {
        AdagradOptions::default()
            .with_learning_rate(learning_rate)
            .build()
    }
}

impl Validate for AdagradOptions {
    fn validate(&self) -> Result<()> {
        positive("learning_rate", self.learning_rate)?;
        positive("epsilon", self.epsilon)
    }
}

impl UpdateRule for Adagrad {
    fn name(&self) -> &'static str {
        "adagrad"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let gradient = at.gradient()?;
        let squares = &mut self.memory.0;
        squares.resize(dx.len(), 0.0);
        for ((dx, s), g) in dx.iter_mut().zip(squares).zip(gradient) {
            *s += g * g;
            *dx = -self.options.learning_rate * g / (s.sqrt() + self.options.epsilon);
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
