//! Waves by leapfrog, which is exactly reversible.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::description::Description;
use crate::core::space::Space;
use crate::error::Result;
use crate::memory;
use crate::models::rollout::{Input, Observe, RolledOut, Rollout, RolloutOptions, TimeStep};
use crate::options::{Build, Checked, Validate, grid, positive, require};
use crate::spectral::grid::add_laplacian;

/// Waves on a periodic grid, ∂²u/∂t² = c²Δu, by leapfrog, which is exactly reversible.
///
/// A step is v ← v + Δt c²Δu, u ← u + Δt v, with the three-point Laplacian along each axis. v
/// stands half a step before u.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::WaveOptions;
/// let wave = WaveOptions::default().with_shape([32]).with_steps(50).build()?;
/// let mut x = vec![0.0; 64];
/// x[7] = 1.0;
/// let mut y = vec![0.0; 64];
/// wave.forward(&x, &mut y)?;
/// assert!(y[7] < 0.9 && (wave.energy(&y) - wave.energy(&x)).abs() < 1e-14);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x: u, then v, each a grid of `shape`; or u alone, at rest, if `at_rest`. y: the same after the
/// last step, or the values at `observe_places` (indices into u, then v) after each of
/// `observe_steps`.
///
/// # Units
/// u in m, v in m/s, `cell` in m, `speed` in m/s, `dt` in s.
///
/// # Cost
/// One Laplacian a step. No tape: P is linear.
///
/// # Source
/// Hairer, Lubich & Wanner, *Geometric Numerical Integration*, I.1.4 (Störmer–Verlet).
#[derive(Debug, Clone)]
pub struct Wave {
    options: Checked<WaveOptions>,
    rollout: Arc<Rollout<Leapfrog>>,
}

/// The options of [`Wave`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct WaveOptions {
    /// Cells along each axis.
    #[setters(into)]
    pub shape: Vec<usize>,
    /// The width of a cell.
    pub cell: f64,
    /// The speed c > 0.
    pub speed: f64,
    /// Δt; c Δt √axes must not exceed the cell.
    pub dt: f64,
    /// The number of steps.
    pub steps: usize,
    /// Whether x is u alone and v vanishes at the start.
    pub at_rest: bool,
    /// The steps after which y is observed; the last one if empty.
    #[setters(into)]
    pub observe_steps: Vec<usize>,
    /// Which values of the state are observed; all if empty.
    #[setters(into)]
    pub observe_places: Vec<usize>,
}

impl Default for WaveOptions {
    fn default() -> Self {
        Self {
            shape: vec![64],
            cell: 1.0,
            speed: 1.0,
            dt: 0.5,
            steps: 100,
            at_rest: false,
            observe_steps: Vec::new(),
            observe_places: Vec::new(),
        }
    }
}

impl Validate for WaveOptions {
    fn validate(&self) -> Result<()> {
        grid(&self.shape)?;
        positive("cell", self.cell)?;
        positive("speed", self.speed)?;
        positive("dt", self.dt)?;
        let number = self.speed * self.dt / self.cell * (self.shape.len() as f64).sqrt();
        require(
            number <= 1.0,
            "dt",
            self.dt,
            &format!(
                "its Courant number c Δt √axes / cell is {number:.3}, but leapfrog is stable up to 1: \
                 take dt ≤ {:.3e}",
                self.dt / number
            ),
        )
    }
    fn memory(&self) -> f64 {
        // The state, where it is seen, and x and y; steps are undone instead of kept.
        memory::numbers(
            20.0 * memory::cells(&self.shape)
                + self.observe_steps.len() as f64 * self.observe_places.len() as f64,
        )
    }
}

impl Build for WaveOptions {
    type Built = Wave;

    fn make(options: Checked<Self>) -> Result<Wave> {
        let cells: usize = options.shape.iter().product();
        let c = options.speed / options.cell;
        let step = Leapfrog {
            state: Space::new("wave", &doubled(&options.shape), "m, m/s"),
            shape: options.shape.clone(),
            dt: options.dt,
            kick: options.dt * c * c,
        };
        let (given, initial) = match options.at_rest {
            true => (cells, Space::new("displacement", &options.shape, "m")),
            false => (2 * cells, state(&options.shape)),
        };
        let all = options.observe_steps.is_empty() && options.observe_places.is_empty();
        let observe = Observe::select(
            &options.observe_steps,
            &options.observe_places,
            options.steps,
            2 * cells,
        );
        let seen = match all {
            true => state(&options.shape),
            false => observe.space("wave at sensors", "m, m/s"),
        };
        let rollout = RolloutOptions::new(step, options.steps)
            .with_input(Input::State(0..given))
            .with_input_space(initial)
            .with_observe(observe)
            .with_output_space(seen)
            .with_description(Description::default().with_linear(true))
            .build()?;
        Ok(Wave {
            rollout: Arc::new(rollout),
            options,
        })
    }
}

impl Wave {
    /// What it was made of.
    pub fn options(&self) -> &WaveOptions {
        &self.options
    }
}

impl Wave {
    fn cells(&self) -> usize {
        self.options.shape.iter().product()
    }

    /// The energy that leapfrog conserves: ½⟨v, v⁺⟩ + ½c²⟨u, −Δu⟩, with v⁺ half a step after u.
    pub fn energy(&self, state: &[f64]) -> f64 {
        let (u, v) = state.split_at(self.cells());
        let mut force = vec![0.0; u.len()];
        let c = self.options.speed / self.options.cell;
        add_laplacian(&self.options.shape, c * c, u, &mut force);
        let terms = u.iter().zip(v).zip(&force);
        terms
            .map(|((u, v), f)| 0.5 * v * (v + self.options.dt * f) - 0.5 * u * f)
            .sum()
    }
}

impl RolledOut for Wave {
    type Step = Leapfrog;

    fn rollout(&self) -> &Rollout<Leapfrog> {
        &self.rollout
    }
}

/// u, then v.
fn state(shape: &[usize]) -> Space {
    Space::new("displacement and velocity", &doubled(shape), "m, m/s")
}

/// Two grids, one after the other, stacked along the first axis.
fn doubled(shape: &[usize]) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape[0] *= 2;
    shape
}

/// One step of leapfrog.
#[derive(Debug, Clone, PartialEq)]
pub struct Leapfrog {
    state: Space,
    shape: Vec<usize>,
    dt: f64,
    /// Δt c²/cell².
    kick: f64,
}

impl Leapfrog {
    fn advance(&self, state: &mut [f64]) {
        let (u, v) = state.split_at_mut(state.len() / 2);
        add_laplacian(&self.shape, self.kick, u, v);
        for (u, v) in u.iter_mut().zip(v) {
            *u += self.dt * *v;
        }
    }
}

impl TimeStep for Leapfrog {
    type Scratch = ();

    fn state(&self) -> &Space {
        &self.state
    }
    /// The step is linear: its derivative needs no record.
    fn record(&self) -> usize {
        0
    }
    fn time_step(&self) -> f64 {
        self.dt
    }
    fn scratch(&self) {}
    fn step(
        &self,
        _: usize,
        _: &[f64],
        state: &mut [f64],
        _: &mut [f64],
        (): &mut (),
    ) -> Result<()> {
        self.advance(state);
        Ok(())
    }
    fn step_vjp(
        &self,
        _: usize,
        _: &[f64],
        _: &[f64],
        adjoints: &mut [f64],
        _: &mut [f64],
        (): &mut (),
    ) -> Result<()> {
        let cells: usize = self.shape.iter().product();
        for adjoint in adjoints.chunks_mut(2 * cells) {
            let (u, v) = adjoint.split_at_mut(cells);
            for (u, v) in u.iter().zip(v.iter_mut()) {
                *v += self.dt * u;
            }
            add_laplacian(&self.shape, self.kick, v, u);
        }
        Ok(())
    }
    fn step_jvp(
        &self,
        _: usize,
        _: &[f64],
        _: &[f64],
        tangents: &mut [f64],
        _: &[f64],
        (): &mut (),
    ) -> Result<()> {
        let cells: usize = self.shape.iter().product();
        tangents.chunks_mut(2 * cells).for_each(|t| self.advance(t));
        Ok(())
    }
    fn can_step_back(&self) -> bool {
        true
    }
    fn step_back(&self, _: usize, _: &[f64], state: &mut [f64], (): &mut ()) -> Result<()> {
        let (u, v) = state.split_at_mut(state.len() / 2);
        for (u, v) in u.iter_mut().zip(v.iter()) {
            *u -= self.dt * v;
        }
        add_laplacian(&self.shape, -self.kick, u, v);
        Ok(())
    }
}
