//! Transport by a constant velocity.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::description::Description;
use crate::core::simulator::{LocalInverse, Recovery, Simulator};
use crate::core::space::Space;
use crate::error::Result;
use crate::memory;
use crate::options::{Build, Checked, Validate, grid, not_negative, positive, require};
use crate::spectral::fourier::{C64, RealFourier};

/// Transport by a constant velocity on a periodic grid, with decay: ∂u/∂t + a·∇u = −λu, exact in Fourier space:
/// û ← û e^(−ik·at − λt).
///
/// What moves by whole cells is moved without error; a smooth field, to all orders. The highest
/// mode of an even number of cells has no direction and keeps its cosine only; the inverse divides
/// by it unless it vanishes.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::AdvectionOptions;
/// let advection = AdvectionOptions::default().with_shape([9]).with_time(4.0).build()?;
/// let mut x = [0.0; 9];
/// x[1] = 1.0;
/// let mut y = [0.0; 9];
/// advection.forward(&x, &mut y)?;
/// // Four cells on.
/// assert!((y[5] - 1.0).abs() < 1e-14 && y[1].abs() < 1e-14);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x and y are grids of `shape`, one to three axes.
///
/// # Units
/// `cell` in m, `velocity` in m/s, `time` in s, `decay` in 1/s; u in any unit.
///
/// # Cost
/// One real transform and its inverse.
///
/// # Source
/// Boyd, *Chebyshev and Fourier Spectral Methods*, chapter 4.
#[derive(Debug, Clone)]
pub struct Advection {
    options: Checked<AdvectionOptions>,
    input: Space,
    output: Space,
    shift: Arc<Shift>,
}

/// The options of [`Advection`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct AdvectionOptions {
    /// Cells along each axis.
    #[setters(into)]
    pub shape: Vec<usize>,
    /// The width of a cell.
    pub cell: f64,
    /// The velocity along each axis.
    #[setters(into)]
    pub velocity: Vec<f64>,
    /// For how long.
    pub time: f64,
    /// The rate λ at which what is transported decays, 0 or greater.
    pub decay: f64,
}

impl Default for AdvectionOptions {
    fn default() -> Self {
        Self {
            shape: vec![63],
            cell: 1.0,
            velocity: vec![1.0],
            time: 10.4,
            decay: 0.0,
        }
    }
}

impl Validate for AdvectionOptions {
    fn validate(&self) -> Result<()> {
        grid(&self.shape)?;
        positive("cell", self.cell)?;
        require(
            self.velocity.len() == self.shape.len() && self.velocity.iter().all(|v| v.is_finite()),
            "velocity",
            format!("{:?}", self.velocity),
            &format!(
                "it needs a finite value for each of the {} axes",
                self.shape.len()
            ),
        )?;
        require(
            self.time.is_finite(),
            "time",
            self.time,
            "it must be finite; a negative one runs backwards",
        )?;
        not_negative("decay", self.decay)?;
        require(
            self.decay * self.time.abs() <= MOST_DECAY,
            "decay",
            self.decay,
            &format!(
                "decay · time must be at most {MOST_DECAY}: beyond, the data hold round-off alone"
            ),
        )
    }
    fn memory(&self) -> f64 {
        memory::transform(&self.shape)
    }
}

impl Build for AdvectionOptions {
    type Built = Advection;

    fn make(options: Checked<Self>) -> Result<Advection> {
        Ok(Advection {
            input: Space::new("density", &options.shape, "1"),
            output: Space::new("density", &options.shape, "1"),
            shift: Arc::new(Shift::new(&options)),
            options,
        })
    }
}

impl Shift {
    fn new(options: &AdvectionOptions) -> Self {
        let fourier = RealFourier::new(&options.shape);
        // The highest mode of an even axis is real: it can only keep its cosine.
        let is_highest = |axis: usize, k: f64| {
            let highest = std::f64::consts::PI / options.cell;
            options.shape[axis].is_multiple_of(2) && k.abs() > highest * (1.0 - 1e-9)
        };
        let phase = |k: &[f64]| -> C64 {
            let axes = k.iter().zip(&options.velocity).enumerate();
            axes.map(|(axis, (k, a))| {
                let angle = -k * a * options.time;
                if is_highest(axis, *k) {
                    C64::new(angle.cos(), 0.0)
                } else {
                    C64::from_polar(1.0, angle)
                }
            })
            .product()
        };
        let re = fourier.at_modes(options.cell, |k| phase(k).re);
        let im = fourier.at_modes(options.cell, |k| phase(k).im);
        let left = (-options.decay * options.time).exp();
        let phases = re
            .into_iter()
            .zip(im)
            .map(|(re, im)| left * C64::new(re, im));
        Self {
            phases: phases.collect(),
            fourier,
            left,
        }
    }
}

impl Advection {
    /// What it was made of.
    pub fn options(&self) -> &AdvectionOptions {
        &self.options
    }
}

/// e^(−ik·at) at each mode.
#[derive(Debug)]
pub struct Shift {
    fourier: RealFourier,
    phases: Vec<C64>,
    /// What is left of a mode that keeps its direction.
    left: f64,
}

impl Advection {
    /// Multiplies each mode by what `gain` makes of its phase.
    fn filter(&self, x: &[f64], out: &mut [f64], gain: impl Fn(C64) -> C64 + Sync) {
        let plan = &self.shift;
        plan.fourier.filter(x, out, |first, modes| {
            for (mode, phase) in modes.iter_mut().zip(&plan.phases[first..]) {
                *mode *= gain(*phase);
            }
        });
    }
}

/// Of what decays further, less than 1e-13 is left.
const MOST_DECAY: f64 = 30.0;

/// Below this a mode's cosine is round-off.
const VANISHES: f64 = 1e-6;

impl Simulator for Advection {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.filter(x, y, |phase| phase);
        Ok(())
    }
    fn jvp(&self, _x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.forward(dx, dy)
    }
    fn vjp(&self, _x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.filter(dy, dx, |phase| phase.conj());
        Ok(())
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        Some(self)
    }
    fn describe(&self) -> Description {
        Description::default().with_linear(true)
    }
}

impl LocalInverse for Advection {
    fn invert_near(&self, y: &[f64], _x0: &[f64], x: &mut [f64]) -> Result<()> {
        let least = VANISHES * self.shift.left;
        self.filter(y, x, |phase| {
            if phase.norm() < least {
                C64::default()
            } else {
                phase.inv()
            }
        });
        Ok(())
    }
    fn recovery(&self) -> Recovery {
        let plan = &self.shift;
        let lost = plan.phases.iter().any(|p| p.norm() < VANISHES * plan.left);
        Recovery {
            remaining: 1e-9,
            subspace: lost.then_some("all modes but the highest of an axis, whose cosine vanished"),
        }
    }
}
