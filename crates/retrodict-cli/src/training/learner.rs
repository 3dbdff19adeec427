//! One method with one seed: built, run, and kept on the way.

use retrodict::StatusKind;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use retrodict::Network;
use retrodict::spec::{Training, TrainingMethodSpec, TrainingSpec};
use retrodict::training::{Progress, Sample, Score};

use super::foretell::{Pace, long_step, rough};
use super::tensorboard::EventFile;
use super::{Checkpoint, Diagnosis, MethodOutcome};
use crate::data::UserFiles;
use crate::failure::{Failure, Outcome};
use crate::registry;
use crate::terminal::interrupt;
use crate::terminal::progress::Progress as Bar;
use crate::terminal::text::duration;

/// How many samples are looked at in a diagnosis.
const LOOKED_AT: usize = 64;

/// A method with a seed, ready to learn, and what is kept of it.
pub struct Learner<'a> {
    /// As it stands in the experiment.
    pub method: &'a TrainingMethodSpec,
    /// Which of its seeds, from 0.
    pub seed: u64,
    /// Network, physics, data and rule.
    pub training: Training,
    looked_at: Vec<Arc<Sample>>,
}

impl<'a> Learner<'a> {
    /// Builds everything that the method needs; whatever does not fit is found here.
    pub fn new(
        plan: &TrainingSpec,
        method: &'a TrainingMethodSpec,
        seed: u64,
    ) -> retrodict::Result<Self> {
        let training = plan.build(method, seed, registry(), &UserFiles)?;
        let held_out = &training.samples.test;
        let seen = if held_out.is_empty() {
            &training.first
        } else {
            held_out
        };
        Ok(Self {
            method,
            seed,
            looked_at: seen.iter().take(LOOKED_AT).cloned().collect(),
            training,
        })
    }

    /// Refuses a checkpoint of another architecture.
    pub fn check(&self, checkpoint: &Checkpoint) -> Outcome<()> {
        let (found, expected) = (
            checkpoint.state.theta.len(),
            self.training.network.parameters(),
        );
        if found == expected {
            return Ok(());
        }
        Err(Failure::Misuse(format!(
            "the checkpoint of '{}' holds {found} parameters, but the network has {expected}: it belongs \
             to another architecture; restore plan.toml, or delete {} to start this method again",
            checkpoint.method,
            Checkpoint::path(Path::new(""), &checkpoint.method, checkpoint.seed).display()
        )))
    }

    /// What the run is called on the terminal.
    pub fn label(&self, seeds: u64) -> String {
        if seeds > 1 {
            format!("{} · seed {}", self.method.name, self.seed)
        } else {
            self.method.name.clone()
        }
    }

    /// What the folder says of how it ended.
    pub fn outcome(&self, checkpoint: &Checkpoint) -> MethodOutcome {
        let engine = self.training.engine().map(|engine| {
            let (m, n) = (self.training.rows, self.training.network.parameters());
            format!("{engine} (m = {m}, |θ| = {n})")
        });
        MethodOutcome {
            engine,
            ..MethodOutcome::of(self.method, checkpoint)
        }
    }

    fn start(&self) -> Checkpoint {
        Checkpoint::new(&self.method.name, self.seed, self.training.start())
    }
}

impl MethodOutcome {
    /// What a checkpoint tells of a method, without building anything.
    pub fn of(method: &TrainingMethodSpec, checkpoint: &Checkpoint) -> Self {
        let state = &checkpoint.state;
        let interrupted = || {
            let sentence = "not finished; continue with `retrodict resume`".to_owned();
            (StatusKind::Interrupted, sentence)
        };
        let (status, message) = checkpoint.ended.clone().unwrap_or_else(interrupted);
        let (all, shares) = (state.seconds.max(1e-12), state.shares);
        let rule = registry().rules.find(&method.rule.name).ok();
        let truncation = rule
            .filter(|entry| entry.accepts("truncation"))
            .and_then(|entry| {
                let chosen = method.rule.options.get("truncation").cloned();
                let value = chosen.or_else(|| entry.defaults().get("truncation").cloned());
                value.and_then(|v| v.as_float())
            });
        Self {
            method: method.name.clone(),
            seed: checkpoint.seed,
            strategy: method.strategy.name.clone(),
            rule: rule.map_or(String::new(), |entry| entry.name.to_owned()),
            search: method.search.as_ref().map(|own| own.name.clone()),
            batch: method.batch,
            parameters: state.theta.len(),
            status,
            message,
            steps: state.steps,
            epochs: state.epochs.len().saturating_sub(1) as u64,
            seconds: state.seconds,
            shares: [shares.network, shares.physics, shares.inversion].map(|part| part / all),
            loss: state.best_loss,
            rollbacks: state.rollbacks,
            notices: state.notices.clone(),
            first_error: state.first_error.clone(),
            truncation,
            engine: None,
            diagnosis: checkpoint.diagnosis.clone(),
        }
    }
}

/// Learns until a limit is reached or Ctrl-C is pressed, and writes a checkpoint to the folder every
/// so often and at the end. A training that fails is an outcome of its own; a folder that cannot be written ends the
/// command.
pub fn learn(
    learner: &mut Learner<'_>,
    before: Option<Checkpoint>,
    folder: &Path,
    every: Duration,
    label: &str,
    events: bool,
) -> Outcome<Result<Checkpoint, Failure>> {
    let mut checkpoint = before.unwrap_or_else(|| learner.start());
    if let Some(sentence) = long_step(&learner.training) {
        eprintln!("note: {label}: {sentence}");
    }
    let (most_steps, limit) = (learner.training.most_steps(), learner.training.stop.time);
    let bar = Bar::start(label, most_steps.unwrap_or(0));
    let begun = Instant::now();
    let mut written = Instant::now();
    let mut first_error = None;
    let (network, seen) = (
        Arc::clone(&learner.training.network),
        learner.looked_at.clone(),
    );
    if checkpoint.state.steps == 0 {
        let (diagnosis, theta) = (&mut checkpoint.diagnosis, &checkpoint.state.theta);
        if let Err(failure) = look(diagnosis, 0, &network, theta, &seen) {
            return Ok(Err(failure));
        }
    }
    let from = checkpoint.state.clone();
    let mut events = match events {
        true => Some(EventFile::create(
            folder,
            &checkpoint.method,
            checkpoint.seed,
            &from.epochs,
        )?),
        false => None,
    };
    let mut recorded = from.epochs.len();
    let observe = |progress: &Progress<'_>| {
        let epoch = progress.epochs.len() as u64 - 1;
        let mut keep = || -> Outcome<()> {
            if progress.epoch_ended && Diagnosis::wants(epoch) {
                let theta = progress.theta;
                look(&mut checkpoint.diagnosis, epoch, &network, theta, &seen)?;
            }
            // The start, too, which no observer is called for.
            for epoch in progress.epochs.get(recorded..).unwrap_or_default() {
                if let Some(events) = &mut events {
                    events.add(epoch)?;
                }
            }
            recorded = progress.epochs.len();
            if written.elapsed() >= every {
                checkpoint.state = progress.checkpoint();
                checkpoint.write(folder)?;
                written = Instant::now();
            }
            Ok(())
        };
        if let Err(failure) = keep() {
            first_error = Some(failure);
            return ControlFlow::Break(());
        }
        bar.show(progress.steps, || {
            let pace = Pace {
                steps: (progress.steps.saturating_sub(from.steps), progress.steps),
                seconds: (progress.seconds - from.seconds, progress.seconds),
                elapsed: begun.elapsed(),
                most_steps,
                limit,
            };
            match pace.left() {
                Some(left) => format!("{} left  {}", rough(left), message(progress)),
                None => message(progress),
            }
        });
        ControlFlow::Continue(())
    };
    let trained = learner.training.resume(&from, observe);
    if let Some(failure) = first_error {
        return Err(failure);
    }
    let trained = match trained {
        Ok(trained) => trained,
        Err(error) => {
            let failure = Failure::from(error);
            bar.finish(&format!("failed: {failure}"));
            return Ok(Err(failure));
        }
    };
    let cancelled = trained.status.kind() == StatusKind::Cancelled;
    checkpoint.ended = (!cancelled).then(|| (trained.status.kind(), trained.status.to_string()));
    checkpoint.state = trained.checkpoint;
    if !cancelled {
        let last = (checkpoint.state.epochs.len() as u64).saturating_sub(1);
        let theta = &checkpoint.state.best;
        // What is only looked at costs no result.
        if let Err(failure) = look(&mut checkpoint.diagnosis, last, &network, theta, &seen) {
            eprintln!("note: {label}: {failure}");
        }
    }
    checkpoint.write(folder)?;
    let ended = checkpoint.ended.as_ref();
    let ended = ended.map_or(StatusKind::Interrupted, |(status, _)| *status);
    let state = &checkpoint.state;
    bar.finish(&format!(
        "{ended}, best loss {:.3e}, {} steps in {}",
        state.best_loss,
        state.steps,
        duration(state.seconds)
    ));
    Ok(Ok(checkpoint))
}

/// Looks at network and physics; after an interruption that may take a moment, and is left out if it takes longer.
fn look(
    diagnosis: &mut Diagnosis,
    epoch: u64,
    network: &Arc<dyn Network>,
    theta: &[f64],
    seen: &[Arc<Sample>],
) -> Outcome<()> {
    match interrupt::graced(|| diagnosis.look(epoch, network, theta, seen)) {
        Err(_) if interrupt::raised() => Ok(()),
        looked => Ok(looked?),
    }
}

/// The strategy's loss on the mini-batch, train and test loss of the last epoch, time per step and where it goes.
fn message(progress: &Progress<'_>) -> String {
    let last = progress.epochs.last();
    let told = |name: &str, score: Option<Score>| {
        score.map_or(String::new(), |s| format!("  {name} {:.3e}", s.loss))
    };
    let train = told("train", last.and_then(|e| e.train));
    let test = told("test", last.and_then(|e| e.test));
    let (seconds, shares) = (progress.seconds, progress.shares);
    let percent = |part: f64| 100.0 * part / seconds.max(1e-12);
    format!(
        "batch {:.3e}{train}{test}  {}/step ({:.0} % network, {:.0} % physics, {:.0} % inversion)",
        progress.loss,
        duration(seconds / progress.steps.max(1) as f64),
        percent(shares.network),
        percent(shares.physics),
        percent(shares.inversion)
    )
}
