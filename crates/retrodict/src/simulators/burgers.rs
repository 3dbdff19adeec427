//! Burgers' equation: a velocity that carries itself.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::space::Space;
use crate::error::Result;
use crate::memory;
use crate::models::rk4::{self, Rate, Rk4};
use crate::models::rollout::{Observe, RolledOut, Rollout, RolloutOptions};
use crate::options::{Build, Checked, Validate, not_negative, positive, require};
use crate::spectral::grid::{add_laplacian, neighbours};

/// Viscous Burgers equation on a periodic grid, ∂u/∂t + (u·∇)u = νΔu, 1-D and 2-D.
///
/// Central differences; along its own axis a component moves itself by the split form
/// −(u₋ + u + u₊)(u₊ − u₋)/(6 cell), which conserves Σu and, without viscosity, Σu².
/// Runge–Kutta steps.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::BurgersOptions;
/// let burgers = BurgersOptions::default().with_shape([32]).build()?;
/// let x: Vec<f64> = (0..32).map(|i| f64::from(i % 8)).collect();
/// let mut y = vec![0.0; 32];
/// burgers.forward(&x, &mut y)?;
/// // Momentum is conserved, energy is not.
/// assert!((y.iter().sum::<f64>() - x.iter().sum::<f64>()).abs() < 1e-11);
/// assert!(y.iter().map(|u| u * u).sum::<f64>() < 0.9 * x.iter().map(|u| u * u).sum::<f64>());
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x: one component for each axis, each a grid of `shape`; y: the same after the last step, or
/// the values at `observe_places` after each of `observe_steps`.
///
/// # Units
/// u in m/s, `cell` in m, `viscosity` in m²/s, `dt` in s.
///
/// # Errors
/// A viscosity that `dt` cannot resolve is refused; a velocity beyond its Courant number makes the
/// run fail with the step at which it blew up.
///
/// # Cost
/// Four rates a step.
///
/// # Source
/// Burgers 1948; the split form: Richtmyer & Morton, *Difference Methods for Initial-Value
/// Problems*, 6.3; exact solutions by Cole and Hopf.
#[derive(Debug, Clone)]
pub struct Burgers {
    options: Checked<BurgersOptions>,
    rollout: Arc<Rollout<Rk4<Transport>>>,
}

/// The options of [`Burgers`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct BurgersOptions {
    /// Cells along each axis, one or two.
    #[setters(into)]
    pub shape: Vec<usize>,
    /// The width of a cell.
    pub cell: f64,
    /// ν ≥ 0.
    pub viscosity: f64,
    /// The time step Δt.
    pub dt: f64,
    /// The number of steps.
    pub steps: usize,
    /// The steps after which y is observed; the last one if empty.
    #[setters(into)]
    pub observe_steps: Vec<usize>,
    /// Which values of the state are observed; all if empty.
    #[setters(into)]
    pub observe_places: Vec<usize>,
    /// How many bytes the tape of a run may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub max_memory: Option<usize>,
}

impl Default for BurgersOptions {
    fn default() -> Self {
        Self {
            shape: vec![128],
            cell: 1.0,
            viscosity: 0.5,
            dt: 0.1,
            steps: 100,
            observe_steps: Vec::new(),
            observe_places: Vec::new(),
            max_memory: None,
        }
    }
}

impl Validate for BurgersOptions {
    fn validate(&self) -> Result<()> {
        require(
            (1..=2).contains(&self.shape.len()) && self.shape.iter().all(|n| *n >= 3),
            "shape",
            format!("{:?}", self.shape),
            "it needs one or two axes with at least three cells each, for example [128]",
        )?;
        positive("cell", self.cell)?;
        not_negative("viscosity", self.viscosity)?;
        positive("dt", self.dt)?;
        rk4::stable_diffusion(
            "viscosity",
            self.viscosity,
            self.dt,
            self.cell,
            self.shape.len(),
        )
    }
    fn memory(&self) -> f64 {
        // Stages and slopes of a step, for y and for its derivative.
        let state = self.shape.len() as f64 * memory::cells(&self.shape);
        let seen = Observe::count(&self.observe_steps, &self.observe_places, state);
        memory::numbers(24.0 * state + seen) + memory::tape(self.steps, state, self.max_memory)
    }
}

impl Build for BurgersOptions {
    type Built = Burgers;

    fn make(options: Checked<Self>) -> Result<Burgers> {
        let state = match options.shape[..] {
            [n, m] => Space::new("velocity", &[2, n, m], "m/s"),
            _ => Space::new("velocity", &options.shape, "m/s"),
        };
        let rate = Transport {
            state,
            shape: options.shape.clone(),
            inverse_cell: 1.0 / options.cell,
            diffusion: options.viscosity / (options.cell * options.cell),
        };
        let all = options.observe_steps.is_empty() && options.observe_places.is_empty();
        let observe = Observe::select(
            &options.observe_steps,
            &options.observe_places,
            options.steps,
            rate.state().len(),
        );
        let sensors = (!all).then(|| observe.space("velocity at sensors", "m/s"));
        let step = Rk4::new(rate, options.dt);
        let rollout = RolloutOptions::new(step, options.steps)
            .with_observe(observe)
            .with_output_space(sensors)
            .with_max_memory(options.max_memory)
            .build()?;
        Ok(Burgers {
            rollout: Arc::new(rollout),
            options,
        })
    }
}

impl Burgers {
    /// What it was made of.
    pub fn options(&self) -> &BurgersOptions {
        &self.options
    }
}

impl RolledOut for Burgers {
    type Step = Rk4<Transport>;

    fn rollout(&self) -> &Rollout<Rk4<Transport>> {
        &self.rollout
    }
}

/// The rate of Burgers' equation.
#[derive(Debug, Clone, PartialEq)]
pub struct Transport {
    state: Space,
    shape: Vec<usize>,
    inverse_cell: f64,
    diffusion: f64,
}

impl Transport {
    fn cells(&self) -> usize {
        self.shape.iter().product()
    }

    fn components(&self) -> usize {
        self.shape.len()
    }
}

impl Rate for Transport {
    fn state(&self) -> &Space {
        &self.state
    }
    fn rate(&self, _: f64, s: &[f64], _: &[f64], rate: &mut [f64]) {
        rate.fill(0.0);
        let cells = self.cells();
        let (sixth, half) = (self.inverse_cell / 6.0, self.inverse_cell / 2.0);
        for (c, rate) in rate.chunks_mut(cells).enumerate() {
            let u = &s[c * cells..(c + 1) * cells];
            add_laplacian(&self.shape, self.diffusion, u, rate);
            for axis in 0..self.components() {
                let by = &s[axis * cells..(axis + 1) * cells];
                neighbours(&self.shape, axis, |at, ahead, behind, len| {
                    let (next, last) = (&u[ahead..][..len], &u[behind..][..len]);
                    let (here, by) = (&u[at..][..len], &by[at..][..len]);
                    let out = &mut rate[at..][..len];
                    for i in 0..len {
                        let d = next[i] - last[i];
                        out[i] -= if axis == c {
                            sixth * (last[i] + here[i] + next[i]) * d
                        } else {
                            half * by[i] * d
                        };
                    }
                });
            }
        }
    }
    fn rate_jvp(&self, _: f64, s: &[f64], _: &[f64], ds: &[f64], _: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let cells = self.cells();
        let (sixth, half) = (self.inverse_cell / 6.0, self.inverse_cell / 2.0);
        for (c, rate) in out.chunks_mut(cells).enumerate() {
            let (u, du) = (&s[c * cells..][..cells], &ds[c * cells..][..cells]);
            add_laplacian(&self.shape, self.diffusion, du, rate);
            for axis in 0..self.components() {
                let (by, dby) = (&s[axis * cells..][..cells], &ds[axis * cells..][..cells]);
                neighbours(&self.shape, axis, |at, ahead, behind, len| {
                    for i in 0..len {
                        let (i, n, l) = (at + i, ahead + i, behind + i);
                        let (d, dd) = (u[n] - u[l], du[n] - du[l]);
                        rate[i] -= if axis == c {
                            sixth * ((du[l] + du[i] + du[n]) * d + (u[l] + u[i] + u[n]) * dd)
                        } else {
                            half * (dby[i] * d + by[i] * dd)
                        };
                    }
                });
            }
        }
    }
    fn rate_vjp(&self, _: f64, s: &[f64], _: &[f64], a: &[f64], out: &mut [f64], _: &mut [f64]) {
        out.fill(0.0);
        let cells = self.cells();
        let (sixth, half) = (self.inverse_cell / 6.0, self.inverse_cell / 2.0);
        for c in 0..self.components() {
            let (u, a) = (&s[c * cells..][..cells], &a[c * cells..][..cells]);
            add_laplacian(
                &self.shape,
                self.diffusion,
                a,
                &mut out[c * cells..][..cells],
            );
            for axis in 0..self.components() {
                let by = &s[axis * cells..][..cells];
                neighbours(&self.shape, axis, |at, ahead, behind, len| {
                    for i in 0..len {
                        let (i, n, l) = (at + i, ahead + i, behind + i);
                        let d = u[n] - u[l];
                        if axis == c {
                            let sum = u[l] + u[i] + u[n];
                            let w = -sixth * a[i];
                            out[c * cells + l] += w * (d - sum);
                            out[c * cells + i] += w * d;
                            out[c * cells + n] += w * (d + sum);
                        } else {
                            let w = -half * a[i];
                            out[axis * cells + i] += w * d;
                            out[c * cells + n] += w * by[i];
                            out[c * cells + l] -= w * by[i];
                        }
                    }
                });
            }
        }
    }
}
