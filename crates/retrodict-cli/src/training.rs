//! Training of networks: plans as TOML, data, runs with checkpoints, and a run's folder.

mod check;
mod checkpoint;
mod diagnosis;
mod folder;
mod foretell;
mod learner;
mod plan;
mod run;
mod standing;
mod tables;
mod tensorboard;
mod written;

pub use check::{Checked, check};
pub use checkpoint::{Checkpoint, file_name};
pub use diagnosis::Diagnosis;
pub use folder::{
    Contents, Line, Manifest, MethodFailure, MethodOutcome, is_begun, is_training, read,
};
pub use learner::{Learner, learn};
pub use plan::{BUILT_IN, load};
pub use run::train;
pub use standing::{Judged, Standing, standings};
pub use tables::{meanings, remarks, results, statuses};
pub use written::write;
