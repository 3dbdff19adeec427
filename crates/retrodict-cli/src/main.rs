//! `retrodict`: run a simulator backwards, and look at the report.

mod args;
mod batch;
#[cfg(test)]
mod book;
mod commands;
mod contours;
mod data;
mod experiment;
mod failure;
mod film;
mod folder;
mod generate;
mod interrupt;
mod inversion;
mod local_inverse;
mod plan;
mod prepared;
mod progress;
mod race;
mod report;
mod sealed;
mod series;
mod server;
mod settings;
mod source;
mod survey;
mod sweep;
mod tables;
mod training;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    match commands::run(arguments.command) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("retrodict: {failure}");
            failure.exit_code()
        }
    }
}
