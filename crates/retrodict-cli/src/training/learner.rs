//! One method with one seed: built, run, and kept on the way.

use retrodict::StatusKind;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::registry;
use retrodict::linalg::Engine;
use retrodict::options::Validate;
use retrodict::training::{Clock, Lesson, Limits, Notes, Sample, State, Step, Trainer};
use retrodict::{Network, Space};

use super::physics::{Physics, split};
use super::plan::{MethodPlan, Plan};
use super::samples::Lot;
use super::{Checkpoint, Diagnosis, MethodOutcome, memory};
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::progress::Progress;
use crate::text::duration;

/// How many samples are looked at in a diagnosis.
const LOOKED_AT: usize = 64;

/// A method with a seed, ready to learn.
pub struct Learner<'a> {
    /// As it stands in the experiment.
    pub method: &'a MethodPlan,
    /// Which of its seeds, from 0.
    pub seed: u64,
    /// f.
    pub network: Arc<dyn Network>,
    /// Name and options of f, as TOML.
    pub architecture: String,
    /// P and L.
    pub physics: Physics,
    /// What is learned from.
    pub lot: Lot,
    trainer: Trainer,
    limits: Limits,
    /// The seed of the weights.
    draw: u64,
    looked_at: Vec<Arc<Sample>>,
    /// The rows of J at each step: what the strategy compares, over the mini-batch.
    rows: usize,
}

impl<'a> Learner<'a> {
    /// Builds everything that the method needs; whatever does not fit is found here.
    pub fn new(plan: &Plan, method: &'a MethodPlan, seed: u64) -> Outcome<Self> {
        let within = |f: Failure| f.within(&format!("method '{}'", method.name));
        let physics = Physics::new(plan, &method.simulator).map_err(within)?;
        let lot = Lot::new(&plan.data, &physics, plan.seed).map_err(within)?;
        let mut architecture = plan.network.clone();
        architecture.extend(method.network.clone());
        let network = network(&architecture, &lot.input, &physics).map_err(within)?;
        let build = || -> Outcome<Trainer> {
            let (strategy, strategy_options) = split(&method.strategy, "strategy")?;
            let (rule, rule_options) = split(&method.rule, "rule")?;
            method.schedule.validate()?;
            Ok(Trainer {
                network: Arc::clone(&network),
                strategy: registry()
                    .strategies
                    .find(&strategy)?
                    .build_in(registry(), &strategy_options)?,
                rule: registry().rules.build(&rule, &rule_options)?,
                loss: Arc::clone(&physics.loss),
                reduction: method.reduction,
                batch: method.batch,
                schedule: method.schedule,
                clip: method.clip,
            })
        };
        let trainer = build().map_err(within)?;
        let mut learner = Self {
            method,
            seed,
            network,
            architecture: architecture.to_string(),
            physics,
            lot,
            trainer,
            limits: method.until.or(&plan.until).limits(),
            draw: plan.seed + seed,
            looked_at: Vec::new(),
            rows: 0,
        };
        // Drawn once, so that a batch that is too large is found before anything is run.
        let batch = learner.lot.data.batch(0, method.batch);
        let batch = batch.map_err(|e| within(e.into()))?;
        learner.rehearse(&batch).map_err(within)?;
        let seen = if learner.lot.test.is_empty() {
            &batch
        } else {
            &learner.lot.test
        };
        learner.looked_at = seen.iter().take(LOOKED_AT).cloned().collect();
        Ok(learner)
    }

    /// Builds the θ-problem of one sample, so that a strategy that lacks something, or an engine that lacks
    /// memory, is found before anything is run.
    fn rehearse(&mut self, batch: &[Arc<Sample>]) -> Outcome<()> {
        let theta = self.network.initial(self.draw);
        let problem = self.trainer.strategy.theta_problem(&Lesson {
            network: &self.network,
            theta: &theta,
            batch: batch.get(..1).unwrap_or_default(),
            loss: &self.trainer.loss,
            reduction: self.trainer.reduction,
            clock: &Arc::new(Clock::default()),
            notes: &Notes::default(),
        })?;
        self.rows = problem.outputs() * self.method.batch;
        match (self.engine(), memory::available()) {
            (Some(engine), Some(available)) => {
                memory::check(engine, self.rows, &*self.network, available)
            }
            _ => Ok(()),
        }
    }

    /// What the rule does with J, where it has the choice.
    fn engine(&self) -> Option<Engine> {
        let rule = &self.trainer.rule;
        rule.engine(self.rows, self.network.parameters())
    }

    /// Refuses a checkpoint of another architecture.
    pub fn check(&self, checkpoint: &Checkpoint) -> Outcome<()> {
        let (found, expected) = (checkpoint.state.theta.len(), self.network.parameters());
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
        let state = &checkpoint.state;
        let own = |table: &toml::Table| {
            table
                .get("name")
                .and_then(|v| v.as_str())
                .map(str::to_owned)
        };
        let interrupted = || {
            let sentence =
                "stopped by Ctrl-C or SIGTERM; continue with `retrodict resume`".to_owned();
            (StatusKind::Interrupted, sentence)
        };
        let (status, message) = checkpoint.ended.clone().unwrap_or_else(interrupted);
        let (all, shares) = (state.seconds.max(1e-12), state.shares);
        let rule = own(&self.method.rule).and_then(|name| registry().rules.find(&name).ok());
        let truncation = rule
            .filter(|entry| entry.accepts("truncation"))
            .and_then(|entry| {
                let chosen = self.method.rule.get("truncation").cloned();
                let value = chosen.or_else(|| entry.defaults().get("truncation").cloned());
                value.and_then(|v| v.as_float())
            });
        MethodOutcome {
            method: self.method.name.clone(),
            seed: self.seed,
            strategy: own(&self.method.strategy).unwrap_or_default(),
            rule: rule.map_or(String::new(), |entry| entry.name.to_owned()),
            batch: self.method.batch,
            parameters: self.network.parameters(),
            status,
            message,
            steps: state.step,
            epochs: state.epochs.len().saturating_sub(1) as u64,
            seconds: state.seconds,
            shares: [shares.network, shares.physics, shares.inversion].map(|part| part / all),
            loss: state.best_loss,
            rollbacks: state.rollbacks,
            notices: state.notices.clone(),
            trouble: state.trouble.clone(),
            truncation,
            engine: self.engine().map(|engine| {
                let (m, n) = (self.rows, self.network.parameters());
                format!("{engine} (m = {m}, |θ| = {n})")
            }),
            diagnosis: checkpoint.diagnosis.clone(),
        }
    }

    /// How many steps there will be at most, where that is known.
    fn total(&self) -> u64 {
        let per_epoch = self.lot.data.batches(self.method.batch);
        let epochs = self.limits.epochs.map(|n| n * per_epoch);
        epochs
            .into_iter()
            .chain(self.limits.steps)
            .min()
            .unwrap_or(0)
    }

    fn start(&self) -> Checkpoint {
        Checkpoint {
            method: self.method.name.clone(),
            seed: self.seed,
            state: State::new(self.network.initial(self.draw)),
            rule: Vec::new(),
            diagnosis: Diagnosis::default(),
            ended: None,
        }
    }
}

/// The network that a table describes, from what it sees to x.
pub fn network(table: &toml::Table, input: &Space, physics: &Physics) -> Outcome<Arc<dyn Network>> {
    let (name, options) = split(table, "network")?;
    let architecture = registry().networks.build(&name, &options)?;
    Ok(architecture.between(input, physics.simulator.input())?)
}

/// Learns until a limit is reached or Ctrl-C is pressed, and writes a checkpoint to the folder every
/// so often and at the end.
pub fn learn(
    learner: &mut Learner<'_>,
    before: Option<Checkpoint>,
    folder: &Path,
    every: Duration,
    label: &str,
) -> Outcome<Checkpoint> {
    let mut checkpoint = before.unwrap_or_else(|| learner.start());
    if !checkpoint.rule.is_empty() {
        learner.trainer.rule.recall(&checkpoint.rule)?;
    }
    let progress = Progress::start(label, learner.total());
    let mut written = Instant::now();
    let mut trouble = None;
    let (network, seen) = (Arc::clone(&learner.network), learner.looked_at.clone());
    if checkpoint.state.step == 0 {
        look(
            &mut checkpoint.diagnosis,
            0,
            &network,
            &checkpoint.state.theta,
            &seen,
        )?;
    }
    let state = checkpoint.state.clone();
    let limits = learner.limits.clone();
    let observe = |step: &Step<'_>| {
        let epoch = step.state.epochs.len() as u64 - 1;
        let mut keep = || -> Outcome<()> {
            if step.epoch_ended && Diagnosis::wants(epoch) {
                let theta = &step.state.theta;
                look(&mut checkpoint.diagnosis, epoch, &network, theta, &seen)?;
            }
            if written.elapsed() >= every {
                checkpoint.state = step.state.clone();
                checkpoint.rule = step.rule.remember();
                checkpoint.write(folder)?;
                written = Instant::now();
            }
            Ok(())
        };
        if let Err(failure) = keep() {
            trouble = Some(failure);
            return ControlFlow::Break(());
        }
        progress.show(step.state.step, || message(step));
        ControlFlow::Continue(())
    };
    let trained = learner.trainer.train(
        &mut *learner.lot.data,
        &learner.lot.test,
        state,
        &limits,
        observe,
    )?;
    if let Some(failure) = trouble {
        return Err(failure);
    }
    let cancelled = trained.status.kind() == StatusKind::Cancelled;
    checkpoint.ended = (!cancelled).then(|| (trained.status.kind(), trained.status.to_string()));
    checkpoint.state = trained.state;
    checkpoint.rule = learner.trainer.rule.remember();
    if !cancelled {
        let last = (checkpoint.state.epochs.len() as u64).saturating_sub(1);
        let theta = &checkpoint.state.best;
        look(&mut checkpoint.diagnosis, last, &network, theta, &seen)?;
    }
    checkpoint.write(folder)?;
    let ended = checkpoint.ended.as_ref();
    let ended = ended.map_or(StatusKind::Interrupted, |(status, _)| *status);
    let state = &checkpoint.state;
    progress.finish(&format!(
        "{ended}, loss {:.3e}, {} steps in {}",
        state.best_loss,
        state.step,
        duration(state.seconds)
    ));
    Ok(checkpoint)
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

/// Loss, test loss, time per step and where it goes.
fn message(step: &Step<'_>) -> String {
    let state = step.state;
    let test = state.epochs.last().and_then(|e| e.test);
    let test = test
        .map(|t| format!("  test {:.3e}", t.loss))
        .unwrap_or_default();
    let shares = state.shares;
    let percent = |part: f64| 100.0 * part / state.seconds.max(1e-12);
    format!(
        "loss {:.3e}{test}  {}/step ({:.0} % network, {:.0} % physics, {:.0} % inversion)",
        step.loss,
        duration(state.seconds / state.step.max(1) as f64),
        percent(shares.network),
        percent(shares.physics),
        percent(shares.inversion)
    )
}
