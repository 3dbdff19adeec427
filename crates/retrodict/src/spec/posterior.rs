//! What is wanted of the posterior of a field.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::prior::{PriorSpec, WeightSpec};
use crate::compose::Bounds;
use crate::core::counts::Counts;
use crate::error::{Error, Remedy, Result};
use crate::linalg::{Matrix, Sketch};
use crate::options::{configure, require};
use crate::priors::Matern;
use crate::problem::Problem;
use crate::uncertainty::posterior::{MaternField, Posterior};

/// What is wanted of the posterior of a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, derive_setters::Setters)]
#[setters(prefix = "with_")]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PosteriorSpec {
    /// How many eigenvectors of the data's curvature, at least 1.
    pub rank: usize,
    /// How many fields are drawn.
    pub samples: usize,
    /// The seed of the draws.
    pub seed: u64,
}

impl Default for PosteriorSpec {
    fn default() -> Self {
        Self {
            rank: 50,
            samples: 4,
            seed: 0,
        }
    }
}

/// More numbers in samples than this are not drawn: 512 MB.
const NUMBERS: usize = 64_000_000;

impl PosteriorSpec {
    /// Checks, before anything is run, that the problem has such a posterior: `data` is the problem without its priors.
    ///
    /// # Errors
    /// If it is too large, the noise is not known, or there is another prior than one field with a covariance.
    pub fn check(&self, priors: &[PriorSpec], data: &Problem) -> Result<()> {
        require(
            self.rank > 0,
            "posterior.rank",
            self.rank,
            "it must be at least 1",
        )?;
        let values = self
            .samples
            .saturating_add(self.rank.saturating_mul(2))
            .saturating_mul(data.inputs());
        require(
            values <= NUMBERS,
            "posterior",
            format!(
                "rank {} and {} samples of {} values",
                self.rank,
                self.samples,
                data.inputs()
            ),
            &format!(
                "2 fields for each eigenvector and one for each sample may take at most {} MB; choose a rank of at \
                 most {}",
                NUMBERS / 125_000,
                (NUMBERS / data.inputs().max(1)).saturating_sub(self.samples) / 2
            ),
        )?;
        self.prior(priors)?;
        if !data.loss().noise().is_known() {
            return Err(Error::Config {
                what: "posterior".to_owned(),
                message: "it needs the noise level: give noise with std, relative, std_file or covariance".to_owned(),
            });
        }
        Ok(())
    }

    /// The one prior, which must be a field with a covariance.
    ///
    /// # Errors
    /// If there is none, or another, or more than one.
    pub fn prior(&self, priors: &[PriorSpec]) -> Result<Matern> {
        let needs = |found: &str| {
            Error::Config {
            what: "posterior".to_owned(),
            message: format!(
                "it needs exactly one prior, matern, whose covariance it can sample; found {found}; without a posterior, the \
                 statistics give confidence intervals of few unknowns with any prior"
            ),
        }
        .advised(Remedy::Setting {
            key: "prior",
            value: "matern",
            what: "",
        })
        };
        let mut matern = None;
        for PriorSpec { prior, weight } in priors {
            if prior.name == "matern" {
                if *weight == WeightSpec::Given(0.0) {
                    return Err(needs("matern with weight 0, which has no effect"));
                }
                matern = Some(configure::<Matern>("matern", &prior.options)?);
            }
        }
        let names: Vec<&str> = priors.iter().map(|spec| spec.prior.name.as_str()).collect();
        match (matern, names.as_slice()) {
            (Some(matern), [_]) => Ok(matern),
            (_, []) => Err(needs("none")),
            (_, names) => Err(needs(&names.join(" and "))),
        }
    }

    /// The posterior around x, a field of `shape`; `problem` has the prior.
    ///
    /// # Errors
    /// As [`prior`](PosteriorSpec::prior), or if the simulation fails.
    ///
    /// # Cost
    /// 2 (rank + 10) products with J and as many with Jᵀ.
    pub fn find(
        &self,
        priors: &[PriorSpec],
        problem: &Problem,
        shape: &[usize],
        x: &[f64],
    ) -> Result<PosteriorFound> {
        let mut matern = self.prior(priors)?;
        // w ‖R x‖² is the prior of a field √w times narrower.
        matern.deviation /= problem
            .priors()
            .first()
            .map_or(1.0, |term| term.weight)
            .sqrt();
        let prior = MaternField::new(&matern, shape)?;
        let sketch = Sketch {
            rank: self.rank,
            seed: self.seed,
            ..Sketch::default()
        };
        let posterior = Posterior::new(problem, &prior, x, sketch)?;
        let eigenvalues = posterior.eigenvalues().to_vec();
        let last = eigenvalues.last().copied().unwrap_or(0.0);
        let mut words = Vec::new();
        if eigenvalues.len() == self.rank && eigenvalues.len() < x.len() && last > SMALL {
            words.push(format!(
                "the last of {} eigenvalues is {last:.2}, not far below 1: the standard deviations are too large where \
                 the omitted eigenvectors matter; compute more, with a rank of {}",
                eigenvalues.len(),
                (2 * self.rank).min(x.len())
            ));
        }
        if problem.bounds().is_some_and(leave_room) {
            words.push(
                "the posterior takes bounds into account only where they fix an unknown: samples may lie beyond \
                 other bounds"
                    .to_owned(),
            );
        }
        Ok(PosteriorFound {
            deviations: posterior.deviations(),
            prior_deviations: posterior.prior_deviations(),
            samples: match self.samples {
                0 => Matrix::zeros(0, x.len()),
                count => posterior.samples(count, self.seed),
            },
            counts: posterior.counts(),
            eigenvalues,
            words,
        })
    }
}

/// What was found of the posterior of a field.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PosteriorFound {
    /// The standard deviation of each value.
    pub deviations: Vec<f64>,
    /// The same before the data.
    pub prior_deviations: Vec<f64>,
    /// A field in each row.
    pub samples: Matrix,
    /// Eigenvalues of the data's curvature relative to the prior, largest first.
    pub eigenvalues: Vec<f64>,
    /// What to be wary of, in sentences.
    pub words: Vec<String>,
    /// Number of evaluations, by kind.
    pub counts: Counts,
}

/// An eigenvalue above this that was the last says that more would count.
const SMALL: f64 = 0.1;

/// Whether a bound is not just half of a pair that fixes an unknown.
fn leave_room(bounds: &Bounds) -> bool {
    let mut pairs = bounds.lower.iter().zip(&bounds.upper);
    pairs.any(|(low, high)| low < high && (low.is_finite() || high.is_finite()))
}
