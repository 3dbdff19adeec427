//! Where steps lead within bounds: straight on, then along the walls.

use super::Evaluation;
use crate::error::Result;

impl Evaluation<'_> {
    /// The unknowns that bounds hold here: at a bound, with a loss that falls only beyond it.
    ///
    /// # Cost
    /// The gradient, where an unknown is at a bound; nothing otherwise.
    ///
    /// With linear constraints this says nothing: there the push of a bound depends on that of the constraints, and the
    /// rules that keep them weigh both.
    pub fn held(&self) -> Result<Option<&[bool]>> {
        if self.problem.polyhedron.is_some() {
            return Ok(None);
        }
        let Some(walls) = &self.problem.walls else {
            return Ok(None);
        };
        let held = super::once(&self.held, || {
            if !walls.touched(&self.x) {
                return Ok(None);
            }
            Ok(walls.held(&self.x, self.whole_gradient()?))
        })?;
        Ok(held.as_deref())
    }

    /// The unknowns that Δx would take beyond a bound, with what of their step stays within.
    pub(crate) fn stopped(&self, dx: &[f64]) -> impl Iterator<Item = (usize, f64)> {
        let walls = self.problem.walls.as_ref();
        let steps = self.x.iter().zip(dx).enumerate();
        steps.filter_map(move |(i, (x, step))| {
            let room = walls?.room(i, *x, *step);
            (step.abs() > room).then(|| (i, room.copysign(*step)))
        })
    }

    /// How far each unknown may go down (0 or less) and up (0 or more) to its bounds; nothing where there are none.
    pub(crate) fn margins(&self) -> Option<(Vec<f64>, Vec<f64>)> {
        let walls = self.problem.walls.as_ref()?;
        let side = |step: f64| {
            let unknowns = self.x.iter().enumerate();
            unknowns
                .map(|(i, x)| walls.room(i, *x, step).max(0.0) * step)
                .collect()
        };
        Some((side(-1.0), side(1.0)))
    }

    /// Shortens the steps of single unknowns so that they end within bounds.
    pub(crate) fn keep_within(&self, dx: &mut [f64]) {
        let stopped: Vec<(usize, f64)> = self.stopped(dx).collect();
        stopped.iter().for_each(|(i, step)| dx[*i] = *step);
    }

    /// Drops the steps of unknowns that are at a bound already and would go on beyond it.
    pub(crate) fn drop_blocked(&self, dx: &mut [f64]) {
        let Some(walls) = &self.problem.walls else {
            return;
        };
        for (i, (x, step)) in self.x.iter().zip(dx).enumerate() {
            if walls.room(i, *x, *step) <= 0.0 {
                *step = 0.0;
            }
        }
    }

    /// The share of Δx after which the first unknown meets a bound, or x a constraint; infinite if that never happens.
    pub(crate) fn first_bend(&self, dx: &[f64]) -> f64 {
        let constrained = self.share_of_constraints(dx);
        let Some(walls) = &self.problem.walls else {
            return constrained;
        };
        let steps = self.x.iter().zip(dx).enumerate();
        let shares = steps.map(|(i, (x, step))| walls.room(i, *x, *step) / step.abs());
        shares.fold(constrained, f64::min)
    }

    /// Whether bounds bend the way along Δx before its end, or hold an unknown here; or whether constraints may.
    pub(crate) fn is_bent(&self, dx: &[f64]) -> Result<bool> {
        Ok(self.problem.polyhedron.is_some()
            || self.held()?.is_some()
            || self.stopped(dx).next().is_some())
    }
}
