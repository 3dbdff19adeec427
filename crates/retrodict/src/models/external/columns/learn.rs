//! What the answers of a search tell of the noise of y.

use super::GOOD;
use super::estimate::NoiseKind;
use super::search::StepSearch;
use super::trial::Column;
use crate::error::{Error, Result};
use crate::linalg::norm;
use crate::models::external::differences::Scheme;
use crate::models::external::noise;

/// Second differences below this part of y may be noise that is worth a longer step.
const SMALL: f64 = 1e-2;

/// An effect on y, relative to y, of a change of an unknown, relative to it, beyond which forward differences are
/// checked for noise from behind.
const STEEP: f64 = 10.0;

impl StepSearch<'_> {
    /// What the last answers tell of the noise.
    pub(super) fn learn(&mut self, round: usize) -> Result<()> {
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
    pub(super) fn look_behind(&mut self) -> Result<()> {
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
    pub(super) fn scattered(&self) -> Vec<f64> {
        self.level(self.scatter)
    }

    /// The same for a sum of second differences.
    pub(super) fn level(&self, (amount, share, count): (f64, f64, usize)) -> Vec<f64> {
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

    /// The column that second differences make most uncertain, were they noise and not curvature, if any are more so than is
    /// good: another step along it tells which of both they are.
    pub(super) fn most_suspected(&self) -> Option<usize> {
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
}
