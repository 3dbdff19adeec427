//! RMSprop.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Memory, Notice, UpdateRule};
use crate::error::Result;
use crate::options::{Build, Checked, Validate, at_least_below, built, positive};
use crate::problem::Evaluation;

/// RMSprop, optionally with momentum: Δx = −η g / (√v + ε) + μ Δx₋₁, with a running mean v of g².
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::RmsProp;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let solver = Solver::new(RmsProp::new(0.1)?, StopWhen::after(1));
/// let x = solver.solve(&problem, &[0.0, 0.0])?.x;
/// // The first step is η/√(1 − ρ).
/// assert!((x[0] - 0.1 / 0.1_f64.sqrt()).abs() < 1e-6);
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
/// v forgets earlier gradients, so η/√v grows as they fade: the error may fall faster and faster,
/// but steps end up too long and leave the optimum again. It oscillates with an amplitude of about η,
/// unless η is lowered.
///
/// # Needs
/// One vjp a step.
///
/// # When to choose it
/// For noisy gradients whose size changes in the course of training. Its first steps are
/// longer than η by up to 1/√(1−ρ), since v starts at 0 and, unlike Adam's, is not corrected for it.
///
/// # Source
/// Hinton, Srivastava & Swersky, *Neural networks for machine learning* (2012), lecture 6e;
/// momentum as in [`GradientDescent`](super::GradientDescent).
#[derive(Debug, Clone)]
pub struct RmsProp {
    options: Checked<RmsPropOptions>,
    memory: Memory<MeanSquare>,
}

/// The options of [`RmsProp`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct RmsPropOptions {
    /// The step η > 0, in \[x\].
    pub learning_rate: f64,
    /// The decay ρ of the mean square, in [0, 1).
    pub decay: f64,
    /// The momentum μ in [0, 1).
    pub momentum: f64,
    /// ε > 0, in \[L\]/\[x\]: keeps the quotient finite.
    pub epsilon: f64,
}

built!(RmsPropOptions => RmsProp { memory });

/// The running mean of the gradient's square, and the last step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct MeanSquare {
    square: Vec<f64>,
    velocity: Vec<f64>,
}

impl Default for RmsPropOptions {
    fn default() -> Self {
        Self {
            learning_rate: 0.01,
            decay: 0.9,
            momentum: 0.0,
            epsilon: 1e-8,
        }
    }
}

impl RmsProp {
    /// RMSprop with the step η, the usual decay and no momentum.
    ///
    /// # Errors
    /// If η is not greater than 0.
    pub fn new(learning_rate: f64) -> Result<Self> {
        RmsPropOptions::default()
            .with_learning_rate(learning_rate)
            .build()
    }
}

impl Validate for RmsPropOptions {
    fn validate(&self) -> Result<()> {
        positive("learning_rate", self.learning_rate)?;
        at_least_below("decay", self.decay, 0.0, 1.0)?;
        at_least_below("momentum", self.momentum, 0.0, 1.0)?;
        positive("epsilon", self.epsilon)
    }
}

impl UpdateRule for RmsProp {
    fn name(&self) -> &'static str {
        "rmsprop"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let gradient = at.gradient()?;
        let MeanSquare { square, velocity } = &mut self.memory.0;
        square.resize(dx.len(), 0.0);
        velocity.resize(dx.len(), 0.0);
        let memory = square.iter_mut().zip(velocity);
        for ((dx, g), (v, u)) in dx.iter_mut().zip(gradient).zip(memory) {
            *v += (1.0 - self.options.decay) * (g * g - *v);
            *u = self.options.momentum * *u
                - self.options.learning_rate * g / (v.sqrt() + self.options.epsilon);
            *dx = *u;
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
