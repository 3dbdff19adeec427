//! Named parameters of a solution: their values, how sure they are, and their profiles.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use retrodict::compose::parameters::{Parameters, Role};
use retrodict::models::expression::Expression;
use retrodict::spec::{DerivedSpec, ParameterSpec};
use retrodict::uncertainty::derived::Quantity;
use retrodict::uncertainty::profile::{Profile, Side};
use retrodict::uncertainty::statistics::{Interval, Statistics};
use toml::{Table, Value};

use crate::arrays::{self, type_name};
use crate::errors::raised;
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

/// The values of all named parameters and of the quantities that follow from them.
///
/// # Errors
/// If x is none of the table's.
pub fn values<'py>(
    py: Python<'py>,
    parameters: &Parameters,
    derived: &[Quantity],
    x: &[f64],
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (parameter, value) in parameters.all().iter().zip(parameters.values(x)) {
        dict.set_item(&parameter.name, value)?;
    }
    for quantity in derived {
        let value = quantity.value(parameters, x);
        dict.set_item(&quantity.name, value.map_err(|error| raised(&error))?)?;
    }
    Ok(dict)
}

/// Value, standard deviation, interval and unit of each of them.
///
/// # Errors
/// If the level does not lie between 0 and 1.
pub fn intervals<'py>(
    py: Python<'py>,
    parameters: &Parameters,
    derived: &[Quantity],
    found: &Statistics,
    level: f64,
) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    let add = |name: &str, unit: &str, value: f64, deviation: f64, interval: Interval| {
        let dict = PyDict::new(py);
        dict.set_item("value", value)?;
        dict.set_item("deviation", deviation)?;
        dict.set_item("low", interval.low)?;
        dict.set_item("high", interval.high)?;
        dict.set_item("unit", unit)?;
        all.set_item(name, dict)
    };
    let own = found.intervals(level).map_err(|error| raised(&error))?;
    let follows = |quantity: &Quantity| {
        let found = found.derived(quantity, parameters, level);
        let found = found.map_err(|error| raised(&error))?;
        add(
            &found.name,
            &found.unit,
            found.value,
            found.deviation,
            found.interval,
        )
    };
    let mut free = 0..;
    let point = |value: f64| {
        let mut interval = own.first().copied().unwrap_or(Interval::new(value, value));
        (interval.low, interval.high) = (value, value);
        interval
    };
    for parameter in parameters.all() {
        let (name, unit) = (&parameter.name, &parameter.unit);
        match &parameter.role {
            Role::Free => {
                let i = free.next().unwrap_or(0);
                add(name, unit, found.parameters[i], found.deviations[i], own[i])?;
            }
            Role::Fixed(value) => add(name, unit, *value, 0.0, point(*value))?,
            _ => {
                let formula = Expression::parse(&format!("{{{name}}}"));
                let quantity = formula.and_then(|f| Quantity::new(name, f, parameters));
                follows(&quantity.map_err(|error| raised(&error))?.with_unit(unit))?;
            }
        }
    }
    derived.iter().try_for_each(follows)?;
    Ok(all)
}

/// A profile as a dictionary.
///
/// # Errors
/// If Python has no memory left.
pub fn profile<'py>(
    py: Python<'py>,
    name: &str,
    unit: &str,
    found: &Profile,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let interval = found.interval();
    let (values, excess): (Vec<f64>, Vec<f64>) =
        found.points.iter().map(|p| (p.value, p.excess)).unzip();
    let x: Vec<f64> = found
        .points
        .iter()
        .flat_map(|p| p.x.iter().copied())
        .collect();
    let n = values.len();
    dict.set_item("value", found.value)?;
    dict.set_item("deviation", found.deviation)?;
    dict.set_item("low", interval.low)?;
    dict.set_item("high", interval.high)?;
    dict.set_item("unit", unit)?;
    dict.set_item("at_bound", (is_bound(found.low), is_bound(found.high)))?;
    dict.set_item("values", arrays::write(py, &values, &[n])?)?;
    dict.set_item("excess", arrays::write(py, &excess, &[n])?)?;
    dict.set_item("threshold", found.threshold)?;
    dict.set_item("x", arrays::write(py, &x, &[n, x.len() / n.max(1)])?)?;
    dict.set_item("sentence", found.in_words(name))?;
    Ok(dict)
}

fn is_bound(side: Side) -> bool {
    matches!(side, Side::Bound(_))
}
