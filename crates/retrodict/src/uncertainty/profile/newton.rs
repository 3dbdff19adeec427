//! The best fit at a value of the quantity by Gauss–Newton steps alone, from a start that is nearly there.

use super::reduced::Reduced;
use crate::core::counts::Counts;
use crate::error::Result;
use crate::linalg::{Matrix, cholesky, dot};
use crate::problem::{Evaluation, Problem, Tally};
use crate::updates::Whitened;

/// Where the steps ended.
pub(super) struct Corrected {
    pub(super) z: Vec<f64>,
    pub(super) loss: f64,
    /// ∂L/∂u along the profile: of all directions, only that of u is left uphill.
    pub(super) slope: f64,
}

/// Steps at most.
const STEPS: usize = 12;

/// A pivot below this, where the columns of W J have length one, is round-off: the normal equations do not say which way.
const SINGULAR: f64 = 1e-12;

/// Unknowns up to which the normal equations are cheaper than what they save.
const FEW: usize = 200;

/// Steps from w until they promise less than `settled`.
///
/// Nothing where the start is not near enough: a step goes uphill or promises more than the one before, J says nothing of a
/// direction, a bound stands in the way, or the simulation fails. Levenberg–Marquardt takes over there.
///
/// # Cost
/// y and J for each step and for the end, and n² m operations: the accuracy of the normal equations decides how many steps
/// there are, and not where they end, which the gradient says.
pub(super) fn correct(
    free: &Problem,
    bounded: &Problem,
    reduced: &Reduced,
    mut w: Vec<f64>,
    settled: f64,
    counts: &mut Counts,
) -> Result<Option<Corrected>> {
    if reduced.rest.len() > FEW {
        return Ok(None);
    }
    let tally = Tally::default();
    let mut steps = || -> Result<Option<Corrected>> {
        let (mut lowest, mut promised) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..STEPS {
            let z = reduced.whole(&w)?;
            if !(0..z.len()).all(|i| within(bounded, i, z[i])) {
                return Ok(None);
            }
            let at = Evaluation::new(free, &tally, &z)?;
            let loss = at.loss()?;
            let exact = settled.max(at.loss_round_off()?);
            if !(loss.is_finite() && loss <= lowest + exact) {
                return Ok(None);
            }
            let map = Whitened::new(&at)?;
            let columns = map.columns()?;
            let mut pull = vec![0.0; z.len()];
            columns.apply(&map.target_step()?, &mut pull);
            let gradient = reduced.seen.gradient(&z)?;
            let k = reduced.eliminated;
            let slope = -pull[k] / gradient[k];
            let Some((step, promise)) = step(reduced, &columns.gram(), &pull, &gradient)? else {
                return Ok(None);
            };
            if promise <= exact {
                return Ok(Some(Corrected { z, loss, slope }));
            }
            if promise >= promised {
                return Ok(None);
            }
            (lowest, promised) = (loss, promise);
            w.iter_mut().zip(&step).for_each(|(w, s)| *w += s);
        }
        Ok(None)
    };
    let found = steps();
    counts.add(&tally.counts());
    match found {
        Err(error) if error.is_interruption() => Err(error),
        found => Ok(found.unwrap_or(None)),
    }
}

fn within(problem: &Problem, unknown: usize, z: f64) -> bool {
    let (low, high) = problem.walls_of(unknown);
    low <= z && z <= high
}

/// The step of the unknowns that are left, and how far the loss falls by it if P is linear; nothing where J does not tell.
fn step(
    reduced: &Reduced,
    gram: &Matrix,
    pull: &[f64],
    gradient: &[f64],
) -> Result<Option<(Vec<f64>, f64)>> {
    let (left, k) = (&reduced.left, reduced.eliminated);
    // The eliminated unknown follows the others: a column less c times its own.
    let share: Vec<f64> = left.iter().map(|i| gradient[*i] / gradient[k]).collect();
    let entry = |a: usize, b: usize| {
        let (i, j) = (left[a], left[b]);
        let own = share[a] * share[b] * gram[(k, k)];
        gram[(i, j)] - share[a] * gram[(k, j)] - share[b] * gram[(i, k)] + own
    };
    let lengths: Vec<f64> = (0..left.len()).map(|a| entry(a, a).sqrt()).collect();
    if lengths.iter().any(|l| !(*l > 0.0 && l.is_finite())) {
        return Ok(None);
    }
    let mut normal = Matrix::zeros(left.len(), left.len());
    for a in 0..left.len() {
        for b in 0..=a {
            normal[(a, b)] = entry(a, b) / (lengths[a] * lengths[b]);
        }
    }
    let Ok(factor) = cholesky(&normal) else {
        return Ok(None);
    };
    let pivot = |a: usize| factor.factor()[(a, a)].powi(2);
    if (0..left.len()).any(|a| pivot(a) < SINGULAR) {
        return Ok(None);
    }
    let of = |(a, i): (usize, &usize)| (pull[*i] - share[a] * pull[k]) / lengths[a];
    let right: Vec<f64> = left.iter().enumerate().map(of).collect();
    let mut step = right.clone();
    factor.solve(&mut step);
    let promise = 0.5 * dot(&right, &step);
    step.iter_mut().zip(&lengths).for_each(|(s, l)| *s /= l);
    Ok(promise.is_finite().then_some((step, promise)))
}
