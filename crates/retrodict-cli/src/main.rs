//! `retrodict`: solve inverse problems, and look at the report.

#[macro_use]
mod print;

mod args;
mod batch;
#[cfg(test)]
mod book;
mod commands;
mod contours;
mod data;
mod durable;
mod experiment;
mod failure;
mod film;
mod folder;
mod generate;
mod interrupt;
mod inversion;
mod local_inverse;
mod own_units;
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
mod verdict;

use std::process::ExitCode;

use clap::Parser;

use failure::Failure;

fn main() -> ExitCode {
    // First of all: whoever presses Ctrl-C at once is told as anybody else.
    interrupt::flag();
    let done = match args::Arguments::try_parse() {
        Ok(arguments) => interrupt::within(|| commands::run(arguments.command)),
        Err(told) => parsed(&told),
    };
    // A command that failed says so, whatever became of its words.
    match done.and_then(|code| print::outcome().map(|()| code)) {
        Ok(code) => code,
        Err(Failure::NoReader) => Failure::NoReader.exit_code(),
        Err(failure) => {
            eprintln!("retrodict: {failure}");
            failure.exit_code()
        }
    }
}

/// What the arguments ask for instead of a command: help or the version; or what is wrong with them.
fn parsed(told: &clap::Error) -> failure::Outcome<ExitCode> {
    let printed = told.print();
    if told.use_stderr() {
        // Where standard error cannot be written, there is no other place to say so.
        return Ok(ExitCode::from(2));
    }
    print::remember(printed);
    Ok(ExitCode::SUCCESS)
}
