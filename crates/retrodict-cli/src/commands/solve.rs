use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use super::simulate::note_clipping;
use crate::args;
use crate::args::source;
use crate::data::{self, Depth};
use crate::failure::{Failure, NOT_CONVERGED, Outcome};
use crate::folder;
use crate::interrupt;
use crate::inversion::{
    self, Answer, CheckpointFile, Chosen, Keeper, Plan, Run, Watch, fingerprint,
};
use crate::progress::Progress;
use crate::report;
use crate::survey;
use crate::text::{aligned, unindented, wrapped};

/// Finds the x that explains the user's data.
pub fn run(args: &args::Solve) -> Outcome<ExitCode> {
    super::threads(args.threads)?;
    let mut plan = Plan::new(inversion::from_arguments(args)?)?;
    source::note(&*plan.simulator);
    if let Some(remark) = &plan.remark {
        eprintln!("{}", wrapped("note: ", remark));
    }
    if let Some(warning) = plan.warnings() {
        eprintln!("{}", wrapped("note: ", &warning));
    }
    if let Some(out) = &args.out {
        begin(out)?;
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
    let beside = || beside(plan.target_name(), "solved");
    let output = args
        .output
        .clone()
        .or_else(|| args.out.is_none().then(beside));
    let told = Told {
        json: args.json,
        folder: args.out.as_deref(),
        output: output.as_deref(),
    };
    let all = finish(&plan, &runs, keeper, &told)?;
    Ok(interrupt::code(if args.require_converged && !all {
        ExitCode::from(NOT_CONVERGED)
    } else {
        ExitCode::SUCCESS
    }))
}

/// Makes the folder; one that holds an inversion or a training is not written over.
fn begin(out: &Path) -> Outcome<()> {
    folder::prepare(out)?;
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

/// Runs with a folder that keeps what is reached; the keeper wants to be finished once x is written.
pub(super) fn keep_going(
    plan: &Plan,
    runs: Vec<Run>,
    folder: &Path,
    every: Duration,
) -> Outcome<(Vec<Run>, Option<Keeper>)> {
    let keeper = Keeper::start(folder, every, checkpoint(plan, runs.clone())?)?;
    let runs = watched(plan, runs, Some(&keeper))?;
    Ok((runs, Some(keeper)))
}

/// Chooses weights with a bar on a terminal.
pub(super) fn weigh(plan: &mut Plan, known: &[Chosen]) -> Outcome<()> {
    if plan.choice.is_none() {
        return Ok(());
    }
    let fields = plan.fields.len() as u64;
    let progress = Progress::start("choosing the weight of the prior", fields);
    let chosen = plan.weigh(known, &|field, tried| {
        progress.show(field as u64, || format!("{tried} weights tried"));
    });
    progress.clear();
    chosen
}

/// Runs with a bar on a terminal.
fn watched(plan: &Plan, runs: Vec<Run>, keeper: Option<&Keeper>) -> Outcome<Vec<Run>> {
    let watch = Watch::start(plan, &runs);
    let done = inversion::go(plan, runs, keeper, Some(&watch));
    watch.finish();
    done
}

/// Where the runs of a plan stand, with what their losses and memories belong to.
pub(super) fn checkpoint(plan: &Plan, runs: Vec<Run>) -> Outcome<CheckpointFile> {
    Ok(CheckpointFile {
        problem: fingerprint(&plan.inversion, false)?,
        rule: plan.rule_words(),
        weights: plan.chosen(),
        runs,
    })
}

/// How an inversion is told, and where it is written.
pub(super) struct Told<'a> {
    /// As JSON.
    pub json: bool,
    /// The folder, if there is one.
    pub folder: Option<&'a Path>,
    /// A file for x, if one is wanted beside the folder's.
    pub output: Option<&'a Path>,
}

/// Writes what was found and tells it; returns whether every field reached its goal.
pub(super) fn finish(
    plan: &Plan,
    runs: &[Run],
    keeper: Option<Keeper>,
    told: &Told<'_>,
) -> Outcome<bool> {
    let mut answers = interrupt::graced(|| inversion::answers(plan, runs));
    let x = inversion::joined(plan, &answers);
    let mut written: Vec<PathBuf> = Vec::new();
    // x first: what comes after the fit may take long.
    if let Some(output) = told.output {
        note_clipping(data::write(output, &x, Depth::Eight)?);
        written.push(output.to_owned());
    }
    if let Some(folder) = told.folder {
        data::write(&folder.join("x.npy"), &x, Depth::Sixteen)?;
    }
    if let (Some(folder), true) = (told.folder, interrupt::raised()) {
        eprintln!(
            "interrupted: x is saved in {}; the checkpoint and the report follow",
            folder.join("x.npy").display()
        );
    }
    if let Some(keeper) = keeper {
        keeper.finish();
    }
    inversion::assess(plan, &mut answers);
    if let Some(folder) = told.folder {
        let contents = interrupt::graced(|| inversion::write(folder, plan, runs, &answers))?;
        written.push(report::write_inversion(folder, &contents, &answers)?);
    }
    if told.json {
        let output = told.output.map_or_else(
            || told.folder.map(|folder| folder.join("x.npy")),
            |output| Some(output.to_owned()),
        );
        let document = json!({
            "method": plan.rule,
            "method_reason": plan.reason,
            "output": output,
            "fields": answers,
        });
        println!("{}", folder::json(&document)?);
    } else {
        tell(plan, &answers);
        for path in &written {
            println!("wrote {}", path.display());
        }
        if let (Some(folder), true) = (told.folder, interrupt::raised()) {
            println!(
                "interrupted: continue with `retrodict resume {}`",
                folder.display()
            );
        }
    }
    Ok(answers.iter().all(|answer| answer.converged))
}

/// name.png → name-solved.png, where the suffix is "solved".
pub(super) fn beside(target: &str, suffix: &str) -> PathBuf {
    let (path, _) = data::place(target);
    let stem = path
        .file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default();
    let ending = path.extension().unwrap_or("npy".as_ref());
    let ending = ending.to_string_lossy();
    path.with_file_name(format!("{stem}-{suffix}.{ending}"))
}

fn tell(plan: &Plan, answers: &[Answer]) {
    let who = format!("{} with {}: ", plan.name, plan.rule);
    println!("{}", unindented(&who, &inversion::ending(answers)));
    if let Some(words) = plan.choice_words() {
        println!("{}", wrapped("method: ", &words));
    }
    print!("{}", table(answers));
    for (i, answer) in answers.iter().enumerate() {
        if let Some(found) = &answer.solutions {
            let starts = plan.fields[answer.field].starts.len();
            println!("field {} from {starts} starts", i + 1);
            print!("{}", survey::table(found));
        }
    }
    let mut said: Vec<&str> = Vec::new();
    for answer in answers {
        if !said.contains(&answer.message.as_str()) {
            println!(
                "{}",
                wrapped(&format!("{}: ", answer.status), &answer.message)
            );
            said.push(&answer.message);
        }
        for notice in &answer.notices {
            println!("{}", wrapped("note: ", notice));
        }
        if let Some(trouble) = &answer.trouble {
            println!("{}", wrapped("note: first caused by: ", trouble));
        }
    }
    let certainty: Vec<String> = answers.iter().map(inversion::told).collect();
    for (i, text) in certainty.iter().enumerate() {
        // What is the same for all fields is told once.
        if certainty[..i].contains(text) || text.is_empty() {
            continue;
        }
        if answers.len() > 1 && !certainty.iter().all(|other| other == text) {
            println!("\nfield {}", i + 1);
        }
        print!("{text}");
    }
}

/// A line for each field.
fn table(answers: &[Answer]) -> String {
    let known = answers.iter().any(|answer| answer.chi_squared.is_some());
    let mut lines = vec![
        [
            "field", "status", "steps", "seconds", "loss", "χ²/N", "forward", "jvp", "vjp",
            "inverse",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for (i, a) in answers.iter().enumerate() {
        lines.push(vec![
            (i + 1).to_string(),
            a.status.to_string(),
            a.steps.to_string(),
            format!("{:.3}", a.seconds),
            known_loss(a.loss),
            a.chi_squared.map(per_datum).unwrap_or_default(),
            a.counts.forward.to_string(),
            a.counts.jvp.to_string(),
            a.counts.vjp.to_string(),
            a.counts.inverse.to_string(),
        ]);
    }
    if !known {
        lines.iter_mut().for_each(|line| drop(line.remove(5)));
    }
    aligned(&lines, 2)
}

/// A loss; a dash where it was never found.
fn known_loss(loss: f64) -> String {
    match loss.is_nan() {
        true => "–".to_owned(),
        false => format!("{loss:.4e}"),
    }
}

/// χ²/N (N data): near 1, three digits after the point say how near.
fn per_datum(chi_squared: f64) -> String {
    match chi_squared < 1e4 {
        true => format!("{chi_squared:.3}"),
        false => format!("{chi_squared:.3e}"),
    }
}
