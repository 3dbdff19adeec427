//! The step that the model wants within bounds and region.

use super::boxed::Boxed;
use super::model::QuadraticModel;
use super::region::TrustRegion;
use crate::compose::facets::Facets;
use crate::error::Result;
use crate::problem::Evaluation;
use crate::updates::Whitened;
use crate::updates::constrained::ConstrainedModel;
use crate::updates::least_squares::within_bounds;

/// Unknowns up to which the best step is sought.
pub(super) const BEST_UP_TO: usize = 64;

/// The best step within bounds and region.
pub(super) fn best(
    region: &mut TrustRegion,
    model: &QuadraticModel,
    at: &Evaluation<'_>,
    dx: &mut [f64],
) -> Result<()> {
    let radius = region.radius.unwrap_or(f64::INFINITY);
    let damping = model.damping(radius);
    model.step(damping, dx);
    let scale = &region.scale;
    dx.iter_mut().zip(scale).for_each(|(d, s)| *d /= s);
    region.limited = damping > 0.0;
    region.bent = false;
    let Some((mut low, mut high)) = at.margins() else {
        return Ok(());
    };
    // A linear P is what the model says, up to the bounds.
    let share = match at.problem().description().linear {
        true => 1.0,
        false => region.share_of_room(),
    };
    low.iter_mut().chain(&mut high).for_each(|m| *m *= share);
    let sides = || low.iter().zip(&high);
    if !dx.iter().zip(sides()).any(|(d, (l, h))| d < l || d > h) {
        return Ok(());
    }
    let held = at.held()?;
    let free: Vec<usize> = (0..dx.len())
        .filter(|i| held.is_none_or(|held| !held[*i]))
        .collect();
    let (hessian, pull) = model.normal(&free);
    let of = |side: &[f64]| free.iter().map(|i| side[*i] * scale[*i]).collect();
    let boxed = Boxed {
        hessian,
        pull,
        low: of(&low),
        high: of(&high),
    };
    let (step, damping) = boxed.step(radius);
    dx.fill(0.0);
    for (i, s) in free.iter().zip(&step) {
        dx[*i] = (s / scale[*i]).clamp(low[*i], high[*i]);
    }
    region.limited = damping > 0.0;
    region.bent = true;
    region.partial = share < 1.0;
    Ok(())
}

/// The best step within linear constraints, bounds and region; returns ‖D Δx‖ without the region.
pub(super) fn constrained(
    region: &mut TrustRegion,
    model: &QuadraticModel,
    mut facets: Facets,
    at: &Evaluation<'_>,
    dx: &mut [f64],
) -> Result<f64> {
    let radius = region.radius.unwrap_or(f64::INFINITY);
    let share = match at.problem().description().linear {
        true => 1.0,
        false => region.share_of_room(),
    };
    facets.room.iter_mut().for_each(|room| *room *= share);
    let (map, aim) = model.linear();
    let within = ConstrainedModel::new(map, aim, &facets, &region.scale, 0.0)?;
    let found = within.step(radius)?;
    let steps = dx.iter_mut().zip(&found.step).zip(&region.scale);
    steps.for_each(|((d, s), scale)| *d = s / scale);
    region.limited = found.damping > 0.0;
    region.bent = found.held || found.on_face;
    region.partial = found.held && share < 1.0;
    Ok(found.whole)
}

/// A step within the region, with unknowns that run into a bound stopped there and the others sought again.
pub(super) fn clipped(
    region: &mut TrustRegion,
    model: &QuadraticModel,
    map: &Whitened<'_, '_>,
    aim: &[f64],
    at: &Evaluation<'_>,
    dx: &mut [f64],
) -> Result<()> {
    let radius = region.radius.unwrap_or(f64::INFINITY);
    let scale = &region.scale;
    let mut limited = false;
    region.bent = within_bounds(at, map, aim, dx, |stopped, aim, dx| {
        let damping;
        match stopped {
            None => {
                damping = model.damping(radius);
                model.step(damping, dx);
            }
            Some(stopped) => {
                let mut columns = map.columns()?;
                let stopped = (0..columns.rows()).filter(|i| stopped[*i]);
                stopped.for_each(|i| columns.row_mut(i).fill(0.0));
                let model = QuadraticModel::new(columns, None, scale, aim)?;
                damping = model.damping(radius);
                model.step(damping, dx);
            }
        }
        limited = damping > 0.0;
        dx.iter_mut().zip(scale).for_each(|(d, scale)| *d /= scale);
        Ok(())
    })?;
    region.limited = limited;
    // It need not be the best one within bounds.
    region.partial = region.bent;
    Ok(())
}
