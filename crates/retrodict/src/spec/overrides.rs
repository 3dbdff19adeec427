//! Changes of a description: `key=value`, one language for every door.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::error::{Error, Result};
use crate::options::nearest;
use crate::registry::Registry;
use crate::spec::StopSpec;
use crate::spec::noise::NoiseSpec;

/// One change: a path of keys, and a value in TOML.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// The keys, outermost first.
    pub path: Vec<String>,
    /// The value.
    pub value: Value,
    /// As it was written.
    pub text: String,
}

impl Override {
    /// Reads `key=value`; what is no TOML value is taken as text.
    ///
    /// # Errors
    /// [`Error::Override`] with what was expected.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |why: &str| Error::Override {
            text: text.to_owned(),
            message: why.to_owned(),
        };
        let Some((path, value)) = text.split_once('=') else {
            return Err(refused("expected KEY=VALUE, for example nu_t=4"));
        };
        let path: Vec<String> = path.trim().split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(refused("a key is empty; write keys as name or outer.inner"));
        }
        let value = value.trim();
        let value = format!("value = {value}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| Value::String(value.to_owned()));
        Ok(Self {
            path,
            value,
            text: text.to_owned(),
        })
    }

    /// A change that is refused, and why.
    pub fn refused(&self, why: String) -> Error {
        Error::Override {
            text: self.text.clone(),
            message: why,
        }
    }
}

/// Writes a value at a path of keys, making tables on the way.
///
/// # Errors
/// [`Error::Override`] if a key on the way has a value that is no table.
pub fn insert(table: &mut Table, path: &[String], value: Value) -> Result<()> {
    match path {
        [] => Ok(()),
        [key] => {
            table.insert(key.clone(), value);
            Ok(())
        }
        [key, rest @ ..] => {
            let inner = table
                .entry(key.clone())
                .or_insert_with(|| Table::new().into());
            match inner.as_table_mut() {
                Some(inner) => insert(inner, rest, value),
                None => Err(Error::Override {
                    text: path.join("."),
                    message: format!(
                        "'{key}' is a value, not a table; it has no key '{}'",
                        rest.join(".")
                    ),
                }),
            }
        }
    }
}

/// The tables of an inversion that changes reach by name, as in `rule.KEY`.
const TABLES: [&str; 7] = [
    "simulator",
    "rule",
    "start",
    "noise",
    "bounds",
    "stop",
    "posterior",
];

/// The keys that are set as a whole.
const WHOLE: [&str; 4] = ["title", "target", "transform", "statistics"];

/// Changes one setting of an inversion: `rule.KEY`, `stop.KEY` and the like by name, everything else an
/// option of the simulator.
///
/// # Errors
/// [`Error::Override`] with the nearest known key.
pub fn set(inversion: &mut Table, change: &Override, registry: &Registry) -> Result<()> {
    let misuse = |why: String| change.refused(why);
    let (path, value) = (change.path.as_slice(), &change.value);
    let first = path.first().map(String::as_str).unwrap_or_default();
    match (first, path.len(), value) {
        (key, 1, _) if WHOLE.contains(&key) => insert(inversion, path, value.clone()),
        ("rule", 1, Value::String(name)) => {
            let mut rule = Table::new();
            rule.insert("name".to_owned(), name.clone().into());
            inversion.insert("rule".to_owned(), rule.into());
            Ok(())
        }
        ("rule", 1, _) => Err(misuse(
            "options of the rule are set as rule.KEY=VALUE".to_owned(),
        )),
        ("inverse" | "search", 1, Value::String(_)) => insert(inversion, path, value.clone()),
        ("inverse" | "search", 2.., _) if inversion.contains_key(first) => {
            named(inversion, first);
            insert(inversion, path, value.clone())
        }
        ("prior", 3.., _) => prior(inversion, &path[1..], value).map_err(misuse),
        ("prior", ..) => Err(misuse(
            "options of a prior are set as prior.NAME.KEY=VALUE, as in prior.tikhonov.weight=1e-3"
                .to_owned(),
        )),
        (table, 2.., _) if TABLES.contains(&table) => {
            named(inversion, table);
            let mut path = path.to_vec();
            match table {
                "stop" => path[1] = full_name::<StopSpec>(&path[1], value),
                "noise" => path[1] = full_name::<NoiseSpec>(&path[1], value),
                _ => {}
            }
            insert(inversion, &path, value.clone())
        }
        _ => {
            named(inversion, "simulator");
            check_option(inversion, first, registry).map_err(misuse)?;
            let mut full = vec!["simulator".to_owned()];
            full.extend_from_slice(path);
            insert(inversion, &full, value.clone())
        }
    }
}

/// The name of a field of which a key may be short: a table that says one thing by its full name and its short one is an error.
pub fn full_name<T: Default + Serialize + DeserializeOwned>(key: &str, value: &Value) -> String {
    let table = |spec: &T| Table::try_from(spec).unwrap_or_default();
    let one: Option<T> = Table::from_iter([(key.to_owned(), value.clone())])
        .try_into()
        .ok();
    let default = table(&T::default());
    let said = one.map(|one| table(&one)).unwrap_or_default();
    let mut changed = said
        .into_iter()
        .filter(|(name, value)| default.get(name) != Some(value));
    changed
        .next()
        .map_or_else(|| key.to_owned(), |(name, _)| name)
}

/// Sets a key of the prior of a name.
fn prior(inversion: &mut Table, path: &[String], value: &Value) -> std::result::Result<(), String> {
    let priors = inversion.get_mut("prior").and_then(Value::as_array_mut);
    let mut priors: Vec<&mut Table> = priors
        .map(|list| list.iter_mut().filter_map(Value::as_table_mut).collect())
        .unwrap_or_default();
    let name = |table: &Table| {
        table
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let names: Vec<String> = priors.iter().map(|table| name(table)).collect();
    let Some(i) = names.iter().position(|known| *known == path[0]) else {
        return Err(match names.as_slice() {
            [] => "the inversion has no priors; add one with --prior, or [[prior]] in its file"
                .to_owned(),
            names => format!(
                "no prior is called '{}'; known: {}",
                path[0],
                names.join(", ")
            ),
        });
    };
    insert(priors[i], &path[1..], value.clone()).map_err(|e| e.to_string())
}

/// Makes `key = "name"` a table with that name, so that options find a place beside it.
fn named(inversion: &mut Table, key: &str) {
    if let Some(Value::String(name)) = inversion.get(key).cloned() {
        let mut table = Table::new();
        table.insert("name".to_owned(), name.into());
        inversion.insert(key.to_owned(), table.into());
    }
}

/// Whether the simulator has such an option; a simulator that is not ours knows better than we do.
fn check_option(
    inversion: &Table,
    key: &str,
    registry: &Registry,
) -> std::result::Result<(), String> {
    let name = inversion
        .get("simulator")
        .and_then(|s| s.get("name")?.as_str());
    let Some(entry) = name.and_then(|name| registry.simulator(name).ok()) else {
        return Ok(());
    };
    if entry.accepts(key) {
        return Ok(());
    }
    let known = entry.keys();
    let all = || known.iter().copied().chain(TABLES).chain(WHOLE);
    let hint = nearest(key, all())
        .map(|near| format!(" (did you mean '{near}'?)"))
        .unwrap_or_default();
    let options = match known {
        [] => "it has none".to_owned(),
        known => known.join(", "),
    };
    Err(format!(
        "{} has no option '{key}'{hint}; known: {options}; or rule.KEY, start.KEY, noise.KEY, \
         bounds.KEY, prior.NAME.KEY, stop.KEY, posterior.KEY, inverse.KEY",
        entry.name
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn changed(changes: &[&str]) -> Result<Table> {
        let text = "target = 'y.npy'\nsimulator = { name = 'heat' }\nrule = { name = 'adam', beta1 = 0.5 }";
        let mut table: Table = text.parse().unwrap();
        for text in changes {
            set(&mut table, &Override::parse(text)?, Registry::standard())?;
        }
        Ok(table)
    }

    #[test]
    fn changes_are_paths_and_toml_values() {
        let mut read = Table::new();
        for text in [
            "nu_t=4",
            "shape=[8, 8]",
            "inverse.filter=tikhonov",
            "inverse.lambda = 1e-3",
        ] {
            let change = Override::parse(text).unwrap();
            insert(&mut read, &change.path, change.value).unwrap();
        }
        let expected = "nu_t = 4\nshape = [8, 8]\ninverse = { filter = 'tikhonov', lambda = 1e-3 }";
        assert_eq!(read, expected.parse::<Table>().unwrap());
        assert!(Override::parse("nu_t").is_err());
        assert!(Override::parse(".a=1").is_err());
    }

    #[test]
    fn changes_find_their_table() {
        let table = changed(&[
            "nu_t=4",
            "inverse.filter=tikhonov",
            "noise=0.5",
            "noise.relative=1e-3",
            "stop.steps=7",
            "rule.learning_rate=1",
            "target=z.npy",
        ])
        .unwrap();
        let expected = "target = 'z.npy'
            simulator = { name = 'heat', nu_t = 4, inverse = { filter = 'tikhonov' }, noise = 0.5 }
            rule = { name = 'adam', beta1 = 0.5, learning_rate = 1 }
            noise = { relative = 1e-3 }
            stop = { steps = 7 }";
        assert_eq!(table, expected.parse::<Table>().unwrap());
        // A short name and the full one are the same key.
        let table = changed(&[
            "stop.gradient=1e-3",
            "stop.gradient_below=1e-4",
            "stop.gradient=1e-5",
        ])
        .unwrap();
        assert_eq!(table["stop"].as_table().map(Table::len), Some(1));
        assert_eq!(table["stop"]["gradient_below"].as_float(), Some(1e-5));
        // A local inverse that was chosen takes its options; another rule starts without any.
        let table = changed(&["inverse=path", "inverse.tolerance=1e-3", "rule=newton"]).unwrap();
        assert_eq!(table["inverse"]["tolerance"].as_float(), Some(1e-3));
        assert_eq!(table["rule"].as_table().map(Table::len), Some(1));
        for (wrong, hint) in [
            ("nut=1", "did you mean 'nu_t'"),
            ("rule=1", "rule.KEY=VALUE"),
            ("stp.steps=1", "did you mean 'stop'"),
            ("prior.tikhonov.weight=1", "the inversion has no priors"),
            ("prior.weight=1", "prior.NAME.KEY=VALUE"),
        ] {
            let message = changed(&[wrong]).unwrap_err().to_string();
            assert!(
                message.contains(hint) && message.contains(wrong),
                "{message}"
            );
        }
    }
}
