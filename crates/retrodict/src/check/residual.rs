//! Whether the residual is that of P, and its derivatives are its own.

use std::sync::Arc;

use super::{Check, Directions, adjoint, forward, linearity, moved, taylor};
use crate::compose::residual::ResidualAt;
use crate::core::simulator::Simulator;
use crate::error::Result;
use crate::linalg::norm;

/// Where P brings a residual R: it vanishes at y = P(x) and nowhere near, and ∂R/∂x passes the tests
/// of J.
pub fn residual(simulator: &Arc<dyn Simulator>, x: &[f64], seed: u64) -> Vec<Check> {
    if simulator.residual().is_none() {
        return Vec::new();
    }
    let name = "residual";
    let there = || -> Result<Option<ResidualAt>> {
        let y = forward(&**simulator, x)?;
        ResidualAt::new(Arc::clone(simulator), y)
    };
    let at = match there() {
        Ok(Some(at)) => at,
        Ok(None) => return Vec::new(),
        Err(error) => return vec![Check::at_most(name, 1e-9, "", Err(error))],
    };
    // Away from x, where R is not 0, so that derivatives of 0 are not all that is tested.
    let away = moved(x, 0.1, &Directions::new(seed).normal(x.len()));
    let share = || -> Result<f64> {
        let (here, left) = (forward(&at, x)?, forward(&at, &away)?);
        Ok(norm(&here) / norm(&left))
    };
    let detail = "R(x, P(x)) against R near x";
    let mut checks = vec![Check::at_most(name, 1e-9, detail, share())];
    let derivatives = [taylor(&at, &away, seed), adjoint(&at, &away, seed)];
    checks.extend(derivatives.into_iter().chain(linearity(&at, &away, seed)));
    for check in &mut checks[1..] {
        check.name = match check.name {
            "taylor" => "residual taylor",
            "adjoint" => "residual adjoint",
            _ => "residual linearity",
        };
    }
    checks
}
