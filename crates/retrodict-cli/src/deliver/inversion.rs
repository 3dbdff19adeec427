//! What `solve` and `resume` deliver: x, the folder, the report, and what is said of them.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::data::{self, Depth, STANDARD};
use crate::failure::Outcome;
use crate::inversion::{self, Answer, Keeper, Plan, Run};
use crate::report;
use crate::results::folder;
use crate::results::survey;
use crate::terminal::interrupt;
use crate::terminal::text::{aligned, unindented, wrapped};

/// How an inversion is told, and where it is written.
pub struct Delivery<'a> {
    /// As JSON.
    pub json: bool,
    /// The folder, if there is one.
    pub folder: Option<&'a Path>,
    /// A file for x, if one is wanted beside the folder's.
    pub output: Option<&'a Path>,
}

/// Writes what was found and tells it; returns whether every field reached its goal.
pub fn finish(
    plan: &Plan,
    runs: &[Run],
    keeper: Option<Keeper>,
    delivery: &Delivery<'_>,
) -> Outcome<bool> {
    let mut answers = interrupt::graced(|| inversion::answers(plan, runs));
    let x = inversion::joined(plan, &answers);
    let mut written: Vec<PathBuf> = Vec::new();
    // x first: what comes after the fit may take long.
    if let Some(output) = delivery.output {
        data::write(output, &x, Depth::Eight)?.note();
        if output.as_os_str() != STANDARD {
            written.push(output.to_owned());
        }
    }
    if let Some(folder) = delivery.folder {
        data::write(&folder.join("x.npy"), &x, Depth::Sixteen)?;
    }
    if let (Some(folder), true) = (delivery.folder, interrupt::raised()) {
        eprintln!(
            "interrupted: x is saved in {}; the checkpoint and the report follow",
            folder.join("x.npy").display()
        );
    }
    if let Some(keeper) = keeper {
        keeper.finish();
    }
    inversion::assess(plan, &mut answers);
    if let Some(folder) = delivery.folder {
        let contents = interrupt::graced(|| inversion::write(folder, plan, runs, &answers))?;
        written.push(report::write_inversion(folder, &contents, &answers)?);
    }
    if delivery.json {
        let output = delivery.output.map_or_else(
            || delivery.folder.map(|folder| folder.join("x.npy")),
            |output| Some(output.to_owned()),
        );
        let document = json!({
            "method": plan.rule,
            "method_reason": plan.reason,
            "search": plan.inversion.search.as_ref().map(|search| &search.name),
            "output": output,
            "fields": answers,
        });
        println!("{}", folder::json(&document)?);
    } else {
        tell(plan, &answers);
        for path in &written {
            println!("wrote {}", path.display());
        }
        if let (Some(folder), true) = (delivery.folder, interrupt::raised()) {
            println!(
                "interrupted: continue with `retrodict resume {}`",
                folder.display()
            );
        }
    }
    Ok(answers.iter().all(|answer| answer.converged))
}

fn tell(plan: &Plan, answers: &[Answer]) {
    let search = plan.inversion.search.as_ref();
    let search = search.map_or_else(String::new, |search| {
        format!(" and the search {}", search.name)
    });
    let who = format!("{} with {}{search}: ", plan.name, plan.rule);
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
        if let Some(first_error) = &answer.first_error {
            println!("{}", wrapped("note: first caused by: ", first_error));
        }
    }
    let certainty: Vec<String> = answers.iter().map(inversion::summary).collect();
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
