//! A blurred and noisy picture of a million cells, sharp again by total variation: the figures of the
//! book's page on priors.
//!
//! `cargo run --release --example tv_deblur [SIDE] [STEPS]` prints the error of the picture and of the
//! solution, the time, and the most memory that was held.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use retrodict::linalg::{distance_squared, norm};
use retrodict::losses::Weighted;
use retrodict::options::Build;
use retrodict::priors::TotalVariation;
use retrodict::simulators::HeatOptions;
use retrodict::updates::LimitedMemoryBfgs;
use retrodict::{Bounds, Problem, Record, Result, Simulator, Solver, StopWhen};

const NOISE: f64 = 0.02;

fn main() -> Result<()> {
    let mut sizes = std::env::args().skip(1).filter_map(|a| a.parse().ok());
    let side: usize = sizes.next().unwrap_or(1024);
    let steps: usize = sizes.next().unwrap_or(100);
    let heat = Arc::new(
        HeatOptions::default()
            .with_shape(vec![side, side])
            .with_nu_t(4.0)
            .build()?,
    );
    let truth = picture(side);
    let mut seen = vec![0.0; truth.len()];
    heat.forward(&truth, &mut seen)?;
    let mut random = rand_pcg::Pcg64::seed_from_u64(1);
    let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
    seen.iter_mut().for_each(|y| *y += NOISE * normal());

    let loss = Weighted::half([NOISE])?;
    let prior = TotalVariation::default().with_smoothing(1e-2);
    let bounds = Bounds::new(vec![0.0], vec![1.0]);
    let problem = Problem::new(heat, Arc::new(loss), seen.clone())?
        .with_prior(&prior, 5.0)?
        .within(&bounds)?;
    let error = |x: &[f64]| distance_squared(x, &truth).sqrt() / norm(&truth);
    println!("{side}² cells, {} unknowns", truth.len());
    println!("error of the picture  {:.4}", error(&seen));
    let clock = Instant::now();
    let show = |record: &Record, x: &[f64]| {
        if record.step.is_multiple_of(20) {
            println!(
                "step {:3}  loss {:.6e}  error {:.4}",
                record.step,
                record.loss,
                error(x)
            );
        }
        ControlFlow::Continue(())
    };
    let solver = Solver::new(LimitedMemoryBfgs::default(), StopWhen::after(steps));
    let solution = solver.solve_observed(&problem, &seen, show)?;
    println!("error of the solution {:.4}", error(&solution.x));
    println!(
        "time                  {:.1} s",
        clock.elapsed().as_secs_f64()
    );
    if let Some(memory) = most_memory() {
        println!("memory                {memory} MiB at most");
    }
    Ok(())
}

/// Discs and bars of several heights.
fn picture(side: usize) -> Vec<f64> {
    let place = |i: usize| (i as f64 + 0.5) / side as f64;
    let value = |cell: usize| -> f64 {
        let (a, b) = (place(cell / side), place(cell % side));
        let disc = |x: f64, y: f64, r: f64| (a - x).hypot(b - y) < r;
        if disc(0.3, 0.35, 0.18) {
            if disc(0.3, 0.35, 0.08) { 0.4 } else { 1.0 }
        } else if disc(0.7, 0.3, 0.12) {
            0.6
        } else if a > 0.6 && a < 0.9 && (b * 10.0).fract() < 0.5 && b > 0.45 && b < 0.95 {
            0.8
        } else {
            0.1
        }
    };
    (0..side * side).map(value).collect()
}

/// The most memory that this process ever held, in MiB, where Linux tells.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes / 1024)
}
