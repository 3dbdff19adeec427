//! `collect`: the results of a batch as one table and report.

use std::process::ExitCode;

use crate::args;
use crate::batch::{self, Collected, plain};
use crate::data::durable::remove_left_over;
use crate::failure::Outcome;
use crate::report;
use crate::terminal::text::{aligned, duration, wrapped};

/// Joins the results of a batch.
pub fn run(args: &args::CollectArguments) -> Outcome<ExitCode> {
    remove_left_over(&args.folder);
    let collected = batch::collect(&args.folder)?;
    collected.write(&args.folder)?;
    let page = report::write_sweep(&args.folder, &collected)?;
    if args.json {
        println!("{}", collected.json()?);
    } else {
        print!("{}", table(&collected));
    }
    for remark in collected.remarks() {
        eprintln!("{}", wrapped("note: ", &remark));
    }
    if !args.json {
        println!("wrote {}", args.folder.join("table.csv").display());
        println!("wrote {}", args.folder.join("table.json").display());
        println!("report: {}", page.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn table(collected: &Collected) -> String {
    let known = collected
        .lines
        .iter()
        .any(|line| line.chi_squared.is_some());
    let mut header = vec!["problem".to_owned()];
    header.extend(collected.keys.iter().cloned());
    header.extend(["status", "steps", "time", "loss"].map(str::to_owned));
    if known {
        header.push("χ²/N".to_owned());
    }
    let left = 2 + collected.keys.len();
    let mut lines = vec![header];
    for line in &collected.lines {
        let mut cells = vec![line.title()];
        cells.extend(line.settings.iter().map(plain));
        cells.extend([
            line.status.to_string(),
            line.steps.to_string(),
            duration(line.seconds),
            format!("{:.4e}", line.loss),
        ]);
        if known {
            cells.push(
                line.chi_squared
                    .map(|c| format!("{c:.3}"))
                    .unwrap_or_default(),
            );
        }
        lines.push(cells);
    }
    aligned(&lines, left)
}
