//! retrodict runs simulators backwards.
//!
//! A simulator is a differentiable map y = P(x). Given observations y*, find x with P(x) near y*,
//! by updates that *invert* the physics, each beside its gradient-based baselines.

pub mod audit;
pub mod check;
pub mod error;
pub mod fourier;
pub mod linalg;
pub mod loss;
pub mod losses;
pub mod options;
mod problem;
pub mod registry;
pub mod regularisation;
mod search;
pub mod simulator;
pub mod simulators;
mod solve;
mod status;
pub mod updates;
pub mod waves;

pub use error::{Error, Result};
pub use loss::Loss;
pub use problem::{Counts, Evaluation, Problem, Tally};
pub use simulator::{LinearMap, LocalInverse, Recovery, SecondOrder, Simulator, Space};
pub use solve::{Record, Solution, Solver, StopWhen, solve_batch};
pub use status::{Goal, Status};
pub use updates::UpdateRule;
