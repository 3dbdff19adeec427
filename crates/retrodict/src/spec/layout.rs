//! How changes find their place in a description: what its keys hold, and the lists of entries with names.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::registry::Registry;

/// A description that changes reach, and how.
pub trait Described: Serialize + DeserializeOwned {
    /// What its keys hold.
    const LAYOUT: &'static Layout;
}

/// What the keys of a description, or of an entry of it, hold. Keys that are not said here hold a value.
pub struct Layout {
    /// What it is called: `inversion`, `method`.
    pub kind: &'static str,
    /// All keys.
    pub keys: fn() -> &'static [&'static str],
    /// Keys that are not changed.
    pub fixed: &'static [&'static str],
    /// Keys that hold more than a value.
    pub sections: &'static [Section],
    /// Lists of entries with names.
    pub lists: &'static [EntryList],
    /// Whether further keys are options of the entry itself, which are beside its name.
    pub open: bool,
}

/// A key that holds more than a value.
pub struct Section {
    /// The key.
    pub key: &'static str,
    /// What it is called in earlier files.
    pub alias: &'static str,
    /// What it holds.
    pub holds: Holds,
}

/// What a key holds.
pub enum Holds {
    /// Keys of its own; the function names the one of which a key is short.
    Keys(FullName),
    /// A name and options.
    Entry {
        /// The options of an entry.
        options: OptionsOf,
        /// How they are reached.
        reach: OptionReach,
    },
}

/// The full name of a key, by the value that it is given.
pub type FullName = fn(&str, &Value) -> String;

/// The options of an entry of a registry; `None` if it has none of that name.
pub type OptionsOf = fn(&Registry, &str) -> Option<&'static [&'static str]>;

/// How the options of a name are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionReach {
    /// As KEY alone.
    Alone,
    /// As `rule.KEY` alone.
    ByKey,
    /// The same, but only where there is a name already.
    IfThere,
}

/// A list of entries with names.
#[non_exhaustive]
pub struct EntryList {
    /// The key of the list.
    pub key: &'static str,
    /// What an entry holds.
    pub entry: &'static Layout,
    /// Keys that without a name in front mean all entries.
    pub shared: &'static [&'static str],
    /// Whether an option without a name in front means all entries that know it; else there may be only one.
    pub options_shared: bool,
}

impl Layout {
    /// The section of a key, by its name or its former one.
    pub(super) fn section(&self, key: &str) -> Option<&Section> {
        let mut sections = self.sections.iter();
        sections.find(|section| section.key == key || !key.is_empty() && section.alias == key)
    }

    /// Whether it is one of the keys that are changed.
    pub(super) fn has(&self, key: &str) -> bool {
        self.section(key).is_some() || self.own().any(|known| known == key)
    }

    /// The keys that are changed, without former names.
    pub(super) fn own(&self) -> impl Iterator<Item = &'static str> + Clone {
        let keys = (self.keys)().iter().copied();
        keys.filter(|key| {
            !self.fixed.contains(key)
                && self.sections.iter().all(|section| section.alias != *key)
                && self.lists.iter().all(|list| list.key != *key)
        })
    }

    /// Keys and options that may stand first in a change of a table.
    pub(super) fn known(&self, table: &Table, registry: &Registry) -> Vec<&'static str> {
        let alone = |section: &Section| section.alone(table, registry).unwrap_or_default();
        let options = self.sections.iter().flat_map(alone).copied();
        options.chain(self.own()).collect()
    }
}

impl Section {
    /// Keys of its own.
    pub(super) const fn keys(key: &'static str, full: FullName) -> Self {
        Self {
            key,
            alias: "",
            holds: Holds::Keys(full),
        }
    }

    /// A name and options.
    pub(super) const fn entry(key: &'static str, options: OptionsOf, reach: OptionReach) -> Self {
        Self {
            key,
            alias: "",
            holds: Holds::Entry { options, reach },
        }
    }

    /// The same, with a former name.
    #[cfg(feature = "network")]
    pub(super) const fn formerly(self, alias: &'static str) -> Self {
        Self { alias, ..self }
    }

    /// The options that are reached by their key alone, if the registry knows them.
    pub(super) fn alone(
        &self,
        table: &Table,
        registry: &Registry,
    ) -> Option<&'static [&'static str]> {
        match self.holds {
            Holds::Entry {
                options,
                reach: OptionReach::Alone,
            } => options(registry, named(table, self.key)?),
            _ => None,
        }
    }
}

/// The name that a key holds, alone or beside options.
pub(super) fn named<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    let value = table.get(key)?;
    value.as_str().or_else(|| value.get("name")?.as_str())
}

/// The name of a field of which a key may be short: a table that says one thing by its full name and its short one is an error.
pub fn full_name<T: Default + Serialize + DeserializeOwned>(key: &str, value: &Value) -> String {
    let table = |spec: &T| Table::try_from(spec).unwrap_or_default();
    let default = table(&T::default());
    let changed_by = |value: Value| {
        let one: T = Table::from_iter([(key.to_owned(), value)])
            .try_into()
            .ok()?;
        let mut said = table(&one).into_iter();
        said.find(|(name, value)| default.get(name) != Some(value))
    };
    // A value that is not allowed, or is the default, says nothing of the name: others do.
    let others = [
        Value::Float(0.5),
        Value::Integer(7),
        "7s".into(),
        true.into(),
    ];
    std::iter::once(value.clone())
        .chain(others)
        .find_map(changed_by)
        .map_or_else(|| key.to_owned(), |(name, _)| name)
}

/// The options of a simulator.
pub(super) fn of_simulators(registry: &Registry, name: &str) -> Option<&'static [&'static str]> {
    registry.simulator(name).ok().map(|entry| entry.keys())
}

/// The options of a rule.
pub(super) fn of_rules(registry: &Registry, name: &str) -> Option<&'static [&'static str]> {
    registry.rules.find(name).ok().map(|entry| entry.keys())
}

/// The options of a loss.
pub(super) fn of_losses(registry: &Registry, name: &str) -> Option<&'static [&'static str]> {
    registry.losses.find(name).ok().map(|entry| entry.keys())
}

/// The options of a local inverse.
pub(super) fn of_inverses(registry: &Registry, name: &str) -> Option<&'static [&'static str]> {
    registry.inverses.find(name).ok().map(|entry| entry.keys())
}

/// The options of a search.
pub(super) fn of_searches(registry: &Registry, name: &str) -> Option<&'static [&'static str]> {
    registry.searches.find(name).ok().map(|entry| entry.keys())
}
