//! The losses, a file each.

mod squared;

pub use squared::SquaredError;
