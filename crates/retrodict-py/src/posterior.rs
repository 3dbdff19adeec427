//! What the data leave open of a field, for Python.

use numpy::PyArrayDyn;
use pyo3::prelude::*;
use retrodict::spec::PosteriorFound;

use crate::arrays;

/// The posterior of a field around x, of low rank: standard deviations and samples.
#[pyclass(frozen, module = "retrodict")]
pub struct Posterior {
    /// The standard deviation of each value, in the shape of x.
    #[pyo3(get)]
    deviations: Py<PyArrayDyn<f64>>,
    /// The same before the data.
    #[pyo3(get)]
    prior_deviations: Py<PyArrayDyn<f64>>,
    /// Fields drawn from the posterior, the first axis counts them.
    #[pyo3(get)]
    samples: Py<PyArrayDyn<f64>>,
    /// Eigenvalues of the data's curvature relative to the prior, largest first.
    #[pyo3(get)]
    eigenvalues: Py<PyArrayDyn<f64>>,
    /// What to be wary of, in sentences.
    #[pyo3(get)]
    words: Vec<String>,
}

impl Posterior {
    /// For unknowns of a shape.
    ///
    /// # Errors
    /// If Python has no memory left.
    pub fn new(py: Python<'_>, found: &PosteriorFound, shape: &[usize]) -> PyResult<Self> {
        let samples = &found.samples;
        let count = samples.as_slice().len() / shape.iter().product::<usize>().max(1);
        let sampled = [&[count], shape].concat();
        Ok(Self {
            deviations: arrays::show(py, &found.deviations, shape)?,
            prior_deviations: arrays::show(py, &found.prior_deviations, shape)?,
            samples: arrays::show(py, samples.as_slice(), &sampled)?,
            eigenvalues: arrays::show(py, &found.eigenvalues, &[found.eigenvalues.len()])?,
            words: found.words.clone(),
        })
    }
}

#[pymethods]
impl Posterior {
    fn __repr__(&self) -> String {
        "<retrodict posterior: deviations, prior_deviations, samples, eigenvalues, words>"
            .to_owned()
    }
}
