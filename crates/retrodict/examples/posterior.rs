//! The posterior of the initial temperature of a plate of 256² cells: how long it takes, and how wide it is.
//!
//! ```text
//! cargo run --release -p retrodict --example posterior
//! ```

use std::sync::Arc;
use std::time::Instant;

use retrodict::linalg::Sketch;
use retrodict::losses::Weighted;
use retrodict::options::Build;
use retrodict::priors::{Edges, Matern};
use retrodict::simulators::HeatOptions;
use retrodict::uncertainty::posterior::{MaternField, Posterior};
use retrodict::{Problem, Result};

fn main() -> Result<()> {
    let shape = vec![256, 256];
    let n = 256 * 256;
    let heat = HeatOptions::default()
        .with_shape(shape.clone())
        .with_nu_t(400.0)
        .build()?;
    let noise = Weighted::half([0.05])?;
    let problem = Problem::new(Arc::new(heat), Arc::new(noise), vec![0.0; n])?;
    let matern = Matern::default()
        .with_length(100.0)
        .with_edges(Edges::Periodic);
    let x = vec![0.0; n];

    let clock = Instant::now();
    let prior = MaternField::new(&matern, &shape)?;
    let posterior = Posterior::new(&problem, &prior, &x, Sketch::default())?;
    let deviations = posterior.deviations();
    let built = clock.elapsed();
    let samples = posterior.samples(2, 0);
    let seconds = (built.as_secs_f64(), clock.elapsed().as_secs_f64());

    let mean = deviations.iter().sum::<f64>() / n as f64;
    let values = posterior.eigenvalues();
    println!(
        "heat, {shape:?}: {} eigenvectors and the deviation of each cell in {:.2} s, two samples after {:.2} s",
        values.len(),
        seconds.0,
        seconds.1
    );
    println!(
        "eigenvalues from {:.3e} to {:.3e}; the mean deviation falls from 1 to {mean:.3}; {} values drawn",
        values[0],
        values[values.len() - 1],
        samples.as_slice().len()
    );
    Ok(())
}
