//! Steps that bend with a narrow valley.

use super::model::QuadraticModel;
use super::region::TrustRegion;
use crate::error::Result;
use crate::problem::Evaluation;
use crate::updates::Whitened;

/// Steps without progress from which on the way is taken to wind. Of Moré, Garbow and Hillstrom's problems
/// started far out, some end at a saddle if it is fewer (3 to 10), none at 20.
pub(super) const WINDING: usize = 20;

/// The part of a step at which it is seen how P bends along it.
const LOOK_AHEAD: f64 = 0.1;

/// The longest correction that may be trusted, as a part of the step: a quarter of the published 0.75, which
/// is of the acceleration, four times the correction over the step.
const TRUSTED: f64 = 0.1875;

/// Bends Δx the way that P bends along it: one forward call more.
///
/// In a narrow valley that winds, a straight step is good only as far as the valley is straight. Geodesic
/// acceleration: Transtrum, Machta & Sethna, Phys. Rev. E 83 (2011), 036701.
pub(super) fn follow(
    region: &TrustRegion,
    model: &QuadraticModel,
    map: &Whitened<'_, '_>,
    at: &Evaluation<'_>,
    dx: &mut [f64],
) -> Result<()> {
    // Where the simulation fails, nothing is known of a bend.
    let Ok(there) = at.moved(dx, LOOK_AHEAD).outputs_alone() else {
        return Ok(());
    };
    let mut bend = vec![0.0; there.len()];
    at.jacobian()?.apply(dx, &mut bend);
    // −½ of the second derivative along Δx.
    for ((b, there), here) in bend.iter_mut().zip(&there).zip(at.y()?) {
        *b = (*b - (there - here) / LOOK_AHEAD) / LOOK_AHEAD;
    }
    let mut correction = vec![0.0; dx.len()];
    map.pull(&bend, &mut correction)?;
    let radius = region.radius.unwrap_or(f64::INFINITY);
    model.answer(&region.scale, model.damping(radius), &mut correction);
    let squares = correction
        .iter()
        .zip(&region.scale)
        .map(|(c, s)| (c * s) * (c * s));
    let length = squares.sum::<f64>().sqrt();
    if length <= TRUSTED * region.step_norm {
        dx.iter_mut().zip(&correction).for_each(|(d, c)| *d += c);
        at.keep_within(dx);
    }
    Ok(())
}
