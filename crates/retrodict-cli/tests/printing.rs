//! Readers of the output who leave early, and places that take no output: an exit code, never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::{self, File};
use std::io::pipe;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::binary::retrodict;
use tempfile::tempdir;

/// Commands that print, and what they need in their folder.
const COMMANDS: [&str; 9] = [
    "--help",
    "solve --help",
    "--version",
    "list",
    "list --json",
    "run toy --out run",
    "solve sine --target y.csv -o x.csv",
    "solve sine --target y.csv -o x.csv --json",
    "check exp",
];

fn with(folder: &Path, words: &str, out: impl Into<Stdio>, err: impl Into<Stdio>) -> Output {
    fs::write(folder.join("y.csv"), "0.01\n1\n").unwrap();
    retrodict(folder)
        .args(words.split_whitespace())
        .stdout(out)
        .stderr(err)
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap()
}

#[test]
fn a_reader_who_left_ends_a_command_quietly() {
    for words in COMMANDS {
        let folder = tempdir().unwrap();
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output = with(folder.path(), words, writer, Stdio::piped());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(141), "{words}: {errors}");
        assert!(
            !errors.contains("panicked") && !errors.contains("retrodict:"),
            "{words}: {errors}"
        );
        // What was to be written is written all the same.
        let x = folder.path().join("x.csv");
        assert_eq!(words.contains("x.csv"), x.exists(), "{words}");
        let report = folder.path().join("run/report.html");
        assert_eq!(words.contains("run toy"), report.exists(), "{words}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_a_failure_that_is_told() {
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for words in COMMANDS.into_iter().chain(["serve heat --port 0"]) {
        let folder = tempdir().unwrap();
        let output = with(folder.path(), words, full(), Stdio::piped());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{words}: {errors}");
        assert!(
            errors.contains("cannot write to standard output: No space left"),
            "{words}: {errors}"
        );
    }
    // Where errors cannot be told, the exit code tells what it can.
    for (words, code) in [
        ("run nothing", 2),
        ("lisst", 2),
        ("run toy --out run", 0),
        ("solve sine --target nowhere.csv", 2),
    ] {
        let folder = tempdir().unwrap();
        let output = with(folder.path(), words, Stdio::null(), full());
        assert_eq!(output.status.code(), Some(code), "{words}");
    }
}
