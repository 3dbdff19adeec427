//! `predict`: x from new observations by trained networks, refined if asked for.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use retrodict::spec::{EnsemblePrediction, Physics};
use serde_json::{Value, json};

use crate::args;
use crate::data::{self, Array, Depth, STANDARD, joined_shape, standard};
use crate::failure::{Failure, Outcome};
use crate::registry;
use crate::terminal::interrupt;
use crate::terminal::text::wrapped;

mod given;
mod networks;
mod refining;
mod sample;
mod summary;

use given::{Given, output};
use networks::Networks;
use refining::Refining;
use sample::{SampleLine, error, look, table};
use summary::PredictionSummary;

/// Samples up to which there is a line for each; JSON has all of them.
const LISTED: usize = 50;

/// Failures that are told one by one.
const TOLD: usize = 10;

/// Applies trained networks to the user's data, and refines their answer if wished.
pub fn run(args: &args::PredictArguments) -> Outcome<ExitCode> {
    super::threads(args.threads)?;
    let networks = Networks::read(args)?;
    let file = networks.ensemble.first();
    let physics = file
        .plan
        .method(&file.method)
        .and_then(|method| file.plan.physics(method, registry()));
    let given = Given::read(args, file, &networks.paths[0])?;
    let refining = Refining::read(args, file, &physics, given.targets.is_some())?;
    let EnsemblePrediction { mean, spread, .. } =
        networks.ensemble.predict(&given.inputs.values)?;
    let mut x = mean;
    let n = file.output.len();
    if let (Some(refining), Ok(physics), Some(targets)) = (&refining, &physics, &given.targets) {
        let samples = x.chunks(n).zip(targets.iter().map(Vec::as_slice));
        refining.check(physics, samples)?;
    }
    let mut lines = Vec::new();
    for (i, x) in x.chunks_mut(n).enumerate() {
        let truth = given.truths.as_ref().map(|truths| truths[i].as_slice());
        let looked = match (&physics, &given.targets) {
            (Ok(physics), Some(targets)) => {
                look(file, physics, refining.as_ref(), &targets[i], truth, x)
            }
            _ => Ok(SampleLine {
                x_error: error(x, truth),
                ..SampleLine::default()
            }),
        };
        let line = match looked {
            Ok(line) => line,
            Err(_) if interrupt::raised() => break,
            // A simulation that fails does not take the other samples with it; what cannot be asked for, cannot of any.
            Err(failure @ Failure::Broken(_)) => {
                x.fill(f64::NAN);
                SampleLine {
                    error: Some(failure.to_string()),
                    ..SampleLine::default()
                }
            }
            Err(failure) => return Err(failure),
        };
        lines.push(SampleLine {
            sample: i + 1,
            ..line
        });
        if interrupt::raised() {
            break;
        }
    }
    if lines.len() < given.count {
        let refined = match refining {
            Some(_) => ", not refined",
            None => "",
        };
        let first = lines.len() + 1;
        // Of the sample that an interruption fell into, the network's x stands.
        eprintln!("note: interrupted: from sample {first} on, x is the network's{refined}");
    }
    notes(&lines, &physics, given.targets.is_some());
    let summary = PredictionSummary::of(&lines, networks.paths.len(), spread.as_deref());
    let place = args.output.clone().unwrap_or_else(|| output(&given));
    let shape = joined_shape(&given.inputs, file.input.len(), &file.output.shape);
    let spread_place = write(&place, &shape, x, spread)?;
    if args.json {
        println!(
            "{:#}",
            told(&networks, &place, spread_place.as_deref(), &summary, &lines)
        );
        return Ok(interrupt::code(ExitCode::SUCCESS));
    }
    let title = match file.plan.title.as_str() {
        "" => &file.plan.simulator.name,
        title => title,
    };
    println!("{title} by {}", networks.methods());
    if given.targets.is_some() && physics.is_ok() && lines.len() <= LISTED {
        print!("{}", table(&lines, refining.as_ref()));
    }
    print!("{}", summary.text());
    println!("wrote {}", place.display());
    if let Some(spread) = spread_place {
        println!("wrote {}", spread.display());
    }
    Ok(interrupt::code(ExitCode::SUCCESS))
}

/// Writes x, and beside it its spread; returns where the spread is.
fn write(
    place: &Path,
    shape: &[usize],
    x: Vec<f64>,
    spread: Option<Vec<f64>>,
) -> Outcome<Option<PathBuf>> {
    let standard = place.as_os_str() == STANDARD;
    if standard {
        standard::claim_output();
    }
    data::write(place, &Array::new(shape.to_vec(), x), Depth::Eight)?.note();
    let Some(spread) = spread else {
        return Ok(None);
    };
    if standard {
        eprintln!(
            "note: the spread of x over the networks is written to a file alone: give one with -o"
        );
        return Ok(None);
    }
    let beside = data::beside(&place.to_string_lossy(), "spread");
    data::write(&beside, &Array::new(shape.to_vec(), spread), Depth::Eight)?.note();
    Ok(Some(beside))
}

/// All that is known, for programs.
fn told(
    networks: &Networks,
    output: &Path,
    spread: Option<&Path>,
    summary: &PredictionSummary,
    lines: &[SampleLine],
) -> Value {
    let members = networks.paths.iter().zip(networks.ensemble.members());
    let members: Vec<Value> = members
        .map(|(path, file)| json!({ "network": path, "method": file.method, "training": file.summary }))
        .collect();
    let first = networks.ensemble.first();
    json!({
        "network": networks.paths[0],
        "method": first.method,
        "training": first.summary,
        "networks": members,
        "output": output,
        "spread": spread,
        "summary": summary,
        "samples": lines,
    })
}

/// What went otherwise than one would expect.
fn notes(lines: &[SampleLine], physics: &retrodict::Result<Physics>, has_target: bool) {
    let failed = || {
        lines
            .iter()
            .filter_map(|line| Some((line.sample, line.error.as_ref()?)))
    };
    for (sample, error) in failed().take(TOLD) {
        eprintln!(
            "{}",
            wrapped("note: ", &format!("sample {sample}: x is NaN: {error}"))
        );
    }
    let more = failed().count().saturating_sub(TOLD);
    if more > 0 {
        eprintln!("note: {more} more samples failed; their x is NaN");
    }
    if let (Err(error), true) = (physics, has_target) {
        eprintln!("note: without the simulator of the training no losses are computed ({error})");
    }
}
