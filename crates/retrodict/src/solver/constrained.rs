//! What linear constraints leave of the slope of the loss: the conditions of Karush, Kuhn and Tucker.

use std::borrow::Cow;

use crate::error::Result;
use crate::linalg::norm;
use crate::problem::Evaluation;
use crate::updates::unblocked;

/// ∂L/∂x without what constraints and bounds block: minus the direction of steepest descent that they leave.
pub(crate) fn allowed_gradient<'a>(at: &'a Evaluation<'_>) -> Result<Cow<'a, [f64]>> {
    let gradient = at.gradient()?;
    let Some(facets) = at.facets() else {
        return Ok(Cow::Borrowed(gradient));
    };
    let ones = vec![1.0; gradient.len()];
    let cone = facets.cone(&facets.touched(at.x(), &ones));
    let pull: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut left = unblocked(&pull, &cone, &ones)?;
    left.iter_mut().for_each(|l| *l = -*l);
    Ok(Cow::Owned(left))
}

/// How much of the misfit a step could take off to first order that constraints and bounds leave open, where each unknown is
/// measured by its effect: `effects` are the lengths of the columns of W J, `pulls` their products with the misfit. Nothing
/// where there are no constraints.
pub(crate) fn allowed_pull(
    at: &Evaluation<'_>,
    effects: &[f64],
    pulls: &[f64],
) -> Result<Option<f64>> {
    let Some(facets) = at.facets() else {
        return Ok(None);
    };
    let scale: Vec<f64> = effects
        .iter()
        .map(|length| if *length > 0.0 { *length } else { 1.0 })
        .collect();
    let pull: Vec<f64> = pulls.iter().zip(&scale).map(|(p, d)| p / d).collect();
    let cone = facets.cone(&facets.touched(at.x(), &scale));
    Ok(Some(norm(&unblocked(&pull, &cone, &scale)?)))
}
