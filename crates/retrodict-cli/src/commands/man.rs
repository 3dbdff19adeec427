//! `man`: the manual pages.

use std::process::ExitCode;

use crate::args::{self, command};
use crate::failure::{Failure, Outcome};

/// Prints the manual page of retrodict or of one of its commands.
pub fn run(args: &args::ManArguments) -> Outcome<ExitCode> {
    let mut whole = command();
    whole.build();
    let page = match &args.command {
        None => whole,
        Some(name) => whole
            .get_subcommands()
            .find(|sub| sub.get_name() == name)
            .cloned()
            .ok_or_else(|| {
                let known: Vec<&str> = whole
                    .get_subcommands()
                    .map(clap::Command::get_name)
                    .collect();
                Failure::Misuse(format!(
                    "there is no command '{name}'; known: {}",
                    known.join(", ")
                ))
            })?,
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut text)
        .map_err(|e| Failure::Broken(format!("cannot write the manual page: {e}")))?;
    print!("{}", String::from_utf8_lossy(&text));
    Ok(ExitCode::SUCCESS)
}
