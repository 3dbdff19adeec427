//! How the methods ended, for people.

use super::folder::{Contents, MethodOutcome};
use crate::terminal::text::{aligned, duration};

/// A line for each method; with several seeds the mean and the spread.
pub fn results(contents: &Contents) -> String {
    let known = contents.lines.iter().any(|l| l.x_half_square.is_some());
    let mut lines = vec![
        [
            "method",
            "strategy",
            "rule",
            "batch",
            "status",
            "epochs",
            "steps",
            "time",
            "per step",
            "network",
            "physics",
            "inversion",
            "train loss",
            "test loss",
            "½‖x−x*‖²",
            "‖x−x*‖",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for method in &contents.manifest.methods {
        let all: Vec<&MethodOutcome> = contents
            .outcomes
            .iter()
            .filter(|o| o.method == *method)
            .collect();
        let Some(first) = all.first() else { continue };
        let mean = |pick: &dyn Fn(&MethodOutcome) -> f64| {
            all.iter().map(|o| pick(o)).sum::<f64>() / all.len() as f64
        };
        let share = |i: usize| format!("{:.0} %", 100.0 * mean(&|o| o.shares[i]));
        let at_end = |pick: fn(&super::Line) -> Option<f64>| {
            let each = all.iter().filter_map(|o| last(contents, o).and_then(pick));
            spread(&each.collect::<Vec<_>>())
        };
        lines.push(vec![
            method.clone(),
            first.strategy.clone(),
            first.rule.clone(),
            first.batch.to_string(),
            first.status.to_string(),
            first.epochs.to_string(),
            first.steps.to_string(),
            duration(mean(&|o| o.seconds)),
            duration(mean(&|o| o.seconds / o.steps.max(1) as f64)),
            share(0),
            share(1),
            share(2),
            at_end(|l| l.train_loss.or(l.running_loss)),
            at_end(|l| l.test_loss),
            at_end(|l| l.x_half_square),
            at_end(|l| l.x_distance),
        ]);
    }
    if !known {
        lines
            .iter_mut()
            .for_each(|line| line.truncate(line.len() - 2));
    }
    aligned(&lines, 3)
}

/// The last epoch of a method and seed.
pub fn last<'a>(contents: &'a Contents, of: &MethodOutcome) -> Option<&'a super::Line> {
    let own = |l: &&super::Line| l.method == of.method && l.seed == of.seed;
    contents.lines.iter().rfind(own)
}

/// Mean ± standard deviation, or the one value.
fn spread(values: &[f64]) -> String {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    match values {
        [] => String::new(),
        [one] => format!("{one:.3e}"),
        several => {
            let squares: f64 = several.iter().map(|v| (v - mean) * (v - mean)).sum();
            format!("{mean:.2e} ± {:.0e}", (squares / (n - 1.0)).sqrt())
        }
    }
}

/// What the table cannot say: which engine was used, what went wrong, steps that were taken back, saturated layers.
pub fn remarks(contents: &Contents) -> Vec<String> {
    let mut remarks = Vec::new();
    for o in &contents.outcomes {
        let who = if contents.manifest.seeds > 1 {
            format!("{} · seed {}", o.method, o.seed)
        } else {
            o.method.clone()
        };
        // The same for all seeds.
        if let Some(engine) = o.engine.as_ref().filter(|_| o.seed == 0) {
            remarks.push(format!("{}: {}: {engine}", o.method, o.rule));
        }
        if let Some(search) = o.search.as_ref().filter(|_| o.seed == 0) {
            remarks.push(format!("{}: {} with the search {search}", o.method, o.rule));
        }
        if !o.status.is_regular() {
            remarks.push(format!("{who}: {}: {}", o.status, o.message));
        }
        if o.rollbacks > 0 {
            remarks.push(format!(
                "{who}: {} steps increased the loss sharply and were shortened or rejected",
                o.rollbacks
            ));
        }
        for (notice, count) in &o.notices {
            remarks.push(format!("{who}: {notice} ({count} times)"));
        }
        if let Some(first_error) = &o.first_error {
            remarks.push(format!("{who}: first caused by: {first_error}"));
        }
        for layer in o.diagnosis.saturated() {
            remarks.push(format!(
                "{who}: the layer {} is saturated: at {:.0} % of its values the slope of the activation is almost \
                 zero",
                layer.name,
                100.0 * layer.saturated
            ));
        }
    }
    remarks
}
