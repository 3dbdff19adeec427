//! Where in a description something is wrong.

use std::fmt;

use super::{Error, Result};

/// A table of an entry of a description, such as the `rule` of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The list in which the entry stands: `problem` or `method`.
    pub list: &'static str,
    /// The entry's name.
    pub name: String,
    /// The table in it, for example `rule`; empty for the entry itself.
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
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.origin.is_empty() {
            write!(f, "{}: ", self.origin)?;
        }
        write!(f, "{} '{}'", self.list, self.name)
    }
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

    /// The error itself, without its place and what to try.
    pub fn cause(&self) -> &Self {
        match self {
            Self::Within { source, .. } => source.cause(),
            Self::Advised { error, .. } => error.cause(),
            own => own,
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
}

impl<T> At<T> for Result<T> {
    fn at(self, list: &'static str, name: &str, table: &'static str) -> Result<T> {
        self.map_err(|error| error.at(list, name, table))
    }
}
