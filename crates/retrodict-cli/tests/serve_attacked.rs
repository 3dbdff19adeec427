//! `retrodict serve` on a hostile network, which here is the loopback.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::serving::Serving;
use serde_json::{Value, json};

fn connect(server: &Serving) -> TcpStream {
    let stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

/// Status and body of the answer to a question with these headers.
fn ask_with(server: &Serving, path: &str, headers: &str, question: &str) -> (u16, String) {
    let mut stream = connect(server);
    let length = question.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    // A refusal may come before all is sent.
    let _ = stream.write_all((head + question).as_bytes());
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

fn ask(server: &Serving, path: &str, question: &Value) -> (u16, Value) {
    let headers = "host: localhost\r\ncontent-type: application/json\r\n";
    let (status, body) = ask_with(server, path, headers, &question.to_string());
    (status, serde_json::from_str(&body).unwrap())
}

/// It answers what it should.
fn assert_lives(server: &Serving) {
    let (status, body) = ask(
        server,
        "/Evaluate",
        &json!({ "name": "square", "input": [[1.0, 3.0]] }),
    );
    assert_eq!((status, body), (200, json!({ "output": [[1.0, 9.0]] })));
}

/// A server with so little memory that one question could end it, where it did not count before.
fn small() -> Serving {
    Serving::within(
        4_000_000,
        "square heat wave fluid exp burgers oscillators schroedinger poisson laplace advection \
         reaction-diffusion kuramoto-sivashinsky shaw lotka-volterra",
    )
}

#[test]
fn absurd_configs_are_refused_and_the_server_lives() {
    let server = small();
    let huge = 1_u64 << 32;
    for (name, config) in [
        ("fluid", json!({ "shape": [65536, 65536] })),
        ("fluid", json!({ "shape": [huge, huge] })),
        ("heat", json!({ "shape": [huge, huge] })),
        ("heat", json!({ "shape": [1 << 21, 1 << 21, 1 << 22] })),
        ("heat", json!({ "shape": [3_000_000_000_u64] })),
        ("wave", json!({ "shape": [60_000, 60_000] })),
        ("poisson", json!({ "shape": [i64::MAX, 2] })),
        ("laplace", json!({ "shape": [1 << 20, 1 << 20] })),
        (
            "advection",
            json!({ "shape": [1 << 30], "velocity": [1.0] }),
        ),
        ("burgers", json!({ "shape": [1 << 30] })),
        ("reaction-diffusion", json!({ "shape": [1 << 15, 1 << 15] })),
        ("kuramoto-sivashinsky", json!({ "cells": 1_u64 << 40 })),
        ("exp", json!({ "size": 1_u64 << 60 })),
        ("shaw", json!({ "size": 1 << 20 })),
        ("oscillators", json!({ "masses": 1_u64 << 50 })),
        ("oscillators", json!({ "steps": 1_u64 << 50 })),
        ("schroedinger", json!({ "points": 1_u64 << 50 })),
        ("schroedinger", json!({ "steps": i64::MAX })),
        ("exp", json!({ "size": u64::MAX })),
        ("exp", json!({ "size": -1 })),
        ("exp", json!({ "size": 1e300 })),
    ] {
        for path in ["/InputSizes", "/OutputSizes", "/Evaluate", "/Gradient"] {
            let question = json!({
                "name": name, "config": config, "input": [[]], "outWrt": 0, "inWrt": 0, "sens": []
            });
            let (status, body) = ask(&server, path, &question);
            let sort = body["error"]["type"].as_str();
            assert!(
                [400, 413].contains(&status),
                "{name} {config} {path}: {status} {body}"
            );
            assert_eq!(sort, Some("InvalidInput"), "{name} {config} {path}: {body}");
        }
    }
    assert_lives(&server);
}

/// Sizes on both sides of the limit: what is let in is computed, within the memory that there is.
#[test]
fn what_is_let_in_fits() {
    let server = small();
    for (name, key, sizes) in [
        (
            "heat",
            "shape",
            vec![
                json!([1000, 1000]),
                json!([3001, 3001]),
                json!([8000, 8000]),
            ],
        ),
        (
            "fluid",
            "shape",
            vec![json!([256, 256]), json!([1024, 1024]), json!([4096, 4096])],
        ),
        (
            "wave",
            "shape",
            vec![json!([1024, 1024]), json!([6000, 6000])],
        ),
        ("exp", "size", vec![json!(1 << 20), json!(1 << 24)]),
        ("shaw", "size", vec![json!(1000), json!(30_000)]),
    ] {
        for size in sizes {
            let config = json!({ key: size });
            let (status, body) = ask(
                &server,
                "/InputSizes",
                &json!({ "name": name, "config": config }),
            );
            if status != 200 {
                assert!(
                    body["error"]["message"]
                        .as_str()
                        .unwrap()
                        .contains("of memory"),
                    "{body}"
                );
                continue;
            }
            let inputs = body["inputSizes"][0].as_u64().unwrap() as usize;
            if inputs > 1 << 20 {
                continue;
            }
            let values = vec!["0"; inputs].join(",");
            let question =
                format!(r#"{{"name": "{name}", "config": {config}, "input": [[{values}]]}}"#);
            let headers = "host: localhost\r\ncontent-type: application/json\r\n";
            let (status, body) = ask_with(&server, "/Evaluate", headers, &question);
            let start = &body[..body.len().min(200)];
            assert!(
                [200, 413].contains(&status),
                "{name} {config}: {status} {start}"
            );
        }
    }
    assert_lives(&server);
}

#[test]
fn texts_that_stand_for_much_memory_are_refused() {
    let server = small();
    let headers = "host: localhost\r\ncontent-type: application/json\r\n";
    for question in [
        format!(
            r#"{{"name": "square", "config": {{"a": [{}0]}}}}"#,
            "0,".repeat(2_000_000)
        ),
        format!(
            r#"{{"name": "square", "input": [{}[]]}}"#,
            "[],".repeat(1_000_000)
        ),
        format!(
            r#"{{"name": "square", "config": {}1{}}}"#,
            "{\"a\":".repeat(100_000),
            "}".repeat(100_000)
        ),
        format!(r#"{{"name": "square", "input": {}"#, "[".repeat(1_000_000)),
    ] {
        let (status, body) = ask_with(&server, "/Evaluate", headers, &question);
        assert_eq!(status, 400, "{}", &body[..body.len().min(300)]);
    }
    assert_lives(&server);
}

#[test]
fn pages_and_names_of_others_are_refused() {
    let server = Serving::start("square --allow-host lab.example");
    let question = r#"{"name": "square", "input": [[1.0, 2.0]]}"#;
    let status = |headers: &str| ask_with(&server, "/Evaluate", headers, question).0;
    let json = "content-type: application/json\r\n";
    assert_eq!(status(&format!("host: localhost\r\n{json}")), 200);
    assert_eq!(status(&format!("host: lab.example:4242\r\n{json}")), 200);
    assert_eq!(status(&format!("host: evil.example\r\n{json}")), 403);
    assert_eq!(
        status(&format!(
            "host: localhost\r\norigin: http://evil.example\r\n{json}"
        )),
        403
    );
    assert_eq!(
        status(&format!("host: localhost\r\norigin: null\r\n{json}")),
        403
    );
    assert_eq!(
        status("host: localhost\r\ncontent-type: text/plain\r\n"),
        415
    );
    assert_eq!(status("host: localhost\r\n"), 415);
    let (_, body) = ask_with(
        &server,
        "/Evaluate",
        &format!("host: evil.example\r\n{json}"),
        question,
    );
    assert!(body.contains("--allow-host"), "{body}");
}

/// More connections than there are places, all silent: others are served at once.
#[test]
fn silent_connections_keep_nobody_out() {
    let server = Serving::start("square");
    let mut silent: Vec<TcpStream> = Vec::new();
    for i in 0..700 {
        let mut stream = connect(&server);
        match i % 3 {
            // A header that never ends.
            1 => drop(stream.write_all(b"POST /Evaluate HTTP/1.1\r\nhost: loc")),
            // A body that never comes.
            2 => drop(stream.write_all(
                b"POST /Evaluate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
            )),
            _ => {}
        }
        silent.push(stream);
        if i % 100 == 99 {
            let start = Instant::now();
            assert_lives(&server);
            assert!(
                start.elapsed() < Duration::from_secs(8),
                "{i}: {:?}",
                start.elapsed()
            );
        }
    }
    // Those that stay are ended too, some time after ten seconds.
    let last = silent.last_mut().unwrap();
    let start = Instant::now();
    let mut rest = Vec::new();
    let _ = last.read_to_end(&mut rest);
    assert!(
        start.elapsed() < Duration::from_secs(40),
        "{:?}",
        start.elapsed()
    );
    assert_lives(&server);
}

/// A header that comes byte by byte is not waited for longer than one that does not come.
#[test]
fn a_header_must_be_whole_in_time() {
    let server = Serving::start("square");
    let mut stream = connect(&server);
    let start = Instant::now();
    let header = b"POST /Evaluate HTTP/1.1\r\nhost: localhost\r\nx: ";
    let mut bytes = header.iter().copied().chain(std::iter::repeat(b'a'));
    while start.elapsed() < Duration::from_secs(50) {
        if stream.write_all(&[bytes.next().unwrap()]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(
        start.elapsed() < Duration::from_secs(45),
        "still read after {:?}",
        start.elapsed()
    );
    let _ = stream.shutdown(Shutdown::Both);
    assert_lives(&server);
}

/// One that is asked for an answer longer than any buffer, and does not read it, gives way too.
#[test]
fn answers_that_nobody_reads_hold_no_place() {
    let server = Serving::start("square exp --set exp.size=200000");
    let values = vec!["0.123456789"; 200_000].join(",");
    let question = format!(r#"{{"name": "exp", "input": [[{values}]]}}"#);
    let head = format!(
        "POST /Evaluate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        question.len()
    );
    let mut stream = connect(&server);
    stream.write_all((head + &question).as_bytes()).unwrap();
    assert_lives(&server);
    std::thread::sleep(Duration::from_secs(1));
    assert_lives(&server);
}

/// Work without end is ended with its time, so that it keeps no worker.
#[test]
fn endless_questions_are_ended() {
    let server = Serving::start("square burgers lotka-volterra --timeout 1s --threads 1");
    let endless = [
        (
            "burgers",
            json!({ "shape": [16], "steps": 1_u64 << 60 }),
            16,
            16,
        ),
        ("lotka-volterra", json!({ "dt": 1e-300 }), 4, 40),
    ];
    for (name, config, inputs, outputs) in endless {
        let question = json!({
            "name": name, "config": config, "input": [vec![0.1; inputs]],
            "outWrt": 0, "inWrt": 0, "sens": vec![1.0; outputs]
        });
        for path in ["/Evaluate", "/Gradient"] {
            let (status, body) = ask(&server, path, &question);
            assert_eq!(status, 503, "{path} {name}: {body}");
        }
        // The only worker is free again.
        let start = Instant::now();
        while ask(
            &server,
            "/Evaluate",
            &json!({ "name": "square", "input": [[1.0, 3.0]] }),
        )
        .0 != 200
        {
            assert!(start.elapsed() < Duration::from_secs(30), "{name} goes on");
        }
    }
}

#[test]
fn limits_are_checked_and_stated() {
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_retrodict"))
            .args(words)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, message) = run(&["serve", "heat", "--memory", "0"]);
    assert_eq!(code, Some(2), "{message}");
    let (code, message) = run(&["serve", "heat", "--memory", "1", "--set", "shape=[512,512]"]);
    assert_eq!(code, Some(2), "{message}");
    assert!(
        message.contains("the server's --memory is 1.0 MiB"),
        "{message}"
    );
    let (code, message) = run(&["serve", "heat", "--set", "shape=[4294967296,4294967296]"]);
    assert_eq!(code, Some(2), "{message}");
    let (code, message) = run(&["check", "fluid", "--set", "shape=[4294967296,4294967296]"]);
    assert_eq!(code, Some(2), "{message}");
    assert!(message.contains("this machine has"), "{message}");
}

/// A question that takes long does not keep a server from ending: who asked it is told.
#[test]
fn a_long_question_is_told_of_the_end() {
    let mut server = Serving::start("burgers --set shape=[2000] --set steps=500000000");
    let question = json!({ "name": "burgers", "input": [vec![0.5; 2000]] });
    let id = server.child.id().to_string();
    let (status, body) = std::thread::scope(|scope| {
        let asked = scope.spawn(|| ask(&server, "/Evaluate", &question));
        std::thread::sleep(Duration::from_millis(500));
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.unwrap().success());
        asked.join().unwrap()
    });
    assert_eq!(
        (status, body["error"]["type"].as_str()),
        (503, Some("Ending")),
        "{body}"
    );
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}
