//! What a rule can evaluate of a problem at a point: computed once, cached and counted.

use std::cell::OnceCell;

use super::computed::Computed;
use super::{Counts, Problem, Tally};
use crate::error::{Error, Result, expect_finite, expect_length};
use crate::interrupt;
use crate::linalg::LinearMap;
use crate::linalg::Matrix;

mod arc;
mod constrained;
mod derivatives;
mod inverse;
mod once;
mod second_order;
mod silence;

pub(crate) use constrained::flatten;
use once::once;
pub(crate) use silence::silence;

/// A problem at one x: what a rule pulls is computed once, kept and counted.
///
/// Where bounds hold unknowns, a rule sees the problem without these: their derivatives are 0.
///
/// # Shapes
/// Slices in x-space have `inputs()` values, slices in y-space `outputs()`.
pub struct Evaluation<'p> {
    problem: &'p Problem,
    tally: &'p Tally,
    x: Vec<f64>,
    y: OnceCell<Vec<f64>>,
    /// Why there is no y: a simulation that failed here is not repeated.
    failure: OnceCell<Error>,
    loss: OnceCell<f64>,
    output_gradient: OnceCell<Vec<f64>>,
    output_step: OnceCell<Vec<f64>>,
    whole_gradient: OnceCell<Vec<f64>>,
    held: OnceCell<Option<Vec<bool>>>,
    gradient: OnceCell<Vec<f64>>,
    jacobian: OnceCell<Matrix>,
    linearization: OnceCell<Box<dyn LinearMap + 'p>>,
    clip: Option<f64>,
}

impl<'p> Evaluation<'p> {
    /// The problem at x; nothing is computed yet.
    ///
    /// # Errors
    /// If x has the wrong length or a value that is not finite.
    pub fn new(problem: &'p Problem, tally: &'p Tally, x: &[f64]) -> Result<Self> {
        expect_length("x", x.len(), problem.inputs())?;
        expect_finite("x", x)?;
        Ok(Self::blank(problem, tally, x.to_vec()))
    }

    fn blank(problem: &'p Problem, tally: &'p Tally, x: Vec<f64>) -> Self {
        Self {
            problem,
            tally,
            x,
            y: OnceCell::new(),
            failure: OnceCell::new(),
            loss: OnceCell::new(),
            output_gradient: OnceCell::new(),
            output_step: OnceCell::new(),
            whole_gradient: OnceCell::new(),
            held: OnceCell::new(),
            gradient: OnceCell::new(),
            jacobian: OnceCell::new(),
            linearization: OnceCell::new(),
            clip: None,
        }
    }

    /// The same problem at x + scale · dx, or the point nearest to it within bounds, with the same tally.
    pub fn moved(&self, dx: &[f64], scale: f64) -> Self {
        let steps = self.x.iter().zip(dx);
        let x = match &self.problem.walls {
            None => steps.map(|(x, d)| x + scale * d).collect(),
            Some(walls) => steps
                .enumerate()
                .map(|(i, (x, d))| walls.land(i, *x, scale * d))
                .collect(),
        };
        Self::blank(self.problem, self.tally, x)
    }

    /// The same problem at another x, with the same tally.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn elsewhere(&self, x: &[f64]) -> Result<Self> {
        Self::new(self.problem, self.tally, x)
    }

    /// Shortens ∂L/∂x to this length wherever it is longer.
    pub fn with_clip(mut self, clip: Option<f64>) -> Self {
        self.clip = clip;
        self
    }

    /// The problem.
    pub fn problem(&self) -> &'p Problem {
        self.problem
    }

    /// The counts so far, over all evaluations that share the tally.
    pub fn counts(&self) -> Counts {
        self.tally.counts()
    }

    /// The point x.
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// y = P(x).
    pub fn y(&self) -> Result<&[f64]> {
        if let Some(failure) = self.failure.get() {
            return Err(failure.clone());
        }
        let found = once(&self.y, || self.simulated());
        if let Err(error) = &found
            && !error.is_interruption()
        {
            // Set once: it was empty above.
            let _ = self.failure.set(error.clone());
        }
        found.map(Vec::as_slice)
    }

    fn simulated(&self) -> Result<Vec<f64>> {
        let mut y = vec![0.0; self.problem.outputs()];
        interrupt::check()?;
        self.tally.add(|c| c.forward += 1);
        let simulator = self.problem.simulator();
        if self.problem.description().keeps_trajectory {
            let map = simulator.linearize(&self.x, &mut y)?;
            // Set once: `y` is computed once, and nothing else writes the cell.
            let _ = self.linearization.set(map);
        } else {
            simulator.forward(&self.x, &mut y)?;
        }
        Ok(y)
    }

    /// y at a point at which no derivative will be needed: nothing is stored for one.
    pub(crate) fn outputs_alone(&self) -> Result<Vec<f64>> {
        let mut y = vec![0.0; self.problem.outputs()];
        interrupt::check()?;
        self.tally.add(|c| c.forward += 1);
        self.problem.simulator().forward(&self.x, &mut y)?;
        Ok(y)
    }

    /// L(y, y*); NaN or infinite where y is.
    pub fn loss(&self) -> Result<f64> {
        once(&self.loss, || {
            Ok(self.problem.loss().value(self.y()?, self.problem.target()))
        })
        .copied()
    }

    /// How finely L is known here: smaller differences are round-off of its sum and of y, or the noise of y where
    /// answers were seen to be rounded or to scatter.
    pub fn loss_round_off(&self) -> Result<f64> {
        let (y, g) = (self.y()?, self.output_gradient()?);
        let of_outputs = products(y, g);
        let round_off = 8.0 * f64::EPSILON * (8.0 * self.loss()?.abs() + of_outputs);
        Ok(match self.noise() {
            Some(noise) => round_off.max(NOISY * products(&noise, g)),
            None => round_off,
        })
    }

    /// The noise of y here, where there is more than round-off; see [`LinearMap::noise`].
    pub(crate) fn noise(&self) -> Option<Vec<f64>> {
        self.linearization.get()?.noise()
    }

    /// Looks whether y scatters around here, where that is not known yet; six evaluations or so, for simulators of the
    /// user's own.
    pub(crate) fn look_for_noise(&self) -> Result<()> {
        if let Some(map) = self.linearization()? {
            interrupt::check()?;
            let asked = map.look_for_noise()?;
            self.tally.add(|c| c.forward += asked);
        }
        Ok(())
    }

    /// g = ∂L/∂y.
    pub fn output_gradient(&self) -> Result<&[f64]> {
        once(&self.output_gradient, || {
            let mut g = vec![0.0; self.problem.outputs()];
            let (y, target) = (self.y()?, self.problem.target());
            self.problem.loss().gradient(y, target, &mut g);
            Ok(g)
        })
        .map(Vec::as_slice)
    }

    /// Δy: the Newton step of the loss in y-space.
    pub fn output_step(&self) -> Result<&[f64]> {
        once(&self.output_step, || {
            let mut dy = vec![0.0; self.problem.outputs()];
            let (y, target) = (self.y()?, self.problem.target());
            self.problem.loss().newton_step(y, target, &mut dy)?;
            Ok(dy)
        })
        .map(Vec::as_slice)
    }

    /// Whether y was computed here.
    pub(crate) fn knows_y(&self) -> bool {
        self.y.get().is_some()
    }

    /// Whether J was computed here.
    pub(crate) fn knows_jacobian(&self) -> bool {
        self.jacobian.get().is_some()
    }

    /// What was asked for here beside y.
    pub(crate) fn known(&self) -> Computed {
        Computed {
            gradient: self.whole_gradient.get().is_some(),
            jacobian: self.jacobian.get().is_some(),
        }
    }

    /// Asks for that again.
    pub(crate) fn ask_again(&self, known: Computed) -> Result<()> {
        if known.gradient {
            self.whole_gradient()?;
        }
        if known.jacobian {
            self.jacobian()?;
        }
        Ok(())
    }

    /// The length of each column of J, where J is known already and has few of them.
    pub(crate) fn known_effects(&self) -> Option<Vec<f64>> {
        let jacobian = self.jacobian.get().filter(|j| j.cols() <= 32)?;
        let mut squares = vec![0.0; jacobian.cols()];
        for i in 0..jacobian.rows() {
            let row = jacobian.row(i).iter();
            squares.iter_mut().zip(row).for_each(|(s, v)| *s += v * v);
        }
        Some(squares.into_iter().map(f64::sqrt).collect())
    }
}

/// Two losses that differ by less than so many standard deviations of one are not told apart: 3 of their difference.
const NOISY: f64 = 4.25;

/// The root of the sum of the squares of products.
fn products(a: &[f64], b: &[f64]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a * b) * (a * b));
    squares.sum::<f64>().sqrt()
}
