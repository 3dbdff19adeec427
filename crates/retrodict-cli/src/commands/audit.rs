//! `audit`: the theory of each rule, measured.

use std::process::ExitCode;

use retrodict::audit::{PROPERTIES, audit};
use serde_json::json;

use crate::args;
use crate::failure::{Failure, Outcome};
use crate::results::folder;
use crate::terminal::interrupt;
use crate::terminal::text::aligned;

/// Prints the theory beside its measurement.
pub fn run(args: &args::AuditArguments) -> Outcome<ExitCode> {
    let rows = audit();
    if interrupt::raised() {
        // What differs then differs for that.
        return Err(Failure::interrupted());
    }
    let failed = rows.iter().filter(|r| !r.passed).count();
    if args.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|r| {
                json!({ "rule": r.rule, "property": r.property, "expected": r.expected,
                        "measured": r.measured, "passed": r.passed })
            })
            .collect();
        println!("{}", folder::json(&rows)?);
    } else {
        let header = ["", "rule", "property", "expected", "measured"]
            .map(str::to_owned)
            .to_vec();
        let mut lines = vec![header];
        for r in &rows {
            let mark = if r.passed { "pass" } else { "FAIL" };
            lines.push(vec![
                mark.to_owned(),
                r.rule.to_string(),
                r.property.to_string(),
                r.expected.to_string(),
                r.measured.to_string(),
            ]);
        }
        print!("{}", aligned(&lines, 5));
        println!();
        for (name, explanation) in PROPERTIES {
            println!("{name}: {explanation}");
        }
    }
    if failed > 0 {
        return Err(Failure::Broken(format!(
            "{failed} of {} rows differ from theory",
            rows.len()
        )));
    }
    Ok(ExitCode::SUCCESS)
}
