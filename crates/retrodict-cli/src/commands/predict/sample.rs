//! What is told of a sample: how well the network's x explains it, and what a rule makes of that x and of zeros.

use std::sync::Arc;

use retrodict::spec::{NetworkFile, Physics};
use retrodict::{Problem, Solution, Solver, StopWhen};
use serde::Serialize;

use crate::failure::Outcome;
use crate::registry;
use crate::terminal::text::aligned;

/// How x is refined, if it is.
pub struct Refinement {
    /// The rule.
    pub rule: String,
    /// Steps at most.
    pub steps: usize,
    /// Whether the same is done from zeros.
    pub compare_cold: bool,
}

/// What is told of a sample.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SampleLine {
    /// Its number, from 1.
    pub sample: usize,
    /// The loss of the network's x; nothing where y* is not known or the simulation fails.
    pub loss: Option<f64>,
    /// The loss of the refined x.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refined: Option<Reached>,
    /// The same from zeros.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cold: Option<Reached>,
    /// Steps from zeros to a loss that is no higher than the refined one, or so many without reaching it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cold_to_same: Option<Reached>,
    /// Why there is no loss, where the simulation failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A loss, and the steps to it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Reached {
    loss: f64,
    steps: usize,
}

impl From<&Solution> for Reached {
    fn from(solution: &Solution) -> Self {
        Self {
            loss: solution.loss,
            steps: solution.steps,
        }
    }
}

/// The line of a sample; x is refined where that is asked for.
pub fn look(
    file: &NetworkFile,
    physics: &Physics,
    refinement: Option<&Refinement>,
    target: &[f64],
    x: &mut [f64],
) -> Outcome<SampleLine> {
    let simulator = physics.aimed_at(&file.plan.data.draw, target)?;
    let problem = Problem::new(simulator, Arc::clone(&physics.loss), target.to_vec())?;
    let solve = |rule: &str, start: &[f64], stop: StopWhen| -> Outcome<Solution> {
        let rule = registry().rules.build(rule, &toml::Table::new())?;
        Ok(Solver::new(rule, stop).solve(&problem, start)?)
    };
    let mut y = vec![0.0; target.len()];
    problem.simulator().forward(x, &mut y)?;
    let mut line = SampleLine {
        loss: Some(physics.loss.value(&y, target)),
        ..SampleLine::default()
    };
    let Some(Refinement {
        rule,
        steps,
        compare_cold,
    }) = refinement
    else {
        return Ok(line);
    };
    let warm = solve(rule, x, StopWhen::after(*steps))?;
    x.copy_from_slice(&warm.x);
    line.refined = Some(Reached::from(&warm));
    if *compare_cold {
        let zeros = vec![0.0; x.len()];
        let cold = solve(rule, &zeros, StopWhen::after(*steps))?;
        let goal = StopWhen::after(steps.saturating_mul(20).max(200)).with_loss_below(warm.loss);
        let long = solve(rule, &zeros, goal)?;
        line.cold = Some(Reached::from(&cold));
        line.cold_to_same = Some(Reached::from(&long));
    }
    Ok(line)
}

/// All lines as a table.
pub fn table(lines: &[SampleLine], refinement: Option<&Refinement>) -> String {
    let mut head = vec!["sample".to_owned(), "loss of the network's x".to_owned()];
    let cold = refinement.is_some_and(|r| r.compare_cold);
    if let Some(refinement) = refinement {
        head.push(format!("after {}", refinement.rule));
        head.push("steps".to_owned());
    }
    if cold {
        head.push("from zeros".to_owned());
        head.push("steps to the same loss".to_owned());
    }
    let number = |loss: Option<f64>| loss.map_or("–".to_owned(), |loss| format!("{loss:.4e}"));
    let row = |line: &SampleLine| {
        let mut row = vec![line.sample.to_string(), number(line.loss)];
        if refinement.is_some() {
            row.push(number(line.refined.map(|r| r.loss)));
            row.push(line.refined.map_or("–".to_owned(), |r| r.steps.to_string()));
        }
        if cold {
            row.push(number(line.cold.map(|r| r.loss)));
            row.push(match (line.cold_to_same, line.refined) {
                (Some(long), Some(warm)) if long.loss <= warm.loss => long.steps.to_string(),
                (Some(long), Some(_)) => format!("more than {}", long.steps),
                _ => "–".to_owned(),
            });
        }
        row
    };
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(lines.iter().map(row)).collect();
    aligned(&rows, 0)
}
