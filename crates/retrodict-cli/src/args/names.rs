//! Names of the registry as arguments: for help and completions, while any text is read.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use retrodict::registry::List;

use crate::registry;

/// Reads any text; help and completions show the names of a list.
#[derive(Debug, Clone, Copy)]
pub struct Names(fn() -> Vec<&'static str>);

fn names<T>(list: &'static List<T>) -> Vec<&'static str> {
    list.entries.iter().map(|entry| entry.name).collect()
}

impl Names {
    /// Simulators.
    pub fn simulators() -> Self {
        Self(|| names(&registry().simulators))
    }
    /// Update rules, and `auto`.
    pub fn rules() -> Self {
        Self(|| [vec!["auto"], names(&registry().rules)].concat())
    }
    /// Local inverses.
    pub fn inverses() -> Self {
        Self(|| names(&registry().inverses))
    }
    /// Searches along Δx.
    pub fn searches() -> Self {
        Self(|| names(&registry().searches))
    }
    /// Strategies of training.
    pub fn strategies() -> Self {
        Self(|| names(&registry().strategies))
    }
    /// Built-in experiments.
    pub fn experiments() -> Self {
        Self(|| {
            crate::experiment::BUILT_IN
                .iter()
                .map(|(name, _)| *name)
                .collect()
        })
    }
    /// Built-in experiments of training.
    pub fn trainings() -> Self {
        Self(|| {
            crate::training::BUILT_IN
                .iter()
                .map(|(name, _)| *name)
                .collect()
        })
    }
    /// What `list` shows on its own.
    pub fn listed() -> Self {
        Self(|| {
            let lists = crate::catalogue::SECTIONS.iter().copied();
            let parts = crate::catalogue::parts();
            let simulators = names(&registry().simulators);
            lists
                .chain(parts)
                .chain(simulators)
                .chain(names(&registry().rules))
                .collect()
        })
    }
}

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter().map(PossibleValue::new)))
    }
}
