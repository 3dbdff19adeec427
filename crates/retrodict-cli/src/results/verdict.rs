//! Who won, and why it matters: the first sentence of a report and of what is printed.
//!
//! A sentence says only what the run measured: an error in x needs a true x, and that noise was fitted needs the loss of
//! the true x.

use crate::results::folder::{MethodSummary, ProblemFacts, RunContents};
use crate::terminal::text::{duration, number};

mod training;

pub use training::of_training;

/// Results that differ by less than this share are equal.
const EQUAL: f64 = 0.01;

/// A result below this share of the start's is negligible.
const NEGLIGIBLE: f64 = 1e-9;

/// What was measured at the start of a problem, as means over its members.
#[derive(Debug, Clone, Copy, Default)]
struct Start {
    loss: Option<f64>,
    error: Option<f64>,
}

/// A sentence for each problem on which a method was run, with the problem's name.
pub fn verdicts(contents: &RunContents) -> Vec<(&str, String)> {
    let problems = contents.manifest.problems.iter();
    let sentences = problems.filter_map(|problem| {
        let methods = contents.summary.methods.iter();
        let methods: Vec<&MethodSummary> = methods.filter(|m| m.problem == problem.name).collect();
        let mut rows = contents.rows.iter();
        let first = rows.find(|row| row.problem == problem.name && row.step == 0);
        let start = Start {
            loss: first.map(|row| row.loss),
            error: first.and_then(|row| row.x_error),
        };
        Some((problem.name.as_str(), verdict(problem, &methods, start)?))
    });
    sentences.collect()
}

/// A result, for ranking.
#[derive(Clone, Copy)]
struct Entry<'a> {
    method: &'a MethodSummary,
    value: f64,
}

fn verdict(problem: &ProblemFacts, methods: &[&MethodSummary], start: Start) -> Option<String> {
    if methods.is_empty() {
        return None;
    }
    let measured = !problem.error.is_empty() && methods.iter().all(|m| m.x_error.is_some());
    let value = |m: &MethodSummary| match measured {
        true => m.x_error.unwrap_or(f64::NAN),
        false => m.loss,
    };
    let entries = methods.iter().map(|method| Entry {
        method,
        value: value(method),
    });
    let mut entries: Vec<Entry<'_>> = entries.filter(|e| e.value.is_finite()).collect();
    entries.sort_by(|a, b| a.value.total_cmp(&b.value));
    let Some(best) = entries.first().copied() else {
        return Some("no method reached a finite loss".to_owned());
    };
    let before = match measured {
        true => start.error,
        false => start.loss,
    };
    let before = before.filter(|value| value.is_finite() && *value > 0.0);
    let quantity = match (measured, problem.count > 1) {
        (true, false) => "error",
        (true, true) => "mean error",
        (false, false) => "loss",
        (false, true) => "mean loss",
    };
    let zero = before.map_or(0.0, |before| NEGLIGIBLE * before);
    let (tied, rest): (Vec<_>, Vec<_>) = entries
        .iter()
        .copied()
        .partition(|e| e.value <= zero.max(best.value * (1.0 + EQUAL)));
    let winner = tied
        .iter()
        .copied()
        .min_by(|a, b| a.method.seconds.total_cmp(&b.method.seconds))?;
    let mut text = first_part(methods, &tied, winner, quantity, zero);
    match before {
        Some(before) if best.value >= before => text.push_str(&format!(
            "; no method lowered the {quantity} of the start, {}",
            number(before)
        )),
        _ => text.push_str(&comparison(problem, winner, &tied, &rest, measured)),
    }
    if !measured {
        text.push_str(match methods.len() {
            1 => " (the true x is unknown or not unique)",
            _ => " (the true x is unknown or not unique, so only the loss is compared)",
        });
    }
    Some(text)
}

/// `newton: lowest error, 0.0346, in 0.07 s`.
fn first_part(
    methods: &[&MethodSummary],
    tied: &[Entry<'_>],
    winner: Entry<'_>,
    quantity: &str,
    zero: f64,
) -> String {
    let (name, value) = (&winner.method.method, number(winner.value));
    let time = duration(winner.method.seconds);
    let broken = match winner.method.status {
        status if status.is_regular() => String::new(),
        status => format!(" (status: {status})"),
    };
    match tied {
        [_] if methods.len() == 1 => format!("{name}: {quantity} {value}, in {time}{broken}"),
        [_] => format!("{name}: lowest {quantity}, {value}, in {time}{broken}"),
        several => {
            let largest = several.iter().fold(0.0_f64, |v, e| v.max(e.value));
            let equal = match largest <= zero {
                true => format!(
                    "negligible (at most {}, below 1e-9 of the start)",
                    number(largest)
                ),
                false => format!("{value}, equal to within 1 %"),
            };
            let who = match several.len() == methods.len() {
                true => format!("all {} methods", several.len()),
                false => listed(several),
            };
            format!(
                "{who}: lowest {quantity}, {equal}; {name} is the fastest of them, in {time}{broken}"
            )
        }
    }
}

/// Who fits the data better and x worse; else who comes next.
fn comparison(
    problem: &ProblemFacts,
    winner: Entry<'_>,
    tied: &[Entry<'_>],
    rest: &[Entry<'_>],
    measured: bool,
) -> String {
    let Some(next) = rest.first() else {
        return String::new();
    };
    let closer = rest
        .iter()
        .filter(|e| {
            tied.iter()
                .all(|t| e.method.loss < t.method.loss * (1.0 - EQUAL))
        })
        .min_by(|a, b| a.method.loss.total_cmp(&b.method.loss));
    if let (true, Some(closer)) = (measured, closer) {
        let why = match problem.truth_loss {
            Some(truth) if closer.method.loss < truth => "fits the noise",
            _ => "finds a less accurate x",
        };
        return format!(
            "; {} fits the data better (loss {} vs. {}) but {why}: error {}",
            closer.method.method,
            number(closer.method.loss),
            number(winner.method.loss),
            number(closer.value)
        );
    }
    format!(
        "; next is {}, with {}",
        next.method.method,
        number(next.value)
    )
}

fn listed(entries: &[Entry<'_>]) -> String {
    let names = entries.iter().map(|e| e.method.method.clone());
    listed_names(&names.collect::<Vec<_>>())
}

/// `a, b and c`.
fn listed_names(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use retrodict::Counts;

    fn method(name: &str, error: Option<f64>, loss: f64, seconds: f64) -> MethodSummary {
        MethodSummary {
            method: name.into(),
            rule: name.into(),
            problem: "p".into(),
            status: retrodict::StatusKind::Converged,
            message: String::new(),
            converged: true,
            converged_count: 1,
            count: 1,
            steps: 3,
            seconds,
            loss,
            x_error: error,
            counts: Counts::default(),
            notices: Vec::new(),
            solutions: Vec::new(),
            iterates: None,
        }
    }

    fn said(error: &str, truth_loss: Option<f64>, methods: &[MethodSummary]) -> String {
        let problem = ProblemFacts {
            name: "p".into(),
            error: error.into(),
            count: 1,
            truth_loss,
            ..Default::default()
        };
        let methods: Vec<&MethodSummary> = methods.iter().collect();
        let start = Start {
            loss: Some(10.0),
            error: Some(1.0),
        };
        verdict(&problem, &methods, start).unwrap()
    }

    #[test]
    fn who_fits_the_noise_is_named_where_that_was_checked() {
        let methods = [
            method("pg", Some(0.0346), 2e-3, 0.07),
            method("lbfgs", Some(0.0391), 1e-3, 0.9),
        ];
        assert_eq!(
            said("‖x − x*‖₂", Some(1.5e-3), &methods),
            "pg: lowest error, 0.03460, in 70.0 ms; lbfgs fits the data better (loss 0.001000 vs. 0.002000) but fits \
             the noise: error 0.03910"
        );
        let without = said("‖x − x*‖₂", None, &methods);
        assert!(
            without.ends_with("but finds a less accurate x: error 0.03910"),
            "{without}"
        );
    }

    #[test]
    fn ties_are_called_ties_and_the_fastest_is_named() {
        let methods = [
            method("a", Some(3e-12), 1e-20, 0.2),
            method("b", Some(1e-13), 1e-22, 0.3),
            method("c", Some(0.5), 1.0, 0.1),
        ];
        assert_eq!(
            said("e", None, &methods),
            "b and a: lowest error, negligible (at most 3.000e-12, below 1e-9 of the start); a is the fastest of them, in 200 ms; next is \
             c, with 0.5000"
        );
    }

    #[test]
    fn without_a_true_x_only_losses_are_compared() {
        let methods = [method("a", None, 3.0, 0.2), method("b", None, 20.0, 0.3)];
        let text = said("", None, &methods);
        assert!(
            text.starts_with("a: lowest loss, 3.000, in 200 ms; next is b"),
            "{text}"
        );
        assert!(text.ends_with("so only the loss is compared)"), "{text}");
        let worse = said("", None, &[method("b", None, 20.0, 0.3)]);
        assert!(
            worse.contains("no method lowered the loss of the start, 10.00"),
            "{worse}"
        );
        assert_eq!(
            said("", None, &[method("n", None, f64::NAN, 0.3)]),
            "no method reached a finite loss"
        );
    }
}
