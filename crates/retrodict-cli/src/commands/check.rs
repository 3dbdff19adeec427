use std::process::ExitCode;

use retrodict::check;
use retrodict::registry::SIMULATORS;

use crate::args;
use crate::failure::{Failure, Outcome};
use crate::settings;
use crate::tables::aligned;

/// Prints a line for each conformance test.
pub fn run(args: &args::Check) -> Outcome<ExitCode> {
    let simulator = SIMULATORS.build(&args.simulator, &settings::table(&args.settings)?)?;
    let x = check::typical_input(&*simulator, args.seed);
    let checks = check::simulator(&simulator, &x, args.seed);
    let lines: Vec<Vec<String>> = checks
        .iter()
        .map(|c| {
            vec![
                if c.passed { "pass" } else { "FAIL" }.to_owned(),
                c.name.to_owned(),
                format!("{:.2e}", c.measured),
                format!("({})", c.expected),
                c.detail.clone(),
            ]
        })
        .collect();
    print!("{}", aligned(&lines, 5));
    let failed = checks.iter().filter(|c| !c.passed).count();
    if failed > 0 {
        return Err(Failure::Broken(format!(
            "{failed} of {} checks failed for {}",
            checks.len(),
            args.simulator
        )));
    }
    Ok(ExitCode::SUCCESS)
}
