//! Runs with what is shown and kept on the way: the choice of weights and the steps with a bar, the checkpoint in the folder.

use std::path::Path;
use std::time::Duration;

use crate::failure::Outcome;
use crate::inversion::{self, CheckpointFile, Chosen, Keeper, Plan, Run, Watch, fingerprint};
use crate::terminal::progress::Progress;

/// Runs with a folder that keeps what is reached; the keeper wants to be finished once x is written.
pub fn keep_going(
    plan: &Plan,
    runs: Vec<Run>,
    folder: &Path,
    every: Duration,
) -> Outcome<(Vec<Run>, Option<Keeper>)> {
    let keeper = Keeper::start(folder, every, checkpoint(plan, runs.clone())?)?;
    let runs = watched(plan, runs, Some(&keeper))?;
    Ok((runs, Some(keeper)))
}

/// Chooses weights with a bar on a terminal.
pub fn weigh(plan: &mut Plan, known: &[Chosen]) -> Outcome<()> {
    if plan.choice.is_none() {
        return Ok(());
    }
    let fields = plan.fields.len() as u64;
    let progress = Progress::start("choosing the weight of the prior", fields);
    let chosen = plan.weigh(known, &|field, tried| {
        progress.show(field as u64, || format!("{tried} weights tried"));
    });
    progress.clear();
    chosen
}

/// Runs with a bar on a terminal.
pub fn watched(plan: &Plan, runs: Vec<Run>, keeper: Option<&Keeper>) -> Outcome<Vec<Run>> {
    let watch = Watch::start(plan, &runs);
    let done = inversion::go(plan, runs, keeper, Some(&watch));
    watch.finish();
    done
}

/// Where the runs of a plan stand, with what their losses and memories belong to.
pub fn checkpoint(plan: &Plan, runs: Vec<Run>) -> Outcome<CheckpointFile> {
    Ok(CheckpointFile {
        problem: fingerprint(&plan.inversion, false)?,
        rule: plan.rule_words(),
        weights: plan.chosen(),
        runs,
    })
}
