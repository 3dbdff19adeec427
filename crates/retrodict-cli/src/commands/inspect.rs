//! `inspect`: what a file holds, how it would be read, and how it is given to `solve`.

mod own_files;

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::args;
use crate::data::{self, FileContents, FilePart, Role, is_standard, place, shell};
use crate::failure::Outcome;
use crate::results::folder;
use crate::terminal::plot;
use crate::terminal::text::{aligned, number, wrapped};

/// Characters of a line that stands for a vector.
const SPARKLINE: usize = 24;

/// Characters of a line of a small picture.
const PICTURE: usize = 48;

/// Shows what a file holds.
pub fn run(args: &args::InspectArguments) -> Outcome<ExitCode> {
    let path = Path::new(&args.file);
    if let Some(own) = own_files::look(path)? {
        match args.json {
            true => println!("{}", folder::json(&own)?),
            false => print!("{}", own.words()),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let contents = data::contents(&args.file)?;
    let solve = solve(&args.file, &contents);
    if args.json {
        let document = json!({
            "file": args.file,
            "kind": contents.kind,
            "notes": contents.notes,
            "parts": contents.parts,
            "solve": solve,
        });
        println!("{}", folder::json(&document)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", wrapped(&format!("{}: ", args.file), &contents.kind));
    for note in &contents.notes {
        println!("{}", wrapped("note: ", note));
    }
    print!("{}", aligned(&table(&contents), 2));
    for part in &contents.parts {
        if !part.grid.is_empty() {
            println!(
                "{}",
                wrapped(&format!("axes of {}: ", called(part)), &part.grid)
            );
        }
        if !part.words.is_empty() {
            println!("{}: {}", part.name, part.words.join(", "));
        }
        picture(part).iter().for_each(|line| println!("{line}"));
    }
    for line in &solve {
        println!("{line}");
    }
    Ok(ExitCode::SUCCESS)
}

fn called(part: &FilePart) -> &str {
    match part.name.as_str() {
        "" => "the array",
        name => name,
    }
}

/// A line for each array or column.
fn table(contents: &FileContents) -> Vec<Vec<String>> {
    let heads = [
        "part", "read as", "unit", "shape", "missing", "min", "max", "mean", "",
    ];
    let mut lines = vec![heads.map(str::to_owned).to_vec()];
    for (i, part) in contents.parts.iter().enumerate() {
        let said = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
        let shape: Vec<String> = part.shape.iter().map(ToString::to_string).collect();
        let summary = part.summary.as_ref();
        let finite = |value: fn(&data::NumberSummary) -> Option<f64>| {
            summary.map_or_else(String::new, |found| said(value(found)))
        };
        let missing = summary.map_or_else(String::new, |found| {
            let infinite = match found.infinite {
                0 => String::new(),
                n => format!(" ({n} infinite)"),
            };
            format!("{}{infinite}", found.missing)
        });
        let name = match (part.name.as_str(), contents.parts.len()) {
            ("", 1) => "–".to_owned(),
            ("", _) => (i + 1).to_string(),
            (name, _) => name.to_owned(),
        };
        let line = match part.shape.as_slice() {
            [_] => plot::sparkline(&part.values, SPARKLINE),
            _ => String::new(),
        };
        lines.push(vec![
            name,
            part.role.name().to_owned(),
            part.unit.clone().unwrap_or_default(),
            shape.join(" × "),
            missing,
            finite(|s| s.minimum),
            finite(|s| s.maximum),
            finite(|s| s.mean),
            line,
        ]);
    }
    // What no part has is not shown.
    if contents.parts.iter().all(|part| part.unit.is_none()) {
        lines.iter_mut().for_each(|line| drop(line.remove(2)));
    }
    lines
}

/// A field as a few lines: the first of several, the mean of the channels of a colour picture.
fn picture(part: &FilePart) -> Vec<String> {
    let [.., rows, columns] = part.shape.as_slice() else {
        return Vec::new();
    };
    let size = rows * columns;
    if *rows < 2 || *columns < 2 || part.values.len() < size {
        return Vec::new();
    }
    match part.colour {
        false => plot::field(&part.values[..size], *rows, *columns, PICTURE),
        true => {
            let channels = part.values.len() / size;
            let mean = |at: usize| {
                let values = part.values.iter().skip(at).step_by(size);
                values.sum::<f64>() / channels as f64
            };
            let grey: Vec<f64> = (0..size).map(mean).collect();
            plot::field(&grey, *rows, *columns, PICTURE)
        }
    }
}

/// How the file is given to `solve`, as lines of a shell.
fn solve(file: &str, contents: &FileContents) -> Vec<String> {
    let with = |role: Role| contents.parts.iter().filter(move |part| part.role == role);
    let Some(target) = with(Role::Data).next() else {
        return Vec::new();
    };
    let several = contents.parts.len() > 1;
    let named = |part: &FilePart| match several {
        true => shell(&part.notation),
        false => shell(file),
    };
    let simulator = match target.shape.len() {
        1 => "SIMULATOR",
        _ => "heat",
    };
    let mut words = format!(
        "solve: retrodict solve {simulator} --target {}",
        named(target)
    );
    if is_standard(file) {
        words = format!(
            "solve: … | retrodict solve {simulator} --target {}",
            named(target)
        );
    }
    for (role, flag) in [
        (Role::Time, "--times"),
        (Role::StandardDeviation, "--noise-std"),
    ] {
        if let Some(part) = with(role).next() {
            words = format!("{words} {flag} {}", named(part));
        }
    }
    let missing = |part: &FilePart| part.summary.as_ref().is_some_and(|found| found.missing > 0);
    if missing(target) {
        words.push_str(" --missing");
    }
    let mut lines = vec![words];
    let names: Vec<&str> = with(Role::Data)
        .map(|part| place(&part.notation).1.unwrap_or(""))
        .collect();
    if names.len() > 1 && contents.is_table {
        let all = format!("{}:{}", place(file).0.display(), names.join(","));
        lines.push(format!("several columns: --target {}", shell(&all)));
    }
    if let Some(group) = with(Role::Group).next()
        && let Some(word) = group.words.first()
    {
        let column = place(&group.notation).1.unwrap_or("");
        let rows = format!("{}?{column}={word}", target.notation);
        lines.push(format!("some rows: --target {}", shell(&rows)));
    }
    lines
}
