use retrodict::options::nearest;
use retrodict::weight::{Choice, Point};
use retrodict::{Counts, Problem};
use serde::{Deserialize, Serialize};
use toml::Value;

use crate::failure::{Failure, Outcome};

/// The weight of a prior: as given, or chosen from the data by a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weight {
    /// A number.
    Told(f64),
    /// By a rule.
    By(Choice),
}

/// The rules by their names; the last is short for another.
const RULES: [(&str, Choice); 5] = [
    ("auto", Choice::Automatic),
    ("discrepancy", Choice::Discrepancy),
    ("cross-validation", Choice::CrossValidation),
    ("l-curve", Choice::LCurve),
    ("gcv", Choice::CrossValidation),
];

/// A rule's name.
pub fn name(choice: Choice) -> &'static str {
    let known = RULES.iter().find(|(_, rule)| *rule == choice);
    known.map_or("", |(name, _)| name)
}

impl Weight {
    /// From what a file or a flag says; nothing said means 1.
    pub fn read(prior: &str, value: Option<Value>) -> Outcome<Self> {
        let misuse = |found: &str, hint: String| {
            Failure::Misuse(format!(
                "prior {prior}: weight = {found}: it must be a number of 0 or greater, or a rule: auto, discrepancy, \
                 cross-validation (gcv) or l-curve{hint}"
            ))
        };
        match value {
            None => Ok(Self::Told(1.0)),
            Some(Value::Float(weight)) => Ok(Self::Told(weight)),
            Some(Value::Integer(weight)) => Ok(Self::Told(weight as f64)),
            Some(Value::String(rule)) => {
                let known = RULES.iter().find(|(name, _)| *name == rule);
                known.map(|(_, choice)| Self::By(*choice)).ok_or_else(|| {
                    let near = nearest(&rule, RULES.iter().map(|(name, _)| *name));
                    let hint = near.map(|near| format!(" (did you mean '{near}'?)"));
                    misuse(&format!("\"{rule}\""), hint.unwrap_or_default())
                })
            }
            Some(other) => Err(misuse(&other.to_string(), String::new())),
        }
    }
}

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
    pub curve: Vec<Point>,
    /// Evaluations of the simulator.
    pub counts: Counts,
}

/// Points of the curve that are kept: enough for a smooth line.
const KEPT: usize = 60;

impl Chosen {
    /// Chooses the weight of the one prior of a problem, solving it from a start on the way; `see` is told how many
    /// weights were tried.
    pub fn choose(
        choice: Choice,
        problem: &Problem,
        start: &[f64],
        see: &dyn Fn(usize),
    ) -> Outcome<Self> {
        let prior = problem.priors().first().map_or("", |term| term.block.name);
        let chosen = choice.weight_observed(problem, start, see).map_err(|e| {
            Failure::from(e).within(&format!("prior {prior}: weight = \"{}\"", name(choice)))
        })?;
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_numbers_or_rules() {
        let read = |value: &str| {
            let table: toml::Table = format!("weight = {value}").parse().unwrap();
            Weight::read("tikhonov", table.get("weight").cloned())
        };
        assert_eq!(read("2").unwrap(), Weight::Told(2.0));
        assert_eq!(Weight::read("tikhonov", None).unwrap(), Weight::Told(1.0));
        assert_eq!(read("'gcv'").unwrap(), Weight::By(Choice::CrossValidation));
        for (rule, choice) in &RULES[..4] {
            assert_eq!(read(&format!("'{rule}'")).unwrap(), Weight::By(*choice));
            assert_eq!(name(*choice), *rule);
        }
        let message = read("'discrepency'").unwrap_err().to_string();
        assert!(message.contains("did you mean 'discrepancy'"), "{message}");
        for wrong in ["true", "'much'", "[1]"] {
            let message = read(wrong).unwrap_err().to_string();
            assert!(
                message.contains("prior tikhonov") && message.contains("l-curve"),
                "{message}"
            );
        }
    }
}
