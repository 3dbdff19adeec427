//! Models behind a server: what is asked, what is filled in, and what is said of servers that fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::server::{Reply, Server};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use retrodict::losses::SquaredError;
use retrodict::models::external::{Differences, External, Scheme, UmBridgeOptions};
use retrodict::options::Build;
use retrodict::updates::LevenbergMarquardt;
use retrodict::{Problem, Simulator, Solver, StopWhen, check};
use serde_json::{Value, json};

/// F(a, b) = ((a₁ b, sin a₂), (a₁² + e^b)), with a of two values and b of one.
fn evaluate(a: &[f64], b: f64) -> [Vec<f64>; 2] {
    [vec![a[0] * b, a[1].sin()], vec![a[0] * a[0] + b.exp()]]
}

/// ∂F_out/∂x_in, by rows.
fn block(a: &[f64], b: f64, out: usize, from: usize) -> Vec<Vec<f64>> {
    match (out, from) {
        (0, 0) => vec![vec![b, 0.0], vec![0.0, a[1].cos()]],
        (0, 1) => vec![vec![a[0]], vec![0.0]],
        (1, 0) => vec![vec![2.0 * a[0], 0.0]],
        _ => vec![vec![b.exp()]],
    }
}

/// ∂²(sens · F_out)/∂x_to ∂x_from, by rows.
fn curvature(a: &[f64], b: f64, sens: &[f64], out: usize, to: usize, from: usize) -> Vec<Vec<f64>> {
    match (out, to, from) {
        (0, 0, 0) => vec![vec![0.0, 0.0], vec![0.0, -a[1].sin() * sens[1]]],
        (0, 0, 1) => vec![vec![sens[0]], vec![0.0]],
        (0, 1, 0) => vec![vec![sens[0], 0.0]],
        (1, 0, 0) => vec![vec![2.0 * sens[0], 0.0], vec![0.0, 0.0]],
        (1, 1, 1) => vec![vec![b.exp() * sens[0]]],
        (_, 0, _) => vec![vec![0.0; if from == 0 { 2 } else { 1 }]; 2],
        _ => vec![vec![0.0; if from == 0 { 2 } else { 1 }]],
    }
}

fn times(matrix: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
    let dot = |row: &Vec<f64>| row.iter().zip(v).map(|(a, b)| a * b).sum();
    matrix.iter().map(dot).collect()
}

fn transpose(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let columns = 0..matrix[0].len();
    columns
        .map(|j| matrix.iter().map(|row| row[j]).collect())
        .collect()
}

/// A server of F that behaves, with these derivatives.
fn model(offers: &'static [&'static str]) -> impl Fn(&str, &Value, usize) -> Reply {
    move |path, question, _| {
        let numbers =
            |value: &Value| -> Vec<f64> { serde_json::from_value(value.clone()).unwrap() };
        let index = |key: &str| question[key].as_u64().unwrap() as usize;
        let point = || {
            (
                numbers(&question["input"][0]),
                numbers(&question["input"][1])[0],
            )
        };
        let support = |what: &&str| (what.to_string(), Value::Bool(true));
        let answer = match path {
            "/Info" => json!({ "protocolVersion": 1.0, "models": ["forward"] }),
            "/ModelInfo" => json!({
                "support": offers.iter().chain(&["Evaluate"]).map(support)
                    .collect::<serde_json::Map<_, _>>()
            }),
            "/InputSizes" => json!({ "inputSizes": [2, 1] }),
            "/OutputSizes" => json!({ "outputSizes": [2, 1] }),
            "/Evaluate" => {
                let (a, b) = point();
                json!({ "output": evaluate(&a, b) })
            }
            "/Gradient" => {
                let (a, b) = point();
                let block = transpose(&block(&a, b, index("outWrt"), index("inWrt")));
                json!({ "output": times(&block, &numbers(&question["sens"])) })
            }
            "/ApplyJacobian" => {
                let (a, b) = point();
                let block = block(&a, b, index("outWrt"), index("inWrt"));
                json!({ "output": times(&block, &numbers(&question["vec"])) })
            }
            "/ApplyHessian" => {
                let (a, b) = point();
                let sens = numbers(&question["sens"]);
                let (out, to, from) = (index("outWrt"), index("inWrt1"), index("inWrt2"));
                let block = curvature(&a, b, &sens, out, to, from);
                json!({ "output": times(&block, &numbers(&question["vec"])) })
            }
            other => panic!("asked for {other}"),
        };
        Reply::Answer(200, answer.to_string())
    }
}

fn at(server: &Server) -> UmBridgeOptions {
    UmBridgeOptions::default()
        .with_url(server.url.clone())
        .with_timeout(20.0)
}

fn connect(server: &Server) -> External {
    at(server).build().unwrap()
}

const X: [f64; 3] = [0.8, 0.3, -0.4];

#[test]
fn vectors_are_joined_and_what_is_offered_is_used() {
    let server = Server::start(model(&["Gradient", "ApplyJacobian", "ApplyHessian"]));
    let simulator = connect(&server);
    assert_eq!(simulator.input().name, "inputs of forward (2 + 1 values)");
    assert_eq!((simulator.input().len(), simulator.output().len()), (3, 3));
    assert!(simulator.describe().approximation.is_none());
    let shared: Arc<dyn Simulator> = Arc::new(simulator);
    let checks = check::simulator(&shared, &X, 3);
    assert!(checks.iter().any(|c| c.name == "second order"));
    for check in checks {
        assert!(check.passed, "{check:?}");
    }
}

#[test]
fn missing_derivatives_are_filled_in() {
    // What is offered, what J costs beside P(x): evaluations, gradients, products with J.
    for (offers, cost, note) in [
        (
            &[][..],
            [6, 0, 0],
            "offers no derivatives: J is approximated by central differences, 6 evaluations",
        ),
        (
            &["Gradient"],
            [0, 3 * 2, 0],
            "products with Jᵀ alone: J is assembled from 3 of them",
        ),
        (
            &["ApplyJacobian"],
            [0, 0, 3 * 2],
            "products with J alone: J is assembled from 3 of them",
        ),
    ] {
        let server = Server::start(model(offers));
        let simulator = connect(&server);
        let said = simulator.describe().approximation.unwrap().note;
        assert!(said.contains(note), "{said}");

        let mut y = [0.0; 3];
        let map = simulator.linearize(&X, &mut y).unwrap();
        let dense = map.dense().unwrap();
        map.apply(&[1.0, 2.0, 3.0], &mut y).unwrap();
        map.apply_transpose(&[1.0, 2.0, 3.0], &mut y).unwrap();
        let count = |path: &str| server.questions(path).len();
        let found = [
            count("/Evaluate") - 1,
            count("/Gradient"),
            count("/ApplyJacobian"),
        ];
        assert_eq!(found, cost, "{offers:?}: J is found once for each x");

        for (row, (out, i)) in [(0, 0), (0, 1), (1, 0)].into_iter().enumerate() {
            let exact: Vec<f64> = (0..2)
                .flat_map(|from| block(&X[..2], X[2], out, from)[i].clone())
                .collect();
            for (found, exact) in dense.row(row).iter().zip(exact) {
                assert!(
                    (found - exact).abs() < 1e-9,
                    "{offers:?}: {found} against {exact}"
                );
            }
        }
        drop(map);
        let shared: Arc<dyn Simulator> = Arc::new(simulator);
        for check in check::simulator(&shared, &X, 3) {
            assert!(check.passed, "{offers:?}: {check:?}");
        }
    }
}

#[test]
fn forward_differences_ask_half_as_often() {
    let server = Server::start(model(&[]));
    let differences = Differences::default().with_scheme(Scheme::Forward);
    let simulator = at(&server).with_differences(differences).build().unwrap();
    simulator
        .linearize(&X, &mut [0.0; 3])
        .unwrap()
        .dense()
        .unwrap();
    assert_eq!(server.questions("/Evaluate").len(), 1 + 3);
}

#[test]
fn a_model_is_inverted() {
    let server = Server::start(model(&[]));
    let target = evaluate(&X[..2], X[2]).concat();
    let problem = Problem::new(
        Arc::new(connect(&server)),
        Arc::new(SquaredError::default()),
        target,
    );
    let solver = Solver::new(LevenbergMarquardt::default(), StopWhen::after(50));
    let found = solver.solve(&problem.unwrap(), &[1.0, 0.1, -0.1]).unwrap();
    assert!(found.loss < 1e-20, "{found:?}");
    for (found, expected) in found.x.iter().zip(X) {
        assert!(
            (found - expected).abs() < 1e-9,
            "{found} against {expected}"
        );
    }
}

#[test]
fn the_configuration_goes_with_every_question() {
    let server = Server::start(model(&["Gradient"]));
    let config = "level = 2\nname = 'fine'".parse().unwrap();
    let simulator = at(&server).with_config(config).build().unwrap();
    simulator.forward(&X, &mut [0.0; 3]).unwrap();
    simulator.vjp(&X, &[1.0; 3], &mut [0.0; 3]).unwrap();
    for path in ["/InputSizes", "/OutputSizes", "/Evaluate", "/Gradient"] {
        for question in server.questions(path) {
            assert_eq!(
                question["config"],
                json!({ "level": 2, "name": "fine" }),
                "{path}"
            );
            assert_eq!(question["name"], "forward");
        }
    }
}

/// What is said when a server that behaved at first answers an evaluation like this.
fn said(
    timeout: f64,
    misbehave: impl Fn(usize) -> Reply + Send + Sync + 'static,
) -> (String, Server) {
    let behave = model(&[]);
    let server = Server::start(move |path, question, before| match path {
        "/Evaluate" => misbehave(before),
        _ => behave(path, question, before),
    });
    let simulator = at(&server).with_timeout(timeout).build().unwrap();
    let error = simulator
        .forward(&X, &mut [0.0; 3])
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(&format!("model 'forward' at {} failed: ", server.url)),
        "{error}"
    );
    (error, server)
}

#[test]
fn answers_that_are_wrong_are_named() {
    let ok = |body: &str| {
        let body = body.to_owned();
        said(20.0, move |_| Reply::Answer(200, body.clone())).0
    };
    for (body, part) in [
        (
            r#"{"output": [[1, 2]]}"#,
            "vectors of [2] values, but OutputSizes declares [2, 1]",
        ),
        (
            r#"{"output": [[1, 2, 3], [4]]}"#,
            "vectors of [3, 1] values, but OutputSizes declares [2, 1]",
        ),
        (
            r#"{"output": [[1, nan], [4]]}"#,
            "'nan', which is no number",
        ),
        (
            r#"{"output": [[1, -Infinity], [4]]}"#,
            "'Infinity', which is no number",
        ),
        (
            r#"{"output": [[1, null], [4]]}"#,
            "y holds NaN at index 1; the model has no finite value",
        ),
        (
            r#"{"output": [1, 2, 3]}"#,
            "something other than the protocol says",
        ),
        ("<html>Welcome</html>", "<html>Welcome</html>"),
        ("", "an empty body"),
        (
            r#"{"output": [[1, 2"#,
            r#"something other than the protocol says (EOF"#,
        ),
        (
            r#"{"error": {"type": "InvalidInput", "message": "too cold"}}"#,
            "Evaluate returned InvalidInput: too cold",
        ),
    ] {
        let message = ok(body);
        assert!(message.contains(part), "{body}: {message}");
    }
}

#[test]
fn statuses_are_passed_on() {
    let (message, _) = said(20.0, |_| {
        Reply::Answer(500, "Server got itself\nin trouble".to_owned())
    });
    assert!(
        message.contains("Evaluate returned HTTP status 500: Server got itself in trouble"),
        "{message}"
    );
    assert!(
        message.contains("look at what the server itself printed"),
        "{message}"
    );
    let error =
        json!({ "error": { "type": "UnsupportedFeature", "message": "no Evaluate today" } });
    let (message, _) = said(20.0, move |_| Reply::Answer(400, error.to_string()));
    assert!(
        message.contains("UnsupportedFeature: no Evaluate today"),
        "{message}"
    );
}

#[test]
fn servers_that_are_slow_or_die_are_told_from_each_other() {
    let (message, _) = said(0.3, |_| Reply::Silence(Duration::from_secs(5)));
    assert!(
        message.contains("no answer to Evaluate came within 0.3 s"),
        "{message}"
    );
    assert!(message.contains("raise timeout to allow more"), "{message}");

    let (message, server) = said(20.0, |_| Reply::Bytes(Vec::new()));
    assert!(message.contains("the connection broke off"), "{message}");
    assert_eq!(
        server.questions("/Evaluate").len(),
        2,
        "it is asked once more, and no more"
    );

    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"output\": [[1, 2], [".to_vec();
    let (message, _) = said(20.0, move |_| Reply::Bytes(half.clone()));
    assert!(message.contains("the connection broke off"), "{message}");

    let (message, _) = said(20.0, |_| Reply::Bytes(b"SSH-2.0-OpenSSH\r\n".to_vec()));
    assert!(message.contains("the request Evaluate failed"), "{message}");
}

#[test]
fn a_long_body_is_not_read() {
    let (message, server) = said(20.0, |_| Reply::Flood(100_000_000));
    assert!(
        message.contains("the answer to Evaluate is longer than 65728 bytes"),
        "{message}"
    );
    assert!(message.contains("body_limit"), "{message}");
    assert!(
        server.flooded() < 20_000_000,
        "{} bytes went out",
        server.flooded()
    );
}

#[test]
fn a_connection_that_was_closed_while_idle_is_opened_again() {
    let behave = model(&[]);
    let server =
        Server::start(
            move |path, question, before| match behave(path, question, before) {
                Reply::Answer(_, body) => Reply::AnswerAndClose(body),
                other => other,
            },
        );
    let simulator = connect(&server);
    for _ in 0..20 {
        simulator.forward(&X, &mut [0.0; 3]).unwrap();
    }
}

#[test]
fn what_cannot_be_connected_to_says_why() {
    let refused = |bridge: UmBridgeOptions, parts: &[&str]| {
        let message = bridge.build().err().unwrap().to_string();
        for part in parts {
            assert!(message.contains(part), "no '{part}' in: {message}");
        }
    };
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    refused(
        UmBridgeOptions::default().with_url(nobody.clone()),
        &[
            &nobody,
            "nothing is listening there: is the server running, and is this its port?",
        ],
    );
    let server = Server::start(model(&[]));
    refused(
        at(&server).with_model("forwrd".to_owned()),
        &["unknown model 'forwrd' (did you mean 'forward'?); known: forward"],
    );
    let with = |path: &'static str, answer: Value| {
        let behave = model(&[]);
        Server::start(move |asked, question, before| match asked == path {
            true => Reply::Answer(200, answer.to_string()),
            false => behave(asked, question, before),
        })
    };
    let several = with(
        "/Info",
        json!({ "protocolVersion": 1.0, "models": ["coarse", "fine"] }),
    );
    refused(
        at(&several),
        &[
            "model = nothing",
            "the server offers several models; name one of: coarse, fine",
        ],
    );
    let old = with(
        "/Info",
        json!({ "protocolVersion": 0.9, "models": ["forward"] }),
    );
    refused(at(&old), &["version 0.9", "only 1.0 is supported"]);
    let mute = with("/ModelInfo", json!({ "support": { "Gradient": true } }));
    refused(at(&mute), &["it does not offer Evaluate"]);
    let huge = with(
        "/OutputSizes",
        json!({ "outputSizes": [1_000_000_000_000_u64] }),
    );
    refused(
        at(&huge),
        &["it declares outputs of [1000000000000] values"],
    );
    let empty = with("/InputSizes", json!({ "inputSizes": [] }));
    refused(
        at(&empty),
        &["it declares inputs of [] values; between 1 and"],
    );
    let other = Server::start(|_, _, _| Reply::Answer(404, "<h1>Not found</h1>".to_owned()));
    refused(
        at(&other),
        &["Info returned HTTP status 404: <h1>Not found</h1>"],
    );
}

#[test]
fn x_that_json_cannot_hold_is_not_sent() {
    let server = Server::start(model(&[]));
    let error = connect(&server)
        .forward(&[f64::NAN, 0.0, 0.0], &mut [0.0; 3])
        .unwrap_err();
    assert!(
        error.to_string().contains("x holds NaN at index 0"),
        "{error}"
    );
    assert!(server.questions("/Evaluate").is_empty());
}

/// Whatever a server says, a client answers, and believes no size that it cannot hold.
#[test]
fn mutants_of_answers_are_told_or_taken() {
    const MUTANTS: usize = 3000;
    const TELLING: [&str; 8] = [
        "-1",
        "1e999",
        "null",
        "18446744073709551615",
        "1000000000000",
        "[[[[",
        "\"",
        "}",
    ];
    let random = Mutex::new(Pcg64::seed_from_u64(16));
    let honest = model(&["Gradient", "ApplyJacobian"]);
    let server = Server::start(move |path, question, count| {
        let Reply::Answer(status, body) = honest(path, question, count) else {
            panic!("it answers");
        };
        let mut random = random.lock().unwrap();
        if random.random_range(0..4) > 0 {
            return Reply::Answer(status, body);
        }
        let mut bytes = body.into_bytes();
        let at = random.random_range(0..bytes.len());
        match random.random_range(0..4) {
            0 => bytes[at] = random.random_range(b' '..b'~'),
            1 => bytes.truncate(at),
            2 => drop(bytes.remove(at)),
            _ => {
                let piece = TELLING[random.random_range(0..TELLING.len())];
                bytes.splice(at..at, piece.bytes());
            }
        }
        Reply::Answer(status, String::from_utf8_lossy(&bytes).into_owned())
    });
    let (mut refused, mut y) = (0, [0.0; 3]);
    for _ in 0..MUTANTS {
        let Ok(simulator) = at(&server).build() else {
            refused += 1;
            continue;
        };
        let mut dx = [0.0; 3];
        let fits = simulator.input().len() == 3 && simulator.output().len() == 3;
        let told = match fits {
            true => simulator
                .forward(&X, &mut y)
                .and_then(|()| simulator.vjp(&X, &[1.0, 0.5, 2.0], &mut dx)),
            false => {
                refused += 1;
                continue;
            }
        };
        if told.is_err() {
            refused += 1;
        }
    }
    assert!((MUTANTS / 10..MUTANTS).contains(&refused), "{refused}");
}
