//! All tests that run the binary, in one binary of tests: linking is what many would cost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod binary;
#[path = "external/serving.rs"]
mod serving;

mod answers;
mod bad_input;
mod batches;
mod book;
mod data_sets;
mod dry_run;
mod external;
mod fields_of_tools;
mod files;
mod interrupts;
mod inverses;
mod inversions;
mod lists;
mod noise_levels;
mod parameters;
mod pipes;
mod printing;
mod runs;
mod serve_attacked;
mod tables;
mod trained_networks;
mod trained_seeds;
mod training;
mod training_experiments;
mod training_input;
mod umbridge_python;
mod wrong_descriptions;
