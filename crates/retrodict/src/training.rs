//! Training a network f(y*; θ) → x through physics.
//!
//! To an update rule, *network followed by physics* is one bigger simulator whose input is θ. A
//! [`Strategy`] builds that θ-problem for a mini-batch; a [`Trainer`] gives it to a rule.

use std::sync::Arc;

use crate::core::simulator::Simulator;

mod clock;
mod data;
mod joint;
mod limits;
pub mod memory;
mod notes;
mod schedule;
mod spread;
mod strategy;
mod trainer;

pub use clock::{Clock, Shares};
pub use data::{Data, Fixed, Fresh};
pub use joint::Joint;
pub use limits::Limits;
pub use notes::Notes;
pub use schedule::Schedule;
pub use strategy::{CorrectedTargets, EndToEnd, Lesson, PhysicsResidual, Strategy, Supervised};
pub use trainer::{Epoch, Score, State, Step, Trained, Trainer, score};

/// What a network learns from: what it sees, where its x shall lead, and through which physics.
#[derive(Clone)]
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
