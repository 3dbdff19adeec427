//! The methods of an experiment on each of its problems, checked: everything that can be wrong is found before anything is
//! run.

use std::sync::Arc;
use std::time::Duration;

use super::problems::ProblemSet;
use super::{ExperimentMethodSpec, ExperimentSpec};
use crate::core::simulator::Simulator;
use crate::error::{At, Error, Result};
use crate::registry::{Entry, Registry};
use crate::solver::solve::Solver;
use crate::solver::starts::Region;
use crate::spec::inverse::with_inverse;
use crate::spec::text;
use crate::spec::values::Files;
use crate::updates::{Search, UpdateRule};

/// A batch of problems, and the methods that are compared on it.
#[non_exhaustive]
pub struct Race {
    /// The problems.
    pub problem: ProblemSet,
    /// The methods.
    pub entrants: Vec<Entrant>,
}

/// A method that can be started on a batch of problems.
pub struct Entrant {
    /// As it stands in the experiment.
    pub spec: ExperimentMethodSpec,
    /// P of each problem, with this method's own options.
    pub simulators: Vec<Arc<dyn Simulator>>,
    /// The seed of its starts.
    pub seed: u64,
    rule: Entry<Box<dyn UpdateRule>>,
    search: Option<Search>,
}

impl Entrant {
    /// A fresh rule, for one run.
    ///
    /// # Errors
    /// None that posing the experiment has not found.
    pub fn make_rule(&self) -> Result<Box<dyn UpdateRule>> {
        self.rule.build(&self.spec.rule.options)
    }

    /// A solver for one run, which ends after that time at the latest.
    ///
    /// # Errors
    /// As [`make_rule`](Entrant::make_rule).
    pub fn solver(&self, time: Option<Duration>) -> Result<Solver> {
        let mut stop = self.spec.stop();
        stop.time = stop.time.into_iter().chain(time).min();
        Ok(Solver::new(self.make_rule()?, stop).with_search(self.search))
    }
}

impl ExperimentSpec {
    /// The races of the experiment: of the chosen methods or rules alone, if any are chosen.
    ///
    /// # Errors
    /// If anything is unknown, not allowed or does not fit, with the problem or the method that it belongs to.
    pub fn races(
        &self,
        chosen: &[String],
        registry: &Registry,
        files: &dyn Files,
    ) -> Result<Vec<Race>> {
        self.check(chosen, registry)?;
        let mut races = Vec::new();
        for spec in &self.problems {
            let problem = spec.pose(self.seed, registry, files)?;
            let mut entrants = Vec::new();
            for method in &self.methods {
                if is_chosen(method, chosen, &spec.name, registry) {
                    entrants.push(method.enter(&problem, self.seed, registry)?);
                }
            }
            if !entrants.is_empty() {
                races.push(Race { problem, entrants });
            }
        }
        if races.is_empty() {
            return Err(Error::Config {
                what: "method".to_owned(),
                message: "no method is left to run; check which methods are chosen, and the problems of each"
                    .to_owned(),
            });
        }
        Ok(races)
    }

    fn check(&self, chosen: &[String], registry: &Registry) -> Result<()> {
        let problems = || self.problems.iter().map(|p| p.name.as_str());
        let methods = || self.methods.iter().map(|m| m.name.as_str());
        text::different("problem", problems())?;
        text::different("method", methods())?;
        for wanted in chosen {
            if !self.methods.iter().any(|m| goes_by(m, wanted, registry)) {
                return Err(Error::unknown("method", wanted, methods()));
            }
        }
        for method in &self.methods {
            let unknown = |name: &&String| problems().all(|known| known != name.as_str());
            if let Some(other) = method.problems.iter().find(unknown) {
                let error = Error::unknown("problem", other, problems());
                return Err(error.at("method", &method.name, "problems"));
            }
        }
        Ok(())
    }
}

impl ExperimentMethodSpec {
    fn enter(&self, problem: &ProblemSet, seed: u64, registry: &Registry) -> Result<Entrant> {
        let at = |table| move |error: Error| error.at("method", &self.name, table);
        let rule = *registry.rules.find(&self.rule.name).map_err(at("rule"))?;
        let made = rule.build_in(registry, &self.rule.options);
        let made = made.map_err(at("rule"))?;
        let search = self.search.as_ref();
        let search = search.map(|named| registry.searches.make(registry, named));
        let search = search.transpose().map_err(at("search"))?;
        if let Some(search) = &search {
            search.check(&*made).map_err(at("search"))?;
        }
        let simulators = problem
            .simulators_with(&self.simulator)
            .map_err(at("simulator"))?;
        let inverse = self.inverse.as_ref();
        let simulators: Vec<Arc<dyn Simulator>> = simulators
            .into_iter()
            .map(|simulator| with_inverse(simulator, inverse, registry))
            .collect::<Result<_>>()
            .map_err(at("inverse"))?;
        for x0 in &problem.starts {
            // Drawn once in vain, so that a wrong count or width is found before anything is run.
            Region::starts(x0, self.spread, self.starts.min(1), 0).map_err(at("starts"))?;
        }
        for (i, simulator) in simulators.iter().enumerate().take(1) {
            let posed = problem.problem(i, simulator);
            let posed = posed.at("problem", &problem.spec.name, "target")?;
            self.stop().check(&posed).at("method", &self.name, "stop")?;
        }
        Ok(Entrant {
            spec: self.clone(),
            simulators,
            seed,
            rule,
            search,
        })
    }
}

fn is_chosen(
    method: &ExperimentMethodSpec,
    chosen: &[String],
    problem: &str,
    registry: &Registry,
) -> bool {
    let wanted = chosen.is_empty() || chosen.iter().any(|m| goes_by(method, m, registry));
    let here = method.problems.is_empty() || method.problems.iter().any(|p| p == problem);
    wanted && here
}

/// Whether that is the method's name, or its rule's.
fn goes_by(method: &ExperimentMethodSpec, name: &str, registry: &Registry) -> bool {
    let rule = |name: &str| registry.rules.find(name).map(|entry| entry.name).ok();
    let own = rule(&method.rule.name);
    method.name == name || own.is_some() && own == rule(name)
}
