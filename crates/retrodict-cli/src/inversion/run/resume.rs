//! Opens the folder of an inversion again, with changes.

use retrodict::Checkpoint;

use crate::failure::{Failure, Outcome};
use crate::inversion::{CheckpointFile, Plan, Run, fresh};

/// What changed since a checkpoint was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing: runs go on bit for bit.
    Nothing,
    /// The rule: runs go on from their best x, with another memory.
    Rule,
    /// The problem: losses are no longer the same, and runs begin anew at their best x.
    Problem,
}

impl Change {
    /// From the checkpoint to what is to be done now.
    pub fn between(before: &CheckpointFile, problem: &str, rule: &str) -> Self {
        match (before.problem == problem, before.rule == rule) {
            (false, _) => Self::Problem,
            (true, false) => Self::Rule,
            (true, true) => Self::Nothing,
        }
    }
}

/// The runs of a checkpoint, made ready to go on: those that were stopped before they had ended, and all of
/// them where more steps or anything else was asked for.
pub fn reopen(
    plan: &Plan,
    before: CheckpointFile,
    change: Change,
    more: Option<usize>,
    asked: bool,
) -> Outcome<Vec<Run>> {
    let begun = fresh(plan);
    let fits = before.runs.len() == begun.len()
        && before.runs.iter().zip(&begun).all(|(run, new)| {
            run.field == new.field && run.standing.x.len() == new.standing.x.len()
        });
    if !fits {
        return Err(Failure::Misuse(
            "the inversion has other unknowns, fields or starts than before; solve it in a new folder, with --out"
                .to_owned(),
        ));
    }
    let mut runs = before.runs;
    for run in &mut runs {
        let stopped = run
            .ended
            .as_ref()
            .is_none_or(|ended| ended.status.is_stopped());
        if !stopped && !asked {
            continue;
        }
        run.ended = None;
        if let Some(more) = more {
            run.limit = run.standing.steps + more;
        } else if asked && change != Change::Nothing {
            run.limit = run.standing.steps + plan.stop.steps;
        } else if asked {
            run.limit = run.limit.max(plan.stop.steps);
        }
        run.standing = moved(&run.standing, change);
    }
    Ok(runs)
}

/// Where a run goes on after a change.
fn moved(standing: &Checkpoint, change: Change) -> Checkpoint {
    match change {
        Change::Nothing => standing.clone(),
        Change::Rule => standing.for_another_rule(),
        Change::Problem => standing.for_another_problem(),
    }
}
