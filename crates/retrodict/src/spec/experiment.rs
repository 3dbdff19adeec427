//! An experiment as data: several methods on the same problems.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layout::{
    Described, EntryList, Layout, OptionReach, Section, full_name, of_inverses, of_losses,
    of_rules, of_searches, of_simulators,
};
use super::loss::squared;
use super::{Named, StopSpec, text};
use crate::error::Result;
use crate::options::keys;

mod norm;
mod problems;
mod races;
mod truth;

pub use norm::ErrorNorm;
pub use problems::ProblemSet;
pub use races::{Entrant, Race};
pub use truth::{ExperimentStartSpec, TruthSpec};

/// An experiment: problems, and the methods that are compared on them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Experiment")]
#[non_exhaustive]
pub struct ExperimentSpec {
    /// A heading for the report.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What is solved, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sentence: String,
    /// Where it comes from: a paper, a book.
    #[serde(default)]
    pub source: String,
    /// The seed of every random draw.
    #[serde(default)]
    pub seed: u64,
    /// The problems, each with a name.
    #[serde(rename = "problem")]
    pub problems: Vec<ProblemSpec>,
    /// The methods, each with a name.
    #[serde(rename = "method")]
    pub methods: Vec<ExperimentMethodSpec>,
}

/// A problem of an experiment, or a batch of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Problem")]
#[non_exhaustive]
pub struct ProblemSpec {
    /// Its name in tables and plots.
    pub name: String,
    /// The physics P: `name` and options.
    pub simulator: Named,
    /// The loss: `name` and options.
    #[serde(default = "squared")]
    pub loss: Named,
    /// The x that made the observations: `kind`, and what belongs to it.
    pub truth: TruthSpec,
    /// The observations y*; P(truth) and noise if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Vec<f64>>,
    /// Where the methods start: `kind`, and what belongs to it.
    pub start: ExperimentStartSpec,
    /// The standard deviation of the noise in y, relative to its root mean square.
    #[serde(default)]
    pub noise: f64,
    /// How the distance to the truth is measured.
    #[serde(default)]
    pub error: ErrorNorm,
}

/// A method of an experiment: a rule with its options, and when it stops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Method")]
#[non_exhaustive]
pub struct ExperimentMethodSpec {
    /// Its name in tables and plots.
    pub name: String,
    /// The update rule: `name` and options.
    pub rule: Named,
    /// Options of the simulator that hold for this method only.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub simulator: toml::Table,
    /// A local inverse found from derivatives, for this method, by its name, with options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inverse: Option<Named>,
    /// How far along Δx, by its name, with options, in place of the rule's own search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Named>,
    /// Maximum number of steps; that of `stop` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// From how many starts: the problem's own, and more drawn around it.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub starts: usize,
    /// How far they lie around it, in the unit of x; each value's own size if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    /// Converged once the loss is at most this; as `stop` says if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_below: Option<f64>,
    /// When it stops.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stop: StopSpec,
    /// The problems on which it is run; all if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// What must come out; checked by the tests of retrodict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expectation>,
}

fn one() -> usize {
    1
}

fn is_one(n: &usize) -> bool {
    *n == 1
}

fn is_default(stop: &StopSpec) -> bool {
    *stop == StopSpec::default()
}

/// A published result of a method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Expectation {
    /// The last iterate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<Vec<f64>>,
    /// How far each value may be off.
    #[serde(default)]
    pub tolerance: f64,
    /// How many problems of the batch must converge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converged: Option<usize>,
    /// The largest error in x on each problem, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub x_error_below: BTreeMap<String, f64>,
}

impl Described for ExperimentSpec {
    const LAYOUT: &'static Layout = &Layout {
        kind: "experiment",
        keys: keys::<Self>,
        fixed: &[],
        sections: &[],
        lists: &[
            EntryList {
                key: "problem",
                entry: PROBLEM,
                shared: &[
                    "simulator",
                    "loss",
                    "truth",
                    "target",
                    "start",
                    "noise",
                    "error",
                ],
                options_shared: true,
            },
            EntryList {
                key: "method",
                entry: METHOD,
                shared: &["steps", "starts", "spread", "loss_below", "stop"],
                options_shared: false,
            },
        ],
        open: false,
    };
}

/// What a problem holds.
const PROBLEM: &Layout = &Layout {
    kind: "problem",
    keys: keys::<ProblemSpec>,
    fixed: &["name"],
    sections: &[
        Section::entry("simulator", of_simulators, OptionReach::Alone),
        Section::entry("loss", of_losses, OptionReach::ByKey),
    ],
    lists: &[],
    open: false,
};

/// What a method holds.
const METHOD: &Layout = &Layout {
    kind: "method",
    keys: keys::<ExperimentMethodSpec>,
    fixed: &["name", "expect"],
    sections: &[
        Section::entry("rule", of_rules, OptionReach::Alone),
        Section::entry("inverse", of_inverses, OptionReach::IfThere),
        Section::entry("search", of_searches, OptionReach::IfThere),
        Section::keys("stop", full_name::<StopSpec>),
    ],
    lists: &[],
    open: false,
};

impl ExperimentMethodSpec {
    /// A rule, all else at its default.
    pub fn new(name: impl Into<String>, rule: impl Into<Named>) -> Self {
        Self {
            name: name.into(),
            rule: rule.into(),
            simulator: toml::Table::new(),
            inverse: None,
            search: None,
            steps: None,
            starts: 1,
            spread: None,
            loss_below: None,
            stop: StopSpec::default(),
            problems: Vec::new(),
            expect: None,
        }
    }

    /// When it stops.
    pub fn stop(&self) -> StopSpec {
        StopSpec {
            steps: self.steps.unwrap_or(self.stop.steps),
            loss_below: self.loss_below.or(self.stop.loss_below),
            ..self.stop.clone()
        }
    }
}

impl ExperimentSpec {
    /// Reads one from TOML; `what` names it in messages.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) with the line, the key and the nearest known one.
    pub fn from_toml(what: &str, toml: &str) -> Result<Self> {
        text::read(what, toml)
    }

    /// Reads one from a table; `what` names it in messages.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) with the key and the nearest known one.
    pub fn from_table(what: &str, table: toml::Table) -> Result<Self> {
        text::from_table(what, table)
    }

    /// The experiment as TOML.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if a number does not fit TOML, whose whole numbers have 64 bits and a sign.
    pub fn to_toml(&self) -> Result<String> {
        text::write("the experiment", self)
    }

    /// The files that it names, to be read or moved.
    pub fn files(&mut self) -> Vec<&mut String> {
        let truths = self.problems.iter_mut().map(|problem| &mut problem.truth);
        let files = truths.filter_map(|truth| match truth {
            TruthSpec::File { path } => Some(path),
            _ => None,
        });
        files.collect()
    }
}
