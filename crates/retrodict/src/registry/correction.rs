use serde::{Deserialize, Serialize};

use super::RULES;
use crate::error::{Error, Result};
use crate::options::{Validate, require};
use crate::training::{CorrectedTargets, Strategy};
use crate::updates::UpdateRule;

/// The options of [`CorrectedTargets`]: which rule moves x, by its name, and how far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Correction {
    /// `name` and options.
    rule: toml::Table,
    /// How many steps it takes.
    steps: usize,
}

impl Default for Correction {
    fn default() -> Self {
        let name = ("name".to_owned(), "inverse-simulator".into());
        Self {
            rule: [name].into_iter().collect(),
            steps: 1,
        }
    }
}

impl Validate for Correction {
    fn validate(&self) -> Result<()> {
        require(self.steps > 0, "steps", self.steps, "it must be at least 1")?;
        rule(&self.rule).map(|_| ())
    }
}

impl Correction {
    pub(super) fn make(self) -> Box<dyn Strategy> {
        Box::new(CorrectedTargets::new(move || rule(&self.rule), self.steps))
    }
}

fn rule(table: &toml::Table) -> Result<Box<dyn UpdateRule>> {
    let mut options = table.clone();
    match options.remove("name") {
        Some(toml::Value::String(name)) => RULES.build(&name, &options),
        found => Err(Error::Option {
            key: "rule".to_owned(),
            found: found.map_or_else(|| "no name".to_owned(), |v| v.to_string()),
            allowed: "a table with the rule's name, as in { name = \"inverse-simulator\" }"
                .to_owned(),
        }),
    }
}
