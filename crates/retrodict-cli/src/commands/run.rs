//! `run`: an experiment, several methods on several problems.

use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::args;
use crate::data::UserFiles;
use crate::experiment::race;
use crate::experiment::tables;
use crate::experiment::{self, Read};
use crate::failure::{Failure, NOT_CONVERGED, Outcome};
use crate::registry;
use crate::report;
use crate::results::folder;
use crate::results::verdict;
use crate::terminal::interrupt;
use crate::terminal::text;

/// Runs an experiment, writes its folder and its report.
pub fn run(args: &args::RunArguments) -> Outcome<ExitCode> {
    let clock = Instant::now();
    let started = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let threads = super::threads(args.threads)?;
    let Read {
        spec: mut experiment,
        short,
        origin,
    } = experiment::load(&args.experiment, &args.settings)?;
    if let Some(seed) = args.seed {
        experiment.seed = seed;
    }
    if let Some(starts) = args.starts {
        experiment
            .methods
            .iter_mut()
            .for_each(|m| m.starts = starts);
    }
    let races = experiment
        .races(&args.methods, registry(), &UserFiles)
        .map_err(|error| origin.locate(error))?;
    let out = args.out.clone().unwrap_or_else(|| folder::free(&short));
    folder::prepare(&out)?;

    let mut contents = race::run(&races, args.time)?;
    let manifest = &mut contents.manifest;
    manifest.version = env!("CARGO_PKG_VERSION").to_owned();
    manifest.command = std::env::args().collect::<Vec<_>>().join(" ");
    manifest.experiment = short;
    manifest.title.clone_from(&experiment.title);
    manifest.sentence.clone_from(&experiment.sentence);
    manifest.source.clone_from(&experiment.source);
    manifest.configuration = serde_json::to_value(&experiment)
        .map_err(|e| Failure::Broken(format!("cannot encode the configuration: {e}")))?;
    manifest.seed = experiment.seed;
    manifest.threads = threads;
    manifest.started = started;
    manifest.interrupted = interrupt::raised();
    manifest.seconds = clock.elapsed().as_secs_f64();
    for name in &manifest.not_run {
        eprintln!("{name}: not run");
    }
    folder::write(&out, &contents)?;
    let page = report::write(&out, &contents)?;

    if args.json {
        println!("{}", folder::json(&contents.summary)?);
    } else {
        let verdicts = verdict::verdicts(&contents);
        for (problem, sentence) in &verdicts {
            let lead = match verdicts.len() {
                1 => String::new(),
                _ => format!("{problem}: "),
            };
            println!("{}", text::unindented(&lead, sentence));
        }
        println!();
        println!("{}", text::unindented("", &experiment.sentence));
        println!();
        print!("{}", tables::results(&contents.summary));
        print!("{}", tables::surveys(&contents.summary));
        println!();
        for remark in tables::remarks(&contents.summary) {
            println!("{}", text::wrapped("note: ", &remark));
        }
        println!("report: {}", page.display());
    }
    let missed: Vec<String> = contents
        .summary
        .methods
        .iter()
        .filter(|m| !m.converged)
        .map(|m| format!("{} · {}", m.problem, m.method))
        .chain(contents.manifest.not_run.iter().cloned())
        .collect();
    if args.require_converged && !missed.is_empty() {
        eprintln!(
            "retrodict: these did not reach their goal: {}",
            missed.join(", ")
        );
        return Ok(interrupt::code(ExitCode::from(NOT_CONVERGED)));
    }
    Ok(interrupt::code(ExitCode::SUCCESS))
}
