//! The methods of a Python object that is a simulator, called by the library.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use retrodict::external::{Model, Offers};
use retrodict::inverse::{Ended, Inversion, Inverter};
use retrodict::{Counts, Error, Result, Simulator, Space};

use crate::arrays::{self, type_name};
use crate::errors::Held;

/// The methods of a Python object, which the library calls with arrays of their shapes.
pub struct Functions {
    label: String,
    forward: Py<PyAny>,
    jacobian: Option<Py<PyAny>>,
    jvp: Option<Py<PyAny>>,
    vjp: Option<Py<PyAny>>,
    input: Vec<usize>,
    output: Vec<usize>,
    held: Arc<Held>,
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

/// A method, unless it is missing or `None`.
///
/// # Errors
/// What looking it up raises.
pub fn method<'py>(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let found = object.getattr_opt(name)?;
    Ok(found.filter(|method| !method.is_none()))
}

fn label(forward: &Bound<'_, PyAny>) -> String {
    let named = forward.getattr_opt("__qualname__").ok().flatten();
    let name = named.and_then(|name| name.extract::<String>().ok());
    let name = name.unwrap_or_else(|| type_name(forward));
    format!("the Python simulator '{name}'")
}

impl Functions {
    /// The methods that an object has.
    ///
    /// # Errors
    /// `TypeError` if there is nothing to evaluate.
    pub fn of(
        object: &Bound<'_, PyAny>,
        input: &[usize],
        output: &[usize],
        held: &Arc<Held>,
    ) -> PyResult<Self> {
        let forward = forward(object)?;
        let optional = |name| PyResult::Ok(method(object, name)?.map(Bound::unbind));
        Ok(Self {
            label: label(&forward),
            jacobian: optional("jacobian")?,
            jvp: optional("jvp")?,
            vjp: optional("vjp")?,
            forward: forward.unbind(),
            input: input.to_vec(),
            output: output.to_vec(),
            held: Arc::clone(held),
        })
    }

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
pub struct Inverse {
    /// The simulator's methods.
    pub functions: Functions,
    /// `invert_near`.
    pub invert: Py<PyAny>,
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
