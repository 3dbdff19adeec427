//! What a loss says of the noise in the data.

/// The noise that a loss stands for: its square part is a negative log-likelihood of it.
///
/// ```
/// use retrodict::core::noise::NoiseModel;
/// use retrodict::losses::{SquaredError, Weighted};
/// use retrodict::prelude::*;
/// assert_eq!(Weighted::half([0.1])?.noise(), NoiseModel::Independent(&[0.1]));
/// assert!(!SquaredError::half().noise().is_known());
/// # Ok::<(), retrodict::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum NoiseModel<'a> {
    /// Nothing is said of its size: residuals count in their own unit.
    Unknown,
    /// Independent and Gaussian, with these standard deviations in \[y\]: one for each datum, or one for all.
    Independent(&'a [f64]),
    /// Gaussian with this covariance in \[y\]², row by row; a single entry is the variance of every datum.
    Correlated(&'a [Vec<f64>]),
    /// In proportion to the data: Gaussian in ln y, with these standard deviations of it.
    Multiplicative(&'a [f64]),
    /// Poisson's: the data are counts, whose variance is what is expected of them.
    Counts,
    /// Known for each of several blocks of data, which do not share one model.
    Several,
}

impl NoiseModel<'_> {
    /// Whether its size is known, so that χ² has a meaning.
    pub fn is_known(self) -> bool {
        self != Self::Unknown
    }
}
