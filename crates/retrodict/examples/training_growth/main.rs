//! How a half-inverse step grows with batch, outputs and weights, beside one of Adam: the table and the
//! picture of the book's page.
//!
//! `cargo run --release -p retrodict --example training_growth -- docs/src/training-growth.svg`
#![allow(clippy::unwrap_used)]

#[path = "../growth/picture.rs"]
mod picture;

use retrodict::options::Build;
use std::ops::ControlFlow;
use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use retrodict::Space;
use retrodict::linalg::Engine;
use retrodict::losses::SquaredError;
use retrodict::network::{Architecture, Dense};
use retrodict::simulators::OscillatorsOptions;
use retrodict::training::{Checkpoint, EndToEnd, Fixed, Progress, Sample, StopWhen, Trainer};
use retrodict::updates::{Adam, HalfInverseOptions, UpdateRule};

use picture::{Curve, Panel};

/// What a training is made of.
#[derive(Clone, Copy)]
struct Size {
    batch: usize,
    masses: usize,
    hidden: usize,
}

const USUAL: Size = Size {
    batch: 16,
    masses: 2,
    hidden: 20,
};

/// A chain of masses that is to come back to where it started, as in the published experiment.
fn samples(size: Size) -> Vec<Sample> {
    let mut random = Pcg64::seed_from_u64(1);
    let one = |_| {
        let state: Vec<f64> = (0..2 * size.masses)
            .map(|_| random.random_range(0.0..1.0))
            .collect();
        let chain = OscillatorsOptions::default()
            .with_masses(size.masses)
            .with_steps(24)
            .with_dt(0.5)
            .with_kappa(0.2)
            .with_alpha(0.0)
            .with_strength(1.0)
            .with_initial(state.clone())
            .build()
            .unwrap();
        Sample::new(chain, state)
    };
    (0..size.batch).map(one).collect()
}

/// The number of weights, and milliseconds a step: the least of three samples of a tenth of a second.
fn cost(size: Size, rule: Box<dyn UpdateRule>) -> (usize, f64) {
    let samples = samples(size);
    let hidden = vec![size.hidden; 3];
    let seen = Space::new("state", &[2 * size.masses], "1");
    let network = Dense::default().with_hidden(hidden);
    let network = network
        .between(&seen, samples[0].simulator.input())
        .unwrap();
    let (weights, theta) = (network.parameters(), network.initial(1));
    let loss = SquaredError::default();
    let mut trainer = Trainer::new(network, EndToEnd::default(), rule, loss, size.batch);
    let mut data = Fixed::new(samples, None);
    let mut at = Checkpoint::at(theta);
    let mut steps = |count: u64| {
        let stop = StopWhen::after(at.steps + count);
        let go_on = |_: &Progress<'_>| ControlFlow::Continue(());
        let trained = trainer.resume(&mut data, &[], &at, &stop, go_on);
        at = trained.unwrap().checkpoint;
    };
    steps(1);
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let (clock, mut count) = (Instant::now(), 0);
        while count == 0 || clock.elapsed().as_secs_f64() < 0.1 {
            steps(1);
            count += 1;
        }
        best = best.min(1e3 * clock.elapsed().as_secs_f64() / f64::from(count));
    }
    (weights, best)
}

fn half_inverse(engine: Engine) -> Box<dyn UpdateRule> {
    // So short that nothing is ever taken back.
    Box::new(
        HalfInverseOptions::default()
            .with_learning_rate(1e-3)
            .with_engine(engine)
            .build()
            .unwrap(),
    )
}

/// The curves of all rules over sizes; `place` says where a size lies on the axis, from its weights.
fn curves(sizes: &[Size], place: impl Fn(&Size, usize) -> usize) -> Vec<Curve> {
    type Rule = fn() -> Box<dyn UpdateRule>;
    let rules: [(&str, Rule); 3] = [
        ("half-inverse, Gram", || half_inverse(Engine::Gram)),
        ("half-inverse, 10 Krylov steps", || {
            half_inverse(Engine::Krylov {
                steps: 10,
                tolerance: 0.0,
            })
        }),
        ("Adam", || Box::new(Adam::new(1e-5).unwrap())),
    ];
    let draw = |(colour, (name, rule)): (usize, &(&str, Rule))| {
        let points: Vec<(f64, f64)> = sizes
            .iter()
            .map(|size| {
                let (weights, time) = cost(*size, rule());
                (place(size, weights) as f64, time)
            })
            .collect();
        let cells: Vec<String> = points.iter().map(|(n, t)| format!("{n}: {t:.3}")).collect();
        println!("| {name} | {} |", cells.join(", "));
        Curve {
            name: (*name).to_owned(),
            colour: [4, 1, 0][colour],
            solid: points,
            dashed: Vec::new(),
        }
    };
    rules.iter().enumerate().map(draw).collect()
}

fn heading(what: &str) {
    println!("\n| rule | {what}: ms a step |\n|---|---|");
}

fn main() {
    heading("samples in a batch, 4 outputs each, 1444 weights");
    let batches = [2, 4, 8, 16, 32, 64, 128, 256].map(|batch| Size { batch, ..USUAL });
    let batch = curves(&batches, |size, _| size.batch);
    heading("outputs of a sample, batch of 16");
    let chains = [1, 2, 4, 8, 16, 32].map(|masses| Size { masses, ..USUAL });
    let outputs = curves(&chains, |size, _| 2 * size.masses);
    heading("weights, batch of 16, 4 outputs each");
    let widths = [10, 30, 65, 220, 700, 2220].map(|hidden| Size { hidden, ..USUAL });
    let weights = curves(&widths, |_, weights| weights);
    let panels = [
        Panel::new("batch", "samples", batch),
        Panel::new("outputs", "values of y", outputs),
        Panel::new("network", "weights", weights),
    ];
    if let Some(path) = std::env::args().nth(1) {
        let title = "The cost of a step of training over batch, outputs and weights";
        let legend = "dotted: proportional";
        std::fs::write(path, picture::draw(&panels, title, legend)).unwrap();
    }
}
