//! Training a network f(y*; θ) → x through physics.
//!
//! To an update rule, *network followed by physics* is one bigger simulator whose input is θ. A
//! [`Strategy`] builds that θ-problem for a mini-batch; a [`Trainer`] gives it to a rule.

use std::sync::Arc;

use crate::core::share::Share;
use crate::core::simulator::Simulator;

mod checkpoint;
mod clock;
mod data;
mod divided;
mod epoch;
mod joint;
pub mod memory;
mod mini_batch;
mod run;
mod schedule;
mod score;
mod seen_statistics;
mod spread;
mod step;
mod stop;
mod strategy;
mod trainer;

pub use checkpoint::{Checkpoint, Progress};
pub use clock::{Clock, Shares};
pub use data::{Data, Fixed, Fresh};
pub use epoch::Epoch;
pub use joint::Joint;
pub use mini_batch::MiniBatch;
pub use run::Trained;
pub use schedule::Schedule;
pub use score::{Score, score};
pub use stop::StopWhen;
pub use strategy::{
    CorrectedTargets, EndToEnd, IntoStrategy, PhysicsResidual, Strategy, Supervised,
};
pub use trainer::Trainer;

/// What a network learns from: what it sees, where its x shall lead, and through which physics.
#[derive(Clone)]
#[non_exhaustive]
pub struct Sample {
    /// What the network sees; mostly y*.
    pub input: Vec<f64>,
    /// y*: where P shall take the network's x.
    pub target: Vec<f64>,
    /// The x that made y*, where it is known.
    pub label: Option<Vec<f64>>,
    /// P; many samples may share one.
    pub simulator: Arc<dyn Simulator>,
}

impl Sample {
    /// A simulator and the y* to which the network's x shall lead; the network sees y* itself, and no x is known.
    pub fn new(simulator: impl Share<dyn Simulator>, target: impl Into<Vec<f64>>) -> Self {
        let target = target.into();
        Self {
            input: target.clone(),
            target,
            label: None,
            simulator: simulator.share(),
        }
    }

    /// What the network sees, where that is not y*.
    #[must_use]
    pub fn with_input(mut self, input: impl Into<Vec<f64>>) -> Self {
        self.input = input.into();
        self
    }

    /// The x that made y*.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<Option<Vec<f64>>>) -> Self {
        self.label = label.into();
        self
    }
}
