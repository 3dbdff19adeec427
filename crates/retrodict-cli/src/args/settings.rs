//! `--set` and `--stop`, in the one language for changes of a description: as changes, or as one table of options.

use retrodict::registry::Named;
use retrodict::spec::{Override, insert};
use toml::{Table, Value};

use crate::failure::{Failure, Outcome};
use crate::registry;

/// How a change is written on the command line.
const SET: &str = "--set";

/// How the option of times is.
const TIMES: &str = "--times";

/// How a change of the table `stop` is.
const STOP: &str = "--stop";

/// The changes of `--set KEY=VALUE`.
pub fn changes(settings: &[String]) -> Outcome<Vec<Override>> {
    read(SET, settings, Override::parse)
}

/// The changes of `--stop KEY=VALUE`, or of `--stop KEY`: what `--set stop.KEY=VALUE` would change.
pub fn stops(stops: &[String]) -> Outcome<Vec<Override>> {
    read(STOP, stops, |text| Override::of("stop", text))
}

fn read(
    flag: &str,
    texts: &[String],
    read: impl Fn(&str) -> retrodict::Result<Override>,
) -> Outcome<Vec<Override>> {
    let change = |text: &String| match read(text) {
        Ok(change) => Ok(change.given_by(flag)),
        Err(error) => Err(Failure::Misuse(format!("{flag} {error}"))),
    };
    texts.iter().map(change).collect()
}

/// What `--times FILE` is short for: the option times of a simulator, or at.
pub fn times(simulator: &str, value: Option<&str>) -> Outcome<Option<Override>> {
    let Some(value) = value else {
        return Ok(None);
    };
    let entry = registry().simulator(simulator)?;
    let key = ["times", "at"].into_iter().find(|key| entry.accepts(key));
    let key = key.ok_or_else(|| {
        Failure::Misuse(format!(
            "{TIMES} {value}: {} has no option times or at; its options: {}",
            entry.name,
            entry.keys().join(", ")
        ))
    })?;
    let all = read(TIMES, &[format!("{key}={value}")], Override::parse)?;
    Ok(all.into_iter().next())
}

/// A table of all settings.
pub fn table(settings: &[String]) -> Outcome<Table> {
    let mut table = Table::new();
    for change in changes(settings)? {
        insert(&mut table, &change.path, change.value.clone()).map_err(|error| match error {
            retrodict::Error::Override { message, .. } => change.refused(message),
            other => other,
        })?;
    }
    Ok(table)
}

/// `--inverse NAME` and the options that were set as `inverse.KEY`; these are no longer the simulator's then.
pub fn inverse(name: Option<&str>, options: &mut Table) -> Outcome<Option<Named>> {
    let Some(name) = name else {
        return Ok(None);
    };
    let mut named = Named::new(name);
    match options.remove("inverse") {
        None => {}
        Some(Value::Table(table)) => named.options = table,
        Some(other) => {
            return Err(Failure::Misuse(format!(
                "{SET} inverse={other}: options of a local inverse are set as inverse.KEY=VALUE"
            )));
        }
    }
    Ok(Some(named))
}
