//! How good a network is on some samples.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Sample;
use super::spread::spread;
use crate::core::loss::Loss;
use crate::error::{Result, expect_length};
use crate::linalg::distance_squared;
use crate::network::Network;

/// How good a network is on some samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Score {
    /// The mean over the samples of L(P(f(y*)), y*).
    pub loss: f64,
    /// The mean over the samples of ½ ‖f(y*) − x*‖², where x* is known. Of several solutions the nearest
    /// counts, where the simulator knows them all
    /// ([`is_nearest`](crate::LocalInverse::is_nearest)).
    pub x_half_square: Option<f64>,
    /// The mean over the samples of ‖f(y*) − x*‖, likewise. A few that are far off weigh less in it.
    pub x_distance: Option<f64>,
}

/// The mean loss and error of a network over samples, in batches of `size`, with the statistics of what it learned from: that
/// of each sample is the same whatever lies beside it.
///
/// # Errors
/// If a length is wrong. A simulation that fails makes the loss infinite.
pub fn score(
    network: &dyn Network,
    theta: &[f64],
    statistics: &[f64],
    samples: &[Arc<Sample>],
    loss: &dyn Loss,
    size: usize,
) -> Result<Score> {
    let n = network.output().len();
    let (mut sum, mut squares, mut distances, mut labelled) = (0.0, 0.0, 0.0, 0);
    for batch in samples.chunks(size.max(1)) {
        let inputs: Vec<f64> = batch.iter().flat_map(|s| s.input.iter().copied()).collect();
        let mut x = vec![0.0; batch.len() * n];
        network.predict(theta, statistics, &inputs, &mut x)?;
        let losses = spread(batch.len(), |i| {
            let sample = &batch[i];
            let mut y = vec![0.0; sample.target.len()];
            let x = &x[i * n..(i + 1) * n];
            expect_length("the network's output", n, sample.simulator.input().len())?;
            match sample.simulator.forward(x, &mut y) {
                Ok(()) => Ok(loss.value(&y, &sample.target)),
                Err(error) if error.is_interruption() => Err(error),
                Err(_) => Ok(f64::INFINITY),
            }
        })?;
        sum += losses.iter().sum::<f64>();
        for (sample, x) in batch.iter().zip(x.chunks(n)) {
            if let Some(label) = &sample.label {
                let square = error_squared(sample, x, label)?;
                squares += square;
                distances += square.sqrt();
                labelled += 1;
            }
        }
    }
    Ok(Score {
        loss: sum / samples.len().max(1) as f64,
        x_half_square: (labelled > 0).then(|| 0.5 * squares / f64::from(labelled)),
        x_distance: (labelled > 0).then(|| distances / f64::from(labelled)),
    })
}

/// ‖x − x*‖², with the x* that is nearest to x where all are known.
fn error_squared(sample: &Sample, x: &[f64], label: &[f64]) -> Result<f64> {
    let all_known = sample.simulator.local_inverse().filter(|i| i.is_nearest());
    let Some(inverse) = all_known else {
        return Ok(distance_squared(x, label));
    };
    let mut nearest = label.to_vec();
    inverse.invert_near(&sample.target, x, &mut nearest)?;
    Ok(distance_squared(x, &nearest))
}
