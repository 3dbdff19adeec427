//! A quantity that follows from parameters, as a description says it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compose::parameters::Parameters;
use crate::error::{Error, Result};
use crate::models::expression::Expression;
use crate::uncertainty::derived::Quantity;

/// A quantity that follows from named parameters, with its error propagated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Derived")]
#[non_exhaustive]
pub struct DerivedSpec {
    /// What it is called.
    pub name: String,
    /// Its formula in the parameters, such as `contact / recovery`.
    pub expression: String,
    /// Its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl DerivedSpec {
    /// A quantity by its formula.
    pub fn new(name: impl Into<String>, expression: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            expression: expression.into(),
            unit: None,
        }
    }

    /// The formula.
    pub(super) fn formula(&self) -> Result<Expression> {
        Expression::parse(&self.expression).map_err(|e| e.at("derived", &self.name, "expression"))
    }

    /// The quantity, of a table that has its parameters.
    ///
    /// # Errors
    /// If the formula does not parse, or names a parameter that is not there.
    pub fn build(&self, parameters: &Parameters) -> Result<Quantity> {
        let quantity = Quantity::new(&self.name, self.formula()?, parameters);
        let quantity = quantity.map_err(|e| e.at("derived", &self.name, "expression"))?;
        Ok(match &self.unit {
            Some(unit) => quantity.with_unit(unit),
            None => quantity,
        })
    }
}

/// The quantities of a description, each with a name of its own.
pub(super) fn quantities(specs: &[DerivedSpec], parameters: &Parameters) -> Result<Vec<Quantity>> {
    for (i, spec) in specs.iter().enumerate() {
        let twice = specs[..i].iter().any(|other| other.name == spec.name)
            || parameters.names().contains(&spec.name);
        if twice {
            let error = Error::GivenTwice {
                what: format!("name '{}'", spec.name),
                keys: "the parameters and derived quantities that have it".to_owned(),
            };
            return Err(error.at("derived", &spec.name, "name"));
        }
    }
    specs.iter().map(|spec| spec.build(parameters)).collect()
}
