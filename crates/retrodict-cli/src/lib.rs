//! The command line of retrodict: run a simulator backwards, and look at the report.
//!
//! A binary of your own gets all of it for simulators, rules, losses and priors of yours:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use retrodict::registry::Registry;
//!
//! fn main() -> ExitCode {
//!     retrodict_cli::main_with(Registry::default())
//! }
//! ```

#[macro_use]
mod terminal;

mod args;
mod batch;
#[cfg(test)]
mod book;
mod catalogue;
mod commands;
mod data;
mod deliver;
mod experiment;
mod failure;
mod inversion;
mod report;
mod results;
mod server;
mod training;

use std::process::ExitCode;
use std::sync::OnceLock;

use clap::Parser;
use retrodict::registry::Registry;

use failure::Failure;

static REGISTRY: OnceLock<Registry> = OnceLock::new();

/// The lists from which every command takes its simulators, rules and so on.
fn registry() -> &'static Registry {
    REGISTRY.get_or_init(Registry::default)
}

/// Runs the command line with the simulators, rules, losses and priors of a registry; the arguments are the process's own.
///
/// Call it once, from `main`, and return what it returns.
pub fn main_with(lists: Registry) -> ExitCode {
    // Whoever calls it twice keeps the first lists: commands hold references to them.
    let _ = REGISTRY.set(lists);
    // First of all: whoever presses Ctrl-C at once is told as anybody else.
    terminal::interrupt::flag();
    let done = match args::Arguments::try_parse_from(asked(std::env::args_os().collect())) {
        Ok(arguments) => terminal::interrupt::within(|| commands::run(arguments.command)),
        Err(error) => parsed(&error),
    };
    // A command that failed says so, whatever became of its words.
    match done.and_then(|code| terminal::print::outcome().map(|()| code)) {
        Ok(code) => code,
        Err(Failure::NoReader) => Failure::NoReader.exit_code(),
        Err(failure) => {
            eprintln!("retrodict: {failure}");
            failure.exit_code()
        }
    }
}

/// `help NAME` shows an entry of the lists, where it is no command.
fn asked(mut words: Vec<std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    if let [_, help, name] = words.as_slice()
        && help == "help"
        && !name.to_string_lossy().starts_with('-')
        && args::command()
            .get_subcommands()
            .all(|known| known.get_name() != name.as_os_str())
        && name != "help"
    {
        words[1] = "list".into();
    }
    words
}

/// What the arguments ask for instead of a command: help or the version; or what is wrong with them.
fn parsed(error: &clap::Error) -> failure::Outcome<ExitCode> {
    let printed = error.print();
    if error.use_stderr() {
        // Where standard error cannot be written, there is no other place to say so.
        return Ok(ExitCode::from(2));
    }
    terminal::print::remember(printed);
    Ok(ExitCode::SUCCESS)
}
