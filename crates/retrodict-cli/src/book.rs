//! The command lines and experiments that the book and the README show are valid.

use clap::Parser;

use crate::args::Arguments;
use crate::batch::Batch;
use retrodict::spec::{ExperimentSpec, InversionSpec, TrainingSpec};

const PAGES: [(&str, &str); 14] = [
    ("README.md", include_str!("../../../README.md")),
    ("start.md", include_str!("../../../docs/src/start.md")),
    ("choose.md", include_str!("../../../docs/src/choose.md")),
    (
        "your-data.md",
        include_str!("../../../docs/src/your-data.md"),
    ),
    ("batches.md", include_str!("../../../docs/src/batches.md")),
    (
        "uncertainty.md",
        include_str!("../../../docs/src/uncertainty.md"),
    ),
    ("weights.md", include_str!("../../../docs/src/weights.md")),
    (
        "experiments.md",
        include_str!("../../../docs/src/experiments.md"),
    ),
    (
        "local-inverses.md",
        include_str!("../../../docs/src/local-inverses.md"),
    ),
    (
        "your-simulator.md",
        include_str!("../../../docs/src/your-simulator.md"),
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
    (
        "parameters.md",
        include_str!("../../../docs/src/parameters.md"),
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

/// The words of a line; what stands in quotes is one.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().into_iter().for_each(|word| word.push(c)),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_line_is_understood() {
    let mut seen = 0;
    for (name, page) in PAGES {
        let shell = blocks(page, "sh").join("\n").replace("\\\n", " ");
        for line in shell.lines() {
            let line = line.split(" #").next().unwrap_or(line).trim();
            let line = line.replace("cargo run --release -- ", "retrodict ");
            if !line.starts_with("retrodict ") {
                continue;
            }
            seen += 1;
            assert!(
                Arguments::try_parse_from(words(&line)).is_ok(),
                "{name}: {line}"
            );
        }
    }
    assert!(seen >= 8, "only {seen} command lines were found");
}

#[test]
fn every_experiment_is_valid() {
    let mut seen = 0;
    for (name, page) in PAGES {
        for block in blocks(page, "toml") {
            let read: Result<ExperimentSpec, _> = toml::from_str(block);
            assert!(read.is_ok(), "{name}: {read:?}");
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn every_training_is_valid() {
    let mut seen = 0;
    for (name, page) in PAGES {
        for block in blocks(page, "toml,training") {
            let read = TrainingSpec::from_toml(name, block).and_then(|spec| spec.check());
            assert!(read.is_ok(), "{name}: {read:?}");
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn every_inversion_is_valid() {
    let mut seen = 0;
    for (name, page) in PAGES {
        for block in blocks(page, "toml,inversion") {
            let read: Result<InversionSpec, _> = toml::from_str(block);
            assert!(read.is_ok(), "{name}: {read:?}");
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
#[allow(clippy::unwrap_used)]
fn every_batch_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let inversion = blocks(PAGES[4].1, "toml,inversion")[0];
    std::fs::write(folder.path().join("pelts.toml"), inversion).unwrap();
    let counts: Vec<usize> = PAGES
        .iter()
        .flat_map(|(_, page)| blocks(page, "toml,batch"))
        .map(|block| {
            let path = folder.path().join("batch.toml");
            std::fs::write(&path, block).unwrap();
            Batch::load(&path).unwrap().points.len()
        })
        .collect();
    assert_eq!(counts, [16, 200]);
}

/// The page that the keys of all descriptions are listed on is `retrodict list descriptions --markdown`; a page that is out
/// of date is written anew if RETRODICT_WRITE is set.
#[test]
#[allow(clippy::unwrap_used)]
fn the_reference_of_descriptions_is_up_to_date() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference.md");
    let items = crate::catalogue::section("descriptions").unwrap();
    let sections: Vec<String> = items.iter().map(crate::catalogue::markdown).collect();
    let page = format!("{REFERENCE}{}\n", sections.concat().trim_end());
    if std::env::var_os("RETRODICT_WRITE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/src/reference.md is out of date: run RETRODICT_WRITE=1 cargo test -p retrodict-cli reference"
    );
}

/// How that page begins.
const REFERENCE: &str = "# Keys of descriptions

What may be in the file of an inversion, an experiment or a training, and in the dictionaries of Python. Each table is also
`retrodict list NAME`, with a JSON schema by `--json`; options of simulators, rules and the like are `retrodict list` of
their names.

";
