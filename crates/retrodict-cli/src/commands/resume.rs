use std::process::ExitCode;

use super::{solve, train};
use crate::args;
use crate::args::source;
use crate::durable::remove_left_over;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::inversion::{self, Change, CheckpointFile, Plan, apply_all, limits, reopen};

/// Goes on with a training or an inversion, whichever the folder holds.
pub fn run(args: &args::Resume) -> Outcome<ExitCode> {
    super::threads(args.threads)?;
    remove_left_over(&args.folder);
    if inversion::is_inversion(&args.folder) {
        return resume(args);
    }
    if args.folder.join("plan.toml").exists() {
        return train::resume(args);
    }
    Err(Failure::Misuse(format!(
        "{} is the folder of neither an inversion (inversion.toml) nor a training run (plan.toml); name one written \
         by `retrodict solve --out` or `retrodict train`",
        args.folder.display()
    )))
}

/// Goes on with an inversion: as it was, or with what the flags change of it.
fn resume(args: &args::Resume) -> Outcome<ExitCode> {
    let what = args.folder.display().to_string();
    let mut changed = inversion::read(&args.folder)?;
    limits(None, None, &args.stops, &mut changed.stop)?;
    let mut plan = Plan::new(apply_all(changed, &what, &args.settings)?)?;
    source::note(&*plan.simulator);
    let now = solve::checkpoint(&plan, Vec::new())?;
    let runs = match CheckpointFile::read(&args.folder)? {
        None => {
            solve::weigh(&mut plan, &[])?;
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
            solve::weigh(&mut plan, known)?;
            reopen(&plan, before, change, args.steps, asked)?
        }
    };
    if runs.iter().all(|run| run.ended.is_some()) {
        eprintln!("note: this inversion has finished; give --steps, --stop or --set to continue");
    }
    inversion::write_inversion(&args.folder, &plan.inversion)?;
    let (runs, keeper) = solve::keep_going(&plan, runs, &args.folder, args.checkpoint)?;
    let told = solve::Told {
        json: args.json,
        folder: Some(&args.folder),
        output: None,
    };
    solve::finish(&plan, &runs, keeper, &told)?;
    Ok(interrupt::code(ExitCode::SUCCESS))
}
