//! Options of a simulator that are lists of numbers, such as the times of its data, out of files.

use toml::Value;

use super::Named;
use super::values::Files;
use crate::error::{Error, Result};
use crate::registry::Registry;

/// How a list of numbers is called among the kinds of options.
const LIST: &str = "list of numbers";

/// The files that options of a simulator name in place of a list of numbers, to be read or moved; none where no simulator
/// has its name.
pub fn option_files<'a>(simulator: &'a mut Named, registry: &Registry) -> Vec<&'a mut String> {
    let lists = lists(simulator, registry);
    let options = simulator.options.iter_mut();
    let files = options.filter_map(|(key, value)| match value {
        Value::String(name) if lists.contains(key) => Some(name),
        _ => None,
    });
    files.collect()
}

/// A simulator with numbers in place of the files that its options name.
///
/// # Errors
/// [`Error::Option`] with the option and what reading its file says.
pub fn with_option_files(
    simulator: &Named,
    registry: &Registry,
    files: &dyn Files,
) -> Result<Named> {
    let mut read = simulator.clone();
    for key in lists(simulator, registry) {
        if let Some(Value::String(name)) = simulator.options.get(&key) {
            let numbers = files.list(name).map_err(|error| Error::Option {
                key: key.clone(),
                found: name.clone(),
                allowed: error.to_string(),
            })?;
            read.options.insert(key, numbers.into());
        }
    }
    Ok(read)
}

/// The options that are lists of numbers.
fn lists(simulator: &Named, registry: &Registry) -> Vec<String> {
    let named = simulator.options.values().any(Value::is_str);
    let entry = registry.simulator(&simulator.name).ok().filter(|_| named);
    let settings = entry.map(|entry| entry.settings()).unwrap_or_default();
    let lists = settings
        .into_iter()
        .filter(|setting| setting.kind.contains(LIST));
    lists.map(|setting| setting.key).collect()
}
