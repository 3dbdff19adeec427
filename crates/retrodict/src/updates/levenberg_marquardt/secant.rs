//! What the curvature of P adds to JᵀJ, learned from how the gradient changes along steps.

use serde::{Deserialize, Serialize};

use super::model::QuadraticModel;
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
    pub(super) fn learn(
        &mut self,
        x: &[f64],
        model: &QuadraticModel,
        scale: &[f64],
        held: Vec<usize>,
    ) {
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
    pub(super) fn with(&self, model: &QuadraticModel, scale: &[f64]) -> Option<QuadraticModel> {
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
        QuadraticModel::of_hessian(&hessian, &pull, &free, n)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::linalg::{Matrix, norm};

    /// J = identity and Δy = −(gradient), at a point where the gradient is this: the model then says JᵀJ = 1.
    fn model(gradient: [f64; 2]) -> QuadraticModel {
        let aim = gradient.map(|g| -g);
        QuadraticModel::new(Matrix::identity(2), None, &[1.0, 1.0], &aim).unwrap()
    }

    /// The gradient is H x with H = [[3, 1], [1, 5]]: after two steps S is H − 1, or the last one would not be explained.
    #[test]
    fn curvature_is_learned_from_gradients() {
        let gradient = |x: [f64; 2]| [3.0 * x[0] + x[1], x[0] + 5.0 * x[1]];
        let scale = [1.0, 1.0];
        let mut secant = Secant::default();
        assert_eq!(secant.bend(&[1.0, 0.0]), 0.0);
        let points = [[1.0, 1.0], [0.5, 1.0], [0.5, 0.5], [0.25, 0.4], [0.0, 0.1]];
        for x in points {
            secant.learn(&x, &model(gradient(x)), &scale, Vec::new());
        }
        let step = [-0.25, -0.3];
        let hessian = gradient(step);
        let expected = 0.5 * (dot(&step, &hessian) - dot(&step, &step));
        assert!((secant.bend(&step) - expected).abs() <= 1e-12 * expected);
        let x = [0.0, 0.1];
        let with = secant.with(&model(gradient(x)), &scale).unwrap();
        let mut newton = [0.0; 2];
        with.step(0.0, &mut newton);
        let reached = [x[0] + newton[0], x[1] + newton[1]];
        // Gauss–Newton leads 2 to 4 times too far.
        assert!(norm(&reached) <= 0.2 * norm(&x), "{reached:?}");
    }

    /// What bounds hold at one of the ends teaches nothing, and the sum leaves it alone.
    #[test]
    fn held_unknowns_are_left_alone() {
        let scale = [1.0, 1.0];
        let mut secant = Secant::default();
        secant.learn(&[1.0, 1.0], &model([3.0, 1.0]), &scale, Vec::new());
        secant.learn(&[0.0, 1.0], &model([0.0, 1.0]), &scale, vec![0]);
        assert_eq!(secant.bend(&[1.0, 1.0]), 0.0);
        secant.learn(&[0.0, 0.5], &model([0.0, -1.0]), &scale, vec![0]);
        let mut step = [1.0; 2];
        let with = secant.with(&model([0.0, -1.0]), &scale).unwrap();
        with.step(0.0, &mut step);
        assert!(
            (step[0], (step[1] - 0.25).abs() < 1e-12) == (0.0, true),
            "{step:?}"
        );
    }
}
