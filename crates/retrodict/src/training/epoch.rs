//! The record of an epoch: what the steps lost, how good the network is after them, and where the time went.

use serde::{Deserialize, Serialize};

use super::{Score, Shares};

/// How good θ was after an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Epoch {
    /// The number of epochs done; 0 is the start.
    pub epoch: u64,
    /// The number of steps done.
    pub step: u64,
    /// Seconds spent in steps.
    pub seconds: f64,
    /// The mean of what the strategy's loss was at the steps of this epoch; NaN at the start.
    pub running_loss: f64,
    /// On the training data, after the epoch, where there is a fixed set of them.
    pub train: Option<Score>,
    /// On data that are held out.
    pub test: Option<Score>,
    /// Where the time went so far.
    pub shares: Shares,
    /// Steps taken back or shortened so far.
    pub rollbacks: u64,
}

impl Epoch {
    /// The loss by which θ is judged: on held-out data, else on the training data, else while it learned.
    pub fn loss(&self) -> f64 {
        self.test
            .or(self.train)
            .map_or(self.running_loss, |score| score.loss)
    }
}
