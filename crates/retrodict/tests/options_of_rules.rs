//! What a rule, a loss, a prior, a search or a local inverse cannot be made of is refused by name, from every door.

use retrodict::Result;
use retrodict::inverse::PathIntegralOptions;
use retrodict::losses::{Covariance, HuberOptions, Weighted};
use retrodict::prelude::*;
use retrodict::registry::{Entry, INVERSES, LOSSES, List, PRIORS, RULES, SEARCHES};
use retrodict::updates::{
    Adam, AdamOptions, GradientDescent, HalfInverseOptions, InverseSimulator,
    LimitedMemoryBfgsOptions,
};
use toml::{Table, Value};

/// The message of an error, or nothing.
fn refused<T>(built: Result<T>) -> String {
    built
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

fn with(key: &str, value: impl Into<Value>) -> Table {
    [(key.to_owned(), value.into())].into_iter().collect()
}

/// Every number refuses what is none, and says its name; the defaults are allowed.
fn numbers_are_checked<T>(list: &List<T>) -> usize {
    let mut seen = 0;
    let check = |entry: &Entry<T>, seen: &mut usize| {
        assert!(entry.build(&Table::new()).is_ok(), "{}", entry.name);
        for setting in entry.settings() {
            if setting
                .default
                .as_ref()
                .is_some_and(serde_json::Value::is_f64)
            {
                let message = refused(entry.build(&with(&setting.key, f64::NAN)));
                assert!(
                    message.starts_with(&setting.key),
                    "{}: {message}",
                    entry.name
                );
                *seen += 1;
            }
        }
    };
    list.entries
        .iter()
        .for_each(|entry| check(entry, &mut seen));
    seen
}

#[test]
fn every_number_of_every_entry_is_checked() {
    assert!(numbers_are_checked(&RULES) > 25);
    assert!(numbers_are_checked(&LOSSES) > 3);
    assert!(numbers_are_checked(&PRIORS) > 5);
    assert!(numbers_are_checked(&INVERSES) > 5);
    assert_eq!(numbers_are_checked(&SEARCHES), 3);
}

#[test]
fn what_rust_builds_is_checked_as_what_a_file_names() {
    for (message, key) in [
        (refused(Adam::new(-0.1)), "learning_rate = -0.1"),
        (refused(GradientDescent::new(0.0)), "learning_rate = 0"),
        (
            refused(InverseSimulator::new(f64::NAN)),
            "learning_rate = NaN",
        ),
        (
            refused(AdamOptions::default().with_beta1(1.0).build()),
            "beta1 = 1",
        ),
        (
            refused(HalfInverseOptions::default().with_kappa(7.0).build()),
            "kappa = 7",
        ),
        (
            refused(LimitedMemoryBfgsOptions::default().with_memory(0).build()),
            "memory = 0",
        ),
        (
            refused(HuberOptions::default().with_delta(-1.0).build()),
            "delta = -1",
        ),
        (refused(Weighted::half([1.0, 0.0])), "deviations[1] = 0"),
        (
            refused(Covariance::new(vec![vec![1.0, 2.0], vec![2.0, 1.0]], true)),
            "covariance = a 2 × 2 matrix",
        ),
        (
            refused(PathIntegralOptions::default().with_tolerance(2.0).build()),
            "tolerance = 2",
        ),
    ] {
        let start = format!("{key} is not allowed: ");
        assert!(
            message.starts_with(&start),
            "'{message}' instead of '{start}…'"
        );
    }
}

#[test]
fn what_was_built_keeps_its_options_and_its_memory_to_itself() {
    let options = AdamOptions::default().with_learning_rate(0.5);
    let adam = options.clone().build().unwrap();
    assert_eq!(*adam.options(), options);
    // Another rate is another rule, which begins without a memory.
    let other = adam
        .options()
        .clone()
        .with_learning_rate(0.25)
        .build()
        .unwrap();
    assert_eq!(other.options().learning_rate, 0.25);
    assert_eq!(adam.options().learning_rate, 0.5);
}
