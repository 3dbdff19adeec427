use crate::registry;
use retrodict::uncertainty::weight::Choice;
use retrodict::{Bounds, Problem};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::{Inversion, Weight};
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

    fn values(&self, shape: &[usize]) -> Outcome<Vec<f64>> {
        match self {
            Self::All(value) => Ok(vec![*value]),
            Self::Each(values) => Ok(values.clone()),
            Self::File(name) => {
                let array = data::read(name)?;
                match array.values.len() {
                    1 => Ok(array.values),
                    _ => Ok(data::split(&array, shape, name)?.concat()),
                }
            }
        }
    }
}

/// The problem with the priors, bounds and transforms of an inversion; where a rule is to choose the weight of a
/// prior, it is 1.
pub fn dressed(data: &Problem, inversion: &Inversion) -> Outcome<Problem> {
    let mut problem = data.clone();
    for table in &inversion.priors {
        let (name, weight, options) = prior(table)?;
        let prior = registry().priors.build(&name, &options)?;
        let weight = match weight {
            Weight::Told(weight) => weight,
            Weight::By(_) => 1.0,
        };
        problem = problem.with_prior(&*prior, weight)?;
    }
    let shape = problem.simulator().input().shape;
    let side = |side: &Option<Side>| side.as_ref().map(|s| s.values(&shape)).transpose();
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
pub fn prior(table: &Table) -> Outcome<(String, Weight, Table)> {
    let mut options = table.clone();
    let Some(Value::String(name)) = options.remove("name") else {
        let known: Vec<&str> = registry()
            .priors
            .entries
            .iter()
            .map(|entry| entry.name)
            .collect();
        return Err(Failure::Misuse(format!(
            "a prior has no name; write [[prior]] with name = \"…\"; known: {}",
            known.join(", ")
        )));
    };
    let weight = Weight::read(&name, options.remove("weight"))?;
    Ok((name, weight, options))
}

/// By which rule the weight of the one prior is chosen, if it is.
pub fn rule(priors: &[Table]) -> Outcome<Option<Choice>> {
    let mut found = None;
    for table in priors {
        let (name, weight, _) = prior(table)?;
        let Weight::By(choice) = weight else { continue };
        if priors.len() > 1 {
            return Err(Failure::Misuse(format!(
                "prior {name}: weight = \"{}\": a rule can choose the weight of only one prior, and there are {}; \
                 give numbers for all, or keep one prior",
                super::name(choice),
                priors.len()
            )));
        }
        found = Some(choice);
    }
    Ok(found)
}
