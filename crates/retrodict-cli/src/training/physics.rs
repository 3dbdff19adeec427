//! The physics behind a network: simulator, loss and local inverse of a plan.

use std::sync::Arc;

use crate::registry;
use retrodict::inverse::Inverter;
use retrodict::{Loss, Simulator};

use super::draw::Draw;
use super::plan::Plan;
use crate::failure::{Failure, Outcome};
use crate::local_inverse;

/// P and L of a plan, with a method's own options.
#[derive(Clone)]
pub struct Physics {
    /// P.
    pub simulator: Arc<dyn Simulator>,
    /// L of one sample.
    pub loss: Arc<dyn Loss>,
    /// The name of P.
    pub name: String,
    /// The options of P.
    pub options: toml::Table,
    inverse: Option<Arc<dyn Inverter>>,
}

impl Physics {
    /// Builds both.
    pub fn new(plan: &Plan, own: &toml::Table) -> Outcome<Self> {
        let (name, mut options) = split(&plan.simulator, "simulator")?;
        options.extend(own.clone());
        let inverse = plan
            .inverse
            .as_ref()
            .map(local_inverse::choose)
            .transpose()?;
        let simulator = local_inverse::join(
            registry().simulator(&name)?.build(&options)?,
            inverse.as_ref(),
        );
        let (loss, loss_options) = split(&plan.loss, "loss")?;
        let loss = registry().losses.build(&loss, &loss_options)?;
        loss.check(simulator.output().len())?;
        Ok(Self {
            simulator,
            loss,
            name,
            options,
            inverse,
        })
    }

    /// P for a y* of the user's: where samples start from a state of their own, y* is that state.
    pub fn aimed_at(&self, draw: &Draw, target: &[f64]) -> retrodict::Result<Arc<dyn Simulator>> {
        match draw {
            Draw::States { option, .. } => self.with(option, target),
            _ => Ok(Arc::clone(&self.simulator)),
        }
    }

    /// P with one option changed.
    pub fn with(&self, option: &str, values: &[f64]) -> retrodict::Result<Arc<dyn Simulator>> {
        let mut options = self.options.clone();
        let list = values.iter().map(|v| toml::Value::Float(*v)).collect();
        options.insert(option.to_owned(), toml::Value::Array(list));
        let simulator = registry().simulator(&self.name)?.build(&options)?;
        Ok(local_inverse::join(simulator, self.inverse.as_ref()))
    }
}

/// The name in a table, and what else it holds.
pub fn split(table: &toml::Table, what: &str) -> Outcome<(String, toml::Table)> {
    let mut options = table.clone();
    match options.remove("name") {
        Some(toml::Value::String(name)) => Ok((name, options)),
        _ => Err(Failure::Misuse(format!(
            "{what}: it needs a name, as in {what} = {{ name = \"…\" }}"
        ))),
    }
}
