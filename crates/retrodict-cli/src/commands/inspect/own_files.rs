//! What retrodict wrote or reads as a description: folders of runs, networks, TOML.

use std::path::Path;

use retrodict::Space;
use retrodict::spec::{ExperimentSpec, InversionSpec, NetworkFile, TrainingSpec};
use serde::Serialize;

use crate::data::bounded;
use crate::failure::Outcome;
use crate::inversion;
use crate::registry;
use crate::results::folder;
use crate::terminal::text::{aligned, number, wrapped};
use crate::training;

/// A file or folder of retrodict's own.
#[derive(Debug, Serialize)]
pub struct OwnFile {
    file: String,
    kind: String,
    facts: Vec<(String, String)>,
    next: String,
}

impl OwnFile {
    /// For people.
    pub fn words(&self) -> String {
        let facts = self
            .facts
            .iter()
            .map(|(key, value)| vec![key.clone(), value.clone()]);
        let facts: Vec<Vec<String>> = facts.collect();
        format!(
            "{}\n{}{}\n",
            wrapped(&format!("{}: ", self.file), &self.kind),
            aligned(&facts, 2),
            wrapped("next: ", &self.next)
        )
    }
}

/// What a path is, if it is one of these.
pub fn look(path: &Path) -> Outcome<Option<OwnFile>> {
    let file = path.display().to_string();
    let own = |kind: &str, facts: Vec<(String, String)>, next: String| {
        Some(OwnFile {
            file: file.clone(),
            kind: kind.to_owned(),
            facts,
            next,
        })
    };
    if path.is_dir() {
        return Ok(if training::is_training(path) {
            let contents = training::read(path)?;
            let outcomes = contents.outcomes.iter();
            let facts = outcomes.map(|o| (o.method.clone(), format!("loss {}", number(o.loss))));
            own(
                &format!("training run: {}", contents.manifest.title),
                facts.collect(),
                format!("retrodict predict {file} --target FILE"),
            )
        } else if inversion::is_inversion(path) {
            let (contents, answers) = inversion::contents_of(path)?;
            let each = answers.iter().enumerate();
            let facts = each.map(|(i, a)| {
                let words = format!("{}, {} steps, loss {}", a.status, a.steps, number(a.loss));
                (format!("field {}", i + 1), words)
            });
            own(
                &format!("inversion: {}", contents.manifest.title),
                facts.collect(),
                format!("retrodict resume {file}, or inspect {file}/x.npy"),
            )
        } else {
            let contents = folder::read(path)?;
            let methods = contents.summary.methods.iter();
            let facts = methods.map(|m| {
                let words = format!("{}, {} steps, loss {}", m.status, m.steps, number(m.loss));
                (format!("{} · {}", m.problem, m.method), words)
            });
            own(
                &format!("run of an experiment: {}", contents.manifest.title),
                facts.collect(),
                format!("retrodict report {file}, or inspect {file}/fields.npz"),
            )
        });
    }
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("safetensors") => {
            let bytes = bounded::bytes(path, bounded::DATA)?;
            let network = NetworkFile::from_bytes(&file, &bytes, registry())?;
            let given = match network.sees_target() {
                true => "--target",
                false => "--input",
            };
            Ok(own(
                &format!("network, trained by {}", network.method),
                of_network(&network),
                format!("retrodict predict {file} {given} FILE"),
            ))
        }
        Some("toml") => described(path, &file).map(|(kind, next)| own(kind, Vec::new(), next)),
        _ => Ok(None),
    }
}

/// What a network maps to what, how it was trained, and its arrays.
fn of_network(file: &NetworkFile) -> Vec<(String, String)> {
    let space =
        |space: &Space| format!("{}, shape {:?}, in {}", space.name, space.shape, space.unit);
    let fact = |key: &str, value: String| (key.to_owned(), value);
    let summary = &file.summary;
    let loss = summary.loss.map_or("∞".to_owned(), number);
    let training = format!(
        "{} steps, {} epochs, loss {loss}",
        summary.steps, summary.epochs
    );
    let mut facts = vec![
        fact("sees", space(&file.input)),
        fact("x", space(&file.output)),
        fact("y", space(&file.target)),
        fact("simulator", file.plan.simulator.name.clone()),
        fact("network", file.architecture.name.clone()),
        fact("training", training),
    ];
    facts.extend(file.normalisation.ends().map(|(end, scaling)| {
        let of = match scaling.log() {
            true => "by mean and standard deviation of logarithms",
            false => "by mean and standard deviation",
        };
        let end = if end == "output" { "x" } else { end };
        fact("normalises", format!("{end}, {of}"))
    }));
    let arrays = file.network.arrays().into_iter();
    facts.extend(arrays.map(|(array, _)| (array.name, format!("shape {:?}", array.shape))));
    facts
}

/// What a file of TOML describes, by the keys that only one kind of description has, and how it is used.
fn described(path: &Path, file: &str) -> Outcome<(&'static str, String)> {
    let text = bounded::text(path)?;
    let table: toml::Table =
        toml::from_str(&text).map_err(|error| retrodict::spec::misread(file, &text, &error))?;
    let has = |key: &str| table.contains_key(key);
    // Each reader says what is wrong with its own kind.
    Ok(if has("inversion") {
        (
            "description of a batch",
            format!("retrodict batch {file} --out DIR"),
        )
    } else if has("network") || has("data") {
        TrainingSpec::from_toml(file, &text)?;
        (
            "description of a training",
            format!("retrodict train {file}"),
        )
    } else if has("problem") {
        ExperimentSpec::from_toml(file, &text)?;
        (
            "description of an experiment",
            format!("retrodict run {file}"),
        )
    } else {
        InversionSpec::from_toml(file, &text)?;
        (
            "description of an inversion",
            format!("retrodict solve {file}"),
        )
    })
}
