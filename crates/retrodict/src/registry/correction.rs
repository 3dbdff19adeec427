//! How corrected targets name the rule that moves x.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Named, Registry};
use crate::error::Result;
use crate::options::{Validate, require};
use crate::training::{CorrectedTargets, Strategy};

/// The options of [`CorrectedTargets`]: which rule moves x, by its name, and how far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Correction {
    /// `name` and options.
    rule: Named,
    /// How many steps it takes.
    steps: usize,
}

impl Default for Correction {
    fn default() -> Self {
        Self {
            rule: "inverse-simulator".into(),
            steps: 1,
        }
    }
}

impl Validate for Correction {
    fn validate(&self) -> Result<()> {
        require(self.steps > 0, "steps", self.steps, "it must be at least 1")
    }
}

impl Correction {
    pub(super) fn make(self, registry: &Registry) -> Result<Box<dyn Strategy>> {
        let rule = registry.rules.find(&self.rule.name)?.to_owned();
        rule.build_in(registry, &self.rule.options)?;
        let options = self.rule.options;
        Ok(Box::new(CorrectedTargets::new(
            move || rule.build(&options),
            self.steps,
        )))
    }
}
