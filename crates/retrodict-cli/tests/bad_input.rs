//! What bad input gets: a clear message and an exit code, or an honest status; never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use crate::binary::{fail, succeed};
use npyz::WriterBuilder;
use tempfile::{TempDir, tempdir};

fn write(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.path().join(name), content).unwrap();
}

/// A .npy file of a vector.
fn npy(values: &[f64]) -> Vec<u8> {
    let mut out = Vec::new();
    let options = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[values.len() as u64]);
    let mut writer = options.writer(&mut out).begin_nd().unwrap();
    writer.extend(values.iter().copied()).unwrap();
    writer.finish().unwrap();
    out
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no '{part}' in: {message}");
    }
}

#[test]
fn names_are_corrected() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    assert_says(
        &fail(f, "run toi", 2),
        &["unknown experiment 'toi'", "did you mean 'toy'"],
    );
    assert_says(
        &fail(f, "run toy --method newtn", 2),
        &["did you mean 'newton'", "gradient-descent"],
    );
    write(&folder, "y.csv", "1\n2\n");
    assert_says(
        &fail(f, "solve heet --target y.csv", 2),
        &["unknown simulator 'heet'", "'heat'"],
    );
    assert_says(
        &fail(f, "solve heat --target y.csv --method lbfsg", 2),
        &["unknown rule", "did you mean"],
    );
}

#[test]
fn settings_out_of_range_name_key_value_and_limit() {
    let folder = tempdir().unwrap();
    write(&folder, "y.csv", "1\n2\n");
    let solve = |set: &str| {
        fail(
            folder.path(),
            &format!("solve heat --target y.csv --set {set}"),
            2,
        )
    };
    assert_says(&solve("nu_t=-1"), &["nu_t", "-1", "0 or greater"]);
    assert_says(&solve("nut=1"), &["nut", "nu_t"]);
    assert_says(&solve("cell=wide"), &["cell", "wide"]);
    assert_says(&solve("nu_t"), &["KEY=VALUE"]);
    assert_says(
        &fail(folder.path(), "run heat --set nu_t=-1", 2),
        &["nu_t", "0 or greater"],
    );
    assert_says(
        &fail(folder.path(), "run toy --set newton.learning_rate=0", 2),
        &["learning_rate", "greater than 0"],
    );
    assert_says(
        &fail(folder.path(), "run toy --set newtn.steps=3", 2),
        &["did you mean 'newton'"],
    );
    assert_says(&fail(folder.path(), "run toy --time soon", 2), &["--time"]);
    assert_says(
        &fail(folder.path(), "run toy --threads 0", 2),
        &["at least 1"],
    );
}

#[test]
fn a_mistake_in_a_file_is_pointed_at() {
    let folder = tempdir().unwrap();
    let toy =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/toy.toml"))
            .unwrap();
    write(
        &folder,
        "a.toml",
        toy.replacen("steps = 10", "stepz = 10", 1),
    );
    assert_says(
        &fail(folder.path(), "run a.toml", 2),
        &["stepz", "steps", "line"],
    );
    write(&folder, "b.toml", "title = ");
    fail(folder.path(), "run b.toml", 2);
    assert_says(
        &fail(folder.path(), "run c.toml", 2),
        &["c.toml", "No such file"],
    );
}

#[test]
fn damaged_files_are_named() {
    let folder = tempdir().unwrap();
    write(&folder, "empty.png", "");
    write(&folder, "text.png", "no picture");
    write(&folder, "a.npz", &b"PK\x03\x04 cut short"[..]);
    write(&folder, "nan.npy", npy(&[1.0, f64::NAN, 2.0]));
    write(&folder, "cut.npy", &npy(&[1.0, 2.0])[..90]);
    write(&folder, "words.csv", "1\ntwo\n");
    write(&folder, "data.xyz", "1");
    let solve = |name: &str| fail(folder.path(), &format!("solve heat --target {name}"), 2);
    assert_says(&solve("empty.png"), &["empty.png", "0 bytes"]);
    assert_says(&solve("text.png"), &["text.png"]);
    assert_says(&solve("a.npz"), &["a.npz", "not a complete .npz archive"]);
    assert_says(&solve("nan.npy"), &["NaN at index 1", "finite"]);
    assert_says(&solve("cut.npy"), &["cut.npy"]);
    assert_says(&solve("words.csv"), &["line 2", "'two' is not a number"]);
    assert_says(&solve("data.xyz"), &[".xyz", "known: .npy, .npz, .csv"]);
    assert_says(&solve("missing.npy"), &["missing.npy", "No such file"]);
}

#[test]
fn shapes_that_do_not_fit_are_compared() {
    let folder = tempdir().unwrap();
    write(&folder, "y.npy", npy(&[1.0, 2.0, 3.0]));
    let message = fail(folder.path(), "solve sine --target y.npy", 2);
    assert_says(&message, &["y.npy", "[3]", "2 values"]);
    write(&folder, "x.npy", npy(&[1.0, 2.0]));
    let message = fail(folder.path(), "solve heat --target y.npy --start x.npy", 2);
    assert_says(&message, &["x.npy", "[2]", "3 values"]);
}

#[test]
fn folders_that_cannot_be_written_are_found_out_before_the_work() {
    let folder = tempdir().unwrap();
    write(&folder, "file", "");
    let message = fail(folder.path(), "run toy --out file/inside", 3);
    assert_says(&message, &["cannot write", "file/inside", "--out"]);
    fail(folder.path(), "run toy --out /proc/nowhere", 3);
    // A device that is always full.
    write(&folder, "y.csv", "0.01\n1\n");
    fail(
        folder.path(),
        "solve sine --target y.csv -o /dev/full/x.csv",
        3,
    );
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "nothing half-written is left");
}

#[test]
fn a_damaged_run_is_not_reported_as_if_whole() {
    let folder = tempdir().unwrap();
    succeed(folder.path(), "run toy --out here");
    write(&folder, "here/metrics.csv", "nonsense");
    assert_says(
        &fail(folder.path(), "report here", 2),
        &["metrics.csv", "damaged"],
    );
    assert_says(
        &fail(folder.path(), "report nowhere", 2),
        &["manifest.json"],
    );
}

#[test]
fn targets_out_of_reach_end_honestly() {
    let folder = tempdir().unwrap();
    write(&folder, "far.csv", "1e6\n0\n");
    let said = succeed(
        folder.path(),
        "solve sine --target far.csv --method levenberg-marquardt -o x.csv",
    );
    assert!(!said.contains("NaN"), "{said}");
    let said = succeed(folder.path(), "solve sine --target far.csv -o x.csv");
    assert!(
        said.contains("5.0000e11"),
        "the loss of the nearest point is told: {said}"
    );
    write(&folder, "minus.csv", "-1\n");
    let said = succeed(folder.path(), "solve exp --target minus.csv");
    assert_says(
        &said.split_whitespace().collect::<Vec<_>>().join(" "),
        &[
            "y is out of the range of the local inverse; used an inverse-Jacobian step instead",
            "exp never reaches",
            "greater than 0",
        ],
    );
}

#[test]
fn a_start_at_a_saddle_is_called_one() {
    let folder = tempdir().unwrap();
    write(&folder, "y.csv", "0\n4\n");
    let said = succeed(
        folder.path(),
        "solve square --target y.csv --method gradient-descent -o x.csv",
    );
    assert_says(&said, &["saddle", "newton"]);
}

#[test]
fn a_singular_jacobian_is_survived() {
    let folder = tempdir().unwrap();
    write(&folder, "y.csv", "1\n4\n");
    for rule in [
        "gauss-newton",
        "inverse-jacobian",
        "half-inverse",
        "levenberg-marquardt",
        "newton",
    ] {
        let said = succeed(
            folder.path(),
            &format!("solve square --target y.csv --method {rule} -o x.csv"),
        );
        assert!(!said.contains("NaN"), "{rule}: {said}");
        let text = fs::read_to_string(folder.path().join("x.csv")).unwrap();
        assert!(
            text.lines().all(|l| l.parse::<f64>().unwrap().is_finite()),
            "{rule}: {text}"
        );
    }
}

#[test]
fn physics_in_time_refuses_what_cannot_work() {
    let folder = tempfile::tempdir().unwrap();
    for (words, parts) in [
        (
            "check wave --set dt=9",
            &["dt = 9", "Courant number", "is 9.000", "take dt ≤ 1.0"][..],
        ),
        (
            "check burgers --set viscosity=-1",
            &["viscosity = -1", "must be 0 or greater"],
        ),
        (
            "check fluid --set viscosity=-0.1",
            &["viscosity = -0.1", "must be 0 or greater"],
        ),
        (
            "check oscillators --set steps=0",
            &["steps = 0", "must be at least 1"],
        ),
        (
            "check wave --set observe_steps=[100000]",
            &["step 100000", "the run has 100 steps, up to the time 50"],
        ),
        (
            "check lotka-volterra --set times=[-1.0,2.0]",
            &["times = [-1.0, 2.0]", "none before 0"],
        ),
    ] {
        assert_says(&fail(folder.path(), words, 2), parts);
    }
}

#[test]
fn a_blow_up_half_way_tells_its_time_and_the_run_keeps_its_best_x() {
    let folder = tempfile::tempdir().unwrap();
    // Simulated: misfortune, with the step and the time.
    let fast: Vec<String> = (0..64)
        .map(|i| (50.0 * f64::from(i % 7 - 3)).to_string())
        .collect();
    write(&folder, "fast.csv", fast.join("\n"));
    let said = fail(
        folder.path(),
        "simulate burgers --input fast.csv -o out.csv",
        3,
    );
    assert_says(
        &said,
        &[
            "no longer finite after step 3 of 100",
            "at the time 0.3;",
            "shorter time step",
        ],
    );
    // On the way to a solution: an outcome, and what was found before is kept.
    write(
        &folder,
        "flow.toml",
        r#"
title = "Blow-up"
sentence = "Steps far too long."
[[problem]]
name = "flow"
simulator = { name = "burgers", shape = [32] }
truth = { kind = "smooth", count = 1 }
start = { kind = "zeros" }
[[method]]
name = "long"
rule = { name = "gradient-descent", learning_rate = 1e4 }
steps = 20
[[method]]
name = "short"
rule = { name = "gradient-descent", learning_rate = 0.05 }
steps = 5
"#,
    );
    let summary = crate::binary::succeed(folder.path(), "run flow.toml --out run --json");
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let methods = summary["methods"].as_array().unwrap();
    assert_eq!(methods[0]["status"], "failed");
    let message = methods[0]["message"].as_str().unwrap();
    assert_says(message, &["after step 2 of 100", "at the time 0.2"]);
    assert_eq!(methods[1]["status"], "step-limit");
    assert!(methods[1]["loss"].as_f64() < methods[0]["loss"].as_f64());
    assert!(folder.path().join("run/report.html").exists());
}
