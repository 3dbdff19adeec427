//! A training's folder: what is written, and read again by the report and by `resume`.

use retrodict::StatusKind;
use retrodict::spec::TrainingSpec;
use std::fmt::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Checkpoint, Diagnosis};
use crate::data::{Array, read_archive};
use crate::failure::{Failure, Outcome as Result};
use crate::results::folder::SeriesFacts;

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
    /// Methods and seeds that failed before they had an outcome.
    #[serde(default)]
    pub failures: Vec<MethodFailure>,
    /// Whether outcomes are compared with what the methods expect.
    #[serde(default)]
    pub check: bool,
    /// Whether event files for TensorBoard are written.
    #[serde(default)]
    pub tensorboard: bool,
    /// What physics, network and loss are, in a line each.
    pub facts: Vec<(String, String)>,
    /// The shapes of x and y.
    pub x_shape: Vec<usize>,
    /// The shape of y.
    pub y_shape: Vec<usize>,
    /// What y is, where it is a series in time.
    #[serde(default)]
    pub series: Option<SeriesFacts>,
}

/// A method with a seed that failed before it had an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodFailure {
    /// The method.
    pub method: String,
    /// Which of its seeds.
    pub seed: u64,
    /// What went wrong.
    pub message: String,
}

impl MethodFailure {
    /// The method, and the seed where there are several.
    pub fn label(&self, seeds: u64) -> String {
        match seeds {
            0 | 1 => self.method.clone(),
            _ => format!("{} · seed {}", self.method, self.seed),
        }
    }
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

    /// The outcomes of a method, a seed each.
    pub fn of(&self, method: &str) -> Vec<&MethodOutcome> {
        let all = self.outcomes.iter();
        all.filter(|o| o.method == method).collect()
    }

    /// How many seeds of a method failed: at the start, or on the way.
    pub fn failed_seeds(&self, method: &str) -> usize {
        let at_start = self.manifest.failures.iter();
        let at_start = at_start.filter(|f| f.method == method).count();
        let own = self.of(method);
        at_start
            + own
                .iter()
                .filter(|o| o.status == StatusKind::Failed)
                .count()
    }

    /// Methods and seeds that have not ended.
    pub fn unfinished(&self) -> Vec<(&str, u64)> {
        let manifest = &self.manifest;
        let all = manifest.methods.iter();
        let all = all.flat_map(|m| (0..manifest.seeds.max(1)).map(move |seed| (m.as_str(), seed)));
        let ended = |method: &str, seed: u64| {
            let mut own = self.outcomes.iter();
            let mut failed = manifest.failures.iter();
            own.any(|o| o.method == method && o.seed == seed && o.status != StatusKind::Interrupted)
                || failed.any(|f| f.method == method && f.seed == seed)
        };
        all.filter(|(method, seed)| !ended(method, *seed)).collect()
    }

    /// The array of that name.
    pub fn field(&self, name: &str) -> Option<&Array> {
        let mut named = self.fields.iter().filter(|(known, _)| known == name);
        named.next().map(|(_, array)| array)
    }
}

/// `epochs.csv`.
pub fn csv(lines: &[Line]) -> String {
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

/// Whether the folder is a training's, finished or not.
pub fn is_training(folder: &Path) -> bool {
    folder.join("epochs.csv").exists() || is_begun(folder)
}

/// Reads a training's folder; of methods that have not ended, the checkpoints.
pub fn read(folder: &Path) -> Result<Contents> {
    let manifest = serde_json::from_slice(&bytes(folder, "manifest.json")?)
        .map_err(|e| damaged(folder, "manifest.json", &e))?;
    let mut contents = Contents {
        manifest,
        ..Contents::default()
    };
    // The last file that is written: without it, no method has ended.
    if folder.join("fields.npz").exists() {
        ended(folder, &mut contents)?;
    }
    unended(folder, &mut contents)?;
    Ok(contents)
}

/// Reads what methods that ended have left.
fn ended(folder: &Path, contents: &mut Contents) -> Result<()> {
    contents.outcomes = serde_json::from_slice(&bytes(folder, "summary.json")?)
        .map_err(|e| damaged(folder, "summary.json", &e))?;
    let text = String::from_utf8_lossy(&bytes(folder, "epochs.csv")?).into_owned();
    let lines = text.lines().skip(1).enumerate().map(|(i, line)| {
        parse(line).ok_or_else(|| damaged(folder, "epochs.csv", &format!("line {}", i + 2)))
    });
    contents.lines = lines.collect::<Result<_>>()?;
    contents.fields = read_archive(&folder.join("fields.npz"), &bytes(folder, "fields.npz")?)?;
    Ok(())
}

/// Reads the checkpoints of what has not ended.
fn unended(folder: &Path, contents: &mut Contents) -> Result<()> {
    let left: Vec<(String, u64)> = contents
        .unfinished()
        .into_iter()
        .map(|(method, seed)| (method.to_owned(), seed))
        .filter(|(method, seed)| Checkpoint::path(folder, method, *seed).exists())
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&bytes(folder, "plan.toml")?).into_owned();
    let plan = TrainingSpec::from_toml("plan.toml", &text)?;
    for (method, seed) in left {
        let checkpoint = Checkpoint::read(&Checkpoint::path(folder, &method, seed))?;
        let own = |of: &str, number: u64| of == method && number == seed;
        contents.lines.retain(|l| !own(&l.method, l.seed));
        contents.outcomes.retain(|o| !own(&o.method, o.seed));
        contents.add(&checkpoint);
        let outcome = MethodOutcome::of(plan.method(&method)?, &checkpoint);
        contents.outcomes.push(outcome);
    }
    Ok(())
}

fn bytes(folder: &Path, name: &str) -> Result<Vec<u8>> {
    let path = folder.join(name);
    std::fs::read(&path).map_err(|e| Failure::unreadable(&path, e))
}

fn damaged(folder: &Path, name: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::unreadable(&folder.join(name), format!("it is damaged ({why})"))
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
