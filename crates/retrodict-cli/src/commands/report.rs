//! `report`: the page of a folder, written anew.

use std::process::ExitCode;

use crate::args;
use crate::failure::Outcome;
use crate::inversion;
use crate::report;
use crate::results::folder;
use crate::training;

/// Builds the report of a run again; of a training that has not finished, from its checkpoints.
pub fn run(args: &args::ReportArguments) -> Outcome<ExitCode> {
    let page = if training::is_training(&args.folder) {
        report::write_training(&args.folder, &training::read(&args.folder)?)?
    } else if inversion::is_inversion(&args.folder) {
        let (contents, answers) = inversion::contents_of(&args.folder)?;
        report::write_inversion(&args.folder, &contents, &answers)?
    } else {
        report::write(&args.folder, &folder::read(&args.folder)?)?
    };
    println!("report: {}", page.display());
    Ok(ExitCode::SUCCESS)
}
