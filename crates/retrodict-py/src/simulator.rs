//! Simulators of the registry as Python objects.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use numpy::PyArrayDyn;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use retrodict::{Result, Space, check, registry};
use toml::Table;

use crate::arrays::{self, finite, tuple};
use crate::errors::{Held, raised};
use crate::pickling;
use crate::process::detached;
use crate::tables;

/// One of retrodict's own simulators, y = P(x), or a model behind a server or a program.
///
/// Arrays have the shapes `input_shape` and `output_shape`; flat ones are accepted too.
#[pyclass(frozen, module = "retrodict")]
pub struct Simulator {
    /// The name in the registry.
    pub name: &'static str,
    /// The settings that were given.
    pub settings: Table,
    /// The process that built it, and the simulator.
    built: Mutex<(u32, Arc<dyn retrodict::Simulator>)>,
}

/// A simulator by name, with settings; those left out keep their defaults.
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
    Simulator::new(py, name, settings)?.map_err(|error| raised(&error))
}

/// What pickle makes a simulator of.
#[pyfunction]
#[pyo3(name = "_simulator")]
pub fn unpickled(py: Python<'_>, name: &str, settings: &Bound<'_, PyDict>) -> PyResult<Simulator> {
    simulator(py, name, Some(settings))
}

fn build(
    py: Python<'_>,
    name: &str,
    settings: &Table,
) -> PyResult<Result<(&'static str, Arc<dyn retrodict::Simulator>)>> {
    // A server is asked what it offers, so that this may wait.
    detached(py, || {
        let entry = registry::simulator(name)?;
        Ok((entry.name, entry.build(settings)?))
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
        PyTuple::new(py, &self.current(py)?.input().shape)
    }

    /// The shape of y.
    #[getter]
    fn output_shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.current(py)?.output().shape)
    }

    /// Whether it has a local inverse of its own.
    #[getter]
    fn has_inverse(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.current(py)?.local_inverse().is_some())
    }

    /// A typical x: independent normal numbers, the same for the same seed.
    #[pyo3(signature = (seed=0))]
    fn typical_input<'py>(&self, py: Python<'py>, seed: u64) -> PyResult<Array<'py>> {
        let simulator = self.current(py)?;
        let x = detached(py, || check::typical_input(&*simulator, seed))?;
        arrays::write(py, &x, &simulator.input().shape)
    }

    /// y = P(x).
    fn forward<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Array<'py>> {
        let simulator = self.current(py)?;
        let x = within("x", x, simulator.input())?;
        filled(py, simulator.output(), |y| simulator.forward(&x, y))
    }

    /// dy = J(x) dx, with J = ∂P/∂x.
    fn jvp<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        dx: &Bound<'py, PyAny>,
    ) -> PyResult<Array<'py>> {
        let simulator = self.current(py)?;
        let space = simulator.input();
        let (x, dx) = (within("x", x, space)?, within("dx", dx, space)?);
        filled(py, simulator.output(), |dy| simulator.jvp(&x, &dx, dy))
    }

    /// dx = J(x)ᵀ dy.
    fn vjp<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        dy: &Bound<'py, PyAny>,
    ) -> PyResult<Array<'py>> {
        let simulator = self.current(py)?;
        let x = within("x", x, simulator.input())?;
        let dy = within("dy", dy, simulator.output())?;
        filled(py, simulator.input(), |dx| simulator.vjp(&x, &dy, dx))
    }

    /// x = P⁻¹(y; x0): the solution of P(x) = y nearest to x0.
    ///
    /// Raises ValueError if the simulator has no local inverse.
    fn invert_near<'py>(
        &self,
        py: Python<'py>,
        y: &Bound<'py, PyAny>,
        x0: &Bound<'py, PyAny>,
    ) -> PyResult<Array<'py>> {
        let simulator = self.current(py)?;
        let Some(inverse) = simulator.local_inverse() else {
            return Err(PyValueError::new_err(format!(
                "simulator '{}' has no local inverse; solve with inverse=\"path\", which builds one from \
                 derivatives, or with a method that needs none",
                self.name
            )));
        };
        let y = within("y", y, simulator.output())?;
        let x0 = within("x0", x0, simulator.input())?;
        filled(py, simulator.input(), |x| inverse.invert_near(&y, &x0, x))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let simulator = self.current(py)?;
        Ok(format!(
            "<retrodict simulator '{}': {} → {}>",
            self.name,
            tuple(&simulator.input().shape),
            tuple(&simulator.output().shape)
        ))
    }

    /// It never changes, and so is its own copy.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// It never changes, and so is its own copy.
    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// Name and settings; what is built anew of them in another process asks a server anew.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        pickling::parts(py, "_simulator", (self.name, self.settings(py)?))
    }
}

impl Simulator {
    /// The simulator of a name and settings, or the error of the library that says why there is none.
    ///
    /// # Errors
    /// If this process cannot build any.
    pub fn new(py: Python<'_>, name: &str, settings: Table) -> PyResult<Result<Self>> {
        let built = build(py, name, &settings)?;
        Ok(built.map(|(name, simulator)| Self {
            name,
            settings,
            built: Mutex::new((std::process::id(), simulator)),
        }))
    }

    /// The simulator, for this process: after a fork it is built anew, since connections and locks are not to be shared
    /// with the parent.
    ///
    /// # Errors
    /// If it cannot be built here.
    pub fn current(&self, py: Python<'_>) -> PyResult<Arc<dyn retrodict::Simulator>> {
        let here = std::process::id();
        let (process, known) = self.lock().clone();
        if process == here {
            return Ok(known);
        }
        let (_, simulator) =
            build(py, self.name, &self.settings)?.map_err(|error| raised(&error))?;
        *self.lock() = (here, Arc::clone(&simulator));
        Ok(simulator)
    }

    /// Held for as long as it takes to copy a pointer, with the interpreter's lock: no fork finds it taken.
    fn lock(&self) -> MutexGuard<'_, (u32, Arc<dyn retrodict::Simulator>)> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn within(what: &str, value: &Bound<'_, PyAny>, space: &Space) -> PyResult<Vec<f64>> {
    finite(what, arrays::read_shaped(what, value, &space.shape)?)
}

fn filled<'py>(
    py: Python<'py>,
    space: &Space,
    fill: impl FnOnce(&mut [f64]) -> retrodict::Result<()> + Send,
) -> PyResult<Array<'py>> {
    let mut values = vec![0.0; space.len()];
    Arc::new(Held::default()).run(py, || fill(&mut values))?;
    arrays::write(py, &values, &space.shape)
}
