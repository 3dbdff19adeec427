//! Simulators of the user's own, and ours for others, with the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use crate::binary::{fail, retrodict, run, succeed};
use crate::serving::Serving;
use serde_json::{Value, json};
use tempfile::tempdir;

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no '{part}' in: {message}");
    }
}

fn numbers(path: &Path) -> Vec<f64> {
    let text = fs::read_to_string(path).unwrap();
    text.split_whitespace()
        .map(|line| line.parse().unwrap())
        .collect()
}

/// Runs words that may hold blanks.
fn words(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let output = retrodict(folder).args(words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Sends a request as it is and returns status and body.
fn raw(server: &Serving, request: &[u8]) -> (u16, Value) {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split_whitespace().nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap())
}

/// Sends a question to a path.
fn ask(server: &Serving, path: &str, question: &str) -> (u16, Value) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        question.len()
    );
    raw(server, (head + question).as_bytes())
}

#[test]
fn what_is_served_can_be_solved_simulated_and_checked() {
    let server = Serving::start("sine heat --set heat.shape=[16] --set sine.xi=4");
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("x.csv"), "0.3\n-0.2\n").unwrap();

    let there = format!("--umbridge {} --model sine", server.url);
    succeed(f, &format!("simulate {there} --input x.csv -o there.csv"));
    succeed(f, "simulate sine --set xi=4 --input x.csv -o here.csv");
    assert_eq!(numbers(&f.join("there.csv")), numbers(&f.join("here.csv")));

    // The config of a client changes the options for its own questions.
    succeed(
        f,
        &format!(r#"simulate {there} --config {{"xi":8}} --input x.csv -o there.csv"#),
    );
    succeed(f, "simulate sine --set xi=8 --input x.csv -o other.csv");
    assert_eq!(numbers(&f.join("there.csv")), numbers(&f.join("other.csv")));

    let found = run(f, &format!("solve {there} --target here.csv -o found.csv"));
    assert!(found.status.success(), "{found:?}");
    assert!(
        found.stderr.is_empty(),
        "all derivatives are offered: {found:?}"
    );
    for (found, x) in numbers(&f.join("found.csv")).iter().zip([0.3, -0.2]) {
        assert!((found - x).abs() < 1e-8, "{found} against {x}");
    }

    // In the file of an inversion it is a table like any other.
    let file = format!(
        "target = 'here.csv'\nsimulator = {{ name = 'umbridge', url = '{}', model = 'sine' }}",
        server.url
    );
    fs::write(f.join("far.toml"), file).unwrap();
    succeed(f, "solve far.toml --set timeout=20 --out far");
    assert_says(
        &fail(f, "solve far.toml --set tmeout=20", 2),
        &["did you mean 'timeout'"],
    );

    for model in ["sine", "heat"] {
        let said = succeed(
            f,
            &format!("check --umbridge {} --model {model}", server.url),
        );
        assert_says(&said, &["pass  adjoint", "pass  taylor"]);
        assert!(!said.contains("FAIL"), "{said}");
    }
    succeed(f, &format!("check {there} --at x.csv"));
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let server = Serving::start("sine fluid --body-limit 1");
    let refused = |path: &str, question: Value, status: u16, kind: &str, part: &str| {
        let (found, body) = ask(&server, path, &question.to_string());
        let error = &body["error"];
        assert_eq!(
            (found, error["type"].as_str()),
            (status, Some(kind)),
            "{path}: {body}"
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(part), "{path}: no '{part}' in: {message}");
    };
    let x = json!([[0.1, 0.2]]);
    let bad = "InvalidInput";
    for (path, question, part) in [
        ("/Evaluate", json!({ "input": x }), "missing field `name`"),
        ("/Evaluate", json!({ "name": "sine" }), "'input' is missing"),
        (
            "/Evaluate",
            json!({ "name": "sine", "input": [[1, 2, 3]] }),
            "vectors of [3] values, expected one of 2",
        ),
        (
            "/Evaluate",
            json!({ "name": "sine", "input": [[1], [2]] }),
            "vectors of [1, 1] values",
        ),
        (
            "/Evaluate",
            json!({ "name": "sine", "input": [["1", 2]] }),
            "invalid type",
        ),
        (
            "/Evaluate",
            json!({ "name": "sine", "input": x, "config": { "xi": -1 } }),
            "xi = -1",
        ),
        (
            "/Evaluate",
            json!({ "name": "sine", "input": x, "config": { "nu": 1 } }),
            "unknown key 'nu'",
        ),
        (
            "/Gradient",
            json!({ "name": "sine", "input": x, "inWrt": 0, "sens": [1, 1] }),
            "'outWrt' is missing",
        ),
        (
            "/Gradient",
            json!({ "name": "sine", "input": x, "outWrt": 1, "inWrt": 0, "sens": [1, 1] }),
            "outWrt is 1",
        ),
        (
            "/Gradient",
            json!({ "name": "sine", "input": x, "outWrt": 0, "inWrt": 0, "sens": [1] }),
            "'sens' has 1 values",
        ),
        (
            "/ApplyJacobian",
            json!({ "name": "sine", "input": x, "outWrt": 0, "inWrt": 0 }),
            "'vec' is missing",
        ),
    ] {
        refused(path, question, 400, bad, part);
    }
    refused(
        "/Evaluate",
        json!({ "name": "sin" }),
        400,
        "ModelNotFound",
        "known: sine, fluid",
    );
    refused(
        "/EvaluateShMem",
        json!({ "name": "sine" }),
        404,
        "UnsupportedFeature",
        "known: /Info, ",
    );
    let (_, info) = ask(&server, "/ModelInfo", r#"{"name": "fluid"}"#);
    assert_eq!(
        info["support"],
        json!({
            "Evaluate": true, "Gradient": true, "ApplyJacobian": true, "ApplyHessian": false
        })
    );

    let (status, _) = ask(&server, "/Evaluate", "{\"name\": ");
    assert_eq!(status, 400);
    let (status, body) = raw(
        &server,
        b"POST /Evaluate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n\
          content-length: 99999999\r\n\r\n",
    );
    assert_eq!(status, 413, "{body}");
    assert_says(
        &body.to_string(),
        &["longer than 1048576 bytes", "--body-limit"],
    );
    let (status, _) = raw(
        &server,
        b"DELETE /Info HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    );
    assert_eq!(status, 405);
    // After all that it serves on.
    let (status, info) = raw(
        &server,
        b"GET /Info HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    );
    assert_eq!(
        (status, info),
        (
            200,
            json!({ "protocolVersion": 1.0, "models": ["sine", "fluid"] })
        )
    );
}

#[test]
fn simulations_that_fail_are_the_servers_failure() {
    let server = Serving::start("exp burgers --set burgers.shape=[8]");
    let x = json!({ "name": "exp", "input": [[1e4]], "config": { "size": 1 } });
    let (status, body) = ask(&server, "/Evaluate", &x.to_string());
    assert_eq!(
        (status, body["error"]["type"].as_str()),
        (500, Some("InvalidOutput")),
        "{body}"
    );
    let fast = [300.0, -200.0, 100.0, 0.0, 300.0, -200.0, 100.0, 0.0];
    let x = json!({ "name": "burgers", "input": [fast] });
    let (status, body) = ask(&server, "/Evaluate", &x.to_string());
    assert_eq!(
        (status, body["error"]["type"].as_str()),
        (500, Some("SimulationFailed")),
        "{body}"
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_server_cleanly() {
    let mut server = Serving::start("sine");
    let id = server.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn arguments_that_do_not_fit_are_misuse() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("y.csv"), "1\n2\n").unwrap();
    for (words, parts) in [
        ("solve --target y.csv", &["--umbridge", "--command"][..]),
        (
            "solve sine --umbridge http://h --target y.csv",
            &["cannot be used with"],
        ),
        ("solve sine --config {} --target y.csv", &["--umbridge"]),
        (
            "solve sine --inputs 3 --target y.csv",
            &["--inputs", "goes with --command CMD"],
        ),
        (
            "solve sine --timeout 3s --target y.csv",
            &["--timeout", "simulator of your own"],
        ),
        (
            "solve --command run --target y.csv",
            &["--inputs", "--outputs", "--keep"],
        ),
        (
            "solve --command run --input-shape 2x2 --target y.csv",
            &["--command CMD needs --outputs M"],
        ),
        (
            "solve --command run --inputs 4 --input-shape 2x2 --target y.csv",
            &["cannot be used with"],
        ),
        (
            "solve --command run --input-shape 2x0 --target y.csv",
            &["2x0", "as in 64x64"],
        ),
        (
            "solve --command {input} --keep --target y.csv",
            &["leave {input} and {output} out"],
        ),
        (
            "solve sine --keep --target y.csv",
            &["--keep", "goes with --command CMD"],
        ),
        (
            "solve sine --input-shape 2 --target y.csv",
            &["--input-shape", "--umbridge URL or --command CMD"],
        ),
        (
            "solve --command run --inputs 2 --outputs 2 --target y.csv",
            &["command = 'run'", "{input}"],
        ),
        (
            "solve --umbridge localhost:1 --target y.csv",
            &["url = localhost:1", "http://localhost:4242"],
        ),
        (
            "check --umbridge https://example.org",
            &["TLS is not supported"],
        ),
        (
            "check --umbridge http://h --config [1]",
            &["--config [1]", "JSON object"],
        ),
        (
            "check --umbridge http://h --set differences.step=2",
            &["differences.step = 2"],
        ),
        (
            "check --umbridge http://h --set retries=2",
            &["unknown key 'retries'"],
        ),
        ("serve", &["SIMULATOR"]),
        (
            "serve sin",
            &["unknown simulator 'sin'", "did you mean 'sine'"],
        ),
        ("serve program", &["unknown simulator 'program'"]),
        ("serve sine heat --set xi=3", &["--set sine.xi=VALUE"]),
        ("serve sine sine", &["given twice"]),
        ("serve sine --set xi=-1", &["xi = -1"]),
        ("serve sine --body-limit 0", &["greater than 0"]),
        (
            "serve sine --host no.such.host.invalid",
            &["--host no.such.host.invalid", "127.0.0.1"],
        ),
    ] {
        assert_says(&fail(f, words, 2), parts);
    }
}

#[test]
fn servers_that_cannot_be_used_are_failures() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("y.csv"), "1\n2\n").unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap();
    let message = fail(f, &format!("serve sine --port {}", place.port()), 3);
    assert_says(
        &message,
        &["cannot listen at", "another --port", "--port 0"],
    );
    // It accepts, and never answers.
    let message = fail(
        f,
        &format!("solve --umbridge http://{place} --timeout 300ms --target y.csv"),
        3,
    );
    assert_says(&message, &["no answer to Info came within 0.3 s"]);
    drop(listener);
    let message = fail(
        f,
        &format!("solve --umbridge http://{place} --target y.csv"),
        3,
    );
    assert_says(
        &message,
        &[&place.to_string(), "nothing is listening there"],
    );
    let server = Serving::start("sine heat --set heat.shape=[4]");
    let message = fail(f, &format!("check --umbridge {}", server.url), 2);
    assert_says(
        &message,
        &["the server offers several models; name one of: sine, heat"],
    );
    let message = fail(
        f,
        &format!("check --umbridge {} --model sin", server.url),
        2,
    );
    assert_says(&message, &["unknown model 'sin'", "did you mean 'sine'"]);
}

#[test]
fn a_program_is_solved_simulated_and_checked() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("x.csv"), "0.3\n-0.2\n").unwrap();
    let command = format!(
        "'{}' simulate sine --set xi=4 --input {{input}} -o {{output}}",
        env!("CARGO_BIN_EXE_retrodict")
    );
    succeed(f, "simulate sine --set xi=4 --input x.csv -o y.csv");
    for format in ["npy", "npz"] {
        let own = [
            "--command",
            &command,
            "--inputs",
            "2",
            "--outputs",
            "2",
            "--format",
            format,
        ];
        let with = |rest: &[&str]| {
            let [name, rest @ ..] = rest else {
                panic!("no words")
            };
            words(f, &[&[*name], &own[..], rest].concat())
        };
        let (code, _, errors) = with(&["simulate", "--input", "x.csv", "-o", "own.csv"]);
        assert_eq!(code, 0, "{errors}");
        assert_eq!(
            numbers(&f.join("own.csv")),
            numbers(&f.join("y.csv")),
            "{format}"
        );
    }
    let own = ["--command", &command, "--inputs", "2", "--outputs", "2"];
    let (code, said, errors) = words(
        f,
        &[
            &["solve"],
            &own[..],
            &["--target", "y.csv", "-o", "found.csv"],
        ]
        .concat(),
    );
    assert_eq!(code, 0, "{errors}");
    assert_says(&said, &["program with levenberg-marquardt"]);
    assert_says(
        &errors,
        &[
            "note: program '",
            "central differences, 4 evaluations for each x",
        ],
    );
    for (found, x) in numbers(&f.join("found.csv")).iter().zip([0.3, -0.2]) {
        assert!((found - x).abs() < 1e-7, "{found} against {x}");
    }
    let (code, said, errors) = words(f, &[&["check"], &own[..], &["--at", "x.csv"]].concat());
    assert_eq!(code, 0, "{said}{errors}");
}

/// A program that keeps running is named once, and its fields have the shapes that it or the arguments say.
#[cfg(unix)]
#[test]
fn a_program_that_keeps_running_is_solved_simulated_and_checked() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    let model = "
import json, sys
print('ready', file=sys.stderr)
for line in sys.stdin:
    q = json.loads(line)
    if q['call'] == 'describe':
        answer = {'names': ['a', 'b', 'c', 'd'], 'input_shape': [4], 'output_shape': [4]}
    else:
        answer = {'value': [3 * x + 1 for x in q['x']]}
    print(json.dumps({'id': q['id'], **answer}), flush=True)
";
    fs::write(f.join("model.py"), model).unwrap();
    fs::write(f.join("x.csv"), "1,2\n3,4\n").unwrap();
    let own = [
        "--command",
        "python3 model.py",
        "--keep",
        "--input-shape",
        "2x2",
        "--output-shape",
        "2x2",
    ];
    let with = |command: &str, rest: &[&str]| {
        let (code, said, errors) = words(f, &[&[command], &own[..], rest].concat());
        assert_eq!(code, 0, "{said}{errors}");
        said
    };
    with("simulate", &["--input", "x.csv", "-o", "y.csv"]);
    let rows = fs::read_to_string(f.join("y.csv")).unwrap();
    assert_eq!(rows.lines().count(), 2, "a field of two rows: {rows}");
    // A prior along the axes of the field needs its shape.
    let said = with(
        "solve",
        &[
            "--target",
            "y.csv",
            "-o",
            "found.csv",
            "--prior",
            "tikhonov:order=1,weight=1e-12",
        ],
    );
    assert_says(&said, &["program with"]);
    let found = fs::read_to_string(f.join("found.csv")).unwrap();
    let found = found.split([',', '\n']).filter(|cell| !cell.is_empty());
    let found: Vec<f64> = found.map(|cell| cell.parse().unwrap()).collect();
    assert_eq!(found.len(), 4);
    for (found, x) in found.iter().zip([1.0, 2.0, 3.0, 4.0]) {
        assert!((found - x).abs() < 1e-6, "{found} against {x}");
    }
    with("check", &["--at", "x.csv"]);
    // The same from a file.
    let text = "
simulator = { name = \"program\", command = \"python3 model.py\", keep = true }
title = \"Four numbers\"
target = \"flat.csv\"
";
    fs::write(f.join("flat.csv"), "4\n7\n10\n13\n").unwrap();
    fs::write(f.join("inversion.toml"), text).unwrap();
    let said = succeed(f, "solve inversion.toml --json -o again.csv");
    assert_says(&said, &["\"a\"", "\"d\""]);
}

#[test]
fn a_program_that_fails_ends_with_its_own_words() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("x.csv"), "0.3\n-0.2\n").unwrap();
    let simulate = |command: &str, more: &[&str]| {
        let own = [
            "simulate",
            "--command",
            command,
            "--inputs",
            "2",
            "--outputs",
            "2",
        ];
        let (code, _, errors) = words(
            f,
            &[&own[..], &["--input", "x.csv", "-o", "y.csv"], more].concat(),
        );
        assert_eq!(code, 3, "{command}: {errors}");
        assert!(!errors.contains("panicked"), "{errors}");
        errors
    };
    let message = simulate("sh -c 'echo no licence >&2; exit 3' {input} {output}", &[]);
    assert_says(
        &message,
        &["program 'sh' failed", "exit code 3", "no licence"],
    );
    let message = simulate("sleep 60 {input} {output}", &["--timeout", "200ms"]);
    assert_says(&message, &["sleep"]);
    let message = simulate("sh -c 'sleep 60' {input} {output}", &["--timeout", "200ms"]);
    assert_says(&message, &["did not finish within 0.2 s", "raise timeout"]);
    let message = simulate("pyhton model.py {input} {output}", &[]);
    assert_says(&message, &["'pyhton' was not found"]);
}

#[test]
fn an_experiment_may_name_a_simulator_of_ones_own() {
    let server = Serving::start("sine");
    let folder = tempdir().unwrap();
    let text = format!(
        r#"
title = "Elsewhere"
sentence = "A sine behind a server."
[[problem]]
name = "sine"
simulator = {{ name = "umbridge", url = "{}", model = "sine", config = {{ xi = 2.0 }} }}
truth = {{ kind = "values", values = [0.2, 0.1] }}
start = {{ kind = "zeros" }}
[[method]]
name = "newton"
rule = {{ name = "newton" }}
steps = 20
[[method]]
name = "levenberg-marquardt"
rule = {{ name = "levenberg-marquardt" }}
steps = 20
"#,
        server.url
    );
    fs::write(folder.path().join("far.toml"), text).unwrap();
    let summary = succeed(folder.path(), "run far.toml --out run --json");
    let summary: Value = serde_json::from_str(&summary).unwrap();
    for method in summary["methods"].as_array().unwrap() {
        assert!(method["loss"].as_f64().unwrap() < 1e-16, "{method}");
    }
}

/// A network learns through a simulator behind a server what it learns through the same one at home, with targets that a local
/// inverse moves too.
#[test]
fn a_training_may_name_a_simulator_of_ones_own() {
    let server = Serving::start("exp");
    let folder = tempdir().unwrap();
    let text = |simulator: &str| {
        format!(
            r#"
title = "A logarithm"
sentence = "A network learns x from e^x."
simulator = {simulator}
inverse = {{ name = "newton" }}
network = {{ name = "mlp", hidden = [8], activation = "sigmoid" }}
[until]
epochs = 3
[data]
draw = {{ kind = "uniform", low = -1.0, high = 1.0 }}
train = 16
test = 8
[[method]]
name = "dp"
strategy = {{ name = "end-to-end" }}
rule = {{ name = "adam", learning_rate = 1e-2 }}
batch = 8
[[method]]
name = "sip"
strategy = {{ name = "corrected-targets", rule = {{ name = "inverse-simulator" }} }}
rule = {{ name = "adam", learning_rate = 1e-2 }}
batch = 8
"#
        )
    };
    let far = format!(
        r#"{{ name = "umbridge", url = "{}", model = "exp" }}"#,
        server.url
    );
    fs::write(folder.path().join("far.toml"), text(&far)).unwrap();
    fs::write(folder.path().join("near.toml"), text(r#"{ name = "exp" }"#)).unwrap();
    let losses = |name: &str| -> Vec<f64> {
        let told = succeed(
            folder.path(),
            &format!("train {name}.toml --out {name} --json"),
        );
        let told: Value = serde_json::from_str(&told).unwrap();
        let methods = told.as_array().unwrap();
        methods
            .iter()
            .map(|m| m["loss"].as_f64().unwrap())
            .collect()
    };
    let (far, near) = (losses("far"), losses("near"));
    assert_eq!(far.len(), 2);
    for (far, near) in far.iter().zip(&near) {
        assert!((far - near).abs() < 1e-9 * near, "{far} is not {near}");
    }
}

/// A shell reads the paths that are put for `{input}` and `{output}` as they are, wherever temporary files go.
#[cfg(target_os = "linux")]
#[test]
fn paths_mean_nothing_to_a_shell_whatever_tmpdir_is() {
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("x.csv"), "3\n").unwrap();
    for (i, name) in [
        "with blank",
        "a;touch pwned;b",
        "$(touch pwned)",
        "it's \"quoted\"",
        "two\nlines",
        "`touch pwned`",
    ]
    .into_iter()
    .enumerate()
    {
        let temporary = f.join(name);
        fs::create_dir(&temporary).unwrap();
        let output = format!("y{i}.csv");
        let done = retrodict(f)
            .env("TMPDIR", &temporary)
            .args([
                "simulate",
                "--command",
                "sh -c \"cat {input} > {output}\"",
                "--format",
                "json",
            ])
            .args([
                "--inputs",
                "1",
                "--outputs",
                "1",
                "--input",
                "x.csv",
                "-o",
                &output,
            ])
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        assert_eq!(numbers(&f.join(output)), [3.0], "{name}");
        assert!(!f.join("pwned").exists(), "{name}");
        assert_eq!(
            fs::read_dir(temporary).unwrap().count(),
            0,
            "{name}: something is left"
        );
    }
}
