//! All integration tests of the library in one binary: linking is what many would cost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;
#[path = "fixtures/nist_sets.rs"]
mod nist_sets;
#[cfg(feature = "external")]
#[path = "umbridge/server.rs"]
mod server;

#[cfg(feature = "adaptive")]
mod adaptive;
#[cfg(feature = "adaptive")]
mod adaptive_gradients;
mod audit;
mod bounds;
mod conformance;
mod constrained;
#[cfg(feature = "network")]
mod corrected_targets;
mod data_sets;
mod descriptions;
mod documents;
#[cfg(feature = "network")]
mod engines;
mod error_bars;
mod evaluations;
mod evolution;
mod expression;
mod fluid;
mod formula_blocks;
mod hansen;
mod heat;
mod imports;
mod interrupts;
mod inverse;
mod likelihood;
mod losses;
mod missing_values;
mod more_garbow_hillstrom;
#[cfg(feature = "network")]
mod network;
#[cfg(feature = "network")]
mod network_files;
mod nist;
mod noise;
mod noisy_models;
#[cfg(feature = "network")]
mod normalise;
mod ode;
mod options_of_rules;
mod options_of_simulators;
mod oscillators;
mod parameters;
#[cfg(feature = "network")]
mod physics_residual;
mod poisson;
mod posterior;
mod priors;
mod profiles;
#[cfg(feature = "external")]
mod program;
#[cfg(feature = "external")]
mod program_kept;
#[cfg(feature = "network")]
mod refinement;
mod remarks;
mod residuals;
mod rollout;
mod schroedinger;
mod sciml;
mod searches;
mod simulators;
mod spec;
mod spec_experiment;
#[cfg(feature = "network")]
mod spec_training;
mod starts;
mod statistics;
mod stops;
mod threads;
#[cfg(feature = "network")]
mod training;
#[cfg(feature = "network")]
mod training_notices;
mod transforms;
#[cfg(feature = "external")]
mod umbridge;
#[cfg(feature = "network")]
mod unet;
mod updates;
mod weights;
