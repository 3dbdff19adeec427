//! Whether a point at which updates vanish is a minimum.

use crate::error::Result;
use crate::linalg::{Matrix, Svd, distance_squared, lowest_ritz_pair, norm, svd, triangle};
use crate::problem::Evaluation;
use crate::updates::Whitened;

/// Steps of the Lanczos iteration that looks for negative curvature.
const STEPS: usize = 8;

/// Where less than this part of the lowest curvature leads beyond what has been seen, nothing is there.
const SETTLED: f64 = 0.05;

/// Negative curvature less than this part of the largest may be round-off.
const SLIGHT: f64 = 1e-4;

/// Parameters up to which J is asked for.
const WITH_JACOBIAN_UP_TO: usize = 32;

/// Singular values of J below this part of the largest count as this part.
const LEAST_EFFECT: f64 = 1e-4;

/// Whether the loss falls to second order somewhere around a stationary point.
///
/// The Hessian is looked at where parameters of other sizes do not pass for curvature, and a minimum whose
/// misfit is small is seen at a glance. Where P brings no second derivatives, differences of the gradient
/// stand in for it; a simulator that fails there is given the benefit of the doubt.
///
/// # Cost
/// Up to 8 products with the Hessian; fewer at a minimum whose misfit is small.
pub(crate) fn leads_downhill(at: &Evaluation<'_>) -> Result<bool> {
    if at.problem().simulator().is_linear() {
        return Ok(false);
    }
    let view = View::new(at)?;
    let gradient = at.gradient()?;
    let reach = view.reach(at)?;
    let exact = at.has_hessian();
    let n = at.x().len();
    let (mut along, mut product) = (vec![0.0; n], vec![0.0; n]);
    let mut largest = 0.0_f64;
    let mut hessian = |z: &[f64], out: &mut [f64]| -> Result<()> {
        let length = view.push(z, &mut along);
        if exact {
            at.hessian_product(&along, &mut product)?;
        } else {
            let h = 1e-5 * reach / length.max(f64::MIN_POSITIVE);
            let moved = at.moved(&along, h);
            for ((p, a), b) in product.iter_mut().zip(moved.gradient()?).zip(gradient) {
                *p = (a - b) / h;
            }
        }
        largest = largest.max(view.pull(&mut product, out) / length);
        Ok(())
    };
    // A fixed vector with no zero and no symmetry: the same answer on every run.
    let probe: Vec<f64> = (0..n).map(|i| 1.0 + 0.5 * (1.7 * i as f64).sin()).collect();
    let lowest = lowest_ritz_pair(n, &mut hessian, &probe, STEPS, SETTLED);
    let Ok((value, vector)) = lowest else {
        return Ok(false);
    };
    let curvature = value / view.push(&vector, &mut along).powi(2);
    Ok(curvature < -SLIGHT * largest)
}

/// x = D⁻¹ V S⁻¹ z, where W J D⁻¹ = U S Vᵀ: in z, the Hessian is the identity but for what P's curvature adds.
///
/// D holds the lengths of the columns of W J, so that D x has no units. Where there are many parameters, fewer
/// data, or none has an effect, V and S are left out.
struct View {
    scale: Vec<f64>,
    /// V and S, where there are as many data as parameters.
    effects: Option<(Matrix, Vec<f64>)>,
}

impl View {
    fn new(at: &Evaluation<'_>) -> Result<Self> {
        let n = at.x().len();
        let mut view = Self {
            scale: vec![1.0; n],
            effects: None,
        };
        if n > WITH_JACOBIAN_UP_TO {
            return Ok(view);
        }
        let mut columns = Whitened::new(at)?.columns()?;
        for (i, scale) in view.scale.iter_mut().enumerate() {
            let length = norm(columns.row(i));
            if length > 0.0 && length.is_finite() {
                *scale = length;
                columns.row_mut(i).iter_mut().for_each(|v| *v /= length);
            }
        }
        let m = columns.cols();
        if n <= m
            && let Ok(Svd { mut s, v, .. }) = svd(&triangle(&mut columns, &mut vec![0.0; m]))
            && s.first().is_some_and(|largest| *largest > 0.0)
        {
            let least = LEAST_EFFECT * s[0];
            s.iter_mut().for_each(|s| *s = s.max(least));
            view.effects = Some((v, s));
        }
        Ok(view)
    }

    /// along = Δx of z; returns ‖D Δx‖.
    fn push(&self, z: &[f64], along: &mut [f64]) -> f64 {
        match &self.effects {
            Some((v, s)) => {
                let z: Vec<f64> = z.iter().zip(s).map(|(z, s)| z / s).collect();
                v.apply(&z, along);
            }
            None => along.copy_from_slice(z),
        }
        let length = norm(along);
        along.iter_mut().zip(&self.scale).for_each(|(a, d)| *a /= d);
        length
    }

    /// out = what a product with the Hessian is in z; returns ‖D⁻¹ product‖.
    fn pull(&self, product: &mut [f64], out: &mut [f64]) -> f64 {
        product
            .iter_mut()
            .zip(&self.scale)
            .for_each(|(p, d)| *p /= d);
        match &self.effects {
            Some((v, s)) => {
                v.apply_transpose(product, out);
                out.iter_mut().zip(s).for_each(|(o, s)| *o /= s);
            }
            None => out.copy_from_slice(product),
        }
        norm(product)
    }

    /// How far D x may be moved: its own size, or that of the misfit where that is larger.
    fn reach(&self, at: &Evaluation<'_>) -> Result<f64> {
        let n = at.x().len() as f64;
        if at.x().len() > WITH_JACOBIAN_UP_TO {
            return Ok(1.0 + norm(at.x()) / n.sqrt());
        }
        let scaled: Vec<f64> = at.x().iter().zip(&self.scale).map(|(x, d)| x * d).collect();
        let misfit = distance_squared(at.y()?, at.problem().target()).sqrt();
        let reach = norm(&scaled).max(misfit) / n.sqrt();
        Ok(if reach > 0.0 { reach } else { 1.0 })
    }
}
