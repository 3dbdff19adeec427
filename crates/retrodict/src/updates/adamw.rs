//! Adam with decoupled weight decay.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moments::{Decays, RunningMoments};
use super::{Memory, Notice, UpdateRule};
use crate::error::Result;
use crate::options::{Build, Checked, Validate, at_least_below, built, not_negative, positive};
use crate::problem::Evaluation;

/// Adam with decoupled weight decay: Δx = −η m̂ / (√v̂ + ε) − η λ x.
///
/// The decay does not pass through the running means, so it pulls every unknown towards 0 at the
/// same rate, whatever the size of its gradient. All unknowns decay, biases too.
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::AdamW;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let solver = Solver::new(AdamW::new(0.1, 0.5)?, StopWhen::after(1));
/// let x = solver.solve(&problem, &[2.0, 2.0])?.x;
/// // η for the gradient, and η λ x = 0.1 for the decay.
/// assert!((x[0] - 1.8).abs() < 1e-6 && (x[1] - 1.8).abs() < 1e-6);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// The gradient's unit cancels, so η is in \[x\]; ηλ has no unit, so λ is in 1/\[x\].
///
/// # Scaling
/// P → αP and y* → αy* leave Δx unchanged (while the gradient is far above ε). A change of the
/// units of x leaves the first term as it is and multiplies the second.
///
/// # Near the optimum
/// The step does not fade with the gradient: it oscillates with an amplitude of about η, around a
/// point at which the decay balances the gradient's step, nearer to 0 than the optimum.
///
/// # Needs
/// One vjp a step.
///
/// # When to choose it
/// For training, where large weights go with a bad loss on held-out data. To invert one
/// problem, a prior on x belongs in the loss instead.
///
/// # Source
/// Loshchilov & Hutter, *Decoupled weight decay regularization* (ICLR 2019), algorithm 2, whose λ
/// is ηλ here; as it stands here it is PyTorch's `AdamW`.
#[derive(Debug, Clone)]
pub struct AdamW {
    options: Checked<AdamWOptions>,
    memory: Memory<RunningMoments>,
}

/// The options of [`AdamW`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct AdamWOptions {
    /// The step η > 0, in \[x\].
    pub learning_rate: f64,
    /// The decay β₁ of the mean, in [0, 1).
    pub beta1: f64,
    /// The decay β₂ of the mean square, in [0, 1).
    pub beta2: f64,
    /// ε > 0, in \[L\]/\[x\]: keeps the quotient finite.
    pub epsilon: f64,
    /// λ ≥ 0, in 1/\[x\]: where the gradient is zero, a step multiplies x by 1 − ηλ.
    pub weight_decay: f64,
}

built!(AdamWOptions => AdamW { memory });

impl Default for AdamWOptions {
    fn default() -> Self {
        Self {
            learning_rate: 0.01,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
        }
    }
}

impl AdamW {
    /// AdamW with the step η, the weight decay λ and the usual decays of the means.
    ///
    /// # Errors
    /// If η is not greater than 0, or λ less than 0.
    pub fn new(learning_rate: f64, weight_decay: f64) -> Result<Self> {
        AdamWOptions::default()
            .with_learning_rate(learning_rate)
            .with_weight_decay(weight_decay)
            .build()
    }
}

impl Validate for AdamWOptions {
    fn validate(&self) -> Result<()> {
        positive("learning_rate", self.learning_rate)?;
        at_least_below("beta1", self.beta1, 0.0, 1.0)?;
        at_least_below("beta2", self.beta2, 0.0, 1.0)?;
        positive("epsilon", self.epsilon)?;
        not_negative("weight_decay", self.weight_decay)
    }
}

impl UpdateRule for AdamW {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let decays = Decays {
            learning_rate: self.options.learning_rate,
            beta1: self.options.beta1,
            beta2: self.options.beta2,
            epsilon: self.options.epsilon,
        };
        self.memory.0.step(at.gradient()?, &decays, dx);
        let decay = self.options.learning_rate * self.options.weight_decay;
        for (dx, x) in dx.iter_mut().zip(at.x()) {
            *dx -= decay * x;
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
