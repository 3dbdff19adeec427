//! A training as data: several methods that train the same network on the same data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layout::{
    Described, EntryList, Layout, OptionReach, Section, full_name, of_inverses, of_losses,
    of_rules, of_searches, of_simulators,
};
use super::loss::squared;
use super::text;
use super::{Named, TrainingStopSpec};
use crate::error::{At, Error, Result};
use crate::losses::Reduction;
use crate::options::{Validate, keys, positive, require};
use crate::registry::Registry;
use crate::training::Schedule;

mod draw;
mod drawer;
mod ensemble;
mod expected;
mod network_file;
mod normalise;
mod physics;
mod refine;
mod rows;
mod samples;
mod session;

pub use draw::DrawSpec;
pub use ensemble::{Ensemble, EnsemblePrediction};
pub use expected::TrainingExpectation;
pub use network_file::{NetworkFile, TrainingSummary};
pub use normalise::{Normalisation, NormaliseSpec, ScalingKind};
pub use physics::Physics;
pub use refine::{ILL_POSED, Refined, Refinement, Refiner};
pub use samples::Samples;
pub use session::Training;

/// The most samples of an epoch, of a mini-batch, or held out.
const SAMPLES: usize = 10_000_000;

/// A training: a network, the physics through which it learns, the data, and the methods that are compared.
///
/// ```
/// use retrodict::registry::Registry;
/// use retrodict::spec::{NoFiles, TrainingSpec};
///
/// # fn main() -> retrodict::Result<()> {
/// let spec = TrainingSpec::from_toml("my.toml", r#"
///     simulator = { name = "exp", size = 1 }
///     network = { name = "mlp", hidden = [10] }
///     stop = { epochs = 5, time = "60s" }
///
///     [data]
///     draw = { kind = "uniform", low = -1.0, high = 1.0 }
///     train = 64
///     test = 16
///
///     [[method]]
///     name = "hig"
///     strategy = "end-to-end"
///     rule = { name = "half-inverse", learning_rate = 1.0 }
///     batch = 16
/// "#)?;
/// let mut training = spec.build(spec.method("hig")?, 0, Registry::standard(), &NoFiles)?;
/// let trained = training.train()?.checkpoint;
/// assert!(trained.best_loss < 0.1 * trained.epochs[0].loss());
/// // The x that leads to y = 1.5.
/// let x = training.trained(&trained)?.predict(&[1.5])?;
/// assert!((x[0] - 1.5_f64.ln()).abs() < 0.2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Training")]
#[non_exhaustive]
pub struct TrainingSpec {
    /// A heading for the report.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What is learned, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sentence: String,
    /// Where it comes from: a paper, a book.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The seed of the data and of the weights; each of several seeds of a method adds its number for the weights.
    #[serde(default)]
    pub seed: u64,
    /// When every method stops.
    #[serde(default, alias = "until")]
    pub stop: TrainingStopSpec,
    /// The physics P: `name` and options.
    pub simulator: Named,
    /// A local inverse found from derivatives, by its name, with options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inverse: Option<Named>,
    /// The loss of one sample: `name` and options.
    #[serde(default = "squared")]
    pub loss: Named,
    /// The network f: `name` and options.
    pub network: Named,
    /// What is learned from.
    pub data: DataSpec,
    /// What is normalised: on for samples of files and arrays, off for samples that are drawn, unless said otherwise.
    #[serde(default, skip_serializing_if = "NormaliseSpec::is_default")]
    pub normalise: NormaliseSpec,
    /// The methods: a strategy and a rule each, with a name.
    #[serde(rename = "method")]
    pub methods: Vec<TrainingMethodSpec>,
}

/// What is learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Data")]
#[non_exhaustive]
pub struct DataSpec {
    /// How a sample is drawn, or where it is read: `kind`, and what belongs to it.
    pub draw: DrawSpec,
    /// Number of samples in an epoch; of arrays, all that are not held out if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<usize>,
    /// Number of samples held out, by which the best θ is chosen.
    #[serde(default)]
    pub test: usize,
    /// Whether each training sample is drawn on the fly and seen once.
    #[serde(default)]
    pub fresh: bool,
    /// Whether the order of the samples changes from epoch to epoch.
    #[serde(default = "yes")]
    pub shuffle: bool,
}

fn yes() -> bool {
    true
}

impl DataSpec {
    /// So many samples of an epoch, and so many held out.
    pub fn new(draw: DrawSpec, train: Option<usize>, test: usize) -> Self {
        Self {
            draw,
            train,
            test,
            fresh: false,
            shuffle: true,
        }
    }
}

/// A method of a training: a strategy and a rule with their options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TrainingMethod")]
#[non_exhaustive]
pub struct TrainingMethodSpec {
    /// Its name in tables and plots.
    pub name: String,
    /// What the network learns from: `name` and options.
    pub strategy: Named,
    /// How θ is updated: `name` and options.
    pub rule: Named,
    /// How far along Δθ, by its name, with options, in place of the rule's own search; on the loss of the mini-batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Named>,
    /// Number of samples in a mini-batch.
    pub batch: usize,
    /// How the losses of a mini-batch become one.
    #[serde(default)]
    pub reduction: Reduction,
    /// How the learning rate changes: `kind`, and what belongs to it.
    #[serde(default)]
    pub schedule: Schedule,
    /// The length to which ∂L/∂θ is shortened if it is longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// Options of the simulator that hold for this method only.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub simulator: toml::Table,
    /// Options of the network that hold for this method only.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub network: toml::Table,
    /// When it stops, where that differs from the others.
    #[serde(default, alias = "until")]
    pub stop: TrainingStopSpec,
    /// What must come out: compared with what did by `retrodict train --check`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<TrainingExpectation>,
}

impl TrainingMethodSpec {
    /// A strategy and a rule on mini-batches of a size, all else at its default.
    pub fn new(
        name: impl Into<String>,
        strategy: impl Into<Named>,
        rule: impl Into<Named>,
        batch: usize,
    ) -> Self {
        Self {
            name: name.into(),
            strategy: strategy.into(),
            rule: rule.into(),
            search: None,
            batch,
            reduction: Reduction::default(),
            schedule: Schedule::default(),
            clip: None,
            simulator: toml::Table::new(),
            network: toml::Table::new(),
            stop: TrainingStopSpec::default(),
            expect: Vec::new(),
        }
    }
}

impl Described for TrainingSpec {
    const LAYOUT: &'static Layout = &Layout {
        kind: "training",
        keys: keys::<Self>,
        fixed: &[],
        sections: &[
            Section::entry("simulator", of_simulators, OptionReach::Alone),
            Section::entry("network", of_networks, OptionReach::Alone),
            Section::entry("inverse", of_inverses, OptionReach::IfThere),
            Section::entry("loss", of_losses, OptionReach::ByKey),
            Section::keys("stop", full_name::<TrainingStopSpec>).formerly("until"),
            Section::keys("normalise", full_name::<NormaliseSpec>),
        ],
        lists: &[EntryList {
            key: "method",
            entry: METHOD,
            shared: &["batch", "reduction", "schedule", "clip"],
            options_shared: false,
        }],
        open: false,
    };
}

/// What a method holds.
const METHOD: &Layout = &Layout {
    kind: "method",
    keys: keys::<TrainingMethodSpec>,
    fixed: &["name", "expect"],
    sections: &[
        Section::entry("strategy", of_strategies, OptionReach::Alone),
        Section::entry("rule", of_rules, OptionReach::Alone),
        Section::entry("search", of_searches, OptionReach::IfThere),
        Section::keys("stop", full_name::<TrainingStopSpec>).formerly("until"),
    ],
    lists: &[],
    open: false,
};

fn of_networks(registry: &Registry, name: &str) -> Option<&'static [&'static str]> {
    registry.networks.find(name).ok().map(|entry| entry.keys())
}

fn of_strategies(registry: &Registry, name: &str) -> Option<&'static [&'static str]> {
    registry
        .strategies
        .find(name)
        .ok()
        .map(|entry| entry.keys())
}

impl TrainingSpec {
    /// A network that learns from data through a simulator, so far without a method.
    pub fn new(simulator: impl Into<Named>, network: impl Into<Named>, data: DataSpec) -> Self {
        Self {
            title: String::new(),
            sentence: String::new(),
            source: String::new(),
            seed: 0,
            stop: TrainingStopSpec::default(),
            simulator: simulator.into(),
            inverse: None,
            loss: squared(),
            network: network.into(),
            data,
            normalise: NormaliseSpec::default(),
            methods: Vec::new(),
        }
    }

    /// Reads one from TOML; `what` names it in messages.
    ///
    /// # Errors
    /// [`Error::Config`] with the line, the key and the nearest known one.
    pub fn from_toml(what: &str, toml: &str) -> Result<Self> {
        text::read(what, toml)
    }

    /// Reads one from a table; `what` names it in messages.
    ///
    /// # Errors
    /// [`Error::Config`] with the key and the nearest known one.
    pub fn from_table(what: &str, table: toml::Table) -> Result<Self> {
        text::from_table(what, table)
    }

    /// The training as TOML.
    ///
    /// # Errors
    /// [`Error::Config`] if a number does not fit TOML, whose whole numbers have 64 bits and a sign.
    pub fn to_toml(&self) -> Result<String> {
        text::write("the training", self)
    }

    /// The files that it names, to be read or moved.
    pub fn files(&mut self) -> Vec<&mut String> {
        match &mut self.data.draw {
            DrawSpec::File { path } => vec![path],
            _ => Vec::new(),
        }
    }

    /// The method of a name.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest name and all of them.
    pub fn method(&self, name: &str) -> Result<&TrainingMethodSpec> {
        let found = self.methods.iter().find(|method| method.name == name);
        let names = || self.methods.iter().map(|method| method.name.as_str());
        found.ok_or_else(|| Error::unknown("method", name, names()))
    }

    /// When a method stops: as it says, and as all do where it is silent.
    pub fn stop_of(&self, method: &TrainingMethodSpec) -> TrainingStopSpec {
        method.stop.or(&self.stop)
    }

    /// Finds what can be wrong before anything is built.
    ///
    /// # Errors
    /// If two methods share a name, one would never end, or more samples are asked for than can be kept.
    pub fn check(&self) -> Result<()> {
        let names = self.methods.iter().map(|method| method.name.as_str());
        text::different("method", names)?;
        let fits = |key, count| {
            let allowed = format!(
                "at most {SAMPLES} samples can be kept; use fewer, or draw new ones in each epoch \
                 (data.fresh = true) over more epochs"
            );
            require(count <= SAMPLES, key, count, &allowed)
        };
        fits("data.train", self.data.train.unwrap_or(0)).inside("data")?;
        fits("data.test", self.data.test).inside("data")?;
        for method in &self.methods {
            fits("batch", method.batch).at("method", &method.name, "batch")?;
            let clip = positive("clip", method.clip.unwrap_or(1.0));
            clip.at("method", &method.name, "clip")?;
            for expected in &method.expect {
                expected.validate().at("method", &method.name, "expect")?;
            }
            let stop = self.stop_of(method);
            stop.validate().at("method", &method.name, "stop")?;
            if !stop.has_budget() {
                return Err(Error::Config {
                    what: "stop".to_owned(),
                    message: "it would never end; set stop.epochs, stop.steps or stop.time"
                        .to_owned(),
                }
                .at("method", &method.name, "stop"));
            }
        }
        Ok(())
    }
}
