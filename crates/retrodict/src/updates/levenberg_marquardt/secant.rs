//! What the curvature of P adds to JᵀJ, learned from how the gradient changes along steps.

use serde::{Deserialize, Serialize};

use super::model::Model;
use crate::linalg::{axpy, dot};

/// S ≈ Σ rᵢ ∇²Pᵢ, and where the last step began.
///
/// Where the data cannot be met, steps that know J alone converge slowly, the more so the larger the misfit. The
/// gradient is known at both ends of a step, and what J does not explain of its change is S Δx. No evaluation is
/// spent on it.
///
/// Dennis, Gay & Welsch, *An adaptive nonlinear least-squares algorithm* (NL2SOL), ACM Trans. Math. Softw. 7 (1981).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Secant {
    /// S by rows, in the units of x; empty before it is known.
    entries: Vec<f64>,
    x: Vec<f64>,
    gradient: Vec<f64>,
    held: Vec<usize>,
}

impl Secant {
    /// Takes the next point: x, the model there in the units `scale`, and the unknowns that bounds hold.
    pub(super) fn learn(&mut self, x: &[f64], model: &Model, scale: &[f64], held: Vec<usize>) {
        let gradient = model.gradient(scale);
        let moved = self.x.len() == x.len() && self.x != x;
        // An unknown that is held at one of the ends has no gradient there.
        if moved && self.held == held {
            let step: Vec<f64> = x.iter().zip(&self.x).map(|(to, from)| to - from).collect();
            let pairs = gradient.iter().zip(&self.gradient);
            let change: Vec<f64> = pairs.map(|(to, from)| to - from).collect();
            self.update(&step, &change, &model.bend(scale, &step));
        }
        self.x = x.to_vec();
        self.gradient = gradient;
        self.held = held;
    }

    /// The symmetric S nearest to the last one, first made as small as the step tells, with S Δx = `change` − `by_jacobian`.
    fn update(&mut self, step: &[f64], change: &[f64], by_jacobian: &[f64]) {
        let n = step.len();
        let along = dot(change, step);
        if !(along > 0.0 && along.is_finite()) {
            return;
        }
        self.entries.resize(n * n, 0.0);
        let mut unexplained: Vec<f64> =
            change.iter().zip(by_jacobian).map(|(c, j)| c - j).collect();
        let mut known = vec![0.0; n];
        self.apply(step, &mut known);
        // What was learned far away may be much too large here.
        let (seen, foretold) = (dot(&unexplained, step).abs(), dot(&known, step).abs());
        if seen < foretold {
            let share = seen / foretold;
            self.entries.iter_mut().for_each(|s| *s *= share);
            known.iter_mut().for_each(|s| *s *= share);
        }
        axpy(-1.0, &known, &mut unexplained);
        let excess = dot(&unexplained, step) / along;
        for i in 0..n {
            for j in 0..n {
                self.entries[i * n + j] += (unexplained[i] * change[j]
                    + change[i] * unexplained[j]
                    - excess * change[i] * change[j])
                    / along;
            }
        }
        if self.entries.iter().any(|s| !s.is_finite()) {
            self.entries.clear();
        }
    }

    fn apply(&self, v: &[f64], out: &mut [f64]) {
        let rows = self.entries.chunks_exact(v.len());
        out.iter_mut()
            .zip(rows)
            .for_each(|(o, row)| *o = dot(row, v));
    }

    /// ½ Δxᵀ S Δx; 0 while S is not known.
    pub(super) fn bend(&self, dx: &[f64]) -> f64 {
        let mut product = vec![0.0; dx.len()];
        self.apply(dx, &mut product);
        0.5 * dot(&product, dx)
    }

    /// The model with S, in the units `scale`; nothing where S is not known or the sum is not surely positive.
    pub(super) fn with(&self, model: &Model, scale: &[f64]) -> Option<Model> {
        let n = scale.len();
        if self.entries.is_empty() {
            return None;
        }
        let free: Vec<usize> = (0..n).filter(|i| !self.held.contains(i)).collect();
        let (mut hessian, pull) = model.normal(&free);
        for (a, i) in free.iter().enumerate() {
            for (b, j) in free.iter().enumerate() {
                hessian[(a, b)] += self.entries[i * n + j] / (scale[*i] * scale[*j]);
            }
        }
        Model::of_hessian(&hessian, &pull, &free, n)
    }
}
