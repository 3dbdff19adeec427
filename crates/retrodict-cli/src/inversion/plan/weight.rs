//! The weight of a prior that a rule chose from the data.

use retrodict::uncertainty::weight::{Choice, WeightPoint};
use retrodict::{Counts, Problem};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Outcome};

/// The weight that a rule chose for a field, and what it was weighed against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// The prior.
    pub prior: String,
    /// The rule.
    pub rule: Choice,
    /// The weight.
    pub weight: f64,
    /// What speaks against it, in words.
    // Never left out: a checkpoint knows fields by their place.
    #[serde(default)]
    pub doubt: Option<String>,
    /// The rules that were tried before, and what spoke against their weights.
    #[serde(default)]
    pub passed: Vec<(Choice, String)>,
    /// Whether it settled.
    pub settled: bool,
    /// How often the problem was linearised for it.
    pub rounds: usize,
    /// ‖W (P(x) − y*)‖² of the data there.
    pub misfit: f64,
    /// How many of the data the solution uses up.
    pub freedom: f64,
    /// Misfit and prior over the weight; evenly thinned.
    pub curve: Vec<WeightPoint>,
    /// Evaluations of the simulator.
    pub counts: Counts,
}

/// Points of the curve that are kept: enough for a smooth line.
const KEPT: usize = 60;

fn refused(choice: Choice, prior: &str, why: retrodict::Error) -> Failure {
    Failure::from(why).within(&format!("prior {prior}: weight = \"{}\"", choice.name()))
}

impl Chosen {
    /// Checks that a weight can be chosen for a problem, as far as that can be known before.
    pub fn check(choice: Choice, problem: &Problem, start: &[f64]) -> Outcome<()> {
        let prior = problem.priors().first().map_or("", |term| term.block.name);
        let checked = choice.check(problem, start);
        checked.map_err(|e| refused(choice, prior, e))
    }

    /// Chooses the weight of the one prior of a problem, solving it from a start on the way; `see` is told how many
    /// weights were tried.
    pub fn choose(
        choice: Choice,
        problem: &Problem,
        start: &[f64],
        see: &dyn Fn(usize),
    ) -> Outcome<Self> {
        let prior = problem.priors().first().map_or("", |term| term.block.name);
        let chosen = choice.weight_observed(problem, start, see);
        let chosen = chosen.map_err(|e| refused(choice, prior, e))?;
        let stride = chosen.curve.len().div_ceil(KEPT).max(1);
        Ok(Self {
            prior: prior.to_owned(),
            rule: chosen.rule,
            weight: chosen.weight,
            doubt: chosen.doubt.map(|doubt| doubt.to_string()),
            passed: chosen
                .passed
                .iter()
                .map(|(rule, doubt)| (*rule, doubt.to_string()))
                .collect(),
            settled: chosen.settled,
            rounds: chosen.rounds,
            misfit: chosen.misfit,
            freedom: chosen.freedom,
            curve: chosen.curve.into_iter().step_by(stride).collect(),
            counts: chosen.counts,
        })
    }
}
