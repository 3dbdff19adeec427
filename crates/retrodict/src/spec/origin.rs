//! Where a description came from, so that a message can point at the line or the change.

use toml::de::{DeTable, DeValue};

use super::overrides::Override;
use crate::error::{Error, Place};

/// The text of a description, and the changes that were made to it.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The name of the file, or of what is built in.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The changes.
    pub changes: Vec<Override>,
}

impl Origin {
    /// An error of an entry with the line, or the change, that has to be corrected.
    #[must_use]
    pub fn locate(&self, error: Error) -> Error {
        match error {
            Error::Within { place, source } => Error::Within {
                place: Place {
                    origin: self.of(&place, &key_of(&source)),
                    ..place
                },
                source,
            },
            other => other,
        }
    }

    fn of(&self, place: &Place, key: &str) -> String {
        let mut changes = self.changes.iter();
        let change = changes.find(|change| change.path.last().is_some_and(|last| last == key));
        match (change, self.line(place, key)) {
            (Some(change), _) => change.text.clone(),
            (None, Some(line)) => format!("{}, line {line}", self.name),
            (None, None) => self.name.clone(),
        }
    }

    /// The line, counted from 1, of a key in a table of an entry, or of the table if it has no such key; else in a table of
    /// the description that has its name.
    fn line(&self, place: &Place, key: &str) -> Option<usize> {
        let root = DeTable::parse(&self.text).ok()?;
        let root = root.get_ref();
        let entries = root.get(place.list)?.get_ref().as_array()?;
        let named = |table: &&DeTable<'_>| {
            let name = table.get("name").and_then(|name| name.get_ref().as_str());
            name == Some(place.name.as_str())
        };
        let tables = entries
            .iter()
            .filter_map(|entry| entry.get_ref().as_table());
        let entry = tables.into_iter().find(named)?;
        let at = span(entry, place.table, key).or_else(|| span(root, place.table, key))?;
        Some(1 + self.text.get(..at)?.matches('\n').count())
    }
}

/// Where a key of an inner table begins, or that table.
fn span(table: &DeTable<'_>, inner: &str, key: &str) -> Option<usize> {
    let of = |table: &DeTable<'_>, key: &str| {
        let (found, _) = table.iter().find(|(known, _)| known.get_ref() == key)?;
        Some(found.span().start)
    };
    let values = table.get(inner).map(|value| value.get_ref());
    values
        .and_then(DeValue::as_table)
        .and_then(|values| of(values, key))
        .or_else(|| of(table, inner))
}

/// The first part of the key that an error is about.
fn key_of(error: &Error) -> String {
    let key = match error {
        Error::Option { key, .. } => key.as_str(),
        Error::UnknownName { .. } => "name",
        Error::Config { message, .. } => message.split(['`', '\'']).nth(1).unwrap_or(""),
        _ => "",
    };
    key.split('.').next().unwrap_or(key).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_found_on_their_line() {
        let origin = Origin {
            name: "a.toml".into(),
            text: "network = { name = 'mlp' }\n[[method]]\nname = 'one'\n\n[[method]]\nname = 'two'\nrule = { name = \
                   'newton',\ntruncation = -1.0 }\n"
                .into(),
            ..Origin::default()
        };
        let place = |name, table| Place::new("method", name, table);
        assert_eq!(origin.line(&place("two", "rule"), "truncation"), Some(8));
        assert_eq!(origin.line(&place("two", "rule"), "learning_rate"), Some(7));
        assert_eq!(origin.line(&place("two", "network"), "hidden"), Some(1));
        assert_eq!(origin.line(&place("three", "rule"), "rule"), None);
        let error = Error::Option {
            key: "truncation".to_owned(),
            found: "-1".to_owned(),
            allowed: "it must be 0 or greater".to_owned(),
        };
        assert_eq!(
            origin.locate(error.at("method", "two", "rule")).to_string(),
            "a.toml, line 8: method 'two': truncation = -1 is not allowed: it must be 0 or greater"
        );
    }
}
