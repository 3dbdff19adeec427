//! What Ctrl-C, SIGTERM, time limits and kills leave, through the real binary.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use crate::binary::{fail, retrodict, run, succeed};

/// No command takes longer than this to end once it is told to; 2 s where nothing else runs.
const SOON: Duration = Duration::from_secs(30);

fn start(folder: &Path, words: &str) -> Child {
    retrodict(folder)
        .args(words.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn signal(child: &Child, name: &str) {
    let told = std::process::Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status();
    assert!(told.unwrap().success());
}

/// Waits for the end, which must come soon.
fn end(child: &mut Child) -> ExitStatus {
    let clock = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if clock.elapsed() > SOON {
            child.kill().unwrap();
            panic!("it does not end");
        }
        sleep(Duration::from_millis(10));
    }
}

/// A checkerboard of n × n values: its edges are what total variation is for.
fn board(folder: &Path, n: usize) {
    let line = |i: usize| {
        let value = |j: usize| ((i / 16 + j / 16) % 2).to_string();
        (0..n).map(value).collect::<Vec<_>>().join(",")
    };
    let lines: Vec<String> = (0..n).map(line).collect();
    fs::write(folder.join("x.csv"), lines.join("\n")).unwrap();
    let blur = "simulate heat --input x.csv --set nu_t=2 --noise 1e-3 -o y.npy";
    succeed(folder, blur);
}

const WEIGHED: &str = "solve heat --target y.npy --set nu_t=2 --noise 1e-3 \
                       --prior total-variation:weight=cross-validation";

/// Minutes of work, of which a second is enough to be in the middle.
#[test]
fn the_choice_of_a_weight_is_interrupted_and_chosen_anew() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    board(f, 160);
    let mut child = start(f, &format!("{WEIGHED} --out here -o o.npy --json"));
    sleep(Duration::from_secs(1));
    signal(&child, "INT");
    assert_eq!(end(&mut child).code(), Some(3));
    let output = child.wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let answer = &told["fields"][0];
    assert_eq!(
        (&answer["status"], &answer["steps"]),
        (&"cancelled".into(), &0.into())
    );
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("the weight of the prior"), "{message}");
    assert!(f.join("o.npy").exists() && f.join("here/result.json").exists());
    // There is no loss yet; what is written is read again all the same.
    assert!(answer["loss"].is_null(), "{answer}");
    succeed(f, "report here");

    let clock = Instant::now();
    let limited = run(f, &format!("{WEIGHED} -o o.npy --time 1s --json"));
    assert!(clock.elapsed() < SOON);
    assert!(limited.status.success());
    let told: Value = serde_json::from_slice(&limited.stdout).unwrap();
    assert_eq!(told["fields"][0]["status"], "time-limit");

    // What was not chosen is chosen when the inversion goes on.
    let mut child = start(f, "resume here --json");
    sleep(Duration::from_secs(1));
    signal(&child, "TERM");
    assert_eq!(end(&mut child).code(), Some(3));

    // A kill leaves no time to keep anything, and still no dead end; what is solved is called as before.
    let mut child = start(f, &format!("{WEIGHED} --out killed"));
    sleep(Duration::from_secs(1));
    child.kill().unwrap();
    child.wait().unwrap();
    let title = |out: &str| -> Value {
        let text = fs::read(f.join(out).join("manifest.json")).unwrap();
        serde_json::from_slice::<Value>(&text).unwrap()["title"].clone()
    };
    let mut child = start(f, "resume killed");
    sleep(Duration::from_secs(1));
    signal(&child, "INT");
    assert_eq!(end(&mut child).code(), Some(3));
    assert_eq!(title("killed"), "heat from y.npy");
    assert_eq!(title("here"), title("killed"));
}

/// A checkpoint may be large, and a second Ctrl-C ends the process at once.
#[test]
fn x_is_written_before_the_checkpoint_of_an_interruption() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    board(f, 256);
    let words = "solve heat --target y.npy --set nu_t=2 --prior tikhonov:order=1,weight=1e-4 \
                 --method limited-memory-bfgs --steps 100000 --stop gradient=1e-300 --out here";
    let mut child = start(f, words);
    sleep(Duration::from_secs(1));
    signal(&child, "INT");
    assert_eq!(end(&mut child).code(), Some(3));
    let written = |name: &str| {
        let facts = fs::metadata(f.join("here").join(name)).unwrap();
        facts.modified().unwrap()
    };
    assert!(written("x.npy") <= written("inversion.checkpoint"));
    let run = |out: &str| -> Value {
        serde_json::from_slice(&fs::read(f.join(out).join("result.json")).unwrap()).unwrap()
    };
    let (steps, loss) = (&run("here")[0]["steps"], &run("here")[0]["loss"]);
    let more = steps.as_u64().unwrap() + 3;
    // The checkpoint is that of the last step: it goes on from there, as if it had never been stopped.
    let limit = format!("--steps {more} --stop gradient=1e-300");
    succeed(f, "resume here --steps 3 --set stop.gradient=1e-300");
    let words = words.replace("--steps 100000 --stop gradient=1e-300", &limit);
    succeed(f, &words.replace("here", "whole"));
    assert_eq!(run("here")[0]["loss"], run("whole")[0]["loss"]);
    assert!(run("here")[0]["loss"].as_f64() < loss.as_f64());
}

/// What was refined is kept, and the network's x of the rest.
#[test]
fn a_prediction_that_is_interrupted_keeps_what_it_has() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    let train =
        "train oscillators --epochs 1 --method hig --threads 1 --set simulator.alpha=0.25 --out t";
    succeed(f, train);
    let samples = 200_000;
    let line = |i: usize| format!("0.1,0.9,0.4,{}\n", 0.3 + 0.4 * i as f64 / samples as f64);
    fs::write(f.join("y.csv"), (0..samples).map(line).collect::<String>()).unwrap();
    succeed(f, "predict t --target y.csv -o x.npy");
    let of_network = fs::read(f.join("x.npy")).unwrap();
    let mut child = retrodict(f)
        .args("predict t --target y.csv -o refined.npy --refine 1000".split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    sleep(Duration::from_secs(1));
    signal(&child, "INT");
    assert_eq!(end(&mut child).code(), Some(3));
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("x is the network's, not refined"), "{told}");
    let refined = fs::read(f.join("refined.npy")).unwrap();
    assert_eq!(refined.len(), of_network.len());
    let (first, last) = (of_network.len() / 1000, of_network.len() * 999 / 1000);
    assert!(refined[128..first] != of_network[128..first]);
    assert!(refined[last..] == of_network[last..]);
}

#[test]
fn a_training_that_is_stopped_says_so_and_goes_on_bit_for_bit() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    let words = "train oscillators --epochs 3 --method hig --threads 1";
    succeed(f, &format!("{words} --out whole"));
    let mut child = start(f, &format!("{words} --out here"));
    while !f.join("here/plan.toml").exists() {
        sleep(Duration::from_millis(1));
    }
    signal(&child, "TERM");
    let mut code = end(&mut child).code();
    if f.join("here/summary.json").exists() {
        succeed(f, "report here");
    }
    let mut stops = 0;
    while code != Some(0) {
        assert_eq!(code, Some(3));
        stops += 1;
        assert!(stops < 1000, "it never gets on");
        let mut child = start(f, "resume here --threads 1");
        sleep(Duration::from_millis(150 + 40 * stops));
        signal(&child, "INT");
        code = end(&mut child).code();
    }
    assert!(stops > 1);
    let weights = |of: &str| fs::read(f.join(of).join("hig-0.safetensors")).unwrap();
    assert!(weights("whole") == weights("here"));
    // Steps, losses and scores of each epoch; the third column holds seconds.
    let epochs = |of: &str| -> Vec<Vec<String>> {
        let text = fs::read_to_string(f.join(of).join("epochs.csv")).unwrap();
        let header: Vec<String> = text
            .lines()
            .next()
            .unwrap()
            .split(',')
            .map(str::to_owned)
            .collect();
        let timed = |i: usize| header[i] == "seconds";
        let line = |line: &str| {
            let cells = line.split(',').enumerate();
            cells
                .filter(|(i, _)| !timed(*i))
                .map(|(_, c)| c.to_owned())
                .collect()
        };
        text.lines().map(line).collect()
    };
    assert_eq!(epochs("whole"), epochs("here"));
}

#[test]
fn a_folder_that_a_kill_left_unfinished_is_no_dead_end() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    let words = "train oscillators --epochs 1 --method hig --threads 1 --out t";
    succeed(f, words);
    let weights = fs::read(f.join("t/hig-0.safetensors")).unwrap();
    let message = fail(f, words, 2);
    assert!(message.contains("retrodict resume t"), "{message}");
    for kept in [
        &["plan.toml"][..],
        &["manifest.json"],
        &["manifest.json", "plan.toml"],
    ] {
        for entry in fs::read_dir(f.join("t")).unwrap().flatten() {
            if !kept.contains(&entry.file_name().to_str().unwrap()) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        if kept.len() == 2 {
            succeed(f, "resume t --threads 1");
        } else {
            let message = fail(f, "resume t", 2);
            assert!(message.contains("t"), "{message}");
            succeed(f, words);
        }
        assert!(fs::read(f.join("t/hig-0.safetensors")).unwrap() == weights);
    }
}

/// The next run in a folder removes what one that was killed had begun to write.
#[test]
fn what_a_killed_run_left_is_removed() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("y.csv"), "0.4\n0.7\n").unwrap();
    let list = "[inversion]\nsimulator = { name = \"exp\" }\ntarget = \"y.csv\"\n[[problem]]\nname = \"one\"\n";
    fs::write(f.join("list.toml"), list).unwrap();
    let litter = |of: &str| {
        for name in ["x.npy.4294967294.tmp", ".writable-4294967294"] {
            fs::write(f.join(of).join(name), "half").unwrap();
        }
    };
    let clean = |of: &str| {
        let names = fs::read_dir(f.join(of)).unwrap().flatten();
        let left: Vec<_> = names
            .map(|e| e.file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".tmp") || name.starts_with(".writable"))
            .collect();
        assert!(left.is_empty(), "{of}: {left:?}");
    };
    let solve = "solve exp --target y.csv --steps 2 --out s";
    fs::create_dir(f.join("s")).unwrap();
    for words in [solve, "resume s --steps 1"] {
        litter("s");
        succeed(f, words);
        clean("s");
    }
    for words in ["batch list.toml --out b", "collect b"] {
        fs::create_dir_all(f.join("b/results")).unwrap();
        litter("b");
        succeed(f, words);
        clean("b");
    }
    let train = "train oscillators --epochs 1 --method hig --threads 1 --out t";
    fs::create_dir(f.join("t")).unwrap();
    for words in [train, "resume t --threads 1"] {
        litter("t");
        succeed(f, words);
        clean("t");
    }
}

/// Commands that have nothing to keep end with the same code, and say nothing that was not found.
#[test]
fn a_check_that_is_interrupted_blames_nobody() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    let mut child = start(f, "check heat --set shape=[1500,1500]");
    sleep(Duration::from_millis(300));
    signal(&child, "INT");
    assert_eq!(end(&mut child).code(), Some(3));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("interrupted before it was done"), "{said}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("FAIL"));
}
