//! A simulator of one unknown less: that one follows from the others and the value of a quantity.

use std::sync::Arc;

use super::seen::Coordinate;
use crate::compose::chained::ChainedMap;
use crate::core::description::Description;
use crate::core::simulator::Simulator;
use crate::core::space::Space;
use crate::error::{Error, Result};
use crate::linalg::{LinearMap, Matrix};

/// w ↦ P(z), with z the unknown k put in among w so that the quantity has its value.
pub(super) struct Reduced {
    pub(super) simulator: Arc<dyn Simulator>,
    pub(super) seen: Arc<Coordinate>,
    /// k.
    pub(super) eliminated: usize,
    /// The places of w in z.
    pub(super) left: Vec<usize>,
    /// The value of u.
    pub(super) level: f64,
    /// Where the best fit is likely to be: the unknown k is sought from there.
    pub(super) guess: Vec<f64>,
    /// The unknowns that stay where they are.
    pub(super) rest: Vec<f64>,
    pub(super) input: Space,
}

/// Newton's steps for the unknown that is eliminated.
const STEPS: usize = 60;

/// A step that is no longer than this, relative to the unknown, is the last.
const EXACT: f64 = 4.0 * f64::EPSILON;

impl Reduced {
    /// w at the guess.
    pub(super) fn start(&self) -> Vec<f64> {
        self.left.iter().map(|i| self.guess[*i]).collect()
    }

    /// z of w.
    pub(super) fn whole(&self, w: &[f64]) -> Result<Vec<f64>> {
        let mut z = self.rest.clone();
        for (place, w) in self.left.iter().zip(w) {
            z[*place] = *w;
        }
        if self.seen.unknown() == Some(self.eliminated) {
            z[self.eliminated] = self.level;
            return Ok(z);
        }
        z[self.eliminated] = self.guess[self.eliminated];
        let mut misfit = self.seen.coordinate(&z)? - self.level;
        for _ in 0..STEPS {
            let slope = self.seen.gradient(&z)?[self.eliminated];
            let step = -misfit / slope;
            if !step.is_finite() {
                break;
            }
            let before = z[self.eliminated];
            // A step that leads away is shortened.
            let mut share = 1.0;
            let moved = loop {
                z[self.eliminated] = before + share * step;
                let there = self.seen.coordinate(&z)? - self.level;
                if there.abs() < misfit.abs() {
                    break Some(there);
                }
                share *= 0.5;
                if share < 1e-9 {
                    break None;
                }
            };
            let Some(there) = moved else {
                // To round-off no better is to be had.
                z[self.eliminated] = before;
                break;
            };
            misfit = there;
            if (share * step).abs() <= EXACT * z[self.eliminated].abs() || misfit == 0.0 {
                break;
            }
        }
        match misfit.abs() <= 1e-9 * self.level.abs().max(f64::MIN_POSITIVE) {
            true => Ok(z),
            false => Err(Error::simulation(
                "the profile".to_owned(),
                format!(
                    "no value of the unknown {} gives {}",
                    self.eliminated, self.level
                ),
            )),
        }
    }

    /// ∂z/∂w: the unknowns that are left, and what the eliminated one does with them.
    fn slopes(&self, z: &[f64]) -> Result<Matrix> {
        let gradient = self.seen.gradient(z)?;
        let own = gradient[self.eliminated];
        let mut slopes = Matrix::zeros(z.len(), self.left.len());
        for (j, place) in self.left.iter().enumerate() {
            slopes[(*place, j)] = 1.0;
            slopes[(self.eliminated, j)] = -gradient[*place] / own;
        }
        Ok(slopes)
    }
}

impl Simulator for Reduced {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        self.simulator.output()
    }
    fn forward(&self, w: &[f64], y: &mut [f64]) -> Result<()> {
        self.simulator.forward(&self.whole(w)?, y)
    }
    fn jvp(&self, w: &[f64], dw: &[f64], dy: &mut [f64]) -> Result<()> {
        let z = self.whole(w)?;
        let mut dz = vec![0.0; z.len()];
        self.slopes(&z)?.apply(dw, &mut dz);
        self.simulator.jvp(&z, &dz, dy)
    }
    fn vjp(&self, w: &[f64], dy: &[f64], dw: &mut [f64]) -> Result<()> {
        let z = self.whole(w)?;
        let mut dz = vec![0.0; z.len()];
        self.simulator.vjp(&z, dy, &mut dz)?;
        self.slopes(&z)?.apply_transpose(&dz, dw);
        Ok(())
    }
    fn linearize<'b>(&'b self, w: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'b>> {
        let z = self.whole(w)?;
        let map = self.simulator.linearize(&z, y)?;
        Ok(Box::new(ChainedMap::new(map, self.slopes(&z)?)))
    }
    fn describe(&self) -> Description {
        let whole = self.simulator.describe();
        Description::default()
            .with_approximation(whole.approximation)
            .with_keeps_trajectory(whole.keeps_trajectory)
            .with_linear(whole.linear && self.seen.unknown().is_some())
    }
}
