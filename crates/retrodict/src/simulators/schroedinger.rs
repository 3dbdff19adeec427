//! A quantum particle in a well, controlled through its dipole.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::space::Space;
use crate::error::Result;
use crate::memory;
use crate::models::rollout::{Input, RolledOut, Rollout, RolloutOptions, TimeStep};
use crate::options::{Build, Checked, Validate, positive, require};
use crate::spectral::fourier::C64;

/// A quantum particle in an infinite well, driven through its dipole: i ∂ψ/∂t = (−Δ + u(t) x) ψ.
///
/// ψ vanishes at both walls; it lives on `points` grid points of which the outer two are the
/// walls. Steps are Crank–Nicolson's, so Σ|ψ|² = 1 is conserved to round-off:
/// ψ ← U₁⁻¹U₂ψ with U₁ = 1 + i Δt/2 H, U₂ = 1 − i Δt/2 H and u constant over a step.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::SchroedingerOptions;
/// let well = SchroedingerOptions::default().with_steps(100).build()?;
/// let mut psi = [0.0; 28];
/// well.forward(&[3.0; 100], &mut psi)?;
/// // Still normalised, no longer in the ground state.
/// assert!((psi.iter().map(|p| p * p).sum::<f64>() - 1.0).abs() < 1e-12);
/// let overlap: f64 = psi.iter().zip(well.eigenstate(1)).map(|(a, b)| a * b).sum();
/// assert!(overlap.abs() < 0.99);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x: the control u of each step; y: Re ψ at the inner points, then Im ψ, 2 (`points` − 2).
///
/// # Units
/// ħ = 1 and 2m = 1; x in lengths of the well's unit.
///
/// # Cost
/// One complex tridiagonal factorisation a step, which serves all right-hand sides of a sweep.
///
/// # Source
/// Schnell, Holl & Thuerey, *Half-Inverse Gradients for Physical Deep Learning* (ICLR 2022),
/// section 4.3; equation and grid as in the authors' code: kinetic energy −Δ, x from the left wall.
#[derive(Debug, Clone)]
pub struct Schroedinger {
    options: Checked<SchroedingerOptions>,
    rollout: Arc<Rollout<CrankNicolson>>,
}

/// The options of [`Schroedinger`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct SchroedingerOptions {
    /// Grid points, both walls included; at least 3.
    pub points: usize,
    /// The distance of the walls.
    pub width: f64,
    /// The number of time steps.
    pub steps: usize,
    /// The time step Δt.
    pub dt: f64,
    /// The eigenstate at the start, 1 for the ground state.
    pub level: usize,
    /// How many bytes the tape of a run may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub max_memory: Option<usize>,
}

impl Default for SchroedingerOptions {
    fn default() -> Self {
        Self {
            points: 16,
            width: 2.0,
            steps: 384,
            dt: 0.05,
            level: 1,
            max_memory: None,
        }
    }
}

impl Validate for SchroedingerOptions {
    fn validate(&self) -> Result<()> {
        require(
            self.points >= 3,
            "points",
            self.points,
            "it needs the two walls and at least one point between them",
        )?;
        positive("width", self.width)?;
        positive("dt", self.dt)?;
        let levels = self.points - 2;
        require(
            (1..=levels).contains(&self.level),
            "level",
            self.level,
            &format!("{levels} inner points carry the eigenstates 1 to {levels}"),
        )
    }
    fn memory(&self) -> f64 {
        // x holds a control for each step; a step works on several adjoints at once.
        let state = 2.0 * self.points as f64;
        memory::numbers(24.0 * state + 6.0 * self.steps as f64)
            + memory::tape(self.steps, state, self.max_memory)
    }
}

impl Build for SchroedingerOptions {
    type Built = Schroedinger;

    fn make(options: Checked<Self>) -> Result<Schroedinger> {
        let dx = options.width / (options.points - 1) as f64;
        let inner = options.points - 2;
        let step = CrankNicolson {
            state: Space::new("wave function", &[2, inner], "1"),
            inner,
            dt: options.dt,
            dx,
            coupling: 0.5 * options.dt / (dx * dx),
        };
        let rollout = RolloutOptions::new(step, options.steps)
            .with_input(Input::Controls)
            .with_input_space(Space::new("control", &[options.steps], "1"))
            .with_initial(eigenstate(inner, options.level))
            .with_max_memory(options.max_memory)
            .build()?;
        Ok(Schroedinger {
            rollout: Arc::new(rollout),
            options,
        })
    }
}

impl Schroedinger {
    /// What it was made of.
    pub fn options(&self) -> &SchroedingerOptions {
        &self.options
    }
}

impl Schroedinger {
    /// The eigenstate without control, as a y: real, with Σ|ψ|² = 1.
    pub fn eigenstate(&self, level: usize) -> Vec<f64> {
        eigenstate(self.options.points - 2, level)
    }

    /// The energy of an eigenstate on this grid.
    pub fn energy(&self, level: usize) -> f64 {
        let dx = self.options.width / (self.options.points - 1) as f64;
        let half_angle =
            std::f64::consts::FRAC_PI_2 * level as f64 / (self.options.points - 1) as f64;
        (2.0 * half_angle.sin() / dx).powi(2)
    }
}

/// The eigenstate on so many inner points.
fn eigenstate(inner: usize, level: usize) -> Vec<f64> {
    let angle = std::f64::consts::PI * level as f64 / (inner + 1) as f64;
    // Σ sin² over the grid is (inner + 1)/2.
    let scale = (2.0 / (inner + 1) as f64).sqrt();
    let mut state: Vec<f64> = (1..=inner)
        .map(|j| scale * (angle * j as f64).sin())
        .collect();
    state.resize(2 * inner, 0.0);
    state
}

impl RolledOut for Schroedinger {
    type Step = CrankNicolson;

    fn rollout(&self) -> &Rollout<CrankNicolson> {
        &self.rollout
    }
}

/// One step of ψ under a constant control.
#[derive(Debug, Clone, PartialEq)]
pub struct CrankNicolson {
    state: Space,
    inner: usize,
    dt: f64,
    dx: f64,
    /// r = Δt/(2 Δx²): the off-diagonal of U₁ is −i r.
    coupling: f64,
}

/// Right-hand sides that are solved together, side by side in memory.
const LANES: usize = 8;

type LaneValues = [f64; LANES];

/// The factors of U₁ and a block of right-hand sides.
pub struct SplitScratch {
    /// 1/pivot at each point.
    inverse_pivots: Vec<C64>,
    re: Vec<LaneValues>,
    im: Vec<LaneValues>,
}

impl CrankNicolson {
    fn position(&self, j: usize) -> f64 {
        (j + 1) as f64 * self.dx
    }

    /// Thomas's elimination of U₁ = tridiag(−i r, 1 + i(2r + Δt/2 u xⱼ), −i r): stable without
    /// pivoting, since the Hermitian part of U₁ is 1.
    fn factor(&self, u: f64, scratch: &mut SplitScratch) {
        let r2 = self.coupling * self.coupling;
        let mut last = C64::default();
        for (j, inverse) in scratch.inverse_pivots.iter_mut().enumerate() {
            let diagonal = 2.0 * self.coupling + 0.5 * self.dt * u * self.position(j);
            // (−i r)² = −r².
            let pivot = C64::new(1.0, diagonal) + r2 * last;
            last = pivot.inv();
            *inverse = last;
        }
    }

    /// Solves U₁ z = b for all lanes, in place. `sign` −1 solves with the conjugate of U₁.
    fn solve(&self, sign: f64, scratch: &mut SplitScratch) {
        let (re, im) = (&mut scratch.re, &mut scratch.im);
        let r = sign * self.coupling;
        for j in 1..self.inner {
            // b_j += i r c_{j−1} b_{j−1}
            let c = scratch.inverse_pivots[j - 1];
            let factor = C64::new(-r * sign * c.im, r * c.re);
            for k in 0..LANES {
                let (a, b) = (re[j - 1][k], im[j - 1][k]);
                re[j][k] += factor.re * a - factor.im * b;
                im[j][k] += factor.re * b + factor.im * a;
            }
        }
        for j in (0..self.inner).rev() {
            let c = scratch.inverse_pivots[j];
            let (c_re, c_im) = (c.re, sign * c.im);
            for k in 0..LANES {
                let (mut a, mut b) = (re[j][k], im[j][k]);
                if j + 1 < self.inner {
                    // b_j += i r z_{j+1}
                    a -= r * im[j + 1][k];
                    b += r * re[j + 1][k];
                }
                re[j][k] = c_re * a - c_im * b;
                im[j][k] = c_re * b + c_im * a;
            }
        }
    }

    /// Copies up to `LANES` vectors (Re, then Im) into the lanes.
    fn load(&self, vectors: &[f64], scratch: &mut SplitScratch) {
        for (k, vector) in vectors.chunks(2 * self.inner).enumerate() {
            let (re, im) = vector.split_at(self.inner);
            for j in 0..self.inner {
                scratch.re[j][k] = re[j];
                scratch.im[j][k] = im[j];
            }
        }
    }

    /// v ← 2z − v for each vector and its lane.
    fn reflect(&self, vectors: &mut [f64], scratch: &SplitScratch) {
        for (k, vector) in vectors.chunks_mut(2 * self.inner).enumerate() {
            let (re, im) = vector.split_at_mut(self.inner);
            for j in 0..self.inner {
                re[j] = 2.0 * scratch.re[j][k] - re[j];
                im[j] = 2.0 * scratch.im[j][k] - im[j];
            }
        }
    }
}

impl TimeStep for CrankNicolson {
    type Scratch = SplitScratch;

    fn state(&self) -> &Space {
        &self.state
    }
    fn controls(&self) -> usize {
        1
    }
    fn time_step(&self) -> f64 {
        self.dt
    }
    fn scratch(&self) -> SplitScratch {
        SplitScratch {
            inverse_pivots: vec![C64::default(); self.inner],
            re: vec![[0.0; LANES]; self.inner],
            im: vec![[0.0; LANES]; self.inner],
        }
    }
    /// U₁⁻¹U₂ = 2U₁⁻¹ − 1: no product with U₂. The record is φ = U₁⁻¹ψ.
    fn step(
        &self,
        _: usize,
        u: &[f64],
        state: &mut [f64],
        record: &mut [f64],
        scratch: &mut SplitScratch,
    ) -> Result<()> {
        self.factor(u[0], scratch);
        self.load(state, scratch);
        self.solve(1.0, scratch);
        for j in 0..self.inner {
            record[j] = scratch.re[j][0];
            record[self.inner + j] = scratch.im[j][0];
        }
        self.reflect(state, scratch);
        Ok(())
    }
    /// With b = U₁⁻ᴴa: ∂/∂u = Re⟨b, −iΔt x φ⟩ and a ← 2b − a.
    fn step_vjp(
        &self,
        _: usize,
        u: &[f64],
        record: &[f64],
        adjoints: &mut [f64],
        pulls: &mut [f64],
        scratch: &mut SplitScratch,
    ) -> Result<()> {
        self.factor(u[0], scratch);
        let (re, im) = record.split_at(self.inner);
        let block = LANES * 2 * self.inner;
        for (adjoints, pulls) in adjoints.chunks_mut(block).zip(pulls.chunks_mut(LANES)) {
            self.load(adjoints, scratch);
            self.solve(-1.0, scratch);
            let mut sums = [0.0; LANES];
            for j in 0..self.inner {
                let x = self.dt * self.position(j);
                for k in 0..LANES {
                    sums[k] += x * (scratch.re[j][k] * im[j] - scratch.im[j][k] * re[j]);
                }
            }
            for (pull, sum) in pulls.iter_mut().zip(sums) {
                *pull += sum;
            }
            self.reflect(adjoints, scratch);
        }
        Ok(())
    }
    /// δψ ← 2U₁⁻¹(δψ − δu i Δt/2 x φ) − δψ.
    fn step_jvp(
        &self,
        _: usize,
        u: &[f64],
        record: &[f64],
        tangents: &mut [f64],
        pushes: &[f64],
        scratch: &mut SplitScratch,
    ) -> Result<()> {
        self.factor(u[0], scratch);
        let (re, im) = record.split_at(self.inner);
        let block = LANES * 2 * self.inner;
        for (tangents, pushes) in tangents.chunks_mut(block).zip(pushes.chunks(LANES)) {
            self.load(tangents, scratch);
            for (k, push) in pushes.iter().enumerate() {
                for j in 0..self.inner {
                    let x = 0.5 * self.dt * self.position(j) * push;
                    scratch.re[j][k] += x * im[j];
                    scratch.im[j][k] -= x * re[j];
                }
            }
            self.solve(1.0, scratch);
            self.reflect(tangents, scratch);
        }
        Ok(())
    }
    fn can_step_back(&self) -> bool {
        true
    }
    /// The step is unitary: its inverse is its adjoint.
    fn step_back(
        &self,
        _: usize,
        u: &[f64],
        state: &mut [f64],
        scratch: &mut SplitScratch,
    ) -> Result<()> {
        self.factor(u[0], scratch);
        self.load(state, scratch);
        self.solve(-1.0, scratch);
        self.reflect(state, scratch);
        Ok(())
    }
}
