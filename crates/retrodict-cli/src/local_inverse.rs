//! The local inverse that the user chose for a simulator.

use std::sync::Arc;

use crate::registry;
use retrodict::inverse::{Inverter, WithInverse};
use retrodict::{Error, Result, Simulator};

/// Reads `"path"` or `{ name = "path", tolerance = 1e-8 }`.
pub fn choose(value: &toml::Value) -> Result<Arc<dyn Inverter>> {
    let mut options = match value {
        toml::Value::String(name) => return registry().inverses.build(name, &toml::Table::new()),
        toml::Value::Table(options) => options.clone(),
        other => return Err(no_name(other)),
    };
    match options.remove("name") {
        Some(toml::Value::String(name)) => registry().inverses.build(&name, &options),
        _ => Err(no_name(value)),
    }
}

fn no_name(value: &toml::Value) -> Error {
    let names: Vec<&str> = registry()
        .inverses
        .entries
        .iter()
        .map(|entry| entry.name)
        .collect();
    Error::Option {
        key: "inverse".to_owned(),
        found: value.to_string(),
        allowed: format!(
            "write a name, as in inverse = \"path\", or a table with one; known: {}",
            names.join(", ")
        ),
    }
}

/// The simulator with that inverse in place of its own, if one was chosen.
pub fn join(
    simulator: Arc<dyn Simulator>,
    inverse: Option<&Arc<dyn Inverter>>,
) -> Arc<dyn Simulator> {
    match inverse {
        Some(inverse) => Arc::new(WithInverse::new(simulator, Arc::clone(inverse))),
        None => simulator,
    }
}

/// `--inverse NAME` and the options that were set as `inverse.KEY`; these are no longer the
/// simulator's then.
pub fn from_arguments(
    name: Option<&str>,
    options: &mut toml::Table,
) -> Result<Option<Arc<dyn Inverter>>> {
    let Some(name) = name else {
        return Ok(None);
    };
    let own = match options.remove("inverse") {
        None => toml::Table::new(),
        Some(toml::Value::Table(table)) => table,
        Some(other) => return Err(no_name(&other)),
    };
    registry().inverses.build(name, &own).map(Some)
}
