//! What is known of single values of x: Gaussian or log-normal, each by itself.

use std::sync::Arc;

use super::readings::Readings;
use super::{Prior, PriorBlock};
use crate::core::space::Space;
use crate::error::Result;
use crate::losses::Weighted;
use crate::options::{deviation, positive, require};

/// What is known of one value before the data.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Marginal {
    /// Gaussian, with mean and standard deviation in the value's own unit.
    Gaussian {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
    /// Log-normal: Gaussian in ln x.
    LogNormal {
        /// The median, in the value's own unit.
        median: f64,
        /// The standard deviation of ln x: 0.1 is about 10 %.
        log_std: f64,
    },
}

impl Marginal {
    /// Checks the numbers.
    ///
    /// # Errors
    /// If the mean is not finite, the median not greater than 0, or a standard deviation neither.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::Gaussian { mean, std } => {
                require(mean.is_finite(), "mean", mean, "it must be finite")?;
                deviation("std", std)
            }
            Self::LogNormal { median, log_std } => {
                positive("median", median)?;
                deviation("log_std", log_std)
            }
        }
    }
}

/// Independent priors of some of the unknowns: Σ ½ ((xᵢ − mean)/std)², in ln xᵢ where they are log-normal.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::priors::{Marginal, Single};
/// let prior = Single::new([(1, Marginal::Gaussian { mean: 2.0, std: 0.5 })]);
/// let block = prior.on(&Space::new("parameters", &[3], "1"))?;
/// let mut r = [0.0];
/// block.simulator.forward(&[9.0, 3.0, 9.0], &mut r)?;
/// assert_eq!(block.loss.value(&r, &block.target), 2.0);
/// # Ok::<(), retrodict::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Single {
    entries: Vec<(usize, Marginal)>,
}

impl Single {
    /// The place of each value in x, and what is known of it.
    pub fn new(entries: impl Into<Vec<(usize, Marginal)>>) -> Self {
        Self {
            entries: entries.into(),
        }
    }
}

impl Prior for Single {
    fn on(&self, space: &Space) -> Result<PriorBlock> {
        let mut rows = Vec::new();
        let (mut target, mut deviations) = (Vec::new(), Vec::new());
        for (place, marginal) in &self.entries {
            let allowed = format!("the space has {} values, counted from 0", space.len());
            require(*place < space.len(), "place", place, &allowed)?;
            marginal.validate()?;
            let (logarithm, middle, deviation) = match *marginal {
                Marginal::Gaussian { mean, std } => (false, mean, std),
                Marginal::LogNormal { median, log_std } => (true, median.ln(), log_std),
            };
            rows.push((*place, logarithm));
            target.push(middle);
            deviations.push(deviation);
        }
        Ok(PriorBlock {
            name: "parameters",
            simulator: Arc::new(Readings::new(space, rows)),
            loss: Arc::new(Weighted::half(deviations)?),
            target,
        })
    }
}
