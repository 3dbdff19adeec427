//! J by differences, column by column, with steps that keep the error of each column small and known.

use super::differences::{Differences, Scheme};
use super::noise;
use super::parallel::{self, Evaluate};
use crate::error::{Error, Result};
use crate::linalg::{Matrix, norm};

/// A column with a smaller error, relative to its length, is good enough.
const GOOD: f64 = 1e-4;

/// Another step is worth its evaluations if it promises an error so many times smaller.
const WORTH: f64 = 10.0;

/// So many steps are tried for a column, the first included.
const TRIES: usize = 5;

/// Steps longer than this share of an unknown's size are not taken for the sake of noise.
const LONGEST: f64 = 0.1;

/// Where noise may make a larger part of a difference, nothing is known of its length.
const LOST: f64 = 0.3;

/// A step so many times longer tells noise from curvature.
const TELLING: f64 = 30.0;

/// Second differences below this part of y may be noise that is worth a longer step.
const SMALL: f64 = 1e-2;

/// Squares of second differences up to this multiple of what noise makes on average may be noise.
const BY_CHANCE: f64 = 4.0;

/// An effect on y, relative to y, of a change of an unknown, relative to it, beyond which forward differences are
/// checked for noise from behind.
const STEEP: f64 = 10.0;

/// J by differences, and how far off it may be.
#[derive(Debug, Clone)]
pub(super) struct EstimatedJacobian {
    /// J, m × n.
    pub(super) jacobian: Matrix,
    /// The noise of each value of y that the steps were chosen for.
    noise: Vec<f64>,
    /// Where it comes from.
    kind: NoiseKind,
    /// The noise that cannot be told from curvature: no less than what there is.
    scatter: Vec<f64>,
    /// How much of the noise over the step is the error of a difference.
    share: f64,
    /// The step of each column.
    steps: Vec<f64>,
    /// The error of each column by the curvature of y, relative to its length.
    bend: Vec<f64>,
}

impl EstimatedJacobian {
    /// How far off each entry of J may be: by the noise that was measured, else by all that may be noise.
    pub(super) fn errors(&self, measured: Option<&[f64]>) -> Matrix {
        let (m, n) = (self.jacobian.rows(), self.jacobian.cols());
        // What was measured further around may hold curvature.
        let noise: Vec<f64> = match measured {
            Some(measured) => measured
                .iter()
                .zip(&self.scatter)
                .map(|(m, s)| m.min(*s))
                .collect(),
            None => self.scatter.clone(),
        };
        let mut lengths = vec![0.0_f64; n];
        for r in 0..m {
            let row = self.jacobian.row(r).iter();
            lengths.iter_mut().zip(row).for_each(|(l, v)| *l += v * v);
        }
        let mut errors = Matrix::zeros(m, n);
        for r in 0..m {
            let noise = self.share * noise[r].max(self.noise[r]);
            let row = self.jacobian.row(r).to_vec();
            for (i, error) in errors.row_mut(r).iter_mut().enumerate() {
                let typical = (lengths[i] / m as f64).sqrt();
                *error = noise / self.steps[i] + self.bend[i] * row[i].abs().max(typical);
            }
        }
        errors
    }

    /// The noise of each value of y where answers are rounded or scatter; nothing where it is round-off.
    pub(super) fn noise(&self) -> Option<Vec<f64>> {
        (self.kind != NoiseKind::RoundOff).then(|| self.noise.clone())
    }

    /// The step of each unknown.
    pub(super) fn steps(&self) -> &[f64] {
        &self.steps
    }
}

/// J at x, where y = P(x).
///
/// # Errors
/// If the model fails on both sides of x along an unknown.
pub(super) fn jacobian(
    differences: &Differences,
    x: &[f64],
    y: &[f64],
    at_once: usize,
    evaluate: &Evaluate<'_>,
) -> Result<EstimatedJacobian> {
    StepSearch {
        differences,
        x,
        y,
        at_once,
        evaluate,
        noise: noise::of_round_off(y),
        kind: NoiseKind::RoundOff,
        columns: vec![Column::default(); x.len()],
        scatter: (0.0, 0.0, 0),
        suspected: None,
    }
    .run()
}

/// Where the noise of y comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoiseKind {
    /// Arithmetic in `f64`, as far as is known.
    RoundOff,
    /// Answers that are rounded.
    Rounded,
    /// Seen by differences that do not fall with the step.
    Scatter,
}

struct StepSearch<'a> {
    differences: &'a Differences,
    x: &'a [f64],
    y: &'a [f64],
    at_once: usize,
    evaluate: &'a Evaluate<'a>,
    noise: Vec<f64>,
    kind: NoiseKind,
    columns: Vec<Column>,
    /// Second differences at the first steps: their mean square, that relative to y, and how many there are.
    scatter: (f64, f64, usize),
    /// The column along which one more step is to tell noise from curvature.
    suspected: Option<usize>,
}

/// What was tried for a column.
#[derive(Debug, Clone, Default)]
struct Column {
    trials: Vec<DifferenceTrial>,
    /// Nothing more is to be tried.
    done: bool,
}

impl Column {
    /// Whether the last of several steps shows second differences to be noise and no curvature, which grows with the square of
    /// the step. `small` says that they are so small beside y that noise may make them, whatever first differences do.
    fn scatters(&self, small: bool) -> bool {
        let (Some(first), Some(last)) = (self.trials.first(), self.trials.last()) else {
            return false;
        };
        let (Some(before), Some(after)) = (first.second, last.second) else {
            return false;
        };
        let longer = last.step / first.step;
        let weight = |second: f64, trial: &DifferenceTrial| second / (trial.step * trial.length);
        longer > 1.0 && weight(after, last) < 0.3 * weight(before, first)
            || small && longer > 3.0 && after < 2.0 * before
            // Beyond that the ups and downs of y may be what does not grow.
            || small
                && longer > 3.0
                && longer < 2.0 * TELLING
                && after < 0.05 * longer * longer * before
    }
}

/// A difference of y along an unknown.
#[derive(Debug, Clone)]
struct DifferenceTrial {
    /// Half of the width of a central difference, or the width of one from one side.
    step: f64,
    /// How much of the noise over the step is an error.
    share: f64,
    values: Vec<f64>,
    /// ‖J‖.
    length: f64,
    /// ‖P(x + h) − 2 P(x) + P(x − h)‖, if both sides were seen.
    second: Option<f64>,
    /// The mean square of that, and relative to y.
    squares: (f64, f64),
    /// By how much y moved beside its own size, where the size of the unknown is not known.
    reach: f64,
    /// Whether the answers were rounded, as far as these tell.
    rounded: Option<Vec<f64>>,
}

/// What a trial says of its error, relative to the column's length.
#[derive(Debug, Clone, Copy)]
struct ColumnError {
    noise: f64,
    bend: f64,
}

impl ColumnError {
    fn sum(self) -> f64 {
        self.noise + self.bend
    }
}

impl DifferenceTrial {
    fn error(&self, noise: f64) -> ColumnError {
        if self.length == 0.0 {
            // An unknown without any effect is known as well as the noise allows.
            return ColumnError {
                noise: if noise > 0.0 { f64::INFINITY } else { 0.0 },
                bend: 0.0,
            };
        }
        // Half of h over the length on which y' changes is the ratio of second to first differences.
        let bend = self.second.map(|second| {
            let second = (second * second - BY_CHANCE * 6.0 * noise * noise)
                .max(0.0)
                .sqrt();
            second / (2.0 * self.step * self.length)
        });
        ColumnError {
            noise: self.share * noise / (self.step * self.length),
            bend: (2.0 / 3.0 * bend.unwrap_or(0.0).powi(2))
                .max(self.reach * self.reach)
                .min(1.0),
        }
    }
}

impl StepSearch<'_> {
    fn run(mut self) -> Result<EstimatedJacobian> {
        let first = self.first_steps()?;
        let mut steps: Vec<(usize, f64)> = first.into_iter().enumerate().collect();
        for round in 0..TRIES {
            if steps.is_empty() {
                break;
            }
            let found = parallel::each(steps.len(), self.at_once, |k| {
                let (i, step) = steps[k];
                let scheme = match self.columns[i].trials.first() {
                    Some(first) if first.second.is_some() => Scheme::Central,
                    _ => self.differences.scheme,
                };
                match self.trial(i, step, scheme) {
                    // Where a second step fails, the first stands.
                    Err(Error::Simulation { .. }) if round > 0 => Ok(None),
                    other => other.map(Some),
                }
            })?;
            for ((i, _), trial) in steps.iter().zip(found) {
                match trial {
                    Some(trial) => self.columns[*i].trials.push(trial),
                    None => self.columns[*i].done = true,
                }
            }
            self.learn(round)?;
            steps = (0..self.x.len())
                .filter_map(|i| self.next(i).map(|step| (i, step)))
                .collect();
        }
        Ok(self.found())
    }

    /// The size of an unknown; 1 where it is 0.
    fn size(&self, i: usize) -> f64 {
        match self.x[i].abs() {
            0.0 => 1.0,
            size => size,
        }
    }

    /// The noise relative to y, both taken as a whole.
    fn relative(&self) -> f64 {
        let y = norm(self.y);
        if y > 0.0 { norm(&self.noise) / y } else { 0.0 }
    }

    /// The step for the noise that is known, relative to the size of an unknown.
    fn best(&self) -> f64 {
        if self.differences.step.is_some() || self.kind == NoiseKind::RoundOff {
            return self.differences.step();
        }
        let shortest = self.differences.step();
        self.differences
            .best_step(self.relative())
            .clamp(shortest, LONGEST)
    }

    /// Where y looks rounded, one more answer tells whether the model rounds or y happens to be a round number.
    fn first_steps(&mut self) -> Result<Vec<f64>> {
        let given = self.differences.step.is_some();
        if !given && !self.x.is_empty() && noise::of_rounding(&[self.y]).is_some() {
            let step = self.differences.step();
            let there: Vec<f64> = (0..self.x.len())
                .map(|i| self.x[i] + step * self.size(i))
                .collect();
            let answer = match (self.evaluate)(&there) {
                Err(Error::Simulation { .. }) => None,
                other => Some(other?),
            };
            if let Some(answer) = answer
                && let Some(noise) = noise::of_rounding(&[self.y, &answer])
            {
                (self.noise, self.kind) = (noise, NoiseKind::Rounded);
            }
        }
        let best = self.best();
        Ok((0..self.x.len()).map(|i| best * self.size(i)).collect())
    }

    fn trial(&self, i: usize, step: f64, scheme: Scheme) -> Result<DifferenceTrial> {
        // What x + h really is decides what is divided by.
        let side = |h: f64| {
            let mut there = self.x.to_vec();
            there[i] += h;
            (self.evaluate)(&there).map(|y| (there[i], y))
        };
        let here = || (self.x[i], self.y.to_vec());
        let or_none = |side: Result<(f64, Vec<f64>)>| match side {
            Err(Error::Simulation { .. }) => Ok(None),
            other => other.map(Some),
        };
        let (ahead, behind) = match side(step) {
            Ok(ahead) if scheme == Scheme::Central => (ahead, or_none(side(-step))?),
            Ok(ahead) => (ahead, None),
            Err(error @ Error::Simulation { .. }) => match or_none(side(-step))? {
                Some(behind) => (behind, None),
                None => return Err(error),
            },
            Err(error) => return Err(error),
        };
        let both = behind.is_some();
        let rounded = {
            let other = behind.as_ref().map(|(_, y)| y.as_slice());
            let answers: Vec<&[f64]> = [self.y, &ahead.1].into_iter().chain(other).collect();
            noise::of_rounding(&answers)
        };
        let mut squares = (0.0, 0.0);
        let second = behind.as_ref().map(|(_, behind)| {
            for ((a, b), y) in ahead.1.iter().zip(behind).zip(self.y) {
                let square = ((a - y) + (b - y)).powi(2);
                squares.0 += square;
                if *y != 0.0 {
                    squares.1 += square / (y * y);
                }
            }
            squares.0.sqrt()
        });
        let behind = behind.unwrap_or_else(here);
        let width = ahead.0 - behind.0;
        let values: Vec<f64> = ahead
            .1
            .iter()
            .zip(&behind.1)
            .map(|(a, b)| (a - b) / width)
            .collect();
        let (length, y) = (norm(&values), norm(self.y));
        let guessed = step > self.x[i].abs() && y > 0.0;
        Ok(DifferenceTrial {
            step: if both { 0.5 * width.abs() } else { width.abs() },
            share: if both { 0.5_f64.sqrt() } else { 2.0_f64.sqrt() },
            length,
            reach: if guessed { step * length / y } else { 0.0 },
            values,
            second,
            squares,
            rounded,
        })
    }

    /// What the last answers tell of the noise.
    fn learn(&mut self, round: usize) -> Result<()> {
        if self.differences.step.is_some() {
            return Ok(());
        }
        let newest = || {
            self.columns
                .iter()
                .filter_map(|column| column.trials.last())
        };
        match self.kind {
            NoiseKind::Rounded if newest().any(|trial| trial.rounded.is_none()) => {
                // One answer with all its digits: the others were round by chance.
                self.kind = NoiseKind::RoundOff;
                self.noise = noise::of_round_off(self.y);
            }
            _ => {}
        }
        if round == 0 {
            if self.differences.scheme == Scheme::Forward {
                self.look_behind()?;
            }
            for trial in self
                .columns
                .iter()
                .filter_map(|column| column.trials.first())
            {
                if trial.second.is_some() {
                    self.scatter.0 += trial.squares.0;
                    self.scatter.1 += trial.squares.1;
                    self.scatter.2 += 1;
                }
            }
        }
        self.suspected = match (round, self.kind) {
            (0, NoiseKind::RoundOff) => self.most_suspected(),
            _ => None,
        };
        let small = norm(&self.scattered()) <= SMALL * norm(self.y);
        if self.kind == NoiseKind::RoundOff
            && self.columns.iter().any(|column| column.scatters(small))
            && norm(&self.scattered()) > 10.0 * norm(&self.noise)
        {
            (self.noise, self.kind) = (self.scattered(), NoiseKind::Scatter);
        }
        Ok(())
    }

    /// Forward differences see no curvature, and take noise for steep slopes: the steepest one is looked at from
    /// behind.
    fn look_behind(&mut self) -> Result<()> {
        if self.kind != NoiseKind::RoundOff {
            return Ok(());
        }
        let y = norm(self.y);
        let effect = |i: usize| {
            self.columns[i]
                .trials
                .first()
                .map_or(0.0, |trial| trial.length * self.size(i))
        };
        let steepest = (0..self.x.len()).max_by(|i, j| effect(*i).total_cmp(&effect(*j)));
        let Some(i) = steepest.filter(|i| effect(*i) > STEEP * y) else {
            return Ok(());
        };
        let step = self.columns[i].trials[0].step;
        match self.trial(i, step, Scheme::Central) {
            Err(Error::Simulation { .. }) => Ok(()),
            Err(error) => Err(error),
            Ok(trial) => {
                self.columns[i].trials[0] = trial;
                Ok(())
            }
        }
    }

    /// What would be the noise of each value, were second differences nothing else.
    fn scattered(&self) -> Vec<f64> {
        self.level(self.scatter)
    }

    /// The same for a sum of second differences.
    fn level(&self, (amount, share, count): (f64, f64, usize)) -> Vec<f64> {
        let each = (6 * count.max(1) * self.y.len().max(1)) as f64;
        let (amount, share) = ((amount / each).sqrt(), (share / each).sqrt());
        self.y
            .iter()
            .map(|y| {
                if *y == 0.0 {
                    amount
                } else {
                    amount.min(share * y.abs())
                }
            })
            .collect()
    }

    /// Another step for a column, if one is called for.
    fn next(&self, i: usize) -> Option<f64> {
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
    fn wide(&self, i: usize) -> f64 {
        let share = norm(&self.scattered()) / norm(self.y).max(f64::MIN_POSITIVE);
        self.differences.best_step(share).min(LONGEST) * self.size(i)
    }

    /// The column that second differences make most uncertain, were they noise and not curvature, if any are more so than is
    /// good: another step along it tells which of both they are.
    fn most_suspected(&self) -> Option<usize> {
        let scatter = norm(&self.scattered());
        let uncertain = |column: &Column| {
            let trial = column.trials.first()?;
            trial.second?;
            let error = trial.share * scatter / (trial.step * trial.length);
            (error > GOOD && error.is_finite()).then_some(error)
        };
        let all = self.columns.iter().enumerate();
        all.filter_map(|(i, column)| Some((i, uncertain(column)?)))
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(i, _)| i)
    }

    /// The trial with the least error; of those that noise makes, whose length says nothing, the longest step.
    fn chosen(&self, i: usize) -> Option<&DifferenceTrial> {
        let noise = norm(&self.noise);
        let error = |trial: &DifferenceTrial| {
            let doubt = trial.error(noise);
            if doubt.noise > LOST {
                LOST + 1.0
            } else {
                doubt.sum()
            }
        };
        // Of equals the longest step, in which noise counts least.
        let order = |a: &&DifferenceTrial, b: &&DifferenceTrial| {
            error(a)
                .total_cmp(&error(b))
                .then(b.step.total_cmp(&a.step))
        };
        self.columns[i].trials.iter().min_by(order)
    }

    fn found(self) -> EstimatedJacobian {
        let (n, m) = (self.x.len(), self.y.len());
        let noise = norm(&self.noise);
        let mut columns = Vec::with_capacity(n * m);
        let (mut steps, mut bend, mut share) = (Vec::new(), Vec::new(), 0.0_f64);
        for i in 0..n {
            if let Some(trial) = self.chosen(i) {
                columns.extend(&trial.values);
                steps.push(trial.step);
                // From one side alone y may bend as much as its slope says.
                let size = self
                    .size(i)
                    .max(norm(self.y) / trial.length.max(f64::MIN_POSITIVE));
                let one_sided = (trial.step / size).min(1.0);
                bend.push(match trial.second {
                    Some(_) => trial.error(noise).bend,
                    None => one_sided,
                });
                share = share.max(trial.share);
            }
        }
        let seen = (0..n).filter_map(|i| self.chosen(i).filter(|t| t.second.is_some()));
        let sums = seen.fold((0.0, 0.0, 0), |(amount, share, count), trial| {
            let (a, s) = trial.squares;
            (amount + a, share + s, count + 1)
        });
        let scatter = match (self.kind, sums.2) {
            (NoiseKind::RoundOff, 1..) => self.level(sums),
            _ => self.noise.clone(),
        };
        EstimatedJacobian {
            jacobian: Matrix::from_vec(n, m, columns).transpose(),
            noise: self.noise,
            kind: self.kind,
            scatter,
            share,
            steps,
            bend,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn broken() -> Error {
        Error::simulation("square root", "of a negative number")
    }

    /// J of a model at x, with the number of evaluations beside the one at x.
    fn found(
        scheme: Scheme,
        x: &[f64],
        model: &(dyn Fn(&[f64]) -> Vec<f64> + Sync),
    ) -> (EstimatedJacobian, usize) {
        let calls = AtomicUsize::new(0);
        let evaluate = |x: &[f64]| {
            calls.fetch_add(1, Ordering::Relaxed);
            Ok(model(x))
        };
        let differences = Differences { scheme, step: None };
        let found = jacobian(&differences, x, &model(x), 1, &evaluate).unwrap();
        (found, calls.into_inner())
    }

    /// The largest error of a column, relative to its length, and what it is said to be at most.
    fn error(found: &EstimatedJacobian, exact: &[&[f64]], measured: Option<&[f64]>) -> (f64, f64) {
        let told = found.errors(measured);
        let mut worst = (0.0_f64, 0.0_f64);
        for (i, exact) in exact.iter().enumerate() {
            let off: Vec<f64> = (0..exact.len())
                .map(|r| found.jacobian[(r, i)] - exact[r])
                .collect();
            let said: Vec<f64> = (0..exact.len()).map(|r| told[(r, i)]).collect();
            worst.0 = worst.0.max(norm(&off) / norm(exact));
            worst.1 = worst.1.max(norm(&said) / norm(exact));
        }
        worst
    }

    fn times() -> Vec<f64> {
        (0..40).map(|i| 0.1 + 0.07 * f64::from(i)).collect()
    }

    fn decay(p: &[f64]) -> Vec<f64> {
        times().iter().map(|t| p[0] * (-p[1] * t).exp()).collect()
    }

    fn slopes(p: &[f64]) -> [Vec<f64>; 2] {
        let of = |t: &f64| (-p[1] * t).exp();
        [
            times().iter().map(of).collect(),
            times().iter().map(|t| -p[0] * t * of(t)).collect(),
        ]
    }

    fn scatter(v: f64) -> f64 {
        let s = (v * 1e9).sin() * 43_758.545_3;
        2.0 * (s - s.floor()) - 1.0
    }

    #[test]
    fn unknowns_of_any_size_are_served_alike_and_cost_what_was_said() {
        for (scheme, cost, limit) in [(Scheme::Central, 2, 1e-9), (Scheme::Forward, 1, 1e-6)] {
            for size in [1e-9, 1.0, 1e9] {
                let model = |x: &[f64]| vec![(x[0] / size).sin(), 3.3 + x[0] / size];
                let (found, calls) = found(scheme, &[0.7 * size], &model);
                let exact = [0.7_f64.cos() / size, 1.0 / size];
                let (off, said) = error(&found, &[&exact], None);
                assert!(off < limit && off < said, "{size}: {off} {said}");
                assert_eq!(calls, cost, "{scheme:?} {size}");
            }
            let p = [2.2, 0.7];
            let (found, calls) = found(scheme, &p, &decay);
            let exact = slopes(&p);
            let (off, said) = error(&found, &[&exact[0], &exact[1]], None);
            assert!(off < limit && off < said && said < 1e-3, "{off} {said}");
            assert_eq!(calls, 2 * cost);
        }
    }

    /// A zero intercept: one datum moves with the smallest step, and the others do not.
    #[test]
    fn a_step_that_moves_one_datum_alone_is_no_step() {
        let t: Vec<f64> = (0..11).map(f64::from).collect();
        let line = |p: &[f64]| -> Vec<f64> { t.iter().map(|t| p[0] + p[1] * t).collect() };
        for scheme in [Scheme::Central, Scheme::Forward] {
            for intercept in [0.0, 1e-200, 1e-17, -1e-15, 1e-13, 3e-12, 1e-10, 1e-8] {
                let (found, calls) = found(scheme, &[intercept, 2.0], &line);
                let (off, said) = error(&found, &[&[1.0; 11], &t], None);
                assert!(
                    off < 1e-4 && said < 2e-2,
                    "{scheme:?} {intercept}: {off} {said}"
                );
                assert!(off < said, "{scheme:?} {intercept}: {off} {said}");
                assert!(calls <= 8, "{intercept}: {calls}");
            }
        }
    }

    #[test]
    fn zeros_of_unknowns_with_a_small_scale_find_a_small_step() {
        for x in [0.0, 1e-15] {
            let model = |x: &[f64]| vec![(x[0] / 1e-9).sin() + 0.1, 2.3 + (x[0] / 2e-9).sin()];
            let (found, _) = found(Scheme::Central, &[x], &model);
            let (off, said) = error(&found, &[&[1e9, 0.5e9]], None);
            assert!(off < 1e-3 && off < said, "{x}: {off} {said}");
        }
    }

    #[test]
    fn single_precision_and_rounded_answers_get_longer_steps() {
        let p = [2.2, 0.7];
        let exact = slopes(&p);
        let exact: [&[f64]; 2] = [&exact[0], &exact[1]];
        type Rounding = (&'static str, fn(f64) -> f64, f64);
        let roundings: [Rounding; 4] = [
            ("single", |v| f64::from(v as f32), 1e-4),
            ("six decimals", |v| (v * 1e6).round() / 1e6, 5e-4),
            ("three decimals", |v| (v * 1e3).round() / 1e3, 3e-2),
            (
                "five digits",
                |v| format!("{v:.4e}").parse().unwrap_or(v),
                5e-3,
            ),
        ];
        for (name, round, limit) in roundings {
            let model = |p: &[f64]| -> Vec<f64> { decay(p).into_iter().map(round).collect() };
            for (scheme, cost, worse) in [(Scheme::Central, 5, 1.0), (Scheme::Forward, 3, 100.0)] {
                let (found, calls) = found(scheme, &p, &model);
                let (off, said) = error(&found, &exact, None);
                assert!(
                    off < (worse * limit).min(0.3),
                    "{name} {scheme:?}: {off} {said}"
                );
                assert!(off < 2.0 * said, "{name} {scheme:?}: {off} {said}");
                assert!(calls <= cost, "{name} {scheme:?}: {calls}");
            }
        }
    }

    #[test]
    fn noise_that_looks_like_digits_is_seen_by_what_it_does() {
        let p = [2.2, 0.7];
        let exact = slopes(&p);
        let exact: [&[f64]; 2] = [&exact[0], &exact[1]];
        for (level, limit) in [(1e-4, 5e-2), (1e-6, 1e-3), (1e-8, 1e-2), (1e-11, 1e-4)] {
            let model = |p: &[f64]| -> Vec<f64> {
                let noisy = |(i, v): (usize, f64)| {
                    v * (1.0 + level * scatter(p[0] + 1.3 * p[1] + 0.01 * i as f64))
                };
                decay(p).into_iter().enumerate().map(noisy).collect()
            };
            let (found, calls) = found(Scheme::Central, &p, &model);
            let (off, said) = error(&found, &exact, None);
            assert!(off < limit && off < 1.5 * said, "{level}: {off} {said}");
            assert!(calls <= 8, "{level}: {calls}");
            let evaluate = |x: &[f64]| Ok(model(x));
            let measured = noise::around(&p, &model(&p), found.steps(), 1, &evaluate)
                .unwrap()
                .unwrap();
            assert!(noise::is_beyond_round_off(&measured, &model(&p)));
            let (_, said) = error(&found, &exact, Some(&measured));
            assert!(
                off < 2.0 * said && said < 30.0 * off,
                "{level}: {off} {said}"
            );
        }
    }

    /// The intercept of a line is near 0: its own size is far too short a step for noise.
    #[test]
    fn unknowns_near_zero_of_noisy_models_get_steps_that_see_them() {
        let t: Vec<f64> = (1..41).map(|i| 0.1 * f64::from(i)).collect();
        for (k, intercept) in [1e-5, -3e-4, 2e-4, 1e-3, -2e-3, 0.03]
            .into_iter()
            .enumerate()
        {
            for level in [1e-9, 1e-7, 1e-6, 1e-5, 1e-4] {
                let model = |p: &[f64]| -> Vec<f64> {
                    let noisy = |(i, t): (usize, &f64)| {
                        let seed = p[0] + 1.3 * p[1] + 0.01 * i as f64 + k as f64;
                        (p[0] + p[1] * t) * (1.0 + level * scatter(seed))
                    };
                    t.iter().enumerate().map(noisy).collect()
                };
                let (found, calls) = found(Scheme::Central, &[intercept, 2.0], &model);
                let (off, said) = error(&found, &[&[1.0; 40], &t], None);
                let what = format!("{intercept} {level}: {off} {said}, {calls} calls");
                // Good enough, or about what the best step for this noise leaves.
                assert!(off < GOOD.max(30.0 * level.powf(2.0 / 3.0)), "{what}");
                assert!(off < 2.0 * said && calls <= 10, "{what}");
            }
        }
    }

    #[test]
    fn the_measured_noise_of_an_exact_model_is_round_off() {
        let p = [2.2, 0.7];
        let (found, _) = found(Scheme::Central, &p, &decay);
        let exact = slopes(&p);
        let evaluate = |x: &[f64]| Ok(decay(x));
        let measured = noise::around(&p, &decay(&p), found.steps(), 1, &evaluate)
            .unwrap()
            .unwrap();
        assert!(!noise::is_beyond_round_off(&measured, &decay(&p)));
        let (off, said) = error(&found, &[&exact[0], &exact[1]], Some(&measured));
        assert!(off < said && said < 1e-8, "{off} {said}");
    }

    #[test]
    fn unknowns_without_effect_cost_no_more_than_others() {
        let model = |p: &[f64]| -> Vec<f64> { decay(&p[..2]) };
        let (found, calls) = found(Scheme::Central, &[2.2, 0.7, 5.0, 0.0], &model);
        assert_eq!(calls, 8);
        assert!((0..40).all(|r| found.jacobian[(r, 2)] == 0.0 && found.jacobian[(r, 3)] == 0.0));
    }

    #[test]
    fn a_side_that_fails_is_left_out() {
        let evaluate = |x: &[f64]| {
            if x[0] < 1.0 {
                Err(broken())
            } else {
                Ok(vec![x[0] * x[0]])
            }
        };
        let differences = Differences::default();
        let found = jacobian(&differences, &[1.0], &[1.0], 1, &evaluate).unwrap();
        assert!((found.jacobian[(0, 0)] - 2.0).abs() < 1e-4);
        assert!(found.errors(None)[(0, 0)] > 5e-6);
        let nowhere = |_: &[f64]| Err(broken());
        let failed = jacobian(&differences, &[1.0], &[1.1], 1, &nowhere);
        assert_eq!(failed.err(), Some(broken()));
    }

    #[test]
    fn a_step_that_is_given_stands() {
        let differences = Differences {
            step: Some(1e-3),
            ..Differences::default()
        };
        let calls = AtomicUsize::new(0);
        let evaluate = |x: &[f64]| {
            calls.fetch_add(1, Ordering::Relaxed);
            assert!((x[0] / 2.2 - 1.0).abs() < 1.1e-3);
            Ok(decay(x)
                .into_iter()
                .map(|v| f64::from(v as f32))
                .collect::<Vec<f64>>())
        };
        let p = [2.2, 0.7];
        jacobian(&differences, &p, &evaluate(&p).unwrap(), 1, &evaluate).unwrap();
        assert_eq!(calls.into_inner(), 5);
    }
}
