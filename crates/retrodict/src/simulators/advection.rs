use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::simulator::{LocalInverse, Recovery, Simulator};
use crate::core::space::Space;
use crate::error::Result;
use crate::memory;
use crate::options::{Derived, Validate, grid, not_negative, positive, require};
use crate::spectral::fourier::{C64, RealFourier};

/// Transport by a constant velocity on a periodic grid, with decay: ∂u/∂t + a·∇u = −λu, exact in Fourier space:
/// û ← û e^(−ik·at − λt).
///
/// What moves by whole cells is moved without error; a smooth field, to all orders. The highest
/// mode of an even number of cells has no direction and keeps its cosine only; the inverse divides
/// by it unless it vanishes.
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Advection {
    /// Cells along each axis.
    pub shape: Vec<usize>,
    /// The width of a cell.
    pub cell: f64,
    /// The velocity along each axis.
    pub velocity: Vec<f64>,
    /// For how long.
    pub time: f64,
    /// The rate λ at which what is transported decays, 0 or greater.
    pub decay: f64,
    /// The transform and its phases.
    #[serde(skip)]
    pub plan: Derived<Shift>,
}

impl Default for Advection {
    fn default() -> Self {
        Self {
            shape: vec![63],
            cell: 1.0,
            velocity: vec![1.0],
            time: 10.4,
            decay: 0.0,
            plan: Derived::default(),
        }
    }
}

impl Validate for Advection {
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

/// e^(−ik·at) at each mode.
#[derive(Debug)]
pub struct Shift {
    fourier: RealFourier,
    phases: Vec<C64>,
    /// What is left of a mode that keeps its direction.
    left: f64,
}

impl Advection {
    fn plan(&self) -> &Shift {
        self.plan.get(|| {
            let fourier = RealFourier::new(&self.shape);
            // The highest mode of an even axis is real: it can only keep its cosine.
            let is_highest = |axis: usize, k: f64| {
                let highest = std::f64::consts::PI / self.cell;
                self.shape[axis].is_multiple_of(2) && k.abs() > highest * (1.0 - 1e-9)
            };
            let phase = |k: &[f64]| -> C64 {
                let axes = k.iter().zip(&self.velocity).enumerate();
                axes.map(|(axis, (k, a))| {
                    let angle = -k * a * self.time;
                    if is_highest(axis, *k) {
                        C64::new(angle.cos(), 0.0)
                    } else {
                        C64::from_polar(1.0, angle)
                    }
                })
                .product()
            };
            let re = fourier.at_modes(self.cell, |k| phase(k).re);
            let im = fourier.at_modes(self.cell, |k| phase(k).im);
            let left = (-self.decay * self.time).exp();
            let phases = re
                .into_iter()
                .zip(im)
                .map(|(re, im)| left * C64::new(re, im));
            Shift {
                phases: phases.collect(),
                fourier,
                left,
            }
        })
    }

    /// Multiplies each mode by what `gain` makes of its phase.
    fn filter(&self, x: &[f64], out: &mut [f64], gain: impl Fn(C64) -> C64 + Sync) {
        let plan = self.plan();
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
    fn input(&self) -> Space {
        Space::new("density", &self.shape, "1")
    }
    fn output(&self) -> Space {
        Space::new("density", &self.shape, "1")
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
    fn is_linear(&self) -> bool {
        true
    }
}

impl LocalInverse for Advection {
    fn invert_near(&self, y: &[f64], _x0: &[f64], x: &mut [f64]) -> Result<()> {
        let least = VANISHES * self.plan().left;
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
        let plan = self.plan();
        let lost = plan.phases.iter().any(|p| p.norm() < VANISHES * plan.left);
        Recovery {
            remaining: 1e-9,
            subspace: lost.then_some("all modes but the highest of an axis, whose cosine vanished"),
        }
    }
}
