//! Workloads that `peers/run` also gives to other codes.
//!
//! `cargo bench -p retrodict` times each of them. With `--serve` it waits for names on stdin
//! and times one sample of that workload for each, so that peers can be timed in between.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)]
#[path = "../tests/fixtures/mod.rs"]
mod fixtures;

#[allow(dead_code)]
#[path = "../tests/fixtures/nist_sets.rs"]
mod nist_sets;

use std::io::BufRead;
use std::sync::Arc;
use std::time::Instant;

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use retrodict::losses::SquaredError;
use retrodict::models::ode::{Ode, OdeOptions};
use retrodict::options::Build;
use retrodict::simulators::{
    Fluid, FluidOptions, HeatOptions, LotkaVolterra, SchroedingerOptions, SineOptions,
};
use retrodict::spectral::regularisation::Regularisation;
use retrodict::updates::{
    GaussNewton, InverseSimulator, LevenbergMarquardt, LimitedMemoryBfgs, Newton, UpdateRule,
};
use retrodict::{LocalInverse, Problem, Simulator, Solution, Solver, StopWhen, solve_batch};

/// Runs once and returns a figure by which results are compared.
type Workload = Box<dyn FnMut() -> f64>;

const NAMES: [&str; 17] = [
    "heat-64",
    "heat-128",
    "heat-256",
    "heat-512",
    "heat-1024",
    "heat-2048",
    "pg-128",
    "lbfgs-128",
    "sine-newton",
    "sine-gauss-newton",
    "lotka-volterra",
    "nist-bounded",
    "schroedinger-16",
    "fluid-8",
    "fluid-64",
    "fluid-gradient-8",
    "fluid-gradient-64",
];

fn workload(name: &str) -> Workload {
    match name {
        "pg-128" => pg_step(),
        "lbfgs-128" => quasi_newton(),
        "sine-newton" => sine(|| Box::new(Newton::default())),
        "sine-gauss-newton" => sine(|| Box::new(GaussNewton::default())),
        "lotka-volterra" => populations(),
        "nist-bounded" => bounded_fits(),
        "schroedinger-16" => controls(),
        "fluid-8" => flow(8),
        "fluid-64" => flow(64),
        "fluid-gradient-8" => flow_gradient(8),
        "fluid-gradient-64" => flow_gradient(64),
        other => heat(other.trim_start_matches("heat-").parse().expect(other)),
    }
}

/// A field forwards and backwards, with a fixed strength; Σ|x| of the inverse.
fn heat(n: usize) -> Workload {
    let heat = HeatOptions::default()
        .with_shape(vec![n, n])
        .with_inverse(Regularisation::Tikhonov { lambda: Some(1e-4) })
        .build()
        .unwrap();
    let x: Vec<f64> = (0..n * n)
        .map(|i| (0.1 * (i % 1009) as f64).sin())
        .collect();
    let (mut y, mut back, start) = (x.clone(), x.clone(), vec![0.0; n * n]);
    Box::new(move || {
        heat.forward(&x, &mut y).unwrap();
        heat.invert_near(&y, &start, &mut back).unwrap();
        magnitude(&back)
    })
}

/// Σ|x|, in interleaved sums: a single chain of additions would be timed as much as the work.
fn magnitude(x: &[f64]) -> f64 {
    let mut sums = [0.0; 16];
    for x in x.chunks(16) {
        for (sum, x) in sums.iter_mut().zip(x) {
            *sum += x.abs();
        }
    }
    sums.iter().sum()
}

/// The 128 fields of 64×64 cells, diffused; starts at the blurred fields.
fn boxes(inverse: Regularisation) -> (Vec<Problem>, Vec<Vec<f64>>) {
    let heat = Arc::new(
        HeatOptions::default()
            .with_inverse(inverse)
            .build()
            .unwrap(),
    );
    let targets: Vec<Vec<f64>> = fixtures::load("heat_boxes_128.npz", "x")
        .chunks(64 * 64)
        .map(|x| {
            let mut y = vec![0.0; x.len()];
            heat.forward(x, &mut y).unwrap();
            y
        })
        .collect();
    let problem = |y: &Vec<f64>| {
        Problem::new(heat.clone(), Arc::new(SquaredError::half()), y.clone()).unwrap()
    };
    (targets.iter().map(problem).collect(), targets)
}

/// One step with probabilistic damping on each field; Σ|x| after it.
fn pg_step() -> Workload {
    let damping = Regularisation::Damping {
        relative: 1e-6,
        floor: 0.0,
    };
    let (problems, starts) = boxes(damping);
    Box::new(move || {
        let solver = |_| {
            Ok(Solver::new(
                InverseSimulator::new(1.0).unwrap(),
                StopWhen::after(1),
            ))
        };
        let solutions = solve_batch(&problems, &starts, solver).unwrap();
        solutions.iter().map(|s| magnitude(&s.x)).sum()
    })
}

/// From 0 to a thousandth of the error in y; the largest share of the first loss that is left.
fn quasi_newton() -> Workload {
    let (problems, _) = boxes(Regularisation::default());
    let starts = vec![vec![0.0; 64 * 64]; problems.len()];
    let first = |i: usize| -> f64 { 0.5 * problems_norm(&problems[i]) };
    let firsts: Vec<f64> = (0..problems.len()).map(first).collect();
    Box::new(move || {
        let solver = |i: usize| {
            let stop = StopWhen::after(10_000).with_loss_below(LEFT * firsts[i]);
            Ok(Solver::new(LimitedMemoryBfgs::default(), stop))
        };
        let solutions = solve_batch(&problems, &starts, solver).unwrap();
        let left = solutions
            .iter()
            .zip(&firsts)
            .map(|(s, first)| s.loss / first);
        left.fold(0.0, f64::max)
    })
}

/// The share of the first loss at which a run of L-BFGS ends.
const LEFT: f64 = 1e-6;

fn problems_norm(problem: &Problem) -> f64 {
    problem.target().iter().map(|y| y * y).sum()
}

/// A thousand problems near their solution, one after the other; how many were solved.
fn sine(rule: fn() -> Box<dyn UpdateRule>) -> Workload {
    let simulator = Arc::new(SineOptions::default().build().unwrap());
    let mut random = rand_pcg::Pcg64::seed_from_u64(1);
    let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
    let (mut problems, mut starts) = (Vec::new(), Vec::new());
    for _ in 0..1000 {
        let x = [0.3 * normal(), 0.3 * normal()];
        let mut y = vec![0.0; 2];
        simulator.forward(&x, &mut y).unwrap();
        problems.push(Problem::new(simulator.clone(), Arc::new(SquaredError::half()), y).unwrap());
        starts.push(vec![x[0] + 0.1 * normal(), x[1] + 0.1 * normal()]);
    }
    Box::new(move || {
        let solver = |_| {
            Ok(Solver::new(
                rule(),
                StopWhen::after(20).with_loss_below(1e-20),
            ))
        };
        let solutions: Vec<Solution> = solve_batch(&problems, &starts, solver).unwrap();
        solutions.iter().filter(|s| s.loss <= 1e-20).count() as f64
    })
}

/// The fit of four rates to two noisy populations; the loss.
fn populations() -> Workload {
    let load = |name| fixtures::load("lotka_volterra.npz", name);
    let ode: Ode<LotkaVolterra> = OdeOptions::default()
        .with_times(load("t"))
        .with_initial(load("y0"))
        .build()
        .unwrap();
    let start = ode.unknowns(&load("start")).unwrap();
    let loss = Arc::new(SquaredError::half());
    let problem = Problem::new(Arc::new(ode), loss, load("data")).unwrap();
    Box::new(move || {
        let stop = StopWhen::after(100).with_step_below(1e-8);
        let solver = Solver::new(LevenbergMarquardt::default(), stop);
        solver.solve(&problem, &start).unwrap().loss
    })
}

/// NIST's 27 sets from both starts, within wide bounds; how many end at the certified values, to four
/// digits.
fn bounded_fits() -> Workload {
    let fits: Vec<(Problem, nist_sets::Table)> = nist_sets::SETS
        .iter()
        .map(|set| {
            let table = nist_sets::table(set);
            let simulator = nist_sets::simulator(set, &table);
            let loss = Arc::new(SquaredError::half());
            let problem = Problem::new(simulator, loss, table.y.clone()).unwrap();
            (
                problem.within(&nist_sets::wide_bounds(&table)).unwrap(),
                table,
            )
        })
        .collect();
    Box::new(move || {
        let mut solved = 0.0;
        for (problem, table) in &fits {
            for start in &table.starts {
                // SciPy's own tolerance.
                let stop = StopWhen::after(1000).with_step_below(1e-8);
                let solver = Solver::new(LevenbergMarquardt::default(), stop);
                let x = solver.solve(problem, start).unwrap().x;
                let mut pairs = x.iter().zip(&table.certified);
                solved += f64::from(pairs.all(|(x, c)| (x / c - 1.0).abs() < 1e-4));
            }
        }
        solved
    })
}

/// ψ and all of ∂y/∂u for 16 controls; Σ|∂y/∂u|.
fn controls() -> Workload {
    let well = SchroedingerOptions::default().build().unwrap();
    let controls: Vec<Vec<f64>> = (0..16)
        .map(|k| {
            (0..well.options().steps)
                .map(|n| ((0.1 + 0.01 * f64::from(k)) * n as f64).sin())
                .collect()
        })
        .collect();
    Box::new(move || {
        let sums: Vec<f64> = controls
            .par_iter()
            .map(|u| {
                let mut y = vec![0.0; 28];
                let map = well.linearize(u, &mut y).unwrap();
                magnitude(map.dense().unwrap().as_slice())
            })
            .collect();
        sums.iter().sum()
    })
}

/// 64×64 cells, 8 steps, and so many initial velocities.
fn flows(batch: usize) -> (Fluid, Vec<Vec<f64>>) {
    let fluid = FluidOptions::default()
        .with_shape([64, 64])
        .build()
        .unwrap();
    let angle = std::f64::consts::TAU / 64.0;
    let velocity = |k: usize| -> Vec<f64> {
        let place = |cell: usize| (angle * (cell / 64) as f64, angle * (cell % 64) as f64);
        let first = (0..4096)
            .map(place)
            .map(|(a, b)| 0.5 * (a + 0.3 * k as f64).sin() * b.cos());
        let second = (0..4096)
            .map(place)
            .map(|(a, b)| 0.5 * (a + 0.1 * k as f64).cos() * (2.0 * b).sin());
        first.chain(second).collect()
    };
    (fluid, (0..batch).map(velocity).collect())
}

/// The markers after the flow; Σ|m|.
fn flow(batch: usize) -> Workload {
    let (fluid, velocities) = flows(batch);
    let mut markers = vec![0.0; batch * 4096];
    Box::new(move || {
        markers
            .par_chunks_mut(4096)
            .zip(&velocities)
            .for_each(|(y, x)| fluid.forward(x, y).unwrap());
        magnitude(&markers)
    })
}

/// The gradient of ½ Σ m² in the initial velocities; Σ|∂L/∂v|.
fn flow_gradient(batch: usize) -> Workload {
    let (fluid, velocities) = flows(batch);
    let mut gradients = vec![0.0; batch * 8192];
    Box::new(move || {
        gradients
            .par_chunks_mut(8192)
            .zip(&velocities)
            .for_each(|(dx, x)| {
                let mut y = vec![0.0; 4096];
                let map = fluid.linearize(x, &mut y).unwrap();
                map.apply_transpose(&y, dx).unwrap();
            });
        magnitude(&gradients)
    })
}

/// Times enough calls to last 50 ms; milliseconds a call, and the figure.
fn sample(work: &mut Workload) -> (f64, f64) {
    let clock = Instant::now();
    let mut calls = 0;
    loop {
        let figure = work();
        calls += 1;
        let seconds = clock.elapsed().as_secs_f64();
        if seconds > 0.05 {
            return (1e3 * seconds / f64::from(calls), figure);
        }
    }
}

fn show(name: &str, milliseconds: f64, figure: f64) {
    println!(
        r#"{{"workload": "{name}", "threads": {}, "milliseconds": {milliseconds}, "figure": {figure}}}"#,
        rayon::current_num_threads()
    );
}

/// One sample for each name on stdin; the last workload stays prepared.
fn serve() {
    let mut prepared: Option<(String, Workload)> = None;
    for name in std::io::stdin().lock().lines() {
        let name = name.unwrap();
        let (_, work) = match prepared.take() {
            Some(kept) if kept.0 == name => prepared.insert(kept),
            _ => {
                let mut work = workload(&name);
                work();
                prepared.insert((name.clone(), work))
            }
        };
        let (milliseconds, figure) = sample(work);
        show(&name, milliseconds, figure);
    }
}

fn main() {
    if std::env::args().any(|argument| argument == "--serve") {
        return serve();
    }
    for name in NAMES {
        let mut work = workload(name);
        work();
        let mut samples: Vec<(f64, f64)> = (0..7).map(|_| sample(&mut work)).collect();
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        show(name, samples[3].0, samples[3].1);
    }
}
