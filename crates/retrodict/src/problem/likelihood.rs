//! Problems of which the size of the noise is an unknown.

use std::sync::Arc;

use super::Problem;
use crate::compose::selected::Selected;
use crate::compose::stacked::Stacked;
use crate::core::share::Share;
use crate::core::simulator::Simulator;
use crate::error::{Result, expect_length};
use crate::losses::{Distribution, Likelihood};
use crate::options::require;
use crate::priors::Readings;

impl Problem {
    /// Joins a simulator and a target whose noise levels are unknowns: values of x that the physics need not know.
    ///
    /// `levels` are the places of the levels in x, and `groups` says for each datum which of them is its own. NaN in the
    /// target says that a value was not observed.
    ///
    /// # Errors
    /// If a place or a group is not there, no datum is left, or a datum is one that the distribution cannot make.
    ///
    /// # Source
    /// [`Likelihood`].
    pub fn with_noise_levels(
        simulator: impl Share<dyn Simulator>,
        distribution: Distribution,
        levels: &[usize],
        groups: &[usize],
        target: impl Into<Vec<f64>>,
    ) -> Result<Self> {
        let simulator = simulator.share();
        let n = simulator.input().len();
        for place in levels {
            let allowed = format!("x has {n} values, counted from 0");
            require(*place < n, "levels", place, &allowed)?;
        }
        let rows = levels.iter().map(|place| (*place, true)).collect();
        let levels = Arc::new(Readings::new(simulator.input(), rows));
        Self::with_levels(simulator, levels, distribution, groups, target.into())
    }

    /// The same, where a simulator of x says the logarithms of the levels.
    pub(crate) fn with_levels(
        mut simulator: Arc<dyn Simulator>,
        levels: Arc<dyn Simulator>,
        distribution: Distribution,
        groups: &[usize],
        mut target: Vec<f64>,
    ) -> Result<Self> {
        expect_length("the target", target.len(), simulator.output().len())?;
        expect_length("the groups of the noise", groups.len(), target.len())?;
        let count = levels.output().len();
        let mut groups = groups.to_vec();
        for group in &groups {
            let allowed = format!("there are {count} noise levels, counted from 0");
            require(*group < count, "groups", group, &allowed)?;
        }
        let seen: Vec<usize> = (0..target.len()).filter(|i| !target[*i].is_nan()).collect();
        if seen.len() < target.len() {
            require(
                !seen.is_empty(),
                "target",
                "NaN throughout",
                "at least one value must have been observed",
            )?;
            target = seen.iter().map(|i| target[*i]).collect();
            groups = seen.iter().map(|i| groups[*i]).collect();
            let own = simulator.seen_at(&seen).unwrap_or(simulator);
            simulator = Arc::new(Selected::new(own, seen)?);
        }
        let used = groups.iter().max().map_or(0, |last| last + 1);
        require(
            used == count,
            "groups",
            format!("no datum in group {used}"),
            "each noise level needs a datum that was observed",
        )?;
        let loss = Likelihood::new(distribution, groups, &target)?;
        target.extend(vec![0.0; count]);
        let whole = Stacked::new(vec![simulator, levels])?;
        Self::of(Arc::new(whole), Arc::new(loss), target)
    }
}
