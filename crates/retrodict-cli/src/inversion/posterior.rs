use retrodict::linalg::Sketch;
use retrodict::options::require;
use retrodict::posterior::{MaternField, Posterior};
use retrodict::prior::Matern;
use retrodict::{Bounds, Counts};
use serde::{Deserialize, Serialize};
use toml::Table;

use super::plan::Field;
use super::{Weight, known};
use crate::data::Array;
use crate::failure::{Failure, Outcome};

/// What is wanted of the posterior of a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wanted {
    /// How many eigenvectors of the data's curvature, at least 1.
    pub rank: usize,
    /// How many fields are drawn.
    pub samples: usize,
    /// The seed of the draws.
    pub seed: u64,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            rank: 50,
            samples: 4,
            seed: 0,
        }
    }
}

/// What was found, beside its arrays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// How many eigenvectors were found.
    pub rank: usize,
    /// The largest eigenvalue, and the last: what was left out lies below it.
    pub eigenvalues: (f64, f64),
    /// The mean standard deviation before the data, in \[x\].
    pub before: f64,
    /// The same after them.
    pub after: f64,
    /// How many fields were drawn.
    pub samples: usize,
    /// The seed of the draws.
    pub seed: u64,
    /// What to be wary of.
    pub words: Vec<String>,
    /// Evaluations of the simulator.
    pub counts: Counts,
}

/// An eigenvalue above this that was the last says that more would count.
const SMALL: f64 = 0.1;

/// More numbers in samples than this are not drawn: 512 MB.
const ROOM: usize = 64_000_000;

impl Wanted {
    /// Checks, before anything is run, that the problem has such a posterior.
    pub fn check(&self, priors: &[Table], field: &Field) -> Outcome<()> {
        require(
            self.rank > 0,
            "posterior.rank",
            self.rank,
            "it must be at least 1",
        )?;
        let values = self
            .samples
            .saturating_add(self.rank.saturating_mul(2))
            .saturating_mul(field.data.inputs());
        require(
            values <= ROOM,
            "posterior",
            format!(
                "rank {} and {} samples of {} values",
                self.rank,
                self.samples,
                field.data.inputs()
            ),
            &format!(
                "2 fields for each eigenvector and one for each sample may take at most {} MB; choose a rank of at \
                 most {}",
                ROOM / 125_000,
                (ROOM / field.data.inputs().max(1)).saturating_sub(self.samples) / 2
            ),
        )?;
        self.prior(priors)?;
        let (loss, target) = (field.data.loss(), field.data.target());
        if loss.chi_squared(target, target).is_none() {
            return Err(Failure::Misuse(
                "the posterior needs the noise level: give it by --noise, --noise-std or [noise] with std, relative, \
                 std_file or covariance"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// The one prior, which must be a field with a covariance.
    fn prior(&self, priors: &[Table]) -> Outcome<Matern> {
        let needs = |found: &str| {
            Failure::Misuse(format!(
                "the posterior needs exactly one prior, matern, whose covariance it can sample; found {found}; write \
                 --prior matern:length=10,deviation=1 or [[prior]] with name = \"matern\", or leave --posterior out: \
                 up to {} unknowns, the statistics give confidence intervals with any prior",
                super::statistics::DENSE
            ))
        };
        let mut names = Vec::new();
        let mut matern = None;
        for table in priors {
            let (name, weight, options) = known::prior(table)?;
            if name == "matern" {
                if weight == Weight::Told(0.0) {
                    return Err(needs("matern with weight 0, which has no effect"));
                }
                matern = Some(retrodict::options::configure::<Matern>("matern", &options)?);
            }
            names.push(name);
        }
        match (matern, names.as_slice()) {
            (Some(matern), [_]) => Ok(matern),
            (_, []) => Err(needs("none")),
            (_, names) => Err(needs(&names.join(" and "))),
        }
    }

    /// The posterior around x, with arrays of it by name.
    ///
    /// # Cost
    /// 2 (rank + 10) products with J and as many with Jᵀ.
    pub fn find(
        &self,
        priors: &[Table],
        field: &Field,
        x: &[f64],
    ) -> Outcome<(Found, Vec<(String, Array)>)> {
        let space = field.data.simulator().input();
        let mut matern = self.prior(priors)?;
        // w ‖R x‖² is the prior of a field √w times narrower.
        let weight = field
            .problem
            .priors()
            .first()
            .map_or(1.0, |term| term.weight);
        matern.deviation /= weight.sqrt();
        let prior = MaternField::new(&matern, &space.shape)?;
        let sketch = Sketch {
            rank: self.rank,
            seed: self.seed,
            ..Sketch::default()
        };
        let posterior = Posterior::new(&field.problem, &prior, x, sketch)?;
        let deviations = posterior.deviations();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let values = posterior.eigenvalues();
        let ends = (
            values.first().copied().unwrap_or(0.0),
            values.last().copied().unwrap_or(0.0),
        );
        let cut = values.len() == self.rank && values.len() < x.len() && ends.1 > SMALL;
        let mut words = Vec::new();
        if cut {
            words.push(format!(
                "the last of {} eigenvalues is {:.2}, not far below 1: the standard deviations are too large where \
                 the omitted eigenvectors matter; compute more, as in --posterior={}",
                values.len(),
                ends.1,
                (2 * self.rank).min(x.len())
            ));
        }
        if field.problem.bounds().is_some_and(leave_room) {
            words.push(
                "the posterior takes bounds into account only where they fix an unknown: samples may lie beyond \
                 other bounds"
                    .to_owned(),
            );
        }
        let found = Found {
            rank: values.len(),
            eigenvalues: ends,
            before: mean(&posterior.prior_deviations()),
            after: mean(&deviations),
            samples: self.samples,
            seed: self.seed,
            words,
            counts: posterior.counts(),
        };
        let mut arrays = vec![
            (
                "posterior-eigenvalues".to_owned(),
                Array::new(vec![values.len()], values.to_vec()),
            ),
            (
                "posterior-deviation".to_owned(),
                Array::new(space.shape.clone(), deviations),
            ),
        ];
        if self.samples > 0 {
            let shape = [&[self.samples], space.shape.as_slice()].concat();
            let samples = posterior.samples(self.samples, self.seed);
            let samples = Array::new(shape, samples.as_slice().to_vec());
            arrays.push(("posterior-samples".to_owned(), samples));
        }
        Ok((found, arrays))
    }
}

/// Whether a bound is not just half of a pair that fixes an unknown.
fn leave_room(bounds: &Bounds) -> bool {
    let mut pairs = bounds.lower.iter().zip(&bounds.upper);
    pairs.any(|(low, high)| low < high && (low.is_finite() || high.is_finite()))
}
