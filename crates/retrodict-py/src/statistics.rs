//! What the data say of x, for Python.

use numpy::PyArrayDyn;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use retrodict::linalg::Matrix;
use retrodict::uncertainty::statistics::{self, Noise};

use crate::arrays;
use crate::errors::raised;
use crate::{pickling, process};

/// What the data say about x: uncertainties, correlations, rank, and what is not identifiable.
///
/// In matrices, the unknowns are in row-major order.
#[pyclass(frozen, module = "retrodict")]
pub struct Statistics {
    found: statistics::Statistics,
    shape: Vec<usize>,
    names: Vec<String>,
}

impl Statistics {
    /// For unknowns of a shape, with names for some of them.
    pub fn new(found: statistics::Statistics, shape: Vec<usize>, names: Vec<String>) -> Self {
        Self {
            found,
            shape,
            names,
        }
    }
}

type Array<'py> = Bound<'py, PyArrayDyn<f64>>;

#[pymethods]
impl Statistics {
    /// The covariance of the identifiable part of x, n × n.
    #[getter]
    fn covariance<'py>(&self, py: Python<'py>) -> PyResult<Array<'py>> {
        matrix(py, &self.found.covariance)
    }

    /// Correlations from −1 to 1, n × n; NaN for unknowns that are not identifiable.
    #[getter]
    fn correlations<'py>(&self, py: Python<'py>) -> PyResult<Array<'py>> {
        process::ready()?;
        matrix(py, &self.found.correlations())
    }

    /// The standard deviation of each unknown, in the shape of x; infinite where the data do not determine it.
    #[getter]
    fn deviations<'py>(&self, py: Python<'py>) -> PyResult<Array<'py>> {
        arrays::write(py, &self.found.deviations, &self.shape)
    }

    /// Whether the noise is "known", "estimated" from the residuals, or "fitted", as an unknown.
    #[getter]
    fn noise(&self) -> &'static str {
        match self.found.noise {
            Noise::Known => "known",
            Noise::Estimated => "estimated",
            Noise::Fitted => "fitted",
        }
    }

    /// χ² = Σ (r/σ)², where the noise is known.
    #[getter]
    fn chi_squared(&self) -> Option<f64> {
        self.found.chi_squared
    }

    /// Reduced χ² (χ² per degree of freedom), near 1 if model and noise are as assumed.
    #[getter]
    fn reduced_chi_squared(&self) -> Option<f64> {
        self.found.reduced_chi_squared()
    }

    /// The p value: the probability of a χ² at least as large, if model and noise are as assumed.
    #[getter]
    fn goodness_of_fit(&self) -> Option<f64> {
        self.found.goodness_of_fit()
    }

    /// Number of data minus the effective degrees of freedom of the fit.
    #[getter]
    fn degrees_of_freedom(&self) -> usize {
        self.found.degrees_of_freedom
    }

    /// The rank: the number of identifiable directions in x.
    #[getter]
    fn rank(&self) -> usize {
        self.found.rank
    }

    /// The condition number, independent of the units of x: the largest over the smallest singular value that counts.
    #[getter]
    fn condition(&self) -> f64 {
        self.found.condition
    }

    /// The null space: directions in x that do not change y, as rows, (n − rank) × n.
    #[getter]
    fn unseen<'py>(&self, py: Python<'py>) -> PyResult<Array<'py>> {
        matrix(py, &self.found.unseen)
    }

    /// The indices, in row order, of unknowns that are fixed by equal bounds and therefore not fitted.
    #[getter]
    fn fixed(&self) -> Vec<usize> {
        self.found.fixed.clone()
    }

    /// What is not identifiable, what the data barely distinguish, and which unknowns are fixed or at a bound, in
    /// words; empty if there is nothing to say.
    #[getter]
    fn words(&self) -> Vec<String> {
        let mut words = self.found.in_words(&self.names);
        words.extend(self.found.bounds_in_words(&self.names));
        words
    }

    /// The confidence interval of each unknown on its own: lower and upper ends along a last axis of length 2.
    ///
    /// Raises ValueError if the level does not lie between 0 and 1.
    #[pyo3(signature = (level=0.95))]
    fn intervals<'py>(&self, py: Python<'py>, level: f64) -> PyResult<Array<'py>> {
        let found = self
            .found
            .intervals(level)
            .map_err(|error| raised(&error))?;
        let ends: Vec<f64> = found.iter().flat_map(|i| [i.low, i.high]).collect();
        arrays::write(py, &ends, &[&self.shape[..], &[2]].concat())
    }

    fn __repr__(&self) -> String {
        format!(
            "<retrodict statistics: rank {} of {}, {} degrees of freedom, noise {}>",
            self.found.rank,
            self.found.free(),
            self.found.degrees_of_freedom,
            self.noise()
        )
    }

    /// It never changes, and so is its own copy.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// It never changes, and so is its own copy.
    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let found = pickling::bytes(py, &self.found)?;
        pickling::parts(
            py,
            "_statistics",
            (found, self.shape.clone(), self.names.clone()),
        )
    }
}

/// What pickle makes statistics of.
#[pyfunction]
#[pyo3(name = "_statistics")]
pub fn unpickled(found: &[u8], shape: Vec<usize>, names: Vec<String>) -> PyResult<Statistics> {
    Ok(Statistics::new(pickling::data(found)?, shape, names))
}

fn matrix<'py>(py: Python<'py>, matrix: &Matrix) -> PyResult<Array<'py>> {
    arrays::write(py, matrix.as_slice(), &[matrix.rows(), matrix.cols()])
}
