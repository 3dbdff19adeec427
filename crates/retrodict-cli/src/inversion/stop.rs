use std::time::Duration;

use retrodict::options::{explain, nearest};
use retrodict::{Plateau, STEPS, StopWhen};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::args::duration;
use crate::failure::{Failure, Outcome};
use crate::interrupt;

/// When an inversion ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stop {
    /// Maximum number of steps.
    pub steps: usize,
    /// At most so much time, such as "10s"; or seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Value>,
    /// χ²/N (N data).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discrepancy: Option<f64>,
    /// ‖∂L/∂x‖.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient: Option<f64>,
    /// ‖Δx‖/‖x‖.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// L.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// The relative decrease of L over the last `plateau_steps` steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plateau: Option<f64>,
    /// Over how many steps a plateau is looked for.
    pub plateau_steps: usize,
    /// The share of L below which a change of it ends the run; 0 for the last digit. By default 1e-8, or 0 beside a goal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_change: Option<f64>,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            steps: STEPS,
            time: None,
            discrepancy: None,
            gradient: None,
            step: None,
            loss: None,
            plateau: None,
            plateau_steps: 10,
            loss_change: None,
        }
    }
}

impl Stop {
    /// For the solver; Ctrl-C ends the run too.
    pub fn when(&self) -> Outcome<StopWhen> {
        Ok(StopWhen {
            steps: self.steps,
            time: self.time.as_ref().map(limit).transpose()?,
            loss_below: self.loss,
            discrepancy_below: self.discrepancy,
            gradient_below: self.gradient,
            short_step: self.step,
            plateau: self.plateau.map(|decrease| Plateau {
                steps: self.plateau_steps,
                decrease,
            }),
            loss_change: self.loss_change,
            cancel: Some(interrupt::flag()),
            ..StopWhen::default()
        })
    }

    /// Whether a goal is set, not just a limit.
    pub fn has_goal(&self) -> bool {
        let goals = [
            self.discrepancy,
            self.gradient,
            self.step,
            self.loss,
            self.plateau,
        ];
        goals.iter().any(Option::is_some) || self.loss_change.is_some_and(|share| share > 0.0)
    }
}

fn limit(value: &Value) -> Outcome<Duration> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    duration(&text).map_err(|why| Failure::Misuse(format!("stop.time = {value}: {why}")))
}

/// What `--stop` may name.
const KNOWN: [&str; 9] = [
    "discrepancy",
    "gradient",
    "step",
    "loss",
    "plateau",
    "plateau_steps",
    "loss_change",
    "time",
    "steps",
];

/// Reads `discrepancy`, `gradient=1e-6` and the like into the table of `stop`.
pub fn read(texts: &[String], into: &mut Table) -> Outcome<()> {
    for text in texts {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (text.trim(), None),
        };
        if !KNOWN.contains(&name) {
            let hint = nearest(name, KNOWN)
                .map(|near| format!(" (did you mean '{near}'?)"))
                .unwrap_or_default();
            return Err(Failure::Misuse(format!(
                "--stop {text}: unknown stop '{name}'{hint}; known: discrepancy[=1], gradient=G, \
                 step=S, loss=L, plateau=DECREASE, plateau_steps=N, \
                 loss_change=SHARE, time=10s, steps=N"
            )));
        }
        let value = match (name, value) {
            ("discrepancy", None) => Value::Float(1.0),
            ("time", Some(value)) => Value::String(value.to_owned()),
            (_, Some(value)) => number(name, value).ok_or_else(|| {
                Failure::Misuse(format!("--stop {text}: '{value}' is not a number"))
            })?,
            (_, None) => {
                return Err(Failure::Misuse(format!(
                    "--stop {text}: it needs a value, as in --stop {name}={}",
                    if name == "time" { "10s" } else { "1e-6" }
                )));
            }
        };
        into.insert(name.to_owned(), value);
    }
    // What the numbers may be is for the table to say.
    let checked: Result<Stop, toml::de::Error> = into.clone().try_into();
    checked
        .map(|_| ())
        .map_err(|e| Failure::Misuse(format!("--stop: {}", explain(&e.to_string()))))
}

fn number(name: &str, text: &str) -> Option<Value> {
    if name.ends_with("steps") {
        return text.parse().ok().map(Value::Integer);
    }
    text.parse().ok().map(Value::Float)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn table(texts: &[&str]) -> Outcome<Table> {
        let texts: Vec<String> = texts.iter().map(|t| (*t).to_owned()).collect();
        let mut table = Table::new();
        read(&texts, &mut table).map(|()| table)
    }

    #[test]
    fn stops_are_read_from_flags() {
        let read = table(&["discrepancy", "gradient=1e-6", "time=500ms", "steps=7"]).unwrap();
        let stop: Stop = read.try_into().unwrap();
        let when = stop.when().unwrap();
        assert_eq!(
            (when.steps, when.time),
            (7, Some(Duration::from_millis(500)))
        );
        assert_eq!(when.discrepancy_below, Some(1.0));
        assert_eq!(when.gradient_below, Some(1e-6));
        assert!(stop.has_goal() && !Stop::default().has_goal());
        let digits: Stop = table(&["loss_change=0"]).unwrap().try_into().unwrap();
        assert_eq!(digits.when().unwrap().loss_change, Some(0.0));
        assert!(!digits.has_goal(), "the last digit is no goal of its own");
        for (wrong, hint) in [
            ("discrepency", "did you mean 'discrepancy'"),
            ("gradient", "as in --stop gradient=1e-6"),
            ("loss=low", "'low' is not a number"),
            ("steps=-1", "whole number of 0 or more"),
        ] {
            let message = table(&[wrong]).unwrap_err().to_string();
            assert!(message.contains(hint), "{message}");
        }
        let late = Stop {
            time: Some(Value::String("soon".to_owned())),
            ..Stop::default()
        };
        assert!(late.when().unwrap_err().to_string().contains("stop.time"));
    }
}
