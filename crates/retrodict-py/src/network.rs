//! A trained network out of a file, to be used without its training.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::PyArrayDyn;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use retrodict::network::TrainedNetwork;
use retrodict::registry::Registry;
use retrodict::spec::{Ensemble, NetworkFile};

use crate::arrays::{self, tuple};
use crate::errors::{Held, raised};
use crate::pickling;
use crate::prediction::{self, Refine, Samples};

/// A trained network, x = f(y*), read from a file that `Trained.save` or `retrodict train` wrote. Its arrays are read-only.
#[pyclass(frozen, module = "retrodict")]
pub struct Network {
    file: NetworkFile,
    /// An ensemble of it alone.
    alone: Ensemble,
}

type Array<'py> = Bound<'py, PyArrayDyn<f64>>;

#[pymethods]
impl Network {
    /// Reads a file of the format safetensors; nothing else is needed.
    ///
    /// Raises OSError if it cannot be read, and ValueError if retrodict did not write it.
    #[staticmethod]
    pub fn load(path: PathBuf) -> PyResult<Self> {
        let bytes = std::fs::read(&path)?;
        Self::read(&path.display().to_string(), &bytes)
    }

    /// x of each y*: of one, in the shape of what the network sees, or of several along a first axis. What it says of one does
    /// not depend on the others.
    ///
    /// refine: by how many steps of direct inversion each x is refined at most, or a dictionary with "steps", "rule" and these:
    /// noise: of y*, a standard deviation for all data or for each, or a dictionary such as {"relative": 0.01}; x is then refined no
    /// further than the noise allows. prior: one or several, as for `solve`, around the network's x where it has no reference.
    /// bounds: (lower, upper) of x, either of them None. stop: as for `solve`.
    /// target: y*, for a network that sees something else. simulator: one of yours, if the network was trained through it.
    ///
    /// A sample whose simulation fails is NaN, with a warning. Raises ValueError for arguments that do not fit, and where an exact fit
    /// would put the noise of y* into x.
    #[pyo3(signature = (y, *, refine=None, target=None, noise=None, prior=None, bounds=None, stop=None, simulator=None))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        y: &Bound<'py, PyAny>,
        refine: Option<&Bound<'py, PyAny>>,
        target: Option<&Bound<'py, PyAny>>,
        noise: Option<&Bound<'py, PyAny>>,
        prior: Option<&Bound<'py, PyAny>>,
        bounds: Option<&Bound<'py, PyAny>>,
        stop: Option<&Bound<'py, PyAny>>,
        simulator: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Array<'py>> {
        let refine = Refine {
            refine,
            target,
            noise,
            prior,
            bounds,
            stop,
            simulator,
        };
        Ok(prediction::predict(py, &self.alone, y, refine)?.x)
    }

    /// The arrays of the network by their names: the weights, and the statistics of layers that normalise.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        weights(py, &self.file.network)
    }

    /// The shape of what the network sees.
    #[getter]
    fn input_shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.file.input.shape)
    }

    /// The shape of x.
    #[getter]
    fn output_shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.file.output.shape)
    }

    /// The name of the method that trained it.
    #[getter]
    fn method(&self) -> &str {
        &self.file.method
    }

    /// The training, as TOML; without the samples.
    #[getter]
    fn plan(&self) -> PyResult<String> {
        self.file.plan.to_toml().map_err(|error| raised(&error))
    }

    /// The lowest loss of the training, on held-out data, or on the training data if none were held out.
    #[getter]
    fn loss(&self) -> f64 {
        self.file.summary.loss.unwrap_or(f64::INFINITY)
    }

    fn __repr__(&self) -> String {
        format!(
            "<retrodict network '{}': {} → {}, trained by {}, loss {:.3e}>",
            self.file.architecture.name,
            tuple(&self.file.input.shape),
            tuple(&self.file.output.shape),
            self.file.method,
            self.loss()
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

    /// As the bytes of its file.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let bytes = self.file.to_bytes().map_err(|error| raised(&error))?;
        Ok(pickling::parts(py, "_network", (PyBytes::new(py, &bytes),))?.into_any())
    }
}

impl Network {
    fn read(what: &str, bytes: &[u8]) -> PyResult<Self> {
        let file = NetworkFile::from_bytes(what, bytes, Registry::standard());
        let file = file.map_err(|error| raised(&error))?;
        let alone = Ensemble::new(vec![(what.to_owned(), file.clone())]);
        Ok(Self {
            alone: alone.map_err(|error| raised(&error))?,
            file,
        })
    }

    /// What its file holds.
    pub fn file(&self) -> &NetworkFile {
        &self.file
    }
}

/// What pickle makes a network of.
#[pyfunction]
#[pyo3(name = "_network")]
pub fn unpickled(file: &[u8]) -> PyResult<Network> {
    Network::read("the pickled network", file)
}

/// x of one y*, or of several along a first axis.
///
/// # Errors
/// `ValueError` if the shape does not fit, or a value is not finite.
pub fn predicted<'py>(
    py: Python<'py>,
    network: &TrainedNetwork,
    input: &[usize],
    output: &[usize],
    y: &Bound<'py, PyAny>,
) -> PyResult<Array<'py>> {
    let seen = Samples::read("y", y, input)?;
    let predict = || network.predict(seen.values());
    let x = Arc::new(Held::default()).run(py, predict)?;
    seen.answer(py, &x, output)
}

/// The arrays of a network by their names.
///
/// # Errors
/// If Python has no memory left.
pub fn weights<'py>(py: Python<'py>, network: &TrainedNetwork) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (array, values) in network.arrays() {
        dict.set_item(array.name, arrays::show(py, values, &array.shape)?)?;
    }
    Ok(dict)
}
