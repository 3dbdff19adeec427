//! Descriptions from text and tables, and back; mistakes are told with their line.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;
use toml::de::{DeTable, DeValue};

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

/// A mistake in a file, with its line and its key.
pub fn misread(what: &str, text: &str, error: &toml::de::Error) -> Error {
    let at = error.span().map(|span| span.start);
    let line = at.and_then(|at| text.get(..at));
    let line = line.map(|before| format!(", line {}", 1 + before.matches('\n').count()));
    let message = explain(error.message());
    let key = at.and_then(|at| key_at(text, at)).unwrap_or_default();
    let last = key.rsplit('.').next().unwrap_or_default();
    let said = key.is_empty() || message.contains(last);
    Error::Config {
        what: format!("{what}{}", line.unwrap_or_default()),
        message: match said {
            true => message,
            false => format!("`{key}`: {message}"),
        },
    }
}

/// The keys that lead to the value at a place of a text, with dots between.
fn key_at(text: &str, at: usize) -> Option<String> {
    // The span of a table is that of its heading alone, so that all of them are looked through.
    fn find(table: &DeTable<'_>, at: usize, path: &mut Vec<String>) -> bool {
        table.iter().any(|(key, value)| {
            path.push(key.get_ref().to_string());
            let inner = match value.get_ref() {
                DeValue::Table(inner) => find(inner, at, path),
                DeValue::Array(entries) => {
                    let mut tables = entries.iter().filter_map(|e| e.get_ref().as_table());
                    tables.any(|inner| find(inner, at, path))
                }
                _ => false,
            };
            let found = inner || value.span().contains(&at);
            if !found {
                path.pop();
            }
            found
        })
    }
    let text = DeTable::parse(text).ok()?;
    let mut path = Vec::new();
    find(text.get_ref(), at, &mut path).then(|| path.join("."))
}

/// Refuses entries of a list that share a name.
pub(super) fn different<'a>(
    list: &'static str,
    names: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let mut seen = Vec::new();
    for name in names {
        if seen.contains(&name) {
            let message = format!("two {list}s are called '{name}'; give each a different name");
            let what = list.to_owned();
            return Err(Error::Config { what, message }.at(list, name, "name"));
        }
        seen.push(name);
    }
    Ok(())
}
