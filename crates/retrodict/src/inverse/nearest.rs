//! Of all solutions of an under-determined P, the one nearest to x₀.

use super::tangent::{LinearisedPoint, LocalSearch, moved};
use crate::error::Result;
use crate::interrupt;
use crate::linalg::norm;

/// Rounds of moving along the solutions towards x₀.
const ROUNDS: usize = 30;
/// Newton steps back onto the solutions after each.
const RETURNS: usize = 6;
/// How much of x₀ − x may still point along the solutions, relative to its length.
const ALONG: f64 = 1e-9;

/// Slides along the solutions of P(x) = y to where x₀ − x stands at a right angle to them.
///
/// Minimum-norm steps end near that point, but not at it, where P is curved. A round moves by the
/// part of x₀ − x that P does not see, and returns onto the solutions; it is undone, and a
/// shorter one is tried, if that does not come nearer to x₀.
pub(super) fn nearest<'s>(
    course: &mut LocalSearch<'s>,
    found: LinearisedPoint<'s>,
    x0: &[f64],
    misfit: f64,
) -> Result<LinearisedPoint<'s>> {
    let mut at = found;
    let mut share = 1.0;
    for _ in 0..ROUNDS {
        interrupt::check()?;
        let back = moved(x0, -1.0, &at.x);
        let tangent = course.tangent(&at)?;
        let along = tangent.unseen(&back, &mut course.counts)?;
        drop(tangent);
        if norm(&along) <= ALONG * norm(&back) || share < 1e-3 {
            break;
        }
        let slid = moved(&at.x, share, &along);
        match solution_near(course, slid, misfit) {
            Some(next) if norm(&moved(x0, -1.0, &next.x)) < norm(&back) => {
                at = next;
                share = (2.0 * share).min(1.0);
            }
            _ => share *= 0.5,
        }
    }
    Ok(at)
}

/// Plain Newton steps; `None` if they do not arrive at once, or P fails.
fn solution_near<'s>(
    course: &mut LocalSearch<'s>,
    x: Vec<f64>,
    misfit: f64,
) -> Option<LinearisedPoint<'s>> {
    let mut at = course.point(x).ok()?;
    for _ in 0..RETURNS {
        if at.left <= misfit.max(course.round_off(&at)) {
            return Some(at);
        }
        let tangent = course.tangent(&at).ok()?;
        let dx = tangent.solve(&at.residual, 0.0, &mut course.counts).ok()?;
        let next = moved(&at.x, 1.0, &dx);
        drop(tangent);
        at = course.point(next).ok()?;
    }
    None
}
