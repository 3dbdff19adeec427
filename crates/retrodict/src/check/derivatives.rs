//! Whether J, Jᵀ and the second derivatives are those of P.

use super::{Check, Directions, distance, error_of_derivatives, forward, jvp, moved, size, vjp};
use crate::core::simulator::Simulator;
use crate::error::Result;
use crate::linalg::{dot, norm};

/// ‖P(x + εv) − P(x) − εJv‖ falls as ε², or vanishes where P is linear.
pub fn taylor(simulator: &dyn Simulator, x: &[f64], seed: u64) -> Check {
    let name = "taylor";
    match remainders(simulator, x, seed) {
        Err(error) => Check::at_most(name, 1e-12, "", Err(error)),
        Ok((points, largest)) if points.len() < 3 => {
            let limit = error_of_derivatives(simulator).max(1e-12);
            Check::at_most(name, limit, "remainder of a linear map", Ok(largest))
        }
        Ok((points, _)) => {
            // The smallest steps that stand clear of round-off are the ones to trust.
            let slope = slope(&points[points.len().saturating_sub(4)..]);
            let expected = "at least 1.9".to_owned();
            let detail = "slope of the remainder against the step";
            Check::judged(name, expected, detail, Ok(slope), |slope| slope >= 1.9)
        }
    }
}

/// (ln ε, ln remainder) where the remainder stands clear of round-off, and the largest
/// remainder relative to y.
fn remainders(simulator: &dyn Simulator, x: &[f64], seed: u64) -> Result<(Vec<(f64, f64)>, f64)> {
    let v = Directions::new(seed).normal(x.len());
    let y = forward(simulator, x)?;
    let jv = jvp(simulator, x, &v)?;
    let first = 0.1 * (1.0 + size(x)) / size(&v).max(f64::MIN_POSITIVE);
    let error = error_of_derivatives(simulator);
    let (mut points, mut largest) = (Vec::new(), 0.0_f64);
    for halvings in 0..14 {
        let step = first * 0.5_f64.powi(halvings);
        let there = forward(simulator, &moved(x, step, &v))?;
        let remainder = norm(&moved(&moved(&there, -1.0, &y), -step, &jv));
        let scale = norm(&there) + norm(&y) + step * norm(&jv);
        let known = 1e4 * f64::EPSILON * scale + error * step * norm(&jv);
        if remainder.is_nan() || remainder > known {
            points.push((step.ln(), remainder.ln()));
        }
        if scale > 0.0 {
            largest = largest.max(remainder / scale);
        }
    }
    Ok((points, largest))
}

/// The slope of the least-squares line through the points.
pub(super) fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean_a = points.iter().map(|p| p.0).sum::<f64>() / count;
    let mean_b = points.iter().map(|p| p.1).sum::<f64>() / count;
    let rise: f64 = points.iter().map(|p| (p.0 - mean_a) * (p.1 - mean_b)).sum();
    let run: f64 = points.iter().map(|p| (p.0 - mean_a).powi(2)).sum();
    rise / run
}

/// ⟨Jv, w⟩ = ⟨v, Jᵀw⟩, relative to the lengths involved.
pub fn adjoint(simulator: &dyn Simulator, x: &[f64], seed: u64) -> Check {
    let mut source = Directions::new(seed);
    let mut worst = || -> Result<f64> {
        let mut worst = 0.0_f64;
        for _ in 0..3 {
            let v = source.normal(x.len());
            let w = source.normal(simulator.output().len());
            let (jv, jtw) = (jvp(simulator, x, &v)?, vjp(simulator, x, &w)?);
            let scale = norm(&jv) * norm(&w) + norm(&v) * norm(&jtw);
            if scale > 0.0 {
                let gap = (dot(&jv, &w) - dot(&v, &jtw)).abs() / scale;
                worst = if gap.is_nan() { gap } else { worst.max(gap) };
            }
        }
        Ok(worst)
    };
    let limit = error_of_derivatives(simulator).max(1e-12);
    Check::at_most("adjoint", limit, "⟨Jv, w⟩ against ⟨v, Jᵀw⟩", worst())
}

/// `linearize` agrees with `forward`, `jvp` and `vjp`.
pub fn linearisation(simulator: &dyn Simulator, x: &[f64], seed: u64) -> Check {
    let measure = || -> Result<f64> {
        let mut source = Directions::new(seed);
        let v = source.normal(x.len());
        let w = source.normal(simulator.output().len());
        let (mut y, mut dy) = (vec![0.0; w.len()], vec![0.0; w.len()]);
        let mut dx = vec![0.0; v.len()];
        let map = simulator.linearize(x, &mut y)?;
        map.apply(&v, &mut dy)?;
        map.apply_transpose(&w, &mut dx)?;
        let gaps = [
            distance(&y, &forward(simulator, x)?),
            distance(&dy, &jvp(simulator, x, &v)?),
            distance(&dx, &vjp(simulator, x, &w)?),
        ];
        Ok(gaps.into_iter().fold(0.0, f64::max))
    };
    let detail = "linearize against forward, jvp and vjp";
    let limit = error_of_derivatives(simulator).max(1e-13);
    Check::at_most("linearisation", limit, detail, measure())
}

/// Where P says that it is linear: P(x + v) − P(x) = Jv, whatever x is.
pub fn linearity(simulator: &dyn Simulator, x: &[f64], seed: u64) -> Option<Check> {
    if !simulator.describe().linear {
        return None;
    }
    let measure = || -> Result<f64> {
        let v = Directions::new(seed).normal(x.len());
        let there = moved(x, 1.0, &v);
        let predicted = moved(&forward(simulator, x)?, 1.0, &jvp(simulator, x, &v)?);
        let value = distance(&forward(simulator, &there)?, &predicted);
        let slope = distance(&jvp(simulator, &there, &v)?, &jvp(simulator, x, &v)?);
        Ok(value.max(slope))
    };
    let detail = "P(x + v) against P(x) + Jv";
    Some(Check::at_most("linearity", 1e-12, detail, measure()))
}

/// Where P brings second derivatives: they agree with central differences of `vjp`.
pub fn second_order(simulator: &dyn Simulator, x: &[f64], seed: u64) -> Option<Check> {
    let second = simulator.second_order()?;
    let measure = || -> Result<f64> {
        let mut source = Directions::new(seed);
        let v = source.normal(x.len());
        let w = source.normal(simulator.output().len());
        let mut found = vec![0.0; x.len()];
        second.vjp_derivative(x, &w, &v, &mut found)?;
        let step = f64::EPSILON.cbrt() * (1.0 + size(x)) / size(&v).max(f64::MIN_POSITIVE);
        let ahead = vjp(simulator, &moved(x, step, &v), &w)?;
        let behind = vjp(simulator, &moved(x, -step, &v), &w)?;
        let mut difference = moved(&ahead, -1.0, &behind);
        difference.iter_mut().for_each(|d| *d /= 2.0 * step);
        Ok(distance(&found, &difference))
    };
    let detail = "vjp_derivative against differences of vjp";
    // Differences of a vjp that is itself off by its error, over a step of ε^⅓.
    let limit = (error_of_derivatives(simulator) / f64::EPSILON.cbrt()).max(1e-6);
    Some(Check::at_most("second order", limit, detail, measure()))
}
