//! The report: one self-contained page that works offline, built from a run's folder alone.

mod certainty;
mod curves;
mod filmstrip;
mod inversion;
mod page;
mod parameters;
mod parity;
mod paths;
mod pictures;
mod posterior;
mod profiles;
mod samples;
mod series;
mod style;
mod sweep;
mod table;
mod trade;
mod training;

use std::path::{Path, PathBuf};

use crate::batch::Collected;
use crate::data::durable::replace;
use crate::failure::Outcome;
use crate::inversion::Answer;
use crate::results::folder::RunContents;

/// Writes `report.html` beside the data that it shows; returns its path.
pub fn write(folder: &Path, contents: &RunContents) -> Outcome<PathBuf> {
    let path = folder.join("report.html");
    replace(&path, page::build(contents).as_bytes())?;
    Ok(path)
}

/// As [`write()`], for a training.
pub fn write_training(folder: &Path, contents: &crate::training::Contents) -> Outcome<PathBuf> {
    let path = folder.join("report.html");
    replace(&path, training::build(contents).as_bytes())?;
    Ok(path)
}

/// As [`write()`], for an inversion of the user's data.
pub fn write_inversion(
    folder: &Path,
    contents: &RunContents,
    answers: &[Answer],
) -> Outcome<PathBuf> {
    let path = folder.join("report.html");
    replace(&path, inversion::build(contents, answers).as_bytes())?;
    Ok(path)
}

/// As [`write()`], for the results of a batch.
pub fn write_sweep(folder: &Path, collected: &Collected) -> Outcome<PathBuf> {
    let path = folder.join("report.html");
    replace(&path, sweep::build(collected).as_bytes())?;
    Ok(path)
}
