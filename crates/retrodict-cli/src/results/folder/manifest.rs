//! What was run: the manifest of a run's folder, and what it says of each problem.

use serde::{Deserialize, Serialize};

use crate::results::own_units::OwnUnit;

/// `manifest.json`: what was run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunManifest {
    /// The version of retrodict.
    pub version: String,
    /// The command line.
    pub command: String,
    /// The experiment's short name.
    pub experiment: String,
    /// Its heading.
    pub title: String,
    /// What was solved, in a sentence.
    pub sentence: String,
    /// Where it comes from.
    pub source: String,
    /// The experiment with all settings applied.
    pub configuration: serde_json::Value,
    /// The seed.
    pub seed: u64,
    /// The number of threads.
    pub threads: usize,
    /// Seconds since 1970 at the start.
    pub started: u64,
    /// Seconds from start to end.
    pub seconds: f64,
    /// Whether Ctrl-C ended it.
    pub interrupted: bool,
    /// What was not run because of that, as `PROBLEM · METHOD`.
    #[serde(default)]
    pub not_run: Vec<String>,
    /// The problems.
    pub problems: Vec<ProblemFacts>,
}

/// What the report says of a problem.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ProblemFacts {
    /// Its name.
    pub name: String,
    /// The simulator's name.
    pub simulator: String,
    /// What the simulator is, in a sentence.
    pub sentence: String,
    /// The name, shape and unit of x.
    pub x: SpaceFacts,
    /// The name, shape and unit of y.
    pub y: SpaceFacts,
    /// The loss's formula.
    pub loss: String,
    /// The formula of the error in x.
    pub error: String,
    /// How many independent problems.
    pub count: usize,
    /// The relative noise in y.
    pub noise: f64,
    /// The mean loss of the true x, where it is known and noise was added: a lower one fits the noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth_loss: Option<f64>,
    /// Name and unit of each value of x, where these are parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(String, String)>,
    /// What transformed values of x stand for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_units: Vec<Option<OwnUnit>>,
    /// Whether the batch is the channels of a colour picture.
    pub colour: bool,
    /// What y consists of, where it is a series in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesFacts>,
    /// The data sets, where there are several of one x.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_sets: Vec<ProblemFacts>,
    /// After how many steps the frames of `PROBLEM/film` and `PROBLEM/METHOD/film` are, where y is a
    /// picture that comes about in time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub film: Vec<usize>,
}

/// A y that is a series in time: `PROBLEM/data` holds what was observed, and `PROBLEM/METHOD/curve`
/// what the method's x leads to at finer times; a column for each quantity.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SeriesFacts {
    /// When the data were taken.
    pub times: Vec<f64>,
    /// The times of the curves.
    pub fine: Vec<f64>,
    /// The unit of time.
    pub time_unit: String,
    /// Name and unit of each column.
    pub columns: Vec<(String, String)>,
}

/// A space, for axes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SpaceFacts {
    /// What the values are.
    pub name: String,
    /// Extent along each axis.
    pub shape: Vec<usize>,
    /// The unit.
    pub unit: String,
}
