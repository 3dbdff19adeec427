//! Limited-memory BFGS.

use std::collections::VecDeque;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::anew::Anew;
use super::{Memory, Notice, Search, UpdateRule, validate_wolfe};
use crate::error::Result;
use crate::linalg::{axpy_dot, dot, norm};
use crate::options::{Checked, Validate, built, require};
use crate::problem::{Evaluation, silence};

/// Limited-memory BFGS: Δx = −H⁻¹ ∂L/∂x with H⁻¹ from the last few steps and gradients.
///
/// A line search that satisfies the strong Wolfe conditions finds the length.
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::LimitedMemoryBfgs;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let solver = Solver::new(LimitedMemoryBfgs::default(), StopWhen::after(20));
/// let x = solver.solve(&problem, &[0.0, 0.0])?.x;
/// assert!((x[0] - 1.0).abs() < 1e-6 && (x[1] - 1.0).abs() < 1e-6);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// H⁻¹ is measured from pairs of Δx and Δ∂L/∂x, so nothing carries a unit but the first
/// step, which is normalised.
///
/// # Scaling
/// Invariant to P → αP, y* → αy* after the first step; to a change of x only as far as the
/// memory has learned it.
///
/// # Near the optimum
/// Superlinear at best; for ill-posed problems slow in the directions with small gradients.
///
/// # Needs
/// One vjp and one forward call for each trial of the line search, mostly one; 2 `memory` n
/// numbers.
///
/// # When to choose it
/// For many unknowns when only a gradient is to be had: the strongest of the baselines.
///
/// # Source
/// Liu & Nocedal, *On the limited memory BFGS method* (1989); Nocedal & Wright, *Numerical
/// Optimization*, algorithms 7.4 and 7.5.
#[derive(Debug, Clone)]
pub struct LimitedMemoryBfgs {
    options: Checked<LimitedMemoryBfgsOptions>,
    history: Memory<History>,
}

/// The options of [`LimitedMemoryBfgs`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct LimitedMemoryBfgsOptions {
    /// How many pairs are kept, at least 1.
    pub memory: usize,
    /// The Armijo constant c₁ of the line search.
    pub decrease: f64,
    /// The curvature constant c₂ > c₁ of the line search.
    pub curvature: f64,
}

built!(LimitedMemoryBfgsOptions => LimitedMemoryBfgs { history });

impl Default for LimitedMemoryBfgsOptions {
    fn default() -> Self {
        Self {
            memory: 10,
            decrease: 1e-4,
            curvature: 0.9,
        }
    }
}

/// The last point and gradient, and the pairs of the steps before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct History {
    pairs: VecDeque<SecantPair>,
    last: Option<(Vec<f64>, Vec<f64>)>,
    /// The unknowns that bounds held at the last point; empty if none.
    held: Vec<bool>,
    #[serde(default)]
    anew: Option<Anew>,
}

/// s = Δx, y = Δ∂L/∂x, ρ = 1/sᵀy, and γ = sᵀy/yᵀy, the scale of H⁻¹ along y.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct SecantPair {
    s: Vec<f64>,
    y: Vec<f64>,
    rho: f64,
    gamma: f64,
}

impl Validate for LimitedMemoryBfgsOptions {
    fn validate(&self) -> Result<()> {
        require(
            self.memory > 0,
            "memory",
            self.memory,
            "it must be at least 1; 5 to 20 is usual",
        )?;
        validate_wolfe(self.decrease, self.curvature)
    }
}

impl UpdateRule for LimitedMemoryBfgs {
    fn name(&self) -> &'static str {
        "limited-memory-bfgs"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let gradient = at.gradient()?;
        let history = &mut self.history.0;
        history.learn(self.options.memory, at.x(), at.whole_gradient()?);
        history.hold(at.held()?);
        dx.iter_mut().zip(gradient).for_each(|(d, g)| *d = -g);
        history.precondition(dx);
        if let (Some(anew), true) = (&history.anew, history.pairs.is_empty()) {
            anew.first_step(gradient, dx);
        } else if history.pairs.is_empty() {
            let length = norm(gradient);
            if length > 1.0 {
                dx.iter_mut().for_each(|d| *d /= length);
            }
        }
        Ok(None)
    }

    fn search(&self) -> Search {
        Search::StrongWolfe {
            decrease: self.options.decrease,
            curvature: self.options.curvature,
        }
    }

    fn forget(&mut self, at: &Evaluation<'_>) -> Result<bool> {
        let history = &mut self.history.0;
        let anew = Anew::begin(&mut history.anew, at)?;
        if anew {
            history.pairs.clear();
        }
        Ok(anew)
    }

    fn remember(&self) -> Vec<u8> {
        self.history.to_bytes()
    }

    fn recall(&mut self, bytes: &[u8]) -> Result<()> {
        self.history.take_from(bytes)
    }
}

impl SecantPair {
    /// Takes ρ and γ, and says whether the curvature along s is positive: the line search makes it
    /// so, but round-off near the optimum or a bend of the way may not.
    fn measure(&mut self) -> bool {
        let curvature = dot(&self.s, &self.y);
        let squares = dot(&self.y, &self.y);
        self.rho = 1.0 / curvature;
        self.gamma = curvature / squares;
        curvature > f64::EPSILON * norm(&self.s) * squares.sqrt()
    }

    fn hold(&mut self, held: &[bool]) -> bool {
        silence(held, &mut self.s);
        silence(held, &mut self.y);
        self.measure()
    }
}

impl History {
    /// Takes the pair of the last step, into the buffers of the oldest one.
    fn learn(&mut self, memory: usize, x: &[f64], gradient: &[f64]) {
        let Some((last_x, last_gradient)) = &mut self.last else {
            self.last = Some((x.to_vec(), gradient.to_vec()));
            return;
        };
        let mut pair = if self.pairs.len() >= memory {
            self.pairs.pop_front().unwrap_or_default()
        } else {
            SecantPair::default()
        };
        pair.s.clear();
        pair.s.extend(x.iter().zip(&*last_x).map(|(a, b)| a - b));
        pair.y.clear();
        pair.y
            .extend(gradient.iter().zip(&*last_gradient).map(|(a, b)| a - b));
        last_x.copy_from_slice(x);
        last_gradient.copy_from_slice(gradient);
        if pair.measure() {
            self.pairs.push_back(pair);
        }
    }

    /// Forgets what pairs say of unknowns that bounds hold: H⁻¹ is that of the others.
    fn hold(&mut self, held: Option<&[bool]>) {
        let known = std::mem::take(&mut self.held);
        let Some(held) = held else { return };
        let oldest = if known == held {
            self.pairs.len().saturating_sub(1)
        } else {
            0
        };
        let mut kept = self.pairs.split_off(oldest);
        kept.retain_mut(|pair| pair.hold(held));
        self.pairs.append(&mut kept);
        self.held.extend(held);
    }

    /// The two-loop recursion: q ← H⁻¹ q.
    fn precondition(&self, q: &mut [f64]) {
        let mut alphas = [0.0; 64];
        let mut spilled = Vec::new();
        let alphas = if self.pairs.len() <= alphas.len() {
            &mut alphas[..self.pairs.len()]
        } else {
            spilled.resize(self.pairs.len(), 0.0);
            &mut spilled[..]
        };
        // Each pass changes q by one pair and meets the next one on the way.
        let count = self.pairs.len();
        let Some(newest) = self.pairs.back() else {
            return;
        };
        let mut product = dot(&newest.s, q);
        for i in (0..count).rev() {
            let pair = &self.pairs[i];
            alphas[i] = pair.rho * product;
            let next = if i > 0 { &self.pairs[i - 1].s } else { &pair.y };
            product = axpy_dot(-alphas[i], &pair.y, q, next);
        }
        match &self.anew {
            None => {
                q.iter_mut().for_each(|q| *q *= newest.gamma);
                product *= newest.gamma;
            }
            Some(anew) => {
                let gamma = 1.0 / (newest.rho * anew.squares(&newest.y));
                for (q, d) in q.iter_mut().zip(&anew.units) {
                    *q *= gamma * d;
                }
                product = dot(&self.pairs[0].y, q);
            }
        }
        for i in 0..count {
            let pair = &self.pairs[i];
            let beta = pair.rho * product;
            let next = self.pairs.get(i + 1).map_or(&pair.s, |next| &next.y);
            product = axpy_dot(alphas[i] - beta, &pair.s, q, next);
        }
    }
}
