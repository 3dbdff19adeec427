//! `--set` as one table of options.

use retrodict::registry::Named;
use retrodict::spec::{Override, insert};
use toml::{Table, Value};

use crate::failure::{Failure, Outcome};

/// A table of all settings.
pub fn table(settings: &[String]) -> Outcome<Table> {
    let mut table = Table::new();
    for text in settings {
        let change = Override::parse(text)?;
        insert(&mut table, &change.path, change.value)?;
    }
    Ok(table)
}

/// `--inverse NAME` and the options that were set as `inverse.KEY`; these are no longer the simulator's then.
pub fn inverse(name: Option<&str>, options: &mut Table) -> Outcome<Option<Named>> {
    let Some(name) = name else {
        return Ok(None);
    };
    let own = match options.remove("inverse") {
        None => Table::new(),
        Some(Value::Table(table)) => table,
        Some(other) => {
            return Err(Failure::Misuse(format!(
                "--set inverse={other}: options of a local inverse are set as inverse.KEY=VALUE"
            )));
        }
    };
    Ok(Some(Named {
        name: name.to_owned(),
        options: own,
    }))
}
