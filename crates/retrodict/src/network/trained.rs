//! A network with its weights: what a training leaves.

use std::sync::Arc;

use super::{Network, Weight};
use crate::error::{Result, expect_length};

/// A network with weights θ and, where its layers normalise batches, the statistics of the data that it learned from: each
/// sample's answer is the same alone and in company.
#[derive(Clone)]
pub struct TrainedNetwork {
    network: Arc<dyn Network>,
    theta: Vec<f64>,
    statistics: Vec<f64>,
}

impl TrainedNetwork {
    /// A network with θ and statistics.
    ///
    /// # Errors
    /// If there are not as many of either as the network has.
    pub fn new(
        network: Arc<dyn Network>,
        theta: impl Into<Vec<f64>>,
        statistics: impl Into<Vec<f64>>,
    ) -> Result<Self> {
        let (theta, statistics) = (theta.into(), statistics.into());
        expect_length("theta", theta.len(), network.parameters())?;
        let layout = network.statistics_layout();
        let wanted = layout.last().map_or(0, |last| last.range.end);
        expect_length("the statistics", statistics.len(), wanted)?;
        Ok(Self {
            network,
            theta,
            statistics,
        })
    }

    /// The network.
    pub fn network(&self) -> &Arc<dyn Network> {
        &self.network
    }

    /// θ.
    pub fn theta(&self) -> &[f64] {
        &self.theta
    }

    /// x of each input, one after the other.
    ///
    /// # Errors
    /// If the inputs do not fill whole samples.
    pub fn predict(&self, inputs: &[f64]) -> Result<Vec<f64>> {
        let width = self.network.input().len().max(1);
        let count = inputs.len() / width;
        expect_length("the inputs", inputs.len(), count * width)?;
        let mut x = vec![0.0; count * self.network.output().len()];
        self.network
            .predict(&self.theta, &self.statistics, inputs, &mut x)?;
        Ok(x)
    }

    /// All arrays with their names and shapes: the weights, then the statistics.
    pub fn arrays(&self) -> Vec<(Weight, &[f64])> {
        let weights = parts(self.network.weights(), &self.theta);
        let statistics = parts(self.network.statistics_layout(), &self.statistics);
        weights.chain(statistics).collect()
    }
}

fn parts(layout: Vec<Weight>, values: &[f64]) -> impl Iterator<Item = (Weight, &[f64])> {
    layout.into_iter().map(|array| {
        let part = &values[array.range.clone()];
        (array, part)
    })
}
