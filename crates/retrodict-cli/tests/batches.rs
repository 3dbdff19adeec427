//! `batch` and `collect`, through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::Stdio;

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

fn table(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("table.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Twelve problems: two targets, two rules, three rates.
const SWEEP: &str = r#"
title = "Rates <and> rules"

[inversion]
target = "a.csv"
simulator = { name = "scaling", alpha = 2.0 }
noise = { std = 0.1 }
stop = { loss = 1e-9, steps = 40 }
rule = { name = "gradient-descent" }

[[problem]]
name = "left"

[[problem]]
name = "right"
set = { target = "b.csv" }

[sweep.over]
"rule" = ["gradient-descent", "adam"]
"rule.learning_rate" = { from = 1e-4, to = 1e-2, count = 3, scale = "log" }
"#;

fn prepared() -> TempDir {
    let folder = tempdir().unwrap();
    write(&folder, "a.csv", "1\n2\n");
    write(&folder, "b.csv", "-3\n4\n");
    write(&folder, "sweep.toml", SWEEP);
    folder
}

/// All files of a folder, with the seconds in them taken out.
fn results(folder: &Path) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = fs::read_dir(folder.join("results"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let timeless =
                |line: &&str| !line.contains("\"seconds\"") && !line.contains("\"checksum\"");
            let text = text.lines().filter(timeless).collect::<Vec<_>>().join("\n");
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                text,
            )
        })
        .collect();
    all.sort();
    all
}

#[test]
fn shards_at_the_same_time_leave_what_one_run_leaves() {
    let folder = prepared();
    let f = folder.path();
    succeed(f, "batch sweep.toml --out whole --threads 1");
    // Each shard of two, and the second one twice over.
    let children: Vec<_> = ["1/2", "2/2", "2/2"]
        .iter()
        .map(|shard| {
            retrodict(f)
                .args(["batch", "sweep.toml", "--out", "parts", "--shard", shard])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let whole = results(&f.join("whole"));
    assert_eq!(whole.len(), 12);
    assert_eq!(whole, results(&f.join("parts")));
    let printed = succeed(f, "collect parts");
    assert_eq!(
        printed
            .lines()
            .filter(|l| l.starts_with("left-") || l.starts_with("right-"))
            .count(),
        12
    );
    let table = table(&f.join("parts"));
    assert_eq!(
        table["keys"],
        serde_json::json!(["rule", "rule.learning_rate", "target"])
    );
    let lines = table["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 12);
    let rates: Vec<f64> = lines
        .iter()
        .map(|l| l["settings"][1].as_f64().unwrap())
        .collect();
    assert_eq!(rates[..3], [1e-4, 1e-3, 1e-2]);
    let csv = fs::read_to_string(f.join("parts/table.csv")).unwrap();
    assert_eq!(csv.lines().count(), 13);
    assert!(
        csv.starts_with("problem,rule,rule.learning_rate,target,field,status"),
        "{csv}"
    );
    assert!(
        csv.lines()
            .next()
            .unwrap()
            .ends_with(",x1,x2,x1_deviation,x2_deviation")
    );
    let report = fs::read_to_string(f.join("parts/report.html")).unwrap();
    assert!(
        report.contains("Rates &lt;and&gt; rules")
            && report.contains("loss vs. rule.learning_rate")
    );
}

#[test]
fn what_is_done_stays_and_what_is_damaged_or_changed_is_done_again() {
    let folder = prepared();
    let f = folder.path();
    succeed(f, "batch sweep.toml --out res");
    let again = run(f, "batch sweep.toml --out res");
    assert_says(
        &String::from_utf8_lossy(&again.stdout),
        &["0 solved, 12 solved before, 0 failed"],
    );
    assert!(again.stderr.is_empty());

    // Cut short, and one digit changed.
    let cut = f.join("res/results/left-0002.json");
    let bytes = fs::read(&cut).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let changed = f.join("res/results/right-0003.json");
    let text = fs::read_to_string(&changed).unwrap();
    fs::write(
        &changed,
        text.replacen("\"forward\": ", "\"forward\": 1", 1),
    )
    .unwrap();
    fs::remove_file(f.join("res/results/left-0006.json")).unwrap();
    let told = run(f, "collect res");
    assert!(told.status.success());
    assert_says(
        &String::from_utf8_lossy(&told.stderr),
        &[
            "1 problems are not solved yet: left-0006",
            "left-0002.json is damaged",
            "right-0003.json is damaged (the checksum does not match)",
        ],
    );
    assert_eq!(table(&f.join("res"))["lines"].as_array().unwrap().len(), 9);
    let again = run(f, "batch sweep.toml --out res");
    assert_says(
        &String::from_utf8_lossy(&again.stdout),
        &["3 solved, 9 solved before"],
    );
    assert_says(
        &String::from_utf8_lossy(&again.stderr),
        &[
            "left-0002.json is damaged",
            "right-0003.json is damaged",
            "solving it again",
        ],
    );

    // Other data for the problems on the right, other settings for all.
    write(&folder, "b.csv", "-3\n5\n");
    let again = run(f, "batch sweep.toml --out res");
    assert_says(
        &String::from_utf8_lossy(&again.stdout),
        &["6 solved, 6 solved before"],
    );
    assert_says(
        &String::from_utf8_lossy(&again.stderr),
        &["right-0001: its settings or data have changed"],
    );
    write(
        &folder,
        "sweep.toml",
        SWEEP.replace("std = 0.1", "std = 0.2"),
    );
    let again = run(f, "batch sweep.toml --out res");
    assert_says(
        &String::from_utf8_lossy(&again.stdout),
        &["12 solved, 0 solved before"],
    );
    write(
        &folder,
        "sweep.toml",
        SWEEP.replace("\"left\"", "\"middle\""),
    );
    let again = run(f, "batch sweep.toml --out res");
    assert_says(
        &String::from_utf8_lossy(&again.stderr),
        &["the list of problems has changed"],
    );
}

#[test]
fn a_problem_that_fails_does_not_keep_the_others_from_being_solved() {
    let folder = prepared();
    let f = folder.path();
    fs::remove_file(f.join("b.csv")).unwrap();
    let message = fail(f, "batch sweep.toml --out res", 3);
    assert_says(
        &message,
        &[
            "6 of 12 problems failed",
            "right-0001: sweep.toml, line 16: target=\"b.csv\": cannot read b.csv",
            "right-0006: sweep.toml, line 16: target=\"b.csv\": cannot read b.csv",
        ],
    );
    let told = run(f, "collect res");
    assert_says(
        &String::from_utf8_lossy(&told.stderr),
        &["right-0002 failed: sweep.toml, line 16: target=\"b.csv\": cannot read b.csv"],
    );
    assert_eq!(table(&f.join("res"))["lines"].as_array().unwrap().len(), 6);
    // Once the file is there, only these are left to do.
    write(&folder, "b.csv", "-3\n4\n");
    assert_says(
        &succeed(f, "batch sweep.toml --out res"),
        &["6 solved, 6 solved before, 0 failed"],
    );
}

#[test]
fn an_inversion_file_may_be_shared_and_long_x_have_a_file_of_their_own() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::create_dir(f.join("data")).unwrap();
    let lines: Vec<String> = (0..32).map(|i| ((i * i) % 7).to_string()).collect();
    write(&folder, "data/y.csv", lines.join("\n"));
    write(
        &folder,
        "data/heat.toml",
        "target = 'y.csv'\nsimulator = { name = 'heat' }\nnoise = { relative = 1e-2 }",
    );
    write(
        &folder,
        "many.toml",
        "inversion = 'data/heat.toml'\n[sweep]\nkind = 'random'\ncount = 3\nseed = 5\n\
         [sweep.over]\nnu_t = { from = 0.1, to = 2.0 }",
    );
    succeed(f, "batch many.toml");
    let results = f.join("runs/many/results");
    for i in 1..=3 {
        assert!(results.join(format!("point-000{i}.json")).exists());
        let x = fs::read(results.join(format!("point-000{i}.npy"))).unwrap();
        let x = npyz::NpyFile::new(&x[..]).unwrap();
        assert_eq!(x.into_vec::<f64>().unwrap().len(), 32);
    }
    // A result without its x is none.
    fs::remove_file(results.join("point-0002.npy")).unwrap();
    let again = run(f, "batch many.toml");
    assert_says(
        &String::from_utf8_lossy(&again.stderr),
        &["point-0002.json is damaged (its x is missing)"],
    );
    let json = succeed(f, "collect runs/many --json");
    let table: Value = serde_json::from_str(&json).unwrap();
    let values = |i: usize| table["lines"][i]["settings"][0].as_f64().unwrap();
    assert!(values(0) != values(1) && (0.1..2.0).contains(&values(2)));
}

#[test]
fn batches_that_cannot_be_are_refused_before_anything_is_done() {
    let folder = prepared();
    let f = folder.path();
    let with = |text: &str| {
        write(&folder, "wrong.toml", text);
        let message = fail(f, "batch wrong.toml --out none", 2);
        assert!(!f.join("none").exists(), "{message}");
        message
    };
    let head = SWEEP.split("[[problem]]").next().unwrap();
    for (text, parts) in [
        (
            head.to_owned(),
            &["the list of problems is empty", "[[problem]]"][..],
        ),
        (
            SWEEP.replace("\"rule.learning_rate\"", "\"rule.learning_rat\""),
            &["unknown key 'learning_rat' (did you mean 'learning_rate'?)"],
        ),
        (
            SWEEP.replace("\"rule.learning_rate\"", "\"alpa\""),
            &[
                "unknown key 'alpa' (did you mean 'alpha'?); known: alpha",
                "'alpha'",
            ],
        ),
        (
            SWEEP.replace("count = 3", "count = 1"),
            &["at least 2 points"],
        ),
        (
            SWEEP.replace("from = 1e-4", "from = 0.0"),
            &["a logarithmic scale needs both ends"],
        ),
        (
            SWEEP.replace("\"right\"", "\"left\""),
            &["two problems are called 'left-0001'"],
        ),
        (
            SWEEP.replace("[inversion]", "[inversoin]"),
            &["wrong.toml, line", "did you mean 'inversion'"],
        ),
        (
            SWEEP.replace("stop = { loss = 1e-9", "stop = { los = 1e-9"),
            &["unknown key 'los'"],
        ),
        (
            "inversion = 'gone.toml'\n[[problem]]\nname = 'a'".to_owned(),
            &["gone.toml", "No such file"],
        ),
        (
            "inversion = 3\n[[problem]]\nname = 'a'".to_owned(),
            &["inversion = 3", "a table [inversion]"],
        ),
    ] {
        assert_says(&with(&text), parts);
    }
    for shard in ["5/4", "0/4", "4", "1/0"] {
        let message = fail(f, &format!("batch sweep.toml --shard {shard}"), 2);
        assert_says(&message, &["with I from 1 to N, as in 1/4 to 4/4"]);
    }
    assert_says(
        &fail(f, "batch gone.toml", 2),
        &["gone.toml", "No such file"],
    );
    assert_says(
        &fail(f, "collect .", 2),
        &["batch.json", "`retrodict batch --out`"],
    );
    succeed(f, "batch sweep.toml --out res");
    write(&folder, "res/batch.json", "{");
    assert_says(&fail(f, "collect res", 2), &["batch.json", "damaged"]);
    fs::remove_dir_all(f.join("res")).unwrap();
    write(&folder, "res", "");
    assert_says(
        &fail(f, "batch sweep.toml --out res", 3),
        &["cannot write res", "it is not a folder"],
    );
}

#[test]
fn the_table_calls_parameters_by_their_names() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("decay.csv"), "3.02\n2.19\n1.76\n1.43\n1.29\n1.15\n").unwrap();
    fs::write(
        f.join("sweep.toml"),
        r#"
[inversion]
target = "decay.csv"
simulator = { name = "formula", formula = "a * exp(-k * t) + c", times = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0] }

[[inversion.parameter]]
name = "a"
start = 1.0

[[inversion.parameter]]
name = "k"
start = 1.0

[[inversion.parameter]]
name = "c"
tied = "a / 2"

[[inversion.derived]]
name = "half_life"
expression = "log(2) / k"

[sweep.over]
"noise.std" = [0.01, 0.05]
"#,
    )
    .unwrap();
    succeed(f, "batch sweep.toml --out runs");
    succeed(f, "collect runs");
    let csv = fs::read_to_string(f.join("runs/table.csv")).unwrap();
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    let end = [
        "a",
        "k",
        "c",
        "half_life",
        "a_deviation",
        "k_deviation",
        "c_deviation",
        "half_life_deviation",
    ];
    assert!(lines[0].ends_with(&end), "{csv}");
    let column = |name: &str| lines[0].iter().position(|known| *known == name).unwrap();
    for line in &lines[1..] {
        let value = |name: &str| line[column(name)].parse::<f64>().unwrap();
        assert!((value("half_life") / (2.0_f64.ln() / value("k")) - 1.0).abs() < 1e-9);
        assert!((value("c") / (0.5 * value("a")) - 1.0).abs() < 1e-9);
        let expected = 0.5 * value("a_deviation");
        assert!((value("c_deviation") / expected - 1.0).abs() < 1e-6);
    }
    let page = fs::read_to_string(f.join("runs/report.html")).unwrap();
    assert!(page.contains("<th>half_life</th>"));
    assert_eq!(table(&f.join("runs"))["lines"][0]["found"][1]["name"], "k");
}
