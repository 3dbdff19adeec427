//! `solve`: x from observations of the user's own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use retrodict::spec::InversionSpec;

use crate::args;
use crate::args::source;
use crate::data::{self, STANDARD, standard};
use crate::deliver::{self, Delivery};
use crate::failure::{Failure, NOT_CONVERGED, Outcome};
use crate::inversion::{self, Destination, Plan, Preview, keep_going, watched, weigh};
use crate::results::folder;
use crate::terminal::interrupt;
use crate::terminal::text::wrapped;

/// Finds the x that explains the user's data.
pub fn run(args: &args::SolveArguments) -> Outcome<ExitCode> {
    super::threads(args.threads)?;
    let (inversion, origin) = inversion::from_arguments(args)?;
    if output_of(args, &inversion).is_some_and(|output| output.as_os_str() == STANDARD) {
        if args.json {
            return Err(Failure::Misuse(
                "--json and x would both go to standard output; write x to a file with --output FILE".to_owned(),
            ));
        }
        if !args.dry_run {
            standard::claim_output();
        }
    }
    let mut plan = Plan::new(inversion, &origin)?;
    source::note(&*plan.simulator);
    for remark in &plan.remarks {
        eprintln!("{}", wrapped("note: ", remark));
    }
    if let Some(warning) = plan.warnings() {
        eprintln!("{}", wrapped("note: ", &warning));
    }
    if args.dry_run {
        return preview(args, &plan);
    }
    if let Some(out) = &args.out {
        begin(out)?;
        inversion::keep_standard_input(&mut plan.inversion, out)?;
        // Before the choice of a weight, which may take long: whoever kills it goes on by `retrodict resume`.
        inversion::write_inversion(out, &plan.inversion)?;
    }
    let weighed = weigh(&mut plan, &[]);
    if let (Err(_), Some(out)) = (&weighed, &args.out) {
        inversion::forget_inversion(out);
    }
    weighed?;
    let runs = inversion::fresh(&plan);
    let (runs, keeper) = match &args.out {
        None => (watched(&plan, runs, None)?, None),
        Some(out) => keep_going(&plan, runs, out, args.checkpoint)?,
    };
    let output = output_of(args, &plan.inversion);
    let delivery = Delivery {
        json: args.json,
        folder: args.out.as_deref(),
        output: output.as_deref(),
    };
    let all = deliver::inversion(&plan, &runs, keeper, &delivery)?;
    Ok(interrupt::code(if args.require_converged && !all {
        ExitCode::from(NOT_CONVERGED)
    } else {
        ExitCode::SUCCESS
    }))
}

/// Tells what would be done: nothing is solved, and nothing is written.
fn preview(args: &args::SolveArguments, plan: &Plan) -> Outcome<ExitCode> {
    if let Some(out) = &args.out {
        folder::check(out)?;
        not_taken(out)?;
    }
    let file = output_of(args, &plan.inversion);
    let output = Destination::new(args.out.as_deref(), file.as_deref());
    let preview = Preview::of(plan, output)?;
    match args.json {
        true => println!("{}", folder::json(&preview)?),
        false => print!("{}", preview.words()),
    }
    Ok(interrupt::code(ExitCode::SUCCESS))
}

/// Where x goes beside the folder: where it was told, or beside the target.
fn output_of(args: &args::SolveArguments, inversion: &InversionSpec) -> Option<PathBuf> {
    let beside = || data::beside(inversion::target_name(inversion), "solved");
    let output = args.output.clone();
    output.or_else(|| args.out.is_none().then(beside))
}

/// Makes the folder; one that holds an inversion or a training is not written over.
fn begin(out: &Path) -> Outcome<()> {
    folder::prepare(out)?;
    not_taken(out)
}

fn not_taken(out: &Path) -> Outcome<()> {
    let taken = inversion::is_inversion(out) || out.join("plan.toml").exists();
    if taken {
        return Err(Failure::Misuse(format!(
            "{0} already contains an inversion or a training run; continue it with `retrodict resume {0}`, or choose \
             another folder with --out",
            out.display()
        )));
    }
    Ok(())
}
