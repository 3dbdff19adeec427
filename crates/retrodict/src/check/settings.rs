//! Whether the options of a registry line survive being written down and read again.

use super::Check;
use crate::error::{Error, Result};
use crate::registry::Entry;

/// Defaults build, survive a round trip through TOML, and an unknown key is called one.
pub fn settings<T>(entry: &Entry<T>) -> Vec<Check> {
    let none = |name, detail: &str, measured| {
        Check::judged(name, "0 errors".to_owned(), detail, measured, |m| m == 0.0)
    };
    let defaults = entry.defaults();
    let build = |table: &toml::Table| entry.build(table).map(|_| 0.0);

    let written = toml::to_string(&defaults).map_err(|error| config(entry.name, &error));
    let read = written.and_then(|text| {
        let table = text.parse::<toml::Table>();
        table.map_err(|error| config(entry.name, &error))
    });
    let same = read.and_then(|table| {
        build(&table)?;
        Ok(f64::from(table != defaults))
    });

    let mut unknown = defaults.clone();
    unknown.insert("no_such_key".to_owned(), toml::Value::Boolean(true));
    let named = match entry.build(&unknown) {
        Err(Error::Config { message, .. }) => message.contains("no_such_key"),
        _ => false,
    };
    vec![
        none("defaults", "options left out", build(&toml::Table::new())),
        none("toml", "options written and read again", same),
        none(
            "unknown key",
            "the message names it",
            Result::Ok(f64::from(!named)),
        ),
    ]
}

fn config(what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Config {
        what: what.to_owned(),
        message: error.to_string(),
    }
}
