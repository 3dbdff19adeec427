//! What a call through UM-Bridge costs beside the call itself.
//!
//! `cargo bench -p retrodict-cli --bench umbridge` starts `retrodict serve` on loopback, asks it over one
//! kept connection, and fails if a call takes 0.3 ms more than P takes by itself.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use retrodict::Simulator;
use retrodict::check::typical_input;
use retrodict::models::external::UmBridgeOptions;
use retrodict::options::Build;
use retrodict::registry::SIMULATORS;

const LIMIT: f64 = 300.0;

/// The median of many calls, in microseconds.
fn microseconds(mut work: impl FnMut()) -> f64 {
    for _ in 0..50 {
        work();
    }
    let mut times: Vec<f64> = (0..2000)
        .map(|_| {
            let clock = Instant::now();
            work();
            1e6 * clock.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// `retrodict serve`, ended with the bench.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_retrodict"))
        .args(["serve", "sine", "lotka-volterra", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let _serving = Serving(child);
    let url = line
        .split_whitespace()
        .find(|word| word.starts_with("http://"));
    let url = url.unwrap().trim_end_matches(';').to_owned();

    println!("| simulator | call | by itself, µs | through UM-Bridge, µs | overhead, µs |");
    println!("|---|---|---|---|---|");
    let mut failed = false;
    for name in ["sine", "lotka-volterra"] {
        let own = SIMULATORS.build(name, &toml::Table::new()).unwrap();
        let (url, model) = (url.clone(), Some(name.to_owned()));
        let there = UmBridgeOptions::default()
            .with_url(url)
            .with_model(model)
            .build()
            .unwrap();
        let x = typical_input(&*own, 1);
        let mut y = vec![0.0; own.output().len()];
        let (dy, mut dx) = (vec![1.0; y.len()], x.clone());
        let mut line = |call: &str, alone: f64, far: f64| {
            let verdict = if far - alone > LIMIT { " too slow" } else { "" };
            failed |= !verdict.is_empty();
            println!(
                "| {name} | {call} | {alone:.1} | {far:.1} | {:.1} |{verdict}",
                far - alone
            );
        };
        let alone = microseconds(|| own.forward(&x, &mut y).unwrap());
        let far = microseconds(|| there.forward(&x, &mut y).unwrap());
        line("P", alone, far);
        let alone = microseconds(|| own.vjp(&x, &dy, &mut dx).unwrap());
        let far = microseconds(|| there.vjp(&x, &dy, &mut dx).unwrap());
        line("Jᵀ·", alone, far);
    }
    if failed {
        std::process::exit(1);
    }
}
