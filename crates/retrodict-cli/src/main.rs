//! `retrodict`: solve inverse problems, and look at the report.

use std::process::ExitCode;

use retrodict::registry::Registry;

fn main() -> ExitCode {
    retrodict_cli::main_with(Registry::default())
}
