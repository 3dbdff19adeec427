//! `solve` with files, stops and folders, and `resume`, through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::binary::{fail, retrodict, run, succeed};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

fn write(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.path().join(name), content).unwrap();
}

fn assert_says(message: &str, parts: &[&str]) {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(message.contains(part), "no '{part}' in: {message}");
    }
}

fn json(folder: &Path, words: &str) -> Value {
    serde_json::from_str(&succeed(folder, words)).unwrap()
}

/// Without what no two runs share.
fn timeless(mut result: Value) -> Value {
    for field in result["fields"].as_array_mut().unwrap() {
        field.as_object_mut().unwrap().remove("seconds");
    }
    result.as_object_mut().unwrap().remove("output");
    result
}

const FILE: &str = r#"
title = "A sine"
target = "y.csv"
simulator = { name = "sine", xi = 1.0, phi = 10.0 }
rule = { name = "levenberg-marquardt", radius_factor = 1.0 }

[start]
values = [0.1, -0.2]

[noise]
std = 0.05

[stop]
discrepancy = 1.0
steps = 50
"#;

#[test]
fn a_file_and_flags_say_the_same() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::create_dir(f.join("inner")).unwrap();
    write(&folder, "inner/y.csv", "0.4\n0.7\n");
    write(&folder, "inner/one.toml", FILE);
    write(&folder, "x0.csv", "0.1\n-0.2\n");
    // The file's paths are its own; the flags' are the caller's.
    let file = json(f, "solve inner/one.toml -o a.csv --json");
    let flags = json(
        f,
        "solve sine --set xi=1.0 --set phi=10.0 --target inner/y.csv --start x0.csv --noise-std 0.05 \
         --method lm --set rule.radius_factor=1.0 --stop discrepancy --steps 50 -o b.csv --json",
    );
    assert_eq!(file["method"], "levenberg-marquardt");
    assert_eq!(timeless(file.clone()), timeless(flags));
    assert_eq!(
        fs::read(f.join("a.csv")).unwrap(),
        fs::read(f.join("b.csv")).unwrap()
    );
    assert!(file["fields"][0]["chi_squared"].as_f64().unwrap() <= 1.0);
    // Flags change what a file says.
    let changed = json(
        f,
        "solve inner/one.toml --set xi=2.0 --steps 3 -o c.csv --json",
    );
    assert_ne!(changed["fields"][0]["x"], file["fields"][0]["x"]);
    let said = succeed(f, "solve inner/one.toml");
    assert_says(
        &said,
        &[
            "χ²/N",
            "a closer fit would fit the noise",
            "inner/y-solved.csv",
        ],
    );
}

#[test]
fn every_stop_is_obeyed_and_named() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(&folder, "y.csv", "3\n4\n");
    let solve = "solve scaling --set alpha=1.0 --target y.csv --method gradient-descent \
                 --set rule.learning_rate=0.1 --steps 5000 -o x.csv";
    for (stop, parts) in [
        (
            "--noise-std 1 --stop discrepancy=2",
            "to within their noise",
        ),
        ("--stop gradient=1e-3", "the gradient fell below its goal"),
        (
            "--stop step=1e-3",
            "the last step was shorter than its goal",
        ),
        ("--stop loss=1e-3", "the loss fell below its goal"),
        (
            "--stop plateau=0.9 --stop plateau_steps=3",
            "the loss has almost stopped falling",
        ),
        ("--stop time=0s", "the time limit was reached"),
        ("--stop steps=4", "the maximum number of steps was reached"),
    ] {
        assert_says(&succeed(f, &format!("{solve} {stop}")), &[parts]);
    }
    // Fewer unknowns than data: the noise is no goal unless it is asked for.
    let lotka = "simulate lotka-volterra --input p.csv -o pelts.csv";
    write(&folder, "p.csv", "0.55\n0.028\n0.8\n0.024\n");
    succeed(f, lotka);
    write(&folder, "p0.csv", "0.5\n0.025\n0.75\n0.025\n");
    let fit = "solve lotka-volterra --target pelts.csv --start p0.csv --noise 0.5 -o p1.csv";
    assert_says(&succeed(f, fit), &["the data are fitted exactly"]);
    let last_digit = format!("{fit} --stop loss_change=0");
    assert_says(&succeed(f, &last_digit), &["the gradient vanished"]);
}

#[test]
fn each_datum_may_have_its_own_noise_and_all_of_them_a_covariance() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(&folder, "y.csv", "3\n4\n");
    write(&folder, "s.csv", "0.5\n2\n");
    write(&folder, "c.csv", "0.25,0\n0,4\n");
    // One step of descent leads to 0.1 y/σ².
    let solve = "solve scaling --set alpha=1.0 --target y.csv --set rule=gradient-descent \
                 --set rule.learning_rate=0.1 --stop steps=1 -o x.csv --json";
    for noise in ["std_file=s.csv", "covariance=c.csv"] {
        let found = json(f, &format!("{solve} --set noise.{noise}"));
        let x = &found["fields"][0]["x"];
        assert!((x[0].as_f64().unwrap() - 1.2).abs() < 1e-12, "{x}");
        assert!((x[1].as_f64().unwrap() - 0.1).abs() < 1e-12, "{x}");
    }
    write(&folder, "s.csv", "0.5\n-2\n");
    write(&folder, "c.csv", "1,2\n2,1\n");
    for (noise, parts) in [
        ("std_file=s.csv", ["s.csv", "deviations[1] = -2"]),
        ("covariance=c.csv", ["c.csv", "not positive definite"]),
        ("std_file=y.npz", ["y.npz", "No such file"]),
    ] {
        assert_says(&fail(f, &format!("{solve} --set noise.{noise}"), 2), &parts);
    }
    write(&folder, "s.csv", "0.5\n2\n1\n");
    let message = fail(f, &format!("{solve} --set noise.std_file=s.csv"), 2);
    assert_says(&message, &["s.csv has the shape [3]"]);
}

/// A field of hot spots, as the observation.
fn spots(n: usize) -> String {
    let line = |i: usize| {
        let value = |j: usize| ((i * i + 3 * j) % 17).min(5).to_string();
        (0..n).map(value).collect::<Vec<_>>().join(",")
    };
    (0..n).map(line).collect::<Vec<_>>().join("\n")
}

fn start(folder: &Path, words: &str) -> Child {
    retrodict(folder)
        .args(words.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the checkpoint is another than before and kills with SIGKILL; returns the checkpoint.
fn kill_after_a_checkpoint(child: &mut Child, folder: &Path, before: &[u8]) -> Vec<u8> {
    let path = folder.join("inversion.checkpoint");
    let begun = Instant::now();
    // The first one that is written holds nothing but the start.
    let fresh = fs::read(&path).unwrap_or_default().len();
    while fs::read(&path).map_or(true, |bytes| {
        bytes == before || bytes.len() <= fresh.max(600)
    }) {
        assert!(begun.elapsed() < Duration::from_secs(120), "no checkpoint");
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it was killed"
        );
        sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    assert_eq!(
        child.wait().unwrap().code(),
        None,
        "it ended before it was killed"
    );
    assert!(!folder.join("result.json").exists(), "it was done already");
    fs::read(path).unwrap()
}

/// Step, loss, length and counts of each step; times are no part of it.
fn steps(folder: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join("metrics.csv")).unwrap();
    let kept = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        [1, 3, 5, 6, 7, 8, 9].map(|i| fields[i].to_owned()).to_vec()
    };
    text.lines().map(kept).collect()
}

/// An inversion that is killed, resumed, killed again and resumed leaves what it would have in one go.
fn survives_being_killed(method: &str) {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(&folder, "y.csv", spots(32));
    let words =
        format!("solve heat --target y.csv --set nu_t=1.0 {method} --steps 3000 --stop loss=1e-30");
    succeed(f, &format!("{words} --out whole"));
    let killed = f.join("killed");
    let mut child = start(f, &format!("{words} --checkpoint 0s --out killed"));
    let first = kill_after_a_checkpoint(&mut child, &killed, &[]);
    let message = fail(f, "report killed", 2);
    assert_says(
        &message,
        &["result.json", "continue it with `retrodict resume killed`"],
    );
    let mut child = start(f, "resume killed --checkpoint 0s");
    kill_after_a_checkpoint(&mut child, &killed, &first);
    succeed(f, "resume killed");
    let x = |of: &str| fs::read(f.join(of).join("x.npy")).unwrap();
    assert!(x("whole") == x("killed"), "x differs");
    assert_eq!(steps(&f.join("whole")), steps(&killed));
    assert!(steps(&killed).len() > 100);
    let report = fs::read_to_string(killed.join("report.html")).unwrap();
    assert!(
        report.contains("Data and fit")
            && report.contains("the maximum number of steps was reached")
    );
    fs::remove_file(killed.join("report.html")).unwrap();
    succeed(f, "report killed");
    assert!(killed.join("report.html").exists());
}

#[test]
fn descent_with_momentum_survives_being_killed() {
    survives_being_killed(
        "--method gradient-descent --set rule.learning_rate=0.01 --set rule.momentum=0.9",
    );
}

#[test]
fn adam_survives_being_killed() {
    survives_being_killed("--method adam --set rule.learning_rate=0.001");
}

/// Ctrl-C leaves a whole folder, from which the run goes on.
#[cfg(unix)]
#[test]
fn an_interrupted_inversion_goes_on() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(&folder, "y.csv", spots(16));
    let words = "solve heat --target y.csv --set nu_t=1.0 --method gradient-descent --stop loss=1e-30 \
                 --set rule.learning_rate=1e-6 --steps 100000000 --out here";
    let mut child = start(f, words);
    while !f.join("here/inversion.checkpoint").exists() {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(300));
    let pid = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3), "it was not done");
    let result = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(f.join(name)).unwrap()).unwrap()
    };
    let before = result("here/result.json");
    assert_eq!(before[0]["status"], "cancelled");
    let steps = before[0]["steps"].as_u64().unwrap();
    succeed(f, "resume here --steps 10");
    let after = result("here/result.json");
    assert_eq!(after[0]["steps"].as_u64(), Some(steps + 10));
    assert_eq!(after[0]["status"], "step-limit");
    assert!(after[0]["loss"].as_f64() < before[0]["loss"].as_f64());
}

#[test]
fn a_finished_inversion_goes_on_with_more_steps_another_rule_and_other_noise() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(&folder, "y.csv", "0.4\n0.7\n");
    write(
        &folder,
        "one.toml",
        FILE.replace("discrepancy = 1.0", "loss = 1e-20"),
    );
    let slow = "solve one.toml --set rule=gradient-descent --set rule.learning_rate=1e-6 --steps 7";
    let done = json(f, &format!("{slow} --out d --json"));
    assert_eq!(done["fields"][0]["status"], "step-limit");
    // Nothing was asked for: it stays as it is.
    let x = fs::read(f.join("d/x.npy")).unwrap();
    let output = run(f, "resume d");
    assert_says(
        &String::from_utf8_lossy(&output.stderr),
        &["this inversion has finished", "--steps, --stop or --set"],
    );
    assert_eq!(fs::read(f.join("d/x.npy")).unwrap(), x);
    // More of the same: as if it had been asked for at first.
    let more = json(f, "resume d --steps 5 --json");
    let whole = json(
        f,
        &format!(
            "{} --json -o x.csv",
            slow.replace("--steps 7", "--steps 12")
        ),
    );
    assert_eq!(more["fields"][0]["x"], whole["fields"][0]["x"]);
    assert_eq!(more["fields"][0]["steps"], 12);
    // Another rule begins at the best x and keeps the history.
    let newton = json(f, "resume d --set rule=levenberg-marquardt --json");
    let field = &newton["fields"][0];
    assert_eq!(
        (&newton["method"], &field["status"]),
        (&"levenberg-marquardt".into(), &"converged".into())
    );
    assert!(field["steps"].as_u64().unwrap() > 12 && field["loss"].as_f64().unwrap() <= 1e-20);
    assert_eq!(steps(&f.join("d"))[1][0], "0");
    // Other noise is another problem: its loss is another, its x nearly the same.
    let other = json(f, "resume d --set noise.std=0.5 --stop loss=1e-3 --json");
    assert!(other["fields"][0]["loss"].as_f64().unwrap() < 1e-3);
    let kept = fs::read_to_string(f.join("d/inversion.toml")).unwrap();
    assert_says(
        &kept,
        &[
            "name = \"levenberg-marquardt\"",
            "std = 0.5",
            "loss_below = 0.001",
        ],
    );
    // Data that changed since are noticed.
    write(&folder, "y.csv", "0.5\n0.6\n");
    let output = run(f, "resume d --steps 5");
    assert_says(
        &String::from_utf8_lossy(&output.stderr),
        &["the data have changed"],
    );
}

#[test]
fn another_search_goes_on_from_the_best_x_of_the_same_problem() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(&folder, "y.csv", "1\n4\n");
    write(&folder, "far.csv", "0\n0.001\n");
    let solve =
        "solve square --target y.csv --start far.csv --method gauss-newton --steps 1 --out d";
    let whole = json(f, &format!("{solve} --json"));
    assert_eq!(whole["search"], Value::Null);
    let kept = fs::read_to_string(f.join("d/inversion.toml")).unwrap();
    write(
        &folder,
        "d/inversion.toml",
        format!("{kept}\n[search]\nname = \"armijo\"\n"),
    );
    let output = run(f, "resume d --steps 20");
    let notes = String::from_utf8_lossy(&output.stderr);
    assert!(!notes.contains("have changed"), "{notes}");
    assert_says(
        &String::from_utf8_lossy(&output.stdout),
        &["square with gauss-newton and the search armijo: converged"],
    );
    let other = json(f, "resume d --set search=strong-wolfe --json");
    assert_eq!(other["search"], "strong-wolfe");
    assert!(other["fields"][0]["loss"].as_f64().unwrap() < 1e-12);
}

#[test]
fn what_cannot_be_is_refused_with_what_to_try() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(&folder, "y.csv", "0.4\n0.7\n");
    write(&folder, "one.toml", FILE);
    for (words, parts) in [
        (
            "solve sine",
            &["the observations are missing", "--target y.npy"][..],
        ),
        (
            "solve sine --target y.csv --stop discrepency",
            &["did you mean 'discrepancy'", "known: steps"],
        ),
        (
            "solve sine --target y.csv --stop discrepancy",
            &[
                "stopping by discrepancy needs the standard deviations of the noise",
                "weighted or covariance",
            ],
        ),
        (
            "solve sine --target y.csv --stop gradient",
            &["it needs a value", "--stop gradient=1e-6"],
        ),
        (
            "solve sine --target y.csv --stop gradient=-1",
            &["gradient_below = -1", "0 or greater"],
        ),
        (
            "solve sine --target y.csv --stop plateau=2",
            &["plateau = 2", "[0, 1)"],
        ),
        (
            "solve sine --target y.csv --stop time=soon",
            &["--stop time=soon", "unknown unit 'soon'"],
        ),
        (
            "solve sine --target y.csv --stop steps=few",
            &[
                "--stop steps=few",
                "`stop.steps`",
                "string \"few\", expected a whole number of 0 or more",
            ],
        ),
        (
            "solve one.toml --set noise.relative=0.1",
            &["the noise is given more than once"],
        ),
        (
            "solve one.toml --set start.value=0.1",
            &["the start is given more than once"],
        ),
        (
            "solve one.toml --set start.values=[1.0]",
            &["start.values has 1 values, expected 2"],
        ),
        (
            "solve one.toml --set noise.std=-1",
            &["noise.std = -1", "greater than 0"],
        ),
        (
            "solve one.toml --set xii=1",
            &["--set xii=1: unknown key 'xii' (did you mean 'xi'?); known: xi, phi"],
        ),
        (
            "solve one.toml --set stop.stepz=1",
            &["unknown key 'stepz' (did you mean 'step'?); known: steps, "],
        ),
        (
            "solve one.toml --set rule.radius=1",
            &["unknown key 'radius'"],
        ),
        (
            "solve one.toml --set rule=newtn",
            &["did you mean 'newton'"],
        ),
        ("solve two.toml", &["two.toml", "No such file"]),
        (
            "resume .",
            &["the folder of neither an inversion (inversion.toml) nor a training run (plan.toml)"],
        ),
    ] {
        assert_says(&fail(f, words, 2), parts);
    }
    write(
        &folder,
        "bad.toml",
        FILE.replace("std = 0.05", "sdt = 0.05"),
    );
    assert_says(
        &fail(f, "solve bad.toml", 2),
        &["bad.toml, line", "unknown key 'sdt'", "did you mean 'std'"],
    );
    succeed(f, "solve one.toml --out d");
    assert_says(
        &fail(f, "solve one.toml --out d", 2),
        &["already contains an inversion", "`retrodict resume d`"],
    );
    write(&folder, "long.csv", "1,2\n3,4\n");
    let message = fail(f, "resume d --set target=long.csv --steps 1", 2);
    assert_says(
        &message,
        &["other unknowns, fields or starts than before", "--out"],
    );
    write(&folder, "d/inversion.checkpoint", "nonsense");
    let message = fail(f, "resume d --steps 1", 2);
    assert_says(
        &message,
        &["it is not a checkpoint", "starts the inversion again"],
    );
    write(&folder, "d/result.json", "[{");
    assert_says(&fail(f, "report d", 2), &["result.json", "damaged"]);
}

#[test]
fn a_simulation_that_fails_on_the_way_shortens_the_step() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    // The first step of descent is so long that the flow cannot be followed there.
    let lines: Vec<String> = (0..32).map(|i| ((7 * i) % 5 - 2).to_string()).collect();
    write(&folder, "y.csv", lines.join("\n"));
    let solve = "solve burgers --target y.csv --method gradient-descent -o x.csv --steps 20 --json \
                 --set rule.learning_rate=";
    let found = json(f, &format!("{solve}100"));
    let field = &found["fields"][0];
    let notices = field["notices"].to_string();
    assert!(notices.contains("the step was shortened"), "{field}");
    assert!(
        field["first_error"]
            .as_str()
            .unwrap()
            .contains("no longer finite"),
        "{field}"
    );
    assert!(field["steps"].as_u64().unwrap() > 0, "{field}");
}

/// y = x: with noise and prior of deviation 1, the most probable x is half of y.
#[test]
fn priors_bounds_and_transforms_are_part_of_the_problem() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(&folder, "y.csv", "3\n-4\n");
    write(&folder, "x0.csv", "9\n-9\n");
    let solve = "solve scaling --set alpha=1.0 --target y.csv";
    let near = |found: &Value, expected: [f64; 2]| {
        let x = &found["fields"][0]["x"];
        for (i, expected) in expected.into_iter().enumerate() {
            assert!((x[i].as_f64().unwrap() - expected).abs() < 1e-7, "{x}");
        }
    };
    let prior = "--noise-std 1 --prior gaussian:deviations=[1.0]";
    let found = json(f, &format!("{solve} {prior} --out d --json"));
    near(&found, [1.5, -2.0]);
    // Of the data alone: (1.5² + 2²)/2.
    let chi_squared = found["fields"][0]["chi_squared"].as_f64().unwrap();
    assert!((chi_squared - 3.125).abs() < 1e-6);
    near(
        &json(f, "resume d --set prior.gaussian.weight=3.0 --json"),
        [0.75, -1.0],
    );

    let found = json(
        f,
        &format!("{solve} --bounds -1,2 --start x0.csv -o x.csv --json"),
    );
    near(&found, [2.0, -1.0]);
    assert!(
        found["fields"][0]["notices"]
            .to_string()
            .contains("outside the bounds"),
        "{found}"
    );
    near(
        &json(f, &format!("{solve} --bounds ,2 -o x.csv --json")),
        [2.0, -4.0],
    );
    write(&folder, "high.csv", "1\n0\n");
    near(
        &json(f, &format!("{solve} --bounds -9,high.csv -o x.csv --json")),
        [1.0, -4.0],
    );

    let file = r#"
        target = "y.csv"
        simulator = { name = "scaling", alpha = 1.0 }
        transform = ["log", { scale = 1e3 }]
        start = { value = 1.0 }
        bounds = { lower = [0.0, -3.0] }
        prior = [{ name = "gaussian", weight = 1e-12 }]
    "#;
    write(&folder, "all.toml", file);
    // The misfit of 1 at the bound hides the last digits of the other unknown.
    let last_digit = "solve all.toml --stop loss_change=0 -o x.csv --json";
    near(&json(f, last_digit), [3.0, -3.0]);

    for (words, parts) in [
        (
            "--bounds 2,1",
            &["bounds of x[0] = [2, 1]", "must not exceed"][..],
        ),
        ("--bounds 2", &["expected LOWER,UPPER"]),
        ("--bounds low.csv,", &["low.csv", "No such file"]),
        (
            "--set bounds.lower=[1.0,2.0,3.0]",
            &["bounds.lower has 3 values, expected 2"],
        ),
        (
            "--prior gausian",
            &["unknown prior 'gausian'", "did you mean 'gaussian'"],
        ),
        (
            "--prior gaussian:weight=-1",
            &["weight of gaussian = -1", "0 or greater"],
        ),
        ("--prior gaussian:weight", &["expected NAME:KEY=VALUE"]),
        (
            "--prior gaussian:weight=much",
            &["weight = \"much\"", "or a rule"],
        ),
        ("--prior gaussian:weights=1", &["unknown key 'weights'"]),
        (
            "--set prior.gaussian.weight=1",
            &["the inversion has no priors", "--prior"],
        ),
        (
            "--prior gaussian --set prior.gausian.weight=1",
            &["unknown prior 'gausian' (did you mean 'gaussian'?); known: gaussian"],
        ),
    ] {
        assert_says(&fail(f, &format!("{solve} {words}"), 2), parts);
    }
}

#[test]
fn data_may_be_missing_multiplied_or_outliers_only_where_that_is_said() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    write(&folder, "y.csv", "3\nnan\n");
    let solve = "solve scaling --set alpha=1.0 --target y.csv --set start.value=1.0";
    let message = fail(f, solve, 2);
    assert_says(
        &message,
        &["y.csv", "line 2, column 1", "'nan'", "--missing"],
    );
    let prior = "--prior gaussian:reference=[7.0] --noise-std 1";
    let found = json(f, &format!("{solve} --missing {prior} --out d --json"));
    let x = &found["fields"][0]["x"];
    assert!(
        (x[0].as_f64().unwrap() - 5.0).abs() < 1e-7 && (x[1].as_f64().unwrap() - 7.0).abs() < 1e-7,
        "{x}"
    );
    succeed(f, "report d");
    write(&folder, "y.csv", "inf\n1\n");
    assert_says(
        &fail(f, &format!("{solve} --missing"), 2),
        &["only NaN stands for a value that is missing"],
    );

    // One step of descent from 1, with L = ½ (ln(y/y*)/σ)²: 0.1 · ln 2/(0.25² · 1).
    write(&folder, "y.csv", "2\n1\n");
    let descent =
        "--set rule=gradient-descent --set rule.learning_rate=0.1 --stop steps=1 -o x.csv --json";
    let found = json(
        f,
        &format!("{solve} {descent} --noise-std 0.25 --set noise.multiplicative=true"),
    );
    let x = found["fields"][0]["x"][0].as_f64().unwrap();
    assert!((x - 1.0 - 1.6 * 2.0_f64.ln()).abs() < 1e-12, "{x}");
    // Huber's force is δ at most.
    let found = json(
        f,
        &format!("{solve} {descent} --set noise.robust.name=huber --set noise.robust.delta=0.3"),
    );
    let x = found["fields"][0]["x"][0].as_f64().unwrap();
    assert!((x - 1.03).abs() < 1e-12, "{x}");
    for (words, parts) in [
        (
            "--set noise.multiplicative=true",
            "multiplicative noise needs noise.std",
        ),
        (
            "--set noise.robust.name=huber --noise 0.1",
            "a robust loss has its own scale",
        ),
        (
            "--set noise.robust.delta=1.0",
            "`noise.robust`: the name is missing",
        ),
        ("--set noise.robust.name=hubr", "did you mean 'huber'"),
    ] {
        assert_says(&fail(f, &format!("{solve} {words}"), 2), &[parts]);
    }
}
