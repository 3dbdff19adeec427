//! retrodict solves inverse problems with simulators.
//!
//! A simulator is a differentiable map y = P(x). Given observations y*, find x with P(x) near y*,
//! by inversion-based and gradient-based update rules behind one interface. An update rule computes Δx from what is known
//! at x; a [`Solver`] repeats it until a goal is reached or [`StopWhen`] says stop.
//!
//! ```
//! use std::sync::Arc;
//! use retrodict::losses::SquaredError;
//! use retrodict::prelude::*;
//! use retrodict::simulators::HeatOptions;
//! use retrodict::updates::InverseSimulator;
//!
//! # fn main() -> retrodict::Result<()> {
//! let heat = Arc::new(HeatOptions::default().with_shape([32]).with_nu_t(0.5).build()?);
//! let hot = [vec![0.0; 12], vec![1.0; 8], vec![0.0; 12]].concat();
//! let mut observed = vec![0.0; 32];
//! heat.forward(&hot, &mut observed)?;
//! let problem = Problem::new(heat, Arc::new(SquaredError::half()), observed)?;
//! let solution = Solver::new(InverseSimulator::default(), StopWhen::after(1)).solve(&problem, &[0.0; 32])?;
//! assert!(hot.iter().zip(&solution.x).all(|(a, b)| (a - b).abs() < 1e-6));
//! # Ok(())
//! # }
//! ```
//!
//! Three features, all on unless `default-features = false` says otherwise: `adaptive` (adaptive and stiff steps of
//! differential equations, which bring diffsol), `external` (simulators behind servers and programs), `network`
//! (networks and their training).
//!
//! The book in `docs/` says how to choose a method, and how to add a simulator or a rule.

pub mod audit;
pub mod check;
pub mod compose;
pub mod core;
pub mod duration;
pub mod error;
pub mod interrupt;
pub mod inverse;
pub mod linalg;
pub mod losses;
pub mod memory;
pub mod models;
#[cfg(feature = "network")]
pub mod network;
pub mod options;
pub mod prelude;
pub mod priors;
pub mod problem;
pub mod registry;
pub mod simulators;
pub mod solver;
pub mod spec;
pub mod spectral;
#[cfg(feature = "network")]
pub mod training;
pub mod uncertainty;
pub mod updates;

pub use compose::{Bounds, ResidualAt, Selected, Stacked, Transform, Transformed};
pub use core::description::{Approximation, Description, Series, StandsFor, Typical};
pub use core::loss::{ChiSquared, Loss};
pub use core::simulator::{LocalInverse, Recovery, Residual, SecondOrder, Simulator};
pub use core::space::Space;
pub use error::{Error, Result};
pub use linalg::LinearMap;
pub use models::rollout::{Rollout, TimeStep};
#[cfg(feature = "network")]
pub use network::Network;
pub use priors::Prior;
pub use problem::{Computed, Counts, Evaluation, Problem, Shortage, Tally, Term};
pub use solver::{
    Checkpoint, Goal, LOSS_CHANGE, Progress, Record, STEPS, Solution, Solver, Status, StatusKind,
    StopWhen, solve_batch,
};
pub use updates::UpdateRule;

/// Every block of Rust in the book and the README is compiled and run.
#[cfg(doctest)]
mod book {
    macro_rules! pages {
        ($($name:ident: $path:literal),* $(,)?) => {
            $(#[doc = include_str!(concat!("../../../", $path))] struct $name;)*
        };
    }
    pages! {
        Readme: "README.md",
        Start: "docs/src/start.md",
        Choose: "docs/src/choose.md",
        YourData: "docs/src/your-data.md",
        Residuals: "docs/src/residuals.md",
        Noise: "docs/src/noise.md",
        Priors: "docs/src/priors.md",
        Bounds: "docs/src/bounds.md",
        InTime: "docs/src/in-time.md",
        LocalInverses: "docs/src/local-inverses.md",
        YourSimulator: "docs/src/your-simulator.md",
        Uncertainty: "docs/src/uncertainty.md",
        Weights: "docs/src/weights.md",
        AddASimulator: "docs/src/add-a-simulator.md",
        AddARule: "docs/src/add-a-rule.md",
    }
}
