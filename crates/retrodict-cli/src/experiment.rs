//! An experiment: problems and methods, read from TOML.

use std::collections::BTreeMap;
use std::path::Path;

use retrodict::options;
use retrodict::spec::Override;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Outcome};

mod origin;
mod overrides;

pub use origin::{Origin, Place};

/// The built-in experiments: a name and a file each.
pub static BUILT_IN: &[(&str, &str)] = &[
    ("toy", include_str!("../experiments/toy.toml")),
    ("scaling", include_str!("../experiments/scaling.toml")),
    ("sine", include_str!("../experiments/sine.toml")),
    ("heat", include_str!("../experiments/heat.toml")),
    ("poisson", include_str!("../experiments/poisson.toml")),
    (
        "oscillators",
        include_str!("../experiments/oscillators.toml"),
    ),
    (
        "quantum-dipole",
        include_str!("../experiments/quantum-dipole.toml"),
    ),
    ("burgers", include_str!("../experiments/burgers.toml")),
    ("wave", include_str!("../experiments/wave.toml")),
    ("fluid", include_str!("../experiments/fluid.toml")),
    (
        "lotka-volterra",
        include_str!("../experiments/lotka-volterra.toml"),
    ),
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

fn is_one(n: &usize) -> bool {
    *n == 1
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
    /// Many x serve as well: only the loss counts.
    None,
}

impl ErrorNorm {
    /// The norm of x − x*.
    pub fn of(self, x: &[f64], truth: &[f64]) -> Option<f64> {
        let differences = x.iter().zip(truth).map(|(x, t)| x - t);
        Some(match self {
            Self::Distance => differences.map(|d| d * d).sum::<f64>().sqrt(),
            Self::SumAbs => differences.map(f64::abs).sum(),
            Self::Rms => (differences.map(|d| d * d).sum::<f64>() / x.len() as f64).sqrt(),
            Self::None => return None,
        })
    }

    /// The formula, for axes.
    pub fn formula(self) -> &'static str {
        match self {
            Self::Distance => "‖x − x*‖₂",
            Self::SumAbs => "Σ |x − x*|",
            Self::Rms => "√mean (x − x*)²",
            Self::None => "",
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
    /// A local inverse found from derivatives, for this method: a name, or a table with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inverse: Option<toml::Value>,
    /// Maximum number of steps.
    pub steps: usize,
    /// From how many starts: the problem's own, and more drawn around it.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub starts: usize,
    /// How far they lie around it, in the unit of x; each value's own size if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
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
    /// The largest error in x on each problem, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub x_error_below: BTreeMap<String, f64>,
}

/// Reads a built-in experiment or a TOML file; returns its short name and its text.
fn find(name: &str) -> Outcome<(String, String)> {
    if let Some((name, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
        return Ok(((*name).to_owned(), (*text).to_owned()));
    }
    let path = Path::new(name);
    if path.extension().is_some_and(|e| e == "toml") {
        let text = crate::data::bounded::text(path)?;
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned());
        return Ok((stem.unwrap_or_else(|| "experiment".to_owned()), text));
    }
    let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    let hint = options::nearest(name, known.iter().copied())
        .map(|near| format!(" (did you mean '{near}'?)"))
        .unwrap_or_default();
    Err(Failure::Misuse(format!(
        "unknown experiment '{name}'{hint}; known: {}, or the path of a .toml file",
        known.join(", ")
    )))
}

/// Reads an experiment and applies settings to it; also says where it came from.
pub fn load(name: &str, settings: &[String]) -> Outcome<(Experiment, Origin)> {
    let (short, text) = find(name)?;
    // Read once as it stands, so that mistakes in the file are reported with their line.
    let mut experiment: Experiment = toml::from_str(&text).map_err(|e| misread(name, &text, &e))?;
    let settings = settings
        .iter()
        .map(|text| Override::parse(text))
        .collect::<retrodict::Result<Vec<_>>>()?;
    for setting in &settings {
        let refused = |why: &str| {
            Failure::Misuse(format!("--set {}: {}", setting.text, options::explain(why)))
        };
        let mut table = toml::Table::try_from(&experiment).map_err(|e| refused(&e.to_string()))?;
        overrides::apply(&mut table, setting)?;
        experiment = table
            .try_into()
            .map_err(|e: toml::de::Error| refused(&e.to_string()))?;
    }
    let origin = Origin {
        name: name.to_owned(),
        short,
        text,
        settings,
    };
    Ok((experiment, origin))
}

/// A mistake in the file, with its line.
pub fn misread(name: &str, text: &str, error: &toml::de::Error) -> Failure {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map(|before| format!(", line {}", 1 + before.matches('\n').count()))
        .unwrap_or_default();
    let message = options::explain(error.message());
    Failure::Misuse(format!("{name}{line}: {message}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn built_in_experiments_are_valid() {
        for (name, _) in BUILT_IN {
            let (experiment, _) = load(name, &[]).unwrap();
            assert!(!experiment.sentence.is_empty());
        }
    }

    #[test]
    fn settings_find_their_place() {
        let set = |text: &str| load("heat", &[text.to_owned()]).map(|(e, _)| e);
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
        assert!(
            set("noise=0.5")
                .unwrap()
                .problems
                .iter()
                .all(|p| p.noise == 0.5)
        );
        assert_eq!(
            set("momentum=0.5").unwrap().methods[0].rule["momentum"].as_float(),
            Some(0.5)
        );
        assert_eq!(
            set("boxes.truth.count=2").unwrap().problems[1].truth,
            Truth::Boxes { count: 2 }
        );
        for (wrong, hint) in [
            ("adm.steps=7", "did you mean 'adam'"),
            ("adam.stepz=7", "did you mean 'steps'"),
            ("nu=7", "did you mean 'nu_t'"),
            (
                "learning_rate=1",
                "say which, as in gradient-descent.learning_rate",
            ),
            ("adam=1", "write adam.KEY=VALUE"),
            (
                "noise=much",
                ".noise`: invalid type: string \"much\", expected a number",
            ),
        ] {
            let message = set(wrong).unwrap_err().to_string();
            assert!(message.contains(hint), "{message}");
            assert!(message.contains(wrong), "{message}");
        }
        assert!(
            load("haet", &[])
                .unwrap_err()
                .to_string()
                .contains("did you mean 'heat'")
        );
    }
}
