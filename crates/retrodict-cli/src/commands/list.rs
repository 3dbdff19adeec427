use std::process::ExitCode;

use crate::registry;
use retrodict::registry::List;
use serde_json::json;

use crate::args;
use crate::experiment::{self, BUILT_IN};
use crate::failure::Outcome;
use crate::folder;
use crate::text::wrapped;
use crate::training;

/// Prints everything that can be named.
pub fn run(args: &args::List) -> Outcome<ExitCode> {
    let experiments: Vec<[String; 3]> = BUILT_IN
        .iter()
        .map(|(name, _)| {
            let (e, _) = experiment::load(name, &[])?;
            Ok([(*name).to_owned(), e.sentence, e.source])
        })
        .collect::<Outcome<_>>()?;
    let training: Vec<[String; 3]> = training::BUILT_IN
        .iter()
        .map(|(name, _)| {
            let (plan, _) = training::load(name, &[])?;
            Ok([(*name).to_owned(), plan.sentence, plan.source])
        })
        .collect::<Outcome<_>>()?;
    let sections = [
        ("simulators", entries(&registry().simulators)),
        ("your own simulators", entries(&registry().external)),
        ("rules", entries(&registry().rules)),
        ("losses", entries(&registry().losses)),
        ("priors", entries(&registry().priors)),
        ("local inverses", entries(&registry().inverses)),
        ("networks", entries(&registry().networks)),
        ("strategies", entries(&registry().strategies)),
        ("experiments", experiments),
        ("training experiments", training),
    ];
    if args.json {
        let mut document = serde_json::Map::new();
        for (title, list) in sections {
            let items: Vec<_> = list
                .iter()
                .map(|[name, sentence, source]| {
                    json!({ "name": name, "sentence": sentence, "source": source })
                })
                .collect();
            document.insert(title.to_owned(), items.into());
        }
        println!("{}", folder::json(&document)?);
        return Ok(ExitCode::SUCCESS);
    }
    for (i, (title, list)) in sections.into_iter().enumerate() {
        if i > 0 {
            println!();
        }
        println!("{title}");
        let lines: Vec<[String; 2]> = list
            .into_iter()
            .map(|[name, sentence, source]| {
                let source = if source.is_empty() {
                    source
                } else {
                    format!("[{source}]")
                };
                [name, format!("{sentence} {source}")]
            })
            .collect();
        let names = lines.iter().map(|[name, _]| name.chars().count());
        let width = names.max().unwrap_or(0);
        for [name, text] in &lines {
            let lead = format!("  {name:<width$}  ");
            println!("{}", wrapped(&lead, text));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn entries<T>(list: &List<T>) -> Vec<[String; 3]> {
    list.entries
        .iter()
        .map(|e| {
            let aliases = if e.aliases.is_empty() {
                String::new()
            } else {
                format!(" (also {})", e.aliases.join(", "))
            };
            [
                e.name.to_owned(),
                format!("{}{aliases}", e.sentence),
                e.source.to_owned(),
            ]
        })
        .collect()
}
