//! Parameters that are fixed or tied, and quantities that follow from parameters: what stands beside the unknowns.

use retrodict::compose::parameters::{Parameters, Role};
use retrodict::models::expression::Expression;
use retrodict::uncertainty::derived::Quantity;
use retrodict::uncertainty::statistics;
use serde::{Deserialize, Serialize};

use super::LEVEL;
use crate::inversion::Plan;

/// A parameter that is no unknown, or a quantity that follows from parameters; `null` for what is infinite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuantityFacts {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// The formula that it follows; nothing for a constant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formula: Option<String>,
    /// Its value.
    pub value: f64,
    /// Its standard deviation.
    pub deviation: Option<f64>,
    /// The lower end of its interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

impl QuantityFacts {
    /// How a table names it: with its formula, if it has one.
    pub fn label(&self) -> String {
        match &self.formula {
            Some(formula) => format!("{} = {formula}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Those of an inversion, by the statistics of its unknowns.
pub fn quantities(
    plan: &Plan,
    found: &statistics::Statistics,
) -> retrodict::Result<Vec<QuantityFacts>> {
    let Some(table) = plan.parameters() else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    for parameter in table.all() {
        match &parameter.role {
            Role::Fixed(value) => all.push(QuantityFacts {
                name: parameter.name.clone(),
                unit: parameter.unit.clone(),
                formula: None,
                value: *value,
                deviation: Some(0.0),
                low: Some(*value),
                high: Some(*value),
            }),
            Role::Tied(formula) => {
                let own = Expression::parse(&format!("{{{}}}", parameter.name))?;
                let own = Quantity::new(&parameter.name, own, table)?.with_unit(&parameter.unit);
                all.push(follows(table, found, &own, formula.text())?);
            }
            _ => {}
        }
    }
    for quantity in plan.derived() {
        all.push(follows(table, found, quantity, quantity.formula().text())?);
    }
    Ok(all)
}

fn follows(
    table: &Parameters,
    found: &statistics::Statistics,
    quantity: &Quantity,
    formula: &str,
) -> retrodict::Result<QuantityFacts> {
    let derived = found.derived(quantity, table, LEVEL)?;
    let finite = |value: f64| value.is_finite().then_some(value);
    Ok(QuantityFacts {
        name: derived.name,
        unit: derived.unit,
        formula: Some(formula.to_owned()),
        value: derived.value,
        deviation: finite(derived.deviation),
        low: finite(derived.interval.low),
        high: finite(derived.interval.high),
    })
}
