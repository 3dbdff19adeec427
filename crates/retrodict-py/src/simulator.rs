//! Simulators of the registry, and whatever `solve` and `check` take for one.

use std::sync::Arc;

use numpy::PyArrayDyn;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use retrodict::{check, registry};
use toml::Table;

use crate::arrays::{self, Numbers, tuple};
use crate::errors::{Held, SimulationError, raised};
use crate::model::{self, Joined};
use crate::tables;

/// One of retrodict's own simulators, y = P(x), or a model behind a server or a program.
///
/// Arrays go in and out in the shapes `input_shape` and `output_shape`; flat ones are taken too.
#[pyclass(frozen, module = "retrodict")]
pub struct Simulator {
    name: &'static str,
    settings: Table,
    simulator: Arc<dyn retrodict::Simulator>,
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

fn finite(what: &str, values: Vec<f64>) -> PyResult<Vec<f64>> {
    retrodict::error::expect_finite(what, &values).map_err(|error| raised(&error))?;
    Ok(values)
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

/// Simulator, x and y* (where there is one) of a call.
pub struct Subject {
    /// The simulator, with what is said of its derivatives.
    pub joined: Joined,
    /// x, of the simulator's input.
    pub x: Vec<f64>,
    /// The target, of the simulator's output.
    pub target: Option<Vec<f64>>,
}

/// Takes a name, one of retrodict's own or a Python simulator, and joins it to its data.
///
/// Without a target a Python simulator is evaluated once, to know the shape of y.
///
/// # Errors
/// If it is none of these, or x or the target does not fit it.
pub fn subject(
    object: &Bound<'_, PyAny>,
    (what, x): (&str, &Bound<'_, PyAny>),
    target: Option<&Bound<'_, PyAny>>,
    differences: Option<Table>,
    held: &Arc<Held>,
) -> PyResult<Subject> {
    let py = object.py();
    let named = match object.cast::<PyString>() {
        Ok(name) => Some(Bound::new(py, simulator(py, &name.to_string(), None)?)?),
        Err(_) => None,
    };
    let own = named.as_ref().or_else(|| object.cast::<Simulator>().ok());
    let subject = match own {
        Some(own) => of_registry(own.get(), (what, x), target, differences)?,
        None => of_python(object, (what, x), target, differences, held)?,
    };
    Ok(Subject {
        x: finite(what, subject.x)?,
        ..subject
    })
}

fn of_registry(
    own: &Simulator,
    (what, x): (&str, &Bound<'_, PyAny>),
    target: Option<&Bound<'_, PyAny>>,
    differences: Option<Table>,
) -> PyResult<Subject> {
    if differences.is_some() {
        return Err(PyValueError::new_err(format!(
            "differences are for simulators in Python, and '{}' has derivatives or settings of its own: \
             leave them out",
            own.name
        )));
    }
    let (input, output) = (own.simulator.input(), own.simulator.output());
    let x = match arrays::read(what, x)? {
        // One number for all of x.
        Numbers { values, shape } if shape.is_empty() => vec![values[0]; input.len()],
        _ => arrays::read_shaped(what, x, &input.shape)?,
    };
    let target = target.map(|target| arrays::read_shaped("the target", target, &output.shape));
    let approximation = own.simulator.approximation();
    let told = own.settings.contains_key("differences");
    let (differences, note) = match approximation {
        Some(found) if found.error > 0.0 && !told => (Some(found.note), None),
        Some(found) => (None, Some(found.note)),
        None => (None, None),
    };
    Ok(Subject {
        joined: Joined {
            simulator: Arc::clone(&own.simulator),
            differences,
            note,
        },
        x,
        target: target.transpose()?,
    })
}

fn of_python(
    object: &Bound<'_, PyAny>,
    (what, x): (&str, &Bound<'_, PyAny>),
    target: Option<&Bound<'_, PyAny>>,
    differences: Option<Table>,
    held: &Arc<Held>,
) -> PyResult<Subject> {
    let forward = model::forward(object)?;
    let x = arrays::read(what, x)?;
    let target = target
        .map(|target| arrays::read("the target", target))
        .transpose()?;
    let output = match &target {
        Some(target) => target.shape.clone(),
        None => {
            let own = arrays::write(object.py(), &x.values, &x.shape)?;
            let y = forward
                .call1((own,))
                .map_err(|cause| at_first(object.py(), cause))?;
            arrays::read("what forward returned", &y)?.shape
        }
    };
    let of_y = target.as_ref().map_or("y", |_| "the target");
    for (what, shape) in [(what, &x.shape), (of_y, &output)] {
        if shape.contains(&0) {
            return Err(PyValueError::new_err(format!(
                "{what} has shape {}, which holds no value; expected one at least",
                tuple(shape)
            )));
        }
    }
    Ok(Subject {
        joined: model::join(object, &x.shape, &output, differences, held)?,
        x: x.values,
        target: target.map(|target| target.values),
    })
}

/// What is raised where forward fails at its first call; Ctrl-C stays what it is.
fn at_first(py: Python<'_>, cause: PyErr) -> PyErr {
    if !cause.is_instance_of::<PyException>(py) {
        return cause;
    }
    let failed = SimulationError::new_err(format!("forward failed: {cause}"));
    failed.set_cause(py, Some(cause));
    failed
}
