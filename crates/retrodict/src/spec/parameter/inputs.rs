//! The values of x by their names: those of the simulator, or those that entries give them.

use super::ParameterSpec;
use super::scope::{ScopedParameter, within};
use crate::core::simulator::Simulator;
use crate::core::transform::Transform;
use crate::error::{Error, Result};
use crate::options::require;

/// What a data set brings to the table.
#[derive(Clone, Copy)]
pub(in crate::spec) struct Known<'a> {
    /// Its name; nothing where there is one target.
    pub(in crate::spec) name: Option<&'a str>,
    pub(in crate::spec) simulator: &'a dyn Simulator,
    /// The names of the levels of its noise, which need no entry.
    pub(in crate::spec) noise: &'a [String],
}

/// A value of x as the simulator calls it.
#[derive(Debug, Clone)]
pub(super) struct NamedInput {
    pub(super) name: String,
    unit: Option<String>,
    /// The transform that x itself has.
    pub(super) transform: Transform,
}

pub(super) fn at(name: &str, key: &'static str) -> impl Fn(Error) -> Error {
    move |error| error.at("parameter", name, key)
}

/// The values of x of a data set: by the simulator's names, or those that the first parameters give them.
pub(super) fn inputs_of(described: &[ScopedParameter], set: &Known<'_>) -> Result<Vec<NamedInput>> {
    let Known {
        name: scope,
        simulator,
        ..
    } = *set;
    let description = simulator.describe();
    let n = simulator.input().len();
    let full = |name: &str| {
        within(
            scope,
            name,
            described.iter().map(|one| one.spec.name.as_str()),
        )
    };
    if let Some(own) = description.stands_for {
        let input = |own: crate::StandsFor| NamedInput {
            name: full(&own.name),
            unit: Some(own.unit),
            transform: own.transform,
        };
        return Ok(own.into_iter().map(input).collect());
    }
    let plain = |name: String, unit| NamedInput {
        name,
        unit,
        transform: Transform::None,
    };
    if let Some(labels) = description.labels {
        // A formula does not say in which units its parameters are.
        let label = |(name, unit): (String, String)| {
            plain(full(&name), Some(unit).filter(|unit| !unit.is_empty()))
        };
        return Ok(labels.into_iter().map(label).collect());
    }
    if described.is_empty() {
        let unit = simulator.input().unit.clone();
        let place = |i| plain(format!("x[{i}]"), Some(unit.clone()));
        return Ok((0..n).map(place).collect());
    }
    // Those of other data sets are none of this one's.
    let own = |one: &&ScopedParameter| one.scope.is_none() || one.scope.as_deref() == scope;
    let own: Vec<&ScopedParameter> = described.iter().filter(own).collect();
    let allowed = format!(
        "the model takes {n} values and has no names for them: name each, in their order, before any further parameter"
    );
    let found = match scope {
        None => format!("{} named", own.len()),
        Some(scope) => format!("{} named for data set '{scope}'", own.len()),
    };
    require(own.len() >= n, "parameter", found, &allowed)?;
    let first = own.into_iter().take(n);
    Ok(first
        .map(|one| plain(one.spec.name.clone(), None))
        .collect())
}

/// Adds a value of x, which may be one that another data set has already: then in the same unit.
pub(super) fn join(inputs: &mut Vec<NamedInput>, input: NamedInput) -> Result<()> {
    let Some(known) = inputs.iter_mut().find(|known| known.name == input.name) else {
        inputs.push(input);
        return Ok(());
    };
    let same = match (&known.unit, &input.unit) {
        (Some(a), Some(b)) => fits(a, b) || fits(b, a),
        _ => true,
    };
    let words = |unit: &Option<String>| unit.clone().unwrap_or_default();
    let allowed = format!(
        "it is in {} for one data set and in {} for another, and cannot be one parameter; give each its own, as in scope = \"each\"",
        words(&known.unit),
        words(&input.unit)
    );
    require(same, &input.name, "shared", &allowed)?;
    known.unit = known.unit.take().or(input.unit);
    if known.transform == Transform::None {
        known.transform = input.transform;
    }
    Ok(())
}

/// The unit: the parameter's own, which must be the simulator's where that has one.
pub(super) fn unit(
    spec: &ParameterSpec,
    entry: &str,
    input: Option<&NamedInput>,
) -> Result<String> {
    let own = input.and_then(|input| input.unit.as_deref());
    let found = match (&spec.unit, own) {
        (Some(unit), Some(own)) => {
            let allowed = format!(
                "the simulator takes it in {own}; convert the numbers, or leave the unit out"
            );
            require(fits(unit, own), "unit", format!("\"{unit}\""), &allowed)
                .map_err(at(entry, "unit"))?;
            unit
        }
        (Some(unit), None) => unit,
        (None, own) => own.unwrap_or("1"),
    };
    Ok(found.to_owned())
}

/// Whether a unit is that of the simulator, where `time` stands for any unit of time.
fn fits(unit: &str, own: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        let parts = text.split(['/', '·', '*', ' ']).map(str::trim);
        parts
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (unit, own) = (parts(unit), parts(own));
    unit.len() == own.len() && unit.iter().zip(&own).all(|(a, b)| a == b || b == "time")
}
