//! The joined table of a batch.

use retrodict::StatusKind;
use std::path::Path;

use retrodict::Counts;
use serde::Serialize;
use serde_json::Value;

use super::found::{Found, found, named, names};
use super::{Index, Solved, Stored};
use crate::data::durable::replace;
use crate::failure::{Failure, Outcome};
use crate::results::folder::{self, quoted};

/// All results of a batch.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Collected {
    /// The batch's heading.
    pub title: String,
    /// The keys that were set, in order.
    pub keys: Vec<String>,
    /// A line for each field of each problem.
    pub lines: Vec<BatchLine>,
    /// Problems without a result yet.
    pub missing: Vec<String>,
    /// Problems whose file is damaged, and why.
    pub damaged: Vec<(String, String)>,
    /// Problems that failed, and why.
    pub failed: Vec<(String, String)>,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchLine {
    /// The problem.
    pub name: String,
    /// The values of the keys, `null` where the problem does not set one.
    pub settings: Vec<Value>,
    /// Which field of it, from 1.
    pub field: usize,
    /// Of how many.
    pub of: usize,
    /// How it ended, in a word.
    pub status: StatusKind,
    /// Whether a goal was reached.
    pub converged: bool,
    /// The loss.
    pub loss: f64,
    /// χ²/N (N data), where the noise is known.
    pub chi_squared: Option<f64>,
    /// Steps taken.
    pub steps: usize,
    /// Seconds spent.
    pub seconds: f64,
    /// Evaluations of the simulator.
    pub counts: Counts,
    /// x, where it has few values.
    pub x: Option<Vec<f64>>,
    /// The standard deviation of each value of it, where statistics were taken; `null` where it is infinite.
    pub deviations: Option<Vec<Option<f64>>>,
    /// The same by name, and the quantities that follow from parameters.
    pub found: Vec<Found>,
}

/// Reads all results of a batch's folder.
pub fn collect(out: &Path) -> Outcome<Collected> {
    let path = out.join("batch.json");
    let bytes = std::fs::read(&path).map_err(|e| {
        Failure::unreadable(
            &path,
            format!("{e}; name a folder written by `retrodict batch --out`"),
        )
    })?;
    let index: Index = serde_json::from_slice(&bytes).map_err(|e| {
        Failure::unreadable(&path, format!("it is damaged ({e}); run the batch again"))
    })?;
    let mut collected = Collected {
        title: index.title,
        ..Collected::default()
    };
    let mut all: Vec<Solved> = Vec::new();
    for name in index.names {
        match Solved::read(out, &name) {
            Stored::Nothing => collected.missing.push(name),
            Stored::Damaged(why) => collected.damaged.push((name, why)),
            Stored::Result(solved) => match &solved.error {
                Some(why) => collected.failed.push((name, why.clone())),
                None => all.push(*solved),
            },
        }
    }
    for (key, _) in all.iter().flat_map(|solved| &solved.settings) {
        if !collected.keys.contains(key) {
            collected.keys.push(key.clone());
        }
    }
    for solved in &all {
        let value = |key: &String| {
            let own = solved.settings.iter().rev().find(|(known, _)| known == key);
            own.map_or(Value::Null, |(_, value)| value.clone())
        };
        let settings: Vec<Value> = collected.keys.iter().map(value).collect();
        for (i, answer) in solved.fields.iter().enumerate() {
            collected.lines.push(BatchLine {
                name: solved.name.clone(),
                settings: settings.clone(),
                field: i + 1,
                of: solved.fields.len(),
                status: answer.status,
                converged: answer.converged,
                loss: answer.loss,
                chi_squared: answer.chi_squared,
                steps: answer.steps,
                seconds: answer.seconds,
                counts: answer.counts,
                x: answer.x.clone(),
                deviations: answer.deviations(),
                found: found(answer),
            });
        }
    }
    Ok(collected)
}

impl Collected {
    /// Writes `table.csv` and `table.json`.
    pub fn write(&self, out: &Path) -> Outcome<()> {
        replace(&out.join("table.csv"), self.csv().as_bytes())?;
        replace(&out.join("table.json"), self.json()?.as_bytes())
    }

    /// All of it as JSON.
    pub fn json(&self) -> Outcome<String> {
        folder::json(self)
    }

    /// What the table cannot say: which problems are not in it, and why.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if !self.missing.is_empty() {
            remarks.push(format!(
                "{} problems are not solved yet: {}",
                self.missing.len(),
                self.missing.join(", ")
            ));
        }
        let damaged = self.damaged.iter();
        remarks.extend(damaged.map(|(name, why)| {
            format!("{name}.json is damaged ({why}); the next run of its shard will solve it again")
        }));
        let failed = self.failed.iter();
        remarks.extend(failed.map(|(name, why)| format!("{name} failed: {why}")));
        remarks
    }

    /// The names of all values that were found.
    pub fn names(&self) -> Vec<String> {
        names(self.lines.iter().map(|line| &line.found[..]))
    }

    fn csv(&self) -> String {
        let names = self.names();
        let known = |name: &&String| {
            let mut lines = self.lines.iter();
            lines.any(|line| named(&line.found, name).is_some_and(|f| f.deviation.is_some()))
        };
        let known: Vec<&String> = names.iter().filter(known).collect();
        let mut header = vec!["problem".to_owned()];
        header.extend(self.keys.iter().cloned());
        let fixed = [
            "field",
            "status",
            "converged",
            "loss",
            "chi_squared_per_datum",
            "steps",
            "seconds",
            "forward",
            "jvp",
            "vjp",
            "inverse",
        ];
        header.extend(fixed.map(str::to_owned));
        // A parameter may be called as a column of the table is.
        let column = |name: &String| match header.contains(name) {
            true => format!("{name} (parameter)"),
            false => name.clone(),
        };
        let values: Vec<String> = names.iter().map(column).collect();
        let deviations = known
            .iter()
            .map(|name| format!("{}_deviation", column(name)));
        let deviations: Vec<String> = deviations.collect();
        header.extend(values);
        header.extend(deviations);
        let mut rows = vec![header];
        for line in &self.lines {
            let counts = line.counts;
            let mut row = vec![line.name.clone()];
            row.extend(line.settings.iter().map(plain));
            row.extend([
                line.field.to_string(),
                line.status.to_string(),
                line.converged.to_string(),
                line.loss.to_string(),
                line.chi_squared.map(|c| c.to_string()).unwrap_or_default(),
                line.steps.to_string(),
                format!("{:.6}", line.seconds),
                counts.forward.to_string(),
                counts.jvp.to_string(),
                counts.vjp.to_string(),
                counts.inverse.to_string(),
            ]);
            let value = |name: &String| {
                named(&line.found, name).map_or_else(String::new, |f| f.value.to_string())
            };
            let deviation = |name: &&String| {
                let found = named(&line.found, name).and_then(|f| f.deviation);
                found.map_or_else(String::new, |d| d.to_string())
            };
            row.extend(names.iter().map(value));
            row.extend(known.iter().map(deviation));
            rows.push(row);
        }
        let mut text = String::new();
        for row in rows {
            let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
            text.push_str(&cells.join(","));
            text.push('\n');
        }
        text
    }
}

impl BatchLine {
    /// The problem's name, with its field where there are several.
    pub fn title(&self) -> String {
        match self.of {
            1 => self.name.clone(),
            _ => format!("{} · field {}", self.name, self.field),
        }
    }
}

/// A value without the quotes of JSON.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
