//! `--inverse`, `--starts` and what `check` tells of a local inverse, through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use crate::binary::{fail, succeed};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap();
    list.iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn solve_takes_any_inverse_for_any_simulator() {
    let f = folder(&[("y.csv", "5\n4\n"), ("start.csv", "1\n-0.5\n")]);
    for inverse in ["newton", "levenberg-marquardt", "lm", "path"] {
        let text = succeed(
            f.path(),
            &format!("solve square --target y.csv --start start.csv --inverse {inverse} --json"),
        );
        let told: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(told["method"], "inverse-simulator");
        let field = &told["fields"][0];
        let x = numbers(&field["x"]);
        assert!(
            (x[0] - 5.0).abs() < 1e-9 && (x[1] + 2.0).abs() < 1e-9,
            "{x:?}"
        );
        assert!(field["notices"].as_array().unwrap().is_empty());
        assert!(field["counts"]["jvp"].as_u64().unwrap() > 0);
        assert!(field["solutions"].is_null());
    }
}

#[test]
fn an_inverse_asked_for_beyond_a_fold_says_how_far_it_came() {
    let f = folder(&[("y.csv", "1\n-12\n"), ("start.csv", "1\n2\n")]);
    let said = succeed(
        f.path(),
        "solve square --target y.csv --start start.csv --inverse path",
    );
    let said = words(&said);
    for part in [
        "no-progress",
        "stopped before reaching y; took the partial step (1 times)",
        "squared x covered 25.0000 % of the distance",
        "beyond a fold",
        "another branch",
    ] {
        assert!(said.contains(part), "no '{part}' in: {said}");
    }
}

#[test]
fn names_and_options_of_inverses_are_checked() {
    let f = folder(&[("y.csv", "1\n2\n")]);
    let said = fail(f.path(), "solve square --target y.csv --inverse pth", 2);
    assert!(said.contains("unknown local inverse 'pth'"), "{said}");
    assert!(
        said.contains("did you mean 'path'") && said.contains("newton"),
        "{said}"
    );
    let line = "solve square --target y.csv --inverse path --set inverse.tolerance=2";
    let said = fail(f.path(), line, 2);
    assert!(said.contains("tolerance = 2 is not allowed"), "{said}");
    let said = fail(f.path(), "solve square --target y.csv --starts 0", 2);
    let place = "--starts 0: start.count = 0 is not allowed";
    assert!(said.contains(place), "{said}");
    let said = fail(
        f.path(),
        "solve square --target y.csv --starts 3 --spread -1",
        2,
    );
    assert!(said.contains("spread = -1 is not allowed"), "{said}");
    let said = fail(f.path(), "solve square --target y.csv --spread 1", 2);
    assert!(said.contains("--starts 20"), "{said}");
}

#[test]
fn many_starts_tell_the_distinct_solutions() {
    let f = folder(&[("y.csv", "0.5\n0\n")]);
    let line = "solve sine --set xi=1 --set phi=0 --target y.csv --starts 30 --spread 10";
    let told: Value = serde_json::from_str(&succeed(f.path(), &format!("{line} --json"))).unwrap();
    let solutions = told["fields"][0]["solutions"].as_array().unwrap();
    assert!(solutions.len() >= 6, "{solutions:?}");
    let mut starts = 0;
    for solution in solutions {
        assert!((numbers(&solution["x"])[0].sin() - 0.5).abs() < 1e-9);
        assert_eq!(solution["of"], 30);
        starts += solution["starts"].as_u64().unwrap();
    }
    assert_eq!(starts, 30);
    // The same on one thread, and told to people too.
    let alone = succeed(f.path(), &format!("{line} --json --threads 1"));
    let alone: Value = serde_json::from_str(&alone).unwrap();
    assert_eq!(
        alone["fields"][0]["solutions"],
        told["fields"][0]["solutions"]
    );
    let said = succeed(f.path(), line);
    assert!(
        said.contains("field 1 from 30 starts") && said.contains(" of 30 "),
        "{said}"
    );
}

const EXPERIMENT: &str = r#"
title = "Inverses"
sentence = "A square inverted in closed form and along a path."
[[problem]]
name = "square"
simulator = { name = "square" }
truth = { kind = "values", values = [0.0, 1.0] }
start = { kind = "values", values = [3.0, 3.0] }
[[method]]
name = "closed"
rule = { name = "inverse-simulator", learning_rate = 0.3 }
steps = 10
[[method]]
name = "path"
rule = { name = "inverse-simulator", learning_rate = 0.3 }
inverse = "path"
steps = 10
[[method]]
name = "many"
rule = { name = "levenberg-marquardt" }
inverse = { name = "newton", tolerance = 1e-10 }
starts = 12
spread = 6.0
steps = 60
"#;

#[test]
fn experiments_choose_inverses_and_starts() {
    let f = folder(&[("mine.toml", EXPERIMENT)]);
    let said = succeed(f.path(), "run mine.toml --out run");
    assert!(said.contains("square · many\nsolution  starts"), "{said}");
    let summary = fs::read_to_string(f.path().join("run/summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let method = |name: &str| {
        let methods = summary["methods"].as_array().unwrap();
        methods
            .iter()
            .find(|m| m["method"] == name)
            .unwrap()
            .clone()
    };
    let last = |name: &str| {
        numbers(
            method(name)["iterates"][0]
                .as_array()
                .unwrap()
                .last()
                .unwrap(),
        )
    };
    for (a, b) in last("closed").iter().zip(last("path")) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
    assert!(method("closed").get("solutions").is_none());
    // x₁² = 1 has two solutions, on both sides of 0.
    let solutions = method("many")["solutions"][0].as_array().unwrap().clone();
    assert_eq!(solutions.len(), 2, "{solutions:?}");
    let page = fs::read_to_string(f.path().join("run/report.html")).unwrap();
    assert!(page.contains("2 distinct solutions from 12 starts"));
    // The same by settings.
    let line = "run mine.toml --method closed --set closed.inverse=newton --starts 4 --json";
    let told: Value = serde_json::from_str(&succeed(f.path(), line)).unwrap();
    assert_eq!(told["methods"][0]["solutions"][0][0]["of"], 4);
    assert!(told["methods"][0]["counts"]["jvp"].as_u64().unwrap() > 0);
    for (set, part) in [
        ("closed.inverse=nwton", "did you mean 'newton'"),
        ("closed.inverse=3", "write a name"),
        ("closed.starts=0", "starts = 0 is not allowed"),
        ("closed.spread=0", "spread = 0 is not allowed"),
    ] {
        let said = fail(f.path(), &format!("run mine.toml --set {set}"), 2);
        assert!(
            said.contains(part) && said.contains("method 'closed'"),
            "{set}: {said}"
        );
    }
}

#[test]
fn check_measures_the_inverse() {
    let f = folder(&[]);
    for line in [
        "check sine",
        "check square --inverse path",
        "check exp --inverse newton",
    ] {
        let said = succeed(f.path(), line);
        assert!(said.contains("pass  inverse radius"), "{said}");
        assert!(said.contains("pass  inverse order"), "{said}");
        assert!(said.contains("‖P(P⁻¹(y; x₀)) − y‖"), "{said}");
    }
    // Nothing is measured where there is nothing to measure.
    let said = succeed(f.path(), "check pendulum");
    assert!(!said.contains("inverse radius"), "{said}");
}
