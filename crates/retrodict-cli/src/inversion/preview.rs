//! What an inversion would do, before it does it: the resolved problem, and what a step of it costs.

mod cost;
mod data;
mod method;
mod unknowns;
mod words;

use std::path::{Path, PathBuf};

use retrodict::spec::{InversionSpec, Named, Observed};
use retrodict::uncertainty::statistics::Noise;
use serde::Serialize;

use crate::failure::Outcome;
use crate::inversion::Plan;
use crate::inversion::plan::data_set::DataSet;
use crate::registry;
use cost::CostFacts;
use data::{DataFacts, NoiseFacts};
use method::{AfterFacts, MethodFacts, PriorFacts, StopFacts};
use unknowns::{ConstraintFacts, DerivedFacts, StartFacts, UnknownFacts};

/// An inversion as it would be run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// Always true: nothing was solved.
    dry_run: bool,
    /// What was made of the file of the data, and what the user should know before anything is run.
    notes: Vec<String>,
    simulator: SimulatorFacts,
    unknowns: UnknownFacts,
    starts: StartFacts,
    derived: Vec<DerivedFacts>,
    constraints: ConstraintFacts,
    data: DataFacts,
    noise: NoiseFacts,
    /// The data sets, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data_sets: Vec<SetFacts>,
    /// The formula of the loss of the data.
    loss: String,
    priors: Vec<PriorFacts>,
    method: MethodFacts,
    stop: StopFacts,
    after: AfterFacts,
    cost: CostFacts,
    output: Destination,
}

/// What y = P(x) is.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct SimulatorFacts {
    name: String,
    sentence: String,
    /// The options that differ from their defaults.
    options: toml::Table,
    /// The local inverse in place of its own, if one is named.
    inverse: Option<String>,
}

/// Where the answer would be written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Destination {
    /// The folder of everything.
    pub folder: Option<PathBuf>,
    /// The file of x.
    pub file: Option<PathBuf>,
}

impl Destination {
    /// As the flags say it.
    pub fn new(folder: Option<&Path>, file: Option<&Path>) -> Self {
        Self {
            folder: folder.map(Path::to_owned),
            file: file.map(Path::to_owned),
        }
    }
}

impl Preview {
    /// What a plan would do. The checks of a run are made, as far as they go without a step.
    ///
    /// # Cost
    /// Two evaluations of P at the first start that can be simulated and what the first update asks for; a single evaluation,
    /// and no update, where P is slow.
    pub fn of(plan: &Plan, output: Destination) -> Outcome<Self> {
        let cost = CostFacts::measure(plan)?;
        let method = MethodFacts::of(plan)?;
        let notes = plan.remarks.iter().cloned().chain(plan.warnings());
        Ok(Self {
            dry_run: true,
            notes: notes.collect(),
            simulator: simulator(plan)?,
            unknowns: UnknownFacts::of(plan),
            starts: StartFacts::of(plan),
            derived: unknowns::derived(plan),
            constraints: ConstraintFacts::of(plan),
            data: DataFacts::of(plan),
            noise: NoiseFacts::of(plan),
            data_sets: data_sets(plan)?,
            loss: plan
                .fields
                .first()
                .map_or_else(String::new, |field| field.problem.data_loss().formula()),
            priors: method::priors(plan),
            stop: StopFacts::of(plan, method.models_the_loss),
            method,
            after: AfterFacts::of(plan),
            cost,
            output,
        })
    }
}

/// One of several data sets.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct SetFacts {
    name: String,
    simulator: SimulatorFacts,
    data: DataFacts,
    noise: NoiseFacts,
    /// The formula of its loss.
    loss: String,
}

fn data_sets(plan: &Plan) -> Outcome<Vec<SetFacts>> {
    let asked = plan.inversion.data_sets()?;
    let sets = plan.data_sets().zip(&asked);
    let one = |((set, posed), (_, asked)): ((&DataSet, &Observed), &(&str, InversionSpec))| {
        Ok(SetFacts {
            name: set.name.clone(),
            simulator: simulator_of(&asked.simulator, &set.inversion.simulator)?,
            data: DataFacts::of_set(set, posed, &asked.target),
            noise: NoiseFacts::of_set(&posed.problem, &asked.noise),
            loss: posed.problem.data_loss().formula(),
        })
    };
    sets.map(one).collect()
}

fn simulator(plan: &Plan) -> Outcome<SimulatorFacts> {
    let sets = plan.data_sets().count();
    if sets > 0 {
        return Ok(SimulatorFacts {
            name: plan.name.clone(),
            sentence: format!("{sets} data sets that share parameters by their names"),
            options: toml::Table::new(),
            inverse: None,
        });
    }
    let built = Named {
        name: plan.name.clone(),
        options: plan.options.clone(),
    };
    let facts = simulator_of(&plan.inversion.simulator, &built)?;
    Ok(SimulatorFacts {
        inverse: plan.inversion.inverse.as_ref().map(ToString::to_string),
        ..facts
    })
}

/// A simulator as it was asked for, and as it was built.
fn simulator_of(asked: &Named, built: &Named) -> Outcome<SimulatorFacts> {
    let entry = registry().simulator(&built.name)?;
    let mut options = differing(&built.options, &entry.defaults());
    // A list that came from a file is that file.
    for (key, value) in &asked.options {
        if value.is_str() && options.contains_key(key) {
            options.insert(key.clone(), value.clone());
        }
    }
    Ok(SimulatorFacts {
        name: entry.name.to_owned(),
        sentence: entry.sentence.to_owned(),
        options,
        inverse: None,
    })
}

/// The options that are not what they are by default.
fn differing(options: &toml::Table, defaults: &toml::Table) -> toml::Table {
    let differs = |(key, value): &(&String, &toml::Value)| defaults.get(*key) != Some(*value);
    let differing = options.iter().filter(differs);
    differing
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Where the level of the noise comes from, as a document says it.
fn source(noise: Noise) -> &'static str {
    match noise {
        Noise::Known => "given",
        Noise::Estimated => "estimated",
        Noise::Fitted => "fitted",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn options_that_are_as_by_default_are_left_out() {
        let table = |text: &str| text.parse::<toml::Table>().unwrap();
        let found = differing(
            &table("a = 1\nb = 2.0\nc = [1]"),
            &table("a = 1\nb = 3.0\nd = 4"),
        );
        assert_eq!(found, table("b = 2.0\nc = [1]"));
    }
}
