//! How the samples of a training come about, as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a sample comes about: what is drawn of x, y* or both, or where the samples are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Draw")]
#[non_exhaustive]
pub enum DrawSpec {
    /// Each value of x uniformly, y* = P(x).
    Uniform {
        /// The least value.
        low: f64,
        /// What is drawn is less than this.
        high: f64,
    },
    /// y*: each value uniformly, whether an x leads there or not. No x* is known, unless the simulator
    /// knows all solutions: then the nearest to 0 stands for it, and the nearest to the network's
    /// x counts.
    Targets {
        /// The least value.
        low: f64,
        /// What is drawn is less than this.
        high: f64,
    },
    /// x: a sum of 4 to 10 hot boxes with soft edges, y* = P(x).
    Boxes,
    /// x: a smooth random field of zero mean, y* = P(x).
    Smooth,
    /// x: a random field of zero mean and unit variance, with Fourier amplitudes that fall as
    /// |k|^−exponent, y* = P(x).
    PowerLaw {
        /// How steeply; 0 is white noise, and 2 what PhiFlow calls noise of smoothness 1.
        exponent: f64,
    },
    /// x: a drift and smooth eddies of a flow. The network sees its dye before and after,
    /// `[2, rows, cols]`.
    Flows {
        /// The root mean square of each component, in m/s.
        strength: f64,
    },
    /// x: a drift, a swirl around the middle of the box and smooth fluctuations, mostly motions that two
    /// pictures tell of. The network sees its dye before and after.
    Swirls {
        /// The largest drift along each axis, in m/s.
        drift: f64,
        /// The largest speed in a swirl, in m/s, either way round.
        swirl: f64,
        /// The distance from the middle at which a swirl is fastest, in cells.
        reach: f64,
        /// The root mean square of each component of the fluctuations, in m/s.
        fluctuation: f64,
    },
    /// A state uniformly, from which the simulator starts and to which it is to come back.
    States {
        /// The option of the simulator that takes the state.
        option: String,
        /// The least value.
        low: f64,
        /// What is drawn is less than this.
        high: f64,
    },
    /// A quantum state: eigenstates with normal weights, of norm 1.
    Superpositions {
        /// Which, from 1.
        levels: Vec<usize>,
        /// Whether the weights are complex; as published, they are real.
        #[serde(default)]
        complex: bool,
    },
    /// One number t uniformly is seen; y* = P(x) with xₖ = aₖ sin(ωₖ t), or cos where k is odd.
    Waves {
        /// ω.
        frequencies: Vec<f64>,
        /// a, one for each frequency; 1 where nothing is said.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        amplitudes: Vec<f64>,
        /// The least t.
        low: f64,
        /// What is drawn is less than this.
        high: f64,
    },
    /// Arrays of a file: `target`, and where they are known `x` and `input`; a sample in each row. The
    /// last ones are held out.
    File {
        /// Its path, a .npz.
        path: String,
    },
    /// The samples themselves, one in each row; the last ones are held out.
    Arrays {
        /// y* of each sample.
        target: Vec<Vec<f64>>,
        /// x of each sample, where it is known.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        x: Vec<Vec<f64>>,
        /// What the network sees of each sample; y* where nothing is said.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        input: Vec<Vec<f64>>,
    },
}

impl DrawSpec {
    /// The ends of the range from which values are drawn, where there is one.
    pub(super) fn range(&self) -> Option<(f64, f64)> {
        match self {
            Self::Uniform { low, high }
            | Self::Targets { low, high }
            | Self::States { low, high, .. }
            | Self::Waves { low, high, .. } => Some((*low, *high)),
            _ => None,
        }
    }

    /// Whether the samples are the user's own, and not drawn.
    pub(super) fn is_users_data(&self) -> bool {
        matches!(self, Self::File { .. } | Self::Arrays { .. })
    }
}
