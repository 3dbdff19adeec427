//! A Python simulator, called by the library.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use retrodict::interrupt::Interruption;
use retrodict::inverse::{Ended, Inversion, Inverter};
use retrodict::models::external::{Model, Offers};
use retrodict::{Error, Result, Simulator, Space};

use crate::arrays::{self, Wrong, type_name};
use crate::errors::Held;
use crate::methods::{Method, Methods};

/// What the library hears where an exception ends the run.
const INTERRUPTED: Error = Error::Interrupted {
    why: Interruption::Cancelled,
};

/// The methods of a Python object, which the library calls with arrays of their shapes.
pub struct Functions {
    label: String,
    methods: Arc<Methods>,
    input: Space,
    output: Space,
    held: Arc<Held>,
    /// A bit for each method that has given a right answer.
    answered: AtomicU8,
}

fn label(forward: &Bound<'_, PyAny>) -> String {
    let named = forward.getattr_opt("__qualname__").ok().flatten();
    let name = named.and_then(|name| name.extract::<String>().ok());
    let name = name.unwrap_or_else(|| type_name(forward));
    format!("the Python simulator '{name}'")
}

impl Functions {
    /// The methods of a simulator, for arrays of these shapes.
    pub fn new(
        py: Python<'_>,
        methods: &Arc<Methods>,
        input: &[usize],
        output: &[usize],
        held: &Arc<Held>,
    ) -> Self {
        let forward = methods.get(py, Method::Forward);
        Self {
            label: forward.map_or_else(String::new, |own| label(own.bind(py))),
            methods: Arc::clone(methods),
            input: Space::new("x", input, "1"),
            output: Space::new("y", output, "1"),
            held: Arc::clone(held),
            answered: AtomicU8::new(0),
        }
    }

    fn failed(&self, message: String) -> Error {
        Error::simulation(self.label.clone(), message)
    }

    /// A failure of the simulator's, or the end of the run.
    fn not_answered(&self, py: Python<'_>, exception: PyErr) -> Error {
        match self.held.failed(py, exception) {
            Some(words) => self.failed(words),
            None => INTERRUPTED,
        }
    }

    /// Calls a method with arrays of its own, and takes an answer in one of the shapes.
    fn call(
        &self,
        method: Method,
        arguments: &[(&[f64], &[usize])],
        shapes: &[&[usize]],
    ) -> Result<Vec<f64>> {
        if self.held.ended() {
            return Err(INTERRUPTED);
        }
        let name = method.name();
        Python::attach(|py| {
            let Some(own) = self.methods.get(py, method) else {
                return Err(self.failed(format!("it has no method {name}")));
            };
            let arrays = arguments
                .iter()
                .map(|(values, shape)| arrays::write(py, values, shape));
            let answer = arrays
                .collect::<PyResult<Vec<_>>>()
                .and_then(|arrays| own.bind(py).call1(PyTuple::new(py, arrays)?))
                .map_err(|exception| self.not_answered(py, exception))?;
            let what = format!("what {name} of {} returned", self.label);
            let bit = 1 << method as u8;
            match arrays::answer(&what, &answer, shapes) {
                Ok(values) => {
                    self.answered.fetch_or(bit, Ordering::Relaxed);
                    Ok(values)
                }
                // It can answer in full, and so it failed at this x.
                Err(Wrong::Short(exception))
                    if self.answered.load(Ordering::Relaxed) & bit != 0 =>
                {
                    Err(self.not_answered(py, exception))
                }
                Err(Wrong::Short(exception) | Wrong::Kind(exception)) => {
                    self.held.end_by_answer(exception);
                    Err(INTERRUPTED)
                }
            }
        })
    }
}

impl Model for Functions {
    fn label(&self) -> String {
        self.label.clone()
    }
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn offers(&self) -> Offers {
        Offers::default()
            .with_jvp(self.methods.has(Method::Jvp))
            .with_vjp(self.methods.has(Method::Vjp))
            .with_jacobian(self.methods.has(Method::Jacobian))
    }
    fn evaluate(&self, x: &[f64]) -> Result<Vec<f64>> {
        let arguments: [(&[f64], &[usize]); 1] = [(x, &self.input.shape)];
        self.call(Method::Forward, &arguments, &[&self.output.shape])
    }
    fn jvp(&self, x: &[f64], dx: &[f64]) -> Result<Vec<f64>> {
        let arguments: [(&[f64], &[usize]); 2] = [(x, &self.input.shape), (dx, &self.input.shape)];
        self.call(Method::Jvp, &arguments, &[&self.output.shape])
    }
    fn vjp(&self, x: &[f64], dy: &[f64]) -> Result<Vec<f64>> {
        let arguments: [(&[f64], &[usize]); 2] = [(x, &self.input.shape), (dy, &self.output.shape)];
        self.call(Method::Vjp, &arguments, &[&self.input.shape])
    }
    fn jacobian(&self, x: &[f64]) -> Result<Vec<f64>> {
        let arguments: [(&[f64], &[usize]); 1] = [(x, &self.input.shape)];
        let flat = [self.output.len(), self.input.len()];
        // As jax.jacobian gives it where x or y have several axes.
        let whole = [&self.output.shape[..], &self.input.shape[..]].concat();
        self.call(Method::Jacobian, &arguments, &[&flat, &whole])
    }
}

/// The local inverse that a Python simulator brings.
pub struct Inverse(pub Functions);

impl Inverter for Inverse {
    fn invert(&self, _simulator: &dyn Simulator, y: &[f64], x0: &[f64]) -> Result<Inversion> {
        let functions = &self.0;
        let (input, output) = (&functions.input.shape[..], &functions.output.shape[..]);
        let arguments: [(&[f64], &[usize]); 2] = [(y, output), (x0, input)];
        let x = functions.call(Method::InvertNear, &arguments, &[input])?;
        if let Some(i) = x.iter().position(|value| !value.is_finite()) {
            return Err(functions.failed(format!("invert_near returned {} at index {i}", x[i])));
        }
        // The misfit stays unknown: to measure it would cost a call of forward, and nothing reads it on arrival.
        Ok(Inversion::new(x, Ended::Arrived).with_steps(1))
    }
}
