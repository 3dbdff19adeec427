//! Where a training stands, and which method is best: by the medians over the seeds, where a sign test bears it out.

use super::{EQUAL, listed_names};
use crate::results::quartiles::Quartiles;
use crate::results::sign_test::{FEWEST, SignTest};
use crate::terminal::text::{duration, number};
use crate::training::{Contents, Judged, Standing, standings};

/// Status and winner, in a sentence.
pub fn of_training(contents: &Contents) -> String {
    let state = state(contents);
    let mut ranked: Vec<(Standing, Quartiles)> = standings(contents)
        .into_iter()
        .filter_map(|s| s.judged.map(|q| (s, q)))
        .filter(|(_, q)| q.median.is_finite())
        .collect();
    ranked.sort_by(|a, b| a.1.median.total_cmp(&b.1.median));
    let winner = match ranked.first() {
        None => "no method has a finite loss".to_owned(),
        Some(_) if contents.manifest.seeds > 1 => over_seeds(contents, &ranked),
        Some(_) => with_one_seed(contents, &ranked),
    };
    format!("{state}: {winner}")
}

/// Whether all is done; else what is not.
fn state(contents: &Contents) -> String {
    let manifest = &contents.manifest;
    let failed: Vec<String> = manifest
        .methods
        .iter()
        .filter_map(|method| {
            let seeds = contents.failed_seeds(method);
            match (seeds, manifest.seeds) {
                (0, _) => None,
                (_, 0 | 1) => Some(method.clone()),
                (seeds, of) => Some(format!("{method} ({seeds} of {of} seeds)")),
            }
        })
        .collect();
    let failed = match failed.as_slice() {
        [] => String::new(),
        names => format!(", {} failed", listed_names(names)),
    };
    let all = manifest.methods.len() as u64 * manifest.seeds.max(1);
    let left = contents.unfinished().len() as u64;
    match (manifest.interrupted, left) {
        (_, 0) => format!("finished{failed}"),
        (true, left) => format!("interrupted, {} of {all} runs are done{failed}", all - left),
        (false, left) => format!(
            "not finished, {} of {all} runs are done{failed}",
            all - left
        ),
    }
}

fn with_one_seed(contents: &Contents, ranked: &[(Standing, Quartiles)]) -> String {
    let quantity = Judged::of(contents).name();
    let [(best, lowest), rest @ ..] = ranked else {
        return String::new();
    };
    let (name, time) = (&best.method, duration(best.seconds));
    let loss = number(lowest.median);
    let Some((next, second)) = rest.first() else {
        return format!("{name} has a {quantity} of {loss} with one seed, after {time} of steps");
    };
    let (other, second) = (&next.method, second.median);
    let why = match second - lowest.median <= EQUAL * lowest.median.abs() {
        true => format!(
            "{other} is as good: {}, the difference is within 1 %",
            number(second)
        ),
        false => format!(
            "next is {other}, with {} ({} times as much) after {}",
            number(second),
            ratio(second / lowest.median),
            duration(next.seconds)
        ),
    };
    format!("{name} has the lowest {quantity} with one seed, {loss}, after {time} of steps; {why}")
}

fn over_seeds(contents: &Contents, ranked: &[(Standing, Quartiles)]) -> String {
    let quantity = Judged::of(contents).name();
    let [(best, q), rest @ ..] = ranked else {
        return String::new();
    };
    let spread = format!(
        "{} over {} seeds (quartiles {} and {}, worst {}), after {} of steps",
        number(q.median),
        q.count,
        number(q.lower),
        number(q.upper),
        number(q.worst),
        duration(best.seconds)
    );
    let name = &best.method;
    let Some((next, second)) = rest.first() else {
        return format!("{name} has a median {quantity} of {spread}");
    };
    let tests: Vec<(&Standing, &Quartiles, SignTest)> = rest
        .iter()
        .map(|(other, q)| (other, q, test(contents, name, &other.method)))
        .collect();
    let unclear: Vec<_> = tests
        .iter()
        .filter(|(_, _, test)| !test.is_clear())
        .collect();
    let Some((other, second_loss, test)) = unclear.first() else {
        let test = tests
            .first()
            .map_or(SignTest { lower: 0, of: 0 }, |(_, _, test)| *test);
        return format!(
            "{name} is best, with a median {quantity} of {spread}; it is lower than the next, {} ({}), on {}",
            next.method,
            number(second.median),
            counted(test)
        );
    };
    if test.lower == test.of && (1..FEWEST).contains(&test.of) {
        return format!(
            "{name} has the lowest median {quantity}, {spread}; it is lower than {} ({}) on all of {} seeds, which are \
             too few for a test (at least {FEWEST})",
            other.method,
            number(second_loss.median),
            test.of
        );
    }
    let same: Vec<String> = std::iter::once(name.clone())
        .chain(unclear.iter().map(|(other, _, _)| other.method.clone()))
        .collect();
    format!(
        "no clear difference between {}; {name} has the lowest median {quantity}, {spread}, but is lower than {} ({}) on \
         {}",
        listed_names(&same),
        other.method,
        number(second_loss.median),
        counted(*test)
    )
}

fn counted(test: SignTest) -> String {
    let SignTest { lower, of } = test;
    format!("{lower} of {of} seeds (sign test, p = {})", short(test.p()))
}

/// The losses of two methods, seed by seed.
fn test(contents: &Contents, first: &str, second: &str) -> SignTest {
    let loss = |method: &str, seed: u64| {
        let own = contents.of(method);
        own.iter().find(|o| o.seed == seed).map(|o| o.loss)
    };
    let seeds = 0..contents.manifest.seeds;
    SignTest::of(seeds.filter_map(|seed| Some((loss(first, seed)?, loss(second, seed)?))))
}

/// A probability with two digits.
fn short(p: f64) -> String {
    match p {
        p if p < 1e-3 => format!("{p:.0e}"),
        p if p < 0.1 => format!("{p:.3}"),
        p => format!("{p:.2}"),
    }
}

fn ratio(value: f64) -> String {
    match value {
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 1e4 => format!("{v:.0}"),
        v => format!("{v:.1e}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::training::{MethodFailure, MethodOutcome};
    use serde_json::json;

    fn contents(seeds: u64, losses: &[(&str, &[f64])]) -> Contents {
        let mut contents = Contents::default();
        contents.manifest.seeds = seeds;
        for (method, losses) in losses {
            contents.manifest.methods.push((*method).to_owned());
            for (seed, loss) in losses.iter().enumerate() {
                let outcome: MethodOutcome = serde_json::from_value(json!({
                    "method": method, "seed": seed, "strategy": "s", "rule": "r", "batch": 1, "parameters": 1,
                    "status": "step-limit", "message": "", "steps": 10, "epochs": 1, "seconds": 2.0,
                    "shares": [1.0, 0.0, 0.0], "loss": loss, "rollbacks": 0, "truncation": null,
                    "diagnosis": { "spectra": [], "activity": [] },
                }))
                .unwrap();
                contents.outcomes.push(outcome);
            }
        }
        contents
    }

    #[test]
    fn one_seed_is_called_one_seed() {
        let said = of_training(&contents(1, &[("a", &[2.0]), ("b", &[1.0])]));
        assert_eq!(
            said,
            "finished: b has the lowest loss of the steps with one seed, 1.000, after 2.00 s of steps; next is a, with \
             2.000 (2.00 times as much) after 2.00 s"
        );
    }

    #[test]
    fn best_is_said_only_where_the_seeds_bear_it_out() {
        let low = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 90.0];
        let mid = [3.0, 4.0, 3.0, 4.0, 3.0, 4.0, 3.0, 99.0];
        let said = of_training(&contents(8, &[("mid", &mid), ("low", &low)]));
        assert!(said.contains("low is best, with a median"), "{said}");
        assert!(said.contains("worst 90.00)"), "{said}");
        assert!(
            said.ends_with("on 8 of 8 seeds (sign test, p = 0.008)"),
            "{said}"
        );
        // Two seeds the other way: the medians stay, the claim does not.
        let mut mixed = mid;
        (mixed[0], mixed[1]) = (0.5, 0.5);
        let said = of_training(&contents(8, &[("mixed", &mixed), ("low", &low)]));
        assert!(
            said.contains("no clear difference between low and mixed"),
            "{said}"
        );
        assert!(
            said.ends_with("on 6 of 8 seeds (sign test, p = 0.29)"),
            "{said}"
        );
        let said = of_training(&contents(3, &[("mid", &mid[..3]), ("low", &low[..3])]));
        assert!(
            said.contains("on all of 3 seeds, which are too few for a test (at least 6)"),
            "{said}"
        );
    }

    #[test]
    fn what_failed_or_is_left_stands_first() {
        let mut half = contents(2, &[("a", &[2.0, 1.0]), ("b", &[1.0])]);
        let said = of_training(&half);
        assert!(
            said.starts_with("not finished, 3 of 4 runs are done: "),
            "{said}"
        );
        half.manifest.failures.push(MethodFailure {
            method: "b".into(),
            seed: 1,
            message: "no".into(),
        });
        let said = of_training(&half);
        assert!(
            said.starts_with("finished, b (1 of 2 seeds) failed: "),
            "{said}"
        );
    }
}
