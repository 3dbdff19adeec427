//! Simulators of the registry as Python objects.

use std::sync::Arc;

use numpy::PyArrayDyn;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use retrodict::{check, registry};
use toml::Table;

use crate::arrays::{self, finite, tuple};
use crate::errors::raised;
use crate::tables;

/// One of retrodict's own simulators, y = P(x), or a model behind a server or a program.
///
/// Arrays go in and out in the shapes `input_shape` and `output_shape`; flat ones are taken too.
#[pyclass(frozen, module = "retrodict")]
pub struct Simulator {
    /// The name in the registry.
    pub name: &'static str,
    /// The settings that were given.
    pub settings: Table,
    /// The simulator.
    pub simulator: Arc<dyn retrodict::Simulator>,
}

/// The simulator of a name, with settings; those left out keep their defaults.
///
/// `retrodict.simulators()` lists names and defaults. `"umbridge"` (a model behind a server) and
/// `"program"` are names too.
///
/// Raises ValueError for an unknown name or a setting that is not allowed.
#[pyfunction]
#[pyo3(signature = (name, /, **settings))]
pub fn simulator(
    py: Python<'_>,
    name: &str,
    settings: Option<&Bound<'_, PyDict>>,
) -> PyResult<Simulator> {
    let settings = match settings {
        None => Table::new(),
        Some(dict) => tables::table("settings", dict)?,
    };
    let entry = registry::simulator(name).map_err(|error| raised(&error))?;
    // A server is asked what it offers, so that this may wait.
    let built = py.detach(|| (entry.build)(&settings));
    Ok(Simulator {
        name: entry.name,
        simulator: built.map_err(|error| raised(&error))?,
        settings,
    })
}

type Array<'py> = Bound<'py, PyArrayDyn<f64>>;

#[pymethods]
impl Simulator {
    /// The name in the registry.
    #[getter]
    fn name(&self) -> &'static str {
        self.name
    }

    /// The settings that were given.
    #[getter]
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        tables::dict(py, &self.settings)
    }

    /// The shape of x.
    #[getter]
    fn input_shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.simulator.input().shape)
    }

    /// The shape of y.
    #[getter]
    fn output_shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.simulator.output().shape)
    }

    /// Whether it brings a local inverse.
    #[getter]
    fn has_inverse(&self) -> bool {
        self.simulator.local_inverse().is_some()
    }

    /// An x such as it typically meets: independent normal numbers, the same for the same seed.
    #[pyo3(signature = (seed=0))]
    fn typical_input<'py>(&self, py: Python<'py>, seed: u64) -> PyResult<Array<'py>> {
        let x = check::typical_input(&*self.simulator, seed);
        arrays::write(py, &x, &self.simulator.input().shape)
    }

    /// y = P(x).
    fn forward<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Array<'py>> {
        let x = self.in_x("x", x)?;
        self.to_y(py, |y| self.simulator.forward(&x, y))
    }

    /// dy = J(x) dx, with J = ∂P/∂x.
    fn jvp<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        dx: &Bound<'py, PyAny>,
    ) -> PyResult<Array<'py>> {
        let (x, dx) = (self.in_x("x", x)?, self.in_x("dx", dx)?);
        self.to_y(py, |dy| self.simulator.jvp(&x, &dx, dy))
    }

    /// dx = J(x)ᵀ dy.
    fn vjp<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        dy: &Bound<'py, PyAny>,
    ) -> PyResult<Array<'py>> {
        let (x, dy) = (self.in_x("x", x)?, self.in_y("dy", dy)?);
        self.to_x(py, |dx| self.simulator.vjp(&x, &dy, dx))
    }

    /// x = P⁻¹(y; x0): the solution of P(x) = y nearest to x0.
    ///
    /// Raises ValueError if the simulator brings no local inverse.
    fn invert_near<'py>(
        &self,
        py: Python<'py>,
        y: &Bound<'py, PyAny>,
        x0: &Bound<'py, PyAny>,
    ) -> PyResult<Array<'py>> {
        let Some(inverse) = self.simulator.local_inverse() else {
            return Err(PyValueError::new_err(format!(
                "simulator '{}' brings no local inverse; solve with inverse=\"path\", which makes one from \
                 derivatives, or with a method that needs none",
                self.name
            )));
        };
        let (y, x0) = (self.in_y("y", y)?, self.in_x("x0", x0)?);
        self.to_x(py, |x| inverse.invert_near(&y, &x0, x))
    }

    fn __repr__(&self) -> String {
        format!(
            "<retrodict simulator '{}': {} → {}>",
            self.name,
            tuple(&self.simulator.input().shape),
            tuple(&self.simulator.output().shape)
        )
    }
}

impl Simulator {
    fn in_x(&self, what: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
        finite(
            what,
            arrays::read_shaped(what, value, &self.simulator.input().shape)?,
        )
    }

    fn in_y(&self, what: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
        finite(
            what,
            arrays::read_shaped(what, value, &self.simulator.output().shape)?,
        )
    }

    fn to_x<'py>(
        &self,
        py: Python<'py>,
        fill: impl FnOnce(&mut [f64]) -> retrodict::Result<()> + Send,
    ) -> PyResult<Array<'py>> {
        filled(py, &self.simulator.input().shape, fill)
    }

    fn to_y<'py>(
        &self,
        py: Python<'py>,
        fill: impl FnOnce(&mut [f64]) -> retrodict::Result<()> + Send,
    ) -> PyResult<Array<'py>> {
        filled(py, &self.simulator.output().shape, fill)
    }
}

fn filled<'py>(
    py: Python<'py>,
    shape: &[usize],
    fill: impl FnOnce(&mut [f64]) -> retrodict::Result<()> + Send,
) -> PyResult<Array<'py>> {
    let mut values = vec![0.0; shape.iter().product()];
    py.detach(|| fill(&mut values))
        .map_err(|error| raised(&error))?;
    arrays::write(py, &values, shape)
}
