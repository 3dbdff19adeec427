//! Whether the local inverse undoes P, as far as it promises to.

use super::{Check, Directions, distance, forward, moved};
use crate::core::simulator::Simulator;
use crate::error::Result;
use crate::linalg::norm;

/// P(P⁻¹(y; x₀)) = y for a y = P(x) that can be reached, and x₀ near x.
pub fn round_trip(simulator: &dyn Simulator, x: &[f64], seed: u64) -> Option<Check> {
    let recovery = simulator.local_inverse()?.recovery();
    let measure = || -> Result<f64> {
        let y = forward(simulator, x)?;
        let near = moved(x, 0.1, &Directions::new(seed).normal(x.len()));
        let misfit = norm(&moved(&forward(simulator, &near)?, -1.0, &y));
        let there = forward(simulator, &undo(simulator, &y, &near)?)?;
        Ok(norm(&moved(&there, -1.0, &y)) / misfit.max(f64::MIN_POSITIVE))
    };
    let detail = match recovery.subspace {
        Some(subspace) => format!("share of the misfit that remains; recoverable: {subspace}"),
        None => "share of the misfit that remains".to_owned(),
    };
    let limit = recovery.remaining;
    Some(Check::at_most("round trip", limit, &detail, measure()))
}

/// P⁻¹(P(x); x) = x where the inverse recovers all of x: no solution is nearer than x itself.
pub fn nearest_solution(simulator: &dyn Simulator, x: &[f64]) -> Option<Check> {
    if simulator.local_inverse()?.recovery().subspace.is_some() {
        return None;
    }
    let measure = || -> Result<f64> {
        let y = forward(simulator, x)?;
        Ok(distance(&undo(simulator, &y, x)?, x))
    };
    let detail = "P⁻¹(P(x); x) against x";
    // Where J is nearly singular, half of the digits are all that y holds of x.
    Some(Check::at_most("nearest solution", 1e-7, detail, measure()))
}

fn undo(simulator: &dyn Simulator, y: &[f64], near: &[f64]) -> Result<Vec<f64>> {
    let mut x = vec![0.0; near.len()];
    if let Some(inverse) = simulator.local_inverse() {
        inverse.invert_near(y, near, &mut x)?;
    }
    Ok(x)
}
