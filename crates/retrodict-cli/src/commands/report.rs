use std::process::ExitCode;

use crate::args;
use crate::failure::Outcome;
use crate::folder;
use crate::report;

/// Builds the report of a finished run again.
pub fn run(args: &args::Report) -> Outcome<ExitCode> {
    let contents = folder::read(&args.folder)?;
    let page = report::write(&args.folder, &contents)?;
    println!("report: {}", page.display());
    Ok(ExitCode::SUCCESS)
}
