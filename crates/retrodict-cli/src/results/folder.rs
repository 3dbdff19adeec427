//! A run's folder: what is written, and read again by the report.

mod manifest;
mod metrics;
mod summary;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::data::durable::{make_folder, remove_left_over, replace};
use crate::data::{Array, read_archive, write_archive};
use crate::failure::{Failure, Outcome};

pub use manifest::{ProblemFacts, RunManifest, SeriesFacts, SpaceFacts};
pub use metrics::{Row, quoted, split};
use metrics::{metrics, parse_metrics};
pub use summary::{MethodSummary, Summary};

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

/// Checks that what is called so is a folder, if there is anything.
pub fn check(folder: &Path) -> Outcome<()> {
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::unwritable(folder, "it is not a folder"));
    }
    Ok(())
}

/// Makes a folder and makes sure that it can be written, before hours of work go in.
pub fn prepare(folder: &Path) -> Outcome<()> {
    check(folder)?;
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
