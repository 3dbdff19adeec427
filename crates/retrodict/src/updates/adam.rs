//! Adam.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moments::{Decays, RunningMoments};
use super::{Memory, Notice, UpdateRule};
use crate::error::Result;
use crate::options::{Build, Checked, Validate, at_least_below, built, positive};
use crate::problem::Evaluation;

/// Adam: Δx = −η m̂ / (√v̂ + ε), with running means m of the gradient and v of its square.
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::Adam;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let solver = Solver::new(Adam::new(0.1)?, StopWhen::after(1));
/// let x = solver.solve(&problem, &[0.0, 0.0])?.x;
/// // The first step is η for each unknown, whatever its gradient.
/// assert!((x[0] - 0.1).abs() < 1e-6 && (x[1] - 0.1).abs() < 1e-6);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// The gradient's unit cancels, so η is in \[x\], one number for all parameters whatever
/// their units: that is where a diagonal rescaling stops helping.
///
/// # Scaling
/// P → αP and y* → αy* leave Δx unchanged (while the gradient is far above ε).
///
/// # Near the optimum
/// The step does not fade with the gradient: it oscillates with an amplitude of about η, unless
/// η is lowered.
///
/// # Needs
/// One vjp a step.
///
/// # When to choose it
/// For noisy gradients, as in training; for one deterministic problem, hardly ever.
///
/// # Source
/// Kingma & Ba, *Adam: a method for stochastic optimization* (ICLR 2015), algorithm 1.
#[derive(Debug, Clone)]
pub struct Adam {
    options: Checked<AdamOptions>,
    memory: Memory<RunningMoments>,
}

/// The options of [`Adam`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct AdamOptions {
    /// The step η > 0, in \[x\].
    pub learning_rate: f64,
    /// The decay β₁ of the mean, in [0, 1).
    pub beta1: f64,
    /// The decay β₂ of the mean square, in [0, 1).
    pub beta2: f64,
    /// ε > 0, in \[L\]/\[x\]: keeps the quotient finite.
    pub epsilon: f64,
}

built!(AdamOptions => Adam { memory });

impl Default for AdamOptions {
    fn default() -> Self {
        Self {
            learning_rate: 0.01,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

impl Adam {
    /// Adam with the step η and the usual decays.
    ///
    /// # Errors
    /// If η is not greater than 0.
    pub fn new(learning_rate: f64) -> Result<Self> {
        AdamOptions::default()
            .with_learning_rate(learning_rate)
            .build()
    }
}

impl Validate for AdamOptions {
    fn validate(&self) -> Result<()> {
        positive("learning_rate", self.learning_rate)?;
        at_least_below("beta1", self.beta1, 0.0, 1.0)?;
        at_least_below("beta2", self.beta2, 0.0, 1.0)?;
        positive("epsilon", self.epsilon)
    }
}

impl UpdateRule for Adam {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let decays = Decays {
            learning_rate: self.options.learning_rate,
            beta1: self.options.beta1,
            beta2: self.options.beta2,
            epsilon: self.options.epsilon,
        };
        self.memory.0.step(at.gradient()?, &decays, dx);
        Ok(None)
    }

    fn remember(&self) -> Vec<u8> {
        self.memory.to_bytes()
    }

    fn recall(&mut self, bytes: &[u8]) -> Result<()> {
        self.memory.take_from(bytes)
    }
}
