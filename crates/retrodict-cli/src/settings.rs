//! `--set` as one table of options.

use retrodict::spec::{Override, insert};

use crate::failure::Outcome;

/// A table of all settings.
pub fn table(settings: &[String]) -> Outcome<toml::Table> {
    let mut table = toml::Table::new();
    for text in settings {
        let change = Override::parse(text)?;
        insert(&mut table, &change.path, change.value)?;
    }
    Ok(table)
}
