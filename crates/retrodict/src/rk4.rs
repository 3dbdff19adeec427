//! The classical Runge–Kutta step of a rate ds/dt = f(t, s, u), with its tangents and adjoints.

use crate::error::Result;
use crate::linalg::axpy;
use crate::rollout::TimeStep;
use crate::simulator::Space;

/// ds/dt = f(t, s, u): all that an explicit method needs to know.
///
/// # Shapes
/// A state has `state().len()` values, u `controls()`.
pub trait Rate: Send + Sync {
    /// The space of the state.
    fn state(&self) -> Space;
    /// The length of u.
    fn controls(&self) -> usize {
        0
    }
    /// rate = f(t, s, u).
    fn rate(&self, t: f64, s: &[f64], u: &[f64], rate: &mut [f64]);
    /// out = ∂f/∂s δs + ∂f/∂u δu.
    fn rate_jvp(&self, t: f64, s: &[f64], u: &[f64], ds: &[f64], du: &[f64], out: &mut [f64]);
    /// out = (∂f/∂s)ᵀ a, and pull += (∂f/∂u)ᵀ a.
    fn rate_vjp(&self, t: f64, s: &[f64], u: &[f64], a: &[f64], out: &mut [f64], pull: &mut [f64]);
}

/// The step s + Δt/6 (k₁ + 2k₂ + 2k₃ + k₄) with u constant over the step.
///
/// # Cost
/// Four rates; a tangent or adjoint three rates more for all right-hand sides together, and four
/// products with ∂f/∂s for each.
///
/// # Source
/// Hairer, Nørsett & Wanner, *Solving Ordinary Differential Equations I*, II.1.
#[derive(Debug, Clone)]
pub struct Rk4<R> {
    /// The rate.
    pub rate: R,
    /// Δt > 0.
    pub dt: f64,
}

/// The points at which the stages were taken, and room for their slopes.
pub struct Stages {
    points: [Vec<f64>; 4],
    slopes: [Vec<f64>; 4],
    sum: Vec<f64>,
}

/// Where in the step each stage is taken, and with which weight it enters the sum.
const NODES: [f64; 4] = [0.0, 0.5, 0.5, 1.0];
const WEIGHTS: [f64; 4] = [1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0];

impl<R: Rate> Rk4<R> {
    fn time(&self, n: usize, stage: usize) -> f64 {
        (n as f64 + NODES[stage]) * self.dt
    }

    /// Finds the points of all four stages from the state before the step, and the slopes at the
    /// first `slopes` of them.
    fn stages(&self, n: usize, u: &[f64], state: &[f64], slopes: usize, stages: &mut Stages) {
        for i in 0..4 {
            let point = &mut stages.points[i];
            point.copy_from_slice(state);
            if i > 0 {
                axpy(self.dt * NODES[i], &stages.slopes[i - 1], point);
            }
            if i < slopes {
                let slope = &mut stages.slopes[i];
                self.rate.rate(self.time(n, i), point, u, slope);
            }
        }
    }
}

impl<R: Rate> TimeStep for Rk4<R> {
    type Scratch = Stages;

    fn state(&self) -> Space {
        self.rate.state()
    }
    fn controls(&self) -> usize {
        self.rate.controls()
    }
    fn time_step(&self) -> f64 {
        self.dt
    }
    fn scratch(&self) -> Stages {
        let zeros = || vec![0.0; self.rate.state().len()];
        Stages {
            points: std::array::from_fn(|_| zeros()),
            slopes: std::array::from_fn(|_| zeros()),
            sum: zeros(),
        }
    }
    fn step(
        &self,
        n: usize,
        u: &[f64],
        state: &mut [f64],
        record: &mut [f64],
        stages: &mut Stages,
    ) -> Result<()> {
        record.copy_from_slice(state);
        self.stages(n, u, record, 4, stages);
        for (slope, weight) in stages.slopes.iter().zip(WEIGHTS) {
            axpy(self.dt * weight, slope, state);
        }
        Ok(())
    }
    /// The stages in reverse: lᵢ = Δt wᵢ a + Δt cᵢ₊₁ (∂f/∂s)ᵢ₊₁ᵀ lᵢ₊₁, and a ← a + Σ (∂f/∂s)ᵢᵀ lᵢ.
    fn step_vjp(
        &self,
        n: usize,
        u: &[f64],
        record: &[f64],
        adjoints: &mut [f64],
        pulls: &mut [f64],
        stages: &mut Stages,
    ) -> Result<()> {
        self.stages(n, u, record, 3, stages);
        let (size, width) = (record.len(), self.rate.controls());
        let mut no_pull = [];
        for (k, a) in adjoints.chunks_mut(size).enumerate() {
            let pull = if width > 0 {
                &mut pulls[k * width..(k + 1) * width]
            } else {
                &mut no_pull[..]
            };
            let [l, back, ..] = &mut stages.slopes;
            stages.sum.fill(0.0);
            back.fill(0.0);
            for i in (0..4).rev() {
                let reach = if i < 3 { self.dt * NODES[i + 1] } else { 0.0 };
                for ((l, a), back) in l.iter_mut().zip(a.iter()).zip(back.iter()) {
                    *l = self.dt * WEIGHTS[i] * a + reach * back;
                }
                let (t, point) = (self.time(n, i), &stages.points[i]);
                self.rate.rate_vjp(t, point, u, l, back, pull);
                axpy(1.0, back, &mut stages.sum);
            }
            axpy(1.0, &stages.sum, a);
        }
        Ok(())
    }
    fn step_jvp(
        &self,
        n: usize,
        u: &[f64],
        record: &[f64],
        tangents: &mut [f64],
        pushes: &[f64],
        stages: &mut Stages,
    ) -> Result<()> {
        self.stages(n, u, record, 3, stages);
        let (size, width) = (record.len(), self.rate.controls());
        for (k, tangent) in tangents.chunks_mut(size).enumerate() {
            let push = &pushes[k * width..(k + 1) * width];
            let [point, slope, ..] = &mut stages.slopes;
            stages.sum.fill(0.0);
            slope.fill(0.0);
            for i in 0..4 {
                for ((p, t), s) in point.iter_mut().zip(tangent.iter()).zip(slope.iter()) {
                    *p = t + self.dt * NODES[i] * s;
                }
                let (t, at) = (self.time(n, i), &stages.points[i]);
                self.rate.rate_jvp(t, at, u, point, push, slope);
                axpy(self.dt * WEIGHTS[i], slope, &mut stages.sum);
            }
            axpy(1.0, &stages.sum, tangent);
        }
        Ok(())
    }
}
