//! Programs as simulators, and what is said of those that fail.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use retrodict::models::external::{Format, ProgramOptions};
use retrodict::options::Build;
use retrodict::{Simulator, check};

/// y = (x₁ x₂, x₁ + x₂³), by awk from JSON to JSON.
const MODEL: &str = r#"sh -c "tr -d '[]' < {input} | tr ',' ' ' |
    awk '{ printf \"[%.17g, %.17g]\", \$1 * \$2, \$1 + \$2 ^ 3 }' > {output}""#;

/// Its J.
const JACOBIAN: &str = r#"sh -c "tr -d '[]' < {input} | tr ',' ' ' |
    awk '{ printf \"[[%.17g, %.17g], [1, %.17g]]\", \$2, \$1, 3 * \$2 ^ 2 }' > {output}""#;

fn program(command: &str) -> ProgramOptions {
    ProgramOptions::default()
        .with_command(command.to_owned())
        .with_inputs(2)
        .with_outputs(2)
        .with_format(Format::Json)
        .with_timeout(60.0)
}

#[test]
fn a_program_is_a_simulator() {
    let exact = Some(JACOBIAN.to_owned());
    for (jacobian, note) in [
        (None, Some("central differences, 4 evaluations")),
        (exact, None),
    ] {
        let simulator = program(MODEL).with_jacobian(jacobian).build().unwrap();
        let mut y = [0.0; 2];
        simulator.forward(&[3.0, 0.5], &mut y).unwrap();
        assert_eq!(y, [1.5, 3.125]);
        let mut dy = [0.0; 2];
        simulator.jvp(&[3.0, 0.5], &[1.0, 2.0], &mut dy).unwrap();
        for (found, expected) in dy.iter().zip([0.5 + 6.0, 1.0 + 2.0 * 0.75]) {
            assert!((found - expected).abs() < 1e-9, "{dy:?}");
        }
        let said = simulator.describe().approximation.map(|how| how.note);
        match (&said, note) {
            (Some(said), Some(part)) => assert!(said.contains(part), "{said}"),
            (said, part) => assert_eq!(said.as_deref(), part),
        }
        let shared: Arc<dyn Simulator> = Arc::new(simulator);
        for check in check::simulator(&shared, &[0.7, -0.4], 1) {
            assert!(check.passed, "{check:?}");
        }
    }
}

#[test]
fn each_call_has_a_private_folder_that_goes_away() {
    let notes = tempfile::tempdir().unwrap();
    let note = notes.path().join("seen");
    let command = format!(
        r#"sh -c "ls -ld $(dirname {{input}}) > {0}; dirname {{input}} >> {0}; cp {{input}} {{output}}""#,
        note.display()
    );
    let simulator = program(&command).build().unwrap();
    let mut y = [0.0; 2];
    simulator.forward(&[1.0, 2.0], &mut y).unwrap();
    assert_eq!(y, [1.0, 2.0]);
    let seen = fs::read_to_string(note).unwrap();
    assert!(seen.starts_with("drwx------"), "{seen}");
    let folder = seen.lines().nth(1).unwrap();
    assert!(folder.contains("retrodict-"), "{folder}");
    assert!(!Path::new(folder).exists(), "{folder} is left");
}

fn message(program: ProgramOptions) -> String {
    let simulator = program.build().unwrap();
    simulator
        .forward(&[1.0, 2.0], &mut [0.0; 2])
        .unwrap_err()
        .to_string()
}

#[test]
fn programs_that_fail_are_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    fs::write(&plain, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    let files = "{input} {output}";
    for (command, parts) in [
        (
            format!("sh -c 'echo reading; echo the mesh is empty >&2; exit 3' {files}"),
            &[
                "program 'sh' failed",
                "exit code 3",
                "last output was:\n  reading\n  the mesh is empty",
            ][..],
        ),
        (
            format!("sh -c 'exit 1' {files}"),
            &["exit code 1; it printed nothing"],
        ),
        (format!("sh -c 'kill -9 $$' {files}"), &["signal 9"]),
        (
            format!("true {files}"),
            &["wrote no file at {output}", "the 2 values", ".json"],
        ),
        (
            "sh -c 'echo \"[1, NaN]\" > {output}' {input}".to_owned(),
            &["y holds NaN at index 1", "no finite value at this x"],
        ),
        (
            "sh -c 'echo \"[1, two]\" > {output}' {input}".to_owned(),
            &["not a .json file of 2 numbers", "write a list such as"],
        ),
        (
            "sh -c 'echo \"[1, null]\" > {output}' {input}".to_owned(),
            &["y holds NaN at index 1", "no finite value at this x"],
        ),
        (
            "sh -c 'echo \"[1, 2, 3]\" > {output}' {input}".to_owned(),
            &["y has 3 values, expected 2: check what the model returns"],
        ),
        (
            "sh -c 'head -c 100000000 /dev/zero > {output}' {input}".to_owned(),
            &["its output is longer than 65664 bytes"],
        ),
        (
            format!("no-such-program {files}"),
            &["'no-such-program' was not found", "PATH"],
        ),
        (
            format!("{} {files}", plain.display()),
            &["is not executable: run chmod +x on it"],
        ),
    ] {
        let message = message(program(&command));
        for part in parts {
            assert!(
                message.contains(part),
                "{command}: no '{part}' in: {message}"
            );
        }
    }
    let npy = program("sh -c 'echo 1 > {output}' {input}").with_format(Format::Npy);
    let message = message(npy);
    assert!(
        message.contains("is not a .npy file of 2 numbers"),
        "{message}"
    );
}

#[test]
fn a_program_that_hangs_is_ended_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let command = format!(
        "sh -c 'echo waiting; sleep 600 & echo $! > {}; wait' {{input}} {{output}}",
        note.display()
    );
    let start = Instant::now();
    let message = message(program(&command).with_timeout(2.0));
    assert!(start.elapsed() < Duration::from_secs(30));
    for part in [
        "did not finish within 2 s and was stopped",
        "raise timeout to allow more",
        "waiting",
    ] {
        assert!(message.contains(part), "no '{part}' in: {message}");
    }
    let grandchild = fs::read_to_string(note).unwrap();
    let stat = Path::new("/proc").join(grandchild.trim()).join("stat");
    // Gone, or a zombie that nobody has collected yet; on a busy machine the signal takes a moment.
    let left = || fs::read_to_string(&stat).unwrap_or_default();
    let ended = || left().is_empty() || left().contains(") Z ");
    while !ended() {
        let patience = start.elapsed() < Duration::from_secs(60);
        assert!(patience, "still there: {}", left());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A session of its own saves nothing that a program started, neither where it is ended nor where it ended well.
#[cfg(target_os = "linux")]
#[test]
fn what_left_the_group_ends_too() {
    let folder = tempfile::tempdir().unwrap();
    for (name, rest, timeout) in [
        ("hangs", "wait", 2.0),
        ("ends", "echo \"[1, 2]\" > {output}", 60.0),
    ] {
        let note = folder.path().join(name);
        let command = format!(
            "sh -c 'setsid sh -c \"echo \\$\\$ > {0}; exec sleep 600\" & while [ ! -s {0} ]; do sleep 0.02; done; {rest}' \
             {{input}} {{output}}",
            note.display()
        );
        let program = program(&command).with_timeout(timeout);
        let simulator = program.build().unwrap();
        let done = simulator.forward(&[1.0, 2.0], &mut [0.0; 2]);
        assert_eq!(done.is_ok(), name == "ends", "{name}: {done:?}");
        let pid = fs::read_to_string(&note).unwrap();
        let stat = Path::new("/proc").join(pid.trim()).join("stat");
        let start = Instant::now();
        let left = || fs::read_to_string(&stat).unwrap_or_default();
        while !(left().is_empty() || left().contains(") Z ")) {
            let patience = start.elapsed() < Duration::from_secs(60);
            assert!(patience, "{name}: still there: {}", left());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn what_is_no_file_at_the_output_is_refused_at_once() {
    for (command, part) in [
        (
            "sh -c 'mkfifo {output}' {input}",
            "it left a pipe at {output}",
        ),
        (
            "sh -c 'mkdir {output}' {input}",
            "it left a folder at {output}",
        ),
        (
            "sh -c 'ln -s /dev/zero {output}' {input}",
            "it left a device at {output}",
        ),
        (
            "sh -c 'mkfifo {output}.p; ln -s {output}.p {output}' {input}",
            "it left a pipe at {output}",
        ),
        (
            "sh -c 'ln -s nowhere {output}' {input}",
            "wrote no file at {output}",
        ),
        // In place of what it prints to: it is read by the handle that was opened before.
        (
            "sh -c 'cd $(dirname {input}); rm printed; mkfifo printed; echo lost >&2; exit 4' {output}",
            "exit code 4; its last output was:\n  lost",
        ),
    ] {
        let start = Instant::now();
        let message = message(program(command));
        assert!(
            message.contains(part),
            "{command}: no '{part}' in: {message}"
        );
        assert!(start.elapsed() < Duration::from_secs(30), "{command}");
    }
}

#[test]
fn codes_for_the_terminal_are_written_out() {
    let command = r#"sh -c 'printf "\033[2J\033]0;owned\007 no \302\233licence" >&2; exit 3' {input} {output}"#;
    let message = message(program(command));
    assert!(
        message.contains(r"\u{1b}[2J\u{1b}]0;owned\u{7} no \u{9b}licence"),
        "{message}"
    );
    assert!(
        !message.contains(|c: char| c.is_control() && c != '\n'),
        "{message:?}"
    );
}

#[test]
fn what_is_wrong_with_j_is_the_fault_of_its_command() {
    let forward = "sh -c 'echo \"[1, 2, 3]\" > {output}' {input}";
    let with = |jacobian: &str| {
        let options = program(forward)
            .with_outputs(3)
            .with_jacobian(jacobian.to_owned());
        options.build().unwrap()
    };
    // A constant J needs no x.
    let constant = with("sh -c 'echo \"[[1, 2], [3, 4], [5, 6]]\" > {output}'");
    let mut dy = [0.0; 3];
    constant.jvp(&[0.0, 0.0], &[1.0, 1.0], &mut dy).unwrap();
    assert_eq!(dy, [3.0, 7.0, 11.0]);
    for (jacobian, part) in [
        (
            "sh -c 'echo \"[1, 2]\" > {output}'",
            "J has 2 values, expected 6",
        ),
        (
            "sh -c 'echo \"[[1, 3, 5], [2, 4, 6]]\" > {output}'",
            "write its transpose",
        ),
        (
            "sh -c 'echo \"[1, 2, 3, 4, 5, null]\" > {output}'",
            "J holds NaN at index 5",
        ),
        (
            "sh -c 'echo nonsense > {output}'",
            "not a .json file of 6 numbers",
        ),
        ("sh -c 'mkfifo {output}'", "it left a pipe"),
        ("true {output}", "wrote no file"),
        ("sh -c 'exit 7' {output}", "exit code 7"),
        ("no-such-jacobian {output}", "was not found"),
    ] {
        let simulator = with(jacobian);
        let (mut dy, mut dx) = ([0.0; 3], [0.0; 2]);
        let by_jvp = simulator
            .jvp(&[1.0, 2.0], &[1.0, 0.0], &mut dy)
            .unwrap_err();
        let by_vjp = simulator
            .vjp(&[1.0, 2.0], &[1.0, 0.0, 0.0], &mut dx)
            .unwrap_err();
        let map = simulator.linearize(&[1.0, 2.0], &mut dy).unwrap();
        for error in [by_jvp, by_vjp, map.dense().unwrap_err()] {
            let message = error.to_string();
            assert!(
                message.contains(part),
                "{jacobian}: no '{part}' in: {message}"
            );
            assert!(message.starts_with("the command for J, '"), "{message}");
        }
    }
}

#[test]
fn a_jacobian_that_has_no_room_is_not_begun() {
    let large = program(MODEL)
        .with_inputs(1_000_000)
        .with_outputs(1_000_000);
    let simulator = large.clone().build().unwrap();
    // No evaluation comes first: the program itself would fail otherwise.
    let exact = large.with_jacobian(JACOBIAN.to_owned());
    let exact = exact.build().unwrap();
    let (dx, mut dy) = (vec![0.0; 1_000_000], vec![0.0; 1_000_000]);
    let message = exact.jvp(&dx, &dx, &mut dy).unwrap_err().to_string();
    assert!(
        message.contains("J would have 1000000 × 1000000 values"),
        "{message}"
    );
    assert!(
        simulator
            .describe()
            .approximation
            .unwrap()
            .note
            .contains("2000000 evaluations")
    );
}

#[test]
fn options_that_cannot_work_are_refused() {
    for (options, part) in [
        (program("my_model"), "it has no {input}"),
        (program("my_model {input}"), "it has no {output}"),
        (
            program("my_model '{input} {output}"),
            "a quote is not closed",
        ),
        (program(" "), "there is no command; write it as"),
        (program(MODEL).with_inputs(0), "inputs = 0"),
        (program(MODEL).with_outputs(0), "say how many values it is"),
        (program(MODEL).with_timeout(0.0), "timeout = 0"),
        (program(MODEL).with_at_once(0), "at_once = 0"),
        (
            program(MODEL).with_jacobian("j".to_owned()),
            "jacobian = 'j'",
        ),
    ] {
        let message = options.build().err().unwrap().to_string();
        assert!(message.contains(part), "no '{part}' in: {message}");
    }
}
