//! What reports show of a batch of problems of an experiment.

use retrodict::Space;
use retrodict::spec::{ErrorNorm, ProblemSet, TruthSpec};

use crate::data::Array;
use crate::experiment::film::Film;
use crate::failure::Outcome;
use crate::results::folder::{ProblemFacts, SpaceFacts};
use crate::results::own_units::own_units;
use crate::results::series::Curves;

/// The first member's field, or all three channels of a picture.
pub fn picture(problem: &ProblemSet, space: &Space, members: &[&[f64]]) -> Array {
    if !is_colour(problem) {
        let first = members.first().map(|m| m.to_vec()).unwrap_or_default();
        return Array::new(space.shape.clone(), first);
    }
    let mut shape = vec![3];
    shape.extend(&space.shape);
    Array {
        colour: true,
        ..Array::new(shape, members.concat())
    }
}

/// Target, truth and start as they are kept.
pub fn fields(problem: &ProblemSet) -> Vec<(String, Array)> {
    let (x, y) = (problem.simulator.input(), problem.simulator.output());
    [
        ("target", &y, &problem.targets),
        ("truth", &x, &problem.truths),
        ("start", &x, &problem.starts),
    ]
    .into_iter()
    .filter(|(what, ..)| *what != "truth" || problem.norm() != ErrorNorm::None)
    .map(|(what, space, values)| {
        let members: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
        let name = format!("{}/{what}", problem.spec.name);
        (name, picture(problem, space, &members))
    })
    .chain(curves(problem).map(|curves| {
        let name = format!("{}/data", problem.spec.name);
        (name, curves.data(&problem.targets[0]))
    }))
    .chain(film(problem).map(|film| {
        let name = format!("{}/film", problem.spec.name);
        (name, film.frames(&problem.truths[0]))
    }))
    .collect()
}

/// What is drawn of a y that is a series in time.
pub fn curves(problem: &ProblemSet) -> Option<Curves> {
    Curves::new(
        &*problem.simulator,
        problem.entry().name,
        &problem.spec.simulator.options,
    )
}

/// What is shown of the way from x to y.
pub fn film(problem: &ProblemSet) -> Option<Film> {
    Film::new(
        &*problem.simulator,
        problem.entry().name,
        &problem.spec.simulator.options,
    )
}

/// What the report says of it.
pub fn facts(problem: &ProblemSet) -> Outcome<ProblemFacts> {
    let entry = problem.entry();
    let space = |s: &Space| SpaceFacts {
        name: s.name.clone(),
        shape: s.shape.clone(),
        unit: s.unit.clone(),
    };
    Ok(ProblemFacts {
        name: problem.spec.name.clone(),
        simulator: entry.name.to_owned(),
        sentence: entry.sentence.to_owned(),
        x: space(problem.simulator.input()),
        y: space(problem.simulator.output()),
        loss: problem.loss.formula(),
        error: problem.norm().formula().to_owned(),
        count: problem.truths.len(),
        noise: problem.spec.noise,
        truth_loss: problem.truth_loss(),
        labels: problem.simulator.describe().labels.unwrap_or_default(),
        own_units: own_units(&*problem.simulator),
        colour: is_colour(problem),
        series: curves(problem).map(|curves| curves.facts()),
        film: film(problem).map_or(Vec::new(), |film| film.steps().to_vec()),
        data_sets: Vec::new(),
    })
}

fn is_colour(problem: &ProblemSet) -> bool {
    let picture = matches!(
        problem.spec.truth,
        TruthSpec::Photograph | TruthSpec::File { .. }
    );
    picture && problem.truths.len() == 3
}
