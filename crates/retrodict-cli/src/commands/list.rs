//! `list`: what can be named, with options, defaults and meanings.

use std::process::ExitCode;

use serde_json::Value;

use crate::args;
use crate::catalogue::{self, Item, SECTIONS, markdown, space, written};
use crate::failure::Outcome;
use crate::results::folder;
use crate::terminal::text::wrapped;

/// Prints everything that can be named, a list of it, or one entry with its options.
pub fn run(args: &args::ListArguments) -> Outcome<ExitCode> {
    let sections: Vec<&str> = match &args.what {
        None => SECTIONS.to_vec(),
        Some(text) => match catalogue::section_of(text) {
            Some(section) => vec![section],
            None => return entries(text, args),
        },
    };
    let lists: Vec<(&str, Vec<Item>)> = sections
        .into_iter()
        .map(|name| Ok((name, catalogue::section(name)?)))
        .collect::<Outcome<_>>()?;
    if args.json {
        let document: serde_json::Map<String, Value> = lists
            .into_iter()
            .map(|(name, items)| {
                (
                    name.to_owned(),
                    serde_json::to_value(items).unwrap_or_default(),
                )
            })
            .collect();
        println!("{}", folder::json(&document)?);
        return Ok(ExitCode::SUCCESS);
    }
    if args.markdown {
        for (name, items) in lists {
            println!("## {}\n", capital(name));
            items.iter().for_each(|item| print!("{}", markdown(item)));
        }
        return Ok(ExitCode::SUCCESS);
    }
    for (i, (name, items)) in lists.iter().enumerate() {
        if i > 0 {
            println!();
        }
        println!("{name}");
        table(items);
    }
    Ok(ExitCode::SUCCESS)
}

/// One line for each item.
fn table(items: &[Item]) {
    let names = items.iter().map(|item| item.name.chars().count());
    let width = names.max().unwrap_or(0);
    for item in items {
        let lead = format!("  {:<width$}  ", item.name);
        println!(
            "{}",
            wrapped(
                &lead,
                &format!(
                    "{}{} {}",
                    item.sentence,
                    catalogue::also(item),
                    source(item)
                )
            )
        );
    }
}

fn source(item: &Item) -> String {
    match item.source.as_str() {
        "" => String::new(),
        source => format!("[{source}]"),
    }
}

/// Everything of a name.
fn entries(text: &str, args: &args::ListArguments) -> Outcome<ExitCode> {
    let found = catalogue::named(text)?;
    if args.json {
        println!("{}", folder::json(&found)?);
    } else if args.markdown {
        found.iter().for_each(|item| print!("{}", markdown(item)));
    } else {
        for (i, item) in found.iter().enumerate() {
            if i > 0 {
                println!();
            }
            entry(item);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn entry(item: &Item) {
    println!("{} ({})", item.name, item.kind);
    println!(
        "{}",
        wrapped(
            "  ",
            &format!(
                "{}{} {}",
                item.sentence,
                catalogue::also(item),
                source(item)
            )
        )
    );
    for (name, place) in [("x", &item.x), ("y", &item.y)] {
        if let Some(place) = place {
            println!("{}", wrapped(&format!("  {name}: "), &space(place)));
        }
    }
    if item.options.is_empty() {
        if item.schema.is_some() {
            println!("  It has no options.");
        }
        return;
    }
    println!("  {}", heading(&item.kind));
    let width = item
        .options
        .iter()
        .map(|o| o.key.chars().count())
        .max()
        .unwrap_or(0);
    for option in &item.options {
        let default = match &option.default {
            None => String::new(),
            Some(value) => format!(" [default: {}]", written(value)),
        };
        let text = format!("{} ({}){default}", option.meaning, option.kind);
        println!(
            "{}",
            wrapped(&format!("    {:<width$}  ", option.key), &text)
        );
    }
}

/// What the list of options is, and how one sets them, by what they are options of.
fn heading(kind: &str) -> &'static str {
    match kind {
        "simulator" => "Options (--set KEY=VALUE, or beside the name in a file):",
        "rule" => "Options (solve --set rule.KEY=VALUE, or beside the name in a file):",
        "prior" => "Options (--prior NAME:KEY=VALUE, or beside the name in a file):",
        "local inverse" => "Options (--set inverse.KEY=VALUE, or beside the name in a file):",
        "search" => "Options (--set search.KEY=VALUE, or beside the name in a file):",
        "description" => "Keys:",
        _ => "Options (beside the name in a file):",
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
