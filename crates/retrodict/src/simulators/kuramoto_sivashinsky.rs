//! Chaotic flame fronts on a line.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::space::Space;
use crate::error::Result;
use crate::memory;
use crate::models::rollout::{Observe, RolledOut, Rollout, RolloutOptions, TimeStep};
use crate::options::{Build, Checked, Validate, positive, require};
use crate::spectral::fourier::{C64, RealFourier};

/// The Kuramoto–Sivashinsky equation, ∂u/∂t + u ∂ₓu + ∂ₓ²u + ∂ₓ⁴u = 0, on a periodic line: chaos.
///
/// Long waves grow, short ones die, and u ∂ₓu passes energy from one to the other. Neighbouring
/// solutions part exponentially, so that the gradient of a late state grows without bound while
/// it says less and less. Steps are exponential Runge–Kutta of second order: the linear part is
/// exact, whatever Δt. Σu is conserved.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::KuramotoSivashinskyOptions;
/// let flames = KuramotoSivashinskyOptions::default().with_cells(32).build()?;
/// let x: Vec<f64> = (0..32).map(|i| 0.1 * f64::from(i % 16)).collect();
/// let mut y = vec![0.0; 32];
/// flames.forward(&x, &mut y)?;
/// assert!((y.iter().sum::<f64>() - x.iter().sum::<f64>()).abs() < 1e-11 && y != x);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x: u on `cells` cells; y: the same after the last step, or the values at `observe_places` after
/// each of `observe_steps`.
///
/// # Units
/// Dimensionless; `length` 22 is the smallest usual length with chaos, with a Lyapunov time of
/// about 20.
///
/// # Cost
/// Three real transforms and three back a step.
///
/// # Source
/// Cox & Matthews, *Exponential time differencing for stiff systems* (2002), equation 20
/// (ETD2RK); Kassam & Trefethen 2005 for the equation as a test.
#[derive(Debug, Clone)]
pub struct KuramotoSivashinsky {
    options: Checked<KuramotoSivashinskyOptions>,
    rollout: Arc<Rollout<Exponential>>,
}

/// The options of [`KuramotoSivashinsky`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct KuramotoSivashinskyOptions {
    /// The number of cells.
    pub cells: usize,
    /// The length of the line.
    pub length: f64,
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

impl Default for KuramotoSivashinskyOptions {
    fn default() -> Self {
        Self {
            cells: 64,
            length: 22.0,
            dt: 0.05,
            steps: 100,
            observe_steps: Vec::new(),
            observe_places: Vec::new(),
            max_memory: None,
        }
    }
}

impl Validate for KuramotoSivashinskyOptions {
    fn validate(&self) -> Result<()> {
        require(
            self.cells >= 8,
            "cells",
            self.cells,
            "it needs at least 8 cells, better three for each unit of length",
        )?;
        positive("length", self.length)?;
        positive("dt", self.dt)
    }
    fn memory(&self) -> f64 {
        // The factors of each mode, and the lines of a step.
        let state = self.cells as f64;
        let seen = Observe::count(&self.observe_steps, &self.observe_places, state);
        memory::numbers(24.0 * state + seen)
            + memory::tape(self.steps, 2.0 * state, self.max_memory)
    }
}

impl Build for KuramotoSivashinskyOptions {
    type Built = KuramotoSivashinsky;

    fn make(options: Checked<Self>) -> Result<KuramotoSivashinsky> {
        let all = options.observe_steps.is_empty() && options.observe_places.is_empty();
        let observe = Observe::select(
            &options.observe_steps,
            &options.observe_places,
            options.steps,
            options.cells,
        );
        let sensors = (!all).then(|| observe.space("velocity at sensors", "1"));
        let step = Exponential::new(&options);
        let rollout = RolloutOptions::new(step, options.steps)
            .with_observe(observe)
            .with_output_space(sensors)
            .with_max_memory(options.max_memory)
            .build()?;
        Ok(KuramotoSivashinsky {
            rollout: Arc::new(rollout),
            options,
        })
    }
}

impl KuramotoSivashinsky {
    /// What it was made of.
    pub fn options(&self) -> &KuramotoSivashinskyOptions {
        &self.options
    }
}

impl RolledOut for KuramotoSivashinsky {
    type Step = Exponential;

    fn rollout(&self) -> &Rollout<Exponential> {
        &self.rollout
    }
}

/// One exponential step: a = E∗u + G₁∗u², then u ← a + G₂∗(a² − u²), with ∗ a product in Fourier
/// space.
#[derive(Debug)]
pub struct Exponential {
    state: Space,
    fourier: RealFourier,
    dt: f64,
    /// e^(LΔt), L = k² − k⁴.
    decay: Vec<C64>,
    /// −½ ik Δt φ₁(LΔt).
    first: Vec<C64>,
    /// −½ ik Δt φ₂(LΔt).
    second: Vec<C64>,
}

/// φ₁(z) = (e^z − 1)/z and φ₂(z) = (e^z − 1 − z)/z².
fn phi(z: f64) -> (f64, f64) {
    let first = if z == 0.0 { 1.0 } else { z.exp_m1() / z };
    // Near 0 the difference cancels; five terms of the series are exact there.
    let second = if z.abs() < 1e-2 {
        0.5 + z
            * (1.0 / 6.0 + z * (1.0 / 24.0 + z * (1.0 / 120.0 + z * (1.0 / 720.0 + z / 5040.0))))
    } else {
        (first - 1.0) / z
    };
    (first, second)
}

impl Exponential {
    fn new(options: &KuramotoSivashinskyOptions) -> Self {
        let cells = options.cells;
        let fourier = RealFourier::new(&[cells]);
        let width = options.length / cells as f64;
        let at = |f: &dyn Fn(f64, f64) -> C64| -> Vec<C64> {
            // A derivative has no highest mode on an even number of cells.
            let modes = (0..fourier.spectrum_len()).map(|m| {
                let k = 2.0 * std::f64::consts::PI * m as f64 / (cells as f64 * width);
                let slope = if 2 * m == cells { 0.0 } else { k };
                f(k * k - k.powi(4), slope)
            });
            modes.collect()
        };
        let dt = options.dt;
        let decay = at(&|l, _| C64::new((l * dt).exp(), 0.0));
        let first = at(&|l, k| C64::new(0.0, -0.5 * k * dt * phi(l * dt).0));
        let second = at(&|l, k| C64::new(0.0, -0.5 * k * dt * phi(l * dt).1));
        Self {
            state: Space::new("velocity", &[cells], "1"),
            fourier,
            dt,
            decay,
            first,
            second,
        }
    }

    /// out = G∗x, or with the adjoint of G.
    fn apply(&self, gains: &[C64], adjoint: bool, x: &[f64], out: &mut [f64]) {
        self.fourier.filter(x, out, |from, modes| {
            for (mode, gain) in modes.iter_mut().zip(&gains[from..]) {
                *mode *= if adjoint { gain.conj() } else { *gain };
            }
        });
    }
}

/// Three lines to work in.
pub struct StageLines([Vec<f64>; 3]);

impl TimeStep for Exponential {
    type Scratch = StageLines;

    fn state(&self) -> &Space {
        &self.state
    }
    /// u and a.
    fn record(&self) -> usize {
        2 * self.fourier.len()
    }
    fn time_step(&self) -> f64 {
        self.dt
    }
    fn scratch(&self) -> StageLines {
        StageLines(std::array::from_fn(|_| vec![0.0; self.fourier.len()]))
    }
    fn step(
        &self,
        _: usize,
        _: &[f64],
        state: &mut [f64],
        record: &mut [f64],
        StageLines([p, q, _]): &mut StageLines,
    ) -> Result<()> {
        let (u, a) = record.split_at_mut(state.len());
        u.copy_from_slice(state);
        self.apply(&self.decay, false, u, a);
        square(u, p);
        self.apply(&self.first, false, p, q);
        add(q, a);
        for (p, a) in p.iter_mut().zip(a.iter()) {
            *p = a * a - *p;
        }
        self.apply(&self.second, false, p, q);
        state.copy_from_slice(a);
        add(q, state);
        Ok(())
    }
    fn step_vjp(
        &self,
        _: usize,
        _: &[f64],
        record: &[f64],
        adjoints: &mut [f64],
        _: &mut [f64],
        StageLines([p, q, r]): &mut StageLines,
    ) -> Result<()> {
        let n = self.fourier.len();
        let (u, a) = record.split_at(n);
        for adjoint in adjoints.chunks_mut(n) {
            self.apply(&self.second, true, adjoint, p);
            // What reaches a: directly, and by a².
            for ((adjoint, a), p) in adjoint.iter_mut().zip(a).zip(p.iter()) {
                *adjoint += 2.0 * a * p;
            }
            self.apply(&self.first, true, adjoint, q);
            self.apply(&self.decay, true, adjoint, r);
            for i in 0..n {
                adjoint[i] = r[i] + 2.0 * u[i] * (q[i] - p[i]);
            }
        }
        Ok(())
    }
    fn step_jvp(
        &self,
        _: usize,
        _: &[f64],
        record: &[f64],
        tangents: &mut [f64],
        _: &[f64],
        StageLines([p, q, r]): &mut StageLines,
    ) -> Result<()> {
        let n = self.fourier.len();
        let (u, a) = record.split_at(n);
        for tangent in tangents.chunks_mut(n) {
            for i in 0..n {
                p[i] = 2.0 * u[i] * tangent[i];
            }
            self.apply(&self.decay, false, tangent, r);
            self.apply(&self.first, false, p, q);
            add(q, r);
            for i in 0..n {
                p[i] = 2.0 * a[i] * r[i] - p[i];
            }
            self.apply(&self.second, false, p, tangent);
            add(r, tangent);
        }
        Ok(())
    }
}

fn square(x: &[f64], out: &mut [f64]) {
    out.iter_mut().zip(x).for_each(|(out, x)| *out = x * x);
}

fn add(x: &[f64], out: &mut [f64]) {
    out.iter_mut().zip(x).for_each(|(out, x)| *out += x);
}
