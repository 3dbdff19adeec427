//! `resume`: goes on with an inversion or a training where it stopped.

use std::process::ExitCode;

use retrodict::spec::TrainingSpec;

use crate::args;
use crate::args::{settings, source};
use crate::data::durable::remove_left_over;
use crate::deliver::{self, Delivery};
use crate::failure::{Failure, Outcome};
use crate::inversion::{
    self, Change, CheckpointFile, Plan, apply_all, checkpoint, keep_going, reopen, weigh,
};
use crate::terminal::interrupt;
use crate::training::{Manifest, is_begun};

/// Goes on with a training or an inversion, whichever the folder holds.
pub fn run(args: &args::ResumeArguments) -> Outcome<ExitCode> {
    super::threads(args.threads)?;
    remove_left_over(&args.folder);
    if inversion::is_inversion(&args.folder) {
        return resume(args);
    }
    if args.folder.join("plan.toml").exists() {
        return train(args);
    }
    Err(Failure::Misuse(format!(
        "{} is the folder of neither an inversion (inversion.toml) nor a training run (plan.toml); name one written \
         by `retrodict solve --out` or `retrodict train`",
        args.folder.display()
    )))
}

/// Goes on with an inversion: as it was, or with what the flags change of it.
fn resume(args: &args::ResumeArguments) -> Outcome<ExitCode> {
    let what = args.folder.display().to_string();
    let (inversion, origin) = inversion::read(&args.folder)?;
    let mut changes = settings::stops(&args.stops)?;
    changes.extend(settings::changes(&args.settings)?);
    let inversion = apply_all(inversion, &changes)?;
    let mut plan = Plan::new(inversion, &origin.with_changes(changes))?;
    source::note(&*plan.simulator);
    let now = checkpoint(&plan, Vec::new())?;
    let runs = match CheckpointFile::read(&args.folder)? {
        None => {
            weigh(&mut plan, &[])?;
            inversion::fresh(&plan)
        }
        Some(before) => {
            let change = Change::between(&before, &now.problem, &now.rule);
            let asked = args.steps.is_some() || !args.stops.is_empty() || !args.settings.is_empty();
            if change == Change::Problem && args.settings.is_empty() {
                eprintln!(
                    "note: the data have changed since {what} was written; the inversion starts again from its best x"
                );
            }
            // The same problem has the same weight, and need not be asked for it again.
            let known: &[_] = match change {
                Change::Problem => &[],
                Change::Nothing | Change::Rule => &before.weights,
            };
            weigh(&mut plan, known)?;
            reopen(&plan, before, change, args.steps, asked)?
        }
    };
    if runs.iter().all(|run| run.ended.is_some()) {
        eprintln!("note: this inversion has finished; give --steps, --stop or --set to continue");
    }
    inversion::write_inversion(&args.folder, &plan.inversion)?;
    let (runs, keeper) = keep_going(&plan, runs, &args.folder, args.checkpoint)?;
    let delivery = Delivery {
        json: args.json,
        folder: Some(&args.folder),
        output: None,
    };
    deliver::inversion(&plan, &runs, keeper, &delivery)?;
    Ok(interrupt::code(ExitCode::SUCCESS))
}

/// Goes on with a training that was stopped, as if it had never been.
fn train(args: &args::ResumeArguments) -> Outcome<ExitCode> {
    if args.steps.is_some() || !args.stops.is_empty() || !args.settings.is_empty() {
        return Err(Failure::Misuse(format!(
            "{} is the folder of a training run, which continues unchanged; --steps, --stop and --set are for \
             inversions",
            args.folder.display()
        )));
    }
    let path = args.folder.join("plan.toml");
    let text = std::fs::read_to_string(&path).map_err(|e| Failure::unreadable(&path, e))?;
    let damaged =
        |why: &dyn std::fmt::Display| Failure::unreadable(&path, format!("it is damaged ({why})"));
    let plan = TrainingSpec::from_toml("plan.toml", &text).map_err(|e| damaged(&e))?;
    let path = args.folder.join("manifest.json");
    let bytes = std::fs::read(&path).map_err(|e| {
        let again = match is_begun(&args.folder) {
            true => "restore it, or train in another folder",
            false => "the training stopped before it began: run `retrodict train` again",
        };
        Failure::unreadable(&path, format!("{e}; {again}"))
    })?;
    let manifest: Manifest = serde_json::from_slice(&bytes)
        .map_err(|e| Failure::unreadable(&path, format!("it is damaged ({e})")))?;
    deliver::training(&plan, manifest, &args.folder, args.checkpoint, args.json)
}
