//! The loop that repeats an update: searches, when it stops, how it ended, and many starts.

pub mod automatic;
pub(crate) mod checkpoint;
pub(crate) mod constrained;
pub(crate) mod curvature;
pub(crate) mod explained;
pub(crate) mod limits;
pub(crate) mod many;
pub mod remarks;
mod run;
pub(crate) mod search;
pub(crate) mod solution;
pub(crate) mod solve;
pub mod starts;
pub(crate) mod stationarity;
pub(crate) mod status;
pub(crate) mod stop;

pub use checkpoint::{Checkpoint, Progress};
pub use explained::Explained;
pub use many::solve_batch;
pub use solution::{Record, Solution};
pub use solve::Solver;
pub use status::{Goal, Status, StatusKind};
pub use stop::{LOSS_CHANGE, STEPS, StopWhen};
