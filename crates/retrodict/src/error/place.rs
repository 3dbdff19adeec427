//! Where in a description something is wrong.

use std::fmt;

use super::{Error, Result};

/// A table or a key of a description, or of an entry of one of its lists, such as the `rule` of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The list in which the entry stands: `problem` or `method`; empty for the description itself.
    pub list: &'static str,
    /// The entry's name.
    pub name: String,
    /// The table or key in it, for example `rule` or `noise.std`; empty for the entry itself.
    pub table: &'static str,
    /// The file and line, or the change, that has to be corrected; empty where they are not known.
    pub origin: String,
}

impl Place {
    /// A table of an entry.
    pub fn new(list: &'static str, name: &str, table: &'static str) -> Self {
        Self {
            list,
            name: name.to_owned(),
            table,
            origin: String::new(),
        }
    }

    /// A table of the description itself.
    pub fn of(table: &'static str) -> Self {
        Self::new("", "", table)
    }
}

/// `a.toml, line 3: method 'two'`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        match (self.list, self.origin.as_str()) {
            ("", _) => Ok(()),
            (list, "") => write!(f, "{list} '{}'", self.name),
            (list, _) => write!(f, ": {list} '{}'", self.name),
        }
    }
}

/// The place, the key there unless the message says it, and what is wrong.
pub(super) fn sentence(place: &Place, error: &Error) -> String {
    let message = error.to_string();
    let mut parts = vec![place.to_string()];
    let key = place.table.rsplit('.').next().unwrap_or_default();
    let said = |key: &str| {
        let mut words = message.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| word == key)
    };
    let keys = error.keys();
    let mut others = keys.iter().filter_map(|path| path.last());
    // A flag or a change says its key itself.
    let origin = &place.origin;
    let says = origin.starts_with("--") || origin.contains(&format!("{key}="));
    let known = !origin.is_empty() && !says;
    if known && !said(key) && !others.any(|key| said(key)) {
        parts.push(place.table.to_owned());
    }
    parts.push(message);
    parts.retain(|part| !part.is_empty());
    parts.join(": ")
}

impl Error {
    /// The same error with its place in front; an interruption has none, and a place that is known stays.
    #[must_use]
    pub fn at(self, list: &'static str, name: &str, table: &'static str) -> Self {
        match self {
            Self::Interrupted { .. } | Self::Within { .. } => self,
            source => Self::Within {
                place: Place::new(list, name, table),
                source: Box::new(source),
            },
        }
    }

    /// The same error with its place, a table or a key of the description itself, such as `noise.std`.
    #[must_use]
    pub fn inside(self, table: &'static str) -> Self {
        self.at("", "", table)
    }

    /// The same error, said of an entry that needs the part of the description in which it arose: the table stays.
    #[must_use]
    pub fn needed_by(self, list: &'static str, name: &str) -> Self {
        match self {
            Self::Within { place, source } if place.list.is_empty() => Self::Within {
                place: Place::new(list, name, place.table),
                source,
            },
            other => other,
        }
    }

    /// The error itself, without its place and what to try.
    pub fn cause(&self) -> &Self {
        match self {
            Self::Within { source, .. } => source.cause(),
            Self::Advised { error, .. } => error.cause(),
            own => own,
        }
    }

    /// The keys that the error may be about, each as a path from the description, an entry or a table of it; the likeliest
    /// first.
    pub(crate) fn keys(&self) -> Vec<Vec<String>> {
        let path = |text: &str| {
            let is_key = |part: &str| {
                !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_')
            };
            let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
            parts.iter().all(|part| is_key(part)).then_some(parts)
        };
        match self {
            Self::Within { source, .. } => source.keys(),
            Self::Advised { error, .. } => error.keys(),
            // `prior tikhonov: weight` and `weight of tikhonov` are the weight of that prior.
            Self::Option { key, .. } => {
                let key = key.rsplit(": ").next().unwrap_or(key);
                let key = match key.starts_with("weight of ") {
                    true => "weight",
                    false => key,
                };
                path(key).into_iter().collect()
            }
            Self::Config { what, message } => {
                let quoted = message.split(['`', '\'']).nth(1).and_then(path);
                quoted.into_iter().chain(path(what)).collect()
            }
            Self::Length { what, .. } | Self::NotFinite { what, .. } => {
                path(what).into_iter().collect()
            }
            Self::GivenTwice { keys, .. } => {
                let keys = keys.split(", ").flat_map(|keys| keys.split(" and "));
                keys.filter_map(path).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Says of what goes wrong at which place it does.
pub trait At<T> {
    /// The same result, with the place in front of an error.
    ///
    /// # Errors
    /// As before.
    fn at(self, list: &'static str, name: &str, table: &'static str) -> Result<T>;

    /// The same result, with a table or a key of the description itself as the place of an error.
    ///
    /// # Errors
    /// As before.
    fn inside(self, table: &'static str) -> Result<T>;
}

impl<T> At<T> for Result<T> {
    fn at(self, list: &'static str, name: &str, table: &'static str) -> Result<T> {
        self.map_err(|error| error.at(list, name, table))
    }

    fn inside(self, table: &'static str) -> Result<T> {
        self.map_err(|error| error.inside(table))
    }
}
