//! A prior as a description says it: its name, its options, and its regularisation parameter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Value;

use super::Named;
use crate::error::{Error, Result, suggestion};
use crate::priors::Prior;
use crate::problem::Problem;
use crate::registry::Registry;
use crate::uncertainty::weight::Choice;

/// The regularisation parameter of a prior: a number, or the rule by which it is chosen from the data.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum WeightSpec {
    /// A number of 0 or greater.
    Given(f64),
    /// Chosen from the data.
    By(Choice),
}

impl Default for WeightSpec {
    fn default() -> Self {
        Self::Given(1.0)
    }
}

/// The rules by their names; the last is short for another.
const RULES: [(&str, Choice); 5] = [
    ("auto", Choice::Automatic),
    ("discrepancy", Choice::Discrepancy),
    ("cross-validation", Choice::CrossValidation),
    ("l-curve", Choice::LCurve),
    ("gcv", Choice::CrossValidation),
];

impl WeightSpec {
    /// From what a file, a flag or a dictionary says; nothing said means 1.
    ///
    /// # Errors
    /// [`Error::Option`] with the prior, what was found and the nearest rule.
    pub fn read(prior: &str, value: Option<Value>) -> Result<Self> {
        let misuse = |found: String, hint: String| Error::Option {
            key: format!("prior {prior}: weight"),
            found,
            allowed: format!(
                "it must be a number of 0 or greater, or a rule: auto, discrepancy, cross-validation (gcv) or l-curve{hint}"
            ),
        };
        match value {
            None => Ok(Self::default()),
            Some(Value::Float(weight)) => Ok(Self::Given(weight)),
            Some(Value::Integer(weight)) => Ok(Self::Given(weight as f64)),
            Some(Value::String(rule)) => {
                let known = RULES.iter().find(|(name, _)| *name == rule);
                known.map(|(_, choice)| Self::By(*choice)).ok_or_else(|| {
                    let hint = suggestion(&rule, RULES.iter().map(|(name, _)| *name));
                    misuse(format!("\"{rule}\""), hint)
                })
            }
            Some(other) => Err(misuse(other.to_string(), String::new())),
        }
    }

    /// What a file says of it; nothing for 1.
    fn value(self) -> Option<Value> {
        match self {
            Self::Given(1.0) => None,
            Self::Given(weight) => Some(weight.into()),
            Self::By(choice) => Some(choice.name().into()),
        }
    }
}

impl Choice {
    /// Its name, as a description says it.
    pub fn name(self) -> &'static str {
        let known = RULES.iter().find(|(_, rule)| *rule == self);
        known.map_or("", |(name, _)| name)
    }
}

/// A prior: `name`, `weight` and options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Named", into = "Named")]
#[non_exhaustive]
pub struct PriorSpec {
    /// Which prior, and its options.
    pub prior: Named,
    /// How strong it is.
    pub weight: WeightSpec,
}

impl TryFrom<Named> for PriorSpec {
    type Error = Error;

    fn try_from(mut prior: Named) -> Result<Self> {
        let weight = WeightSpec::read(&prior.name, prior.options.remove("weight"))?;
        Ok(Self { prior, weight })
    }
}

impl From<PriorSpec> for Named {
    fn from(spec: PriorSpec) -> Self {
        let mut named = spec.prior;
        if let Some(weight) = spec.weight.value() {
            named.options.insert("weight".to_owned(), weight);
        }
        named
    }
}

impl JsonSchema for PriorSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Prior".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Named::json_schema(generator)
    }
}

impl PriorSpec {
    /// The prior itself.
    ///
    /// # Errors
    /// If its name or an option is unknown, or a value is not allowed.
    pub fn build(&self, registry: &Registry) -> Result<Box<dyn Prior>> {
        registry.priors.make(registry, &self.prior)
    }

    /// The problem with this prior; where its weight is yet to be chosen, it is 1.
    ///
    /// # Errors
    /// As [`build`](PriorSpec::build), or if the prior does not fit the unknowns.
    pub fn join(&self, problem: &Problem, registry: &Registry) -> Result<Problem> {
        let weight = match self.weight {
            WeightSpec::Given(weight) => weight,
            WeightSpec::By(_) => 1.0,
        };
        problem.with_prior(&*self.build(registry)?, weight)
    }
}

/// By which rule the weight of the one prior is chosen, if it is.
///
/// # Errors
/// If there are other priors beside it: a rule chooses one number.
pub(super) fn choice(priors: &[PriorSpec]) -> Result<Option<Choice>> {
    let mut found = None;
    for PriorSpec { prior, weight } in priors {
        let WeightSpec::By(choice) = *weight else {
            continue;
        };
        if priors.len() > 1 {
            let error = Error::Option {
                key: "weight".to_owned(),
                found: format!("\"{}\"", choice.name()),
                allowed: format!(
                    "a rule can choose the weight of only one prior, and there are {}; give numbers for all, or keep \
                     one prior",
                    priors.len()
                ),
            };
            return Err(error.at("prior", &prior.name, ""));
        }
        found = Some(choice);
    }
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_numbers_or_rules() {
        let read = |value: &str| {
            let table: toml::Table = format!("weight = {value}").parse().unwrap();
            WeightSpec::read("tikhonov", table.get("weight").cloned())
        };
        assert_eq!(read("2").unwrap(), WeightSpec::Given(2.0));
        assert_eq!(
            WeightSpec::read("tikhonov", None).unwrap(),
            WeightSpec::Given(1.0)
        );
        assert_eq!(
            read("'gcv'").unwrap(),
            WeightSpec::By(Choice::CrossValidation)
        );
        for (rule, choice) in &RULES[..4] {
            assert_eq!(read(&format!("'{rule}'")).unwrap(), WeightSpec::By(*choice));
            assert_eq!(choice.name(), *rule);
        }
        let message = read("'discrepency'").unwrap_err().to_string();
        assert!(message.contains("did you mean 'discrepancy'"), "{message}");
        for wrong in ["true", "'much'", "[1]"] {
            let message = read(wrong).unwrap_err().to_string();
            assert!(
                message.contains("prior tikhonov") && message.contains("l-curve"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_prior_comes_back_from_its_text() {
        for text in [
            "name = \"tikhonov\"\norder = 1\nweight = \"gcv\"\n",
            "name = \"tikhonov\"\nweight = 0.5\n",
        ] {
            let prior: PriorSpec = text.parse::<toml::Table>().unwrap().try_into().unwrap();
            let again = toml::to_string(&prior).unwrap();
            let same: PriorSpec = again.parse::<toml::Table>().unwrap().try_into().unwrap();
            assert_eq!(prior, same);
        }
        let wrong: std::result::Result<PriorSpec, _> = "name = 'matern'\nweight = 'lcurve'"
            .parse::<toml::Table>()
            .unwrap()
            .try_into();
        assert!(
            wrong
                .unwrap_err()
                .to_string()
                .contains("did you mean 'l-curve'")
        );
    }
}
