//! The steps of all columns: tried in rounds, until each is good enough or nothing more is worth its evaluations.

use super::estimate::{EstimatedJacobian, NoiseKind};
use super::trial::{Column, DifferenceTrial};
use crate::error::{Error, Result};
use crate::linalg::{Matrix, norm};
use crate::models::external::differences::{Differences, Scheme};
use crate::models::external::noise;
use crate::models::external::parallel::{self, Evaluate};

/// So many steps are tried for a column, the first included.
pub(super) const TRIES: usize = 5;

/// Steps longer than this share of an unknown's size are not taken for the sake of noise.
pub(super) const LONGEST: f64 = 0.1;

/// Where noise may make a larger part of a difference, nothing is known of its length.
const LOST: f64 = 0.3;

/// The search for the step of each column.
pub(super) struct StepSearch<'a> {
    pub(super) differences: &'a Differences,
    pub(super) x: &'a [f64],
    pub(super) y: &'a [f64],
    pub(super) at_once: usize,
    pub(super) evaluate: &'a Evaluate<'a>,
    pub(super) noise: Vec<f64>,
    pub(super) kind: NoiseKind,
    pub(super) columns: Vec<Column>,
    /// Second differences at the first steps: their mean square, that relative to y, and how many there are.
    pub(super) scatter: (f64, f64, usize),
    /// The column along which one more step is to tell noise from curvature.
    pub(super) suspected: Option<usize>,
}

impl StepSearch<'_> {
    pub(super) fn run(mut self) -> Result<EstimatedJacobian> {
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
    pub(super) fn size(&self, i: usize) -> f64 {
        match self.x[i].abs() {
            0.0 => 1.0,
            size => size,
        }
    }

    /// The noise relative to y, both taken as a whole.
    pub(super) fn relative(&self) -> f64 {
        let y = norm(self.y);
        if y > 0.0 { norm(&self.noise) / y } else { 0.0 }
    }

    /// The step for the noise that is known, relative to the size of an unknown.
    pub(super) fn best(&self) -> f64 {
        if self.differences.step.is_some() || self.kind == NoiseKind::RoundOff {
            return self.differences.step();
        }
        let shortest = self.differences.step();
        self.differences
            .best_step(self.relative())
            .clamp(shortest, LONGEST)
    }

    /// Where y looks rounded, one more answer tells whether the model rounds or y happens to be a round number.
    pub(super) fn first_steps(&mut self) -> Result<Vec<f64>> {
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

    pub(super) fn trial(&self, i: usize, step: f64, scheme: Scheme) -> Result<DifferenceTrial> {
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

    /// The trial with the least error; of those that noise makes, whose length says nothing, the longest step.
    pub(super) fn chosen(&self, i: usize) -> Option<&DifferenceTrial> {
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

    pub(super) fn found(self) -> EstimatedJacobian {
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
