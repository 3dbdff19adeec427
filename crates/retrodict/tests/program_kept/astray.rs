//! What is said of programs that end, hang, or answer anything but what they are asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use retrodict::Simulator;
use retrodict::interrupt::Interrupt;
use retrodict::options::Build;

use super::model::{MODEL, Program, failure, gone, kept, message, says};

#[test]
fn what_goes_astray_is_ended_and_quoted() {
    let forward = |python: &str| {
        format!(
            "
def answer(q):
    if q['call'] == 'describe': return {{}}
    sys.stderr.write('the mesh has 3 cells\\n'); sys.stderr.flush()
    {python}
    return {{'value': [1, 2]}}
"
        )
    };
    for (python, parts) in [
        (
            "return {'id': q['id'] - 1, 'value': [1, 2]}",
            &[
                "answered out of turn: request 1, 'forward', was answered with id 0",
                "the mesh has 3 cells",
            ][..],
        ),
        (
            "print('iteration 1')",
            &[
                "not a JSON object: 'iteration 1'",
                "file=sys.stderr",
                "the mesh has 3 cells",
            ],
        ),
        ("print(0.25)", &["not a JSON object: '0.25'"]),
        (
            "print(json.dumps({'value': [1, 2]}))",
            &["its answer to request 1, 'forward', has no \"id\""],
        ),
        (
            "return {'y': [1, 2]}",
            &["neither \"value\" nor \"error\", but y"],
        ),
        (
            "return {'value': [1, 2, 3]}",
            &["y has 3 values, expected 2"],
        ),
        (
            "return {'value': ['a', 2]}",
            &["holds \"a\" among the numbers"],
        ),
        (
            "return {'value': [[1] * 100000] * 50}",
            &["longer than 1048704 bytes"],
        ),
        // A line without end does not fill the memory.
        (
            "while True: sys.stdout.write('x' * 65536)",
            &["longer than 1048704 bytes"],
        ),
    ] {
        let program = Program::new(&forward(python));
        says(&message(&program), parts);
        program.is_gone();
    }
    // Answered twice: the second answer is out of turn for the next request.
    let program = Program::new(&forward(
        "print(json.dumps({'id': q['id'], 'value': [1, 2]}))",
    ));
    let simulator = program.build();
    simulator.forward(&[1.0, 2.0], &mut [0.0; 2]).unwrap();
    let message = simulator.forward(&[1.0, 2.0], &mut [0.0; 2]).unwrap_err();
    says(
        &message.to_string(),
        &["request 2, 'forward', was answered with id 1"],
    );
}

#[test]
fn a_program_that_ends_is_started_again_once() {
    // Each ends at its second question.
    let program = Program::new(&format!(
        "{MODEL}
plain = answer
def answer(q):
    if q['id'] == 2: os._exit(3)
    return plain(q)
"
    ));
    let simulator = program.options().with_at_once(1).build().unwrap();
    let mut y = [0.0; 2];
    for _ in 0..4 {
        simulator.forward(&[3.0, 0.5], &mut y).unwrap();
        assert_eq!(y, [1.5, 3.125]);
    }
    assert_eq!(program.lines("begun").len(), 4);
    for (python, parts) in [
        (
            "raise ValueError('negative density')",
            &[
                "started again after it had ended, it ended with exit code 1",
                "ValueError: negative density",
            ][..],
        ),
        (
            "os._exit(0)",
            &["ended with exit code 0 before it answered 'forward': it must answer line by line"],
        ),
        ("os.kill(os.getpid(), 11)", &["signal 11"]),
        (
            "os.close(1); time.sleep(60)",
            &["closed its standard output"],
        ),
        // Its child holds the pipe open.
        (
            "os.system('sleep 600 & echo $! > ' + HERE + '/child'); os._exit(4)",
            &["exit code 4", "wrote nothing to standard error"],
        ),
    ] {
        let program = Program::new(&format!(
            "
def answer(q):
    if q['call'] == 'describe': return {{}}
    {python}
"
        ));
        let start = Instant::now();
        says(&message(&program), parts);
        assert!(start.elapsed() < Duration::from_secs(30), "{python}");
        assert_eq!(program.lines("begun").len(), 2, "{python}");
        program.is_gone();
    }
}

#[test]
fn what_cannot_begin_says_why() {
    for (command, parts) in [
        (
            "no-such-program",
            &["'no-such-program' was not found", "PATH"][..],
        ),
        (
            "sh -c 'echo no licence >&2; exit 7'",
            &["exit code 7 before it answered 'describe'", "no licence"],
        ),
        ("true", &["exit code 0", "wrote nothing to standard error"]),
        (
            "sh -c 'echo hello; sleep 60'",
            &["not a JSON object: 'hello'"],
        ),
    ] {
        says(&failure(&kept(command)), parts);
    }
    for (says_of_itself, part) in [
        ("{'offers': ['jvp']}", "does not offer 'forward'"),
        ("{'offer': ['forward']}", "unknown key 'offer'"),
        ("{'names': ['a']}", "names 1 unknowns, but x has 2 values"),
        ("{'input_shape': [0]}", "its input has the shape 0"),
        ("{'error': 'no GPU'}", "no GPU"),
    ] {
        let program = Program::new(&format!("def answer(q): return {says_of_itself}"));
        says(&message(&program), &["program 'python3' failed", part]);
    }
    // Another one must be the same model.
    let program = Program::new(
        "
COUNT = len(open(HERE + '/begun').readlines())
def answer(q):
    if q['call'] == 'describe': return {'output_shape': [1 + COUNT]}
    os._exit(1)
",
    );
    says(
        &message(&program),
        &["answers 'describe' differently than before"],
    );
}

#[test]
fn one_that_hangs_is_ended_with_all_it_started() {
    for python in [
        "os.system('sleep 600 & echo $! > ' + HERE + '/child'); time.sleep(600)",
        // The answer stays in a buffer.
        "sys.stdout.write('{\"id\": 1, '); time.sleep(600)",
    ] {
        let program = Program::new(&format!(
            "
def answer(q):
    if q['call'] == 'describe': return {{}}
    sys.stderr.write('waiting\\n'); sys.stderr.flush()
    {python}
"
        ));
        let options = program
            .options()
            .with_inputs(50_000_usize)
            .with_timeout(2.0);
        let simulator = options.build().unwrap();
        let start = Instant::now();
        let failure = simulator
            .forward(&[0.5; 50_000], &mut [0.0; 2])
            .unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(30));
        says(
            &failure.to_string(),
            &[
                "did not answer 'forward' within 2 s and was stopped",
                "raise timeout",
                "flush=True",
                "waiting",
            ],
        );
        drop(simulator);
        program.is_gone();
    }
    // It reads nothing any more, and the request is longer than a pipe.
    let deaf = r#"sh -c 'read line; echo "{\"id\": 0}"; echo waiting >&2; exec sleep 600'"#;
    let simulator = kept(deaf).with_inputs(50_000_usize).with_timeout(2.0);
    let simulator = simulator.build().unwrap();
    let failure = simulator
        .forward(&[0.5; 50_000], &mut [0.0; 2])
        .unwrap_err();
    says(
        &failure.to_string(),
        &["within 2 s and was stopped", "waiting"],
    );
}

#[test]
fn an_interruption_ends_the_wait_and_the_next_question_starts_it_again() {
    let program = Program::new(
        "
def answer(q):
    if q['call'] == 'describe': return {}
    if q['x'][0] < 0: time.sleep(600)
    return {'value': q['x']}
",
    );
    let simulator = program.build();
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    let waiter = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        raised.store(true, Ordering::SeqCst);
    });
    let start = Instant::now();
    let mut y = [0.0; 2];
    let within = Interrupt::default().with_flag(flag);
    let done = within.within(|| simulator.forward(&[-1.0, 0.0], &mut y));
    assert!(
        matches!(done, Err(retrodict::Error::Interrupted { .. })),
        "{done:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(30));
    waiter.join().unwrap();
    gone(&program.lines("begun")[0]);
    simulator.forward(&[1.0, 2.0], &mut y).unwrap();
    assert_eq!(y, [1.0, 2.0]);
}

#[test]
fn one_that_will_not_leave_is_ended() {
    let program = Program::new(&format!(
        "{MODEL}
import atexit
atexit.register(lambda: time.sleep(600))
"
    ));
    let simulator = program.build();
    simulator.forward(&[1.0, 2.0], &mut [0.0; 2]).unwrap();
    let start = Instant::now();
    drop(simulator);
    assert!(start.elapsed() < Duration::from_secs(30));
    program.is_gone();
}
