//! Profile likelihoods: how well the data can be met at each value of one quantity, all else being free.

mod crossing;
mod fit;
mod newton;
mod path;
mod reduced;
mod seen;
mod trail;
mod words;

use std::sync::Arc;

use derive_setters::Setters;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::derived::Quantity;
use super::statistics::{Interval, Noise, Statistics, known_variance, no_noise, reach};
use crate::compose::parameters::Parameters;
use crate::core::counts::Counts;
use crate::error::{Error, Result};
use crate::interrupt::{self, Interrupt};
use crate::options::{Validate, positive, require};
use crate::problem::{Evaluation, Problem, Tally};
use path::{SidePath, Task};
use seen::Coordinate;

/// What a profile runs along.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Along<'a> {
    /// An unknown, by its place in x.
    Unknown(usize),
    /// A quantity that follows from the free parameters of a table, which are x.
    Quantity(&'a Quantity, &'a Parameters),
}

/// How profiles are taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct ProfileOptions {
    /// The level of confidence of the interval, in (0, 1).
    pub level: f64,
    /// How far to go where the data set no end, in multiples of the value's own size or of its standard deviation, if that is
    /// more; for a logarithm, the largest factor.
    pub reach: f64,
    /// Maximum number of steps of Levenberg–Marquardt at each value.
    pub steps: usize,
    /// Maximum number of values to each side.
    pub points: usize,
}

impl Default for ProfileOptions {
    fn default() -> Self {
        Self {
            level: 0.95,
            reach: 1000.0,
            steps: 100,
            points: 60,
        }
    }
}

impl Validate for ProfileOptions {
    fn validate(&self) -> Result<()> {
        reach(self.level, None)?;
        positive("reach", self.reach)?;
        positive("steps", self.steps as f64)?;
        require(
            self.points > 1,
            "points",
            self.points,
            "it must be at least 2",
        )
    }
}

/// A value of the quantity, and the best that the others make of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProfilePoint {
    /// The value.
    pub value: f64,
    /// Λ: twice by how much −ln of the likelihood exceeds its minimum, with the noise level of the best fit.
    pub excess: f64,
    /// x there.
    pub x: Vec<f64>,
}

/// Where a profile ends to one side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Side {
    /// It crosses the threshold at this value: the end of the interval.
    Crosses(f64),
    /// It stays below the threshold up to a bound of the unknown, at this value.
    Bound(f64),
    /// It stays below the threshold as far as it was followed, to this value.
    Open(f64),
    /// Beyond this value the simulation failed, below the threshold.
    Failed(f64),
}

/// What a profile says of a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Identifiability {
    /// The data set both ends.
    Identifiable,
    /// They set the lower end alone.
    BoundedBelow,
    /// They set the upper end alone.
    BoundedAbove,
    /// They set neither, though not all values are as good.
    Unbounded,
    /// All values are as good.
    Flat,
}

/// The profile likelihood of a quantity.
///
/// At each value of the quantity, the fit is made anew in all other unknowns. An interval holds the values at which Λ, twice
/// the excess of −ln of the likelihood, stays below a threshold: χ²₁ at the level where the noise is known or
/// fitted, and the square of Student's t where it is estimated. Unlike x ± t σ it does not depend on how the model is
/// parametrised, and tells what the data do not bound.
///
/// # Cost
/// Where the linear model is not far off, five values to each side, with y and J at each one to three times: Gauss–Newton
/// steps from where the last fits point to, and an end by the slope that the gradient tells. Where these fail, a fit of
/// Levenberg–Marquardt in one unknown less takes their place.
///
/// # Source
/// Raue et al., Bioinformatics 25 (2009), 1923; Bates & Watts, *Nonlinear Regression Analysis*, 6.1 (profile t); Venzon &
/// Moolgavkar, Appl. Stat. 37 (1988), 87.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Profile {
    /// The best value.
    pub value: f64,
    /// The standard deviation of the linearised model; infinite where it sees none.
    #[serde(with = "super::or_infinite")]
    pub deviation: f64,
    /// Values in their order, the best among them.
    pub points: Vec<ProfilePoint>,
    /// What Λ may be within the interval.
    pub threshold: f64,
    /// The lower end.
    pub low: Side,
    /// The upper end.
    pub high: Side,
    /// What it says of the quantity.
    pub identifiability: Identifiability,
    /// An x that fits better than the one at which the profile began, if one was met: the fit had ended in a local optimum.
    pub better: Option<Vec<f64>>,
    /// Evaluations of the simulator.
    pub counts: Counts,
}

impl Profile {
    /// The interval; infinite to the side where the data set no end, and ending at a bound where that is met before.
    pub fn interval(&self) -> Interval {
        let end = |side: Side, none: f64| match side {
            Side::Crosses(value) | Side::Bound(value) => value,
            Side::Open(_) | Side::Failed(_) => none,
        };
        Interval {
            low: end(self.low, f64::NEG_INFINITY),
            high: end(self.high, f64::INFINITY),
        }
    }
}

/// The profiles of several quantities, side by side on all cores, from the x at which a fit ended and its statistics.
///
/// ```
/// use retrodict::losses::Weighted;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::uncertainty::profile::{Along, ProfileOptions, profiles};
/// use retrodict::uncertainty::statistics::{Noise, Statistics};
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, Weighted::half([0.5])?, [1.0, 100.0])?;
/// let statistics = Statistics::with(&problem, &[1.0, 1.0], Noise::Known)?;
/// let found = profiles(&problem, &statistics, &[Along::Unknown(0)], &ProfileOptions::default())?;
/// // P is linear: the profile is a parabola, and its interval that of the statistics.
/// let (profile, linear) = (found[0].interval(), statistics.intervals(0.95)?[0]);
/// assert!((profile.low - linear.low).abs() < 1e-5 && (profile.high - linear.high).abs() < 1e-5);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Errors
/// If an option is not allowed, an unknown is not there or fixed, or the simulation fails at the best x.
pub fn profiles(
    problem: &Problem,
    statistics: &Statistics,
    along: &[Along<'_>],
    options: &ProfileOptions,
) -> Result<Vec<Profile>> {
    options.validate()?;
    if problem.constraints().is_some() {
        return Err(Error::Unsupported {
            rule: "a profile likelihood",
            needs: "unknowns without linear constraints",
            simulator: "a constrained problem".to_owned(),
            instead: vec!["bounds, or an equality as a tie between parameters".into()],
        });
    }
    let best = &statistics.parameters;
    let z = problem.unknowns(best)?;
    let tally = Tally::default();
    let at = Evaluation::new(problem, &tally, &z)?;
    let lowest = at.loss()?;
    if !(statistics.variance > 0.0 && statistics.variance.is_finite()) {
        return Err(no_noise(problem));
    }
    let variance = variance(problem, statistics, &at)?;
    let degrees = (statistics.noise == Noise::Estimated).then_some(statistics.degrees_of_freedom);
    let quantile = reach(options.level, degrees)?;
    let free = problem.unbounded();
    let tasks = along.iter().map(|along| {
        let seen = Coordinate::new(problem, statistics, *along)?;
        Ok(Task {
            problem,
            free: &free,
            options,
            seen: Arc::new(seen),
            z: z.clone(),
            lowest,
            variance,
            quantile,
        })
    });
    let tasks: Vec<Task<'_>> = tasks.collect::<Result<_>>()?;
    let interrupt = Interrupt::current();
    let sides: Vec<(usize, f64)> = (0..tasks.len())
        .flat_map(|i| [(i, -1.0), (i, 1.0)])
        .collect();
    let paths: Vec<Result<SidePath>> = interrupt::waiting(|| {
        let follow = |(i, side): &(usize, f64)| interrupt.within(|| tasks[*i].follow(*side));
        sides.par_iter().map(follow).collect()
    });
    let mut paths = paths.into_iter();
    let mut found = Vec::new();
    for task in &tasks {
        let mut next = || paths.next().unwrap_or_else(|| Ok(SidePath::nowhere()));
        let (below, above) = (next()?, next()?);
        found.push(task.profile(below, above)?);
    }
    Ok(found)
}

/// By what the loss is divided to be −ln of a likelihood.
fn variance(problem: &Problem, statistics: &Statistics, at: &Evaluation<'_>) -> Result<f64> {
    match statistics.noise {
        Noise::Known | Noise::Fitted => {
            known_variance(problem, at.y()?).ok_or_else(|| no_noise(problem))
        }
        Noise::Estimated => Ok(statistics.variance),
    }
}
