//! Many problems: a list of them, or a sweep of settings over an inversion, as a file and as a folder.

mod draws;
mod found;
mod listing;
mod result;
mod table;

use std::collections::HashSet;
use std::path::Path;

use crate::registry;
use retrodict::error::unknown;
use retrodict::spec::{InversionSpec, Origin, Override, set};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::failure::Outcome;
use crate::inversion;
use crate::training::file_name;
use retrodict::spec::misread;

pub use draws::Draws;
pub use found::{Found, named};
pub use listing::Listing;
pub use result::{Solved, Stored, folder_of};
pub use table::{BatchLine, Collected, collect, plain};

/// The file of a batch: an inversion, and what differs from problem to problem.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    title: String,
    /// The path of an inversion's file, or the inversion itself.
    inversion: Value,
    #[serde(default, rename = "problem")]
    problems: Vec<ListedProblem>,
    #[serde(default)]
    sweep: Option<Draws>,
}

/// One problem of a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedProblem {
    name: String,
    #[serde(default)]
    set: Table,
}

/// All problems of a batch.
pub struct Batch {
    /// A heading.
    pub title: String,
    /// The problems, in order.
    pub points: Vec<BatchProblem>,
}

/// One problem: the inversion with its own settings.
pub struct BatchProblem {
    /// Its name, which is that of its file too.
    pub name: String,
    /// What was set, as `--set` would.
    pub settings: Vec<(String, Value)>,
    /// The inversion.
    pub inversion: InversionSpec,
    /// Where it came from, so that mistakes in it can be pointed at.
    pub origin: Origin,
}

/// `batch.json`: what a folder's results are results of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// The heading.
    pub title: String,
    /// The names of all problems, in order.
    pub names: Vec<String>,
}

impl Batch {
    /// Reads the file of a batch and checks every setting in it.
    pub fn load(path: &Path) -> Outcome<Self> {
        let text = crate::data::bounded::text(path)?;
        let name = path.display().to_string();
        let file: File = toml::from_str(&text).map_err(|e| misread(&name, &text, &e))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let listing = Listing {
            name: &name,
            text: &text,
        };
        let base = base(&file.inversion, folder, &listing)?;
        let points = file.points(&base, folder, &listing)?;
        let title = match file.title.as_str() {
            "" => path
                .file_stem()
                .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
            title => title.to_owned(),
        };
        Ok(Self { title, points })
    }

    /// What is written beside the results.
    pub fn index(&self) -> Index {
        Index {
            title: self.title.clone(),
            names: self.points.iter().map(|p| p.name.clone()).collect(),
        }
    }
}

/// The inversion that all problems share, and where it came from; the target may be left to them.
fn base(inversion: &Value, folder: &Path, listing: &Listing<'_>) -> Outcome<(Table, Origin)> {
    match inversion {
        Value::String(file) => {
            let path = folder.join(file);
            let (mut inversion, origin) = inversion::read_file(&path)
                .map_err(|e| e.located(&listing.at(&["inversion"]), "inversion"))?;
            inversion::anchor(&mut inversion, path.parent().unwrap_or(folder));
            Ok((inversion.to_table()?, origin))
        }
        Value::Table(table) => Ok((table.clone(), listing.origin("inversion"))),
        other => Err(listing.wrong(
            &["inversion"],
            format!(
                "inversion = {other}: it must be the path of an inversion's file, or a table [inversion]"
            ),
        )),
    }
}

impl File {
    fn points(
        &self,
        (base, origin): &(Table, Origin),
        folder: &Path,
        listing: &Listing<'_>,
    ) -> Outcome<Vec<BatchProblem>> {
        if self.problems.is_empty() && self.sweep.is_none() {
            let why = "the list of problems is empty; add [[problem]] with a name and what to set, or a [sweep]";
            return Err(listing.wrong(&["problem"], why.to_owned()));
        }
        let draws = match &self.sweep {
            Some(draws) => draws.all(listing)?,
            None => vec![Vec::new()],
        };
        let nameless = [ListedProblem {
            name: "point".to_owned(),
            set: Table::new(),
        }];
        let entries = match self.problems.as_slice() {
            [] => &nameless[..],
            problems => problems,
        };
        draws::within_limit(entries.len().checked_mul(draws.len()))
            .map_err(|why| listing.wrong(&["problem"], why))?;
        let over: Vec<(&str, String)> = draws
            .first()
            .into_iter()
            .flatten()
            .map(|(key, _)| (key.as_str(), listing.at(&["sweep", "over", key])))
            .collect();
        let mut points: Vec<BatchProblem> = Vec::new();
        let mut names = HashSet::new();
        for (index, entry) in entries.iter().enumerate() {
            let index = index.to_string();
            let own = flat(&entry.set);
            let own: Vec<(Setting, String)> = own
                .into_iter()
                .map(|setting| {
                    let at = listing.at(&["problem", &index, "set", &setting.0]);
                    (setting, at)
                })
                .collect();
            for (i, drawn) in draws.iter().enumerate() {
                let plain = file_name(&entry.name);
                let name = match self.sweep {
                    Some(_) => format!("{plain}-{:04}", i + 1),
                    None => plain,
                };
                if !names.insert(name.clone()) {
                    return Err(listing.wrong(
                        &["problem", &index, "name"],
                        format!("two problems are called '{name}'; give each a different name"),
                    ));
                }
                let drawn = drawn.iter().cloned();
                let drawn = drawn.zip(over.iter().map(|(_, at)| at.clone()));
                let all: Vec<(Setting, String)> = own.iter().cloned().chain(drawn).collect();
                let change = |((key, value), at): &(Setting, String)| {
                    let path: Vec<&str> = key.split('.').collect();
                    Override::new(&path, value.clone(), format!("{at}: {key}={value}"))
                };
                let changes: Vec<Override> = all.iter().map(change).collect();
                let what = format!("problem '{name}'");
                let (inversion, origin) = with(base, origin.clone(), changes, folder, &what)?;
                points.push(BatchProblem {
                    name,
                    settings: all.into_iter().map(|(setting, _)| setting).collect(),
                    inversion,
                    origin,
                });
            }
        }
        Ok(points)
    }
}

/// A path of keys, and the value that is set there.
type Setting = (String, Value);

/// Tables of settings as paths: `rule.learning_rate` may be written with dots or as tables.
fn flat(set: &Table) -> Vec<Setting> {
    let mut settings = Vec::new();
    for (key, value) in set {
        match value {
            Value::Table(inner) => settings.extend(
                flat(inner)
                    .into_iter()
                    .map(|(rest, value)| (format!("{key}.{rest}"), value)),
            ),
            value => settings.push((key.clone(), value.clone())),
        }
    }
    settings
}

/// The inversion with settings applied to it; `what` names the problem in messages.
fn with(
    base: &Table,
    origin: Origin,
    changes: Vec<Override>,
    folder: &Path,
    what: &str,
) -> Outcome<(InversionSpec, Origin)> {
    let mut table = base.clone();
    for change in &changes {
        set::<InversionSpec>(&mut table, change, registry())?;
    }
    check_rule(&table, &changes).map_err(|error| origin.locate(error))?;
    let origin = origin.with_changes(changes);
    let read = InversionSpec::from_table(what, table);
    let mut inversion = read.map_err(|error| origin.locate(error))?;
    inversion::anchor(&mut inversion, folder);
    Ok((inversion, origin))
}

/// Options of a rule that do not exist are found before anything is run.
fn check_rule(table: &Table, changes: &[Override]) -> retrodict::Result<()> {
    let rule = table
        .get("rule")
        .and_then(|rule| rule.get("name")?.as_str());
    let Some(rule) = rule else { return Ok(()) };
    let found = registry().rules.find(rule);
    let entry = found.map_err(|error| error.inside("rule"))?;
    for change in changes {
        let [table, key] = change.path.as_slice() else {
            continue;
        };
        if table == "rule" && key != "name" && !entry.accepts(key) {
            let known = unknown("key", key, entry.keys().iter().copied());
            return Err(change.refused(format!("rule '{}': {known}", entry.name)));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn points(rest: &str) -> Outcome<Vec<BatchProblem>> {
        let text = format!(
            "{rest}\n[inversion]\ntarget = 'y.npy'\nsimulator = {{ name = 'heat' }}\nrule = {{ name = 'adam' }}"
        );
        let file: File = toml::from_str(&text).unwrap();
        let listing = Listing {
            name: "b.toml",
            text: &text,
        };
        let base = base(&file.inversion, Path::new("/data"), &listing)?;
        file.points(&base, Path::new("/data"), &listing)
    }

    #[test]
    fn lists_and_sweeps_multiply() {
        let all = points(
            "[[problem]]\nname = 'Left side'\nset = { target = 'left.npy', simulator.nu_t = 2.0 }\n\
             [[problem]]\nname = 'b'\n\
             [sweep.over]\n'rule.learning_rate' = [0.1, 0.2]\n'noise.relative' = [1e-3]",
        )
        .unwrap();
        let names: Vec<&str> = all.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(
            names,
            ["left-side-0001", "left-side-0002", "b-0001", "b-0002"]
        );
        assert_eq!(all[1].inversion.target, "/data/left.npy".into());
        assert_eq!(
            all[1].inversion.simulator.options["nu_t"].as_float(),
            Some(2.0)
        );
        assert_eq!(all[3].inversion.target, "/data/y.npy".into());
        let rate = |p: &BatchProblem| {
            p.inversion.rule.as_ref().unwrap().options["learning_rate"].as_float()
        };
        assert_eq!((rate(&all[2]), rate(&all[3])), (Some(0.1), Some(0.2)));
        assert_eq!(all[3].inversion.noise.relative, Some(1e-3));
    }

    #[test]
    fn what_is_wrong_with_a_list_is_named() {
        for (text, part) in [
            ("", "the list of problems is empty"),
            (
                "[[problem]]\nname = 'a'\n[[problem]]\nname = 'A'",
                "two problems are called 'a'",
            ),
            ("[sweep.over]\n'nut' = [1]", "did you mean 'nu_t'"),
            (
                "[sweep.over]\n'rule.learning_rat' = [1]",
                "did you mean 'learning_rate'",
            ),
            ("[sweep.over]\n'stop.stepz' = [1]", "unknown key 'stepz'"),
            ("[sweep.over]\nnu_t = []", "no values"),
        ] {
            let message = points(text).err().unwrap().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
