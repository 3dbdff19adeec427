//! What `train` and `resume` deliver: the folder, the report, and what is said of them.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use retrodict::StatusKind;
use retrodict::spec::TrainingSpec;

use crate::data::durable::replace;
use crate::failure::{Failure, NOT_CONVERGED, Outcome};
use crate::report;
use crate::results::folder;
use crate::results::verdict;
use crate::terminal::interrupt;
use crate::terminal::text::{unindented, wrapped};
use crate::training::{self, Checked, Contents, Manifest};

/// Trains, writes what was learned after each method and seed, and tells it.
pub fn train(
    plan: &TrainingSpec,
    manifest: Manifest,
    out: &Path,
    every: Duration,
    as_json: bool,
) -> Outcome<ExitCode> {
    let write = |contents: &Contents| -> Outcome<()> {
        training::write(out, contents)?;
        report::write_training(out, contents).map(|_| ())
    };
    let contents = training::train(plan, manifest, out, every, write)?;
    write(&contents)?;
    tell(plan, &contents, out, as_json)?;
    let checked = match contents.manifest.check && !interrupt::raised() {
        true => training::check(plan, &contents),
        false => Vec::new(),
    };
    show(&checked, &contents, out, as_json)?;
    failed(&contents)?;
    let code = match checked.iter().all(Checked::is_met) {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(NOT_CONVERGED),
    };
    Ok(interrupt::code(code))
}

fn tell(plan: &TrainingSpec, contents: &Contents, out: &Path, as_json: bool) -> Outcome<()> {
    if as_json {
        println!("{}", folder::json(&contents.outcomes)?);
        return Ok(());
    }
    println!("{}", unindented("", &verdict::of_training(contents)));
    println!();
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
    println!("report: {}", out.join("report.html").display());
    Ok(())
}

/// A line for each expectation: on standard error beside JSON, which has them in `check.json`.
fn show(checked: &[Checked], contents: &Contents, out: &Path, as_json: bool) -> Outcome<()> {
    if !contents.manifest.check {
        return Ok(());
    }
    if interrupt::raised() {
        eprintln!("note: not checked, since the training was interrupted");
        return Ok(());
    }
    replace(&out.join("check.json"), folder::json(&checked)?.as_bytes())?;
    for one in checked {
        match as_json {
            true => eprintln!("{}", one.told()),
            false => println!("{}", one.told()),
        }
    }
    Ok(())
}

/// What failed, in one message.
fn failed(contents: &Contents) -> Outcome<()> {
    let manifest = &contents.manifest;
    let early = manifest.failures.iter();
    let early = early.map(|f| format!("{}: {}", f.label(manifest.seeds), f.message));
    let late = contents.outcomes.iter();
    let late = late.filter(|o| o.status == StatusKind::Failed);
    let late = late.map(|o| match manifest.seeds {
        0 | 1 => format!("{}: {}", o.method, o.message),
        _ => format!("{} · seed {}: {}", o.method, o.seed, o.message),
    });
    let all: Vec<String> = early.chain(late).collect();
    if all.is_empty() || interrupt::raised() {
        return Ok(());
    }
    let runs = manifest.methods.len() as u64 * manifest.seeds.max(1);
    Err(Failure::Broken(format!(
        "{} of {runs} runs failed; the others are finished\n{}",
        all.len(),
        all.join("\n")
    )))
}
