//! Running the real binary in a folder of its own.

use std::path::Path;
use std::process::{Command, Output};

/// The binary, to be run in `folder`.
pub fn retrodict(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retrodict"));
    command.current_dir(folder);
    command
}

/// Runs it with words separated by blanks.
pub fn run(folder: &Path, words: &str) -> Output {
    retrodict(folder)
        .args(words.split_whitespace())
        .output()
        .unwrap()
}

/// Runs it, asserts that it succeeds, and returns what it printed.
pub fn succeed(folder: &Path, words: &str) -> String {
    let output = run(folder, words);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs it, asserts the exit code and that nothing panicked, and returns the messages.
pub fn fail(folder: &Path, words: &str, code: i32) -> String {
    let output = run(folder, words);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{words}: {errors}");
    assert!(!errors.contains("panicked"), "{words}: {errors}");
    errors
}
