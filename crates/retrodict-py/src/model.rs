//! A Python function, or an object with derivatives, as a simulator.

use std::ffi::CString;
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use retrodict::external::{Differences, External, Model, Offers};
use retrodict::inverse::{Ended, Inversion, Inverter, WithInverse};
use retrodict::options::configure;
use retrodict::{Counts, Error, Result, Simulator, Space};
use toml::Table;

use crate::arrays::{self, type_name};
use crate::errors::{Held, raised};

/// The methods of a Python object that is a simulator.
struct Functions {
    label: String,
    forward: Py<PyAny>,
    jacobian: Option<Py<PyAny>>,
    jvp: Option<Py<PyAny>>,
    vjp: Option<Py<PyAny>>,
    input: Vec<usize>,
    output: Vec<usize>,
    held: Arc<Held>,
}

/// A Python simulator that was joined to the shapes of x and y.
pub struct Joined {
    /// The simulator, with what is missing filled in.
    pub simulator: Arc<dyn Simulator>,
    /// That J is found by differences, in words; `None` where it is exact.
    pub differences: Option<String>,
    /// How an exact J is put together, where that costs more than usual.
    pub note: Option<String>,
}

/// The function that evaluates: the method `forward`, or the object itself.
///
/// # Errors
/// `TypeError` if it is neither.
pub fn forward<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let found = method(object, "forward")?.unwrap_or_else(|| object.clone());
    if found.is_callable() {
        return Ok(found);
    }
    Err(PyTypeError::new_err(format!(
        "simulator is a '{}', expected a function of x, an object with forward(x), a name, or what \
         retrodict.simulator(…) returns",
        type_name(object)
    )))
}

/// Joins a Python simulator to the shapes of x and y.
///
/// # Errors
/// If it is no simulator, or a setting of the differences is not allowed.
pub fn join(
    object: &Bound<'_, PyAny>,
    input: &[usize],
    output: &[usize],
    differences: Option<Table>,
    held: &Arc<Held>,
) -> PyResult<Joined> {
    let optional = |name| Ok::<_, PyErr>(method(object, name)?.map(Bound::unbind));
    let functions = || {
        Ok::<_, PyErr>(Functions {
            label: label(object),
            forward: forward(object)?.unbind(),
            jacobian: optional("jacobian")?,
            jvp: optional("jvp")?,
            vjp: optional("vjp")?,
            input: input.to_vec(),
            output: output.to_vec(),
            held: Arc::clone(held),
        })
    };
    let mut settings = differences.unwrap_or_default();
    // One call at a time, on the thread of the caller, unless told otherwise: the interpreter's lock lets no
    // more than one compute, and Ctrl-C is heard on the main thread alone.
    let at_once = match settings.remove("at_once") {
        None => 1,
        Some(toml::Value::Integer(count)) if count > 0 => usize::try_from(count).unwrap_or(1),
        Some(other) => {
            return Err(raised(&Error::Option {
                key: "differences.at_once".to_owned(),
                found: other.to_string(),
                allowed: "it must be a whole number of 1 or more".to_owned(),
            }));
        }
    };
    let differences: Differences =
        configure("differences", &settings).map_err(|error| raised(&error))?;
    let external = External::new(functions()?, differences, Some(at_once));
    let approximation = external.approximation();
    let (by_differences, exact) = match approximation {
        Some(found) if found.error > 0.0 => (Some(found.note), None),
        Some(found) => (None, Some(found.note)),
        None => (None, None),
    };
    let mut simulator: Arc<dyn Simulator> = Arc::new(external);
    if let Some(invert) = optional("invert_near")? {
        let functions = functions()?;
        let inverse = Arc::new(Inverse { functions, invert });
        simulator = Arc::new(WithInverse::new(simulator, inverse));
    }
    Ok(Joined {
        simulator,
        differences: by_differences,
        note: exact,
    })
}

/// Warns that J is found by differences, unless the user asked for them.
///
/// # Errors
/// If warnings are errors.
pub fn warn(py: Python<'_>, joined: &Joined, asked: bool) -> PyResult<()> {
    let Some(note) = joined.differences.as_ref().filter(|_| !asked) else {
        return Ok(());
    };
    let text = format!(
        "{note}; give the simulator jacobian(x), or jvp(x, dx) and vjp(x, dy), or pass differences={{…}} to \
         say that they are meant"
    );
    let category = py.get_type::<pyo3::exceptions::PyUserWarning>();
    PyErr::warn(py, &category, &CString::new(text)?, 1)
}

/// A method, unless it is missing or `None`.
fn method<'py>(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let found = object.getattr_opt(name)?;
    Ok(found.filter(|method| !method.is_none()))
}

fn label(object: &Bound<'_, PyAny>) -> String {
    let named = object.getattr_opt("__qualname__").ok().flatten();
    let name = named.and_then(|name| name.extract::<String>().ok());
    let name = name.unwrap_or_else(|| type_name(object));
    format!("the Python simulator '{name}'")
}

impl Functions {
    /// Calls a method with arrays of its own, and takes an answer in one of the shapes.
    fn call(
        &self,
        method: &Py<PyAny>,
        name: &str,
        arguments: &[(&[f64], &[usize])],
        shapes: &[&[usize]],
    ) -> Result<Vec<f64>> {
        let failed = |message: String| Error::Simulation {
            simulator: self.label.clone(),
            message,
        };
        if self.held.ended() {
            return Err(failed("the run was ended".to_owned()));
        }
        Python::attach(|py| {
            let arrays = arguments
                .iter()
                .map(|(values, shape)| arrays::write(py, values, shape));
            let answer = arrays
                .collect::<PyResult<Vec<_>>>()
                .and_then(|arrays| method.bind(py).call1(PyTuple::new(py, arrays)?))
                .map_err(|exception| failed(self.held.failed(py, exception)))?;
            let what = format!("what {name} of {} returned", self.label);
            arrays::answer(&what, &answer, shapes).map_err(|exception| {
                let words = exception.to_string();
                self.held.end_with(exception);
                failed(words)
            })
        })
    }

    fn offered<'a>(&self, method: &'a Option<Py<PyAny>>, name: &str) -> Result<&'a Py<PyAny>> {
        method.as_ref().ok_or_else(|| Error::Simulation {
            simulator: self.label.clone(),
            message: format!("it has no method {name}"),
        })
    }
}

impl Model for Functions {
    fn label(&self) -> String {
        self.label.clone()
    }
    fn input(&self) -> Space {
        Space::new("x", &self.input, "1")
    }
    fn output(&self) -> Space {
        Space::new("y", &self.output, "1")
    }
    fn offers(&self) -> Offers {
        Offers {
            jvp: self.jvp.is_some(),
            vjp: self.vjp.is_some(),
            jacobian: self.jacobian.is_some(),
            second_order: false,
        }
    }
    fn evaluate(&self, x: &[f64]) -> Result<Vec<f64>> {
        let arguments: [(&[f64], &[usize]); 1] = [(x, &self.input)];
        self.call(&self.forward, "forward", &arguments, &[&self.output])
    }
    fn jvp(&self, x: &[f64], dx: &[f64]) -> Result<Vec<f64>> {
        let method = self.offered(&self.jvp, "jvp")?;
        let arguments: [(&[f64], &[usize]); 2] = [(x, &self.input), (dx, &self.input)];
        self.call(method, "jvp", &arguments, &[&self.output])
    }
    fn vjp(&self, x: &[f64], dy: &[f64]) -> Result<Vec<f64>> {
        let method = self.offered(&self.vjp, "vjp")?;
        let arguments: [(&[f64], &[usize]); 2] = [(x, &self.input), (dy, &self.output)];
        self.call(method, "vjp", &arguments, &[&self.input])
    }
    fn jacobian(&self, x: &[f64]) -> Result<Vec<f64>> {
        let method = self.offered(&self.jacobian, "jacobian")?;
        let arguments: [(&[f64], &[usize]); 1] = [(x, &self.input)];
        let flat = [self.output.iter().product(), self.input.iter().product()];
        // As jax.jacobian gives it where x or y have several axes.
        let whole = [&self.output[..], &self.input[..]].concat();
        self.call(method, "jacobian", &arguments, &[&flat, &whole])
    }
}

/// The local inverse that a Python simulator brings.
struct Inverse {
    functions: Functions,
    invert: Py<PyAny>,
}

impl Inverter for Inverse {
    fn invert(&self, _simulator: &dyn Simulator, y: &[f64], x0: &[f64]) -> Result<Inversion> {
        let Functions { input, output, .. } = &self.functions;
        let arguments: [(&[f64], &[usize]); 2] = [(y, output), (x0, input)];
        let x = self
            .functions
            .call(&self.invert, "invert_near", &arguments, &[input])?;
        if let Some(i) = x.iter().position(|value| !value.is_finite()) {
            return Err(Error::Simulation {
                simulator: self.functions.label.clone(),
                message: format!("invert_near returned {} at index {i}", x[i]),
            });
        }
        Ok(Inversion {
            x,
            ended: Ended::Arrived,
            reached: 1.0,
            // To measure it would cost a call of forward, and nothing reads it on arrival.
            misfit: f64::NAN,
            steps: 1,
            counts: Counts::default(),
        })
    }
}
