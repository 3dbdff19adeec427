//! Whether the derivatives of a loss, its W and its Newton step fit together.

use super::{Check, Directions, distance, moved, size};
use crate::core::loss::Loss;
use crate::linalg::{dot, norm};

/// Runs every check that applies to a loss.
pub fn loss(loss: &dyn Loss, y: &[f64], target: &[f64], seed: u64) -> Vec<Check> {
    let at = LossAtTarget { loss, target };
    let mut source = Directions::new(seed);
    let v = source.normal(y.len());
    let w = source.normal(y.len());
    let step = f64::EPSILON.cbrt() * (1.0 + size(y)) / size(&v).max(f64::MIN_POSITIVE);
    let (ahead, behind) = (moved(y, step, &v), moved(y, -step, &v));

    let gradient = at.gradient(y);
    let difference = (at.value(&ahead) - at.value(&behind)) / (2.0 * step);
    let slope = (dot(&gradient, &v) - difference).abs() / (norm(&gradient) * norm(&v));

    let hv = at.hessian(y, &v);
    let mut differences = moved(&at.gradient(&ahead), -1.0, &at.gradient(&behind));
    differences.iter_mut().for_each(|d| *d /= 2.0 * step);

    let (wv, wtw) = (at.whiten(y, &v), at.whiten_transpose(y, &w));
    let adjoint = (dot(&wv, &w) - dot(&v, &wtw)).abs() / (norm(&wv) * norm(&w));
    // How far the curvature falls short of the Hessian along v; it may exceed it.
    let curvature = dot(&wv, &wv);
    let shortfall = (dot(&v, &hv) - curvature).max(0.0) / curvature;

    let newton = at.newton_step(y).map(|dy| {
        let curved = at.whiten_transpose(y, &at.whiten(y, &dy));
        distance(&curved, &gradient.iter().map(|g| -g).collect::<Vec<_>>())
    });
    let zero = at.value(target).abs() + norm(&at.gradient(target));

    let mut checks = vec![
        Check::at_most("gradient", 1e-7, "against differences of L", Ok(slope)),
        Check::at_most(
            "hessian",
            1e-7,
            "against differences of the gradient",
            Ok(distance(&hv, &differences)),
        ),
        Check::at_most("adjoint", 1e-12, "⟨Wv, w⟩ against ⟨v, Wᵀw⟩", Ok(adjoint)),
        Check::at_most("newton step", 1e-11, "WᵀW Δy against −∂L/∂y", newton),
        Check::at_most("zero at target", 1e-300, "L and ∂L/∂y at y = y*", Ok(zero)),
    ];
    if loss.majorises() {
        let detail = "by how much vᵀHv exceeds vᵀWᵀWv";
        checks.push(Check::at_most("curvature", 1e-12, detail, Ok(shortfall)));
    }
    checks
}

struct LossAtTarget<'a> {
    loss: &'a dyn Loss,
    target: &'a [f64],
}

impl LossAtTarget<'_> {
    fn value(&self, y: &[f64]) -> f64 {
        self.loss.value(y, self.target)
    }

    fn gradient(&self, y: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; y.len()];
        self.loss.gradient(y, self.target, &mut out);
        out
    }

    fn hessian(&self, y: &[f64], dy: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; y.len()];
        self.loss.hessian_product(y, self.target, dy, &mut out);
        out
    }

    fn whiten(&self, y: &[f64], v: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; y.len()];
        self.loss.whiten(y, self.target, v, &mut out);
        out
    }

    fn whiten_transpose(&self, y: &[f64], v: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; y.len()];
        self.loss.whiten_transpose(y, self.target, v, &mut out);
        out
    }

    fn newton_step(&self, y: &[f64]) -> crate::Result<Vec<f64>> {
        let mut out = vec![0.0; y.len()];
        self.loss.newton_step(y, self.target, &mut out)?;
        Ok(out)
    }
}
