//! How whole steps follow one another: what that tells of how far x is from its end.

use serde::{Deserialize, Serialize};

use crate::linalg::norm;

/// Steps that converge shrink at least by this factor; beside a blow-up they are short as well, but grow.
const SHRINKS: f64 = 0.75;

/// An unknown below this part of what it was is on its way to 0.
const VANISHES: f64 = 1e-8;

/// The cosine between two steps from which on they go along the same line.
const PARALLEL: f64 = 0.99;

/// The factors by which steps shrink that halve, give or take the curvature of higher order.
const HALVES: std::ops::Range<f64> = 0.45..0.55;

/// The last two steps, where nothing held them back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Steps {
    /// The one that is tried; empty where region or bounds held it back.
    tried: Vec<f64>,
    /// The one before, if it was taken.
    taken: Vec<f64>,
    /// The largest size that each unknown has had.
    largest: Vec<f64>,
    /// The largest change of an unknown by the step that is tried, in parts of its size, where the step is whole and shorter
    /// than the one before.
    change: Option<f64>,
}

impl Steps {
    /// Takes the step that is to be tried from x, in the units `scale`.
    pub(super) fn note(&mut self, x: &[f64], dx: &[f64], scale: &[f64], whole: bool) {
        self.largest.resize(x.len(), 0.0);
        let sizes = self.largest.iter_mut().zip(x);
        sizes.for_each(|(largest, x)| *largest = largest.max(x.abs()));
        self.tried.clear();
        self.change = None;
        if !whole {
            return;
        }
        self.tried.extend_from_slice(dx);
        let length = |v: &[f64]| norm(&in_units(v, scale));
        if self.taken.is_empty() || length(dx) > SHRINKS * length(&self.taken) {
            return;
        }
        let unknowns = dx.iter().zip(x).zip(&self.largest);
        let parts = unknowns.map(|((d, x), largest)| {
            let size = if x.abs() > VANISHES * largest {
                x.abs()
            } else {
                *largest
            };
            if *d == 0.0 { 0.0 } else { d.abs() / size }
        });
        self.change = Some(parts.fold(0.0, f64::max));
    }

    /// Takes what became of it.
    pub(super) fn judged(&mut self, taken: bool) {
        self.taken.clear();
        if taken {
            std::mem::swap(&mut self.taken, &mut self.tried);
        }
    }

    /// The largest change of an unknown by the last step, in parts of its size; infinite where the step does not tell.
    pub(super) fn change(&self) -> f64 {
        self.change.unwrap_or(f64::INFINITY)
    }

    /// How many times as far the steps lead in the end, where each is half of the one before.
    ///
    /// That is how Gauss–Newton converges to a solution at which J is singular: for all its steps 27 of Powell's singular
    /// function, 4 with this. Griewank, *On solving nonlinear equations with simple singularities or nearly singular
    /// solutions*, SIAM Review 27 (1985).
    pub(super) fn stretch(&self, scale: &[f64]) -> Option<f64> {
        if self.taken.is_empty() || self.tried.is_empty() {
            return None;
        }
        let (now, before) = (in_units(&self.tried, scale), in_units(&self.taken, scale));
        let lengths = norm(&now) * norm(&before);
        let rate = norm(&now) / norm(&before);
        let along: f64 = now.iter().zip(&before).map(|(a, b)| a * b).sum();
        let halves = HALVES.contains(&rate) && along >= PARALLEL * lengths;
        halves.then(|| (1.0 - rate).recip())
    }
}

fn in_units(v: &[f64], scale: &[f64]) -> Vec<f64> {
    v.iter().zip(scale).map(|(v, s)| v * s).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_of_whole_steps_that_shrink_in_parts_of_each_unknown() {
        let scale = [1.0, 100.0];
        let mut steps = Steps::default();
        let mut change = |x: [f64; 2], dx: [f64; 2], whole: bool| {
            steps.note(&x, &dx, &scale, whole);
            let change = steps.change();
            steps.judged(true);
            change
        };
        assert_eq!(change([1.0, 1.0], [1.0, 0.5], true), f64::INFINITY);
        assert_eq!(change([2.0, 0.5], [0.2, 0.05], true), 0.1);
        assert_eq!(change([2.2, 0.5], [0.022, 0.0], false), f64::INFINITY);
        assert_eq!(change([2.2, 0.5], [0.022, 0.0], true), f64::INFINITY);
        // The second unknown vanishes: it is measured by what it was.
        assert_eq!(change([2.2, 1e-9], [0.0, -1e-9], true), 1e-9);
        // It grows.
        assert_eq!(change([2.2, 1e-9], [0.0, -1e-6], true), f64::INFINITY);
    }

    #[test]
    fn steps_that_halve_are_stretched_to_their_limit() {
        let scale = [1.0, 1.0];
        let stretch = |first: [f64; 2], second: [f64; 2]| {
            let mut steps = Steps::default();
            steps.note(&[4.0, 4.0], &first, &scale, true);
            steps.judged(true);
            steps.note(&[3.0, 3.0], &second, &scale, true);
            steps.stretch(&scale)
        };
        assert_eq!(stretch([-2.0, -2.0], [-1.0, -1.0]), Some(2.0));
        // Cubic and quadratic convergence, and a turn.
        assert_eq!(stretch([-2.0, -2.0], [-4.0 / 3.0, -4.0 / 3.0]), None);
        assert_eq!(stretch([-2.0, -2.0], [-0.1, -0.1]), None);
        assert_eq!(stretch([-2.0, -2.0], [-1.0, 1.0]), None);
    }
}
