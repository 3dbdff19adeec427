//! How cost grows with grid, steps and batch: the tables and the picture of the book's page.
//!
//! `cargo run --release -p retrodict --example growth -- docs/src/growth.svg`
#![allow(clippy::unwrap_used)]

mod picture;

use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;
use retrodict::registry::SIMULATORS;
use retrodict::{Simulator, check};

use picture::{Curve, Panel};

/// Milliseconds of a forward run, and of a value with its gradient, tape included.
struct Cost {
    size: f64,
    forward: f64,
    gradient: f64,
}

/// The median of five samples that last 20 ms or one call.
fn milliseconds(mut work: impl FnMut()) -> f64 {
    work();
    let mut samples: Vec<f64> = (0..5)
        .map(|_| {
            let clock = Instant::now();
            let mut calls = 0;
            while calls == 0 || clock.elapsed().as_secs_f64() < 0.02 {
                work();
                calls += 1;
            }
            1e3 * clock.elapsed().as_secs_f64() / f64::from(calls)
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    samples[2]
}

fn build(name: &str, options: &str) -> Arc<dyn Simulator> {
    let entry = SIMULATORS.entries.iter().find(|e| e.name == name).unwrap();
    entry.build(&options.parse().unwrap()).unwrap()
}

fn gradient(simulator: &dyn Simulator, x: &[f64], y: &mut [f64], dx: &mut [f64]) {
    let map = simulator.linearize(x, y).unwrap();
    map.apply_transpose(&vec![1.0; y.len()], dx).unwrap();
}

fn cost(simulator: &dyn Simulator, size: usize, batch: usize) -> Cost {
    let x = check::typical_input(simulator, 1);
    let outputs = simulator.output().len();
    let forward = || {
        (0..batch).into_par_iter().for_each(|_| {
            simulator.forward(&x, &mut vec![0.0; outputs]).unwrap();
        });
    };
    let both = || {
        (0..batch).into_par_iter().for_each(|_| {
            let (mut y, mut dx) = (vec![0.0; outputs], vec![0.0; x.len()]);
            gradient(simulator, &x, &mut y, &mut dx);
        });
    };
    Cost {
        size: size as f64,
        forward: milliseconds(forward),
        gradient: milliseconds(both),
    }
}

/// The slope of log t over log n, by least squares over the larger half.
fn slope(costs: &[Cost]) -> f64 {
    let tail = &costs[costs.len() / 2 - 1..];
    let points = tail.iter().map(|c| (c.size.ln(), c.gradient.ln()));
    let (mut x, mut y, mut xx, mut xy, n) = (0.0, 0.0, 0.0, 0.0, tail.len() as f64);
    for (a, b) in points {
        x += a;
        y += b;
        xx += a * a;
        xy += a * b;
    }
    (n * xy - x * y) / (n * xx - x * x)
}

fn curve(name: &str, colour: usize, costs: impl Iterator<Item = Cost>) -> Curve {
    let costs: Vec<Cost> = costs.collect();
    let list = |pick: fn(&Cost) -> f64| {
        let cells: Vec<String> = costs
            .iter()
            .map(|c| format!("{}: {:.3}", c.size, pick(c)))
            .collect();
        cells.join(", ")
    };
    println!(
        "| {name} | {} | {} | {:.2} |",
        list(|c| c.forward),
        list(|c| c.gradient),
        slope(&costs)
    );
    Curve {
        name: name.to_owned(),
        colour,
        solid: costs.iter().map(|c| (c.size, c.forward)).collect(),
        dashed: costs.iter().map(|c| (c.size, c.gradient)).collect(),
    }
}

fn heading(what: &str) {
    println!("\n| simulator | {what}: forward, ms | value and gradient, ms | slope |");
    println!("|---|---|---|---|");
}

fn main() {
    heading("cells");
    let square = |name: &'static str, colour, sides: &'static [usize], rest: &'static str| {
        let costs = sides.iter().map(move |n| {
            let simulator = build(name, &format!("shape = [{n}, {n}]\n{rest}"));
            cost(&*simulator, n * n, 1)
        });
        curve(name, colour, costs)
    };
    let sides = &[16, 32, 64, 128, 256];
    let line = [16, 32, 64, 128, 256, 512, 1024];
    let grid = vec![
        square("fluid", 0, sides, "steps = 8"),
        square("burgers", 1, sides, "steps = 8"),
        square("reaction-diffusion", 2, sides, "steps = 8"),
        square("wave", 3, sides, "steps = 8"),
        curve(
            "schroedinger",
            4,
            line.iter().map(|n| {
                let simulator = build("schroedinger", &format!("points = {n}\nsteps = 96"));
                cost(&*simulator, *n, 1)
            }),
        ),
    ];
    heading("steps");
    let counts = [8, 16, 32, 64, 128, 256, 512];
    let long = |name: &'static str, colour, rest: &'static str| {
        let costs = counts.iter().map(move |n| {
            let simulator = build(name, &format!("steps = {n}\n{rest}"));
            cost(&*simulator, *n, 1)
        });
        curve(name, colour, costs)
    };
    let steps = vec![
        long("fluid", 0, "shape = [32, 32]"),
        long("burgers", 1, "shape = [128]"),
        long("reaction-diffusion", 2, "shape = [32, 32]"),
        long("wave", 3, "shape = [64]"),
        long("schroedinger", 4, "points = 16"),
        long("oscillators", 5, "masses = 2"),
    ];
    heading("samples");
    let many = |name: &'static str, colour, rest: &'static str| {
        let simulator = build(name, rest);
        let sizes = [1, 2, 4, 8, 16, 32, 64, 128];
        let costs = sizes.iter().map(move |n| cost(&*simulator, *n, *n));
        curve(name, colour, costs)
    };
    let batch = vec![
        many("fluid", 0, "shape = [64, 64]\nsteps = 8"),
        many("burgers", 1, "shape = [128]"),
        many("schroedinger", 4, "points = 16"),
        many("oscillators", 5, "masses = 2"),
        many("heat", 6, "shape = [64, 64]"),
    ];
    let panels = [
        Panel::new("grid", "cells", grid),
        Panel::new("time", "steps", steps),
        Panel::new("batch, 2 threads", "samples", batch),
    ];
    let path = std::env::args().nth(1);
    if let Some(path) = path {
        let title = "Cost over grid, steps and batch";
        let legend = "solid: forward; dashed: value and gradient; dotted: proportional";
        std::fs::write(path, picture::draw(&panels, title, legend)).unwrap();
    }
}
