//! Arrays of Python as slices of the library, and back.

use numpy::{
    PyArray1, PyArrayDescrMethods, PyArrayDyn, PyArrayMethods, PyUntypedArray,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::errors::raised;

/// Numbers in row order, and their shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// The numbers.
    pub values: Vec<f64>,
    /// The extent along each axis; none for a single number.
    pub shape: Vec<usize>,
}

/// Data of the user's, and where a mask hides them.
pub struct Masked {
    /// The numbers; under the mask, whatever stood there.
    pub numbers: Numbers,
    /// Which are masked; empty if none is.
    pub mask: Vec<bool>,
}

impl Masked {
    /// Whether a value is masked.
    pub fn hides(&self, i: usize) -> bool {
        self.mask.get(i).copied().unwrap_or(false)
    }
}

/// Data of the user's: an array, list or number of anything that `float64` holds, without a mask.
///
/// # Errors
/// `TypeError` for what are no real numbers, `ValueError` for masked ones; `what` names them.
pub fn read(what: &str, value: &Bound<'_, PyAny>) -> PyResult<Numbers> {
    let found = read_masked(what, value)?;
    match found.mask.iter().position(|masked| *masked) {
        None => Ok(found.numbers),
        Some(i) => Err(PyValueError::new_err(format!(
            "{what} is masked at index {i}, but every value is needed: fill it in; only data (the target and its \
             noise) may be missing"
        ))),
    }
}

/// As [`read`], with a mask where the array brings one.
///
/// # Errors
/// `TypeError` for what are no real numbers.
pub fn read_masked(what: &str, value: &Bound<'_, PyAny>) -> PyResult<Masked> {
    let array = as_array(what, value, "real numbers")?;
    let kind = array.dtype().kind();
    let fits = matches!(kind, b'f' | b'i' | b'u' | b'b') && array.dtype().itemsize() <= 8;
    if !fits {
        return Err(wrong_type(what, &array, "real numbers that float64 holds"));
    }
    Ok(Masked {
        mask: mask(value)?,
        numbers: Numbers {
            shape: array.shape().to_vec(),
            values: values(&array)?,
        },
    })
}

/// As [`read`], and as many as there must be, in that shape or flat.
///
/// # Errors
/// `ValueError` for another shape.
pub fn read_shaped(what: &str, value: &Bound<'_, PyAny>, shape: &[usize]) -> PyResult<Vec<f64>> {
    let found = read(what, value)?;
    shaped(what, &found, shape)?;
    Ok(found.values)
}

/// Says whether numbers have a shape, or lie flat.
///
/// # Errors
/// `ValueError` for another shape.
pub fn shaped(what: &str, found: &Numbers, shape: &[usize]) -> PyResult<()> {
    let flat: [usize; 1] = [shape.iter().product()];
    if found.shape != shape && found.shape != flat {
        return Err(wrong_shape(what, &found.shape, shape, ""));
    }
    Ok(())
}

/// The values, if all of them are finite.
///
/// # Errors
/// `ValueError` with the first that is not.
pub fn finite(what: &str, values: Vec<f64>) -> PyResult<Vec<f64>> {
    retrodict::error::expect_finite(what, &values).map_err(|error| raised(&error))?;
    Ok(values)
}

/// What is wrong with an answer of the user's code.
pub enum Wrong {
    /// It is cut short, as a series is whose integrator gave up.
    Short(PyErr),
    /// It can never be right.
    Kind(PyErr),
}

impl From<PyErr> for Wrong {
    fn from(exception: PyErr) -> Self {
        Self::Kind(exception)
    }
}

/// What the user's code answered: `float64` (or whole numbers), in one of the shapes that are right. Masked values are
/// NaN.
///
/// Single precision is refused: what it rounds away, differences take for a slope.
///
/// # Errors
/// `TypeError` for another kind of numbers, `ValueError` for another shape.
pub fn answer(
    what: &str,
    value: &Bound<'_, PyAny>,
    shapes: &[&[usize]],
) -> Result<Vec<f64>, Wrong> {
    if value.is_none() {
        let message =
            format!("{what} is None, expected an array of float64: is a `return` missing?");
        return Err(PyTypeError::new_err(message).into());
    }
    let array = as_array(what, value, "an array of float64")?;
    let dtype = array.dtype();
    let fits = match dtype.kind() {
        b'f' => dtype.itemsize() == 8,
        kind => matches!(kind, b'i' | b'u' | b'b'),
    };
    if !fits {
        return Err(wrong_type(what, &array, "float64").into());
    }
    if !shapes.contains(&array.shape()) {
        let expected = shapes.first().copied().unwrap_or_default();
        let found = array.shape();
        let short = shapes.iter().any(|shape| is_short(found, shape));
        let wrong = |advice| wrong_shape(what, found, expected, advice);
        return Err(match short {
            false => Wrong::Kind(wrong("")),
            true => Wrong::Short(wrong(
                "; if its integrator gave up before the last time, it fails at this x: start where it succeeds",
            )),
        });
    }
    let mut values = values(&array)?;
    let hidden = mask(value)?;
    for (value, masked) in values.iter_mut().zip(hidden) {
        if masked {
            *value = f64::NAN;
        }
    }
    Ok(values)
}

/// Whether an array ends early along one of its axes or more.
fn is_short(found: &[usize], expected: &[usize]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(found, all)| found <= all)
}

/// An array of its own for Python.
///
/// # Errors
/// If the shape does not hold as many values.
pub fn write<'py>(
    py: Python<'py>,
    values: &[f64],
    shape: &[usize],
) -> PyResult<Bound<'py, PyArrayDyn<f64>>> {
    PyArray1::from_slice(py, values).reshape(shape.to_vec())
}

/// An array that is shown and not given away: to write to it is an error, and not a change of what was found.
///
/// # Errors
/// As [`write`].
pub fn show(py: Python<'_>, values: &[f64], shape: &[usize]) -> PyResult<Py<PyArrayDyn<f64>>> {
    let array = write(py, values, shape)?;
    array.call_method1(intern!(py, "setflags"), (false,))?;
    Ok(array.unbind())
}

fn as_array<'py>(
    what: &str,
    value: &Bound<'py, PyAny>,
    expected: &str,
) -> PyResult<Bound<'py, PyUntypedArray>> {
    if let Ok(array) = value.cast::<PyUntypedArray>() {
        return Ok(array.clone());
    }
    let py = value.py();
    let array = py
        .import(intern!(py, "numpy"))?
        .call_method1(intern!(py, "asarray"), (value,))
        .map_err(|error| {
            let exception = PyTypeError::new_err(format!(
                "{what} is a '{}', which numpy.asarray does not turn into an array; expected {expected}: if rows \
                 differ in length, make them equal, else pass numpy.array(…)",
                type_name(value)
            ));
            exception.set_cause(py, Some(error));
            exception
        })?;
    Ok(array.cast_into::<PyUntypedArray>()?)
}

/// Which values a masked array hides; empty if none, or if it is no masked array.
fn mask(value: &Bound<'_, PyAny>) -> PyResult<Vec<bool>> {
    let py = value.py();
    let Ok(array) = value.cast::<PyUntypedArray>() else {
        return Ok(Vec::new());
    };
    let masked = py.import(intern!(py, "numpy.ma"))?;
    if !array.is_instance(&masked.getattr(intern!(py, "MaskedArray"))?)? {
        return Ok(Vec::new());
    }
    masked
        .call_method1(intern!(py, "getmaskarray"), (array,))?
        .call_method0(intern!(py, "ravel"))?
        .call_method0(intern!(py, "tolist"))?
        .extract()
}

/// One copy of an array that is `float64` in row order already; others are converted first.
fn values(array: &Bound<'_, PyUntypedArray>) -> PyResult<Vec<f64>> {
    if let Ok(doubles) = array.cast::<PyArrayDyn<f64>>()
        && doubles.is_c_contiguous()
        && let Ok(slice) = doubles.try_readonly()?.as_slice()
    {
        return Ok(slice.to_vec());
    }
    let py = array.py();
    let converted = array
        .call_method1(
            intern!(py, "astype"),
            (intern!(py, "float64"), intern!(py, "C")),
        )?
        .cast_into::<PyArrayDyn<f64>>()?;
    Ok(converted.try_readonly()?.as_slice()?.to_vec())
}

fn wrong_type(what: &str, array: &Bound<'_, PyUntypedArray>, expected: &str) -> PyErr {
    let dtype = array.dtype();
    let advice = match (dtype.kind(), dtype.itemsize()) {
        (b'c', _) => {
            ": numbers must be real; split complex ones into their real and imaginary parts, for example with \
             numpy.concatenate([z.real, z.imag]), in both target and simulator"
        }
        (b'f', 0..8) => {
            ": compute in double precision (in JAX: jax.config.update(\"jax_enable_x64\", True); in PyTorch: .double()), or, \
             if that is not possible, return y.astype(float) and provide derivatives or differences={\"step\": 1e-2}"
        }
        (b'f', _) => ": convert it with .astype(float)",
        (b'U' | b'S', _) => ": these are strings; read the numbers first",
        (b'O', _) if holds_none(array) => {
            ": it holds None or other non-numbers; write NaN where nothing was observed, with missing=True"
        }
        (b'O', _) => ": these are Python objects; convert them with numpy.array(…, dtype=float)",
        _ => ": convert it to numbers",
    };
    PyTypeError::new_err(format!(
        "{what} has dtype {dtype}, expected {expected}{advice}"
    ))
}

/// Whether an array of objects holds `None`.
fn holds_none(array: &Bound<'_, PyUntypedArray>) -> bool {
    let flat = array.call_method0("ravel").and_then(|flat| flat.try_iter());
    flat.is_ok_and(|mut items| items.any(|item| item.is_ok_and(|item| item.is_none())))
}

fn wrong_shape(what: &str, found: &[usize], expected: &[usize], advice: &str) -> PyErr {
    PyValueError::new_err(format!(
        "{what} has shape {}, expected {}: check what it is, or reshape it{advice}",
        tuple(found),
        tuple(expected)
    ))
}

/// A shape as Python writes it.
pub fn tuple(shape: &[usize]) -> String {
    let extents: Vec<String> = shape.iter().map(usize::to_string).collect();
    match extents.as_slice() {
        [one] => format!("({one},)"),
        _ => format!("({})", extents.join(", ")),
    }
}

/// The name of a value's type, for messages.
pub fn type_name(value: &Bound<'_, PyAny>) -> String {
    let name = value.get_type().name();
    name.map_or_else(|_| "?".to_owned(), |name| name.to_string())
}
