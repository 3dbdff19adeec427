//! Changes of a description: `key=value`, one language for every description and every door.

use toml::{Table, Value};

use super::layout::Described;
use crate::error::{Error, Result};
use crate::options::explain;
use crate::registry::Registry;

mod search;

use search::Search;

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

/// A description with changes made to it, one after the other.
///
/// # Errors
/// [`Error::Override`] with the change, the key and the nearest known one.
pub fn changed<T: Described>(spec: T, changes: &[Override], registry: &Registry) -> Result<T> {
    changes.iter().try_fold(spec, |spec, change| {
        let refused = |why: &str| change.refused(explain(why));
        let mut table = Table::try_from(&spec).map_err(|e| refused(&e.to_string()))?;
        set::<T>(&mut table, change, registry)?;
        table
            .try_into()
            .map_err(|e: toml::de::Error| refused(&e.to_string()))
    })
}

/// Makes one change in the table of a description. Where it belongs follows from its first key: the name of an entry of a
/// list, a key of the description, an option of a simulator or the like that it names, a key of the entries of its lists.
///
/// # Errors
/// [`Error::Override`] with the change, the key and the nearest known one.
pub fn set<T: Described>(table: &mut Table, change: &Override, registry: &Registry) -> Result<()> {
    let search = Search {
        value: &change.value,
        registry,
    };
    search
        .set(table, T::LAYOUT, &change.path)
        .map_err(|why| change.refused(why))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::spec::InversionSpec;

    fn after(changes: &[&str]) -> Result<Table> {
        let text = "target = 'y.npy'\nsimulator = { name = 'heat' }\nrule = { name = 'adam', beta1 = 0.5 }";
        let mut table: Table = text.parse().unwrap();
        for text in changes {
            let change = Override::parse(text)?;
            set::<InversionSpec>(&mut table, &change, Registry::standard())?;
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
        let table = after(&[
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
        let table = after(&[
            "stop.gradient=1e-3",
            "stop.gradient_below=1e-4",
            "stop.gradient=1e-5",
        ])
        .unwrap();
        assert_eq!(table["stop"].as_table().map(Table::len), Some(1));
        assert_eq!(table["stop"]["gradient_below"].as_float(), Some(1e-5));
        // A local inverse that was chosen takes its options; another rule starts without any.
        let table = after(&["inverse=path", "inverse.tolerance=1e-3", "rule=newton"]).unwrap();
        assert_eq!(table["inverse"]["tolerance"].as_float(), Some(1e-3));
        assert_eq!(table["rule"].as_table().map(Table::len), Some(1));
        for (wrong, hint) in [
            ("nut=1", "did you mean 'nu_t'"),
            ("rule=1", "rule.KEY=VALUE"),
            ("stp.steps=1", "did you mean 'stop'"),
            ("prior.tikhonov.weight=1", "the inversion has no priors"),
            ("prior.weight=1", "prior.NAME.KEY=VALUE"),
        ] {
            let message = after(&[wrong]).unwrap_err().to_string();
            assert!(
                message.contains(hint) && message.contains(wrong),
                "{message}"
            );
        }
    }
}
