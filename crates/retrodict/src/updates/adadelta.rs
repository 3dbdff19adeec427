//! Adadelta.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Memory, Notice, UpdateRule};
use crate::error::Result;
use crate::options::{Checked, Validate, at_least_below, built, positive};
use crate::problem::Evaluation;

/// Adadelta: Δx = −η √(u + ε) / √(v + ε) g, with running means v of g² and u of (Δx/η)².
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::Adadelta;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let solver = Solver::new(Adadelta::default(), StopWhen::after(1));
/// let x = solver.solve(&problem, &[0.0, 0.0])?.x;
/// // The first step is √ε/√(1 − ρ), far above √ε in the gradient.
/// assert!((x[1] - (1e-6_f64 / 0.1).sqrt()).abs() < 1e-6);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// √u is in \[x\] and √v in the gradient's unit, so that Δx would be in \[x\] without any η. But u
/// starts at 0, and all that it ever holds grew from ε: Δx is in units of √ε, which is in \[x\]
/// in the numerator and in \[L\]/\[x\] in the denominator. So it is ε that sets the length, for
/// all unknowns alike.
///
/// # Scaling
/// P → αP and y* → αy* leave Δx unchanged (while the gradient is far above √ε).
///
/// # Near the optimum
/// Once the gradient is far below √ε, Δx is −ηg: gradient descent, which fades linearly if η
/// times the curvature is less than 2 in the units in use, and oscillates otherwise.
///
/// # Needs
/// One vjp a step.
///
/// # When to choose it
/// For training where no learning rate is to be tuned and time is not short: the first steps are
/// of length √ε/√(1−ρ), and it takes many to grow out of that.
///
/// # Source
/// Zeiler, *ADADELTA: an adaptive learning rate method* (2012, arXiv:1212.5701), algorithm 1, where
/// η is 1.
#[derive(Debug, Clone)]
pub struct Adadelta {
    options: Checked<AdadeltaOptions>,
    memory: Memory<MeanSquares>,
}

/// The options of [`Adadelta`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct AdadeltaOptions {
    /// The factor η > 0; 1 in the source.
    pub learning_rate: f64,
    /// The decay ρ of both means, in [0, 1).
    pub decay: f64,
    /// ε > 0, in \[x\]² where it is added to u, and in (\[L\]/\[x\])² where it is added to v.
    pub epsilon: f64,
}

built!(AdadeltaOptions => Adadelta { memory });

/// The running means of the squares of the gradient and of the step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct MeanSquares {
    gradient: Vec<f64>,
    step: Vec<f64>,
}

impl Default for AdadeltaOptions {
    fn default() -> Self {
        Self {
            learning_rate: 1.0,
            decay: 0.9,
            epsilon: 1e-6,
        }
    }
}

impl Validate for AdadeltaOptions {
    fn validate(&self) -> Result<()> {
        positive("learning_rate", self.learning_rate)?;
        at_least_below("decay", self.decay, 0.0, 1.0)?;
        positive("epsilon", self.epsilon)
    }
}

impl UpdateRule for Adadelta {
    fn name(&self) -> &'static str {
        "adadelta"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let gradients = at.gradient()?;
        let MeanSquares { gradient, step } = &mut self.memory.0;
        gradient.resize(dx.len(), 0.0);
        step.resize(dx.len(), 0.0);
        let means = gradient.iter_mut().zip(step);
        for ((dx, g), (v, u)) in dx.iter_mut().zip(gradients).zip(means) {
            *v += (1.0 - self.options.decay) * (g * g - *v);
            let plain = ((*u + self.options.epsilon) / (*v + self.options.epsilon)).sqrt() * g;
            *u += (1.0 - self.options.decay) * (plain * plain - *u);
            *dx = -self.options.learning_rate * plain;
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
