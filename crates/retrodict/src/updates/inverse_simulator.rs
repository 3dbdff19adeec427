//! The inverse simulator (PG).

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::proximal;
use super::{Memory, Notice, Search, UpdateRule};
use crate::compose::bounds::refuse;
use crate::error::{Error, Result};
use crate::linalg::{Engine, dot, norm, pseudo_inverse_power};
use crate::options::{Build, Checked, Validate, built, positive};
use crate::problem::Evaluation;

/// Inverse simulator (PG): Δx = P⁻¹(y₀ + η Δy; x₀) − x₀, with Δy the Newton step of the loss in y.
///
/// The step is taken in y, where the loss is simple, and the simulator is inverted exactly.
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::InverseSimulator;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let solver = Solver::new(InverseSimulator::new(0.5)?, StopWhen::after(1));
/// let x = solver.solve(&problem, &[0.0, 0.0])?.x;
/// // Half of the way in y is half of the way in x, for each unknown.
/// assert!((x[0] - 0.5).abs() < 1e-12 && (x[1] - 0.5).abs() < 1e-12);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// Δy is in \[y\], P⁻¹ maps it to \[x\]; η has no unit.
///
/// # Scaling
/// Invariant to every change of units, linear or not, of x, y and L: higher-order terms of P
/// are undone too.
///
/// # Near the optimum
/// y converges to y* by the factor 1 − η a step, at once for η = 1, however nonlinear P is.
///
/// # Needs
/// A local inverse; no derivative while it works. [`WithInverse`](crate::inverse::WithInverse)
/// makes one for any simulator.
///
/// # With priors and within bounds
/// With priors, the step d of Gauss–Newton says where data and priors together want y and x to go, and
/// the inverse goes there: Δx = P⁻¹(y + J d; x + d) − x. So it needs J too, and is one step for a
/// linear P. It cannot keep bounds: the inverse moves all unknowns at once.
///
/// # Where the inverse fails
/// Where it came a part of the way and the loss is lower there, the rule goes so far. Where not, it
/// takes the step of the inverse Jacobian, searched along for a lower loss; where that leads
/// uphill, a step against the gradient. Each time a notice says so, and the solution counts them.
///
/// # When to choose it
/// Whenever P brings a local inverse. For an ill-posed P the inverse regularises; see
/// [`Heat`](crate::simulators).
///
/// # Source
/// Holl, Koltun & Thuerey, *Scale-invariant Learning by Physics Inversion* (NeurIPS 2022),
/// equation 6; *Physics-based Deep Learning*, "Inverse simulator".
#[derive(Debug, Clone)]
pub struct InverseSimulator {
    options: Checked<InverseSimulatorOptions>,
    memory: Memory<StepState>,
}

/// The options of [`InverseSimulator`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct InverseSimulatorOptions {
    /// The step η > 0 in y; 1 aims at the loss's own target.
    pub learning_rate: f64,
}

built!(InverseSimulatorOptions => InverseSimulator { memory });

/// What the rule keeps from step to step.
#[derive(Debug, Clone, Default, PartialEq)]
struct StepState {
    dy: Vec<f64>,
    /// Whether the last Δx is a direction to search along, not a step of the inverse.
    fell_back: bool,
    /// Why the inverse did not lead to y, if it did not.
    cause: Option<Error>,
}

impl Default for InverseSimulatorOptions {
    fn default() -> Self {
        Self { learning_rate: 1.0 }
    }
}

impl InverseSimulator {
    /// The rule with the step η in y.
    ///
    /// # Errors
    /// If η is not greater than 0.
    pub fn new(learning_rate: f64) -> Result<Self> {
        InverseSimulatorOptions::default()
            .with_learning_rate(learning_rate)
            .build()
    }
}

impl Validate for InverseSimulatorOptions {
    fn validate(&self) -> Result<()> {
        positive("learning_rate", self.learning_rate)
    }
}

impl UpdateRule for InverseSimulator {
    fn name(&self) -> &'static str {
        "inverse-simulator"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        if at.problem().bounds().is_some() {
            return Err(refuse("inverse-simulator"));
        }
        if !at.problem().priors().is_empty() {
            return self.with_priors(at, dx);
        }
        let StepState {
            dy,
            fell_back,
            cause,
        } = &mut self.memory.0;
        dy.clear();
        dy.extend(
            at.output_step()?
                .iter()
                .map(|dy| self.options.learning_rate * dy),
        );
        *fell_back = false;
        *cause = at.inverse_step(dy, dx).err();
        let Some(error) = cause else {
            return Ok(None);
        };
        if let Error::InverseStopped { x, .. } = error {
            copy_difference(x, at.x(), dx);
            if goes_down(at, dx)? {
                return Ok(Some(PART_OF_THE_WAY));
            }
        }
        let [to_jacobian, to_gradient] = match error {
            Error::InverseStopped { .. } => STOPPED,
            Error::OutsideRange { .. } => OUT_OF_RANGE,
            Error::Simulation { .. } | Error::LinearAlgebra { .. } => BROKEN,
            misuse => return Err(misuse.clone()),
        };
        *fell_back = true;
        if pseudo_inverse_power(at, dy, 1.0, TRUNCATION, Engine::Auto, dx).is_ok()
            && dot(at.gradient()?, dx) < 0.0
        {
            return Ok(Some(to_jacobian));
        }
        against_gradient(at, dy, dx)?;
        Ok(Some(to_gradient))
    }

    fn cause(&self) -> Option<&Error> {
        self.memory.0.cause.as_ref()
    }

    fn search(&self) -> Search {
        if self.memory.0.fell_back {
            Search::Backtracking { decrease: 1e-4 }
        } else {
            Search::Full
        }
    }
}

impl InverseSimulator {
    /// The way to the minimum of data and priors together; searched along where the inverse could
    /// not follow.
    fn with_priors(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let notice = proximal::step(at, self.options.learning_rate, dx)?;
        self.memory.0.fell_back = notice.is_some();
        Ok(notice)
    }
}

/// Singular values below this, relative to the largest, are dropped in a fallback: near a fold
/// they would lead far away.
const TRUNCATION: f64 = 1e-8;

const PART_OF_THE_WAY: Notice =
    Notice("the local inverse stopped before reaching y; took the partial step");
const STOPPED: [Notice; 2] = [
    Notice(
        "the local inverse could not move from x, as at a fold; used an inverse-Jacobian step instead",
    ),
    Notice("the local inverse could not move from x, as at a fold; used a gradient step instead"),
];
const OUT_OF_RANGE: [Notice; 2] = [
    Notice("y is out of the range of the local inverse; used an inverse-Jacobian step instead"),
    Notice("y is out of the range of the local inverse; used a gradient step instead"),
];
const BROKEN: [Notice; 2] = [
    Notice("the local inverse failed; used an inverse-Jacobian step instead"),
    Notice("the local inverse failed; used a gradient step instead"),
];

fn copy_difference(to: &[f64], from: &[f64], dx: &mut [f64]) {
    for (dx, (to, from)) in dx.iter_mut().zip(to.iter().zip(from)) {
        *dx = to - from;
    }
}

/// Whether Δx moves x visibly and lowers the loss; a simulation that fails there does not.
fn goes_down(at: &Evaluation<'_>, dx: &[f64]) -> Result<bool> {
    let loss = at.loss()?;
    let there = at.moved(dx, 1.0).loss();
    Ok(norm(dx) > 1e-12 * norm(at.x()) && there.is_ok_and(|there| there < loss))
}

/// The multiple of −∂L/∂x that comes nearest to Δy in y, to first order.
fn against_gradient(at: &Evaluation<'_>, dy: &[f64], dx: &mut [f64]) -> Result<()> {
    let gradient = at.gradient()?;
    let mut seen = vec![0.0; dy.len()];
    at.jvp(gradient, &mut seen)?;
    let length = dot(&seen, dy).abs() / dot(&seen, &seen);
    // Where the gradient vanishes, so does the step, and the solver ends there.
    let length = if length.is_finite() { length } else { 0.0 };
    for (dx, g) in dx.iter_mut().zip(gradient) {
        *dx = -length * g;
    }
    Ok(())
}
