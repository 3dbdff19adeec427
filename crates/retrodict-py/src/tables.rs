//! Dictionaries of Python as tables of options.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use retrodict::options::explain;
use retrodict::registry::List;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::arrays::type_name;

/// A dictionary as a table; `None` leaves a key out.
///
/// # Errors
/// `TypeError` that names the key whose value is of no use.
pub fn table(what: &str, dict: &Bound<'_, PyDict>) -> PyResult<Table> {
    let mut table = Table::new();
    for (key, item) in dict.iter() {
        let key: String = key.extract().map_err(|_| {
            PyTypeError::new_err(format!("{what} has the key {key}, expected a string"))
        })?;
        if !item.is_none() {
            let value = value(&format!("{what}[\"{key}\"]"), &item)?;
            table.insert(key, value);
        }
    }
    Ok(table)
}

/// A name, or a dictionary with a name and options.
///
/// # Errors
/// `TypeError` or `ValueError` where there is no name; the known ones are listed.
pub fn named<T>(what: &str, value: &Bound<'_, PyAny>, list: &List<T>) -> PyResult<(String, Table)> {
    let known = || {
        let names: Vec<&str> = list.entries.iter().map(|entry| entry.name).collect();
        format!(
            "a name, as in {what}=\"{}\", or a dictionary with \"name\" and options; known: {}",
            names.first().unwrap_or(&""),
            names.join(", ")
        )
    };
    if let Ok(name) = value.cast::<PyString>() {
        return Ok((name.to_string(), Table::new()));
    }
    let Ok(dict) = value.cast::<PyDict>() else {
        let found = type_name(value);
        let message = format!("{what} is a '{found}', expected {}", known());
        return Err(PyTypeError::new_err(message));
    };
    let mut options = table(what, dict)?;
    match options.remove("name") {
        Some(Value::String(name)) => Ok((name, options)),
        _ => Err(PyValueError::new_err(format!(
            "{what} has no name, expected {}",
            known()
        ))),
    }
}

/// What stands in a dictionary as a value of a table.
///
/// # Errors
/// `TypeError` that names the key whose value is of no use.
pub fn value(what: &str, item: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(flag) = item.cast::<PyBool>() {
        return Ok(Value::Boolean(flag.is_true()));
    }
    if item.is_instance_of::<PyInt>() {
        let whole = item.extract().map(Value::Integer);
        return whole.map_err(|_| {
            PyValueError::new_err(format!("{what} = {item} does not fit into 64 bits"))
        });
    }
    if item.is_instance_of::<PyFloat>() {
        return Ok(Value::Float(item.extract()?));
    }
    if let Ok(text) = item.cast::<PyString>() {
        return Ok(Value::String(text.to_string()));
    }
    if let Ok(dict) = item.cast::<PyDict>() {
        return table(what, dict).map(Value::Table);
    }
    if item.is_instance_of::<PyList>() || item.is_instance_of::<PyTuple>() {
        let items = item.try_iter()?;
        let values = items.map(|item| value(what, &item?));
        return Ok(Value::Array(values.collect::<PyResult<_>>()?));
    }
    // Arrays and numbers of NumPy know what they are in Python.
    if let Ok(plain) = item.call_method0("tolist")
        && !plain.get_type().is(item.get_type())
    {
        return value(what, &plain);
    }
    Err(PyTypeError::new_err(format!(
        "{what} is a '{}', expected a number, string, True, False, list or dictionary",
        type_name(item)
    )))
}

/// Data as the description that they should be.
///
/// # Errors
/// `ValueError` with the key and the nearest known one.
pub fn described<T: DeserializeOwned>(what: &str, value: Value) -> PyResult<T> {
    value.try_into().map_err(|error: toml::de::Error| {
        PyValueError::new_err(format!("{what}: {}", explain(&error.to_string())))
    })
}

/// A table as a dictionary.
///
/// # Errors
/// If Python has no memory left.
pub fn dict<'py>(py: Python<'py>, table: &Table) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, item) in table {
        dict.set_item(key, object(py, item)?)?;
    }
    Ok(dict)
}

fn object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::String(text) => text.into_pyobject(py)?.into_any(),
        Value::Integer(whole) => whole.into_pyobject(py)?.into_any(),
        Value::Float(number) => number.into_pyobject(py)?.into_any(),
        Value::Boolean(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        Value::Datetime(time) => time.to_string().into_pyobject(py)?.into_any(),
        Value::Array(items) => {
            let items = items.iter().map(|item| object(py, item));
            PyList::new(py, items.collect::<PyResult<Vec<_>>>()?)?.into_any()
        }
        Value::Table(inner) => dict(py, inner)?.into_any(),
    })
}
