//! Where a change belongs, and making it there.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::insert;
use crate::error::unknown;
use crate::registry::Registry;
use crate::spec::layout::{EntryList, Holds, Layout, OptionReach, Section, named};

/// One change, looking for its place.
pub(super) struct PlaceSearch<'a> {
    pub(super) value: &'a Value,
    pub(super) registry: &'a Registry,
}

/// What is wrong, without the change itself.
type Placed<T> = Result<T, String>;

impl PlaceSearch<'_> {
    /// Makes the change in the table of a description or of an entry.
    pub(super) fn set(&self, table: &mut Table, layout: &Layout, path: &[String]) -> Placed<()> {
        if self.in_named_entry(table, layout, path)?
            || self.in_section(table, layout, path)?
            || self.as_option(table, layout, path)?
        {
            return Ok(());
        }
        let first = path.first().map(String::as_str).unwrap_or_default();
        if let Some(section) = layout.section(first) {
            let key = section.key;
            return Err(match section.holds {
                Holds::Keys(_) => format!("what belongs to {key} is set as {key}.KEY=VALUE"),
                Holds::Entry { .. } => {
                    format!("write a name, as in {key}=NAME; options are set as {key}.KEY=VALUE")
                }
            });
        }
        if self.in_entries(table, layout, path)? {
            return Ok(());
        }
        let known = self.known(table, layout);
        Err(unknown("key", first, known.iter().map(String::as_str)))
    }

    /// In an entry whose name comes first, or second after that of its list.
    fn in_named_entry(&self, table: &mut Table, layout: &Layout, path: &[String]) -> Placed<bool> {
        for list in layout.lists {
            let by_list = path.first().is_some_and(|first| *first == list.key);
            let path = &path[usize::from(by_list)..];
            let kind = list.entry.kind;
            let (name, rest) = match path.split_first() {
                Some((name, rest)) => (name.as_str(), rest),
                None => ("", path),
            };
            let names: Vec<String> = entries(table, list)
                .map(|e| name_of(e).to_owned())
                .collect();
            let Some(entry) = entries(table, list).find(|entry| name_of(entry) == name) else {
                match (by_list, names.as_slice()) {
                    (false, _) => continue,
                    (true, _) if rest.is_empty() => {
                        return Err(format!(
                            "what belongs to a {kind} is set as {}.NAME.KEY=VALUE",
                            list.key
                        ));
                    }
                    (true, []) => {
                        return Err(format!(
                            "the {} has no {kind}s; add one as [[{}]]",
                            layout.kind, list.key
                        ));
                    }
                    (true, names) => {
                        return Err(unknown(kind, name, names.iter().map(String::as_str)));
                    }
                }
            };
            if rest.is_empty() {
                return Err(format!("'{name}' is a {kind}; write {name}.KEY=VALUE"));
            }
            return self
                .set(entry, list.entry, rest)
                .map(|()| true)
                .map_err(|why| format!("{kind} '{name}': {why}"));
        }
        Ok(false)
    }

    /// At a key of the description itself.
    fn in_section(&self, table: &mut Table, layout: &Layout, path: &[String]) -> Placed<bool> {
        let first = path.first().map(String::as_str).unwrap_or_default();
        let Some(section) = layout.section(first) else {
            if !layout.open && !layout.own().any(|key| key == first) {
                return Ok(false);
            }
            return self.insert(table, path);
        };
        let mut path = path.to_vec();
        section.key.clone_into(&mut path[0]);
        match (&section.holds, path.len(), self.value) {
            (_, 1, Value::Table(_)) => self.insert(table, &path),
            (Holds::Entry { .. }, 1, Value::String(name)) => {
                let alone = Table::from_iter([("name".to_owned(), name.clone().into())]);
                table.insert(path.remove(0), alone.into());
                Ok(true)
            }
            (_, 1, _) => Ok(false),
            (Holds::Keys(full), ..) => {
                path[1] = full(&path[1], self.value);
                self.insert(table, &path)
            }
            (
                Holds::Entry {
                    reach: OptionReach::IfThere,
                    ..
                },
                ..,
            ) if !table.contains_key(section.key) => Ok(false),
            (Holds::Entry { .. }, ..) => self.insert_option(table, section, &path[1..]),
        }
    }

    /// As an option of what the description names.
    fn as_option(&self, table: &mut Table, layout: &Layout, path: &[String]) -> Placed<bool> {
        let first = path.first().map(String::as_str).unwrap_or_default();
        let takes = |section: &&Section| match section.alone(table, self.registry) {
            Some(options) => options.contains(&first),
            // What is not in the registry knows better than we do.
            None => {
                let known = || self.known(table, layout);
                is_foreign(section, table) && known().iter().all(|key| key != first)
            }
        };
        let takers: Vec<&Section> = layout.sections.iter().filter(takes).collect();
        match takers.as_slice() {
            [] => Ok(false),
            [section] => self.insert_option(table, section, path),
            [one, ..] => {
                let keys: Vec<&str> = takers.iter().map(|section| section.key).collect();
                Err(format!(
                    "'{first}' is an option of {}; say which, as in {}.{first}",
                    keys.join(" and "),
                    one.key
                ))
            }
        }
    }

    /// In all entries of a list, or in the only one that knows the key.
    fn in_entries(&self, table: &mut Table, layout: &Layout, path: &[String]) -> Placed<bool> {
        let first = path.first().map(String::as_str).unwrap_or_default();
        for list in layout.lists {
            if list.shared.contains(&first) {
                for entry in entries(table, list) {
                    self.set(entry, list.entry, path)?;
                }
                return Ok(true);
            }
        }
        for list in layout.lists {
            let knows = |entry: &&mut Table| {
                list.entry.has(first)
                    || list.entry.sections.iter().any(|section| {
                        let options = section.alone(entry, self.registry);
                        options.is_some_and(|options| options.contains(&first))
                    })
            };
            let mut knowing: Vec<&mut Table> = entries(table, list).filter(knows).collect();
            if knowing.is_empty() {
                continue;
            }
            if knowing.len() > 1 && !list.options_shared {
                let names: Vec<&str> = knowing.iter().map(|entry| name_of(entry)).collect();
                return Err(format!(
                    "'{first}' belongs to {}; say which, as in {}.{first}",
                    names.join(", "),
                    names[0]
                ));
            }
            for entry in &mut knowing {
                self.set(entry, list.entry, path)?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Writes the value at a path of keys.
    fn insert(&self, table: &mut Table, path: &[String]) -> Placed<bool> {
        insert(table, path, self.value.clone())
            .map(|()| true)
            .map_err(|error| match error {
                crate::Error::Override { message, .. } => message,
                other => other.to_string(),
            })
    }

    /// Writes an option beside the name of a section, which may stand there alone so far.
    fn insert_option(&self, table: &mut Table, section: &Section, path: &[String]) -> Placed<bool> {
        if let Some(Value::String(name)) = table.get(section.key).cloned() {
            let alone = Table::from_iter([("name".to_owned(), name.into())]);
            table.insert(section.key.to_owned(), alone.into());
        }
        let full: Vec<String> = std::iter::once(section.key.to_owned())
            .chain(path.iter().cloned())
            .collect();
        self.insert(table, &full)
    }

    /// What may stand first in a change: names of entries, keys and options.
    fn known(&self, table: &Table, layout: &Layout) -> Vec<String> {
        let own = |table: &Table, layout: &Layout| {
            let known = layout.known(table, self.registry);
            known.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let mut known = own(table, layout);
        for list in layout.lists {
            known.extend(list.shared.iter().map(|key| (*key).to_owned()));
            let entries = table.get(list.key).and_then(Value::as_array);
            for entry in entries.into_iter().flatten().filter_map(Value::as_table) {
                known.push(name_of(entry).to_owned());
                known.extend(own(entry, list.entry));
            }
        }
        let mut seen = BTreeSet::new();
        known.retain(|key| seen.insert(key.clone()));
        known
    }
}

/// Whether a section whose options are reached alone names what the registry does not have.
fn is_foreign(section: &Section, table: &Table) -> bool {
    matches!(
        section.holds,
        Holds::Entry {
            reach: OptionReach::Alone,
            ..
        }
    ) && named(table, section.key).is_some()
}

/// The entries of a list.
fn entries<'t>(table: &'t mut Table, list: &EntryList) -> impl Iterator<Item = &'t mut Table> {
    let entries = table.get_mut(list.key).and_then(Value::as_array_mut);
    entries
        .into_iter()
        .flatten()
        .filter_map(Value::as_table_mut)
}

fn name_of(entry: &Table) -> &str {
    let name = entry.get("name").and_then(Value::as_str);
    name.unwrap_or_default()
}
