//! The command lines and experiments that the book and the README show are valid.

use clap::Parser;

use crate::args::Arguments;
use crate::experiment::Experiment;

const PAGES: [(&str, &str); 8] = [
    ("README.md", include_str!("../../../README.md")),
    ("start.md", include_str!("../../../docs/src/start.md")),
    ("choose.md", include_str!("../../../docs/src/choose.md")),
    (
        "experiments.md",
        include_str!("../../../docs/src/experiments.md"),
    ),
    (
        "local-inverses.md",
        include_str!("../../../docs/src/local-inverses.md"),
    ),
    ("training.md", include_str!("../../../docs/src/training.md")),
    (
        "residuals.md",
        include_str!("../../../docs/src/residuals.md"),
    ),
    (
        "heat-inverse.md",
        include_str!("../../../docs/src/heat-inverse.md"),
    ),
];

/// The blocks of a page in a language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    page.split(&opening)
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

#[test]
fn every_command_line_is_understood() {
    let mut seen = 0;
    for (name, page) in PAGES {
        for line in blocks(page, "sh").into_iter().flat_map(str::lines) {
            let line = line.split(" #").next().unwrap_or(line).trim();
            let line = line.replace("cargo run --release -- ", "retrodict ");
            if !line.starts_with("retrodict ") {
                continue;
            }
            seen += 1;
            let words = line.split_whitespace();
            assert!(Arguments::try_parse_from(words).is_ok(), "{name}: {line}");
        }
    }
    assert!(seen >= 8, "only {seen} command lines were found");
}

#[test]
fn every_experiment_is_valid() {
    let mut seen = 0;
    for (name, page) in PAGES {
        for block in blocks(page, "toml") {
            let read: Result<Experiment, _> = toml::from_str(block);
            assert!(read.is_ok(), "{name}: {read:?}");
            seen += 1;
        }
    }
    assert!(seen > 0);
}
