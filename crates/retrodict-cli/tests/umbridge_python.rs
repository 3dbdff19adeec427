//! Against the reference implementation of UM-Bridge in Python, as client and as server.
//!
//! `RETRODICT_PYTHON` names an interpreter with the package `umbridge` (.ci/run makes one); without it
//! these tests say that they were left out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::env;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::binary::{fail, run, succeed};
use crate::serving::Serving;
use retrodict::options::Build;
use retrodict::simulators::SineOptions;
use retrodict::{SecondOrder, Simulator};
use serde_json::Value;
use tempfile::tempdir;

fn python() -> Option<String> {
    let found = env::var("RETRODICT_PYTHON").ok();
    if found.is_none() {
        eprintln!("left out: RETRODICT_PYTHON names no interpreter with the package umbridge");
    }
    found
}

const CLIENT: &str = r#"
import json, sys
import umbridge
url = sys.argv[1]
assert umbridge.supported_models(url) == ["sine", "heat"]
model = umbridge.HTTPModel(url, "sine")
config = {"xi": 4.0}
assert model.get_input_sizes(config) == [2] and model.get_output_sizes(config) == [2]
assert umbridge.HTTPModel(url, "heat").supports_apply_hessian()
x, sens, vec = [[0.3, -0.2]], [0.7, 1.1], [-0.4, 0.9]
try:
    model([[1.0]], config)
    refused = ""
except Exception as error:
    refused = str(error)
print(json.dumps({
    "y": model(x, config)[0],
    "gradient": model.gradient(0, 0, x, sens, config),
    "jacobian": model.apply_jacobian(0, 0, x, vec, config),
    "hessian": model.apply_hessian(0, 0, 0, x, sens, vec, config),
    "refused": refused,
}))
"#;

#[test]
fn the_python_client_gets_our_numbers_bit_for_bit() {
    let Some(python) = python() else { return };
    let server = Serving::start("sine heat --set heat.shape=[4]");
    let output = Command::new(python)
        .args(["-c", CLIENT, &server.url])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let numbers = |key: &str| -> Vec<f64> { serde_json::from_value(said[key].clone()).unwrap() };

    let sine = SineOptions::default().with_xi(4.0).build().unwrap();
    let (x, sens, vec) = ([0.3, -0.2], [0.7, 1.1], [-0.4, 0.9]);
    let mut out = [0.0; 2];
    sine.forward(&x, &mut out).unwrap();
    assert_eq!(numbers("y"), out);
    sine.vjp(&x, &sens, &mut out).unwrap();
    assert_eq!(numbers("gradient"), out);
    sine.jvp(&x, &vec, &mut out).unwrap();
    assert_eq!(numbers("jacobian"), out);
    sine.vjp_derivative(&x, &sens, &vec, &mut out).unwrap();
    assert_eq!(numbers("hessian"), out);
    let refused = said["refused"].as_str().unwrap();
    assert!(
        refused.contains("InvalidInput: 'input' holds vectors of [1] values"),
        "{refused}"
    );
}

const SERVER: &str = r#"
import math, os, sys, time
import umbridge

class Decay(umbridge.Model):
    """y = (a exp(-r t) at three times; a r), from the vectors (a) and (r)."""
    def get_input_sizes(self, config):
        return [1, 1]
    def get_output_sizes(self, config):
        return [3, 1]
    def __call__(self, parameters, config):
        trouble = config.get("trouble")
        if trouble == "raise":
            raise ValueError("the mesh is empty")
        if trouble == "slow":
            time.sleep(5)
        if trouble == "die":
            os._exit(1)
        a, r = parameters[0][0], parameters[1][0]
        y = [[a * math.exp(-r * t) for t in (0.5, 1.0, 2.0)], [a * r]]
        if trouble == "nan":
            y[0][1] = math.nan
        if trouble == "length":
            y[0].append(1.0)
        return y
    def supports_evaluate(self):
        return True

class WithGradient(Decay):
    def gradient(self, out_wrt, in_wrt, parameters, sens, config):
        a, r = parameters[0][0], parameters[1][0]
        if out_wrt == 1:
            return [sens[0] * (r if in_wrt == 0 else a)]
        slope = (lambda t: math.exp(-r * t)) if in_wrt == 0 else (lambda t: -a * t * math.exp(-r * t))
        return [sum(s * slope(t) for s, t in zip(sens, (0.5, 1.0, 2.0)))]
    def supports_gradient(self):
        return True

umbridge.serve_models([Decay("decay"), WithGradient("with-gradient")], int(sys.argv[1]))
"#;

struct Reference {
    child: Child,
    url: String,
}

impl Reference {
    fn start(python: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new(python)
            .args(["-c", SERVER, &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut reference = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
        };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = reference.child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "Python's server ended at once: is umbridge installed?"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        reference
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn numbers(path: &Path) -> Vec<f64> {
    let text = fs::read_to_string(path).unwrap();
    text.split_whitespace()
        .map(|line| line.parse().unwrap())
        .collect()
}

#[test]
fn a_python_model_is_solved_and_checked() {
    let Some(python) = python() else { return };
    let reference = Reference::start(&python);
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("x.csv"), "2.5\n0.8\n").unwrap();
    fs::write(f.join("start.csv"), "1\n0.1\n").unwrap();
    for (model, note) in [
        (
            "decay",
            "offers no derivatives: J is approximated by central differences, 4 evaluations for each x",
        ),
        (
            "with-gradient",
            "offers products with Jᵀ alone: J is assembled from 4 of them",
        ),
    ] {
        let there = format!("--umbridge {} --model {model}", reference.url);
        succeed(f, &format!("simulate {there} --input x.csv -o y.csv"));
        let (a, r) = (2.5_f64, 0.8_f64);
        let y = [0.5, 1.0, 2.0].map(|t| a * (-r * t).exp());
        for (found, expected) in numbers(&f.join("y.csv"))
            .iter()
            .zip(y.iter().chain(&[a * r]))
        {
            assert!(
                (found - expected).abs() < 1e-14,
                "{found} against {expected}"
            );
        }
        let solved = run(
            f,
            &format!("solve {there} --target y.csv --start start.csv -o found.csv"),
        );
        let errors = String::from_utf8_lossy(&solved.stderr).into_owned();
        assert!(solved.status.success(), "{errors}");
        assert!(errors.contains(note), "no '{note}' in: {errors}");
        for (found, x) in numbers(&f.join("found.csv")).iter().zip([2.5, 0.8]) {
            assert!((found - x).abs() < 1e-7, "{model}: {found} against {x}");
        }
        let said = succeed(f, &format!("check {there} --at x.csv"));
        assert!(!said.contains("FAIL"), "{said}");
    }
}

#[test]
fn trouble_of_a_python_model_is_told() {
    let Some(python) = python() else { return };
    let reference = Reference::start(&python);
    let folder = tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("x.csv"), "2.5\n0.8\n").unwrap();
    for (trouble, part) in [
        ("raise", "Evaluate returned HTTP status 500"),
        ("nan", "'nan', which is no number"),
        (
            "length",
            "InvalidOutput: Output vector 0 has invalid length! Model declared 3 but returned 4",
        ),
        ("slow", "no answer to Evaluate came within 2 s"),
        // The last: it ends the server. Whoever asks again at once may still meet its listener as it goes.
        (
            "die",
            "the connection broke off; the request was repeated, ",
        ),
    ] {
        let words = format!(
            r#"simulate --umbridge {} --model decay --config {{"trouble":"{trouble}"}} --timeout 2s --input x.csv -o y.csv"#,
            reference.url
        );
        let message = fail(f, &words, 3);
        assert!(
            message.contains(part),
            "{trouble}: no '{part}' in: {message}"
        );
        if trouble == "slow" {
            // One worker serves: the next question would wait for it.
            std::thread::sleep(Duration::from_secs(4));
        }
    }
}
