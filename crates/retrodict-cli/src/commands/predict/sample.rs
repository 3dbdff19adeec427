//! What is told of a sample: how well the network's x explains it, and what refining makes of that x and of zeros.

use retrodict::spec::{NetworkFile, Physics, Refined, StopSpec};
use serde::Serialize;

use super::refining::{Refining, loss};
use crate::failure::Outcome;
use crate::terminal::text::aligned;

/// What is told of a sample.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SampleLine {
    /// Its number, from 1.
    pub sample: usize,
    /// The loss of the network's x; nothing where y* is not known or the simulation fails.
    pub loss: Option<f64>,
    /// ‖x − x*‖ / ‖x*‖ of the network's x, where x* is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_error: Option<f64>,
    /// The refined x.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refined: Option<Reached>,
    /// The same from zeros.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cold: Option<Reached>,
    /// Steps from zeros to a loss that is no higher than the refined one, or so many without reaching it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cold_to_same: Option<Reached>,
    /// Why x is NaN, where the simulation failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a refinement came to.
#[derive(Debug, Clone, Serialize)]
pub struct Reached {
    /// The training's loss.
    pub loss: f64,
    /// The steps to it.
    pub steps: usize,
    /// The rule that took them.
    pub rule: String,
    /// How it ended, in a word.
    pub status: &'static str,
    /// χ²/N, where the noise level is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chi_squared: Option<f64>,
    /// ‖x − x*‖ / ‖x*‖, where x* is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_error: Option<f64>,
}

impl Reached {
    fn of(refined: &Refined, truth: Option<&[f64]>) -> Self {
        Self {
            loss: refined.loss,
            steps: refined.solution.steps,
            rule: refined.rule.clone(),
            status: refined.solution.status.name(),
            chi_squared: refined.chi_squared,
            x_error: error(&refined.x, truth),
        }
    }
}

/// ‖x − x*‖ / ‖x*‖; nothing for an x* that is not known, or is 0.
pub fn error(x: &[f64], truth: Option<&[f64]>) -> Option<f64> {
    let truth = truth?;
    let squares = x.iter().zip(truth).map(|(x, truth)| (x - truth).powi(2));
    let size: f64 = truth.iter().map(|truth| truth * truth).sum();
    (size > 0.0).then(|| (squares.sum::<f64>() / size).sqrt())
}

/// The line of a sample with a y*; x is refined where that is asked for.
pub fn look(
    file: &NetworkFile,
    physics: &Physics,
    refining: Option<&Refining>,
    target: &[f64],
    truth: Option<&[f64]>,
    x: &mut [f64],
) -> Outcome<SampleLine> {
    let mut line = SampleLine {
        loss: Some(loss(file, physics, x, target)?),
        x_error: error(x, truth),
        ..SampleLine::default()
    };
    let Some(Refining {
        refiner,
        steps,
        compare_cold,
        regularised,
    }) = refining
    else {
        return Ok(line);
    };
    let warm = refiner.refine(x, target)?;
    x.copy_from_slice(&warm.x);
    line.refined = Some(Reached::of(&warm, truth));
    if *compare_cold {
        let zeros = vec![0.0; x.len()];
        let cold = refiner.refine(&zeros, target)?;
        line.cold = Some(Reached::of(&cold, truth));
        if !regularised {
            let goal = StopSpec::after(steps.saturating_mul(20).max(200))
                .with_loss_below(warm.solution.loss);
            let long = refiner.refine_until(&zeros, target, Some(goal))?;
            line.cold_to_same = Some(Reached::of(&long, truth));
        }
    }
    Ok(line)
}

/// A column of the table: whether it has anything to say, its head, and what it says of a sample.
type Heading = (bool, String, fn(&SampleLine) -> String);

fn number(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.4e}"))
}

fn steps(line: &SampleLine) -> String {
    let refined = line.refined.as_ref();
    refined.map_or("–".to_owned(), |refined| refined.steps.to_string())
}

fn chi_squared(line: &SampleLine) -> String {
    let found = line.refined.as_ref().and_then(|r| r.chi_squared);
    found.map_or("–".to_owned(), |found| format!("{found:.3}"))
}

fn to_the_same(line: &SampleLine) -> String {
    match (&line.cold_to_same, &line.refined) {
        (Some(long), Some(warm)) if long.loss <= warm.loss => long.steps.to_string(),
        (Some(long), Some(_)) => format!("more than {}", long.steps),
        _ => "–".to_owned(),
    }
}

/// All lines as a table; without columns that have nothing to say.
pub fn table(lines: &[SampleLine], refining: Option<&Refining>) -> String {
    let any = |has: fn(&SampleLine) -> bool| lines.iter().any(has);
    let (refined, cold) = (refining.is_some(), refining.is_some_and(|r| r.compare_cold));
    let errors = any(|line| line.x_error.is_some());
    let noise = any(|line| {
        line.refined
            .as_ref()
            .is_some_and(|r| r.chi_squared.is_some())
    });
    let same = any(|line| line.cold_to_same.is_some());
    let mut rules = lines.iter().filter_map(|line| line.refined.as_ref());
    let rule = rules.next().map_or("refining", |refined| &refined.rule);
    let columns: [Heading; 9] = [
        (true, "sample".to_owned(), |line| line.sample.to_string()),
        (true, "loss of the network's x".to_owned(), |line| {
            number(line.loss)
        }),
        (refined, format!("after {rule}"), |line| {
            number(line.refined.as_ref().map(|r| r.loss))
        }),
        (refined, "steps".to_owned(), steps),
        (noise, "χ²/N".to_owned(), chi_squared),
        (cold, "from zeros".to_owned(), |line| {
            number(line.cold.as_ref().map(|r| r.loss))
        }),
        (same, "steps to the same loss".to_owned(), to_the_same),
        (errors, "error of x".to_owned(), |line| number(line.x_error)),
        (errors && refined, "refined".to_owned(), |line| {
            number(line.refined.as_ref().and_then(|r| r.x_error))
        }),
    ];
    let shown = || columns.iter().filter(|(shown, ..)| *shown);
    let head = shown().map(|(_, head, _)| head.clone()).collect();
    let row = |line| shown().map(|(.., cell)| cell(line)).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(lines.iter().map(row)).collect();
    aligned(&rows, 0)
}
