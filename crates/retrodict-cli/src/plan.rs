//! An experiment, validated: everything that can be wrong is found before anything is run.

use std::sync::Arc;

use crate::registry;
use retrodict::options::nearest;
use retrodict::solver::starts::Region;
use retrodict::{Simulator, UpdateRule};

use crate::experiment::{Experiment, MethodPlan, Origin, Place};
use crate::failure::{Failure, Outcome};
use crate::local_inverse;
use crate::prepared::{Prepared, split_name};

/// A problem and the methods that race on it.
pub struct Race<'a> {
    /// The problem.
    pub problem: Prepared<'a>,
    /// The methods.
    pub entrants: Vec<Entrant<'a>>,
}

/// A method that can be started on a problem.
pub struct Entrant<'a> {
    /// As it stands in the experiment.
    pub plan: &'a MethodPlan,
    /// P of each problem, with this method's own options.
    pub simulators: Vec<Arc<dyn Simulator>>,
    /// The rule's name.
    pub rule: String,
    /// The seed of its starts.
    pub seed: u64,
    options: toml::Table,
}

impl Entrant<'_> {
    /// A fresh rule, for one run.
    pub fn start(&self) -> retrodict::Result<Box<dyn UpdateRule>> {
        registry().rules.build(&self.rule, &self.options)
    }
}

/// Makes the races of an experiment, of the chosen methods or rules alone if any are chosen.
pub fn plan<'a>(
    experiment: &'a Experiment,
    chosen: &[String],
    origin: &'a Origin,
) -> Outcome<Vec<Race<'a>>> {
    check_names(experiment, chosen)?;
    let mut races = Vec::new();
    for (i, plan) in experiment.problems.iter().enumerate() {
        let problem = Prepared::new(plan, i, experiment.seed, origin)?;
        let mut entrants = Vec::new();
        for (index, method) in experiment.methods.iter().enumerate() {
            if is_chosen(method, chosen, &plan.name) {
                entrants.push(entrant(method, index, &problem, experiment.seed, origin)?);
            }
        }
        if !entrants.is_empty() {
            races.push(Race { problem, entrants });
        }
    }
    if races.is_empty() {
        return Err(Failure::Misuse(
            "no method is left to run; check --method and the problems of the methods".to_owned(),
        ));
    }
    Ok(races)
}

fn entrant<'a>(
    plan: &'a MethodPlan,
    index: usize,
    problem: &Prepared<'_>,
    seed: u64,
    origin: &Origin,
) -> Outcome<Entrant<'a>> {
    let blame = |table, error| {
        let place = Place {
            list: "method",
            index,
            name: &plan.name,
            table,
        };
        origin.blame(place, error)
    };
    let (rule, options) = split_name(&plan.rule, "rule", &plan.name)?;
    let simulators = problem
        .simulators_with(&plan.simulator)
        .map_err(|e| blame("simulator", e))?;
    let inverse = plan.inverse.as_ref().map(local_inverse::choose);
    let inverse = inverse.transpose().map_err(|e| blame("inverse", e))?;
    let simulators = simulators
        .into_iter()
        .map(|simulator| local_inverse::join(simulator, inverse.as_ref()))
        .collect();
    for x0 in &problem.starts {
        // Drawn once in vain, so that a wrong count or width is found before anything is run.
        Region::starts(x0, plan.spread, plan.starts.min(1), 0).map_err(|e| blame("starts", e))?;
    }
    let entrant = Entrant {
        plan,
        simulators,
        rule,
        seed,
        options,
    };
    entrant.start().map_err(|e| blame("rule", e))?;
    Ok(entrant)
}

fn is_chosen(method: &MethodPlan, chosen: &[String], problem: &str) -> bool {
    let wanted = chosen.is_empty() || chosen.iter().any(|m| goes_by(method, m));
    let here = method.problems.is_empty() || method.problems.iter().any(|p| p == problem);
    wanted && here
}

/// Whether that is the method's name, or its rule's.
fn goes_by(method: &MethodPlan, name: &str) -> bool {
    let own = method.rule.get("name").and_then(toml::Value::as_str);
    let rule = |name| registry().rules.find(name).map(|entry| entry.name).ok();
    method.name == name || own.is_some_and(|own| rule(own).is_some() && rule(own) == rule(name))
}

fn check_names(experiment: &Experiment, chosen: &[String]) -> Outcome<()> {
    let problems: Vec<&str> = experiment
        .problems
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    let methods: Vec<&str> = experiment.methods.iter().map(|m| m.name.as_str()).collect();
    for (kind, names) in [("problem", &problems), ("method", &methods)] {
        let twice = names
            .iter()
            .enumerate()
            .find(|(i, n)| names[..*i].contains(n));
        if let Some((_, name)) = twice {
            return Err(Failure::Misuse(format!(
                "two {kind}s are called '{name}'; give each a different name"
            )));
        }
    }
    for wanted in chosen {
        if !experiment.methods.iter().any(|m| goes_by(m, wanted)) {
            return Err(unknown("this experiment has no method", wanted, &methods));
        }
    }
    for method in &experiment.methods {
        let known = |p: &&String| !problems.contains(&p.as_str());
        if let Some(other) = method.problems.iter().find(known) {
            let what = format!("method '{}': no problem is called", method.name);
            return Err(unknown(&what, other, &problems));
        }
    }
    Ok(())
}

fn unknown(what: &str, found: &str, known: &[&str]) -> Failure {
    let hint = nearest(found, known.iter().copied())
        .map(|near| format!(" (did you mean '{near}'?)"))
        .unwrap_or_default();
    Failure::Misuse(format!(
        "{what} '{found}'{hint}; known: {}",
        known.join(", ")
    ))
}
