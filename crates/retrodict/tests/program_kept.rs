//! Programs that keep running: what they may say and offer, and the examples of the book.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use retrodict::losses::SquaredError;
use retrodict::models::external::{Format, ProgramOptions};
use retrodict::options::Build;
use retrodict::updates::LevenbergMarquardt;
use retrodict::{Problem, Simulator, Solver, StopWhen, check};

mod astray;
mod model;

use model::{MODEL, Program, kept, message, says};

#[test]
fn a_program_is_a_simulator_with_whatever_it_offers() {
    for (offers, note) in [
        ("['forward']", Some("central differences, 4 evaluations")),
        ("['forward', 'jacobian']", None),
        ("['forward', 'jvp']", Some("products with J alone")),
        ("['forward', 'vjp']", Some("products with Jᵀ alone")),
        ("['jvp', 'vjp', 'forward']", None),
    ] {
        let program = Program::new(&MODEL.replacen("['forward']", offers, 1));
        let simulator = program.build();
        let mut y = [0.0; 2];
        simulator.forward(&[3.0, 0.5], &mut y).unwrap();
        assert_eq!(y, [1.5, 3.125]);
        let said = simulator.describe().approximation.map(|how| how.note);
        match (&said, note) {
            (Some(said), Some(part)) => says(said, &[part]),
            (said, part) => assert_eq!(said.as_deref(), part),
        }
        let shared: Arc<dyn Simulator> = Arc::new(simulator);
        for check in check::simulator(&shared, &[0.7, -0.4], 1) {
            assert!(check.passed, "{offers}: {check:?}");
        }
        drop(shared);
        // Each was given time to end by itself.
        assert_eq!(program.lines("left").len(), program.lines("begun").len());
        program.is_gone();
    }
}

#[test]
fn it_is_started_once_for_each_call_at_the_same_time() {
    let slow = MODEL.replace("a, b =", "time.sleep(0.05); a, b =");
    for (at_once, most) in [(1, 1), (3, 3)] {
        let program = Program::new(&slow);
        let simulator = program.options().with_at_once(at_once).build().unwrap();
        let mut dy = [0.0; 2];
        for _ in 0..2 {
            simulator.jvp(&[3.0, 0.5], &[1.0, 0.0], &mut dy).unwrap();
        }
        let begun = program.lines("begun").len();
        assert!((1..=most).contains(&begun), "{begun} at {at_once} at once");
        assert!(at_once == 1 || begun > 1, "nothing ran at the same time");
    }
}

#[test]
fn names_units_and_shapes_are_what_the_program_says() {
    let program = Program::new(
        "
def answer(q):
    if q['call'] == 'describe':
        return {'names': ['a', 'r'], 'units': ['V', '1/s'], 'input_shape': [2], 'output_shape': [2, 3]}
    return {'value': [[1, 2, 3], [4, 5, 6]]}
",
    );
    let options = program.options().with_inputs(0_usize).with_outputs(0_usize);
    let simulator = options.clone().build().unwrap();
    assert_eq!(
        (simulator.input().len(), &*simulator.output().shape),
        (2, &[2, 3][..])
    );
    let label = |name: &str, unit: &str| (name.to_owned(), unit.to_owned());
    let labels = simulator.describe().labels.unwrap();
    assert_eq!(labels, [label("a", "V"), label("r", "1/s")]);
    let mut y = [0.0; 6];
    simulator.forward(&[0.0, 0.0], &mut y).unwrap();
    assert_eq!(y, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    // What is stated counts where it holds as many values.
    let stated = options.clone().with_output_shape([3, 2]).build().unwrap();
    assert_eq!(stated.output().shape, [3, 2]);
    for (options, part) in [
        (
            options.clone().with_outputs(5_usize),
            "output of program 'python3' has the shape 2 × 3: give a shape of as many",
        ),
        (options.with_input_shape([2, 2]), "input_shape = 2 × 2"),
    ] {
        says(&options.build().err().unwrap().to_string(), &[part]);
    }
    let nothing = Program::new("def answer(q): return {}");
    let message = nothing
        .options()
        .with_inputs(0_usize)
        .build()
        .err()
        .unwrap();
    says(
        &message.to_string(),
        &["inputs = 0", "let the program tell its input_shape"],
    );
}

#[test]
fn numbers_keep_every_digit_and_may_be_no_number() {
    let program = Program::new(
        "
def answer(q):
    return {'value': q['x']} if q['call'] == 'forward' else {}
",
    );
    let simulator = program.build();
    for x in [[0.1 + 0.2, -5e-324], [f64::MAX, -0.0], [1.0 / 3.0, 1e-17]] {
        let mut y = [0.0; 2];
        simulator.forward(&x, &mut y).unwrap();
        assert_eq!(y.map(f64::to_bits), x.map(f64::to_bits));
    }
    for odd in ["float('nan')", "None", "'NaN'", "float('inf')"] {
        let python = format!(
            "def answer(q): return {{'value': [1.0, {odd}]}} if q['call'] == 'forward' else {{}}"
        );
        let program = Program::new(&python);
        says(
            &message(&program),
            &["at index 1", "no finite value at this x"],
        );
        // Where it is not looked at, it does no harm.
        let seen = program.build().seen_at(&[0]).unwrap();
        let mut y = [0.0; 2];
        seen.jvp(&[1.0, 2.0], &[1.0, 1.0], &mut y).unwrap();
    }
}

#[test]
fn an_error_of_its_own_is_told_and_the_program_stays() {
    let program = Program::new(
        "
def answer(q):
    if q['call'] == 'describe': return {}
    return {'value': q['x']} if q['x'][0] > 0 else {'error': 'the mesh is empty\\x1b[2J'}
",
    );
    let simulator = program.build();
    let mut y = [0.0; 2];
    let message = simulator
        .forward(&[-1.0, 0.0], &mut y)
        .unwrap_err()
        .to_string();
    says(
        &message,
        &["program 'python3' failed", r"the mesh is empty\u{1b}[2J"],
    );
    simulator.forward(&[1.0, 0.0], &mut y).unwrap();
    assert_eq!(program.lines("begun").len(), 1);
}

#[test]
fn options_that_do_not_go_with_it_are_refused() {
    for (options, part) in [
        (
            kept("my_model {input} {output}"),
            "leave {input} and {output} out, or set keep = false",
        ),
        (
            kept("my_model").with_jacobian("j {output}".to_owned()),
            "the program itself offers 'jacobian'",
        ),
        (
            kept("my_model").with_format(Format::Json),
            "with keep there are no files: leave format out",
        ),
        (kept(" "), "there is no command"),
        (
            kept("my_model").with_input_shape([3]),
            "input_shape 3 has 3 values: leave inputs out",
        ),
    ] {
        says(&options.build().err().unwrap().to_string(), &[part]);
    }
    // Shapes without keep.
    let options = ProgramOptions::default().with_command("cp {input} {output}");
    let program = options.with_input_shape([2, 3]).with_output_shape([6]);
    let program = program.build().unwrap();
    assert_eq!(
        (&*program.input().shape, &*program.output().shape),
        (&[2, 3][..], &[6][..])
    );
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let mut y = [0.0; 6];
    program.forward(&x, &mut y).unwrap();
    assert_eq!(y, x);
}

/// The programs that the book shows are those that run.
#[test]
fn the_programs_of_the_book_are_fitted() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/kept-programs.md");
    let page = fs::read_to_string(page).unwrap();
    let block = |language: &str| {
        let begin = format!("```{language}\n");
        let (_, rest) = page.split_once(&begin).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let python = block("python");
    let lines = python.lines().filter(|line| !line.trim().is_empty());
    assert!(lines.count() <= 20, "it is a small example");
    let python = format!("python3 '{}'", put("kept_model.py", &python).display());
    let mut commands = vec![(python, true)];
    let source = put("kept_model.c", &block("c"));
    let binary = folder.path().join("kept_model");
    let compiler = Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&binary)
        .arg(&source)
        .arg("-lm")
        .status();
    // Where there is no compiler, there is nothing to show.
    if let Ok(status) = compiler {
        assert!(status.success(), "the example in C does not compile");
        commands.push((format!("'{}'", binary.display()), false));
    }
    for (command, exact) in commands {
        let options = ProgramOptions::default()
            .with_command(command)
            .with_keep(true);
        let options = match exact {
            true => options.with_inputs(2_usize),
            false => options,
        };
        let simulator = Arc::new(options.build().unwrap());
        assert_eq!(simulator.describe().approximation.is_none(), exact);
        assert_eq!(simulator.describe().labels.is_some(), exact);
        let target = [0.5_f64, 1.0, 2.0].map(|t| 2.0 * (-0.3 * t).exp());
        let loss = Arc::new(SquaredError::default());
        let problem = Problem::new(simulator, loss, target.to_vec()).unwrap();
        let solver = Solver::new(LevenbergMarquardt::default(), StopWhen::after(50));
        let found = { solver }.solve(&problem, &[1.0, 0.5]).unwrap();
        for (found, x) in found.x.iter().zip([2.0, 0.3]) {
            assert!((found - x).abs() < 1e-7, "{found} against {x}");
        }
    }
}
