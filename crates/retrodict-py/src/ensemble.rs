//! Several networks of one task from Python: the mean of their x, and how far they differ.

use std::path::PathBuf;

use numpy::PyArrayDyn;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use retrodict::spec::Ensemble as Networks;

use crate::arrays::{tuple, type_name};
use crate::errors::raised;
use crate::network::Network;
use crate::prediction::{Prediction, Refine, predict};

type Array<'py> = Bound<'py, PyArrayDyn<f64>>;

/// Several networks that were trained for one task, such as the seeds of a method: the mean of their x, and how far they differ.
#[pyclass(frozen, module = "retrodict")]
pub struct Ensemble {
    members: Vec<Py<Network>>,
    networks: Networks,
}

#[pymethods]
impl Ensemble {
    /// Two or more networks, or their files.
    ///
    /// Raises OSError if a file cannot be read, and ValueError if they were not trained for one task: they must see and say the same
    /// quantities, and have learned through the same simulator.
    #[new]
    fn new(py: Python<'_>, networks: &Bound<'_, PyAny>) -> PyResult<Self> {
        let listed = !networks.is_instance_of::<PyString>();
        let members = networks.try_iter().ok().filter(|_| listed);
        let members = members.ok_or_else(|| {
            PyTypeError::new_err(format!(
                "networks is a '{}', expected a list of networks or of paths",
                type_name(networks)
            ))
        })?;
        let (mut own, mut named) = (Vec::new(), Vec::new());
        for (i, member) in members.enumerate() {
            let member = member?;
            let (name, network) = match member.cast::<Network>() {
                Ok(network) => (format!("network {i}"), network.clone().unbind()),
                Err(_) => {
                    let path: PathBuf = member.extract().map_err(|_| {
                        PyTypeError::new_err(format!(
                            "network {i} is a '{}', expected a Network or a path",
                            type_name(&member)
                        ))
                    })?;
                    (
                        path.display().to_string(),
                        Py::new(py, Network::load(path)?)?,
                    )
                }
            };
            named.push((name, network.get().file().clone()));
            own.push(network);
        }
        if own.len() < 2 {
            return Err(PyValueError::new_err(format!(
                "an ensemble of {} has no spread: give two networks or more, or use Network.predict",
                own.len()
            )));
        }
        Ok(Self {
            members: own,
            networks: Networks::new(named).map_err(|error| raised(&error))?,
        })
    }

    /// Mean and spread of x, as two arrays: of one y*, in the shape of what the networks see, or of several along a first axis. The
    /// spread is the standard deviation over the networks (with n − 1); it is no error bar, since it does not show what all of them
    /// have learned wrongly.
    ///
    /// The other arguments are those of `Network.predict`; refining starts at the mean, and leaves the spread as it is.
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
    ) -> PyResult<(Array<'py>, Option<Array<'py>>)> {
        let refine = Refine {
            refine,
            target,
            noise,
            prior,
            bounds,
            stop,
            simulator,
        };
        let Prediction { x, spread } = predict(py, &self.networks, y, refine)?;
        Ok((x, spread))
    }

    /// The networks.
    #[getter]
    fn networks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.members.iter().map(|own| own.clone_ref(py)))
    }

    fn __len__(&self) -> usize {
        self.members.len()
    }

    fn __repr__(&self) -> String {
        let first = self.networks.first();
        format!(
            "<retrodict ensemble of {} networks: {} → {}>",
            self.members.len(),
            tuple(&first.input.shape),
            tuple(&first.output.shape)
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

    /// As its networks.
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyTuple>,))> {
        let class = py.get_type::<Self>().into_any();
        Ok((class, (self.networks(py)?,)))
    }
}
