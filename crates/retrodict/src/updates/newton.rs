//! Newton's method with the exact Hessian.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DESCENT, Notice, Search, UpdateRule};
use crate::error::Result;
use crate::linalg::{axpy, dot, norm, symmetric_eigen, symmetric_function};
use crate::options::{Checked, Validate, at_least_below, built, positive, require};
use crate::problem::Evaluation;

/// Newton's method: Δx = −η H⁻¹ ∂L/∂x with the exact Hessian H; optionally |H| instead of H.
///
/// The Hessian comes from jvp, vjp and the simulator's second derivatives. Directions in
/// which |H| is below `truncation` of its largest eigenvalue are left out. If nothing is
/// left, or H is singular in every direction of the gradient, the rule steps against the
/// gradient and says so.
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::Newton;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let solver = Solver::new(Newton::default(), StopWhen::after(1));
/// let x = solver.solve(&problem, &[0.0, 0.0])?.x;
/// // L is quadratic: one step.
/// assert!((x[0] - 1.0).abs() < 1e-12 && (x[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// H is in \[L\]/\[x\]², so η has no unit.
///
/// # Scaling
/// Invariant to P → αP, y* → αy*, and to any linear change of x. Not to a nonlinear map
/// between x and the loss: in `square` the quartic slows it down to 2/3 a step.
///
/// # Near the optimum
/// Quadratic convergence, if H is regular there.
///
/// # Needs
/// Second derivatives, unless P is linear; n Hessian products a step (up to `dense_up_to`
/// unknowns, beyond that `krylov_steps` of them).
///
/// # Within bounds
/// Where they bend the way, the step is halved until the loss falls: so H should be positive, or
/// `saddle_free`.
///
/// # When to choose it
/// For few unknowns, with `saddle_free` wherever H may be indefinite: plain Newton walks
/// towards saddles and maxima.
///
/// # Source
/// Nocedal & Wright, *Numerical Optimization*, 3.3; saddle-free: Dauphin et al. (NeurIPS
/// 2014); cap on the loss change: Holl et al. (2022), appendix.
#[derive(Debug, Clone)]
pub struct Newton {
    options: Checked<NewtonOptions>,
}

/// The options of [`Newton`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct NewtonOptions {
    /// The step η > 0; 1 is the full Newton step.
    pub learning_rate: f64,
    /// Whether |H| stands in for H.
    pub saddle_free: bool,
    /// Shortens Δx so that |Δxᵀ ∂L/∂x| is at most this, in \[L\].
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub max_loss_change: Option<f64>,
    /// Eigenvalues below this, relative to the largest, count as 0; in [0, 1).
    pub truncation: f64,
    /// Unknowns up to which H is formed.
    pub dense_up_to: usize,
    /// Lanczos steps where it is not.
    pub krylov_steps: usize,
}

built!(NewtonOptions => Newton {});

impl Default for NewtonOptions {
    fn default() -> Self {
        Self {
            learning_rate: 1.0,
            saddle_free: false,
            max_loss_change: None,
            truncation: 1e-12,
            dense_up_to: 600,
            krylov_steps: 40,
        }
    }
}

impl Validate for NewtonOptions {
    fn validate(&self) -> Result<()> {
        positive("learning_rate", self.learning_rate)?;
        if let Some(cap) = self.max_loss_change {
            positive("max_loss_change", cap)?;
        }
        at_least_below("truncation", self.truncation, 0.0, 1.0)?;
        require(
            self.krylov_steps > 0,
            "krylov_steps",
            self.krylov_steps,
            "it must be at least 1",
        )
    }
}

const SINGULAR: Notice = Notice("the Hessian is singular; used a gradient step instead");
const PARTLY_SINGULAR: Notice =
    Notice("the Hessian is singular in some directions, which were left out of the step");

impl UpdateRule for Newton {
    fn name(&self) -> &'static str {
        "newton"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let gradient = at.gradient()?;
        let lost = if dx.len() <= self.options.dense_up_to {
            self.dense(at, gradient, dx)?
        } else {
            self.krylov(at, gradient, dx)?
        };
        let mut notice = lost.then_some(PARTLY_SINGULAR);
        if norm(dx) == 0.0 && norm(gradient) > 0.0 {
            axpy(-self.options.learning_rate, gradient, dx);
            notice = Some(SINGULAR);
        }
        if let Some(cap) = self.options.max_loss_change {
            let change = dot(gradient, dx).abs();
            if change > cap {
                dx.iter_mut().for_each(|d| *d *= cap / change);
            }
        }
        Ok(notice)
    }

    fn search_within(&self) -> Search {
        DESCENT
    }
}

impl Newton {
    /// −η/λ, −η/|λ|, or 0 where λ counts as 0.
    fn weight(&self, eigenvalue: f64, largest: f64) -> f64 {
        let size = eigenvalue.abs();
        if size == 0.0 || size < self.options.truncation * largest {
            0.0
        } else if self.options.saddle_free {
            -self.options.learning_rate / size
        } else {
            -self.options.learning_rate / eigenvalue
        }
    }

    /// Writes the step; whether the gradient has a part that H cannot invert.
    fn dense(&self, at: &Evaluation<'_>, gradient: &[f64], dx: &mut [f64]) -> Result<bool> {
        let eigen = symmetric_eigen(&at.hessian()?)?;
        let largest = largest_size(&eigen.values);
        let n = dx.len();
        let mut lost = false;
        for (k, value) in eigen.values.iter().enumerate() {
            let overlap: f64 = (0..n).map(|i| eigen.vectors[(i, k)] * gradient[i]).sum();
            let weight = self.weight(*value, largest);
            lost |= weight == 0.0 && overlap.abs() > 1e-12 * norm(gradient);
            for (i, d) in dx.iter_mut().enumerate() {
                *d += weight * overlap * eigen.vectors[(i, k)];
            }
        }
        Ok(lost)
    }

    fn krylov(&self, at: &Evaluation<'_>, gradient: &[f64], dx: &mut [f64]) -> Result<bool> {
        let mut apply = |v: &[f64], out: &mut [f64]| at.hessian_product(v, out);
        let weights = |ritz: &[f64]| {
            let largest = largest_size(ritz);
            ritz.iter().map(|v| self.weight(*v, largest)).collect()
        };
        let n = dx.len();
        symmetric_function(
            n,
            &mut apply,
            gradient,
            self.options.krylov_steps,
            &weights,
            dx,
        )?;
        Ok(false)
    }
}

fn largest_size(values: &[f64]) -> f64 {
    values.iter().fold(0.0_f64, |m, v| m.max(v.abs()))
}
