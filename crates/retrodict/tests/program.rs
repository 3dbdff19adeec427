//! Programs as simulators, and what is said of those that fail.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use retrodict::external::{Format, Program};
use retrodict::options::Validate;
use retrodict::{Simulator, check};

/// y = (x₁ x₂, x₁ + x₂³), by awk from JSON to JSON.
const MODEL: &str = r#"sh -c "tr -d '[]' < {input} | tr ',' ' ' |
    awk '{ printf \"[%.17g, %.17g]\", \$1 * \$2, \$1 + \$2 ^ 3 }' > {output}""#;

/// Its J.
const JACOBIAN: &str = r#"sh -c "tr -d '[]' < {input} | tr ',' ' ' |
    awk '{ printf \"[[%.17g, %.17g], [1, %.17g]]\", \$2, \$1, 3 * \$2 ^ 2 }' > {output}""#;

fn program(command: &str) -> Program {
    Program {
        command: command.to_owned(),
        inputs: 2,
        outputs: 2,
        format: Format::Json,
        timeout: 60.0,
        ..Program::default()
    }
}

#[test]
fn a_program_is_a_simulator() {
    let exact = Some(JACOBIAN.to_owned());
    for (jacobian, note) in [
        (None, Some("central differences, 4 evaluations")),
        (exact, None),
    ] {
        let simulator = Program {
            jacobian,
            ..program(MODEL)
        }
        .simulator()
        .unwrap();
        let mut y = [0.0; 2];
        simulator.forward(&[3.0, 0.5], &mut y).unwrap();
        assert_eq!(y, [1.5, 3.125]);
        let mut dy = [0.0; 2];
        simulator.jvp(&[3.0, 0.5], &[1.0, 2.0], &mut dy).unwrap();
        for (found, expected) in dy.iter().zip([0.5 + 6.0, 1.0 + 2.0 * 0.75]) {
            assert!((found - expected).abs() < 1e-9, "{dy:?}");
        }
        let said = simulator.approximation().map(|how| how.note);
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
    let simulator = program(&command).simulator().unwrap();
    let mut y = [0.0; 2];
    simulator.forward(&[1.0, 2.0], &mut y).unwrap();
    assert_eq!(y, [1.0, 2.0]);
    let seen = fs::read_to_string(note).unwrap();
    assert!(seen.starts_with("drwx------"), "{seen}");
    let folder = seen.lines().nth(1).unwrap();
    assert!(folder.contains("retrodict-"), "{folder}");
    assert!(!Path::new(folder).exists(), "{folder} is left");
}

fn message(program: &Program) -> String {
    let simulator = program.simulator().unwrap();
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
                "printed at last:\n  reading\n  the mesh is empty",
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
            &["no .json file of 2 numbers", "no NaN"],
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
            &["may not be run: make it executable, as by chmod +x"],
        ),
    ] {
        let message = message(&program(&command));
        for part in parts {
            assert!(
                message.contains(part),
                "{command}: no '{part}' in: {message}"
            );
        }
    }
    let npy = Program {
        format: Format::Npy,
        ..program("sh -c 'echo 1 > {output}' {input}")
    };
    let message = message(&npy);
    assert!(
        message.contains("is no .npy file of 2 numbers"),
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
    let message = message(&Program {
        timeout: 2.0,
        ..program(&command)
    });
    assert!(start.elapsed() < Duration::from_secs(30));
    for part in [
        "did not end within 2 s and was stopped",
        "--timeout",
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

#[test]
fn a_jacobian_that_has_no_room_is_not_begun() {
    let large = Program {
        inputs: 1_000_000,
        outputs: 1_000_000,
        ..program(MODEL)
    };
    let simulator = large.simulator().unwrap();
    // No evaluation comes first: the program itself would fail otherwise.
    let exact = Program {
        jacobian: Some(JACOBIAN.to_owned()),
        ..large
    };
    let exact = exact.simulator().unwrap();
    let (dx, mut dy) = (vec![0.0; 1_000_000], vec![0.0; 1_000_000]);
    let message = exact.jvp(&dx, &dx, &mut dy).unwrap_err().to_string();
    assert!(
        message.contains("J would have 1000000 × 1000000 values"),
        "{message}"
    );
    assert!(
        simulator
            .approximation()
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
        (
            Program {
                inputs: 0,
                ..program(MODEL)
            },
            "inputs = 0",
        ),
        (
            Program {
                outputs: 0,
                ..program(MODEL)
            },
            "say how many values it is",
        ),
        (
            Program {
                timeout: 0.0,
                ..program(MODEL)
            },
            "timeout = 0",
        ),
        (
            Program {
                at_once: Some(0),
                ..program(MODEL)
            },
            "at_once = 0",
        ),
        (
            Program {
                jacobian: Some("j".into()),
                ..program(MODEL)
            },
            "jacobian = 'j'",
        ),
    ] {
        let message = options.validate().unwrap_err().to_string();
        assert!(message.contains(part), "no '{part}' in: {message}");
    }
}
