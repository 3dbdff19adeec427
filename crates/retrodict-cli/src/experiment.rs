//! An experiment: problems and methods, read from TOML.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Outcome};
use crate::settings::{Setting, insert, parse};

/// The built-in experiments: a name and a file each.
pub static BUILT_IN: &[(&str, &str)] = &[
    ("toy", include_str!("../../../experiments/toy.toml")),
    ("scaling", include_str!("../../../experiments/scaling.toml")),
    ("sine", include_str!("../../../experiments/sine.toml")),
    ("heat", include_str!("../../../experiments/heat.toml")),
    ("poisson", include_str!("../../../experiments/poisson.toml")),
];

/// Several methods on the same problems.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// A heading.
    pub title: String,
    /// What is solved, in a sentence.
    pub sentence: String,
    /// Where it comes from.
    #[serde(default)]
    pub source: String,
    /// The seed of every random draw.
    #[serde(default)]
    pub seed: u64,
    /// The problems.
    #[serde(rename = "problem")]
    pub problems: Vec<ProblemPlan>,
    /// The methods.
    #[serde(rename = "method")]
    pub methods: Vec<MethodPlan>,
}

/// A problem, or a batch of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProblemPlan {
    /// Its name in tables and plots.
    pub name: String,
    /// `name` and options.
    pub simulator: toml::Table,
    /// `name` and options.
    #[serde(default = "squared")]
    pub loss: toml::Table,
    /// The x that made the observations.
    pub truth: Truth,
    /// The observations; y = P(truth) and noise if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Vec<f64>>,
    /// Where the methods start.
    pub start: Start,
    /// The standard deviation of the noise in y, relative to its root mean square.
    #[serde(default)]
    pub noise: f64,
    /// How the distance to the truth is measured.
    #[serde(default)]
    pub error: ErrorNorm,
}

fn squared() -> toml::Table {
    let mut table = toml::Table::new();
    table.insert("name".into(), "squared".into());
    table
}

/// The x that made the observations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Truth {
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
}

fn one() -> usize {
    1
}

/// Where the methods start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Start {
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

/// A norm of x − x*.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorNorm {
    /// ‖x − x*‖₂.
    #[default]
    Distance,
    /// Σ |x − x*|.
    SumAbs,
    /// √(mean (x − x*)²).
    Rms,
}

impl ErrorNorm {
    /// The norm of x − x*.
    pub fn of(self, x: &[f64], truth: &[f64]) -> f64 {
        let differences = x.iter().zip(truth).map(|(x, t)| x - t);
        match self {
            Self::Distance => differences.map(|d| d * d).sum::<f64>().sqrt(),
            Self::SumAbs => differences.map(f64::abs).sum(),
            Self::Rms => (differences.map(|d| d * d).sum::<f64>() / x.len() as f64).sqrt(),
        }
    }

    /// The formula, for axes.
    pub fn formula(self) -> &'static str {
        match self {
            Self::Distance => "‖x − x*‖₂",
            Self::SumAbs => "Σ |x − x*|",
            Self::Rms => "√mean (x − x*)²",
        }
    }
}

/// A rule with its options, and when it stops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodPlan {
    /// Its name in tables and plots.
    pub name: String,
    /// `name` and options.
    pub rule: toml::Table,
    /// Options of the simulator that hold for this method only.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub simulator: toml::Table,
    /// At most so many steps.
    pub steps: usize,
    /// Converged once the loss is at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_below: Option<f64>,
    /// The problems it is run on; all if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// What must come out; checked by the tests of retrodict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expectation>,
}

/// A published result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
}

/// Reads a built-in experiment or a TOML file; returns its short name and its text.
fn find(name: &str) -> Outcome<(String, String)> {
    if let Some((name, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
        return Ok(((*name).to_owned(), (*text).to_owned()));
    }
    let path = Path::new(name);
    if path.extension().is_some_and(|e| e == "toml") {
        let text = std::fs::read_to_string(path).map_err(|e| Failure::unreadable(path, e))?;
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned());
        return Ok((stem.unwrap_or_else(|| "experiment".to_owned()), text));
    }
    let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    let hint = retrodict::options::nearest(name, known.iter().copied())
        .map(|near| format!(" (did you mean '{near}'?)"))
        .unwrap_or_default();
    Err(Failure::Misuse(format!(
        "unknown experiment '{name}'{hint}; known: {}, or the path of a .toml file",
        known.join(", ")
    )))
}

/// Reads an experiment and applies settings to it.
pub fn load(name: &str, settings: &[String]) -> Outcome<(String, Experiment)> {
    let (short, text) = find(name)?;
    let misread = |e: &dyn std::fmt::Display| Failure::Misuse(format!("{name}: {e}"));
    // Read once as it stands, so that mistakes in the file are reported with their line.
    let plain: Experiment = toml::from_str(&text).map_err(|e| misread(&e))?;
    if settings.is_empty() {
        return Ok((short, plain));
    }
    let mut table = toml::Table::try_from(&plain).map_err(|e| misread(&e))?;
    for text in settings {
        apply(&mut table, parse(text)?, text)?;
    }
    let experiment = table.try_into().map_err(|e: toml::de::Error| {
        Failure::Misuse(format!(
            "--set {}: {}",
            settings.join(" --set "),
            e.message()
        ))
    })?;
    Ok((short, experiment))
}

fn entries<'a>(table: &'a mut toml::Table, key: &str) -> Vec<&'a mut toml::Table> {
    table
        .get_mut(key)
        .and_then(toml::Value::as_array_mut)
        .map(|list| {
            list.iter_mut()
                .filter_map(toml::Value::as_table_mut)
                .collect()
        })
        .unwrap_or_default()
}

fn is_called(entry: &toml::Table, name: &str) -> bool {
    entry.get("name").and_then(toml::Value::as_str) == Some(name)
}

/// The keys of a problem and of a method that are not options of its simulator or rule.
const PROBLEM_KEYS: [&str; 6] = ["truth", "target", "start", "noise", "error", "loss"];
const METHOD_KEYS: [&str; 3] = ["steps", "loss_below", "problems"];

/// Where a setting belongs follows from its first key: the run, a problem's or a method's name, or
/// the simulator of all problems.
fn apply(table: &mut toml::Table, setting: Setting, text: &str) -> Outcome<()> {
    let Setting { path, value } = setting;
    let (first, rest) = path.split_at(1);
    let first = first[0].as_str();
    if first == "seed" && rest.is_empty() {
        table.insert("seed".into(), value);
        return Ok(());
    }
    if (first == "steps" || first == "loss_below") && rest.is_empty() {
        for method in entries(table, "method") {
            method.insert(first.into(), value.clone());
        }
        return Ok(());
    }
    if let Some(problem) = entries(table, "problem")
        .into_iter()
        .find(|p| is_called(p, first))
    {
        let own = rest
            .first()
            .is_some_and(|k| k == "simulator" || PROBLEM_KEYS.contains(&k.as_str()));
        return insert(&mut *problem, &under("simulator", rest, own), value);
    }
    if let Some(method) = entries(table, "method")
        .into_iter()
        .find(|m| is_called(m, first))
    {
        let own = rest
            .first()
            .is_some_and(|k| k == "rule" || k == "simulator" || METHOD_KEYS.contains(&k.as_str()));
        return insert(&mut *method, &under("rule", rest, own), value);
    }
    let to_simulator = first == "simulator" || path.len() == 1 || first == "inverse";
    if !to_simulator {
        let mut known: Vec<String> = Vec::new();
        for key in ["problem", "method"] {
            for entry in entries(table, key) {
                known.extend(
                    entry
                        .get("name")
                        .and_then(|n| n.as_str())
                        .map(str::to_owned),
                );
            }
        }
        let hint = retrodict::options::nearest(first, known.iter().map(String::as_str))
            .map(|near| format!(" (did you mean '{near}'?)"))
            .unwrap_or_default();
        return Err(Failure::Misuse(format!(
            "--set {text}: nothing here is called '{first}'{hint}; known: seed, steps, loss_below, \
             simulator, {}",
            known.join(", ")
        )));
    }
    let own = first == "simulator";
    for problem in entries(table, "problem") {
        insert(problem, &under("simulator", &path, own), value.clone())?;
    }
    Ok(())
}

fn under(outer: &str, path: &[String], own: bool) -> Vec<String> {
    let mut full = Vec::new();
    if !own {
        full.push(outer.to_owned());
    }
    full.extend_from_slice(path);
    full
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn built_in_experiments_are_valid() {
        for (name, _) in BUILT_IN {
            let (_, experiment) = load(name, &[]).unwrap();
            assert!(!experiment.sentence.is_empty());
        }
    }

    #[test]
    fn settings_find_their_place() {
        let set = |text: &str| load("heat", &[text.to_owned()]).map(|(_, e)| e);
        let experiment = set("boxes.nu_t=3").unwrap();
        assert_eq!(
            experiment.problems[1].simulator["nu_t"].as_integer(),
            Some(3)
        );
        assert_eq!(
            experiment.problems[0].simulator["nu_t"].as_float(),
            Some(4.0)
        );
        let experiment = set("nu_t=2.5").unwrap();
        assert!(
            experiment
                .problems
                .iter()
                .all(|p| p.simulator["nu_t"].as_float() == Some(2.5))
        );
        assert_eq!(
            set("adam.learning_rate=1").unwrap().methods[1].rule["learning_rate"].as_integer(),
            Some(1)
        );
        assert_eq!(set("adam.steps=7").unwrap().methods[1].steps, 7);
        assert_eq!(set("photograph.noise=0.5").unwrap().problems[0].noise, 0.5);
        let message = set("adm.steps=7").unwrap_err().to_string();
        assert!(message.contains("did you mean 'adam'"), "{message}");
        assert!(
            load("haet", &[])
                .unwrap_err()
                .to_string()
                .contains("did you mean 'heat'")
        );
    }
}
