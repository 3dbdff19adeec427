//! What "near the observations" means: L(y, y*), and the Newton step that belongs to it.

use std::sync::Arc;

use crate::core::noise::NoiseModel;
use crate::error::{Error, Result};

/// χ² = Σ (r/σ)², or rᵀ C⁻¹ r under correlated noise: near the number of data where they are explained
/// to within their noise.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ChiSquared {
    /// χ².
    pub value: f64,
    /// The number of data.
    pub data: usize,
}

impl ChiSquared {
    /// χ² divided by the number of data.
    pub fn per_datum(self) -> f64 {
        self.value / self.data.max(1) as f64
    }
}

/// The logarithm of the probability density of data.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LogLikelihood {
    /// ln p(y* | y), with all constants.
    pub value: f64,
    /// How many levels of the noise were found from the residuals for it.
    pub estimated: usize,
}

impl LogLikelihood {
    /// That of noise of which the level is known, or an unknown of the fit.
    pub fn new(value: f64) -> Self {
        Self {
            value,
            estimated: 0,
        }
    }

    /// That of noise of which so many levels were found from the residuals.
    pub fn estimated(value: f64, levels: usize) -> Self {
        Self {
            value,
            estimated: levels,
        }
    }
}

/// A loss L(y, y*) on the output space.
///
/// The Newton step in y-space belongs to the loss: its Hessian there is small and known.
/// Every loss states in its own page whether it carries ½. A batch is a list of
/// independent problems, so no loss averages over one.
///
/// # Shapes
/// All slices have the length of y.
///
/// # Units
/// L may carry a unit; `gradient` is then in \[L\]/\[y\] and `newton_step` in \[y\].
pub trait Loss: Send + Sync {
    /// The formula, for tables and reports.
    fn formula(&self) -> String;
    /// Checks that the loss fits outputs of this length.
    ///
    /// # Errors
    /// [`Error::Length`] if, say, the weights are too few.
    fn check(&self, _outputs: usize) -> Result<()> {
        Ok(())
    }
    /// Checks that the loss has a value for this target.
    ///
    /// # Errors
    /// [`Error::Option`] with the datum, where it has none.
    fn check_target(&self, _target: &[f64]) -> Result<()> {
        Ok(())
    }
    /// The loss of some of the data alone, at rising places.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the loss does not come apart into single data.
    fn of_subset(&self, _kept: &[usize]) -> Result<Arc<dyn Loss>> {
        Err(Error::Unsupported {
            rule: "a target with missing data",
            needs: "a loss of single data",
            simulator: self.formula(),
            instead: vec!["squared, weighted, covariance, log-normal, huber or cauchy".into()],
        })
    }
    /// Whether WᵀW is nowhere less than the Hessian.
    fn majorises(&self) -> bool {
        true
    }
    /// What it says of the noise in y.
    fn noise(&self) -> NoiseModel<'_> {
        NoiseModel::Unknown
    }
    /// χ² of the residuals in units of the noise, and of how many data; `None` for a loss that knows no
    /// noise. A loss that adds something to the data's own counts the data alone.
    fn chi_squared(&self, _y: &[f64], _target: &[f64]) -> Option<ChiSquared> {
        None
    }
    /// The power d with which L grows where y and y* grow alike, L(a y, a y*) = a^d L(y, y*): 2 for squares, and 0 for a loss
    /// that has no unit, or in whose options the unit of y stands.
    fn degree(&self) -> i32 {
        0
    }
    /// How many values at the end of y are no data but logarithms of noise levels, which are unknowns.
    fn levels(&self) -> usize {
        0
    }
    /// The logarithm of the probability density of the data, were y the truth; the largest one where the loss leaves the
    /// noise level open. `None` for a loss that is no such density.
    fn log_likelihood(&self, _y: &[f64], _target: &[f64]) -> Option<LogLikelihood> {
        None
    }
    /// L(y, y*).
    fn value(&self, y: &[f64], target: &[f64]) -> f64;
    /// out = ∂L/∂y.
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]);
    /// out = (∂²L/∂y²) dy, exact.
    fn hessian_product(&self, y: &[f64], target: &[f64], dy: &[f64], out: &mut [f64]);
    /// out = W v, where WᵀW is the curvature of L: the Hessian, or where that may vanish or
    /// turn negative its positive majoriser, or the Fisher information. Gauss–Newton minimises ‖W (J Δx − Δy)‖.
    fn whiten(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]);
    /// out = Wᵀ v.
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]);
    /// dy = −(WᵀW)⁻¹ ∂L/∂y: where the loss would like y to go.
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()>;
}
