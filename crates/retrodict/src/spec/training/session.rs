//! A method of a training with one seed, built: everything that can be wrong is found before anything is run.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::physics::Physics;
use super::samples::Samples;
use super::{Normalisation, TrainingMethodSpec, TrainingSpec};
use crate::core::simulator::Simulator;
use crate::error::{At, Result};
use crate::linalg::Engine;
use crate::network::{Network, TrainedNetwork};
use crate::options::Validate;
use crate::registry::{Named, Registry};
use crate::spec::TrainingStopSpec;
use crate::spec::values::Files;
use crate::training::{Checkpoint, MiniBatch, Progress, Sample, Trained, Trainer, memory};

/// A method with a seed, ready to learn.
#[non_exhaustive]
pub struct Training {
    /// f.
    pub network: Arc<dyn Network>,
    /// f by its name and options, with those of the method.
    pub architecture: Named,
    /// The scalings around f.
    pub normalisation: Normalisation,
    /// P and L.
    pub physics: Physics,
    /// What is learned from.
    pub samples: Samples,
    /// What takes the steps.
    pub trainer: Trainer,
    /// When it stops.
    pub stop: TrainingStopSpec,
    /// The rows of J at each step: what the strategy compares, over the mini-batch.
    pub rows: usize,
    /// The first mini-batch.
    pub first: Vec<Arc<Sample>>,
    /// The seed of the weights.
    seed: u64,
}

impl TrainingSpec {
    /// Builds all that a method needs; each of several seeds, from 0, has weights of its own.
    ///
    /// # Errors
    /// If anything is unknown, not allowed or does not fit, with the method that it belongs to.
    pub fn build(
        &self,
        method: &TrainingMethodSpec,
        seed: u64,
        registry: &Registry,
        files: &dyn Files,
    ) -> Result<Training> {
        let physics = self.physics(method, registry);
        let physics = physics.map_err(|error| error.needed_by("method", &method.name));
        let physics = physics.at("method", &method.name, "simulator")?;
        self.assemble(method, seed, physics, registry, files)
            .at("method", &method.name, "")
    }

    /// The same with a simulator that is at hand; the description's `simulator`, and the method's options of it, are not
    /// looked at.
    ///
    /// # Errors
    /// As [`build`](TrainingSpec::build).
    pub fn build_with(
        &self,
        simulator: Arc<dyn Simulator>,
        method: &TrainingMethodSpec,
        seed: u64,
        registry: &Registry,
        files: &dyn Files,
    ) -> Result<Training> {
        let physics = Physics::of(self, simulator, registry);
        let physics = physics.map_err(|error| error.needed_by("method", &method.name))?;
        self.assemble(method, seed, physics, registry, files)
            .at("method", &method.name, "")
    }

    /// P and L, with the options of a method.
    ///
    /// # Errors
    /// If a name or an option is unknown, a value is not allowed, or the loss does not fit.
    pub fn physics(&self, method: &TrainingMethodSpec, registry: &Registry) -> Result<Physics> {
        Physics::new(self, &method.simulator, registry)
    }

    /// P and L with a simulator that is at hand, in place of the one that the description names.
    ///
    /// # Errors
    /// If the inverse or the loss does not fit it.
    pub fn physics_through(
        &self,
        simulator: Arc<dyn Simulator>,
        registry: &Registry,
    ) -> Result<Physics> {
        Physics::of(self, simulator, registry)
    }

    fn assemble(
        &self,
        method: &TrainingMethodSpec,
        seed: u64,
        physics: Physics,
        registry: &Registry,
        files: &dyn Files,
    ) -> Result<Training> {
        self.check()?;
        let at = |table| move |error: crate::Error| error.at("method", &method.name, table);
        let samples = Samples::new(&self.data, &physics, self.seed, files);
        let needed = |error: crate::Error| error.needed_by("method", &method.name);
        let mut samples = samples.inside("data").map_err(needed)?;
        let mut architecture = self.network.clone();
        architecture.options.extend(method.network.clone());
        let network = registry.networks.make(registry, &architecture);
        let kind = network.map_err(at("network"))?;
        let network = kind
            .between(&samples.input, physics.simulator.input())
            .map_err(at("network"))?;
        let normalisation = Normalisation::fit(
            self.normalise,
            self.data.draw.is_users_data(),
            &*kind,
            &mut samples,
            &*physics.simulator,
            method.batch,
        )?;
        let network = normalisation.around(network)?;
        method.schedule.validate().map_err(at("schedule"))?;
        let strategy = registry.strategies.make(registry, &method.strategy);
        let rule = registry.rules.make(registry, &method.rule);
        let rule = rule.map_err(at("rule"))?;
        let search = method.search.as_ref();
        let search = search.map(|named| registry.searches.make(registry, named));
        let search = search.transpose().map_err(at("search"))?;
        if let Some(search) = &search {
            search.check(&*rule).map_err(at("search"))?;
        }
        let trainer = Trainer::new(
            Arc::clone(&network),
            strategy.map_err(at("strategy"))?,
            rule,
            Arc::clone(&physics.loss),
            method.batch,
        )
        .with_reduction(method.reduction)
        .with_schedule(method.schedule)
        .with_clip(method.clip)
        .with_target_scale(normalisation.target)
        .with_search(search);
        // Drawn once, so that a batch that is too large is found before anything is run.
        let first = samples.data.batch(0, method.batch).map_err(at("batch"))?;
        let mut training = Training {
            network,
            architecture,
            normalisation,
            physics,
            samples,
            trainer,
            stop: self.stop_of(method),
            rows: 0,
            first,
            seed: self.seed.wrapping_add(seed),
        };
        training.rehearse().map_err(at("strategy"))?;
        training.afford().map_err(at("rule"))?;
        Ok(training)
    }
}

impl Training {
    /// Builds the θ-problem of one sample, so that a strategy that lacks something is found before anything is run.
    fn rehearse(&mut self) -> Result<()> {
        let theta = self.network.initial(self.seed);
        let one = self.first.get(..1).unwrap_or_default();
        let batch = MiniBatch::new(&self.network, &theta, one, &self.trainer.loss)
            .with_reduction(self.trainer.reduction)
            .with_target_scale(self.trainer.target_scale);
        let problem = self.trainer.strategy.theta_problem(&batch)?;
        self.rows = problem.outputs() * self.trainer.batch;
        Ok(())
    }

    /// Finds an engine that lacks memory before anything is run.
    fn afford(&self) -> Result<()> {
        match (self.engine(), memory::available()) {
            (Some(engine), Some(available)) => {
                memory::check(engine, self.rows, &*self.network, available)
            }
            _ => Ok(()),
        }
    }

    /// What the rule does with J, where it has the choice.
    pub fn engine(&self) -> Option<Engine> {
        let rule = &self.trainer.rule;
        rule.engine(self.rows, self.network.parameters())
    }

    /// The start: weights as the network draws them.
    pub fn start(&self) -> Checkpoint {
        Checkpoint::at(self.network.initial(self.seed))
    }

    /// The number of steps that there will be at most, where that is known.
    pub fn most_steps(&self) -> Option<u64> {
        let per_epoch = self.samples.data.batches(self.trainer.batch);
        let epochs = self.stop.epochs.map(|n| n.saturating_mul(per_epoch));
        epochs.into_iter().chain(self.stop.steps).min()
    }

    /// Learns from its start until a criterion is met.
    ///
    /// # Errors
    /// If the first step fails; what happens later is a status.
    pub fn train(&mut self) -> Result<Trained> {
        self.resume(&self.start(), |_| ControlFlow::Continue(()))
    }

    /// Learns from a state until a criterion is met, or the observer breaks: see [`Trainer::resume`].
    ///
    /// # Errors
    /// As [`train`](Training::train), or if the state is that of another network or rule.
    pub fn resume(
        &mut self,
        from: &Checkpoint,
        observer: impl FnMut(&Progress<'_>) -> ControlFlow<()> + Send,
    ) -> Result<Trained> {
        let Samples { data, test, .. } = &mut self.samples;
        self.trainer
            .resume(&mut **data, test, from, &self.stop, observer)
    }

    /// The network with the best weights of a checkpoint.
    ///
    /// # Errors
    /// If the checkpoint is that of another network.
    pub fn trained(&self, checkpoint: &Checkpoint) -> Result<TrainedNetwork> {
        let (theta, statistics) = (&checkpoint.best, &checkpoint.statistics);
        TrainedNetwork::new(Arc::clone(&self.network), &theta[..], &statistics[..])
    }
}
