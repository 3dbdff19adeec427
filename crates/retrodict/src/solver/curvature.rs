//! Whether the loss falls to second order where it does not fall to first.

use crate::error::Result;
use crate::linalg::{Matrix, Svd, distance_squared, dot, lowest_ritz_pair, norm, svd, triangle};
use crate::problem::{Evaluation, flatten, silence};
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

/// How far along a direction the loss is looked at, as parts of the reach, nearest first: where it is known to have
/// risen or fallen, it is looked at no further.
const SPANS: [f64; 7] = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1];

/// A change of the loss that is so many standard deviations of its noise is one.
const SURE: f64 = 10.0;

/// Whether the loss falls to second order somewhere around a stationary point.
///
/// The Hessian is looked at where parameters of other sizes do not pass for curvature, and a minimum whose
/// misfit is small is seen at a glance. Where P brings no second derivatives, differences of the gradient
/// stand in for it. What it says is a suspicion only: the loss itself is evaluated along that direction. A simulator
/// that fails there, or is too noisy to tell, is given the benefit of the doubt.
///
/// # Cost
/// Up to 8 products with the Hessian; fewer at a minimum whose misfit is small. Where negative curvature is found, 6
/// evaluations or more.
pub(crate) fn leads_downhill(at: &Evaluation<'_>) -> Result<bool> {
    if at.problem().description().linear {
        return Ok(false);
    }
    let view = ScaledJacobian::new(at)?;
    let gradient = at.gradient()?;
    let held = at.held()?;
    // Along constraints that hold as equations: where none is left open, nothing falls.
    let normals = at.normals();
    let normals = normals.as_ref();
    if normals.is_some_and(|normals| normals.rows() >= at.x().len()) {
        return Ok(false);
    }
    let reach = view.reach(at)?;
    let exact = at.has_hessian();
    let n = at.x().len();
    let (mut along, mut product) = (vec![0.0; n], vec![0.0; n]);
    let mut largest = 0.0_f64;
    let mut hessian = |z: &[f64], out: &mut [f64]| -> Result<()> {
        let length = view.push(z, (held, normals), &mut along);
        if exact {
            at.hessian_product(&along, &mut product)?;
        } else {
            let h = roomy(at, &along, 1e-5 * reach / length.max(f64::MIN_POSITIVE));
            let moved = at.moved(&along, h);
            let there = moved.whole_gradient()?;
            for ((p, a), b) in product.iter_mut().zip(there).zip(gradient) {
                *p = (a - b) / h;
            }
            // What bounds hold here is no unknown there either.
            if let Some(held) = held {
                silence(held, &mut product);
            }
        }
        if let Some(normals) = normals {
            flatten(normals, &mut product);
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
    let length = view.push(&vector, (held, normals), &mut along);
    let curvature = value / (length * length);
    if curvature.is_nan() || curvature >= -SLIGHT * largest {
        return Ok(false);
    }
    along.iter_mut().for_each(|a| *a *= reach / length);
    Ok(falls(at, &along).unwrap_or(false))
}

/// h or −h, whichever leaves more room within bounds, and no more than there is.
fn roomy(at: &Evaluation<'_>, along: &[f64], h: f64) -> f64 {
    let back: Vec<f64> = along.iter().map(|a| -a).collect();
    let (ahead, behind) = (at.first_bend(along), at.first_bend(&back));
    if ahead >= h || ahead >= behind {
        h.min(ahead)
    } else {
        -h.min(behind)
    }
}

/// Whether the loss falls along ±`along`, by more than its round-off and its noise, on each side that bounds leave open.
fn falls(at: &Evaluation<'_>, along: &[f64]) -> Result<bool> {
    let back: Vec<f64> = along.iter().map(|a| -a).collect();
    let (ahead, behind) = (at.first_bend(along), at.first_bend(&back));
    let (loss, round_off) = (at.loss()?, at.loss_round_off()?);
    let slope = dot(at.gradient()?, along);
    for span in SPANS {
        // From the point or around it, at even distances.
        let (first, last) = match (ahead >= span, behind >= span) {
            (true, true) => (-3.0, 3.0),
            (true, false) => (0.0, 6.0),
            (false, true) => (-6.0, 0.0),
            (false, false) => return Ok(false),
        };
        let unit = span / if first == -3.0 { 3.0 } else { 6.0 };
        let mut losses = [0.0; 7];
        for (k, value) in losses.iter_mut().enumerate() {
            let place = first + k as f64;
            *value = if place == 0.0 {
                loss
            } else {
                at.moved(along, place * unit).loss()?
            };
        }
        let sure = (SURE * wobble(&losses)).max(4.0 * round_off);
        // What each end lies below the point, beside what the slope, which is not quite 0, does to it.
        let falls = |place: f64, there: f64| loss - there + place * unit * slope;
        let (bent, fallen) = if first == -3.0 {
            let (low, high) = (loss - losses[0], loss - losses[6]);
            (0.5 * (low + high), low.min(high))
        } else {
            let (place, there) = if first == 0.0 {
                (last, losses[6])
            } else {
                (first, losses[0])
            };
            let bent = falls(place, there);
            (
                bent,
                if (loss - there) > 0.5 * bent {
                    bent
                } else {
                    0.0
                },
            )
        };
        if bent < -sure {
            return Ok(false);
        }
        if bent > sure && fallen > sure {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The standard deviation of the noise in seven values at even distances: what of them no cubic explains.
///
/// Moré & Wild, *Estimating computational noise* (SIAM J. Sci. Comput. 33, 2011).
fn wobble(values: &[f64; 7]) -> f64 {
    let fourth = |v: &[f64]| v[0] - 4.0 * v[1] + 6.0 * v[2] - 4.0 * v[3] + v[4];
    let squares: f64 = values.windows(5).map(|v| fourth(v).powi(2)).sum();
    // 70 is the variance of such a difference of values with variance 1.
    (squares / (3.0 * 70.0)).sqrt()
}

/// x = D⁻¹ V S⁻¹ z, where W J D⁻¹ = U S Vᵀ: in z, the Hessian is the identity but for what P's curvature adds.
///
/// D holds the lengths of the columns of W J, so that D x has no units. Where there are many parameters, fewer
/// data, or none has an effect, V and S are left out.
struct ScaledJacobian {
    scale: Vec<f64>,
    /// V and S, where there are as many data as parameters.
    effects: Option<(Matrix, Vec<f64>)>,
}

impl ScaledJacobian {
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

    /// along = Δx of z, 0 for what bounds hold and along normals of constraints; returns ‖D Δx‖.
    fn push(
        &self,
        z: &[f64],
        (held, normals): (Option<&[bool]>, Option<&Matrix>),
        along: &mut [f64],
    ) -> f64 {
        match &self.effects {
            Some((v, s)) => {
                let z: Vec<f64> = z.iter().zip(s).map(|(z, s)| z / s).collect();
                v.apply(&z, along);
            }
            None => along.copy_from_slice(z),
        }
        if let Some(held) = held {
            silence(held, along);
        }
        let length = norm(along);
        along.iter_mut().zip(&self.scale).for_each(|(a, d)| *a /= d);
        let Some(normals) = normals else {
            return length;
        };
        flatten(normals, along);
        let squares = along
            .iter()
            .zip(&self.scale)
            .map(|(a, d)| (a * d) * (a * d));
        squares.sum::<f64>().sqrt()
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
