//! Whether outcomes are what the methods' `expect` says: `train --check`.

use retrodict::spec::{TrainingExpectation, TrainingMethodSpec, TrainingSpec};
use serde::Serialize;

use super::diagnosis::SATURATED;
use super::folder::{Contents, Line, MethodOutcome};
use crate::terminal::text::number;

/// An expectation of a method, compared with what its seeds did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// The method.
    pub method: String,
    /// What is expected, in words.
    pub expected: String,
    /// How many seeds meet it.
    pub met: usize,
    /// How many seeds there are.
    pub of: usize,
    /// How many must meet it.
    pub needed: usize,
    /// What was found instead, for each seed that does not meet it.
    pub found: Vec<String>,
}

impl Checked {
    /// Whether enough seeds meet it.
    pub fn is_met(&self) -> bool {
        self.met >= self.needed
    }

    /// A line that says so.
    pub fn told(&self) -> String {
        let word = if self.is_met() { "met    " } else { "NOT MET" };
        let Self {
            method,
            expected,
            met,
            of,
            needed,
            ..
        } = self;
        let seeds = match (of, needed == of) {
            (1, _) => "1 seed".to_owned(),
            (_, true) => format!("{met} of {of} seeds"),
            (_, false) => format!("{met} of {of} seeds, {needed} needed"),
        };
        let found = match self.found.as_slice() {
            [] => String::new(),
            all => format!("; found {}", all.join(", ")),
        };
        format!("{word}  {method}, {expected} ({seeds}){found}")
    }
}

/// Every expectation of every method.
pub fn check(plan: &TrainingSpec, contents: &Contents) -> Vec<Checked> {
    let methods = plan.methods.iter();
    let all = methods.flat_map(|m| m.expect.iter().map(move |e| (m, e)));
    all.map(|(method, expected)| one(method, expected, contents))
        .collect()
}

fn one(
    method: &TrainingMethodSpec,
    expected: &TrainingExpectation,
    contents: &Contents,
) -> Checked {
    let seeds = contents.manifest.seeds.max(1);
    let mut found = Vec::new();
    for seed in 0..seeds {
        let outcome = contents
            .of(&method.name)
            .into_iter()
            .find(|o| o.seed == seed);
        let instead = match outcome {
            None => vec!["no outcome".to_owned()],
            Some(outcome) => complaints(expected, outcome, contents),
        };
        if !instead.is_empty() {
            let which = if seeds > 1 {
                format!(" (seed {seed})")
            } else {
                String::new()
            };
            found.push(format!("{}{which}", instead.join(" and ")));
        }
    }
    let of = seeds as usize;
    Checked {
        method: method.name.clone(),
        expected: worded(expected),
        met: of - found.len(),
        of,
        // Not one more for the round-off of a share such as 0.7 of 10.
        needed: ((expected.share * of as f64 - 1e-9).ceil() as usize).clamp(1, of),
        found,
    }
}

/// A quantity, its column, what it must not exceed and what it must reach.
type Limit = (
    &'static str,
    fn(&Line) -> Option<f64>,
    Option<f64>,
    Option<f64>,
);

fn limits(e: &TrainingExpectation) -> [Limit; 4] {
    [
        ("train loss", |l| l.train_loss, e.train_below, e.train_above),
        ("test loss", |l| l.test_loss, e.test_below, e.test_above),
        ("½‖x−x*‖²", |l| l.x_half_square, e.x_below, e.x_above),
        (
            "‖x−x*‖",
            |l| l.x_distance,
            e.distance_below,
            e.distance_above,
        ),
    ]
}

fn worded(e: &TrainingExpectation) -> String {
    let mut parts = Vec::new();
    for (name, _, below, above) in limits(e) {
        parts.extend(below.map(|v| format!("{name} at most {}", number(v))));
        parts.extend(above.map(|v| format!("{name} at least {}", number(v))));
    }
    parts.extend(
        e.saturated
            .as_ref()
            .map(|layer| format!("{layer} saturated")),
    );
    parts.extend(e.status.map(|status| format!("{status} by then")));
    format!("epoch {}: {}", e.epoch, parts.join(" and "))
}

/// What is not as expected of a seed; nothing if all is.
fn complaints(
    e: &TrainingExpectation,
    outcome: &MethodOutcome,
    contents: &Contents,
) -> Vec<String> {
    let mut own = contents.lines.iter();
    let line =
        own.find(|l| l.method == outcome.method && l.seed == outcome.seed && l.epoch == e.epoch);
    let mut found = Vec::new();
    for (name, value, below, above) in limits(e) {
        if below.is_none() && above.is_none() {
            continue;
        }
        let Some(line) = line else {
            found.push(format!(
                "{} after {} epochs",
                outcome.status, outcome.epochs
            ));
            break;
        };
        // A loss that is not finite lies above every limit.
        let value = value(line).unwrap_or(f64::INFINITY);
        if below.is_some_and(|limit| value > limit) || above.is_some_and(|limit| value < limit) {
            found.push(match value.is_finite() {
                true => number(value),
                false => format!("no finite {name}"),
            });
        }
    }
    if let Some(layer) = &e.saturated {
        let looks = outcome.diagnosis.activity.iter();
        let look = looks.rev().find(|(epoch, _)| *epoch == e.epoch);
        let share = look.and_then(|(_, layers)| layers.iter().find(|l| l.name == *layer));
        match share {
            Some(layer) if layer.saturated > SATURATED => {}
            Some(layer) => found.push(format!("{:.0} % saturated", 100.0 * layer.saturated)),
            None => found.push(format!("no look at {layer} after that epoch")),
        }
    }
    if let Some(status) = e.status
        && (outcome.status != status || outcome.epochs > e.epoch)
    {
        found.push(format!(
            "{} after {} epochs",
            outcome.status, outcome.epochs
        ));
    }
    found
}
