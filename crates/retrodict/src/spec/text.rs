//! Descriptions from text and tables, and back; mistakes are told with their line.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;

use crate::error::{Error, Result};
use crate::options::explain;

/// Reads a description from TOML; `what` names it in messages.
pub(super) fn read<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|e| misread(what, text, &e))
}

/// Reads a description from a table; `what` names it in messages.
pub(super) fn from_table<T: DeserializeOwned>(what: &str, table: Table) -> Result<T> {
    table
        .try_into()
        .map_err(|e: toml::de::Error| Error::Config {
            what: what.to_owned(),
            message: explain(&e.to_string()),
        })
}

/// A description as TOML; `what` names it in messages.
pub(super) fn write<T: Serialize>(what: &str, spec: &T) -> Result<String> {
    toml::to_string(spec).map_err(|e| unwritten(what, &e))
}

/// A description as a table; `what` names it in messages.
pub(super) fn to_table<T: Serialize>(what: &str, spec: &T) -> Result<Table> {
    Table::try_from(spec).map_err(|e| unwritten(what, &e))
}

fn unwritten(what: &str, error: &toml::ser::Error) -> Error {
    Error::Config {
        what: what.to_owned(),
        message: format!("it cannot be written as TOML: {error}"),
    }
}

/// A mistake in a file, with its line.
pub fn misread(what: &str, text: &str, error: &toml::de::Error) -> Error {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map(|before| format!(", line {}", 1 + before.matches('\n').count()))
        .unwrap_or_default();
    Error::Config {
        what: format!("{what}{line}"),
        message: explain(error.message()),
    }
}

/// Refuses entries of a list that share a name.
pub(super) fn different<'a>(list: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = Vec::new();
    for name in names {
        if seen.contains(&name) {
            return Err(Error::Config {
                what: list.to_owned(),
                message: format!("two {list}s are called '{name}'; give each a different name"),
            });
        }
        seen.push(name);
    }
    Ok(())
}
