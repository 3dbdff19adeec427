//! The step of the inverse simulator where there are priors: both say where to go, P⁻¹ goes there.

use super::Notice;
use super::least_squares::LeastSquares;
use super::whitened::Whitened;
use crate::error::Result;
use crate::problem::Evaluation;

const UNCORRECTED: Notice = Notice(
    "the local inverse made no progress beyond the step of data and priors; took that step alone",
);

/// Writes Δx = P⁻¹(y + J d; x + d) − x, with d = argmin ‖W (J d − η Δy)‖ over data and priors.
///
/// d is the minimum of the priors in the metric of the data. It says how far y can go, and where x
/// goes that the data do not see; P⁻¹ then undoes the higher orders of P that J knows nothing of.
/// So a linear P needs no inverse and gets the minimum at once, and where d vanishes so does
/// the gradient.
pub(super) fn step(
    at: &Evaluation<'_>,
    learning_rate: f64,
    dx: &mut [f64],
) -> Result<Option<Notice>> {
    let map = Whitened::new(at)?;
    let mut aim = map.target_step()?;
    aim.iter_mut().for_each(|a| *a *= learning_rate);
    let solver = LeastSquares {
        truncation: 1e-12,
        krylov_steps: 100,
    };
    if aim.len().min(dx.len()) <= DENSE_UP_TO {
        solver.dense(at, &map.jacobian()?, &aim, dx)?;
    } else {
        solver.matrix_free(at, &map, &aim, dx)?;
    }
    if at.problem().description().linear {
        return Ok(None);
    }
    let mut dy = vec![0.0; at.problem().outputs()];
    at.jvp(dx, &mut dy)?;
    let mut corrected = vec![0.0; dx.len()];
    let nearer = match at.correct(dx, &dy, &mut corrected) {
        Ok(()) => loss_or_infinity(at, &corrected) < at.loss()?,
        Err(error) if is_failure(&error) => false,
        Err(misuse) => return Err(misuse),
    };
    if nearer {
        dx.copy_from_slice(&corrected);
        return Ok(None);
    }
    Ok(Some(UNCORRECTED))
}

/// Unknowns up to which J is formed, as in Gauss–Newton.
const DENSE_UP_TO: usize = 400;

fn loss_or_infinity(at: &Evaluation<'_>, dx: &[f64]) -> f64 {
    at.moved(dx, 1.0).loss().unwrap_or(f64::INFINITY)
}

fn is_failure(error: &crate::Error) -> bool {
    use crate::Error::{InverseStopped, LinearAlgebra, OutsideRange, Simulation};
    matches!(
        error,
        InverseStopped { .. } | OutsideRange { .. } | Simulation { .. } | LinearAlgebra { .. }
    )
}
