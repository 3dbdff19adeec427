//! Parameters, quantities and lists of names, as they are passed to `solve`.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use retrodict::spec::{DerivedSpec, ParameterSpec, ProfileSpec};
use toml::{Table, Value};

use crate::arrays::type_name;
use crate::tables::{described, table, value};

/// `parameters={"k": {"start": 1.0, …}, …}`, in the order of the dictionary; a number alone is a start.
///
/// # Errors
/// If it is no dictionary, or a key is unknown.
pub fn specs(given: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<ParameterSpec>> {
    let spec = |name: String, item: &Bound<'_, PyAny>| {
        let what = format!("parameters[\"{name}\"]");
        let mut own = match item.cast::<PyDict>() {
            Ok(dict) => table(&what, dict)?,
            Err(_) => Table::from_iter([("start".to_owned(), value(&what, item)?)]),
        };
        own.insert("name".to_owned(), name.into());
        described(&what, Value::Table(own))
    };
    each(
        "parameters",
        "{\"k\": {\"start\": 1.0, \"lower\": 0.0}}",
        given,
        spec,
    )
}

/// `derived={"R0": "contact / recovery"}`; a dictionary in place of the formula has a unit too.
///
/// # Errors
/// If it is no dictionary, or a key is unknown.
pub fn derived(given: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<DerivedSpec>> {
    let spec = |name: String, item: &Bound<'_, PyAny>| {
        let what = format!("derived[\"{name}\"]");
        let mut own = match item.cast::<PyDict>() {
            Ok(dict) => table(&what, dict)?,
            Err(_) => Table::from_iter([("expression".to_owned(), value(&what, item)?)]),
        };
        own.insert("name".to_owned(), name.into());
        described(&what, Value::Table(own))
    };
    each("derived", "{\"R0\": \"contact / recovery\"}", given, spec)
}

fn each<T>(
    what: &str,
    example: &str,
    given: Option<&Bound<'_, PyAny>>,
    spec: impl Fn(String, &Bound<'_, PyAny>) -> PyResult<T>,
) -> PyResult<Vec<T>> {
    let Some(given) = given else {
        return Ok(Vec::new());
    };
    let Ok(dict) = given.cast::<PyDict>() else {
        return Err(PyTypeError::new_err(format!(
            "{what} is a '{}', expected a dictionary by name, as in {example}",
            type_name(given)
        )));
    };
    let entry = |(name, item): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let name: String = name.extract().map_err(|_| {
            PyTypeError::new_err(format!("{what} has the key {name}, expected a string"))
        })?;
        spec(name, &item)
    };
    dict.iter().map(entry).collect()
}

/// `profile=["k", "R0"]`, or a dictionary of these, `of`, and options.
///
/// # Errors
/// If it is neither, or a key is unknown.
pub fn profile(given: Option<&Bound<'_, PyAny>>) -> PyResult<ProfileSpec> {
    let dict = given.and_then(|given| given.cast::<PyDict>().ok());
    match dict {
        Some(dict) => described("profile", Value::Table(table("profile", dict)?)),
        None => Ok(names("profile", given)?.into_iter().collect()),
    }
}

/// A name, or a sequence of names.
///
/// # Errors
/// If it is neither.
pub fn names(what: &str, given: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<String>> {
    let Some(given) = given else {
        return Ok(Vec::new());
    };
    if let Ok(name) = given.cast::<PyString>() {
        return Ok(vec![name.to_string()]);
    }
    given.extract().map_err(|_| {
        PyTypeError::new_err(format!(
            "{what} is a '{}', expected a name or a list of names",
            type_name(given)
        ))
    })
}
