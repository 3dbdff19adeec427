//! What derivatives cost beside a forward run, for every simulator.
//!
//! `cargo bench -p retrodict --bench physics` fails if, of a simulator in time, a reverse sweep
//! takes more than four forward runs, or a tangent sweep more than three.
#![allow(clippy::unwrap_used)]

use std::time::Instant;

use retrodict::check;
use retrodict::registry::SIMULATORS;

const REVERSE: f64 = 4.0;
const TANGENT: f64 = 3.0;

/// The fastest of a few samples that last 20 ms each, in microseconds a call.
fn microseconds(mut work: impl FnMut()) -> f64 {
    work();
    let sample = |work: &mut dyn FnMut()| {
        let clock = Instant::now();
        let mut calls = 0;
        while clock.elapsed().as_secs_f64() < 0.02 {
            work();
            calls += 1;
        }
        1e6 * clock.elapsed().as_secs_f64() / f64::from(calls)
    };
    (0..5)
        .map(|_| sample(&mut work))
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    let built = SIMULATORS.entries.iter().map(|entry| {
        let simulator = entry.build(&toml::Table::new()).unwrap();
        (entry, simulator)
    });
    // An equation carries its whole Jacobian along: there is no sweep over a tape.
    let (swept, others): (Vec<_>, Vec<_>) = built.partition(|(entry, simulator)| {
        simulator.describe().keeps_trajectory && !entry.accepts("fit_initial")
    });
    let mut failed = false;
    println!("On a tape, which is not counted:\n");
    println!("| simulator | forward, µs | tangent / forward | reverse / forward |");
    println!("|---|---|---|---|");
    for (entry, simulator) in swept {
        let x = check::typical_input(&*simulator, 1);
        let mut y = vec![0.0; simulator.output().len()];
        let (dy, mut dx) = (vec![1.0; y.len()], x.clone());
        let forward = microseconds(|| simulator.forward(&x, &mut y).unwrap());
        let map = simulator.linearize(&x, &mut y).unwrap();
        let tangent = microseconds(|| map.apply(&x, &mut y).unwrap()) / forward;
        let reverse = microseconds(|| map.apply_transpose(&dy, &mut dx).unwrap()) / forward;
        let verdict = if tangent > TANGENT || reverse > REVERSE {
            failed = true;
            " too slow"
        } else {
            ""
        };
        println!(
            "| {} | {forward:.1} | {tangent:.2} | {reverse:.2} |{verdict}",
            entry.name
        );
    }
    println!("\nEverything counted, the forward run too:\n");
    println!("| simulator | unknowns | forward, µs | J dx / forward | Jᵀ dy / forward |");
    println!("|---|---|---|---|---|");
    for (entry, simulator) in others {
        let x = check::typical_input(&*simulator, 1);
        let mut y = vec![0.0; simulator.output().len()];
        let (dy, mut dx) = (vec![1.0; y.len()], x.clone());
        let forward = microseconds(|| simulator.forward(&x, &mut y).unwrap());
        let tangent = microseconds(|| simulator.jvp(&x, &x, &mut y).unwrap()) / forward;
        let reverse = microseconds(|| simulator.vjp(&x, &dy, &mut dx).unwrap()) / forward;
        println!(
            "| {} | {} | {forward:.2} | {tangent:.2} | {reverse:.2} |",
            entry.name,
            x.len()
        );
    }
    if failed {
        std::process::exit(1);
    }
}
