//! What an inversion found for each field.

pub mod assess;
pub mod data_sets;
pub mod posterior;
pub mod profiles;
pub mod statistics;
pub mod summary;

use retrodict::Counts;
use retrodict::StatusKind;
use retrodict::solver::starts::End;
use serde::{Deserialize, Serialize};

use crate::data::{Array, FieldGrid, joined_shape};
use crate::inversion::answer::data_sets::DataSetFacts;
use crate::inversion::{Chosen, Plan, PosteriorFacts, ProfileFacts, Run, Statistics};
use crate::registry;
use crate::results::survey::{DistinctSolution, survey};

/// Values of x up to which it stands in a JSON document.
const SHOWN_UP_TO: usize = 16;

/// What was found for one field: the best of the runs from all starts, with the counts of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// How it ended, in a word.
    pub status: StatusKind,
    /// What that means, and what to try next.
    pub message: String,
    /// Whether a goal was reached.
    pub converged: bool,
    /// L at the best x.
    #[serde(deserialize_with = "crate::results::not_a_number::or_nan")]
    pub loss: f64,
    /// χ²/N (N data) there, where the noise is known.
    pub chi_squared: Option<f64>,
    /// The number of steps taken.
    pub steps: usize,
    /// Seconds spent.
    pub seconds: f64,
    /// Evaluations of the simulator.
    pub counts: Counts,
    /// Where the rule fell back from its formula, and how often.
    pub notices: Vec<String>,
    /// Why it first did, where an error was the cause.
    #[serde(alias = "trouble")]
    pub first_error: Option<String>,
    /// The distinct solutions, where it was run from more than one start.
    pub solutions: Option<Vec<DistinctSolution>>,
    /// x, where it has few values.
    pub x: Option<Vec<f64>>,
    /// How well each data set is fitted, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_sets: Vec<DataSetFacts>,
    /// The names of these values, where they have names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The weight of the prior, where a rule chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Chosen>,
    /// What the data say of x.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
    /// Profile likelihoods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfileFacts>,
    /// The posterior of a field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posterior: Option<PosteriorFacts>,
    /// Why there are no statistics or no posterior.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// The arrays of both, by name.
    #[serde(skip)]
    pub arrays: Vec<(String, Array)>,
    /// The index of the field.
    #[serde(skip)]
    pub field: usize,
    /// The index of the best start.
    #[serde(skip)]
    pub start: usize,
    /// The best x.
    #[serde(skip)]
    pub best: Vec<f64>,
    /// P(x) there, if it could be simulated.
    #[serde(skip)]
    pub fit: Option<Vec<f64>>,
}

impl Answer {
    /// The standard deviation of each value of x, where statistics list all of them.
    pub fn deviations(&self) -> Option<Vec<Option<f64>>> {
        let statistics = self.statistics.as_ref()?;
        let all = statistics.parameters.len() == self.x.as_ref()?.len();
        all.then(|| statistics.parameters.iter().map(|p| p.deviation).collect())
    }
}

/// What the runs found, field by field.
pub fn answers(plan: &Plan, runs: &[Run]) -> Vec<Answer> {
    (0..plan.fields.len())
        .filter_map(|field| {
            let own: Vec<&Run> = runs.iter().filter(|run| run.field == field).collect();
            answer(plan, field, &own)
        })
        .collect()
}

fn answer(plan: &Plan, field: usize, runs: &[&Run]) -> Option<Answer> {
    let of = plan.fields.get(field)?;
    let status = |run: &Run| {
        let ended = run.ended.as_ref();
        ended.map_or(StatusKind::Interrupted, |ended| ended.status)
    };
    let ends: Vec<(End<'_>, StatusKind)> = runs
        .iter()
        .map(|run| {
            let ended = run.ended.as_ref();
            let end = End::new(
                &run.standing.best,
                run.standing.best_loss,
                ended.map_or(&[], |e| &e.without_effect),
            );
            (end, status(run))
        })
        .collect();
    let (found, best) = survey(&ends, &of.region, of.starts.len());
    let mut counts = Counts::default();
    runs.iter().for_each(|run| counts.add(&run.standing.counts));
    let run = runs.get(best)?;
    let x = &run.standing.best;
    let mut y = vec![0.0; of.data.outputs()];
    let simulated = of.data.simulator().forward(x, &mut y).is_ok();
    let chi_squared = simulated.then(|| of.data.loss().chi_squared(&y, of.data.target()));
    y.truncate(of.data.data_outputs());
    let fit = simulated.then_some(y);
    let chi_squared = chi_squared.flatten();
    Some(Answer {
        status: status(run),
        message: run
            .ended
            .as_ref()
            .map_or_else(String::new, |e| e.message.clone()),
        converged: run.ended.as_ref().is_some_and(|e| e.converged),
        loss: run.standing.best_loss,
        chi_squared: chi_squared.map(|c| c.per_datum()),
        steps: run.standing.steps,
        seconds: run.standing.seconds,
        counts,
        notices: run
            .notices
            .iter()
            .map(|(n, c)| format!("{n} ({c} times)"))
            .chain(run.ended.iter().flat_map(|e| e.remarks.iter().cloned()))
            .collect(),
        first_error: run.first_error.clone(),
        solutions: (of.starts.len() > 1).then_some(found),
        x: (x.len() <= SHOWN_UP_TO).then(|| x.clone()),
        data_sets: data_sets::data_sets(plan, fit.as_deref().unwrap_or_default()),
        names: match x.len() <= SHOWN_UP_TO {
            true => names(plan),
            false => Vec::new(),
        },
        weight: of.chosen.clone(),
        statistics: None,
        profiles: Vec::new(),
        posterior: None,
        remarks: Vec::new(),
        arrays: Vec::new(),
        field,
        start: run.start,
        best: x.clone(),
        fit,
    })
}

/// The names of the values of x; none where they have places alone.
fn names(plan: &Plan) -> Vec<String> {
    let labels = plan.simulator.describe().labels.unwrap_or_default();
    labels.into_iter().map(|(name, _)| name).collect()
}

/// The x of all fields as one array, shaped as the target is.
pub fn joined(plan: &Plan, answers: &[Answer]) -> Array {
    let shape = joined_shape(
        &plan.target,
        plan.simulator.output().len(),
        &plan.simulator.input().shape,
    );
    let values = answers
        .iter()
        .flat_map(|a| a.best.iter().copied())
        .collect();
    let entry = registry().simulator(&plan.name).ok();
    let grid = entry.map(|entry| FieldGrid::of(plan.simulator.input(), entry, &plan.options));
    Array {
        colour: plan.target.colour,
        grid: grid.map(|grid| grid.placed_as(&plan.target)),
        ..Array::new(shape, values)
    }
}
