//! Which step is tried next for a column, if another is worth its evaluations.

use super::GOOD;
use super::estimate::NoiseKind;
use super::search::{LONGEST, StepSearch, TRIES};
use super::trial::{DifferenceTrial, TELLING};
use crate::linalg::norm;

/// Another step is worth its evaluations if it promises an error so many times smaller.
const WORTH: f64 = 10.0;

impl StepSearch<'_> {
    /// Another step for a column, if one is called for.
    pub(super) fn next(&self, i: usize) -> Option<f64> {
        let column = &self.columns[i];
        if column.done || column.trials.len() >= TRIES {
            return None;
        }
        let noise = norm(&self.noise);
        let best = self.chosen(i)?;
        let error = best.error(noise);
        let given = self.differences.step.is_some();
        if error.sum() <= GOOD {
            let longer = self.wide(i).min(TELLING * best.step);
            return (self.suspected == Some(i)).then_some(longer);
        }
        let tried = |step: f64| {
            let near = |trial: &DifferenceTrial| (trial.step / step).ln().abs() < 1.0;
            column.trials.iter().any(near)
        };
        let fresh = |step: f64| (step.is_finite() && step > 0.0 && !tried(step)).then_some(step);
        let shorter = column
            .trials
            .iter()
            .map(|trial| trial.step)
            .filter(|step| *step < best.step)
            .fold(0.0, f64::max);
        let longer = column
            .trials
            .iter()
            .map(|trial| trial.step)
            .filter(|step| *step > best.step)
            .fold(f64::INFINITY, f64::min);
        if error.noise > error.bend {
            // Too short a step for this noise.
            if longer.is_finite() {
                return fresh((best.step * longer).sqrt());
            }
            // How far x must go for y to change by its own size is another measure of x.
            let visible = best.length > 3.0 * noise / best.step;
            let y = norm(self.y);
            let size = match visible && y > 0.0 {
                true => (y / best.length).max(self.size(i)),
                false => self.size(i).max(1.0),
            };
            let share = match given {
                true => self.differences.step(),
                false => self.differences.best_step(self.relative()).max(self.best()),
            };
            return fresh(share.min(LONGEST) * size).filter(|step| *step > WORTH * best.step);
        }
        if given || self.kind != NoiseKind::RoundOff {
            return None;
        }
        if shorter > 0.0 {
            return fresh((best.step * shorter).sqrt());
        }
        // Noise that is not known yet, or a step too long for this curvature: the former is tried first.
        let wide = self.wide(i);
        if column.trials.len() == 1 && wide > 3.0 * best.step {
            return Some(wide);
        }
        fresh(1e-3 * best.step)
    }

    /// A step for which second differences, were they noise, would cost as much as curvature does.
    pub(super) fn wide(&self, i: usize) -> f64 {
        let share = norm(&self.scattered()) / norm(self.y).max(f64::MIN_POSITIVE);
        self.differences.best_step(share).min(LONGEST) * self.size(i)
    }
}
