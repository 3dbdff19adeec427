//! What `train` and `resume` deliver: the folder, the report, and what is said of them.

use std::path::Path;
use std::process::ExitCode;

use retrodict::spec::TrainingSpec;

use crate::failure::Outcome;
use crate::report;
use crate::results::folder;
use crate::results::verdict;
use crate::terminal::interrupt;
use crate::terminal::text::{unindented, wrapped};
use crate::training::{self, Contents};

/// Writes what was learned and tells it.
pub fn finish(
    plan: &TrainingSpec,
    contents: &Contents,
    out: &Path,
    as_json: bool,
) -> Outcome<ExitCode> {
    training::write(out, contents)?;
    let page = report::write_training(out, contents)?;
    if as_json {
        println!("{}", folder::json(&contents.outcomes)?);
        return Ok(interrupt::code(ExitCode::SUCCESS));
    }
    if let Some(sentence) = verdict::of_training(contents) {
        println!("{}", unindented("", &sentence));
        println!();
    }
    println!("{}", unindented("", &plan.sentence));
    println!();
    print!("{}", training::results(contents));
    println!();
    for remark in training::remarks(contents) {
        println!("{}", wrapped("note: ", &remark));
    }
    if contents.manifest.interrupted {
        println!(
            "interrupted: continue with `retrodict resume {}`",
            out.display()
        );
    }
    println!("report: {}", page.display());
    Ok(interrupt::code(ExitCode::SUCCESS))
}
