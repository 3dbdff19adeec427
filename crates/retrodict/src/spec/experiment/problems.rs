//! A batch of problems of an experiment, checked and ready to be solved.

use std::sync::Arc;

use super::ProblemSpec;
use super::norm::ErrorNorm;
use super::truth::TruthSpec;
use crate::core::loss::Loss;
use crate::core::random::Random;
use crate::core::simulator::Simulator;
use crate::error::{At, Result, expect_finite, expect_length};
use crate::options::not_negative;
use crate::problem::Problem;
use crate::registry::{Entry, Registry};
use crate::spec::loss;
use crate::spec::random::add_noise;
use crate::spec::values::Files;

/// A batch of problems, ready to be solved.
pub struct ProblemSet {
    /// As it stands in the experiment.
    pub spec: ProblemSpec,
    /// P.
    pub simulator: Arc<dyn Simulator>,
    /// L.
    pub loss: Arc<dyn Loss>,
    /// x* of each problem.
    pub truths: Vec<Vec<f64>>,
    /// x₀ of each problem.
    pub starts: Vec<Vec<f64>>,
    /// y* of each problem.
    pub targets: Vec<Vec<f64>>,
    entry: Entry<Arc<dyn Simulator>>,
    /// Options of the simulator that differ from problem to problem: the noise of its target, where
    /// it can be told, or the state from which it starts.
    each: Vec<toml::Table>,
}

impl ProblemSpec {
    /// Draws truths, starts and noise, and checks that everything fits.
    ///
    /// # Errors
    /// If anything is unknown, not allowed or does not fit, with the problem and the table that it belongs to.
    pub fn pose(&self, seed: u64, registry: &Registry, files: &dyn Files) -> Result<ProblemSet> {
        let at = |table| move |error: crate::Error| error.at("problem", &self.name, table);
        let entry = *registry
            .simulator(&self.simulator.name)
            .map_err(at("simulator"))?;
        let options = &self.simulator.options;
        let simulator = entry.build_in(registry, options).map_err(at("simulator"))?;
        let truths = self
            .truth
            .draw(&*simulator, seed, files)
            .map_err(at("truth"))?;
        self.start.check().map_err(at("start"))?;
        let mut random = Random::stream(seed, 2);
        let starts: Vec<Vec<f64>> = truths
            .iter()
            .map(|truth| self.start.of(truth, &mut random))
            .collect();
        for x0 in &starts {
            expect_length("the start", x0.len(), simulator.input().len())
                .and_then(|()| expect_finite("the start", x0))
                .map_err(at("start"))?;
        }
        not_negative("noise", self.noise).map_err(at("noise"))?;
        let mut random = Random::stream(seed, 3);
        let states = self.truth.states(&*simulator, seed);
        let (mut targets, mut noise) = (Vec::new(), Vec::new());
        for (i, truth) in truths.iter().enumerate() {
            let mut y = vec![0.0; simulator.output().len()];
            match (&self.target, &states) {
                (Some(target), _) => y.clone_from(target),
                (None, Some((_, states))) => y.clone_from(&states[i]),
                (None, None) => simulator.forward(truth, &mut y).map_err(at("truth"))?,
            }
            noise.push(add_noise(&mut y, self.noise, &mut random));
            targets.push(y);
        }
        let tell = self.noise > 0.0 && entry.accepts("noise") && !options.contains_key("noise");
        let each = match (states, tell) {
            (Some((option, states)), _) => states
                .into_iter()
                .map(|state| toml::Table::from_iter([(option.clone(), state.into())]))
                .collect(),
            (None, true) => noise
                .into_iter()
                .map(|sigma| toml::Table::from_iter([("noise".to_owned(), sigma.into())]))
                .collect(),
            (None, false) => Vec::new(),
        };
        let loss = loss::between(&self.loss, simulator.output(), registry).map_err(at("loss"))?;
        let set = ProblemSet {
            spec: self.clone(),
            simulator,
            loss,
            truths,
            starts,
            targets,
            entry,
            each,
        };
        let own = set
            .simulators_with(&toml::Table::new())
            .map_err(at("truth"))?;
        for (i, simulator) in own.iter().enumerate() {
            set.problem(i, simulator)
                .at("problem", &self.name, "target")?;
        }
        Ok(set)
    }
}

impl ProblemSet {
    /// One problem of the batch, with a simulator that may have a method's own options.
    ///
    /// # Errors
    /// If they do not fit.
    pub fn problem(&self, i: usize, simulator: &Arc<dyn Simulator>) -> Result<Problem> {
        let (simulator, loss) = (Arc::clone(simulator), Arc::clone(&self.loss));
        Problem::new(simulator, loss, self.targets[i].clone())
    }

    /// The simulator of each problem, with a method's own options before the problem's.
    ///
    /// # Errors
    /// If an option is unknown or its value is not allowed.
    pub fn simulators_with(&self, own: &toml::Table) -> Result<Vec<Arc<dyn Simulator>>> {
        let build = |tables: &[&toml::Table]| {
            let mut options = self.spec.simulator.options.clone();
            for table in tables {
                options.extend((*table).clone());
            }
            self.entry.build(&options)
        };
        let differ = |each: &toml::Table| each.keys().any(|key| !own.contains_key(key));
        if self.each.iter().any(differ) {
            return self.each.iter().map(|each| build(&[each, own])).collect();
        }
        let simulator = if own.is_empty() {
            Arc::clone(&self.simulator)
        } else {
            build(&[own])?
        };
        Ok(vec![simulator; self.truths.len()])
    }

    /// The simulator's name and sentence.
    pub fn entry(&self) -> &Entry<Arc<dyn Simulator>> {
        &self.entry
    }

    /// The mean distance of the iterates to the truths.
    pub fn error<'x>(&self, found: impl Iterator<Item = &'x [f64]>) -> Option<f64> {
        let pairs = found.zip(&self.truths);
        let sum: Option<f64> = pairs.map(|(x, t)| self.norm().of(x, t)).sum();
        sum.map(|sum| sum / self.truths.len() as f64)
    }

    /// How the distance to the truth is measured; not at all where none is known.
    pub fn norm(&self) -> ErrorNorm {
        match self.spec.truth {
            TruthSpec::States { .. } => ErrorNorm::None,
            _ => self.spec.error,
        }
    }

    /// The mean loss of the truths, where they are known and noise was added.
    pub fn truth_loss(&self) -> Option<f64> {
        if self.spec.noise == 0.0 || self.norm() == ErrorNorm::None {
            return None;
        }
        let mut y = vec![0.0; self.simulator.output().len()];
        let mut sum = 0.0;
        for (truth, target) in self.truths.iter().zip(&self.targets) {
            self.simulator.forward(truth, &mut y).ok()?;
            sum += self.loss.value(&y, target);
        }
        Some(sum / self.truths.len() as f64)
    }
}
