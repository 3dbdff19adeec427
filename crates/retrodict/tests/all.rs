//! All integration tests of the library in one binary: linking is what many would cost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;
#[path = "fixtures/nist_sets.rs"]
mod nist_sets;
#[path = "umbridge/server.rs"]
mod server;

mod adaptive;
mod adaptive_gradients;
mod audit;
mod bounds;
mod conformance;
mod corrected_targets;
mod documents;
mod engines;
mod error_bars;
mod evaluations;
mod evolution;
mod fluid;
mod hansen;
mod heat;
mod imports;
mod interrupts;
mod inverse;
mod losses;
mod missing_values;
mod more_garbow_hillstrom;
mod network;
mod nist;
mod noise;
mod noisy_models;
mod ode;
mod oscillators;
mod physics_residual;
mod poisson;
mod posterior;
mod priors;
mod program;
mod remarks;
mod residuals;
mod rollout;
mod schroedinger;
mod simulators;
mod starts;
mod statistics;
mod stops;
mod training;
mod training_notices;
mod transforms;
mod umbridge;
mod unet;
mod updates;
mod weights;
