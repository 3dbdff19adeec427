//! Two substances that react, diffuse and form patterns.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::description::{Description, Typical};
use crate::core::space::Space;
use crate::error::Result;
use crate::memory;
use crate::models::rk4::{self, Rate, Rk4};
use crate::models::rollout::{Observe, RolledOut, Rollout, RolloutOptions};
use crate::options::{Build, Checked, Validate, not_negative, positive, require};
use crate::spectral::grid::add_laplacian;

/// The Gray–Scott reaction on a periodic grid: spots and stripes from u + 2v → 3v.
///
/// ∂u/∂t = Dᵤ Δu − uv² + F(1 − u), ∂v/∂t = Dᵥ Δv + uv² − (F + k)v; three-point Laplacian along each
/// axis, Runge–Kutta steps. Without feed and kill Σ(u + v) is conserved.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::ReactionDiffusionOptions;
/// // Without feed and kill nothing is added or taken away.
/// let options = ReactionDiffusionOptions::default().with_shape([16]);
/// let reaction = options.with_feed(0.0).with_kill(0.0).build()?;
/// let x: Vec<f64> = (0..32).map(|i| 0.2 + 0.02 * f64::from(i)).collect();
/// let mut y = vec![0.0; 32];
/// reaction.forward(&x, &mut y)?;
/// assert!((y.iter().sum::<f64>() - x.iter().sum::<f64>()).abs() < 1e-12);
/// assert!(y[16..].iter().sum::<f64>() > x[16..].iter().sum::<f64>());
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x: u, then v, each a grid of `shape`; y: the same after the last step, or the values at
/// `observe_places` after each of `observe_steps`.
///
/// # Units
/// Concentrations without a unit; `cell` in m, diffusivities in m²/s, `dt` in s, `feed` and `kill`
/// in 1/s.
///
/// # Cost
/// Four rates a step.
///
/// # Source
/// Pearson, *Complex patterns in a simple system*, Science 261 (1993), equation 2.
#[derive(Debug, Clone)]
pub struct ReactionDiffusion {
    options: Checked<ReactionDiffusionOptions>,
    rollout: Arc<Rollout<Rk4<GrayScott>>>,
}

/// The options of [`ReactionDiffusion`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct ReactionDiffusionOptions {
    /// Cells along each axis, one or two.
    #[setters(into)]
    pub shape: Vec<usize>,
    /// The width of a cell.
    pub cell: f64,
    /// Dᵤ ≥ 0.
    pub diffusivity_u: f64,
    /// Dᵥ ≥ 0.
    pub diffusivity_v: f64,
    /// F ≥ 0.
    pub feed: f64,
    /// k ≥ 0.
    pub kill: f64,
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

impl Default for ReactionDiffusionOptions {
    fn default() -> Self {
        Self {
            shape: vec![32, 32],
            cell: 1.0,
            diffusivity_u: 0.16,
            diffusivity_v: 0.08,
            feed: 0.035,
            kill: 0.06,
            dt: 1.0,
            steps: 40,
            observe_steps: Vec::new(),
            observe_places: Vec::new(),
            max_memory: None,
        }
    }
}

impl Validate for ReactionDiffusionOptions {
    fn validate(&self) -> Result<()> {
        require(
            (1..=2).contains(&self.shape.len()) && self.shape.iter().all(|n| *n > 0),
            "shape",
            format!("{:?}", self.shape),
            "it needs one or two axes with at least one cell each, for example [64, 64]",
        )?;
        positive("cell", self.cell)?;
        not_negative("diffusivity_u", self.diffusivity_u)?;
        not_negative("diffusivity_v", self.diffusivity_v)?;
        not_negative("feed", self.feed)?;
        not_negative("kill", self.kill)?;
        positive("dt", self.dt)?;
        let axes = self.shape.len();
        rk4::stable_diffusion(
            "diffusivity_u",
            self.diffusivity_u,
            self.dt,
            self.cell,
            axes,
        )?;
        rk4::stable_diffusion(
            "diffusivity_v",
            self.diffusivity_v,
            self.dt,
            self.cell,
            axes,
        )
    }
    fn memory(&self) -> f64 {
        // Stages and slopes of a step, for y and for its derivative.
        let state = 2.0 * memory::cells(&self.shape);
        let seen = Observe::count(&self.observe_steps, &self.observe_places, state);
        memory::numbers(24.0 * state + seen) + memory::tape(self.steps, state, self.max_memory)
    }
}

impl Build for ReactionDiffusionOptions {
    type Built = ReactionDiffusion;

    fn make(options: Checked<Self>) -> Result<ReactionDiffusion> {
        let area = options.cell * options.cell;
        let shape = [&[2], &options.shape[..]].concat();
        let rate = GrayScott {
            state: Space::new("concentrations", &shape, "1"),
            shape: options.shape.clone(),
            diffusion: [options.diffusivity_u / area, options.diffusivity_v / area],
            feed: options.feed,
            kill: options.kill,
        };
        let all = options.observe_steps.is_empty() && options.observe_places.is_empty();
        let observe = Observe::select(
            &options.observe_steps,
            &options.observe_places,
            options.steps,
            rate.state().len(),
        );
        let sensors = (!all).then(|| observe.space("concentrations at sensors", "1"));
        let step = Rk4::new(rate, options.dt);
        let rollout = RolloutOptions::new(step, options.steps)
            .with_observe(observe)
            .with_output_space(sensors)
            .with_max_memory(options.max_memory)
            .with_description(Description::default().with_typical(Typical::new(0.4, 0.1)))
            .build()?;
        Ok(ReactionDiffusion {
            rollout: Arc::new(rollout),
            options,
        })
    }
}

impl ReactionDiffusion {
    /// What it was made of.
    pub fn options(&self) -> &ReactionDiffusionOptions {
        &self.options
    }
}

impl RolledOut for ReactionDiffusion {
    type Step = Rk4<GrayScott>;

    fn rollout(&self) -> &Rollout<Rk4<GrayScott>> {
        &self.rollout
    }
}

/// The rate of Gray and Scott's reaction.
#[derive(Debug, Clone, PartialEq)]
pub struct GrayScott {
    state: Space,
    shape: Vec<usize>,
    diffusion: [f64; 2],
    feed: f64,
    kill: f64,
}

impl GrayScott {
    /// Adds the diffusion of both substances; symmetric.
    fn diffuse(&self, s: &[f64], out: &mut [f64]) {
        let cells = s.len() / 2;
        let parts = s.chunks(cells).zip(out.chunks_mut(cells));
        for ((s, out), d) in parts.zip(self.diffusion) {
            add_laplacian(&self.shape, d, s, out);
        }
    }
}

impl Rate for GrayScott {
    fn state(&self) -> &Space {
        &self.state
    }
    fn rate(&self, _: f64, s: &[f64], _: &[f64], rate: &mut [f64]) {
        let (u, v) = s.split_at(s.len() / 2);
        let (du, dv) = rate.split_at_mut(u.len());
        for i in 0..u.len() {
            let reaction = u[i] * v[i] * v[i];
            du[i] = self.feed * (1.0 - u[i]) - reaction;
            dv[i] = reaction - (self.feed + self.kill) * v[i];
        }
        self.diffuse(s, rate);
    }
    fn rate_jvp(&self, _: f64, s: &[f64], _: &[f64], ds: &[f64], _: &[f64], out: &mut [f64]) {
        let (u, v) = s.split_at(s.len() / 2);
        let (tu, tv) = ds.split_at(u.len());
        let (du, dv) = out.split_at_mut(u.len());
        for i in 0..u.len() {
            let reaction = v[i] * v[i] * tu[i] + 2.0 * u[i] * v[i] * tv[i];
            du[i] = -self.feed * tu[i] - reaction;
            dv[i] = reaction - (self.feed + self.kill) * tv[i];
        }
        self.diffuse(ds, out);
    }
    fn rate_vjp(&self, _: f64, s: &[f64], _: &[f64], a: &[f64], out: &mut [f64], _: &mut [f64]) {
        let (u, v) = s.split_at(s.len() / 2);
        let (au, av) = a.split_at(u.len());
        let (du, dv) = out.split_at_mut(u.len());
        for i in 0..u.len() {
            let reaction = av[i] - au[i];
            du[i] = v[i] * v[i] * reaction - self.feed * au[i];
            dv[i] = 2.0 * u[i] * v[i] * reaction - (self.feed + self.kill) * av[i];
        }
        self.diffuse(a, out);
    }
}
