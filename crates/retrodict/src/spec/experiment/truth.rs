//! The x that made the observations of an experiment, and where its methods start.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::random::Random;
use crate::core::simulator::Simulator;
use crate::error::{Error, Result};
use crate::memory;
use crate::options::not_negative;
use crate::spec::random::{self, boxes, smooth};
use crate::spec::values::Files;

/// The x that made the observations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Truth")]
#[non_exhaustive]
pub enum TruthSpec {
    /// Given values, `count` times over.
    Values {
        /// x.
        values: Vec<f64>,
        /// How many problems of the same truth.
        #[serde(default = "one")]
        count: usize,
    },
    /// Sums of 4 to 10 hot boxes with soft edges.
    Boxes {
        /// How many fields.
        count: usize,
    },
    /// Smooth random fields of zero mean.
    Smooth {
        /// How many fields.
        count: usize,
    },
    /// The photograph that comes with retrodict, a field for each colour.
    Photograph,
    /// An array or picture of the user's.
    File {
        /// Its path; `FILE.npz:NAME` picks an array.
        path: String,
    },
    /// No x is known: each problem is to come back to a state of its own, from which its simulator
    /// starts too. Many x may do that, so that only the loss counts.
    States {
        /// The option of the simulator that takes the state.
        option: String,
        /// The least value that is drawn.
        low: f64,
        /// What is drawn is less than this.
        high: f64,
        /// How many states.
        count: usize,
    },
}

fn one() -> usize {
    1
}

/// Where the methods start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "ExperimentStart")]
#[non_exhaustive]
pub enum ExperimentStartSpec {
    /// At 0.
    Zeros,
    /// At given values.
    Values {
        /// x₀.
        values: Vec<f64>,
    },
    /// At the truth plus a draw from [−radius, radius] in each value.
    Near {
        /// The half-width, in the unit of x.
        radius: f64,
    },
}

impl TruthSpec {
    /// x* of each problem.
    pub(super) fn draw(
        &self,
        simulator: &dyn Simulator,
        seed: u64,
        files: &dyn Files,
    ) -> Result<Vec<Vec<f64>>> {
        let space = simulator.input();
        let mut random = Random::stream(seed, 1);
        let fits = |count: usize| {
            memory::affordable("truth", memory::numbers(count as f64 * space.len() as f64))
        };
        let truths: Vec<Vec<f64>> = match self {
            Self::Values { values, count } => {
                fits(*count)?;
                vec![values.clone(); *count]
            }
            Self::Boxes { count } => {
                fits(*count)?;
                let draw = |_| boxes(&space.shape, &mut random);
                (0..*count).map(draw).collect()
            }
            Self::Smooth { count } => {
                fits(*count)?;
                let draw = |_| smooth(&space.shape, &mut random);
                (0..*count).map(draw).collect()
            }
            Self::Photograph => files.photograph(&space.shape)?,
            Self::File { path } => files.read(path, &space.shape, false)?,
            // None is known; what stands in its place is never compared to anything.
            Self::States {
                low, high, count, ..
            } => {
                random::check_range("truth", *low, *high)?;
                fits(*count)?;
                vec![vec![0.0; space.len()]; *count]
            }
        };
        if truths.is_empty() || truths.iter().any(|x| x.len() != space.len()) {
            return Err(Error::Config {
                what: "truth".to_owned(),
                message: format!(
                    "the truth has {} values, but {} of shape {:?} has {}; set the simulator's shape or size to that \
                     of the data",
                    truths.last().map_or(0, Vec::len),
                    space.name,
                    space.shape,
                    space.len()
                ),
            });
        }
        Ok(truths)
    }

    /// The states to come back to, where the truth is of that kind: (option, states).
    pub(super) fn states(
        &self,
        simulator: &dyn Simulator,
        seed: u64,
    ) -> Option<(String, Vec<Vec<f64>>)> {
        let Self::States {
            option,
            low,
            high,
            count,
        } = self
        else {
            return None;
        };
        let mut random = Random::stream(seed, 1);
        let length = simulator.output().len();
        let mut draw = || low + (high - low) * random.unit();
        let states = (0..*count).map(|_| (0..length).map(|_| draw()).collect());
        Some((option.clone(), states.collect()))
    }
}

impl ExperimentStartSpec {
    /// Fails if nothing can be drawn.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Near { radius } => not_negative("radius", *radius),
            Self::Zeros | Self::Values { .. } => Ok(()),
        }
    }

    /// The start for one truth.
    pub(super) fn of(&self, truth: &[f64], random: &mut Random) -> Vec<f64> {
        match self {
            Self::Zeros => vec![0.0; truth.len()],
            Self::Values { values } => values.clone(),
            Self::Near { radius } => truth
                .iter()
                .map(|t| t + radius * random.range(-1.0..1.0))
                .collect(),
        }
    }
}
