use retrodict::registry::PRIORS;
use retrodict::{Bounds, Problem};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::Inversion;
use crate::data;
use crate::failure::{Failure, Outcome};

/// Bounds on x: a number for all unknowns, or a file with one for each; no bound where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The least values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower: Option<Side>,
    /// The greatest values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper: Option<Side>,
}

/// One side of the bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Side {
    /// One for all unknowns.
    All(f64),
    /// One for each.
    Each(Vec<f64>),
    /// A file with one for each.
    File(String),
}

impl Side {
    /// The file, if it is one.
    pub fn file(&mut self) -> Option<&mut String> {
        match self {
            Self::File(name) => Some(name),
            _ => None,
        }
    }

    fn values(&self) -> Outcome<Vec<f64>> {
        match self {
            Self::All(value) => Ok(vec![*value]),
            Self::Each(values) => Ok(values.clone()),
            Self::File(name) => Ok(data::read(name)?.values),
        }
    }
}

/// The problem with the priors, bounds and transforms of an inversion.
pub fn dressed(data: &Problem, inversion: &Inversion) -> Outcome<Problem> {
    let mut problem = data.clone();
    for table in &inversion.priors {
        let (name, weight, options) = prior(table)?;
        let prior = PRIORS.build(&name, &options)?;
        problem = problem.with_prior(&*prior, weight)?;
    }
    let side = |side: &Option<Side>| side.as_ref().map(Side::values).transpose();
    let Limits { lower, upper } = &inversion.bounds;
    if lower.is_some() || upper.is_some() {
        let bounds = Bounds {
            lower: side(lower)?.unwrap_or_default(),
            upper: side(upper)?.unwrap_or_default(),
        };
        problem = problem.within(&bounds)?;
    }
    if !inversion.transforms.is_empty() {
        problem = problem.transformed(&inversion.transforms)?;
    }
    Ok(problem)
}

/// Name, weight and options of a prior.
fn prior(table: &Table) -> Outcome<(String, f64, Table)> {
    let mut options = table.clone();
    let Some(Value::String(name)) = options.remove("name") else {
        let known: Vec<&str> = PRIORS.entries.iter().map(|entry| entry.name).collect();
        return Err(Failure::Misuse(format!(
            "a prior has no name; write [[prior]] with name = \"…\"; known: {}",
            known.join(", ")
        )));
    };
    let weight = match options.remove("weight") {
        None => 1.0,
        Some(Value::Float(weight)) => weight,
        Some(Value::Integer(weight)) => weight as f64,
        Some(other) => {
            return Err(Failure::Misuse(format!(
                "prior {name}: weight = {other}: it must be a number of 0 or greater"
            )));
        }
    };
    Ok((name, weight, options))
}
