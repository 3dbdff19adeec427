//! Prints the table of the book's page on the inverse of heat.
//!
//! `cargo run --release -p retrodict --example heat_table`, or with the path of another `.npz`
//! whose array `x` holds fields of 64×64 cells.

#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::fs::File;
use std::sync::Arc;

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use retrodict::linalg::{LsmrOptions, lsmr};
use retrodict::losses::SquaredError;
use retrodict::options::Build;
use retrodict::simulators::{Heat, HeatOptions};
use retrodict::spectral::regularisation::Regularisation;
use retrodict::updates::{GradientDescent, LimitedMemoryBfgs, UpdateRule};
use retrodict::{
    Evaluation, LocalInverse, Problem, Simulator, Solver, StopWhen, Tally, solve_batch,
};

const CELLS: usize = 64 * 64;

type Fields = Vec<Vec<f64>>;
type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/heat_boxes_128.npz");
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| default.to_owned());
    let truth = load(&path)?;
    let zero = vec![vec![0.0; CELLS]; truth.len()];
    let clean = observe(&truth, 0.0, 0)?;

    println!("| data | method | Σ\\|x − x*\\| |\n|---|---|---|");
    let row = |data: &str, method: &str, found: &Fields| {
        println!("| {data} | {method} | {:.1} |", distance(found, &truth));
    };
    row("–", "x = 0", &zero);
    row(
        "clean",
        "gradient descent, 1000 steps",
        &run(&clean, || GradientDescent::new(1.0).unwrap(), 1000)?,
    );
    row(
        "clean",
        "L-BFGS, 1000 steps",
        &run(&clean, LimitedMemoryBfgs::default, 1000)?,
    );
    row("clean", "LSMR, 200 steps", &krylov(&clean, 200)?);
    let damping = Regularisation::Damping {
        relative: 1e-6,
        floor: 0.0,
    };
    let published = HeatOptions::default()
        .with_inverse(damping)
        .build()
        .unwrap();
    let mut x = zero.clone();
    for step in 1..=100 {
        x = invert(&clean, |_| published.clone(), &x)?;
        if [1, 2, 100].contains(&step) {
            row("clean", &format!("published damping, {step} steps"), &x);
        }
    }
    row(
        "clean",
        "Tikhonov, λ = 1e-30",
        &invert(&clean, |_| tikhonov(1e-30), &zero)?,
    );
    row(
        "clean",
        "ours, noise level unknown",
        &invert(&clean, |_| HeatOptions::default().build().unwrap(), &zero)?,
    );
    let mut x = zero.clone();
    for _ in 0..100 {
        x = invert(&clean, |_| HeatOptions::default().build().unwrap(), &x)?;
    }
    row("clean", "ours, noise level unknown, 100 steps", &x);
    for (level, seed) in [(1e-6, 1), (1e-4, 2), (1e-2, 3)] {
        let data = observe(&truth, level, seed)?;
        let name = format!("noise {level:.0e}");
        let scan = (-80..=8).map(|i| 10.0_f64.powf(f64::from(i) / 4.0));
        let best = scan
            .map(|lambda| {
                let found = invert(&data, |_| tikhonov(lambda), &zero)?;
                Ok((distance(&found, &truth), lambda))
            })
            .collect::<Outcome<Vec<_>>>()?
            .into_iter()
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .ok_or("no strength was tried")?;
        println!(
            "| {name} | best fixed λ of a scan that knows x* ({:.1e}) | {:.1} |",
            best.1, best.0
        );
        let told = |sigma| HeatOptions::default().with_noise(sigma).build().unwrap();
        row(
            &name,
            "ours, noise level given",
            &invert(&data, told, &zero)?,
        );
        row(
            &name,
            "ours, noise level unknown",
            &invert(&data, |_| HeatOptions::default().build().unwrap(), &zero)?,
        );
        let mut x = zero.clone();
        for _ in 0..100 {
            x = invert(&data, |_| HeatOptions::default().build().unwrap(), &x)?;
        }
        row(&name, "ours, noise level unknown, 100 steps", &x);
    }
    Ok(())
}

fn load(path: &str) -> Outcome<Fields> {
    let mut archive = zip::ZipArchive::new(File::open(path)?)?;
    let values: Vec<f64> = npyz::NpyFile::new(archive.by_name("x.npy")?)?.into_vec()?;
    Ok(values.chunks(CELLS).map(<[f64]>::to_vec).collect())
}

fn tikhonov(lambda: f64) -> Heat {
    let inverse = Regularisation::Tikhonov {
        lambda: Some(lambda),
    };
    HeatOptions::default()
        .with_inverse(inverse)
        .build()
        .unwrap()
}

/// Mean over the fields of Σ|x − x*|.
fn distance(found: &Fields, truth: &Fields) -> f64 {
    let pairs = found.iter().zip(truth);
    let sums = pairs.map(|(f, t)| f.iter().zip(t).map(|(f, t)| (f - t).abs()).sum::<f64>());
    sums.sum::<f64>() / truth.len() as f64
}

/// Diffused fields with noise of `level` times the root mean square, and each field's deviation.
fn observe(truth: &Fields, level: f64, seed: u64) -> Outcome<Vec<(Vec<f64>, f64)>> {
    let heat = HeatOptions::default().build().unwrap();
    let mut random = rand_pcg::Pcg64::seed_from_u64(seed);
    truth
        .iter()
        .map(|x| {
            let mut y = vec![0.0; CELLS];
            heat.forward(x, &mut y)?;
            let sigma = level * (y.iter().map(|y| y * y).sum::<f64>() / CELLS as f64).sqrt();
            for y in &mut y {
                let z: f64 = StandardNormal.sample(&mut random);
                *y += sigma * z;
            }
            Ok((y, sigma))
        })
        .collect()
}

fn invert(data: &[(Vec<f64>, f64)], heat: impl Fn(f64) -> Heat, start: &Fields) -> Outcome<Fields> {
    let pairs = data.iter().zip(start);
    pairs
        .map(|((y, sigma), x0)| {
            let mut x = vec![0.0; CELLS];
            heat(*sigma).invert_near(y, x0, &mut x)?;
            Ok(x)
        })
        .collect()
}

fn problems(data: &[(Vec<f64>, f64)]) -> retrodict::Result<Vec<Problem>> {
    let heat = Arc::new(HeatOptions::default().build().unwrap());
    let loss = Arc::new(SquaredError::half());
    data.iter()
        .map(|(y, _)| Problem::new(heat.clone(), loss.clone(), y.clone()))
        .collect()
}

fn run<R: UpdateRule + 'static>(
    data: &[(Vec<f64>, f64)],
    rule: impl Fn() -> R + Sync,
    steps: usize,
) -> Outcome<Fields> {
    let starts = vec![vec![0.0; CELLS]; data.len()];
    let solver = |_| Ok(Solver::new(rule(), StopWhen::after(steps)));
    let solutions = solve_batch(&problems(data)?, &starts, solver)?;
    Ok(solutions.into_iter().map(|s| s.x).collect())
}

fn krylov(data: &[(Vec<f64>, f64)], steps: usize) -> Outcome<Fields> {
    let options = LsmrOptions::default()
        .with_tolerance(0.0)
        .with_max_iterations(steps);
    problems(data)?
        .iter()
        .map(|problem| {
            let tally = Tally::default();
            let mut x = vec![0.0; CELLS];
            let at = Evaluation::new(problem, &tally, &x)?;
            lsmr(&at, problem.target(), &options, &mut x)?;
            Ok(x)
        })
        .collect()
}
