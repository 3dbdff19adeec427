//! Profile likelihoods, as files and reports hold them.

use retrodict::uncertainty::profile::{Profile, profiles};
use retrodict::uncertainty::statistics::{Noise, Statistics};
use serde::{Deserialize, Serialize};

use crate::inversion::Plan;
use crate::inversion::plan::Field;

/// The profile of a parameter, or of a quantity that follows from parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileFacts {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// What it says, in a sentence.
    pub sentence: String,
    /// The level of its interval.
    pub level: f64,
    /// The profile.
    pub profile: Profile,
}

/// Those that an inversion asks for, from the x that a run found.
///
/// # Cost
/// Some ten fits each, begun near their ends.
pub fn profiled(plan: &Plan, field: &Field, x: &[f64]) -> retrodict::Result<Vec<ProfileFacts>> {
    let (wanted, along): (Vec<_>, Vec<_>) = plan.profiled().unzip();
    let problem = &field.problem;
    let statistics = Statistics::with(problem, x, Noise::of(problem))?;
    let options = plan.inversion.profile.options();
    let found = profiles(problem, &statistics, &along, &options)?;
    let facts = wanted
        .iter()
        .zip(found)
        .map(|(wanted, profile)| ProfileFacts {
            name: wanted.name.clone(),
            unit: wanted.unit.clone(),
            sentence: profile.in_words(&wanted.name),
            level: options.level,
            profile,
        });
    Ok(facts.collect())
}
