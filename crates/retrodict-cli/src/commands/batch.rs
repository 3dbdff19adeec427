//! `batch`: many inversions, a list of them or a sweep.

use retrodict::StatusKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rayon::prelude::*;
use retrodict::interrupt::Interrupt;

use crate::args;
use crate::args::source;
use crate::batch::{self, Batch, BatchProblem, Solved, Stored};
use crate::data::Array;
use crate::data::durable::replace;
use crate::failure::{Failure, Outcome};
use crate::inversion::{self, Answer, Plan, fingerprint};
use crate::results::folder;
use crate::terminal::interrupt;

/// What became of a problem.
enum Ending {
    /// Solved now.
    Solved,
    /// Solved before.
    Done,
    /// Failed, and why.
    Failed(String, String),
    /// Not done: the batch was interrupted.
    Left,
}

/// Solves a part of many problems, a file for each.
pub fn run(args: &args::BatchArguments) -> Outcome<ExitCode> {
    super::threads(args.threads)?;
    let batch = Batch::load(&args.file)?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| default_folder(&args.file));
    begin(&out, &batch)?;
    let own: Vec<&BatchProblem> = batch
        .points
        .iter()
        .skip(args.shard.index)
        .step_by(args.shard.of)
        .collect();
    let interrupt = Interrupt::current();
    let endings: Vec<Ending> = own
        .par_iter()
        .map(|point| interrupt.within(|| solve(&out, point)))
        .collect::<Outcome<_>>()?;
    tell(&out, batch.points.len(), &endings)
}

/// runs/NAME for NAME.toml: the same for all shards.
fn default_folder(file: &Path) -> PathBuf {
    Path::new("runs").join(file.file_stem().unwrap_or(file.as_os_str()))
}

/// Makes the folder and says what it is the folder of.
fn begin(out: &Path, batch: &Batch) -> Outcome<()> {
    folder::prepare(out)?;
    folder::prepare(&batch::folder_of(out))?;
    let path = out.join("batch.json");
    let index = folder::json(&batch.index())?;
    let before = std::fs::read_to_string(&path).ok();
    if before.as_ref().is_some_and(|before| *before != index) {
        eprintln!(
            "note: the list of problems has changed since {} was written; results with the same name and settings \
             are kept",
            path.display()
        );
    }
    replace(&path, index.as_bytes())
}

/// Solves one problem, unless it is done. A problem that cannot be solved leaves a file that says why; a
/// folder that cannot be written ends the batch.
fn solve(out: &Path, point: &BatchProblem) -> Outcome<Ending> {
    let print = fingerprint(&point.inversion, true);
    let fingerprint = print.as_ref().map_or_else(|_| String::new(), Clone::clone);
    match Solved::read(out, &point.name) {
        Stored::Result(solved) if solved.error.is_none() && print.is_ok() => {
            if solved.fingerprint == fingerprint {
                return Ok(Ending::Done);
            }
            eprintln!(
                "note: {}: its settings or data have changed; solving it again",
                point.name
            );
        }
        Stored::Damaged(why) => eprintln!(
            "note: {}.json is damaged ({why}); solving it again",
            point.name
        ),
        Stored::Result(_) | Stored::Nothing => {}
    }
    if interrupt::raised() {
        return Ok(Ending::Left);
    }
    let found = match print {
        Ok(_) => answers(point),
        // A file that cannot be read: a plan says at which place it is named.
        Err(why) => Err(planned(point).err().unwrap_or(why)),
    };
    match found {
        Ok(None) => Ok(Ending::Left),
        Ok(Some((fields, x))) => {
            let endings: Vec<String> = fields
                .iter()
                .map(|a| format!("{}, loss {:.3e}", a.status, a.loss))
                .collect();
            Solved::new(point, fingerprint, fields).write(out, Some(&x))?;
            eprintln!("{}: {}", point.name, endings.join("; "));
            Ok(Ending::Solved)
        }
        // What failed then may have failed for that.
        Err(_) if interrupt::raised() => Ok(Ending::Left),
        Err(why) => {
            eprintln!("{}: failed: {why}", point.name);
            Solved::failed(point, fingerprint, &why).write(out, None)?;
            Ok(Ending::Failed(point.name.clone(), why.to_string()))
        }
    }
}

fn planned(point: &BatchProblem) -> Outcome<Plan> {
    Plan::new(point.inversion.clone(), &point.origin)
}

/// What was found; nothing if Ctrl-C came before it was.
fn answers(point: &BatchProblem) -> Outcome<Option<(Vec<Answer>, Array)>> {
    let mut plan = planned(point)?;
    source::note(&*plan.simulator);
    plan.weigh(&[], &|_, _| {})?;
    let runs = inversion::go(&plan, inversion::fresh(&plan), None, None)?;
    let mut answers = inversion::answers(&plan, &runs);
    if answers
        .iter()
        .any(|answer| answer.status == StatusKind::Cancelled)
    {
        return Ok(None);
    }
    inversion::assess(&plan, &mut answers);
    if interrupt::raised() {
        // Statistics or a posterior may be missing for that: the problem is solved again.
        return Ok(None);
    }
    let x = inversion::joined(&plan, &answers);
    Ok(Some((answers, x)))
}

fn tell(out: &Path, all: usize, endings: &[Ending]) -> Outcome<ExitCode> {
    let count = |f: fn(&Ending) -> bool| endings.iter().filter(|e| f(e)).count();
    let left = count(|e| matches!(e, Ending::Left));
    println!(
        "{} of {all} problems: {} solved, {} solved before, {} failed, {left} left",
        endings.len(),
        count(|e| matches!(e, Ending::Solved)),
        count(|e| matches!(e, Ending::Done)),
        count(|e| matches!(e, Ending::Failed(..))),
    );
    println!("join them by `retrodict collect {}`", out.display());
    let failed: Vec<String> = endings
        .iter()
        .filter_map(|ending| match ending {
            Ending::Failed(name, why) => Some(format!("\n  {name}: {why}")),
            _ => None,
        })
        .collect();
    if left > 0 {
        return Err(Failure::Broken(format!(
            "interrupted with {left} problems left; run the same command again to continue"
        )));
    }
    if !failed.is_empty() {
        return Err(Failure::Broken(format!(
            "{} of {} problems failed; run the same command again to retry only these:{}",
            failed.len(),
            endings.len(),
            failed.concat()
        )));
    }
    Ok(ExitCode::SUCCESS)
}
