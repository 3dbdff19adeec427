//! Problems of which some data are missing, and several observations of one x.

use std::fmt;
use std::sync::Arc;

use super::Problem;
use crate::compose::selected::Selected;
use crate::compose::stacked::Stacked;
use crate::core::loss::Loss;
use crate::core::share::Share;
use crate::core::simulator::Simulator;
use crate::error::{Error, Result, expect_length};
use crate::losses::Blocks;
use crate::options::require;

impl Problem {
    /// Joins a simulator, a loss and a target in which NaN says that a value was not observed.
    ///
    /// The problem has one output for each datum that there is; a model outside may answer NaN for the others.
    ///
    /// # Errors
    /// As [`new`](Self::new), but for NaN; if no datum is left; if the loss does not come apart into
    /// single data.
    pub fn with_missing(
        simulator: impl Share<dyn Simulator>,
        loss: impl Share<dyn Loss>,
        target: impl Into<Vec<f64>>,
    ) -> Result<Self> {
        let (simulator, loss, target) = (simulator.share(), loss.share(), target.into());
        expect_length("the target", target.len(), simulator.output().len())?;
        loss.check(target.len())?;
        let seen: Vec<usize> = (0..target.len()).filter(|i| !target[*i].is_nan()).collect();
        if seen.len() == target.len() {
            return Self::of(simulator, loss, target);
        }
        let infinite = target.iter().position(|value| value.is_infinite());
        if let Some(index) = infinite {
            return Err(Error::NotFinite {
                what: "the target".to_owned(),
                index,
                value: target[index].to_string(),
            });
        }
        require(
            !seen.is_empty(),
            "target",
            "NaN throughout",
            "at least one value must have been observed",
        )?;
        let loss = loss.of_subset(&seen)?;
        let target: Vec<f64> = seen.iter().map(|i| target[*i]).collect();
        let simulator = simulator.seen_at(&seen).unwrap_or(simulator);
        Self::new(Arc::new(Selected::new(simulator, seen)?), loss, target)
    }

    /// Joins problems of one x: their data one after the other, then the noise levels that are unknowns; their losses added.
    ///
    /// # Errors
    /// If there is none, their x differ in length, or one of them has priors, bounds, constraints or transforms
    /// already.
    pub fn joined(problems: &[Self]) -> Result<Self> {
        for problem in problems {
            require(
                problem.terms.is_empty()
                    && problem.bounds.is_none()
                    && problem.constraints.is_none()
                    && !problem.is_transformed(),
                "joined",
                "a problem with priors, bounds, constraints or transforms",
                "join the data first, and give these to the whole",
            )?;
        }
        let simulators = problems.iter().map(|p| p.simulator.clone()).collect();
        let stacked: Arc<dyn Simulator> = Arc::new(Stacked::new(simulators)?);
        let losses = problems.iter().map(|p| (p.loss.clone(), p.outputs()));
        let loss = Blocks::with_levels_last(losses)?;
        let target: Vec<f64> = problems.iter().flat_map(|p| p.target.clone()).collect();
        let Some(order) = levels_last(problems) else {
            return Self::new(stacked, loss, target);
        };
        let target: Vec<f64> = order.iter().map(|place| target[*place]).collect();
        Self::new(Selected::new(stacked, order)?, loss, target)
    }

    /// The same data and simulator with another loss; without priors, bounds, constraints or transforms.
    pub(crate) fn with_loss(&self, loss: impl Share<dyn Loss>) -> Result<Self> {
        Self::of(
            Arc::clone(&self.simulator),
            loss.share(),
            self.target.clone(),
        )
    }

    /// That there are fewer data than unknowns, and no prior to say more; if so.
    pub fn shortage(&self) -> Option<Shortage> {
        let shortage = Shortage {
            data: self.data_outputs(),
            unknowns: self.inputs,
        };
        (self.terms.is_empty() && shortage.data < shortage.unknowns).then_some(shortage)
    }
}

/// The places of all data, then of all noise levels; nothing where there is no level.
fn levels_last(problems: &[Problem]) -> Option<Vec<usize>> {
    let (mut order, mut levels) = (Vec::new(), Vec::new());
    let mut from = 0;
    for problem in problems {
        let (data, end) = (from + problem.data_outputs(), from + problem.outputs());
        order.extend(from..data);
        levels.extend(data..end);
        from = end;
    }
    let some = !levels.is_empty();
    order.append(&mut levels);
    some.then_some(order)
}

/// Fewer data than unknowns: some combinations of these change nothing that was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shortage {
    /// The number of data.
    pub data: usize,
    /// The number of unknowns.
    pub unknowns: usize,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data, unknowns } = self;
        write!(
            f,
            "{data} data for {unknowns} unknowns and no prior: the problem is underdetermined; at least {} \
             directions are not constrained by the data and keep their starting values; add a prior, or see \
             `Statistics::unseen` for these directions",
            unknowns - data
        )
    }
}
