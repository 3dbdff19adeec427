//! The losses, a file each.

mod batch;
mod blocks;
mod cauchy;
mod covariance;
mod grouped;
mod huber;
mod infidelity;
mod log_normal;
mod power;
mod separable;
mod spectral;
mod squared;
mod weighted;

pub use batch::{Batch, Reduction};
pub use blocks::Blocks;
pub use cauchy::Cauchy;
pub use covariance::Covariance;
pub(crate) use grouped::Grouped;
pub use huber::Huber;
pub use infidelity::Infidelity;
pub use log_normal::LogNormal;
pub(crate) use power::Power;
pub use spectral::Spectral;
pub use squared::SquaredError;
pub use weighted::Weighted;
