//! The statistics with which a network that normalises batches answers a sample alone.

use super::Data;
use crate::error::Result;
use crate::network::Network;

/// Mini-batches that are looked at.
const LOOKED_AT: u64 = 4;

/// The means of what the normalising layers saw in the last mini-batches; empty where there are no such layers.
///
/// They are looked at anew, with the θ of now: what was seen while θ moved belongs to other networks.
///
/// # Cost
/// Four mini-batches forward; where samples are drawn afresh, they are drawn once more.
///
/// # Source
/// Ioffe & Szegedy 2015, algorithm 2, which takes means over mini-batches of training.
pub(super) fn seen_statistics(
    network: &dyn Network,
    theta: &[f64],
    data: &mut dyn Data,
    steps: u64,
    size: usize,
) -> Result<Vec<f64>> {
    let layout = network.statistics_layout();
    let mut means = vec![0.0; layout.last().map_or(0, |last| last.range.end)];
    if means.is_empty() {
        return Ok(means);
    }
    let numbers = steps.saturating_sub(LOOKED_AT)..steps.max(1);
    let count = (numbers.end - numbers.start) as f64;
    for number in numbers {
        let batch = data.batch(number, size)?;
        let inputs: Vec<f64> = batch.iter().flat_map(|s| s.input.iter().copied()).collect();
        let seen = network.statistics(theta, &inputs)?;
        means
            .iter_mut()
            .zip(seen)
            .for_each(|(m, s)| *m += s / count);
    }
    Ok(means)
}
