//! What can be named, with options, defaults and meanings: as facts, from the registry and the descriptions themselves.

use retrodict::error::suggestion;
use retrodict::registry::{Entry, List, Setting};
use retrodict::{Simulator, Space};
use serde::Serialize;

use crate::experiment;
use crate::failure::{Failure, Outcome};
use crate::registry;
use crate::training;

mod page;
mod parts;

pub use page::{also, markdown, space, written};
pub use parts::names as parts;

/// The lists, as `retrodict list` shows them.
pub const SECTIONS: [&str; 12] = [
    "simulators",
    "your own simulators",
    "rules",
    "searches",
    "losses",
    "priors",
    "local inverses",
    "networks",
    "strategies",
    "experiments",
    "training experiments",
    "descriptions",
];

/// Something that can be named.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// `simulator`, `rule` and so on.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// What it is.
    pub sentence: String,
    /// Where it comes from.
    pub source: String,
    /// The space of x, of a simulator with its default options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<Place>,
    /// The space of y.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<Place>,
    /// Its options, in their order.
    pub options: Vec<Setting>,
    /// The same as a JSON schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<serde_json::Value>,
}

/// A space, and what its values are called.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// What the values are.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its unit.
    pub unit: String,
    /// Name and unit of each value, where they have names.
    pub labels: Vec<(String, String)>,
}

impl Place {
    fn new(space: &Space, labels: Vec<(String, String)>) -> Self {
        Self {
            name: space.name.clone(),
            shape: space.shape.clone(),
            unit: space.unit.clone(),
            labels,
        }
    }
}

fn item<T>(list: &List<T>, entry: &Entry<T>) -> Item {
    Item {
        kind: list.kind.to_owned(),
        name: entry.name.to_owned(),
        aliases: entry.aliases.iter().map(|a| (*a).to_owned()).collect(),
        sentence: entry.sentence.to_owned(),
        source: entry.source.to_owned(),
        x: None,
        y: None,
        options: entry.settings(),
        schema: Some(entry.schema()),
    }
}

fn items<T>(list: &List<T>) -> Vec<Item> {
    list.entries.iter().map(|entry| item(list, entry)).collect()
}

fn simulators() -> Vec<Item> {
    let list = &registry().simulators;
    let one = |entry: &Entry<_>| {
        let mut item = item(list, entry);
        let built = entry.build(&toml::Table::new()).ok();
        if let Some(simulator) = built as Option<std::sync::Arc<dyn Simulator>> {
            let labels = simulator.describe().labels.unwrap_or_default();
            item.x = Some(Place::new(simulator.input(), labels));
            item.y = Some(Place::new(simulator.output(), Vec::new()));
        }
        item
    };
    list.entries.iter().map(one).collect()
}

fn experiment_item(kind: &str, name: &str, sentence: String, source: String) -> Item {
    Item {
        kind: kind.to_owned(),
        name: name.to_owned(),
        aliases: Vec::new(),
        sentence,
        source,
        x: None,
        y: None,
        options: Vec::new(),
        schema: None,
    }
}

/// The items of one of the [`SECTIONS`].
pub fn section(name: &str) -> Outcome<Vec<Item>> {
    Ok(match name {
        "simulators" => simulators(),
        "your own simulators" => items(&registry().external),
        "rules" => items(&registry().rules),
        "searches" => items(&registry().searches),
        "losses" => items(&registry().losses),
        "priors" => items(&registry().priors),
        "local inverses" => items(&registry().inverses),
        "networks" => items(&registry().networks),
        "strategies" => items(&registry().strategies),
        "experiments" => {
            let load = |name: &str| {
                let spec = experiment::load(name, &[])?.spec;
                Ok(experiment_item(
                    "experiment",
                    name,
                    spec.sentence,
                    spec.source,
                ))
            };
            experiment::BUILT_IN
                .iter()
                .map(|(name, _)| load(name))
                .collect::<Outcome<_>>()?
        }
        "descriptions" => parts::all(),
        _ => {
            let load = |name: &str| {
                let spec = training::load(name, &[])?.spec;
                Ok(experiment_item(
                    "training experiment",
                    name,
                    spec.sentence,
                    spec.source,
                ))
            };
            training::BUILT_IN
                .iter()
                .map(|(name, _)| load(name))
                .collect::<Outcome<_>>()?
        }
    })
}

/// The section that is meant: by its name, in the singular too.
pub fn section_of(text: &str) -> Option<&'static str> {
    let wanted = text.to_lowercase().replace('-', " ");
    let plural = [
        wanted.clone(),
        format!("{wanted}s"),
        format!("{wanted}es"),
        format!("{}ies", wanted.trim_end_matches('y')),
    ];
    // `list experiment` says how one is written, `list experiments` which there are.
    if parts::names().any(|part| part == wanted) {
        return None;
    }
    SECTIONS
        .iter()
        .copied()
        .find(|name| plural.iter().any(|p| p == name))
}

/// Everything of this name, of whatever kind.
pub fn named(text: &str) -> Outcome<Vec<Item>> {
    let wanted = text.to_lowercase().replace('_', "-");
    let mut found = Vec::new();
    let mut known: Vec<String> = SECTIONS.iter().map(|s| (*s).to_owned()).collect();
    for name in SECTIONS {
        for item in section(name)? {
            known.push(item.name.clone());
            known.extend(item.aliases.iter().cloned());
            if item.name == wanted || item.aliases.contains(&wanted) {
                found.push(item);
            }
        }
    }
    if found.is_empty() {
        let hint = suggestion(&wanted, known.iter().map(String::as_str));
        return Err(Failure::Misuse(format!(
            "nothing is called '{text}'{hint}; `retrodict list` names everything, and `retrodict list {}` a list of it",
            SECTIONS[0]
        )));
    }
    Ok(found)
}
