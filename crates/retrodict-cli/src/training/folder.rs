//! A training's folder: what is written, and read again by the report and by `resume`.

use retrodict::StatusKind;
use std::fmt::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Checkpoint, Diagnosis};
use crate::data::durable::replace;
use crate::data::{Array, read_archive, write_archive};
use crate::failure::{Failure, Outcome as Result};
use crate::results::folder::json;

/// `manifest.json`: what was trained.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// `training`: what tells the folder from that of a run.
    pub kind: String,
    /// The version of retrodict.
    pub version: String,
    /// The command line.
    pub command: String,
    /// The experiment's short name.
    pub experiment: String,
    /// Its heading.
    pub title: String,
    /// What is learned, in a sentence.
    pub sentence: String,
    /// Where it comes from.
    pub source: String,
    /// The methods that are trained, in order.
    pub methods: Vec<String>,
    /// How many seeds of each.
    pub seeds: u64,
    /// The number of threads.
    pub threads: usize,
    /// Whether Ctrl-C ended it.
    pub interrupted: bool,
    /// What physics, network and loss are, in a line each.
    pub facts: Vec<(String, String)>,
    /// The shapes of x and y.
    pub x_shape: Vec<usize>,
    /// The shape of y.
    pub y_shape: Vec<usize>,
}

/// One line of `epochs.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The method.
    pub method: String,
    /// Which of its seeds.
    pub seed: u64,
    /// The number of epochs done.
    pub epoch: u64,
    /// The number of steps done.
    pub step: u64,
    /// Seconds spent in steps.
    pub seconds: f64,
    /// The mean loss of the strategy at the steps of this epoch.
    pub running_loss: Option<f64>,
    /// The loss on the training data.
    pub train_loss: Option<f64>,
    /// The loss on held-out data.
    pub test_loss: Option<f64>,
    /// ½‖x − x*‖² a sample, on held-out data where x* is known.
    pub x_half_square: Option<f64>,
    /// ‖x − x*‖, the mean over them.
    pub x_distance: Option<f64>,
    /// Steps taken back or shortened so far.
    pub rollbacks: u64,
}

/// `summary.json`: how a method with a seed ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MethodOutcome {
    /// The method.
    pub method: String,
    /// Which of its seeds.
    pub seed: u64,
    /// Its strategy's name.
    pub strategy: String,
    /// Its rule's name.
    pub rule: String,
    /// The search in place of the rule's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Samples in a mini-batch.
    pub batch: usize,
    /// The length of θ.
    pub parameters: usize,
    /// How it ended, in a word.
    pub status: StatusKind,
    /// What that means, and what to try next.
    pub message: String,
    /// Steps taken.
    pub steps: u64,
    /// Epochs done.
    pub epochs: u64,
    /// Seconds spent in steps.
    pub seconds: f64,
    /// The shares of network, physics and inversion in them.
    pub shares: [f64; 3],
    /// The best loss, on held-out data where there are some.
    #[serde(deserialize_with = "crate::results::not_a_number::or_nan")]
    pub loss: f64,
    /// Steps taken back or shortened.
    pub rollbacks: u64,
    /// Where the rule fell back from its formula, and how often.
    #[serde(default)]
    pub notices: Vec<(String, u64)>,
    /// Why it first did, where an error was the cause.
    #[serde(default)]
    #[serde(alias = "trouble")]
    pub first_error: Option<String>,
    /// The truncation of the rule, where it has one.
    pub truncation: Option<f64>,
    /// The engine that it used and the size of J, where the rule has the choice.
    #[serde(default)]
    pub engine: Option<String>,
    /// Spectra and activity.
    pub diagnosis: Diagnosis,
}

/// Everything in a training's folder but checkpoints, weights and the report.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// `manifest.json`.
    pub manifest: Manifest,
    /// `epochs.csv`.
    pub lines: Vec<Line>,
    /// `summary.json`.
    pub outcomes: Vec<MethodOutcome>,
    /// `fields.npz`: `target`, `label` where known, and for each method `METHOD/x` and `METHOD/y` of some
    /// held-out samples.
    pub fields: Vec<(String, Array)>,
}

const HEADER: &str = "method,seed,epoch,step,seconds,running_loss,train_loss,test_loss,x_half_square,x_distance,\
     rollbacks";

impl Contents {
    /// Adds a method's history.
    pub fn add(&mut self, checkpoint: &Checkpoint) {
        let number = |v: f64| v.is_finite().then_some(v);
        self.lines
            .extend(checkpoint.state.epochs.iter().map(|e| Line {
                method: checkpoint.method.clone(),
                seed: checkpoint.seed,
                epoch: e.epoch,
                step: e.step,
                seconds: e.seconds,
                running_loss: number(e.running_loss),
                train_loss: e.train.and_then(|s| number(s.loss)),
                test_loss: e.test.and_then(|s| number(s.loss)),
                x_half_square: e.test.and_then(|s| s.x_half_square),
                x_distance: e.test.and_then(|s| s.x_distance),
                rollbacks: e.rollbacks,
            }));
    }

    /// The array of that name.
    pub fn field(&self, name: &str) -> Option<&Array> {
        let mut named = self.fields.iter().filter(|(known, _)| known == name);
        named.next().map(|(_, array)| array)
    }
}

/// Writes the folder, each file whole or not at all.
pub fn write(folder: &Path, contents: &Contents) -> Result<()> {
    let put = |name: &str, bytes: &[u8]| replace(&folder.join(name), bytes);
    put("manifest.json", json(&contents.manifest)?.as_bytes())?;
    put("summary.json", json(&contents.outcomes)?.as_bytes())?;
    put("epochs.csv", csv(&contents.lines).as_bytes())?;
    put("fields.npz", &write_archive(&contents.fields)?)
}

fn csv(lines: &[Line]) -> String {
    let mut text = format!("{HEADER}\n");
    let show = |v: Option<f64>| v.map(|v| v.to_string()).unwrap_or_default();
    for l in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{},{},{},{},{:.6},{},{},{},{},{},{}",
            crate::results::folder::quoted(&l.method),
            l.seed,
            l.epoch,
            l.step,
            l.seconds,
            show(l.running_loss),
            show(l.train_loss),
            show(l.test_loss),
            show(l.x_half_square),
            show(l.x_distance),
            l.rollbacks
        );
    }
    text
}

fn parse(line: &str) -> Option<Line> {
    let fields = crate::results::folder::split(line);
    let [
        method,
        seed,
        epoch,
        step,
        seconds,
        running,
        train,
        test,
        x,
        distance,
        rollbacks,
    ] = fields.as_slice()
    else {
        return None;
    };
    let number = |text: &str| match text {
        "" => Some(None),
        text => text.parse().ok().map(Some),
    };
    Some(Line {
        method: method.clone(),
        seed: seed.parse().ok()?,
        epoch: epoch.parse().ok()?,
        step: step.parse().ok()?,
        seconds: seconds.parse().ok()?,
        running_loss: number(running)?,
        train_loss: number(train)?,
        test_loss: number(test)?,
        x_half_square: number(x)?,
        x_distance: number(distance)?,
        rollbacks: rollbacks.parse().ok()?,
    })
}

/// Whether the folder is a training's.
pub fn is_training(folder: &Path) -> bool {
    folder.join("epochs.csv").exists()
}

/// Reads a training's folder.
pub fn read(folder: &Path) -> Result<Contents> {
    let bytes = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|e| Failure::unreadable(&path, e))
    };
    let damaged = |name: &str, why: &dyn std::fmt::Display| {
        Failure::unreadable(&folder.join(name), format!("it is damaged ({why})"))
    };
    let manifest = serde_json::from_slice(&bytes("manifest.json")?)
        .map_err(|e| damaged("manifest.json", &e))?;
    let outcomes =
        serde_json::from_slice(&bytes("summary.json")?).map_err(|e| damaged("summary.json", &e))?;
    let text = String::from_utf8_lossy(&bytes("epochs.csv")?).into_owned();
    let lines = text.lines().skip(1).enumerate().map(|(i, line)| {
        parse(line).ok_or_else(|| damaged("epochs.csv", &format!("line {}", i + 2)))
    });
    Ok(Contents {
        manifest,
        lines: lines.collect::<Result<_>>()?,
        outcomes,
        fields: read_archive(&folder.join("fields.npz"), &bytes("fields.npz")?)?,
    })
}

/// Whether a folder holds a training that `resume` can go on with. One that was killed between its first two files
/// holds nothing worth keeping, and is begun again.
pub fn is_begun(folder: &Path) -> bool {
    let holds_checkpoint = || {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path())
            .any(|path| path.extension().is_some_and(|e| e == "checkpoint"))
    };
    folder.join("plan.toml").exists()
        && (folder.join("manifest.json").exists() || holds_checkpoint())
}
