//! What the built-in training experiments say must come out, through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use crate::binary::{fail, run, succeed};
use retrodict::linalg::Engine;
use toml::Table;

/// Methods of which `cargo test` would take minutes: experiment, method and why. They are checked by
/// `cargo test --release -p retrodict-cli --test all -- --ignored`.
const SLOW: &[(&str, &str, &str)] = &[
    ("nonlinear-oscillators", "adam", "120 epochs"),
    (
        "nonlinear-oscillators",
        "gauss-newton",
        "J by 512 products a step",
    ),
    ("quantum-dipole", "hig", "384 time steps for each sample"),
    (
        "quantum-dipole",
        "hig-published",
        "384 time steps for each sample",
    ),
    (
        "quantum-dipole",
        "adam",
        "20 epochs of 384 time steps for each sample",
    ),
    ("heat", "sip", "a U-Net on 64 × 64, batch 128"),
    ("heat", "dp", "a U-Net on 64 × 64, batch 128"),
    ("sine", "sip", "20000 steps"),
    ("poisson", "sip-adam", "a U-Net on 64 × 64, batch 64"),
    ("poisson", "dp-adam", "a U-Net on 64 × 64, batch 64"),
];

/// The entry of a column in the line of a seed and an epoch; nothing where the epoch was not reached or
/// the loss had left the numbers.
fn entry(csv: &str, column: &str, seed: u64, epoch: i64) -> Option<f64> {
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let place = |name: &str| header.iter().position(|h| *h == name).unwrap();
    let here = |line: &&Vec<&str>| {
        line[place("seed")] == seed.to_string() && line[place("epoch")] == epoch.to_string()
    };
    let lines: Vec<Vec<&str>> = lines.collect();
    let line = lines.iter().find(here)?;
    line[place(column)].parse().ok()
}

/// Trains a method as long as something is expected of it, and returns what is not met.
fn check(experiment: &str, method: &str, expected: &[toml::Value]) -> Vec<String> {
    let last = expected.iter().filter_map(|e| e["epoch"].as_integer());
    let epochs = last.max().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let words =
        format!("train {experiment} --compare {method} --epochs {epochs} --check --out run");
    let output = run(folder.path(), &words);
    let printed = String::from_utf8(output.stdout).unwrap();
    let of = |word: &str| -> Vec<String> {
        let lines = printed.lines().filter(|line| line.starts_with(word));
        lines.map(|line| format!("{experiment}: {line}")).collect()
    };
    let wrong = of("NOT MET ");
    assert_eq!(of("met ").len() + wrong.len(), expected.len(), "{printed}");
    assert_eq!(output.status.code(), Some(i32::from(!wrong.is_empty())));
    wrong
}

/// Checks every built-in training experiment: the methods that are slow, or the others.
fn check_all(slow: bool) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/training");
    let mut files: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    files.sort();
    let (mut checked, mut wrong) = (0, Vec::new());
    for path in files {
        let experiment = path.file_stem().unwrap().to_str().unwrap();
        let plan: Table = fs::read_to_string(&path).unwrap().parse().unwrap();
        for method in plan["method"].as_array().unwrap() {
            let name = method["name"].as_str().unwrap();
            let listed = SLOW.iter().any(|(e, m, _)| (*e, *m) == (experiment, name));
            let expected = method.get("expect").and_then(|e| e.as_array());
            if let Some(expected) = expected.filter(|_| listed == slow) {
                wrong.extend(check(experiment, name, expected));
                checked += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked >= SLOW.len(), "{checked} methods checked");
}

#[test]
fn quick_training_experiments_come_out_as_expected() {
    check_all(false);
}

#[test]
#[ignore = "minutes"]
fn slow_training_experiments_come_out_as_expected() {
    check_all(true);
}

/// With the Krylov settings that `auto` takes where the exact engines have no room.
fn check_krylov(cases: &[(&str, i64)]) {
    let Engine::Krylov { steps, tolerance } = Engine::KRYLOV else {
        panic!("{} is no Krylov engine", Engine::KRYLOV);
    };
    for (experiment, epochs) in cases {
        let loss = |engine: &str| {
            let folder = tempfile::tempdir().unwrap();
            let words = format!(
                "train {experiment} --compare hig --epochs {epochs} --set hig.rule.engine={engine} --out run"
            );
            succeed(folder.path(), &words);
            let csv = fs::read_to_string(folder.path().join("run/epochs.csv")).unwrap();
            entry(&csv, "test_loss", 0, *epochs).unwrap()
        };
        let own = format!("{{krylov={{steps={steps},tolerance={tolerance}}}}}");
        let (exact, krylov) = (loss("\"gram\""), loss(&own));
        assert!(
            (krylov / exact - 1.0).abs() < 0.2,
            "{experiment}: {krylov:e} by Krylov steps, {exact:e} exactly"
        );
    }
}

#[test]
fn krylov_steps_train_to_the_loss_of_the_exact_engine_within_a_fifth() {
    check_krylov(&[
        ("scaled-toy", 40),
        ("multimodal", 20),
        ("exp", 30),
        ("oscillators", 3),
    ]);
}

#[test]
#[ignore = "minutes"]
fn krylov_steps_do_so_on_the_large_experiments() {
    check_krylov(&[
        ("oscillators", 6),
        ("nonlinear-oscillators", 2),
        ("quantum-dipole", 2),
        ("poisson-8", 1),
    ]);
}

#[test]
fn the_waves_of_an_experiment_have_a_frequency_and_an_amplitude_each() {
    let folder = tempfile::tempdir().unwrap();
    for key in ["frequencies", "amplitudes"] {
        let message = fail(
            folder.path(),
            &format!("train scaled-toy --set data.draw.{key}=[1.0]"),
            2,
        );
        assert!(
            message.contains(&format!(
                "data.draw.{key}: found 1, but scaling takes 2 values"
            )),
            "{message}"
        );
    }
}
