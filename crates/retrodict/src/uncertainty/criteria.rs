//! Information criteria: which of several models of the same data says most with least.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::linalg::{Matrix, svd};
use crate::problem::{Evaluation, Problem, Tally};

/// The likelihood of a fit and what is made of it: the lower a criterion, the better the model for these data.
///
/// Differences between models of the same data count: 2 is little, 10 is much.
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::uncertainty::criteria::InformationCriteria;
/// let scaling = ScalingOptions::default().build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 1.0])?;
/// let found = InformationCriteria::of(&problem, &[0.9, 0.011])?.unwrap();
/// // Two parameters, and the level of the noise.
/// assert_eq!((found.parameters, found.data), (3, 2));
/// assert!((found.aic - (6.0 - 2.0 * found.log_likelihood)).abs() < 1e-12);
/// // With fewer data than parameters there is nothing to correct by.
/// assert_eq!(found.aicc, None);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Source
/// Akaike, IEEE Trans. Autom. Control 19 (1974), 716; Hurvich & Tsai, Biometrika 76 (1989), 297; Schwarz, Ann. Stat. 6
/// (1978), 461. Burnham & Anderson, *Model Selection and Multimodel Inference*, chapter 2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InformationCriteria {
    /// The logarithm of the likelihood, with all its constants.
    pub log_likelihood: f64,
    /// The parameters that were found from the data, levels of the noise among them.
    pub parameters: usize,
    /// How many of them are levels of the noise that were found from the residuals, and are no unknowns.
    #[serde(default)]
    pub estimated: usize,
    /// The number of data.
    pub data: usize,
    /// Akaike's criterion, 2 k − 2 ln L.
    pub aic: f64,
    /// The same, corrected for few data: + 2 k (k + 1)/(n − k − 1); nothing where n ≤ k + 1.
    pub aicc: Option<f64>,
    /// Schwarz's criterion, k ln n − 2 ln L.
    pub bic: f64,
}

impl InformationCriteria {
    /// Those of a fit at x; nothing where the loss is no likelihood, or a prior shares in the fit.
    ///
    /// # Errors
    /// If x does not fit, or the simulation fails there.
    ///
    /// # Cost
    /// One evaluation.
    pub fn of(problem: &Problem, x: &[f64]) -> Result<Option<Self>> {
        if !problem.priors().is_empty() {
            return Ok(None);
        }
        let fixed = problem.bounds().map_or(0, |bounds| bounds.fixed().len());
        let equal = match problem.constraints() {
            None => 0,
            Some(constraints) => rank(&constraints.equalities(x.len()))?,
        };
        let plain = problem.untransformed()?;
        let tally = Tally::default();
        let at = Evaluation::new(&plain, &tally, x)?;
        let found = plain.data_loss().log_likelihood(at.y()?, plain.target());
        let Some(found) = found.filter(|found| found.value.is_finite()) else {
            return Ok(None);
        };
        let parameters = (x.len() + found.estimated).saturating_sub(fixed + equal);
        let (k, n) = (parameters as f64, plain.data_outputs() as f64);
        let aic = 2.0 * k - 2.0 * found.value;
        let left = n - k - 1.0;
        Ok(Some(Self {
            log_likelihood: found.value,
            parameters,
            estimated: found.estimated,
            data: plain.data_outputs(),
            aic,
            aicc: (left > 0.0).then(|| aic + 2.0 * k * (k + 1.0) / left),
            bic: k * n.ln() - 2.0 * found.value,
        }))
    }
}

/// How many rows say something that no other says.
fn rank(rows: &Matrix) -> Result<usize> {
    if rows.rows() == 0 {
        return Ok(0);
    }
    let s = svd(rows)?.s;
    let least = s.first().map_or(0.0, |largest| 1e-12 * largest);
    Ok(s.iter().filter(|s| **s > least).count())
}
