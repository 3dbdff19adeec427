//! Where a description came from, so that a message can point at the line or the change.

use std::sync::Arc;

use toml::Value;
use toml::de::{DeTable, DeValue};

use super::layout::{Described, EntryList, Holds, Layout};
use super::overrides::Override;
use crate::error::{Error, Place};

/// The text of a description, and the changes that were made to it.
///
/// ```
/// use retrodict::registry::Registry;
/// use retrodict::spec::{InversionSpec, NoFiles, Origin};
///
/// let text = "target = [0.5, 0.2]\nsimulator = 'sine'\n\n[noise]\nstd = -1.0\n";
/// let spec = InversionSpec::from_toml("my.toml", text)?;
/// let error = spec.pose(Registry::standard(), &NoFiles).err().unwrap();
/// let message = Origin::new::<InversionSpec>("my.toml", text).locate(error).to_string();
/// assert_eq!(message, "my.toml, line 5: noise.std = -1 is not allowed: it must be greater than 0");
/// # Ok::<(), retrodict::Error>(())
/// ```
#[derive(Clone)]
pub struct Origin {
    /// The name of the file, or of what is built in.
    name: String,
    text: Arc<str>,
    /// The table of the text that is the description; empty if it is all of it.
    table: &'static str,
    changes: Vec<Override>,
    layout: &'static Layout,
}

impl Origin {
    /// A description of a kind from the text of a file; both may be empty for one that was made of changes alone.
    pub fn new<T: Described>(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
            table: "",
            changes: Vec::new(),
            layout: T::LAYOUT,
        }
    }

    /// The same, where the description is a table of the text.
    #[must_use]
    pub fn with_table(self, table: &'static str) -> Self {
        Self { table, ..self }
    }

    /// The same with further changes; of several of one key the last counts.
    #[must_use]
    pub fn with_changes(mut self, changes: impl IntoIterator<Item = Override>) -> Self {
        self.changes.extend(changes);
        self
    }

    /// An error with the line, or the change, that has to be corrected.
    #[must_use]
    pub fn locate(&self, error: Error) -> Error {
        match error {
            Error::Within { place, source } => {
                let origin = self.place(&place, &source.keys(), is_name(&source));
                Error::Within {
                    place: Place {
                        origin: origin.unwrap_or_else(|| self.name.clone()),
                        ..place
                    },
                    source,
                }
            }
            // What is changed says so itself, and an interruption has no place.
            error @ (Error::Override { .. } | Error::Interrupted { .. }) => error,
            error => {
                let place = Place::of("");
                match self.place(&place, &error.keys(), false) {
                    None => error,
                    Some(origin) => Error::Within {
                        place: Place { origin, ..place },
                        source: Box::new(error),
                    },
                }
            }
        }
    }

    /// Where a key of the description stands, as in `a.toml, line 3` or `--target y.npy`; the name alone if it is not there.
    pub fn at(&self, table: &'static str) -> String {
        self.at_place(&Place::of(table))
    }

    /// Where a place stands, as in `a.toml, line 3`; the name alone if it is not there.
    pub fn at_place(&self, place: &Place) -> String {
        let found = self.place(place, &[], false);
        found.unwrap_or_else(|| self.name.clone())
    }

    /// The last change that made what is wrong, or else the line.
    fn place(&self, place: &Place, keys: &[Vec<String>], name: bool) -> Option<String> {
        let table: Vec<&str> = place
            .table
            .split('.')
            .filter(|key| !key.is_empty())
            .collect();
        let mut paths: Vec<Vec<&str>> = Vec::new();
        for path in keys {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            if !path.starts_with(&table) {
                paths.push([&table[..], &path].concat());
            }
            paths.push(path);
        }
        if name {
            paths.push([&table[..], &["name"]].concat());
        }
        if paths.is_empty() && !table.is_empty() {
            paths.push(table.clone());
        }
        let changes = self.changes.iter().rev();
        let change = changes.clone().find(|change| {
            let mut paths = paths.iter();
            // Of no table in particular, a path begins at the description itself.
            let from_the_top = |path: &[&str]| {
                let both = change.path.len().min(path.len()) > 1;
                !(table.is_empty() && place.list.is_empty() && both)
                    || change.path.first().map(String::as_str) == path.first().copied()
            };
            self.is_about(change, place, &table)
                && paths.any(|path| from_the_top(path) && self.sets(change, path))
        });
        let text = DeTable::parse(&self.text).ok();
        let root = text.as_ref().map(|text| text.get_ref());
        let line = || {
            let at = self.position(inner(root?, self.table)?, place, &paths)?;
            Some(format!("{}, line {}", self.name, line_of(&self.text, at)))
        };
        change.map(|change| change.text.clone()).or_else(line)
    }

    /// Whether a change may reach that place: it names no other entry and no other table.
    fn is_about(&self, change: &Override, place: &Place, table: &[&str]) -> bool {
        let Some((last, outer)) = change.path.split_last() else {
            return false;
        };
        let section = |key: &str| self.layout_of(place).section(key);
        let elsewhere = |key: &String| section(key).is_some_and(|s| table.first() != Some(&s.key));
        // A table that stands for itself, as in `rule=newton`.
        let replaced = section(last).is_some_and(|s| table.first() == Some(&s.key));
        let named = |list: &EntryList| {
            let names = self.names(list.key);
            outer
                .iter()
                .any(|key| *key != place.name && names.contains(key))
        };
        // A path that names its list and its entry is about no other.
        let of_another = matches!(&change.path[..], [list, name, ..]
            if !place.list.is_empty() && list == place.list && *name != place.name);
        let apart = of_another || !table.is_empty() && !replaced && outer.iter().any(elsewhere);
        !apart && !self.layout.lists.iter().any(named)
    }

    /// Whether a change sets the key at the end of a path, or a table on the way there.
    fn sets(&self, change: &Override, path: &[&str]) -> bool {
        let (Some(key), Some(last)) = (path.last(), change.path.last()) else {
            return false;
        };
        let outer = change.path.iter().rev().nth(1).map_or("", String::as_str);
        let full = self.full(self.layout, outer, last, &change.value);
        full == *key
            || path.first() == Some(&self.layout.section(last).map_or(last.as_str(), |s| s.key))
            || path.len() == 1 && change.path.first().is_some_and(|first| first == key)
    }

    /// Where in the text the best of several paths begins.
    fn position(&self, root: &DeTable<'_>, place: &Place, paths: &[Vec<&str>]) -> Option<usize> {
        let entry = match place.list {
            "" => None,
            list => entries(root, list).rfind(|entry| name_of(entry) == Some(place.name.as_str())),
        };
        let bases = [
            (entry.unwrap_or(root), self.layout_of(place)),
            (root, self.layout),
        ];
        let bases = &bases[usize::from(entry.is_none())..];
        let mut best: Option<(bool, usize, usize)> = None;
        let first = place.table.split('.').next().unwrap_or_default();
        for path in paths {
            for (i, (base, layout)) in bases.iter().enumerate() {
                // Of the description, what is outside of the table has another meaning.
                if i + 1 == bases.len() && !first.is_empty() && path.first() != Some(&first) {
                    continue;
                }
                let Some((depth, at)) = self.descend(base, layout, path) else {
                    continue;
                };
                let found = (depth == path.len(), depth, at);
                if best.is_none_or(|(full, deep, _)| (found.0, found.1) > (full, deep)) {
                    best = Some(found);
                }
            }
        }
        let start = || {
            let entry = entry?;
            entry.keys().map(|key| key.span().start).min()
        };
        best.map(|(_, _, at)| at).or_else(start)
    }

    /// How far a path leads, and where the last key on it begins.
    fn descend(
        &self,
        base: &DeTable<'_>,
        layout: &Layout,
        path: &[&str],
    ) -> Option<(usize, usize)> {
        let (mut table, mut found, mut outer) = (base, None, "");
        for (depth, key) in path.iter().enumerate() {
            let here = table.iter().find(|(known, _)| {
                let known = known.get_ref().as_ref();
                known == *key
                    || layout
                        .section(known)
                        .is_some_and(|s| depth == 0 && s.key == *key)
                    || self.full(layout, outer, known, &Value::Boolean(true)) == *key
            });
            let Some((known, value)) = here else { break };
            found = Some((depth + 1, known.span().start));
            outer = key;
            match value.get_ref().as_table() {
                Some(inner) => table = inner,
                None => break,
            }
        }
        found
    }

    /// The full name of a key of a table.
    fn full(&self, layout: &Layout, table: &str, key: &str, value: &Value) -> String {
        match layout.section(table).map(|section| &section.holds) {
            Some(Holds::Keys(full)) => full(key, value),
            _ => key.to_owned(),
        }
    }

    /// What an entry at a place holds.
    fn layout_of(&self, place: &Place) -> &'static Layout {
        let mut lists = self.layout.lists.iter();
        lists
            .find(|list| list.key == place.list)
            .map_or(self.layout, |list| list.entry)
    }

    /// The names of the entries of a list.
    fn names(&self, list: &str) -> Vec<String> {
        let text = DeTable::parse(&self.text).ok();
        let root = text
            .as_ref()
            .and_then(|text| inner(text.get_ref(), self.table));
        let names = root.into_iter().flat_map(|root| entries(root, list));
        names.filter_map(name_of).map(str::to_owned).collect()
    }
}

/// The line, counted from 1, on which a key stands: `path` leads there through tables, by their keys, and lists, by numbers.
///
/// ```
/// let text = "[[problem]]\nname = 'a'\nset.rule.truncation = 1";
/// assert_eq!(retrodict::spec::line(text, &["problem", "0", "set", "rule.truncation"]), Some(3));
/// assert_eq!(retrodict::spec::line(text, &["problem", "1"]), None);
/// ```
pub fn line(text: &str, path: &[&str]) -> Option<usize> {
    fn find(table: &DeTable<'_>, path: &[&str]) -> Option<usize> {
        (1..=path.len()).find_map(|n| {
            let key = path[..n].join(".");
            let (known, value) = table.iter().find(|(known, _)| *known.get_ref() == key)?;
            match (&path[n..], value.get_ref()) {
                ([], _) => Some(known.span().start),
                (rest, DeValue::Table(inner)) => find(inner, rest),
                ([index, rest @ ..], DeValue::Array(entries)) => {
                    let entry = entries.get(index.parse::<usize>().ok()?)?;
                    match (rest, entry.get_ref()) {
                        ([], _) => Some(entry.span().start),
                        (rest, DeValue::Table(inner)) => find(inner, rest),
                        _ => None,
                    }
                }
                _ => None,
            }
        })
    }
    let root = DeTable::parse(text).ok()?;
    // Dots within a key may be dots between keys.
    let parts: Vec<&str> = path.iter().flat_map(|part| part.split('.')).collect();
    Some(line_of(text, find(root.get_ref(), &parts)?))
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text
        .get(..at)
        .map_or(0, |before| before.matches('\n').count())
}

/// A table of a table, or that itself.
fn inner<'t, 'i>(root: &'t DeTable<'i>, table: &str) -> Option<&'t DeTable<'i>> {
    match table {
        "" => Some(root),
        table => root.get(table)?.get_ref().as_table(),
    }
}

fn entries<'t, 'i>(
    root: &'t DeTable<'i>,
    list: &str,
) -> impl DoubleEndedIterator<Item = &'t DeTable<'i>> {
    let entries = root.get(list).and_then(|list| list.get_ref().as_array());
    let entries = entries.into_iter().flat_map(|entries| entries.iter());
    entries.filter_map(|entry| entry.get_ref().as_table())
}

fn name_of<'t>(entry: &'t DeTable<'_>) -> Option<&'t str> {
    entry.get("name").and_then(|name| name.get_ref().as_str())
}

/// Whether the name of an entry of a list is what is wrong.
fn is_name(error: &Error) -> bool {
    matches!(error.cause(), Error::UnknownName { .. })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::spec::{ExperimentSpec, InversionSpec};

    fn refused(key: &str) -> Error {
        Error::Option {
            key: key.to_owned(),
            found: "-1".to_owned(),
            allowed: "it must be 0 or greater".to_owned(),
        }
    }

    #[test]
    fn mistakes_are_found_on_their_line() {
        let text = "network = { name = 'mlp' }\n[[method]]\nname = 'one'\n\n[[method]]\nname = 'two'\nrule = { name = \
                    'newton',\ntruncation = -1.0 }\n";
        let origin = Origin::new::<ExperimentSpec>("a.toml", text);
        let line = |name: &str, table, key: &str| {
            let error = origin.locate(refused(key).at("method", name, table));
            error.to_string().split(": ").next().unwrap().to_owned()
        };
        assert_eq!(line("two", "rule", "truncation"), "a.toml, line 8");
        assert_eq!(line("two", "rule", "learning_rate"), "a.toml, line 7");
        assert_eq!(line("two", "network", "hidden"), "a.toml, line 1");
        assert_eq!(line("two", "", "hidden"), "a.toml, line 6");
        assert_eq!(line("three", "rule", "rule"), "a.toml");
        let error = refused("truncation").at("method", "two", "rule");
        assert_eq!(
            origin.locate(error).to_string(),
            "a.toml, line 8: method 'two': truncation = -1 is not allowed: it must be 0 or greater"
        );
    }

    #[test]
    fn keys_are_found_by_their_short_names_and_in_changes() {
        let text = "target = 'y.npy'\nsimulator = 'sine'\n[stop]\nsteps = 3\ngradient = -1.0\n[noise]\nstd = 1.0";
        let origin = Origin::new::<InversionSpec>("a.toml", text);
        assert_eq!(origin.at("target"), "a.toml, line 1");
        assert_eq!(origin.at("bounds"), "a.toml");
        let negative = || refused("gradient_below").inside("stop");
        let start = |origin: &Origin, error| {
            let message = origin.locate(error).to_string();
            message.split(": ").next().unwrap().to_owned()
        };
        assert_eq!(start(&origin, negative()), "a.toml, line 5");
        let given = |flag: &str, change: &str| Override::parse(change).unwrap().given_by(flag);
        let origin = origin.with_changes([
            given("--set", "stop.gradient=-2"),
            given("--set", "std=2"),
            given("--noise-std", "noise.std=3"),
            given("--set", "rule=newtn"),
            given("--set", "inverse.tolerance=0"),
        ]);
        assert_eq!(start(&origin, negative()), "--set stop.gradient=-2");
        let std = refused("noise.std").inside("noise");
        assert_eq!(start(&origin, std), "--noise-std noise.std=3");
        let unknown = Error::unknown("rule", "newtn", ["newton"]).inside("rule");
        assert_eq!(start(&origin, unknown), "--set rule=newtn");
        let other = refused("tolerance").inside("simulator");
        assert_eq!(start(&origin, other), "a.toml, line 2");
        let own = refused("tolerance").inside("inverse");
        assert_eq!(start(&origin, own), "--set inverse.tolerance=0");
        // The key is said where the message does not.
        let missing = Error::File {
            message: "cannot read y.npy".to_owned(),
        };
        let message = origin.locate(missing.inside("target")).to_string();
        assert_eq!(message, "a.toml, line 1: target: cannot read y.npy");
    }
}
