//! The losses, a file each.

mod batch;
mod blocks;
mod cauchy;
mod covariance;
mod huber;
mod infidelity;
mod separable;
mod spectral;
mod squared;
mod weighted;

pub use batch::{Batch, Reduction};
pub use blocks::Blocks;
pub use cauchy::Cauchy;
pub use covariance::Covariance;
pub use huber::Huber;
pub use infidelity::Infidelity;
pub use spectral::Spectral;
pub use squared::SquaredError;
pub use weighted::Weighted;
