//! Arrays of Python as slices of the library, and back.

use numpy::{
    PyArray1, PyArrayDescrMethods, PyArrayDyn, PyArrayMethods, PyUntypedArray,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;

use crate::errors::raised;

/// Numbers in row order, and their shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// The numbers.
    pub values: Vec<f64>,
    /// The extent along each axis; none for a single number.
    pub shape: Vec<usize>,
}

/// Data of the user's: an array, list or number of anything that `float64` holds.
///
/// # Errors
/// `TypeError` for what are no real numbers; `what` names them.
pub fn read(what: &str, value: &Bound<'_, PyAny>) -> PyResult<Numbers> {
    let array = as_array(what, value)?;
    let kind = array.dtype().kind();
    let fits = matches!(kind, b'f' | b'i' | b'u' | b'b') && array.dtype().itemsize() <= 8;
    if !fits {
        return Err(wrong_type(what, &array, "real numbers that float64 holds"));
    }
    Ok(Numbers {
        shape: array.shape().to_vec(),
        values: values(&array)?,
    })
}

/// As [`read`], and as many as there must be, in that shape or flat.
///
/// # Errors
/// `ValueError` for another shape.
pub fn read_shaped(what: &str, value: &Bound<'_, PyAny>, shape: &[usize]) -> PyResult<Vec<f64>> {
    let found = read(what, value)?;
    let flat: [usize; 1] = [shape.iter().product()];
    if found.shape != shape && found.shape != flat {
        return Err(wrong_shape(what, &found.shape, shape));
    }
    Ok(found.values)
}

/// The values, if all of them are finite.
///
/// # Errors
/// `ValueError` with the first that is not.
pub fn finite(what: &str, values: Vec<f64>) -> PyResult<Vec<f64>> {
    retrodict::error::expect_finite(what, &values).map_err(|error| raised(&error))?;
    Ok(values)
}

/// What the user's code answered: `float64` (or whole numbers), in one of the shapes that are right.
///
/// Single precision is refused: differences of it are noise, and derivatives in it stall a solver.
///
/// # Errors
/// `TypeError` for another kind of numbers, `ValueError` for another shape.
pub fn answer(what: &str, value: &Bound<'_, PyAny>, shapes: &[&[usize]]) -> PyResult<Vec<f64>> {
    let array = as_array(what, value)?;
    let dtype = array.dtype();
    let fits = match dtype.kind() {
        b'f' => dtype.itemsize() == 8,
        kind => matches!(kind, b'i' | b'u' | b'b'),
    };
    if !fits {
        return Err(wrong_type(
            what,
            &array,
            "float64; compute in double precision (in JAX: jax.config.update(\"jax_enable_x64\", True))",
        ));
    }
    if !shapes.contains(&array.shape()) {
        let expected = shapes.first().copied().unwrap_or_default();
        return Err(wrong_shape(what, array.shape(), expected));
    }
    values(&array)
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

fn as_array<'py>(what: &str, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyUntypedArray>> {
    if let Ok(array) = value.cast::<PyUntypedArray>() {
        return Ok(array.clone());
    }
    let py = value.py();
    let array = py
        .import(intern!(py, "numpy"))?
        .call_method1(intern!(py, "asarray"), (value,))
        .map_err(|error| {
            let exception = PyTypeError::new_err(format!(
                "{what} is a '{}', which numpy.asarray does not turn into an array; expected an array of \
                 float64: pass numpy.array(…)",
                type_name(value)
            ));
            exception.set_cause(py, Some(error));
            exception
        })?;
    Ok(array.cast_into::<PyUntypedArray>()?)
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
    PyTypeError::new_err(format!(
        "{what} has dtype {}, expected {expected}",
        array.dtype()
    ))
}

fn wrong_shape(what: &str, found: &[usize], expected: &[usize]) -> PyErr {
    PyValueError::new_err(format!(
        "{what} has shape {}, expected {}: check what it is, or reshape it",
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
