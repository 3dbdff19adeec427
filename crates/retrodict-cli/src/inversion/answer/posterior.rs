//! The posterior of a field, as files and reports hold it.

use retrodict::Counts;
use retrodict::spec::{PosteriorSpec, PriorSpec};
use serde::{Deserialize, Serialize};

use crate::data::Array;
use crate::failure::Outcome;
use crate::inversion::plan::Field;

/// What was found, beside its arrays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PosteriorFacts {
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

/// The posterior around x, with arrays of it by name.
///
/// # Cost
/// 2 (rank + 10) products with J and as many with Jᵀ.
pub fn posterior(
    wanted: &PosteriorSpec,
    priors: &[PriorSpec],
    field: &Field,
    x: &[f64],
) -> Outcome<(PosteriorFacts, Vec<(String, Array)>)> {
    let shape = &field.data.simulator().input().shape;
    let posterior = wanted.find(priors, &field.problem, shape, x)?;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let values = &posterior.eigenvalues;
    let found = PosteriorFacts {
        rank: values.len(),
        eigenvalues: (
            values.first().copied().unwrap_or(0.0),
            values.last().copied().unwrap_or(0.0),
        ),
        before: mean(&posterior.prior_deviations),
        after: mean(&posterior.deviations),
        samples: wanted.samples,
        seed: wanted.seed,
        words: posterior.words,
        counts: posterior.counts,
    };
    let mut arrays = vec![
        (
            "posterior-eigenvalues".to_owned(),
            Array::new(vec![values.len()], values.clone()),
        ),
        (
            "posterior-deviation".to_owned(),
            Array::new(shape.clone(), posterior.deviations),
        ),
    ];
    if wanted.samples > 0 {
        let shape = [&[wanted.samples], shape.as_slice()].concat();
        let samples = Array::new(shape, posterior.samples.as_slice().to_vec());
        arrays.push(("posterior-samples".to_owned(), samples));
    }
    Ok((found, arrays))
}
