//! Named parameters of a solution: their values, how sure they are, and their profiles.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use retrodict::compose::parameters::{Parameters, Role};
use retrodict::models::expression::Expression;
use retrodict::spec::{ProfileSpec, Profiled};
use retrodict::uncertainty::criteria::InformationCriteria;
use retrodict::uncertainty::derived::Quantity;
use retrodict::uncertainty::profile::{Along, Profile, Side, profiles};
use retrodict::uncertainty::statistics::{Interval, Statistics};

use crate::arrays;
use crate::errors::raised;
use crate::posed::Built;
use crate::signals;

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

/// The profiles of what is named, or of all, from the statistics of the fit.
///
/// # Errors
/// If a name is unknown, or that of a constant; if the level does not lie between 0 and 1.
pub fn profiled<'py>(
    py: Python<'py>,
    built: &Built,
    wanted: &ProfileSpec,
    found: &Statistics,
) -> PyResult<Bound<'py, PyDict>> {
    let assembled = &built.assembled;
    let all = ["all".to_owned()];
    let names = if wanted.is_empty() {
        &all
    } else {
        &wanted.of[..]
    };
    let table = assembled.parameters.as_deref();
    let profiled = Profiled::named(names, table, &assembled.derived, &*assembled.simulator);
    let profiled = profiled.map_err(|error| raised(&error))?;
    let along: Vec<Along<'_>> = profiled.iter().filter_map(|p| p.along(table)).collect();
    let options = wanted.options();
    let heard = signals::heard(&built.held);
    let found = built.held.run(py, || {
        heard.within(|| profiles(built.problem(), found, &along, &options))
    })?;
    let all = PyDict::new(py);
    for (own, found) in profiled.iter().zip(&found) {
        all.set_item(&own.name, profile(py, &own.name, &own.unit, found)?)?;
    }
    Ok(all)
}

/// The information criteria of a fit; nothing where it has none.
///
/// # Errors
/// If the simulation fails at x.
pub fn criteria<'py>(
    py: Python<'py>,
    built: &Built,
    x: &[f64],
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let found = built
        .held
        .run(py, || InformationCriteria::of(built.problem(), x))?;
    let Some(found) = found else {
        return Ok(None);
    };
    let dict = PyDict::new(py);
    dict.set_item("log_likelihood", found.log_likelihood)?;
    dict.set_item("aic", found.aic)?;
    dict.set_item("aicc", found.aicc)?;
    dict.set_item("bic", found.bic)?;
    dict.set_item("parameters", found.parameters)?;
    dict.set_item("data", found.data)?;
    Ok(Some(dict))
}

/// A profile as a dictionary.
///
/// # Errors
/// If Python has no memory left.
fn profile<'py>(
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
