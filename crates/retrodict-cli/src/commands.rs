//! The subcommands, a file each.

mod audit;
mod batch;
mod check;
mod collect;
mod completions;
mod inspect;
mod list;
mod man;
mod predict;
mod report;
mod resume;
mod run;
mod serve;
mod simulate;
mod solve;
mod train;

use std::process::ExitCode;

use crate::args::Command;
use crate::failure::{Failure, Outcome};
use crate::terminal::interrupt;

/// Does what was asked.
pub fn run(command: Command) -> Outcome<ExitCode> {
    match command {
        Command::List(args) => interrupt::abandonable(move || list::run(&args)),
        Command::Run(args) => run::run(&args),
        Command::Solve(args) => solve::run(&args),
        Command::Inspect(args) => interrupt::abandonable(move || inspect::run(&args)),
        Command::Simulate(args) => interrupt::abandonable(move || simulate::run(&args)),
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => interrupt::abandonable(move || check::run(&args)),
        Command::Audit(args) => interrupt::abandonable(move || audit::run(&args)),
        Command::Report(args) => interrupt::abandonable(move || report::run(&args)),
        Command::Train(args) => train::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Resume(args) => resume::run(&args),
        Command::Batch(args) => batch::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Collect(args) => interrupt::abandonable(move || collect::run(&args)),
    }
}

/// Sets the number of threads, if one was asked for; returns how many there are.
fn threads(wanted: Option<usize>) -> Outcome<usize> {
    if wanted == Some(0) {
        return Err(Failure::Misuse(
            "--threads 0: it must be at least 1".to_owned(),
        ));
    }
    if let Some(n) = wanted {
        rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build_global()
            .map_err(|e| Failure::Broken(format!("cannot start {n} threads: {e}")))?;
    }
    Ok(rayon::current_num_threads())
}
