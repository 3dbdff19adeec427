//! Noise of which the size is an unknown too.

mod distribution;

use crate::core::loss::{LogLikelihood, Loss};
use crate::error::{Result, expect_length};
use crate::options::require;

pub use distribution::Distribution;
use distribution::{Datum, Second};

use super::separable::LN_ROOT;

/// −log likelihood of independent noise whose levels σ are unknowns: L = Σ −ln p(y*ᵢ | yᵢ, σ of i's group).
///
/// The levels stand behind the data: y holds the m outputs of the model, then ln σ of each group. W is the square root
/// of the Fisher information of both, so that Gauss–Newton is Fisher scoring.
///
/// So that L is no less than 0 for any noise that can be told from round-off, levels count in units of 1e-9 of the
/// root mean square of the data (of 1e-9 where they are relative), and ½ ln 2π a datum is left out;
/// [`log_likelihood`](Loss::log_likelihood) has neither.
///
/// ```
/// use retrodict::losses::{Distribution, Likelihood};
/// use retrodict::prelude::*;
/// let target = [1.0, 3.0];
/// let loss = Likelihood::new(Distribution::Gaussian, [0, 0], &target)?;
/// // At its best the level is the root mean square of the residuals: here 1.
/// let mut slope = [0.0; 3];
/// loss.gradient(&[2.0, 2.0, 0.0], &[1.0, 3.0, 0.0], &mut slope);
/// assert_eq!(slope[2], 0.0);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// y and target: m + (number of groups); the last values of the target play no role.
///
/// # Source
/// Seber & Wild, *Nonlinear Regression*, 2.8; McCullagh & Nelder, *Generalized Linear Models*, 2.5 for the scoring.
#[derive(Debug, Clone)]
pub struct Likelihood {
    distribution: Distribution,
    /// The group of each datum.
    groups: Vec<usize>,
    levels: usize,
    /// ln of the unit of the levels.
    unit: f64,
}

/// The unit of the levels, relative to the data.
const UNIT: f64 = 1e-9;

impl Likelihood {
    /// Noise of a distribution, for data of which each is in a group, counted from 0.
    ///
    /// # Errors
    /// If there is no datum, a group has none, or a datum is one that the distribution cannot make.
    pub fn new(
        distribution: Distribution,
        groups: impl Into<Vec<usize>>,
        target: &[f64],
    ) -> Result<Self> {
        let groups = groups.into();
        expect_length("the groups of the noise", groups.len(), target.len())?;
        let levels = groups.iter().max().map_or(0, |last| last + 1);
        require(
            levels > 0,
            "groups",
            "[]",
            "there must be at least one datum",
        )?;
        let empty = (0..levels).find(|group| !groups.contains(group));
        if let Some(empty) = empty {
            require(
                false,
                "groups",
                format!("no datum in group {empty}"),
                "groups are counted from 0, and each needs a datum to say how large its noise is",
            )?;
        }
        let squares: f64 = target.iter().map(|t| t * t).sum();
        let scale = match distribution {
            Distribution::LogNormal => 1.0,
            _ if squares > 0.0 => (squares / target.len() as f64).sqrt(),
            _ => 1.0,
        };
        let loss = Self {
            distribution,
            groups,
            levels,
            unit: (UNIT * scale).ln(),
        };
        loss.check_target(target)?;
        Ok(loss)
    }

    /// The distribution.
    pub fn distribution(&self) -> Distribution {
        self.distribution
    }

    /// The group of each datum.
    pub fn groups(&self) -> &[usize] {
        &self.groups
    }

    fn data(&self) -> usize {
        self.groups.len()
    }

    /// Each datum with its group.
    fn each<'a>(
        &'a self,
        y: &'a [f64],
        target: &'a [f64],
    ) -> impl Iterator<Item = (usize, Datum)> + 'a {
        let levels = &y[self.data()..];
        let pairs = y.iter().zip(target).zip(&self.groups);
        pairs.map(move |((y, target), group)| {
            (*group, self.distribution.at(*y, *target, levels[*group]))
        })
    }

    /// What is left of the information on each level, once the data have theirs.
    fn rest(&self, y: &[f64], target: &[f64]) -> Vec<f64> {
        let mut rest = vec![0.0; self.levels];
        for (group, datum) in self.each(y, target) {
            rest[group] += datum.information.rest();
        }
        rest
    }

    /// out = (A, B; Bᵀ, C) v, where the derivatives of each datum are the entries.
    fn multiply(
        &self,
        y: &[f64],
        target: &[f64],
        v: &[f64],
        out: &mut [f64],
        of: impl Fn(&Datum) -> Second,
    ) {
        let m = self.data();
        out[m..].fill(0.0);
        for (i, (group, datum)) in self.each(y, target).enumerate() {
            let Second { value, both, level } = of(&datum);
            out[i] = value * v[i] + both * v[m + group];
            out[m + group] += both * v[i] + level * v[m + group];
        }
    }
}

impl Loss for Likelihood {
    fn formula(&self) -> String {
        self.distribution.formula().to_owned()
    }
    fn check(&self, outputs: usize) -> Result<()> {
        let expected = self.data() + self.levels;
        expect_length("the data with their noise levels", outputs, expected)
    }
    fn check_target(&self, target: &[f64]) -> Result<()> {
        let mut data = target.iter().take(self.data()).enumerate();
        data.try_for_each(|(i, value)| match self.distribution {
            Distribution::LogNormal => require(
                *value > 0.0,
                &format!("target[{i}]"),
                value,
                "log-normal noise keeps every datum greater than 0; leave it out as missing, or use gaussian",
            ),
            Distribution::Gaussian | Distribution::Proportional => Ok(()),
        })
    }
    fn majorises(&self) -> bool {
        false
    }
    fn levels(&self) -> usize {
        self.levels
    }
    fn log_likelihood(&self, y: &[f64], target: &[f64]) -> Option<LogLikelihood> {
        let m = self.data();
        let constant = |target: &f64| LN_ROOT + self.distribution.measure(*target);
        let constants: f64 = target.iter().take(m).map(constant).sum();
        let terms = self.each(y, target).map(|(_, datum)| datum.value);
        Some(LogLikelihood::new(-constants - terms.sum::<f64>()))
    }
    fn value(&self, y: &[f64], target: &[f64]) -> f64 {
        let terms = self
            .each(y, target)
            .map(|(_, datum)| datum.value - self.unit);
        let sum: f64 = terms.sum();
        // Beyond where the noise can be told from round-off, a smaller level is no better.
        if sum.is_nan() { f64::INFINITY } else { sum }
    }
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]) {
        let m = self.data();
        out[m..].fill(0.0);
        for (i, (group, datum)) in self.each(y, target).enumerate() {
            out[i] = datum.slope;
            out[m + group] += datum.slope_level;
        }
    }
    fn hessian_product(&self, y: &[f64], target: &[f64], dy: &[f64], out: &mut [f64]) {
        self.multiply(y, target, dy, out, |datum| datum.hessian);
    }
    fn whiten(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        let m = self.data();
        for (i, (group, datum)) in self.each(y, target).enumerate() {
            let Second { value, both, .. } = datum.information;
            out[i] = value.sqrt() * v[i] + both / value.sqrt() * v[m + group];
        }
        for (k, rest) in self.rest(y, target).into_iter().enumerate() {
            out[m + k] = rest.sqrt() * v[m + k];
        }
    }
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        let m = self.data();
        for (k, rest) in self.rest(y, target).into_iter().enumerate() {
            out[m + k] = rest.sqrt() * v[m + k];
        }
        for (i, (group, datum)) in self.each(y, target).enumerate() {
            let Second { value, both, .. } = datum.information;
            out[i] = value.sqrt() * v[i];
            out[m + group] += both / value.sqrt() * v[i];
        }
    }
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()> {
        let m = self.data();
        // The levels first, with what the data would do for them taken away.
        let mut slopes = vec![0.0; self.levels];
        for (group, datum) in self.each(y, target) {
            let Second { value, both, .. } = datum.information;
            slopes[group] += datum.slope_level - both / value * datum.slope;
        }
        for (k, rest) in self.rest(y, target).into_iter().enumerate() {
            dy[m + k] = -slopes[k] / rest;
        }
        for (i, (group, datum)) in self.each(y, target).enumerate() {
            let Second { value, both, .. } = datum.information;
            dy[i] = -(datum.slope + both * dy[m + group]) / value;
        }
        Ok(())
    }
}
