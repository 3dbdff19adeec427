//! A mean and a covariance of x.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::{Prior, PriorBlock, for_each_place};
use crate::core::loss::Loss;
use crate::core::space::Space;
use crate::error::{Result, expect_finite};
use crate::losses::{Covariance, Weighted};
use crate::options::{Validate, plain, require};

/// A Gaussian prior: ½ (x − x₀)ᵀ C⁻¹ (x − x₀), with C from standard deviations or whole.
///
/// With the weight 1 and a loss of the data with ½, the minimum is the most probable x.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::priors::Gaussian;
/// let prior = Gaussian::default().with_reference([1.0]).with_deviations([2.0]);
/// let field = Space::new("field", &[4], "1");
/// let block = prior.on(&field)?;
/// let penalty = |x: &[f64]| -> retrodict::Result<f64> {
///     let mut r = vec![0.0; block.target.len()];
///     block.simulator.forward(x, &mut r)?;
///     Ok(block.loss.value(&r, &block.target))
/// };
/// assert_eq!(penalty(&[3.0; 4])?, 0.5 * 4.0);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// `deviations`: one for all or one for each value of x. `covariance`: n × n for n values, row by row.
///
/// # Units
/// C in \[x\]².
///
/// # Source
/// Tarantola, *Inverse Problem Theory*, section 3.2.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct Gaussian {
    /// The mean x₀: nothing for 0, one value for all, or one for each.
    #[setters(into)]
    pub reference: Vec<f64>,
    /// The standard deviation of x: one for all, or one for each; 1 if left out.
    #[setters(into)]
    pub deviations: Vec<f64>,
    /// The covariance C, instead of `deviations`.
    #[setters(into)]
    pub covariance: Vec<Vec<f64>>,
}

impl Gaussian {
    fn loss(&self) -> Result<Arc<dyn Loss>> {
        if self.covariance.is_empty() {
            let deviations = match &self.deviations[..] {
                [] => vec![1.0],
                given => given.to_vec(),
            };
            return Ok(Arc::new(Weighted::half(deviations)?));
        }
        Ok(Arc::new(Covariance::new(self.covariance.clone(), true)?))
    }
}

plain!(Gaussian);

impl Validate for Gaussian {
    fn validate(&self) -> Result<()> {
        require(
            self.deviations.is_empty() || self.covariance.is_empty(),
            "deviations",
            format!("{} values", self.deviations.len()),
            "a covariance is given too, and its diagonal already contains them; leave one of the two out",
        )?;
        expect_finite("reference", &self.reference)?;
        self.loss().map(|_| ())
    }
}

impl Prior for Gaussian {
    fn on(&self, space: &Space) -> Result<PriorBlock> {
        self.validate()?;
        let reference = for_each_place("reference", &self.reference, space.len(), 0.0)?;
        let loss = self.loss()?;
        loss.check(space.len())?;
        let simulator = Arc::new(Identity(space.clone()));
        PriorBlock::around("gaussian", simulator, loss, &reference)
    }
}
