//! Training of networks: plans as TOML, data, runs with checkpoints, and a run's folder.

mod checkpoint;
mod diagnosis;
mod draw;
mod drawer;
mod folder;
mod learner;
mod memory;
mod physics;
mod plan;
mod samples;
mod tables;
mod weights;

pub use checkpoint::{Checkpoint, file_name};
pub use diagnosis::Diagnosis;
pub use folder::{Contents, Line, Manifest, Outcome as MethodOutcome, is_training, read, write};
pub use learner::{Learner, learn, network};
pub use physics::Physics;
pub use plan::{BUILT_IN, Plan, Until, load, named, unknown};
pub use samples::input;
pub use tables::{last, remarks, results};
pub use weights::Weights;
