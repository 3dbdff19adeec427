use toml::de::{DeTable, DeValue};

use crate::failure::Failure;
use retrodict::spec::Override;

/// Where an experiment came from, so that messages can point at the line or the setting.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The name of the experiment or file, as the user gave it.
    pub name: String,
    /// The same without folder and ending, for a run's folder.
    pub short: String,
    /// The file's text.
    pub text: String,
    /// The settings that were applied to it.
    pub settings: Vec<Override>,
}

/// A table of an experiment: `problem` or `method`, which of them, and which table of it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// `problem` or `method`.
    pub list: &'a str,
    /// The entry's index in the file.
    pub index: usize,
    /// The entry's name.
    pub name: &'a str,
    /// The table in it, for example `rule`.
    pub table: &'a str,
}

impl Origin {
    /// What the library refused, with the place that the user has to change.
    pub fn blame(&self, place: Place<'_>, error: retrodict::Error) -> Failure {
        let key = key_of(&error);
        let set = self
            .settings
            .iter()
            .find(|s| s.path.last().map(String::as_str) == Some(key.as_str()));
        let from = match (set, self.line(place, &key)) {
            (Some(setting), _) => format!("--set {}", setting.text),
            (None, Some(line)) => format!("{}, line {line}", self.name),
            (None, None) => self.name.clone(),
        };
        let message = format!("{from}: {} '{}': {error}", place.list, place.name);
        match Failure::from(error) {
            Failure::Misuse(_) => Failure::Misuse(message),
            Failure::Broken(_) => Failure::Broken(message),
            Failure::NoReader => Failure::NoReader,
        }
    }

    /// The line, counted from 1, of a key in a table, or of the table if it has no such key.
    fn line(&self, place: Place<'_>, key: &str) -> Option<usize> {
        let root = DeTable::parse(&self.text).ok()?;
        let entry = root
            .get_ref()
            .get(place.list)?
            .get_ref()
            .get(place.index)?
            .get_ref();
        let table = entry.as_table()?;
        let inner = table.get(place.table).map(|t| t.get_ref());
        let at = inner
            .and_then(DeValue::as_table)
            .and_then(|inner| key_span(inner, key))
            .or_else(|| key_span(table, place.table))?;
        Some(1 + self.text.get(..at)?.matches('\n').count())
    }
}

fn key_span(table: &DeTable<'_>, key: &str) -> Option<usize> {
    let (found, _) = table.iter().find(|(k, _)| k.get_ref() == key)?;
    Some(found.span().start)
}

/// The last part of the key that an error is about.
fn key_of(error: &retrodict::Error) -> String {
    let key = match error {
        retrodict::Error::Option { key, .. } => key.as_str(),
        retrodict::Error::UnknownName { .. } => "name",
        retrodict::Error::Config { message, .. } => message.split('`').nth(1).unwrap_or(""),
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
            text:
                "[[method]]\nname = 'one'\n\n[[method]]\nname = 'two'\nrule = { name = 'newton',\n\
                   truncation = -1.0 }\n"
                    .into(),
            ..Origin::default()
        };
        let place = Place {
            list: "method",
            index: 1,
            name: "two",
            table: "rule",
        };
        assert_eq!(origin.line(place, "truncation"), Some(7));
        assert_eq!(origin.line(place, "learning_rate"), Some(6));
        assert_eq!(origin.line(Place { index: 2, ..place }, "rule"), None);
    }
}
