//! Incompressible flow, observed through a marker that it carries.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::description::{Description, Typical};
use crate::core::simulator::LocalInverse;
use crate::core::space::Space;
use crate::error::Result;
use crate::memory;
use crate::models::rollout::{Input, Observe, RolledOut, Rollout, RolloutOptions};
use crate::options::{Build, Checked, Validate, not_negative, positive, require};

mod advection;
mod faces;
mod flow;
mod inverse;
mod marker;
mod mass_centres;
mod projection;
mod torus;

pub use flow::{Flow, FlowWork};
pub use inverse::FluidInverse;
pub use marker::Marker;

/// Incompressible flow in a periodic box, ∂v/∂t + (v·∇)v = −∇p + ν∇²v, ∇·v = 0, in 2-D, and a
/// passive marker that it carries, ∂m/∂t + v·∇m = 0.
///
/// On a staggered grid: component 0 of v lies half a cell before each cell along axis 0,
/// component 1 along axis 1, the marker in the cells, a stream function at the corners. A step
/// carries v along itself (MacCormack), makes it free of divergence and damps it by viscosity,
/// both exact in Fourier space, and carries the marker along the new v. First order in Δt, second
/// in the cell. No step is too long to be stable; one that crosses more than `max_courant` cells
/// is refused.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::FluidOptions;
/// let fluid = FluidOptions::default().with_shape([16, 16]).with_steps(4).build()?;
/// // One cell in each step along axis 0: half a period of the marker, ½ + ½ sin sin.
/// let v = [vec![1.0; 256], vec![0.0; 256]].concat();
/// let (mut still, mut moved) = (vec![0.0; 256], vec![0.0; 256]);
/// fluid.forward(&vec![0.0; 512], &mut still)?;
/// fluid.forward(&v, &mut moved)?;
/// assert!(still.iter().zip(&moved).all(|(a, b)| (a + b - 1.0).abs() < 1e-12) && still[0] > 0.55);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x: the velocity `[2, n₀, n₁]`, of which the part without divergence counts, or its stream
/// function `[n₀, n₁]`. y: the marker `[n₀, n₁]` after the last step, or marker and velocity
/// `[3, n₀, n₁]`; with several `observe_steps` one after the other.
///
/// # Units
/// v in m/s, the stream function in m²/s, `cell` in m, `dt` in s, `viscosity` in m²/s. The marker
/// has none.
///
/// # Derivatives
/// Interpolation is bilinear, so the derivative has a jump where a path crosses into another
/// cell, and, with a limiter, where it starts to clamp. There the derivative is that of the
/// branch taken.
///
/// # Cost
/// A step: six interpolations, one transform of a real field each way.
///
/// # Source
/// Selle et al. 2008 for the advection; Chorin 1968 for the projection; Holl, Koltun & Thuerey,
/// *Scale-invariant Learning by Physics Inversion* (NeurIPS 2022), section 4.4, for the problem.
#[derive(Debug, Clone)]
pub struct Fluid {
    options: Checked<FluidOptions>,
    rollout: Arc<Rollout<Flow>>,
}

/// The options of [`Fluid`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct FluidOptions {
    /// Cells along both axes.
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
    /// What holds MacCormack's correction back.
    pub limiter: Limiter,
    /// Whether each step is scaled to keep Σ v²; without viscosity only.
    pub keep_energy: bool,
    /// The most cells that the flow may cross in a step.
    pub max_courant: f64,
    /// What x is.
    pub input: FluidInput,
    /// What y is.
    pub output: FluidOutput,
    /// The steps after which y is observed; the last one if empty.
    #[setters(into)]
    pub observe_steps: Vec<usize>,
    /// The marker at the start.
    pub marker: Marker,
    /// How a run is inverted.
    pub inverse: FluidInverse,
    /// How many bytes the tape of a run may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub max_memory: Option<usize>,
}

/// What holds MacCormack's correction back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Limiter {
    /// Nothing: smooth, as derivatives like it, with small overshoots at edges.
    #[default]
    Off,
    /// Values stay between those of the four cells from which they came.
    Clamp,
}

/// What x is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FluidInput {
    /// The initial velocity.
    #[default]
    Velocity,
    /// Its stream function: v = (∂₁ψ, −∂₀ψ), free of divergence and without a mean.
    StreamFunction,
}

/// What y is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FluidOutput {
    /// The marker.
    #[default]
    Marker,
    /// The marker, then both components of the velocity.
    MarkerAndVelocity,
}

impl Default for FluidOptions {
    fn default() -> Self {
        Self {
            shape: vec![32, 32],
            cell: 1.0,
            viscosity: 0.0,
            dt: 1.0,
            steps: 8,
            limiter: Limiter::default(),
            keep_energy: false,
            max_courant: 4.0,
            input: FluidInput::default(),
            output: FluidOutput::default(),
            observe_steps: Vec::new(),
            marker: Marker::default(),
            inverse: FluidInverse::default(),
            max_memory: None,
        }
    }
}

impl Validate for FluidOptions {
    fn validate(&self) -> Result<()> {
        require(
            self.shape.len() == 2 && self.shape.iter().all(|n| *n >= 8),
            "shape",
            format!("{:?}", self.shape),
            "it needs two axes with at least eight cells each, for example [64, 64]",
        )?;
        positive("cell", self.cell)?;
        not_negative("viscosity", self.viscosity)?;
        positive("dt", self.dt)?;
        let half = self.extents().into_iter().fold(usize::MAX, usize::min) as f64 / 2.0;
        require(
            self.max_courant > 0.0 && self.max_courant <= half,
            "max_courant",
            self.max_courant,
            &format!(
                "it must lie in (0, {half}]: what crosses more than half of the box in a step \
                 might have come from either side"
            ),
        )?;
        require(
            !self.keep_energy || self.viscosity == 0.0,
            "keep_energy",
            self.keep_energy,
            "it would restore the energy that viscosity dissipates; set viscosity = 0",
        )?;
        require(
            self.output == FluidOutput::Marker || !self.observe_steps.contains(&0),
            "observe_steps",
            format!("{:?}", self.observe_steps),
            "velocities are observed from step 1 on; before the first step x takes their place",
        )?;
        self.marker.validate(self.extents())?;
        self.inverse.validate(self.input)
    }
    fn memory(&self) -> f64 {
        // The fields of a step and of its derivative, with what projections keep of each mode.
        let cells = memory::cells(&self.shape);
        let seen = Observe::count(&self.observe_steps, &[], 3.0 * cells);
        memory::numbers(50.0 * cells + seen)
            + memory::tape(self.steps, 11.0 * cells, self.max_memory)
    }
}

impl FluidOptions {
    fn extents(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.shape.get(axis).copied().unwrap_or(1))
    }
}

impl Build for FluidOptions {
    type Built = Fluid;

    fn make(options: Checked<Self>) -> Result<Fluid> {
        let [n0, n1] = options.extents();
        let cells = n0 * n1;
        let mut initial = options.marker.values([n0, n1]);
        initial.resize(3 * cells, 0.0);
        let (given, input) = match options.input {
            FluidInput::Velocity => (
                cells..3 * cells,
                Space::new("velocity", &[2, n0, n1], "m/s"),
            ),
            FluidInput::StreamFunction => (
                cells..2 * cells,
                Space::new("stream function", &[n0, n1], "m²/s"),
            ),
        };
        let (places, name, unit) = match options.output {
            FluidOutput::Marker => (cells, "marker", "1"),
            FluidOutput::MarkerAndVelocity => (3 * cells, "marker and velocity", "1 and m/s"),
        };
        let places: Vec<usize> = (0..places).collect();
        let observe = Observe::select(&options.observe_steps, &places, options.steps, 3 * cells);
        let output = match observe.len() / cells {
            1 => Space::new(name, &[n0, n1], unit),
            fields => Space::new(name, &[fields, n0, n1], unit),
        };
        // A stream across the grid of half a cell a step, with some noise.
        let speed = options.cell / options.dt;
        let typical = match options.input {
            FluidInput::Velocity => Typical::new(0.5 * speed, 0.1 * speed),
            FluidInput::StreamFunction => Typical::new(0.0, 0.3 * speed * options.cell),
        };
        let step = Flow::new(&options);
        let rollout = RolloutOptions::new(step, options.steps)
            .with_input(Input::State(given))
            .with_input_space(input)
            .with_observe(observe)
            .with_output_space(output)
            .with_initial(initial)
            .with_max_memory(options.max_memory)
            .with_description(Description::default().with_typical(typical))
            .build()?;
        Ok(Fluid {
            rollout: Arc::new(rollout),
            options,
        })
    }
}

impl Fluid {
    /// What it was made of.
    pub fn options(&self) -> &FluidOptions {
        &self.options
    }
}

impl RolledOut for Fluid {
    type Step = Flow;

    fn rollout(&self) -> &Rollout<Flow> {
        &self.rollout
    }
    fn inverse(&self) -> Option<&dyn LocalInverse> {
        Some(self)
    }
}
