//! An entry of a list: its names, what it is, and how to make one of a table of options.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Named, Registry, Setting, settings};
use crate::error::{Error, Result, nearest};
use crate::options::{Validate, defaults, keys, memory_of};

/// What options of an entry must offer: a default, a check, and descriptions of their fields, which are their doc comments.
pub trait Options: Default + Serialize + DeserializeOwned + JsonSchema + Validate {}
impl<O: Default + Serialize + DeserializeOwned + JsonSchema + Validate> Options for O {}

/// What a list holds of each entry, and how to make one from a table of options.
pub struct Entry<T> {
    /// The name on the command line.
    pub name: &'static str,
    /// Other names it goes by in the literature.
    pub aliases: &'static [&'static str],
    /// What it is, in a sentence.
    pub sentence: &'static str,
    /// Paper and equation, or book and chapter.
    pub source: &'static str,
    pub(super) make: fn(&Registry, &'static str, &toml::Table) -> Result<T>,
    pub(super) defaults: fn() -> toml::Table,
    pub(super) keys: fn() -> &'static [&'static str],
    pub(super) memory: fn(&str, &toml::Table) -> Result<f64>,
    pub(super) settings: fn() -> Vec<Setting>,
    pub(super) schema: fn() -> schemars::Schema,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Entry<T> {}

impl<T> Entry<T> {
    /// An entry that is made of options of the type O.
    pub(super) const fn of<O: Options>(
        name: &'static str,
        make: fn(&Registry, &'static str, &toml::Table) -> Result<T>,
    ) -> Self {
        Self {
            name,
            aliases: &[],
            sentence: "",
            source: "",
            make,
            defaults: defaults::<O>,
            keys: keys::<O>,
            memory: memory_of::<O>,
            settings: settings::of::<O>,
            schema: settings::schema::<O>,
        }
    }

    /// Makes one of a table of options; keys that are left out keep their default.
    ///
    /// # Errors
    /// If a key is unknown, or a value is not allowed.
    pub fn build(&self, options: &toml::Table) -> Result<T> {
        self.build_in(Registry::standard(), options)
    }

    /// The same, where options may name entries of a registry.
    ///
    /// # Errors
    /// As [`build`](Entry::build).
    pub fn build_in(&self, registry: &Registry, options: &toml::Table) -> Result<T> {
        (self.make)(registry, self.name, options)
    }

    /// The options and their defaults; those without a default value are left out.
    pub fn defaults(&self) -> toml::Table {
        (self.defaults)()
    }

    /// All keys, those without a default value included.
    pub fn keys(&self) -> &'static [&'static str] {
        (self.keys)()
    }

    /// About how many bytes one takes, found without making it; 0 where the options do not decide that.
    ///
    /// # Errors
    /// If a key is unknown, or a value is of another type.
    pub fn memory(&self, options: &toml::Table) -> Result<f64> {
        (self.memory)(self.name, options)
    }

    /// The options with type, default and meaning, in their order.
    pub fn settings(&self) -> Vec<Setting> {
        (self.settings)()
    }

    /// The options as a JSON schema.
    pub fn schema(&self) -> serde_json::Value {
        (self.schema)().into()
    }

    /// Whether there is an option of that name: a simulator with `shape` takes it from the
    /// user's file, one with `noise` can be told the noise level.
    pub fn accepts(&self, key: &str) -> bool {
        self.keys().contains(&key)
    }
}

/// A list of entries and what its entries are called in messages.
#[non_exhaustive]
pub struct List<T: 'static> {
    /// `simulator`, `rule`, `loss` or `local inverse`.
    pub kind: &'static str,
    /// The entries, in the order in which they are shown.
    pub entries: Cow<'static, [Entry<T>]>,
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self {
            kind: self.kind,
            entries: self.entries.clone(),
        }
    }
}

impl<T> List<T> {
    /// The entry of that name or alias.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest name and all known ones.
    pub fn find(&self, name: &str) -> Result<&Entry<T>> {
        let wanted = plain(name);
        let names = || self.entries.iter().map(|e| e.name);
        let aliases = self.entries.iter().flat_map(|e| e.aliases.iter().copied());
        // A name counts before an alias: a user's own entry may be called what another is called too.
        let named = self.entries.iter().find(|e| plain(e.name) == wanted);
        let also = || {
            self.entries
                .iter()
                .find(|e| e.aliases.contains(&wanted.as_str()))
        };
        named.or_else(also).ok_or_else(|| Error::UnknownName {
            kind: self.kind,
            found: name.to_owned(),
            nearest: nearest(&wanted, names().chain(aliases)).map(str::to_owned),
            known: names().collect::<Vec<_>>().join(", "),
        })
    }

    /// Makes one from its name and a table of options.
    ///
    /// # Errors
    /// If the name or a key is unknown, or a value is not allowed.
    pub fn build(&self, name: &str, options: &toml::Table) -> Result<T> {
        self.find(name)?.build(options)
    }

    /// Makes one of what names it.
    ///
    /// # Errors
    /// As [`build`](List::build).
    pub fn make(&self, registry: &Registry, named: &Named) -> Result<T> {
        self.find(&named.name)?.build_in(registry, &named.options)
    }

    /// The names, separated by commas.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.entries.iter().map(|e| e.name).collect();
        names.join(", ")
    }

    /// Adds an entry; one that had its name gives way.
    pub(super) fn add(&mut self, entry: Entry<T>) {
        let entries = self.entries.to_mut();
        entries.retain(|known| plain(known.name) != plain(entry.name));
        entries.push(entry);
    }
}

/// A name however it is written: `Gauss_Newton` is `gauss-newton`.
fn plain(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::simulators::ScalingOptions;

    #[test]
    fn an_entry_of_ones_own_is_found_by_its_name_whatever_others_are_called() {
        let with = |name| Registry::default().with_simulator::<ScalingOptions>(name, "Mine", "own");
        // `toy` is an alias of square.
        let found = |name: &'static str| with(name).simulator(name).unwrap().sentence;
        for name in ["toy", "My_Model", "scaling"] {
            assert_eq!(found(name), "Mine", "{name}");
        }
        let count = Registry::standard().simulators.entries.len();
        assert_eq!(with("scaling").simulators.entries.len(), count);
        assert_eq!(with("toy").simulators.entries.len(), count + 1);
        assert_eq!(
            with("My_Model").simulator("my-model").unwrap().name,
            "My_Model"
        );
    }
}
