//! A run's folder: what is written, and read again by the report.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use retrodict::{Counts, StatusKind};
use serde::{Deserialize, Serialize};

use crate::data::durable::{make_folder, remove_left_over, replace};
use crate::data::{Array, read_archive, write_archive};
use crate::failure::{Failure, Outcome};
use crate::results::own_units::OwnUnit;
use crate::results::survey::DistinctSolution;

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

/// One line of `metrics.csv`; means over the batch, counts summed over it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The method.
    pub method: String,
    /// The number of steps taken.
    pub step: usize,
    /// Seconds since the method's start.
    pub seconds: f64,
    /// The loss.
    pub loss: f64,
    /// The error in x.
    pub x_error: Option<f64>,
    /// ‖Δx‖₂ of the last step.
    pub step_norm: f64,
    /// Evaluations of the simulator so far.
    pub counts: Counts,
    /// The problem.
    pub problem: String,
}

/// The first line of `metrics.csv`.
pub const METRICS_HEADER: &str =
    "method,step,seconds,loss,x_error,step_norm,forward,jvp,vjp,inverse,problem";

/// `summary.json`: how each method ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Summary {
    /// A line for each method on each problem.
    pub methods: Vec<MethodSummary>,
}

/// How a method ended on a problem.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MethodSummary {
    /// The method.
    pub method: String,
    /// The rule.
    pub rule: String,
    /// The problem.
    pub problem: String,
    /// The status; for a batch that of the most members.
    pub status: StatusKind,
    /// What the status means, and what to try next.
    pub message: String,
    /// Whether every member reached its goal.
    pub converged: bool,
    /// How many members did.
    pub converged_count: usize,
    /// How many members there are.
    pub count: usize,
    /// The most steps that a member took.
    pub steps: usize,
    /// Seconds from start to end.
    pub seconds: f64,
    /// The loss of the best iterates, mean over the batch.
    #[serde(deserialize_with = "crate::results::not_a_number::or_nan")]
    pub loss: f64,
    /// The error of the best iterates in x, mean over the batch.
    pub x_error: Option<f64>,
    /// Evaluations of the simulator, summed over the batch.
    pub counts: Counts,
    /// Where the rule fell back from its formula, with counts.
    pub notices: Vec<String>,
    /// The distinct solutions of each member, where it was run from more than one start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub solutions: Vec<Vec<DistinctSolution>>,
    /// All iterates, one list for each member, where x has few values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterates: Option<Vec<Vec<Vec<f64>>>>,
}

/// Everything in a run's folder but the report.
#[derive(Debug, Clone, Default)]
pub struct RunContents {
    /// `manifest.json`.
    pub manifest: RunManifest,
    /// `metrics.csv`.
    pub rows: Vec<Row>,
    /// `summary.json`.
    pub summary: Summary,
    /// `fields.npz`: `PROBLEM/target`, `/truth`, `/start` and `/METHOD`; a batch's first member,
    /// or all three channels of a picture.
    pub fields: Vec<(String, Array)>,
}

impl RunContents {
    /// The array of that name.
    pub fn field(&self, name: &str) -> Option<&Array> {
        self.fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, array)| array)
    }
}

/// The first folder of runs/NAME, runs/NAME-2, … that does not exist yet.
pub fn free(name: &str) -> PathBuf {
    let runs = Path::new("runs");
    let first = runs.join(name);
    if !first.exists() {
        return first;
    }
    (2..)
        .map(|i| runs.join(format!("{name}-{i}")))
        .find(|path| !path.exists())
        .unwrap_or(first)
}

/// Makes a folder and makes sure that it can be written, before hours of work go in.
pub fn prepare(folder: &Path) -> Outcome<()> {
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::unwritable(folder, "it is not a folder"));
    }
    make_folder(folder).map_err(|e| Failure::unwritable(folder, e))?;
    remove_left_over(folder);
    // Others may try the same folder at the same time.
    let probe = folder.join(format!(".writable-{}", std::process::id()));
    replace(&probe, b"retrodict")?;
    fs::remove_file(&probe).map_err(|e| Failure::unwritable(folder, e))
}

/// Writes a run's folder, each file whole or not at all.
pub fn write(folder: &Path, contents: &RunContents) -> Outcome<()> {
    replace(
        &folder.join("manifest.json"),
        json(&contents.manifest)?.as_bytes(),
    )?;
    replace(
        &folder.join("summary.json"),
        json(&contents.summary)?.as_bytes(),
    )?;
    replace(
        &folder.join("metrics.csv"),
        metrics(&contents.rows).as_bytes(),
    )?;
    replace(
        &folder.join("fields.npz"),
        &write_archive(&contents.fields)?,
    )
}

/// Anything as JSON, for people and machines.
pub fn json(value: &impl Serialize) -> Outcome<String> {
    serde_json::to_string_pretty(value)
        .map_err(|e| Failure::Broken(format!("cannot encode JSON: {e}")))
}

fn metrics(rows: &[Row]) -> String {
    let mut text = format!("{METRICS_HEADER}\n");
    for row in rows {
        let error = row.x_error.map(|e| e.to_string()).unwrap_or_default();
        let Counts {
            forward,
            jvp,
            vjp,
            inverse,
            ..
        } = row.counts;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{},{},{:.9},{},{error},{},{forward},{jvp},{vjp},{inverse},{}",
            quoted(&row.method),
            row.step,
            row.seconds,
            row.loss,
            row.step_norm,
            quoted(&row.problem)
        );
    }
    text
}

/// A field of a CSV file; names may hold commas and quotes.
pub fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Reads a run's folder.
pub fn read(folder: &Path) -> Outcome<RunContents> {
    let bytes = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).map_err(|e| {
            Failure::Misuse(format!(
                "cannot read {}: {e}; the folder of a run contains manifest.json, metrics.csv, summary.json and \
                 fields.npz",
                path.display()
            ))
        })
    };
    let damaged = |name: &str, why: &dyn std::fmt::Display| {
        Failure::unreadable(
            &folder.join(name),
            format!("it is damaged ({why}); run it again"),
        )
    };
    let manifest = serde_json::from_slice(&bytes("manifest.json")?)
        .map_err(|e| damaged("manifest.json", &e))?;
    let summary =
        serde_json::from_slice(&bytes("summary.json")?).map_err(|e| damaged("summary.json", &e))?;
    let text = String::from_utf8_lossy(&bytes("metrics.csv")?).into_owned();
    let rows = parse_metrics(&text).map_err(|line| damaged("metrics.csv", &line))?;
    let fields = read_archive(&folder.join("fields.npz"), &bytes("fields.npz")?)?;
    Ok(RunContents {
        manifest,
        rows,
        summary,
        fields,
    })
}

fn parse_metrics(text: &str) -> Result<Vec<Row>, String> {
    let mut lines = text.lines();
    if lines.next() != Some(METRICS_HEADER) {
        return Err(format!("the first line is not {METRICS_HEADER}"));
    }
    lines
        .enumerate()
        .map(|(i, line)| parse_row(line).ok_or_else(|| format!("line {}", i + 2)))
        .collect()
}

fn parse_row(line: &str) -> Option<Row> {
    let fields = split(line);
    let [
        method,
        step,
        seconds,
        loss,
        error,
        norm,
        forward,
        jvp,
        vjp,
        inverse,
        problem,
    ] = fields.as_slice()
    else {
        return None;
    };
    Some(Row {
        method: method.clone(),
        step: step.parse().ok()?,
        seconds: seconds.parse().ok()?,
        loss: loss.parse().ok()?,
        x_error: if error.is_empty() {
            None
        } else {
            Some(error.parse().ok()?)
        },
        step_norm: norm.parse().ok()?,
        counts: Counts {
            forward: forward.parse().ok()?,
            jvp: jvp.parse().ok()?,
            vjp: vjp.parse().ok()?,
            inverse: inverse.parse().ok()?,
            second_order: 0,
        },
        problem: problem.clone(),
    })
}

/// Splits a line of a CSV file at commas outside quotes.
pub fn split(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut inside = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if inside && characters.peek() == Some(&'"') => {
                characters.next();
                if let Some(field) = fields.last_mut() {
                    field.push('"');
                }
            }
            '"' => inside = !inside,
            ',' if !inside => fields.push(String::new()),
            c => {
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
    }
    fields
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn metrics_come_back_as_they_went() {
        let row = Row {
            method: "a, \"b\"".into(),
            step: 3,
            seconds: 0.5,
            loss: 1e-300,
            x_error: None,
            step_norm: 0.1,
            counts: Counts {
                forward: 4,
                jvp: 0,
                vjp: 3,
                inverse: 1,
                second_order: 0,
            },
            problem: "p".into(),
        };
        let rows = [
            row.clone(),
            Row {
                x_error: Some(0.25),
                ..row
            },
        ];
        assert_eq!(parse_metrics(&metrics(&rows)).unwrap(), rows);
        assert!(parse_metrics("nonsense").is_err());
    }
}
