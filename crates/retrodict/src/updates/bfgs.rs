//! BFGS.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::anew::Anew;
use super::{Memory, Notice, Search, UpdateRule, validate_wolfe};
use crate::error::Result;
use crate::linalg::{Matrix, axpy, dot, norm};
use crate::memory;
use crate::options::{Checked, Validate, built};
use crate::problem::{Evaluation, silence};

/// BFGS: Δx = −B ∂L/∂x, with B → H⁻¹ built up from the gradients of all steps.
///
/// A line search that satisfies the strong Wolfe conditions finds the length.
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::Bfgs;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let solver = Solver::new(Bfgs::default(), StopWhen::after(20));
/// let x = solver.solve(&problem, &[0.0, 0.0])?.x;
/// assert!((x[0] - 1.0).abs() < 1e-6 && (x[1] - 1.0).abs() < 1e-6);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// B is in \[x\]²/\[L\], learned; the first step is normalised.
///
/// # Scaling
/// Invariant to P → αP, y* → αy* and to linear changes of x once B has been learned.
///
/// # Near the optimum
/// Superlinear convergence.
///
/// # Needs
/// One vjp and one forward call for each trial of the line search; n² numbers and 4 n²
/// multiplications a step.
///
/// # When to choose it
/// For up to some hundred unknowns, when only a gradient is to be had.
///
/// # Where the search fails
/// The rule restarts down the gradient, in units of x itself, as long as that helps.
///
/// # Source
/// Broyden, Fletcher, Goldfarb, Shanno (1970); Nocedal & Wright, *Numerical Optimization*,
/// algorithm 6.1 with the first scaling of equation 6.20.
#[derive(Debug, Clone)]
pub struct Bfgs {
    options: Checked<BfgsOptions>,
    memory: Memory<Option<Learned>>,
}

/// The options of [`Bfgs`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct BfgsOptions {
    /// The Armijo constant c₁ of the line search.
    pub decrease: f64,
    /// The curvature constant c₂ > c₁ of the line search.
    pub curvature: f64,
}

built!(BfgsOptions => Bfgs { memory });

impl Default for BfgsOptions {
    fn default() -> Self {
        Self {
            decrease: 1e-4,
            curvature: 0.9,
        }
    }
}

/// The last point, and the inverse Hessian so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Learned {
    x: Vec<f64>,
    gradient: Vec<f64>,
    inverse: Option<Matrix>,
    #[serde(default)]
    anew: Option<Anew>,
}

impl Validate for BfgsOptions {
    fn validate(&self) -> Result<()> {
        validate_wolfe(self.decrease, self.curvature)
    }
}

impl UpdateRule for Bfgs {
    fn name(&self) -> &'static str {
        "bfgs"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let n = at.x().len() as f64;
        memory::affordable(
            "bfgs, which keeps a matrix of all unknowns",
            memory::numbers(2.0 * n * n),
        )?;
        let gradient = at.gradient()?;
        let whole = at.whole_gradient()?;
        let learned = self.memory.0.get_or_insert_with(|| Learned {
            x: at.x().to_vec(),
            gradient: whole.to_vec(),
            inverse: None,
            anew: None,
        });
        learned.learn(at.x(), whole, at.held()?);
        match (&learned.inverse, &learned.anew) {
            (Some(inverse), _) => {
                inverse.apply(gradient, dx);
                dx.iter_mut().for_each(|d| *d = -*d);
            }
            (None, Some(anew)) => anew.first_step(gradient, dx),
            (None, None) => axpy(-1.0 / norm(gradient).max(1.0), gradient, dx),
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
        let Some(learned) = &mut self.memory.0 else {
            return Ok(false);
        };
        let anew = Anew::begin(&mut learned.anew, at)?;
        if anew {
            learned.inverse = None;
        }
        Ok(anew)
    }

    fn remember(&self) -> Vec<u8> {
        self.memory.to_bytes()
    }

    fn recall(&mut self, bytes: &[u8]) -> Result<()> {
        self.memory.take_from(bytes)
    }
}

impl Learned {
    /// Learns from a step; what is known of unknowns that bounds hold is kept apart, so that B is that
    /// of the others.
    fn learn(&mut self, x: &[f64], gradient: &[f64], held: Option<&[bool]>) {
        let mut s: Vec<f64> = x.iter().zip(&self.x).map(|(a, b)| a - b).collect();
        let mut y: Vec<f64> = gradient
            .iter()
            .zip(&self.gradient)
            .map(|(a, b)| a - b)
            .collect();
        self.x.copy_from_slice(x);
        self.gradient.copy_from_slice(gradient);
        if let Some(held) = held {
            silence(held, &mut s);
            silence(held, &mut y);
            if let Some(inverse) = &mut self.inverse {
                decouple(inverse, held);
            }
        }
        let curvature = dot(&s, &y);
        if curvature <= f64::EPSILON * norm(&s) * norm(&y) {
            return;
        }
        let n = s.len();
        let anew = &self.anew;
        let inverse = self.inverse.get_or_insert_with(|| {
            let mut first = Matrix::zeros(n, n);
            let squares = anew.as_ref().map_or(dot(&y, &y), |anew| anew.squares(&y));
            let gamma = curvature / squares;
            for i in 0..n {
                first[(i, i)] = gamma * anew.as_ref().map_or(1.0, |anew| anew.units[i]);
            }
            first
        });
        // B ← B + (1 + yᵀBy/sᵀy) s sᵀ/sᵀy − (B y sᵀ + s yᵀ B)/sᵀy.
        let mut by = vec![0.0; n];
        inverse.apply(&y, &mut by);
        let stretch = (1.0 + dot(&y, &by) / curvature) / curvature;
        for i in 0..n {
            let (si, byi) = (s[i], by[i]);
            for (b, (sj, byj)) in inverse.row_mut(i).iter_mut().zip(s.iter().zip(&by)) {
                *b += stretch * si * sj - (byi * sj + si * byj) / curvature;
            }
        }
    }
}

/// Leaves of some unknowns' rows and columns the diagonal.
fn decouple(inverse: &mut Matrix, held: &[bool]) {
    for i in 0..held.len() {
        let diagonal = inverse[(i, i)];
        if held[i] {
            inverse.row_mut(i).fill(0.0);
        } else {
            silence(held, inverse.row_mut(i));
        }
        inverse[(i, i)] = diagonal;
    }
}
