//! `check`: the tests of a simulator.

use std::process::ExitCode;

use crate::registry;
use retrodict::check::{self, Check, Reach};
use retrodict::error::expect_length;
use retrodict::spec::{Named, with_inverse, with_option_files};

use crate::args;
use crate::args::settings;
use crate::args::source;
use crate::data::{self, UserFiles};
use crate::failure::{Failure, Outcome};
use crate::terminal::interrupt;
use crate::terminal::text::aligned;

/// Prints a line for each conformance test, and how far the local inverse holds.
pub fn run(args: &args::CheckArguments) -> Outcome<ExitCode> {
    let mut options = settings::table(&args.settings)?;
    args.source.join(&args.simulator, false, &mut options)?;
    let inverse = settings::inverse(args.inverse.as_deref(), &mut options)?;
    let named = Named {
        name: args.simulator.clone(),
        options,
    };
    let options = with_option_files(&named, registry(), &UserFiles)?.options;
    let simulator = registry().simulator(&args.simulator)?.build(&options)?;
    source::note(&*simulator);
    let simulator = with_inverse(simulator, inverse.as_ref(), registry())?;
    let x = match &args.at {
        Some(name) => one(name, &simulator.input().shape)?,
        None => check::typical_input(&*simulator, args.seed),
    };
    expect_length(
        args.at.as_deref().unwrap_or("x"),
        x.len(),
        simulator.input().len(),
    )?;
    let mut checks = check::simulator(&simulator, &x, args.seed);
    let reach = check::reach(&*simulator, &x, args.seed).transpose()?;
    checks.extend(reach.iter().flat_map(Reach::checks));
    if interrupt::raised() {
        // What failed then failed for that.
        return Err(Failure::interrupted());
    }
    let lines: Vec<Vec<String>> = checks.iter().map(line).collect();
    print!("{}", aligned(&lines, 5));
    if let Some(reach) = &reach {
        println!();
        print!("{}", sweep(reach));
    }
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

/// The one x of a file.
fn one(name: &str, shape: &[usize]) -> Outcome<Vec<f64>> {
    let array = data::read(name)?;
    Ok(data::split(&array, shape, name)?.concat())
}

fn line(check: &Check) -> Vec<String> {
    vec![
        if check.passed { "pass" } else { "FAIL" }.to_owned(),
        check.name.to_owned(),
        format!("{:.2e}", check.measured),
        format!("({})", check.expected),
        check.detail.clone(),
    ]
}

/// A line for each ‖Δy‖.
fn sweep(reach: &Reach) -> String {
    let mut lines = vec![
        [
            "‖Δy‖",
            "‖P(P⁻¹(y; x₀)) − y‖",
            "holds",
            "‖P⁻¹(y; x₀) − x₀ − J⁺Δy‖",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for line in &reach.lines {
        lines.push(vec![
            format!("{:.3e}", line.length),
            format!("{:.3e}", line.remaining),
            if line.holds { "yes" } else { "no" }.to_owned(),
            format!("{:.3e}", line.to_inverse_jacobian),
        ]);
    }
    aligned(&lines, 0)
}
