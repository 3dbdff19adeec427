//! The losses, a file each.

mod batch;
mod blocks;
mod cauchy;
mod covariance;
mod grouped;
mod huber;
mod infidelity;
mod likelihood;
mod log_normal;
mod poisson;
mod power;
mod separable;
mod spectral;
mod squared;
mod weighted;

pub use batch::{Batch, Reduction};
pub use blocks::Blocks;
pub use cauchy::{Cauchy, CauchyOptions};
pub use covariance::{Covariance, CovarianceOptions};
pub(crate) use grouped::Grouped;
pub use huber::{Huber, HuberOptions};
pub use infidelity::Infidelity;
pub use likelihood::{Distribution, Likelihood};
pub use log_normal::{LogNormal, LogNormalOptions};
pub use poisson::PoissonDeviance;
pub(crate) use power::Power;
pub use spectral::{Spectral, SpectralOptions};
pub use squared::SquaredError;
pub use weighted::{Weighted, WeightedOptions};
