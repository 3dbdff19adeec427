//! A training experiment: physics, network, data and methods, read from TOML.

use std::path::Path;
use std::time::Duration;

use retrodict::losses::Reduction;
use retrodict::options;
use retrodict::spec::{Override, insert};
use retrodict::training::Schedule;
use serde::{Deserialize, Serialize};

use super::draw::Draw;
use crate::failure::{Failure, Outcome};

/// The built-in training experiments: a name and a file each.
pub static BUILT_IN: &[(&str, &str)] = &[
    (
        "oscillators",
        include_str!("../../experiments/training/oscillators.toml"),
    ),
    (
        "nonlinear-oscillators",
        include_str!("../../experiments/training/nonlinear-oscillators.toml"),
    ),
    (
        "quantum-dipole",
        include_str!("../../experiments/training/quantum-dipole.toml"),
    ),
    (
        "poisson-8",
        include_str!("../../experiments/training/poisson-8.toml"),
    ),
    ("heat", include_str!("../../experiments/training/heat.toml")),
    (
        "poisson",
        include_str!("../../experiments/training/poisson.toml"),
    ),
    ("sine", include_str!("../../experiments/training/sine.toml")),
    (
        "fluid",
        include_str!("../../experiments/training/fluid.toml"),
    ),
    ("exp", include_str!("../../experiments/training/exp.toml")),
    (
        "scaled-toy",
        include_str!("../../experiments/training/scaled-toy.toml"),
    ),
    (
        "multimodal",
        include_str!("../../experiments/training/multimodal.toml"),
    ),
];

/// The most samples of an epoch, of a mini-batch, or held out.
const SAMPLES: usize = 10_000_000;

/// Several methods that train the same network on the same data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// A heading.
    pub title: String,
    /// What is learned, in a sentence.
    pub sentence: String,
    /// Where it comes from.
    #[serde(default)]
    pub source: String,
    /// The seed of the data; each of several seeds of a method adds its number for the weights.
    #[serde(default)]
    pub seed: u64,
    /// When every method ends.
    #[serde(default)]
    pub until: Until,
    /// `name` and options of P.
    pub simulator: toml::Table,
    /// A local inverse found from derivatives: a name, or a table with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inverse: Option<toml::Value>,
    /// `name` and options of the loss of one sample.
    #[serde(default = "squared")]
    pub loss: toml::Table,
    /// `name` and options of f.
    pub network: toml::Table,
    /// What is learned from.
    pub data: DataPlan,
    /// The methods.
    #[serde(rename = "method")]
    pub methods: Vec<MethodPlan>,
}

fn squared() -> toml::Table {
    named("squared")
}

/// A table that holds a name alone.
pub fn named(name: &str) -> toml::Table {
    [("name".to_owned(), name.into())].into_iter().collect()
}

/// When training ends; whatever comes first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Until {
    /// After so many epochs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u64>,
    /// After so many steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// After so many seconds in steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Once the test loss has not improved for so many epochs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<u64>,
    /// Once the test loss is at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_below: Option<f64>,
}

impl Until {
    /// These limits, and others where these are silent. A budget of epochs, steps or seconds silences
    /// the other's budgets altogether.
    pub fn or(&self, other: &Self) -> Self {
        let silent = self.epochs.is_none() && self.steps.is_none() && self.seconds.is_none();
        let budget = if silent { other } else { self };
        Self {
            epochs: budget.epochs,
            steps: budget.steps,
            seconds: budget.seconds,
            patience: self.patience.or(other.patience),
            loss_below: self.loss_below.or(other.loss_below),
        }
    }

    /// As the library takes them.
    pub fn limits(&self) -> retrodict::training::Limits {
        retrodict::training::Limits {
            epochs: self.epochs,
            steps: self.steps,
            time: self.seconds.map(Duration::from_secs_f64),
            patience: self.patience,
            loss_below: self.loss_below,
        }
    }
}

/// What is learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataPlan {
    /// How a sample is drawn, or where it is read.
    pub draw: Draw,
    /// How many samples make an epoch.
    pub train: usize,
    /// How many are held out.
    #[serde(default)]
    pub test: usize,
    /// Whether each training sample is drawn on the fly and seen once.
    #[serde(default)]
    pub fresh: bool,
    /// Whether the order changes from epoch to epoch.
    #[serde(default = "yes")]
    pub shuffle: bool,
}

fn yes() -> bool {
    true
}

/// A strategy and a rule with their options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodPlan {
    /// Its name in tables and plots.
    pub name: String,
    /// `name` and options.
    pub strategy: toml::Table,
    /// `name` and options.
    pub rule: toml::Table,
    /// Samples in a mini-batch.
    pub batch: usize,
    /// How the losses of a mini-batch become one.
    #[serde(default)]
    pub reduction: Reduction,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: Schedule,
    /// ∂L/∂θ is shortened to this length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// Options of the simulator that hold for this method only.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub simulator: toml::Table,
    /// Options of the network that hold for this method only.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub network: toml::Table,
    /// When it ends, where that differs from the others.
    #[serde(default)]
    pub until: Until,
    /// What must come out; checked by the tests of retrodict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Expectation>,
}

/// A published result: after so many epochs, a loss lies below or above a value, a layer is saturated or
/// the training has ended in a certain way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The epoch.
    pub epoch: u64,
    /// The largest loss on the training data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_below: Option<f64>,
    /// The least loss on the training data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_above: Option<f64>,
    /// The largest loss on held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_below: Option<f64>,
    /// The least loss on held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_above: Option<f64>,
    /// The largest ½‖x − x*‖² on held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_below: Option<f64>,
    /// The least ½‖x − x*‖² on held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_above: Option<f64>,
    /// The largest mean ‖x − x*‖ on held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_below: Option<f64>,
    /// The least mean ‖x − x*‖ on held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_above: Option<f64>,
    /// A layer, such as `tanh1`, that is to be saturated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saturated: Option<String>,
    /// How it is to have ended by then, in a word, such as `diverged`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<retrodict::StatusKind>,
}

/// Reads a training experiment and applies settings to it; also its short name.
pub fn load(name: &str, settings: &[String]) -> Outcome<(Plan, String)> {
    let (short, text) = find(name)?;
    let mut plan: Plan = toml::from_str(&text).map_err(|e| {
        let line = e.span().and_then(|span| text.get(..span.start));
        let line = line.map(|before| format!(", line {}", 1 + before.matches('\n').count()));
        let message = options::explain(e.message());
        Failure::Misuse(format!("{name}{}: {message}", line.unwrap_or_default()))
    })?;
    for text in settings {
        let setting = Override::parse(text)?;
        plan = apply(&plan, &setting)
            .map_err(|why| Failure::Misuse(format!("--set {text}: {}", options::explain(&why))))?;
    }
    plan.check()?;
    Ok((plan, short))
}

/// The plan with one setting changed; a key that begins with a method's name is that method's.
fn apply(plan: &Plan, setting: &Override) -> Result<Plan, String> {
    let mut table = toml::Table::try_from(plan).map_err(|e| e.to_string())?;
    let methods = table.get_mut("method").and_then(toml::Value::as_array_mut);
    let first = setting.path.first().map(String::as_str);
    let own = methods
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_table_mut)
        .find(|m| m.get("name").and_then(toml::Value::as_str) == first);
    let value = setting.value.clone();
    match own {
        Some(method) => insert(method, &setting.path[1..], value),
        None => insert(&mut table, &setting.path, value),
    }
    .map_err(|e| e.to_string())?;
    table
        .try_into()
        .map_err(|e: toml::de::Error| e.to_string().trim().to_owned())
}

fn find(name: &str) -> Outcome<(String, String)> {
    if let Some((name, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
        return Ok(((*name).to_owned(), (*text).to_owned()));
    }
    let path = Path::new(name);
    if path.extension().is_some_and(|e| e == "toml") {
        let text = crate::data::bounded::text(path)?;
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned());
        return Ok((stem.unwrap_or_else(|| "training".to_owned()), text));
    }
    let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    Err(unknown(
        "training experiment",
        name,
        &known,
        ", or the path of a .toml file",
    ))
}

/// A name that nothing goes by.
pub fn unknown(kind: &str, found: &str, known: &[&str], or: &str) -> Failure {
    let hint = options::nearest(found, known.iter().copied())
        .map(|near| format!(" (did you mean '{near}'?)"))
        .unwrap_or_default();
    Failure::Misuse(format!(
        "unknown {kind} '{found}'{hint}; known: {}{or}",
        known.join(", ")
    ))
}

impl Plan {
    /// What can be wrong before anything is built.
    fn check(&self) -> Outcome<()> {
        let names: Vec<&str> = self.methods.iter().map(|m| m.name.as_str()).collect();
        if let Some((_, name)) = names
            .iter()
            .enumerate()
            .find(|(i, n)| names[..*i].contains(n))
        {
            return Err(Failure::Misuse(format!(
                "two methods are called '{name}'; give each a different name"
            )));
        }
        let counts = [
            ("data.train", self.data.train),
            ("data.test", self.data.test),
        ];
        let batches = self.methods.iter().map(|m| ("batch", m.batch));
        for (key, count) in counts.into_iter().chain(batches) {
            if count > SAMPLES {
                return Err(Failure::Misuse(format!(
                    "{key} = {count}: at most {SAMPLES} samples can be kept; use fewer, or draw new ones in each \
                     epoch (data.fresh = true) over more epochs"
                )));
            }
        }
        for method in &self.methods {
            let until = method.until.or(&self.until);
            if let Some(seconds) = until.seconds
                && Duration::try_from_secs_f64(seconds).is_err()
            {
                return Err(Failure::Misuse(format!(
                    "until.seconds = {seconds:e}: it must be a number of 0 or more, and less than 1e19"
                )));
            }
            if until.epochs.or(until.steps).is_none() && until.seconds.is_none() {
                return Err(Failure::Misuse(format!(
                    "method '{}' would never end; set until.epochs, until.steps or until.seconds, \
                     or pass --epochs or --time",
                    method.name
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn built_in_experiments_are_valid_and_settings_find_their_place() {
        for (name, _) in BUILT_IN {
            let (plan, short) = load(name, &[]).unwrap();
            assert!(!plan.sentence.is_empty() && short == *name);
        }
        let set = |text: &str| load("oscillators", &[text.to_owned()]).map(|(plan, _)| plan);
        assert_eq!(set("data.train=64").unwrap().data.train, 64);
        assert_eq!(set("until.epochs=2").unwrap().until.epochs, Some(2));
        let method = set("hig.batch=8").unwrap().methods[0].clone();
        assert_eq!((method.name.as_str(), method.batch), ("hig", 8));
        for (wrong, hint) in [
            ("hig.batsh=8", "did you mean `batch`"),
            ("data.train=few", "expected a whole number"),
            ("dta.train=3", "unknown key `dta`"),
        ] {
            let message = set(wrong).unwrap_err().to_string();
            assert!(message.contains(hint), "{message}");
        }
        let message = load("oscilators", &[]).unwrap_err().to_string();
        assert!(message.contains("did you mean 'oscillators'"), "{message}");
    }

    #[test]
    fn a_budget_of_one_s_own_replaces_the_common_one() {
        let common = Until {
            epochs: Some(20),
            loss_below: Some(1e-3),
            ..Until::default()
        };
        let own = Until {
            seconds: Some(2.0),
            ..Until::default()
        };
        let both = own.or(&common);
        assert_eq!(
            (both.epochs, both.seconds, both.loss_below),
            (None, Some(2.0), Some(1e-3))
        );
        assert_eq!(Until::default().or(&common), common);
    }
}
