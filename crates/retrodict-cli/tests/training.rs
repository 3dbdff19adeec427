//! `train`, `resume` and `predict`, through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::binary::{fail, retrodict, succeed};
use serde_json::Value;

/// Little data, so that a test is quick.
const SMALL: &str = "--set data.train=256 --set data.test=64";

fn start(folder: &Path, words: &str) -> Child {
    retrodict(folder)
        .args(words.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits for a checkpoint other than `before`, kills the process with SIGKILL, and asserts that it was not
/// done. Returns the checkpoint that is left.
fn kill_after_a_checkpoint(child: &mut Child, path: &Path, before: &[u8]) -> Vec<u8> {
    let begun = Instant::now();
    while fs::read(path).map_or(true, |bytes| bytes == before) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint");
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended without a new checkpoint"
        );
        sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "it ended before it was killed");
    let folder = path.parent().unwrap();
    assert!(!folder.join("epochs.csv").exists(), "it was done already");
    fs::read(path).unwrap()
}

/// The lines of `epochs.csv` without the seconds, which no two runs share.
fn epochs(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("epochs.csv")).unwrap();
    let timeless = |line: &str| {
        let mut fields: Vec<&str> = line.split(',').collect();
        fields.remove(4);
        fields.join(",")
    };
    text.lines().map(timeless).collect()
}

/// `summary.json` without the times.
fn summary(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("summary.json")).unwrap();
    let mut summary: Value = serde_json::from_str(&text).unwrap();
    for outcome in summary.as_array_mut().unwrap() {
        let outcome = outcome.as_object_mut().unwrap();
        assert!(outcome.remove("seconds").is_some() && outcome.remove("shares").is_some());
    }
    summary
}

/// A training that is killed, resumed, killed again and resumed leaves what it would have left in one go.
fn survives_being_killed(method: &str, epochs_in_all: u64, settings: &str) {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    let words =
        format!("train oscillators --compare {method} --epochs {epochs_in_all} {SMALL} {settings}");
    succeed(f, &format!("{words} --out whole"));

    let checkpoint = f.join(format!("killed/{method}-0.checkpoint"));
    let mut child = start(f, &format!("{words} --checkpoint 0s --out killed"));
    let first = kill_after_a_checkpoint(&mut child, &checkpoint, &[]);
    let mut child = start(f, "resume killed --checkpoint 0s");
    kill_after_a_checkpoint(&mut child, &checkpoint, &first);
    succeed(f, "resume killed");

    let weights = |of: &str| fs::read(f.join(of).join(format!("{method}-0.safetensors"))).unwrap();
    assert!(weights("whole") == weights("killed"), "the weights differ");
    let whole = epochs(&f.join("whole"));
    assert_eq!(whole.len() as u64, 2 + epochs_in_all);
    assert_eq!(whole, epochs(&f.join("killed")));
    assert_eq!(summary(&f.join("whole")), summary(&f.join("killed")));
    assert!(f.join("killed/report.html").exists());
}

#[test]
fn half_inverse_training_survives_being_killed() {
    survives_being_killed("hig", 60, "");
}

/// Adam remembers moments, which come from the checkpoint too.
#[test]
fn training_with_adam_survives_being_killed() {
    survives_being_killed("adam", 300, "--set adam.batch=32");
}

/// Stopped by Ctrl-C after 13864 of 30000 steps, in the middle of an epoch, by 0.1 before its checkpoints changed.
#[test]
fn a_training_that_an_earlier_version_left_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    let earlier = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/earlier-training");
    fs::create_dir(f.join("run")).unwrap();
    for name in ["plan.toml", "manifest.json", "sip-0.checkpoint"] {
        fs::copy(earlier.join(name), f.join("run").join(name)).unwrap();
    }
    succeed(f, "resume run");
    let [whole, resumed] = ["whole", "run"].map(|name| {
        if name == "whole" {
            succeed(f, "train run/plan.toml --out whole");
        }
        let summary = summary(&f.join(name));
        assert_eq!(summary[0]["steps"], 30_000);
        assert_eq!(summary[0]["status"], "step-limit");
        summary[0]["loss"].as_f64().unwrap()
    });
    // The rule's memory went on too: without it the rest would end elsewhere. Other machines may round otherwise.
    assert!((whole - resumed).abs() <= 1e-9 * whole, "{whole} {resumed}");
}

#[test]
fn a_training_that_is_done_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    let words = format!("train oscillators --compare hig --epochs 1 {SMALL} --out run");
    succeed(f, &words);
    let before = fs::read(f.join("run/hig-0.safetensors")).unwrap();
    succeed(f, "resume run");
    assert!(before == fs::read(f.join("run/hig-0.safetensors")).unwrap());
    let message = fail(f, &words, 2);
    assert!(message.contains("retrodict resume run"), "{message}");
}

#[test]
fn a_method_may_take_another_search_and_goes_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    let train = |settings: &str| {
        let words = format!("train oscillators --compare adam --epochs 2 {SMALL} {settings}");
        let out = settings.len().to_string();
        let printed = succeed(f, &format!("{words} --out {out}"));
        (printed, summary(&f.join(out))[0].clone())
    };
    // Steps that are far too long, which the search shortens.
    let long = "--set adam.learning_rate=1.0";
    let search = &format!("{long} --set adam.search=backtracking --set adam.search.decrease=0.5");
    let (printed, searched) = train(search);
    assert!(
        printed.contains("adam: adam with the search backtracking"),
        "{printed}"
    );
    assert_eq!(searched["search"], "backtracking");
    let (_, whole) = train(long);
    assert_eq!(whole.get("search"), None);
    assert!(searched["loss"].as_f64() < whole["loss"].as_f64());
    let plan = f.join(search.len().to_string()).join("plan.toml");
    let plan = fs::read_to_string(plan).unwrap();
    assert!(
        plan.contains("[method.search]\nname = \"backtracking\"\ndecrease = 0.5"),
        "{plan}"
    );
    let wrong = |settings: &str, code| {
        fail(
            f,
            &format!("train oscillators --compare adam {settings} --out wrong"),
            code,
        )
    };
    let message = wrong("--set adam.search=wolf", 2);
    assert!(
        message.contains("unknown search 'wolf' (did you mean 'wolfe'?)"),
        "{message}"
    );
    let message = wrong("--set adam.search=full --set adam.rule=lm", 2);
    assert!(
        message.contains("finds the length of its steps itself"),
        "{message}"
    );
}

/// The lines of a printed table whose first column is a number.
fn table(printed: &str) -> Vec<Vec<String>> {
    let split = |line: &str| -> Vec<String> {
        let fields = line.split("  ").map(str::trim).filter(|f| !f.is_empty());
        fields.map(str::to_owned).collect()
    };
    let lines = printed.lines().map(split);
    lines
        .filter(|fields| fields.first().is_some_and(|f| f.parse::<usize>().is_ok()))
        .collect()
}

fn numbers(path: &Path) -> Vec<f64> {
    let text = fs::read_to_string(path).unwrap();
    let words = text.split(|c: char| c == ',' || c.is_whitespace());
    words
        .filter(|w| !w.is_empty())
        .map(|w| w.parse().unwrap())
        .collect()
}

#[test]
fn a_network_is_applied_to_data_and_its_answer_polished() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    // With the cubic spring, so that one step does not solve it.
    succeed(
        f,
        &format!(
            "train oscillators --compare adam,hig --epochs 2 {SMALL} --set simulator.alpha=0.25 --out run"
        ),
    );
    fs::write(f.join("y.csv"), "0.1,0.9,0.4,0.6\n0.8,0.2,0.5,0.3\n").unwrap();
    let printed = succeed(f, "predict run --target y.csv -o x.csv");
    assert!(
        printed.contains("by hig"),
        "the one with the least loss: {printed}"
    );
    let lines = table(&printed);
    assert_eq!(lines.len(), 2, "{printed}");
    let losses: Vec<f64> = lines.iter().map(|l| l[1].parse().unwrap()).collect();

    // What it wrote leads to the loss that it printed.
    let x = numbers(&f.join("x.csv"));
    assert_eq!(x.len(), 2 * 24);
    for (i, target) in [[0.1, 0.9, 0.4, 0.6], [0.8, 0.2, 0.5, 0.3]]
        .iter()
        .enumerate()
    {
        let lines: Vec<String> = x[24 * i..24 * (i + 1)].iter().map(f64::to_string).collect();
        fs::write(f.join("one.csv"), lines.join("\n")).unwrap();
        let initial = target.map(|v| v.to_string()).join(",");
        succeed(
            f,
            &format!(
                "simulate oscillators --input one.csv -o y1.csv --set masses=2 --set steps=24 --set dt=0.5 \
                 --set kappa=0.2 --set alpha=0.25 --set strength=1.0 --set initial=[{initial}]"
            ),
        );
        let y = numbers(&f.join("y1.csv"));
        let loss: f64 = y.iter().zip(target).map(|(a, b)| (a - b) * (a - b)).sum();
        assert!((loss - losses[i]).abs() <= 1e-3 * loss, "{loss} {printed}");
    }

    // Polished, it is better, and the file holds the better x.
    let printed = succeed(
        f,
        "predict run --target y.csv -o x2.csv --refine 4 --rule limited-memory-bfgs --compare-cold",
    );
    assert!(printed.contains("after limited-memory-bfgs"), "{printed}");
    assert!(
        printed.contains("from zeros") && printed.contains("steps to the same loss"),
        "{printed}"
    );
    assert!(numbers(&f.join("x2.csv")) != x);
    let lines = table(&printed);
    assert_eq!(lines.len(), 2, "{printed}");
    for (line, before) in lines.iter().zip(&losses) {
        let [_, start, after, steps, cold, long] = line.as_slice() else {
            panic!("{printed}");
        };
        let number = |text: &str| text.parse::<f64>().unwrap();
        assert_eq!(number(start), *before);
        assert!(number(after) < 0.1 * before, "{printed}");
        assert!(number(steps) <= 4.0, "{printed}");
        assert!(
            number(cold) > number(after),
            "the network's start is the better one: {printed}"
        );
        assert!(number(long) > number(steps), "{printed}");
    }

    let printed = succeed(f, "predict run --method adam --target y.csv -o x.csv");
    assert!(printed.contains("by adam"), "{printed}");
    let printed = succeed(f, "predict run/adam-0.safetensors --target y.csv -o x3.csv");
    assert!(printed.contains("by adam"), "{printed}");
    assert_eq!(numbers(&f.join("x.csv")), numbers(&f.join("x3.csv")));
    // A rule that has no place here is refused, not told of each sample.
    let words = "predict run --target y.csv --refine 2 --rule inverse-simulator";
    let message = fail(f, words, 2);
    assert!(message.contains("needs a local inverse"), "{message}");
    let message = fail(f, "predict run --method adm --target y.csv", 2);
    assert!(message.contains("did you mean 'adam'"), "{message}");
    fs::write(f.join("y.csv"), "1,2,3\n").unwrap();
    let message = fail(f, "predict run --target y.csv", 2);
    assert!(message.contains("4 values"), "{message}");
}

#[test]
fn a_network_is_used_far_from_its_training() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    let elsewhere = f.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    // What the network sees is not y*.
    fs::write(
        f.join("plan.toml"),
        r#"
            simulator = { name = "exp", size = 1 }
            network = { name = "mlp", hidden = [4] }
            stop = { epochs = 2 }
            data = { draw = { kind = "waves", frequencies = [1.0], low = 0.0, high = 1.0 }, train = 8, test = 2 }
            [[method]]
            name = "adam"
            strategy = "end-to-end"
            rule = "adam"
            batch = 4
        "#,
    )
    .unwrap();
    succeed(f, "train plan.toml --out run");
    fs::rename(
        f.join("run/adam-0.safetensors"),
        elsewhere.join("net.safetensors"),
    )
    .unwrap();
    fs::remove_dir_all(f.join("run")).unwrap();
    let e = elsewhere.as_path();
    fs::write(e.join("t.csv"), "0.2\n0.7\n").unwrap();
    fs::write(e.join("y.csv"), "1.1\n1.5\n").unwrap();

    let message = fail(e, "predict net.safetensors --target y.csv", 2);
    assert!(
        message.contains("does not see y*, but 't'") && message.contains("--input"),
        "{message}"
    );
    let message = fail(e, "predict net.safetensors --input t.csv --refine 3", 2);
    assert!(message.contains("--target FILE"), "{message}");
    let printed = succeed(e, "predict net.safetensors --input t.csv -o alone.csv");
    assert!(!printed.contains("loss"), "{printed}");
    let words = "predict net.safetensors --input t.csv --target y.csv -o both.csv --json";
    let told: Value = serde_json::from_str(&succeed(e, words)).unwrap();
    assert_eq!(told["method"], "adam");
    assert_eq!(told["training"]["epochs"], 2);
    let x = numbers(&e.join("both.csv"));
    assert_eq!(x, numbers(&e.join("alone.csv")));
    for (i, (x, y)) in x.iter().zip([1.1, 1.5]).enumerate() {
        let loss = told["samples"][i]["loss"].as_f64().unwrap();
        let expected = (x.exp() - y) * (x.exp() - y);
        assert!(
            (loss / expected - 1.0).abs() < 1e-9 || (loss / expected - 0.5).abs() < 1e-9,
            "{told}"
        );
    }
    fs::write(e.join("y.csv"), "1.1\n1.5\n1.7\n").unwrap();
    let message = fail(e, words, 2);
    assert!(
        message.contains("3 samples") && message.contains("holds 2"),
        "{message}"
    );
    let told = succeed(e, "inspect net.safetensors");
    assert!(
        told.contains("sees") && told.contains("--input FILE"),
        "{told}"
    );
}

#[test]
fn several_seeds_leave_a_network_each_and_their_spread() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    let words = format!("train oscillators --compare hig --epochs 2 --seeds 2 {SMALL}");
    let printed = succeed(f, &format!("{words} --out run"));
    assert!(
        printed.contains("over 2 seeds:") && printed.contains("upper quartile"),
        "{printed}"
    );
    let read = |name: &str| fs::read(f.join("run").join(name)).unwrap();
    assert!(read("hig-0.checkpoint") != read("hig-1.checkpoint"));
    assert!(read("hig-0.safetensors") != read("hig-1.safetensors"));
    let report = String::from_utf8(read("report.html")).unwrap();
    assert!(
        report.contains("medians over 2 seeds, bands reach from the lower to the upper quartile")
    );
    assert!(
        report.contains("\"fill\":\"toself\""),
        "the range is drawn as a band"
    );

    let json = succeed(f, &format!("{words} --json --out again"));
    let outcomes: Value = serde_json::from_str(&json).unwrap();
    let outcomes = outcomes.as_array().unwrap();
    let seeds: Vec<u64> = outcomes
        .iter()
        .map(|o| o["seed"].as_u64().unwrap())
        .collect();
    assert_eq!(seeds, [0, 1]);
    assert!(
        outcomes
            .iter()
            .all(|o| o["method"] == "hig" && o["epochs"] == 2)
    );
    assert!(outcomes[0]["loss"] != outcomes[1]["loss"]);
    assert_eq!(summary(&f.join("run")), summary(&f.join("again")));
}
