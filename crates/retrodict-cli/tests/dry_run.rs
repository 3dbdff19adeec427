//! `solve --dry-run`: what would be done is told, as a run does it; nothing is solved, and nothing is written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use crate::binary::{fail, run, succeed};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// The infected of an epidemic with rates 0.8 and 0.25, with noise of about 0.01.
const INFECTED: &str =
    "0.0309\n0.0452\n0.0499\n0.0723\n0.1122\n0.1750\n0.2252\n0.2721\n0.3171\n0.3261\n";

const FILE: &str = r#"
target = "infected.csv"
simulator = { name = "sir", observe = [1], times = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0] }
noise = { parameter = "sigma" }
profile = ["R0"]
stop = { steps = 40, time = "1m" }

[[parameter]]
name = "contact"
start = 0.6
unit = "1/day"
prior = { median = 0.7, log_std = 0.5 }

[[parameter]]
name = "recovery"
start = 0.3
lower = 0.0
upper = 2.0

[[derived]]
name = "R0"
expression = "contact / recovery"
"#;

fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("infected.csv", INFECTED);
    write("one.toml", FILE);
    write("y.csv", "0.4\n0.7\n");
    write("gaps.csv", "0.4\nNA\n");
    write("plate.csv", "1,2,3\n4,5,6\n7,8,10\n");
    folder
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn json(folder: &Path, words: &str) -> Value {
    serde_json::from_str(&succeed(folder, words)).unwrap()
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_resolved_problem_is_told_and_nothing_is_written() {
    let folder = folder();
    let before = names(folder.path());
    let text = succeed(
        folder.path(),
        "solve one.toml --parameter contact:log --out run --dry-run",
    );
    assert_eq!(names(folder.path()), before);
    let text = flat(&text);
    for part in [
        "nothing is solved, and nothing is written",
        "simulator sir: ",
        "observe = [1]",
        "times = [1.0, 2.0, 3.0, 4.0, …] (10 values)",
        "unknowns 3",
        "contact 0.6000 1/day log median 0.7, log_std 0.5",
        "derived R0 = contact / recovery",
        "data infected.csv: ",
        "10 observed, 0 missing; from 0.03090 to 0.3261",
        "noise level the parameter sigma is the noise level (gaussian)",
        "method levenberg-marquardt: chosen because J is small enough",
        "search a trust region of the rule itself",
        "after at most 40 steps; after 60.0 s for each field",
        "profile likelihoods of R0 at 95 %",
        "cost 3 unknowns, 10 data; J: exact products",
        "one evaluation",
        "estimate of a step, from the first update (3 jvp)",
        "output everything to the folder run",
    ] {
        assert!(text.contains(part), "no '{part}' in {text}");
    }
    // What is fixed and what is tied are no unknowns.
    let text = flat(&succeed(
        folder.path(),
        "solve one.toml --parameter recovery:fixed=0.25 --parameter sigma:tied=contact/50 --dry-run",
    ));
    for part in [
        "unknowns 1",
        "recovery 0.2500 1/day fixed",
        "tied: contact/50",
    ] {
        assert!(text.contains(part), "no '{part}' in {text}");
    }
    assert_eq!(names(folder.path()), before);
}

#[test]
fn json_holds_the_same_and_agrees_with_a_run() {
    let folder = folder();
    let dry = json(folder.path(), "solve one.toml --dry-run --json");
    let first = json(folder.path(), "solve one.toml --steps 1 --json -o x.npy");
    assert_eq!(dry["dry_run"], true);
    assert_eq!(dry["method"]["name"], first["method"]);
    assert_eq!(dry["method"]["reason"], first["method_reason"]);
    let counts = &first["fields"][0]["counts"];
    assert_eq!(dry["cost"]["update"]["jvp"], counts["jvp"]);
    assert_eq!(dry["unknowns"]["count"], 3);
    let contact = &dry["unknowns"]["parameters"][0];
    assert_eq!(
        (
            &contact["name"],
            &contact["unit"],
            contact["start"].as_f64()
        ),
        (&"contact".into(), &"1/day".into(), Some(0.6))
    );
    let recovery = &dry["unknowns"]["parameters"][1];
    assert_eq!(
        (recovery["lower"].as_f64(), recovery["upper"].as_f64()),
        (Some(0.0), Some(2.0))
    );
    assert_eq!(
        (&dry["data"]["observed"], &dry["data"]["missing"]),
        (&10.into(), &0.into())
    );
    assert_eq!(dry["noise"]["level"], "fitted");
    assert_eq!(dry["stop"]["criteria"]["steps"], 40);
    assert_eq!(dry["after"]["profiles"][0], "R0");
    for key in [
        "forward_seconds",
        "jvp_seconds",
        "vjp_seconds",
        "step_seconds",
    ] {
        assert!(dry["cost"][key].as_f64().unwrap() > 0.0, "{key}");
    }
    // The loss is that at the start.
    let none = json(folder.path(), "solve one.toml --steps 0 --json -o x.npy");
    assert_eq!(dry["cost"]["start_loss"], none["fields"][0]["loss"]);
}

#[test]
fn noise_gaps_priors_and_fields_are_told_as_they_are() {
    let folder = folder();
    let solve = |words: &str| flat(&succeed(folder.path(), &format!("solve {words} --dry-run")));
    for (words, parts) in [
        (
            "sine --target gaps.csv --missing --noise-std 0.1 --method gauss-newton --search full",
            &[
                "1 observed, 1 missing; from 0.4000 to 0.4000",
                "given: one for all data (noise.std); σ 0.1000",
                "method gauss-newton: given",
                "search full (given)",
                "once χ²/N ≤ 1.1, which was set because",
            ][..],
        ),
        (
            "heat --target plate.csv --prior tikhonov:order=1,weight=gcv --bounds 0, --no-statistics",
            &[
                "options set: shape = [3, 3]",
                "unknowns 9 name start lower",
                "prior tikhonov with order = 1; regularisation parameter chosen from the data by cross-validation",
                "estimated from the residuals after the fit",
                "afterwards no statistics, as was asked for",
            ],
        ),
        (
            "sine --target y.csv --starts 5 --spread 0.5 --seed 3 --noise 0.1 --prior gaussian:weight=0.2",
            &[
                "from 5 starts: the first, and others drawn with a spread of 0.5, seed 3",
                "0.1 of the root mean square of the data",
                "prior gaussian; regularisation parameter 0.2, given",
            ],
        ),
    ] {
        let text = solve(words);
        for part in parts {
            assert!(text.contains(part), "{words}: no '{part}' in {text}");
        }
    }
    // Of many unknowns there is one line.
    let rows = vec![["1.5"; 6].join(","); 6].join("\n");
    fs::write(folder.path().join("many.csv"), rows).unwrap();
    let text = solve("heat --target many.csv");
    let part = "unknowns 36: ";
    assert!(
        text.contains(part) && text.contains("of shape 6 × 6"),
        "{text}"
    );
    assert!(
        text.contains("start 0; lower bound none; upper bound none"),
        "{text}"
    );
}

#[test]
fn every_rule_is_asked_for_its_first_update() {
    let folder = folder();
    let lists = json(folder.path(), "list rules --json");
    let rules: Vec<String> = lists["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(rules.len() > 10, "{rules:?}");
    for rule in rules {
        let words = format!("solve sine --target y.csv --method {rule} --json");
        let dry = json(folder.path(), &format!("{words} --dry-run"));
        let first = json(
            folder.path(),
            &format!("{words} --steps 1 --no-statistics -o x.npy"),
        );
        let (update, step) = (&dry["cost"]["update"], &first["fields"][0]["counts"]);
        for kind in ["jvp", "vjp", "inverse", "second_order"] {
            let (update, step) = (update[kind].as_u64().unwrap(), step[kind].as_u64().unwrap());
            assert!(update <= step, "{rule}, {kind}: {update} of {step}");
        }
    }
}

#[test]
fn what_a_run_refuses_is_refused_in_the_same_words() {
    let folder = folder();
    fs::write(folder.path().join("file"), "no folder").unwrap();
    for words in [
        "solve sin --target y.csv",
        "solve sine",
        "solve sine --target none.csv",
        "solve sine --target infected.csv",
        "solve sine --target gaps.csv",
        "solve sine --target y.csv --set xy=1",
        "solve sine --target y.csv --bounds 2,1",
        "solve sine --target y.csv --noise -1",
        "solve sine --target y.csv --stop discrepancy",
        "solve sine --target y.csv --method newtn",
        "solve sine --target y.csv --method lm --search full",
        "solve sine --target y.csv --bounds 0,1 --method inverse-simulator",
        "solve sine --target y.csv --prior tikhonov:weight=discrepancy",
        "solve sine --target y.csv --prior tikhonov:weight=gcv --prior tv",
        "solve sine --target y.csv --posterior",
        "solve sine --target y.csv --out file",
        "solve sine --target y.csv --json -o -",
        "solve formula --set formula=a/b --target y.csv --set times=[0,1] --parameter a:start=1 --parameter b:start=0",
        "solve one.toml --constraint contact<=1 --method adam --parameter contact:transform=none",
        "solve one.toml --profile R1",
        "solve --command false --inputs 2 --outputs 2 --target y.csv",
    ] {
        let dry = run(folder.path(), &format!("{words} --dry-run"));
        let wet = run(folder.path(), words);
        let errors =
            |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!wet.status.success(), "{words} succeeds");
        assert_eq!(
            dry.status.code(),
            wet.status.code(),
            "{words}: {}",
            errors(&dry)
        );
        assert_eq!(errors(&dry), errors(&wet), "{words}");
    }
    // A folder that is taken.
    succeed(folder.path(), "solve sine --target y.csv --out taken");
    let message = fail(
        folder.path(),
        "solve sine --target y.csv --out taken --dry-run",
        2,
    );
    assert!(
        message.contains("already contains an inversion"),
        "{message}"
    );
}

/// The words of a text, without the times that no two runs share.
fn timeless(text: &str) -> Vec<&str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_unit = |word: &&str| ["s", "ms", "µs"].contains(&word.trim_end_matches([',', ';']));
    let measured = |i: usize| words.get(i + 1).is_some_and(is_unit) || is_unit(&words[i]);
    (0..words.len())
        .filter(|i| !measured(*i))
        .map(|i| words[i])
        .collect()
}

#[test]
fn the_book_shows_what_is_printed() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/your-data.md");
    let page = fs::read_to_string(page).unwrap();
    let block = |head: &str| {
        let start = page.find(head).expect(head);
        page[start..].split("```").next().unwrap().to_owned()
    };
    let folder = tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("rates.csv", "0.55\n0.028\n0.8\n0.024\n");
    write("pelts.toml", &block("# pelts.toml"));
    succeed(
        folder.path(),
        "simulate lotka-volterra --input rates.csv --noise 0.05 -o pelts.csv",
    );
    let printed = succeed(folder.path(), "solve pelts.toml --dry-run");
    let shown = block("dry run: nothing is solved");
    assert_eq!(timeless(&shown), timeless(&printed), "{printed}");
}
