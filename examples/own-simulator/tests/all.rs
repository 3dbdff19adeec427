//! A simulator that retrodict does not know is listed, checked, simulated, solved and served as its own are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn cooling(folder: &Path, args: &[&str]) -> Output {
    let binary = env!("CARGO_BIN_EXE_cooling");
    Command::new(binary)
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(text).unwrap()
}

#[test]
fn it_has_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let listed = cooling(folder, &["list"]);
    assert!(
        said(&listed).contains("Coffee that cools"),
        "{}",
        said(&listed)
    );
    let checked = cooling(folder, &["check", "cooling"]);
    assert!(checked.status.success(), "{}", said(&checked));

    // Warm coffee in a cold kitchen, and back.
    let truth = [0.05_f64.ln(), 18.0];
    fs::write(
        folder.join("x.csv"),
        format!("{}\n{}\n", truth[0], truth[1]),
    )
    .unwrap();
    let simulated = cooling(
        folder,
        &["simulate", "cooling", "--input", "x.csv", "-o", "y.csv"],
    );
    assert!(simulated.status.success(), "{}", said(&simulated));
    let args = [
        "solve",
        "cooling",
        "--target",
        "y.csv",
        "--noise-std",
        "0.1",
        "-o",
        "found.csv",
        "--out",
        "run",
    ];
    let solved = cooling(folder, &args);
    assert!(solved.status.success(), "{}", said(&solved));
    let found = fs::read_to_string(folder.join("found.csv")).unwrap();
    let found: Vec<f64> = found.lines().map(|line| line.parse().unwrap()).collect();
    for (found, truth) in found.iter().zip(truth) {
        assert!(
            (found - truth).abs() < 1e-3 * truth.abs(),
            "{found} is not {truth}"
        );
    }
    assert!(folder.join("run/report.html").exists());

    // A name that is misspelt finds it, and so does an option.
    let wrong = said(&cooling(folder, &["solve", "coolin", "--target", "y.csv"]));
    assert!(wrong.contains("did you mean 'cooling'"), "{wrong}");
    let wrong = said(&cooling(
        folder,
        &["check", "cooling", "--set", "tolerence=1e-3"],
    ));
    assert!(wrong.contains("did you mean 'tolerance'"), "{wrong}");
}
