//! What to try after an error, as data: each door words it in its own way.

use std::fmt;

/// Something to try after an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// In words that need no door: other rules, other losses.
    Words(String),
    /// A setting of the description: a flag on a command line, a keyword in Python, a key in a file.
    Setting {
        /// The key in a description, as in `inverse` or `start.count`.
        key: &'static str,
        /// A value that would do.
        value: &'static str,
        /// What it does, as in `which makes one from J`; may be empty.
        what: &'static str,
    },
}

impl Remedy {
    /// The remedy where settings are written in a door's own way: `write` makes `--inverse path` of `inverse` and `path`.
    pub fn worded(&self, write: &dyn Fn(&str, &str) -> String) -> String {
        match self {
            Self::Words(words) => words.clone(),
            Self::Setting { key, value, what } => match what.is_empty() {
                true => write(key, value),
                false => format!("{}, {what}", write(key, value)),
            },
        }
    }
}

impl From<&str> for Remedy {
    fn from(words: &str) -> Self {
        Self::Words(words.to_owned())
    }
}

impl From<String> for Remedy {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}

/// As a line of a TOML file.
impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.worded(&toml))
    }
}

/// Several remedies after each other.
pub(super) fn joined(remedies: &[Remedy], write: &dyn Fn(&str, &str) -> String) -> String {
    let each: Vec<String> = remedies.iter().map(|r| r.worded(write)).collect();
    each.join(", or ")
}

/// `inverse = "path"`: how a setting is written where no door says how it writes it.
pub(super) fn toml(key: &str, value: &str) -> String {
    match value.parse::<f64>() {
        Ok(_) => format!("{key} = {value}"),
        Err(_) => format!("{key} = \"{value}\""),
    }
}
