//! What a folder holds of each of several data sets.

use retrodict::spec::Observed;

use super::space;
use crate::data::Array;
use crate::failure::Outcome;
use crate::inversion::plan::data_set::DataSet;
use crate::inversion::{Answer, Plan};
use crate::registry;
use crate::results::folder::ProblemFacts;
use crate::results::series::Curves;

/// What the report says of a data set.
pub fn facts(plan: &Plan, set: &DataSet, posed: &Observed) -> Outcome<ProblemFacts> {
    let entry = registry().simulator(&set.inversion.simulator.name)?;
    Ok(ProblemFacts {
        name: set.name.clone(),
        simulator: entry.name.to_owned(),
        sentence: entry.sentence.to_owned(),
        x: space(plan.simulator.input()),
        y: space(posed.simulator.output()),
        loss: posed.problem.loss().formula(),
        count: 1,
        series: curves(set, posed).map(|curves| curves.facts()),
        ..ProblemFacts::default()
    })
}

/// `north (sir) and south (sir)`, with what they are.
pub fn sentence(sets: &[ProblemFacts]) -> String {
    let each = sets
        .iter()
        .map(|set| format!("{} ({})", set.name, set.simulator));
    let each: Vec<String> = each.collect();
    format!(
        "{} data sets that share parameters: {}",
        each.len(),
        each.join(", ")
    )
}

/// Its data and where x leads, as `NAME/LABEL/…`.
pub fn fields(
    set: &DataSet,
    posed: &Observed,
    answer: &Answer,
    label: &str,
) -> Vec<(String, Array)> {
    let y = &posed.simulator.output().shape;
    let own = |what: &str| format!("{}/{label}/{what}", set.name);
    let rows = posed.rows.clone();
    let data = &posed.problem.target()[..rows.len()];
    // Where data are missing, those that there are stand one after the other.
    let whole = y.iter().product::<usize>() == rows.len();
    let shape = if whole { y.clone() } else { vec![rows.len()] };
    let mut fields = vec![(own("target"), Array::new(shape.clone(), data.to_vec()))];
    if let Some(fit) = answer.fit.as_ref().and_then(|fit| fit.get(rows)) {
        fields.push((own("fit"), Array::new(shape, fit.to_vec())));
    }
    if let Some(curves) = curves(set, posed) {
        fields.push((own("curve"), curves.curve(&answer.best)));
        if whole {
            fields.push((format!("{}/data", set.name), curves.data(data)));
        }
    }
    fields
}

/// The curves of a series, in the parameters of the inversion.
fn curves(set: &DataSet, posed: &Observed) -> Option<Curves> {
    let named = &set.inversion.simulator;
    let curves = Curves::new(&*posed.simulator, &named.name, &named.options)?;
    curves.through(|simulator| posed.with_simulator(simulator).ok())
}
