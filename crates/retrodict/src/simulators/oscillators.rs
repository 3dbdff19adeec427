//! A chain of masses, controlled by a force on the last one.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::description::Description;
use crate::core::space::Space;
use crate::error::{Result, expect_finite};
use crate::memory;
use crate::models::rk4::{Rate, Rk4};
use crate::models::rollout::{Input, RolledOut, Rollout, RolloutOptions};
use crate::options::{Build, Checked, Validate, not_negative, positive, require};

/// A chain of masses, coupled by springs, that a control pushes at its last mass.
///
/// H = Σ (xᵢ² + pᵢ²)/2 + Σ κ/2 (xᵢ − xᵢ₊₁)² + Σ α (xᵢ − xᵢ₊₁)⁴, with + c·u on the last mass and
/// u constant over each of `steps` Runge–Kutta steps.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::OscillatorsOptions;
/// // One mass on its spring, for a time of 1, without control.
/// let options = OscillatorsOptions::default().with_masses(1).with_initial([1.0, 0.0]);
/// let swinging = options.with_steps(100).with_dt(0.01).build()?;
/// let mut y = [0.0; 2];
/// swinging.forward(&[0.0; 100], &mut y)?;
/// assert!((y[0] - f64::cos(1.0)).abs() < 1e-9 && (y[1] + f64::sin(1.0)).abs() < 1e-9);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x: the control of each step; y: the final positions, then the final velocities, 2 `masses`.
///
/// # Units
/// All dimensionless: masses and springs to the ground are 1, so time is in periods over 2π.
///
/// # Cost
/// Four evaluations of the forces a step.
///
/// # Source
/// Schnell, Holl & Thuerey, *Half-Inverse Gradients for Physical Deep Learning* (ICLR 2022),
/// section 4.1 and appendix: α = ¼, κ = 0, c = 3, 96 steps of 0.125.
#[derive(Debug, Clone)]
pub struct Oscillators {
    options: Checked<OscillatorsOptions>,
    rollout: Arc<Rollout<Rk4<Chain>>>,
}

/// The options of [`Oscillators`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct OscillatorsOptions {
    /// The number of masses, at least 1.
    pub masses: usize,
    /// The quartic coupling α ≥ 0.
    pub alpha: f64,
    /// The linear coupling κ ≥ 0.
    pub kappa: f64,
    /// The strength c of the control.
    pub strength: f64,
    /// The number of time steps.
    pub steps: usize,
    /// The time step Δt.
    pub dt: f64,
    /// Positions, then velocities, at the start; at rest if empty.
    #[setters(into)]
    pub initial: Vec<f64>,
    /// How many bytes the tape of a run may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub max_memory: Option<usize>,
}

impl Default for OscillatorsOptions {
    fn default() -> Self {
        Self {
            masses: 2,
            alpha: 0.25,
            kappa: 0.0,
            strength: 3.0,
            steps: 96,
            dt: 0.125,
            initial: Vec::new(),
            max_memory: None,
        }
    }
}

impl Validate for OscillatorsOptions {
    fn validate(&self) -> Result<()> {
        require(
            self.masses > 0,
            "masses",
            self.masses,
            "it must be at least 1",
        )?;
        not_negative("alpha", self.alpha)?;
        not_negative("kappa", self.kappa)?;
        require(
            self.strength.is_finite(),
            "strength",
            self.strength,
            "it must be finite",
        )?;
        positive("dt", self.dt)?;
        // RK4 is stable on the imaginary axis up to 2√2; a chain's linear frequencies end at √(1 + 4κ).
        let fastest = (1.0 + 4.0 * self.kappa).sqrt();
        require(
            self.dt * fastest <= 2.8,
            "dt",
            self.dt,
            &format!(
                "Runge-Kutta steps are stable up to {:.3} with this kappa",
                2.8 / fastest
            ),
        )?;
        require(
            self.initial.is_empty() || self.initial.len() == 2 * self.masses,
            "initial",
            format!("{} values", self.initial.len()),
            &format!(
                "it holds {} positions, then as many velocities",
                self.masses
            ),
        )?;
        expect_finite("initial", &self.initial)
    }
    fn memory(&self) -> f64 {
        // x holds a control for each step.
        let state = 2.0 * self.masses as f64;
        memory::numbers(24.0 * state + 8.0 * self.steps as f64)
            + memory::tape(self.steps, state, self.max_memory)
    }
}

impl Build for OscillatorsOptions {
    type Built = Oscillators;

    fn make(options: Checked<Self>) -> Result<Oscillators> {
        let rate = Chain {
            state: Space::new("oscillators", &[2, options.masses], "1"),
            masses: options.masses,
            alpha: options.alpha,
            kappa: options.kappa,
            strength: options.strength,
        };
        let step = Rk4::new(rate, options.dt);
        let initial = match options.initial.is_empty() {
            true => vec![0.0; 2 * options.masses],
            false => options.initial.clone(),
        };
        // From rest, with linear springs, y is a linear map of the control.
        let linear = options.alpha == 0.0 && initial.iter().all(|s| *s == 0.0);
        let rollout = RolloutOptions::new(step, options.steps)
            .with_input(Input::Controls)
            .with_input_space(Space::new("control", &[options.steps], "1"))
            .with_initial(initial)
            .with_max_memory(options.max_memory)
            .with_description(Description::default().with_linear(linear))
            .build()?;
        Ok(Oscillators {
            rollout: Arc::new(rollout),
            options,
        })
    }
}

impl Oscillators {
    /// What it was made of.
    pub fn options(&self) -> &OscillatorsOptions {
        &self.options
    }
}

impl Oscillators {
    /// The energy H of a state, without the control.
    pub fn energy(&self, state: &[f64]) -> f64 {
        let own: f64 = state.iter().map(|s| 0.5 * s * s).sum();
        let springs = state[..self.options.masses].windows(2).map(|pair| {
            let d2 = (pair[1] - pair[0]).powi(2);
            0.5 * self.options.kappa * d2 + self.options.alpha * d2 * d2
        });
        own + springs.sum::<f64>()
    }
}

/// The forces in a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    state: Space,
    masses: usize,
    alpha: f64,
    kappa: f64,
    strength: f64,
}

impl Chain {
    /// The force of a spring that is longer by d, and its derivative.
    fn spring(&self, d: f64) -> (f64, f64) {
        let d2 = d * d;
        (
            (self.kappa + 4.0 * self.alpha * d2) * d,
            self.kappa + 12.0 * self.alpha * d2,
        )
    }

    /// out += −(1 + K(x)) v with the symmetric matrix K of the springs.
    fn stiffness(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        for (out, v) in out.iter_mut().zip(v) {
            *out -= v;
        }
        for i in 1..self.masses {
            let (_, k) = self.spring(x[i] - x[i - 1]);
            let pull = k * (v[i] - v[i - 1]);
            out[i - 1] += pull;
            out[i] -= pull;
        }
    }
}

impl Rate for Chain {
    fn state(&self) -> &Space {
        &self.state
    }
    fn controls(&self) -> usize {
        1
    }
    fn rate(&self, _: f64, s: &[f64], u: &[f64], rate: &mut [f64]) {
        let (x, p) = s.split_at(self.masses);
        let (velocity, force) = rate.split_at_mut(self.masses);
        for i in 0..self.masses {
            velocity[i] = p[i];
            force[i] = -x[i];
        }
        for i in 1..self.masses {
            let (pull, _) = self.spring(x[i] - x[i - 1]);
            force[i - 1] += pull;
            force[i] -= pull;
        }
        force[self.masses - 1] += self.strength * u[0];
    }
    fn rate_jvp(&self, _: f64, s: &[f64], _u: &[f64], ds: &[f64], du: &[f64], out: &mut [f64]) {
        let (dx, dp) = ds.split_at(self.masses);
        let (velocity, force) = out.split_at_mut(self.masses);
        velocity.copy_from_slice(dp);
        force.fill(0.0);
        self.stiffness(&s[..self.masses], dx, force);
        force[self.masses - 1] += self.strength * du[0];
    }
    fn rate_vjp(
        &self,
        _: f64,
        s: &[f64],
        _u: &[f64],
        a: &[f64],
        out: &mut [f64],
        pull: &mut [f64],
    ) {
        self.rate_vjps(0.0, s, &[], a, out, pull);
    }
    fn rate_vjps(
        &self,
        _: f64,
        s: &[f64],
        _u: &[f64],
        a: &[f64],
        out: &mut [f64],
        pulls: &mut [f64],
    ) {
        let masses = self.masses;
        let rows = a.chunks_exact(2 * masses);
        for (a, out) in rows.zip(out.chunks_exact_mut(2 * masses)) {
            let (ax, ap) = a.split_at(masses);
            let (x, p) = out.split_at_mut(masses);
            for i in 0..masses {
                x[i] = -ap[i];
                p[i] = ax[i];
            }
        }
        for i in 1..masses {
            let (_, k) = self.spring(s[i] - s[i - 1]);
            let rows = a.chunks_exact(2 * masses);
            for (a, out) in rows.zip(out.chunks_exact_mut(2 * masses)) {
                let pull = k * (a[masses + i] - a[masses + i - 1]);
                out[i - 1] += pull;
                out[i] -= pull;
            }
        }
        for (a, pull) in a.chunks_exact(2 * masses).zip(pulls) {
            *pull += self.strength * a[2 * masses - 1];
        }
    }
}

impl RolledOut for Oscillators {
    type Step = Rk4<Chain>;

    fn rollout(&self) -> &Rollout<Rk4<Chain>> {
        &self.rollout
    }
}
