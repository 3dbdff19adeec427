//! What most programs name: `use retrodict::prelude::*;`.

pub use crate::compose::{Bounds, Transform};
pub use crate::core::loss::Loss;
pub use crate::core::simulator::{LocalInverse, Simulator};
pub use crate::core::space::Space;
pub use crate::options::{Build, Validate};
pub use crate::priors::Prior;
pub use crate::problem::{Evaluation, Problem};
pub use crate::solver::{Solution, Solver, Status, StatusKind, StopWhen};
pub use crate::updates::UpdateRule;
