//! Changes of a description: `key=value`, one language for every description and every door.

use toml::{Table, Value};

use super::layout::Described;
use crate::error::{Error, Result};
use crate::options::explain;
use crate::registry::Registry;

mod search;

use search::PlaceSearch;

/// One change: a path of keys, and a value in TOML.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Override {
    /// The keys, outermost first.
    pub path: Vec<String>,
    /// The value.
    pub value: Value,
    /// As it was written, with the flag before it: what messages say.
    pub text: String,
}

impl Override {
    /// A change of the value at a path, and how it was written.
    pub fn new(path: &[&str], value: impl Into<Value>, text: impl Into<String>) -> Self {
        Self {
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            value: value.into(),
            text: text.into(),
        }
    }

    /// Reads `key=value`; what is no TOML value is taken as text.
    ///
    /// ```
    /// use retrodict::spec::Override;
    /// let change = Override::parse("rule.learning_rate=0.1")?;
    /// assert_eq!(change.path, ["rule", "learning_rate"]);
    /// assert_eq!(change.value.as_float(), Some(0.1));
    /// # Ok::<(), retrodict::Error>(())
    /// ```
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

    /// Reads `key=value` of one table: `gradient=1e-6` of `stop` is the change `stop.gradient=1e-6`. A key alone is switched
    /// on, as by `key=true`.
    ///
    /// # Errors
    /// As [`parse`](Override::parse).
    pub fn of(table: &str, text: &str) -> Result<Self> {
        let change = match text.contains('=') {
            true => Self::parse(text),
            false => Self::parse(&format!("{text}=true")),
        };
        let mut change = change?;
        change.path.insert(0, table.to_owned());
        text.clone_into(&mut change.text);
        Ok(change)
    }

    /// The same change, in messages with the flag in front by which it was given.
    #[must_use]
    pub fn given_by(self, flag: &str) -> Self {
        Self {
            text: format!("{flag} {}", self.text),
            ..self
        }
    }

    /// Whether only a key was written.
    fn is_bare(&self) -> bool {
        self.value == Value::Boolean(true) && !self.text.contains('=')
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
        let table = Table::try_from(&spec).map_err(|e| refused(&e.to_string()))?;
        with::<T>(&table, change, registry).map_err(|error| {
            match example::<T>(&table, change, registry) {
                Some(example) => {
                    change.refused(format!("it needs a value, as in {}={example}", change.text))
                }
                None => error,
            }
        })
    })
}

/// The description of a table with one change made to it.
fn with<T: Described>(table: &Table, change: &Override, registry: &Registry) -> Result<T> {
    let mut table = table.clone();
    set::<T>(&mut table, change, registry)?;
    table
        .try_into()
        .map_err(|e: toml::de::Error| change.refused(explain(&e.to_string())))
}

/// A value that would do where a key alone does not.
fn example<T: Described>(
    table: &Table,
    change: &Override,
    registry: &Registry,
) -> Option<&'static str> {
    let mut examples = ["10s", "1e-6", "10"]
        .into_iter()
        .filter(|_| change.is_bare());
    examples.find(|value| {
        let full = Override::parse(&format!("{}={value}", change.path.join(".")));
        full.and_then(|full| with::<T>(table, &full, registry))
            .is_ok()
    })
}

/// Makes one change in the table of a description. Where it belongs follows from its first key: the name of an entry of a
/// list, a key of the description, an option of a simulator or the like that it names, a key of the entries of its lists.
///
/// # Errors
/// [`Error::Override`] with the change, the key and the nearest known one.
pub fn set<T: Described>(table: &mut Table, change: &Override, registry: &Registry) -> Result<()> {
    let search = PlaceSearch {
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
    fn keys_of_one_table_may_stand_alone() {
        let spec = |texts: &[&str]| {
            let changes = texts.iter().map(|text| Override::of("stop", text));
            let changes: Vec<_> = changes.collect::<Result<_>>()?;
            let changes: Vec<_> = changes.into_iter().map(|c| c.given_by("--stop")).collect();
            let spec = InversionSpec::new("heat", "y.npy");
            changed(spec, &changes, Registry::standard()).map(|spec| spec.stop)
        };
        let stop = spec(&["discrepancy", "gradient=1e-6", "time=500ms", "steps=7"]).unwrap();
        let time = std::time::Duration::from_millis(500);
        assert_eq!((stop.steps, stop.time), (7, Some(time)));
        assert_eq!(stop.discrepancy_below, Some(1.0));
        assert_eq!(stop.gradient_below, Some(1e-6));
        assert!(stop.has_goal() && !crate::spec::StopSpec::default().has_goal());
        let digits = spec(&["loss_change=0"]).unwrap();
        assert_eq!(digits.loss_change, Some(0.0));
        assert!(!digits.has_goal(), "the last digit is no goal of its own");
        let long = spec(&[
            "gradient_below=1e-6",
            "step_below=0",
            "diverged_above=1e3",
            "plateau=0.1",
            "plateau_steps=4",
        ]);
        let long = long.unwrap();
        assert_eq!((long.step_below, long.diverged_above), (0.0, 1e3));
        assert_eq!((long.plateau, long.plateau_steps), (Some(0.1), 4));
        // A number that was changed before can be changed back.
        assert_eq!(spec(&["steps=7", "steps=1000"]).unwrap().steps, 1000);
        for (wrong, hint) in [
            ("discrepency", "did you mean 'discrepancy'"),
            ("gradient", "it needs a value, as in --stop gradient=1e-6"),
            ("time", "as in --stop time=10s"),
            ("plateau_steps", "as in --stop plateau_steps=10"),
            ("loss=low", "string \"low\", expected a number"),
            ("discrepancy=false", "expected a number, or true for 1"),
            ("steps=-1", "whole number of 0 or more"),
            ("time=soon", "known: ms, s, m, h"),
            ("a..b", "a key is empty"),
        ] {
            let message = spec(&[wrong]).unwrap_err().to_string();
            assert!(
                message.contains(hint) && message.contains(wrong),
                "{message}"
            );
        }
        // By its full name or a short one, it is the same criterion, whatever the value.
        let message = spec(&["gradient=1e-6", "gradient_below=low"]).unwrap_err();
        assert!(
            message.to_string().contains("expected a number"),
            "{message}"
        );
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
