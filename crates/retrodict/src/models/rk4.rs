//! The classical Runge–Kutta step of a rate ds/dt = f(t, s, u), with its tangents and adjoints.

use crate::core::space::Space;
use crate::error::Result;
use crate::linalg::axpy;
use crate::models::rollout::TimeStep;
use crate::options::require;

/// ds/dt = f(t, s, u): all that an explicit method needs to know.
///
/// # Shapes
/// A state has `state().len()` values, u `controls()`.
pub trait Rate: Send + Sync {
    /// The space of the state.
    fn state(&self) -> &Space;
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
    /// The same for several a, one after the other, at one point. Worth writing for small states, where
    /// the calls cost more than the work.
    fn rate_vjps(
        &self,
        t: f64,
        s: &[f64],
        u: &[f64],
        a: &[f64],
        out: &mut [f64],
        pulls: &mut [f64],
    ) {
        let width = self.controls();
        let pairs = a.chunks(s.len()).zip(out.chunks_mut(s.len()));
        for (k, (a, out)) in pairs.enumerate() {
            self.rate_vjp(t, s, u, a, out, &mut pulls[k * width..(k + 1) * width]);
        }
    }
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
#[non_exhaustive]
pub struct Rk4<R> {
    /// The rate.
    pub rate: R,
    /// Δt > 0.
    pub dt: f64,
}

/// The points at which the stages after the first were taken, and workspace for all slopes.
pub struct Stages {
    later: [Vec<f64>; 3],
    slopes: [Vec<f64>; 4],
    sum: Vec<f64>,
    /// Of adjoints that move back together: what enters a stage, what leaves it, and the sum.
    together: [Vec<f64>; 3],
}

/// Adjoints move back together as long as they have no more values than this, so that they stay in the
/// cache from stage to stage.
const TOGETHER: usize = 512;

/// Where in the step each stage is taken, and with which weight it enters the sum.
const NODES: [f64; 4] = [0.0, 0.5, 0.5, 1.0];
const WEIGHTS: [f64; 4] = [1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0];

impl<R: Rate> Rk4<R> {
    /// Steps of length Δt > 0.
    pub fn new(rate: R, dt: f64) -> Self {
        Self { rate, dt }
    }

    fn time(&self, n: usize, stage: usize) -> f64 {
        (n as f64 + NODES[stage]) * self.dt
    }

    /// Finds the points of all four stages from the state before the step, and the slopes at the
    /// first `slopes` of them.
    fn stages(&self, n: usize, u: &[f64], state: &[f64], slopes: usize, stages: &mut Stages) {
        for i in 0..4 {
            if i > 0 {
                let reach = self.dt * NODES[i];
                let before = state.iter().zip(&stages.slopes[i - 1]);
                for (point, (state, slope)) in stages.later[i - 1].iter_mut().zip(before) {
                    *point = state + reach * slope;
                }
            }
            if i < slopes {
                let point = point(i, state, &stages.later);
                let slope = &mut stages.slopes[i];
                self.rate.rate(self.time(n, i), point, u, slope);
            }
        }
    }
}

/// Where stage i was taken: the first one at the state itself.
fn point<'a>(i: usize, state: &'a [f64], later: &'a [Vec<f64>; 3]) -> &'a [f64] {
    if i == 0 { state } else { &later[i - 1] }
}

impl<R: Rate> TimeStep for Rk4<R> {
    type Scratch = Stages;

    fn state(&self) -> &Space {
        self.rate.state()
    }
    fn controls(&self) -> usize {
        self.rate.controls()
    }
    fn time_step(&self) -> f64 {
        self.dt
    }
    fn scratch(&self) -> Stages {
        let width = self.rate.state().len();
        let zeros = || vec![0.0; width];
        Stages {
            later: std::array::from_fn(|_| zeros()),
            slopes: std::array::from_fn(|_| zeros()),
            sum: zeros(),
            together: Default::default(),
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
            let reach = self.dt * weight;
            let pairs = state.iter_mut().zip(slope);
            pairs.for_each(|(s, k)| *s += reach * k);
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
        let block = (TOGETHER / size.max(1)).max(1);
        for (k, a) in adjoints.chunks_mut(block * size).enumerate() {
            let from = k * block * width;
            let pulls = &mut pulls[from..from + a.len() / size.max(1) * width];
            let [l, back, sum] = &mut stages.together;
            for scratch in [&mut *l, &mut *back, &mut *sum] {
                scratch.clear();
                scratch.resize(a.len(), 0.0);
            }
            for i in (0..4).rev() {
                let reach = if i < 3 { self.dt * NODES[i + 1] } else { 0.0 };
                let weight = self.dt * WEIGHTS[i];
                for ((l, a), back) in l.iter_mut().zip(a.iter()).zip(back.iter()) {
                    *l = weight * a + reach * back;
                }
                let (t, point) = (self.time(n, i), point(i, record, &stages.later));
                self.rate.rate_vjps(t, point, u, l, back, pulls);
                sum.iter_mut().zip(back.iter()).for_each(|(s, b)| *s += b);
            }
            a.iter_mut().zip(sum.iter()).for_each(|(a, s)| *a += s);
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
            let [pushed, slope, ..] = &mut stages.slopes;
            stages.sum.fill(0.0);
            slope.fill(0.0);
            for i in 0..4 {
                for ((p, t), s) in pushed.iter_mut().zip(tangent.iter()).zip(slope.iter()) {
                    *p = t + self.dt * NODES[i] * s;
                }
                let (t, at) = (self.time(n, i), point(i, record, &stages.later));
                self.rate.rate_jvp(t, at, u, pushed, push, slope);
                axpy(self.dt * WEIGHTS[i], slope, &mut stages.sum);
            }
            axpy(1.0, &stages.sum, tangent);
        }
        Ok(())
    }
}
/// Fails unless Runge–Kutta steps of a diffusion are stable: 4·axes·ν Δt/cell² ≤ 2.78.
pub(crate) fn stable_diffusion(key: &str, nu: f64, dt: f64, cell: f64, axes: usize) -> Result<()> {
    let number = 4.0 * axes as f64 * nu * dt / (cell * cell);
    require(
        number <= 2.78,
        "dt",
        dt,
        &format!(
            "with this {key} Runge-Kutta steps are stable up to dt = {:.3e}",
            2.78 * dt / number
        ),
    )
}
