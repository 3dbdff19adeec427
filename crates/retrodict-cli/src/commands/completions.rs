//! `completions`: names and flags for a shell.

use std::process::ExitCode;

use crate::args::{self, command};
use crate::failure::Outcome;

/// Prints a script that completes commands, flags and names in a shell.
pub fn run(args: &args::CompletionsArguments) -> Outcome<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "retrodict", &mut script);
    print!("{}", String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}
