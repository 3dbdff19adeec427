//! `predict`: x from new observations by a trained network, refined if asked for.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use retrodict::Error;
use retrodict::solver::automatic::{self, AUTOMATIC};
use retrodict::spec::{NetworkFile, Physics};
use serde_json::json;

use crate::args;
use crate::data::{self, Array, Depth, STANDARD, bounded, joined_shape, split, standard};
use crate::failure::{Failure, Outcome};
use crate::registry;
use crate::terminal::interrupt;
use crate::training::{self, Checkpoint};

mod sample;

use sample::{Refinement, SampleLine, look, table};

/// Applies a trained network to the user's data, and polishes its answer if wished.
pub fn run(args: &args::PredictArguments) -> Outcome<ExitCode> {
    super::threads(args.threads)?;
    let path = find(&args.network, args.method.as_deref())?;
    let bytes = bounded::bytes(&path, bounded::DATA)?;
    let file = NetworkFile::from_bytes(&path.display().to_string(), &bytes, registry())?;
    let physics = file
        .plan
        .method(&file.method)
        .and_then(|method| file.plan.physics(method, registry()));
    let seen = Seen::read(args, &file, &path)?;
    let inputs = split(&seen.inputs, &file.input.shape, &seen.name)?;
    let targets = seen.targets(args, &file)?;
    let refinement = match args.refine {
        None => None,
        Some(steps) => Some(refinement(args, &physics, targets.is_some(), steps)?),
    };
    let mut x = file.network.predict(&inputs.concat())?;
    let n = file.output.len();
    let mut lines = Vec::new();
    for (i, x) in x.chunks_mut(n).enumerate() {
        let looked = match (&physics, &targets) {
            (Ok(physics), Some(targets)) => {
                look(&file, physics, refinement.as_ref(), &targets[i], x)
            }
            _ => Ok(SampleLine::default()),
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
    if lines.len() < inputs.len() {
        let refined = match refinement {
            Some(_) => ", not refined",
            None => "",
        };
        let first = lines.len() + 1;
        eprintln!("note: interrupted: from sample {first} on, x is the network's{refined}");
    }
    notes(&lines, &physics, targets.is_some());
    // Of the sample that an interruption fell into, the network's x stands.
    let output = args.output.clone();
    let output = output.unwrap_or_else(|| data::beside(&seen.name, "predicted"));
    let shape = joined_shape(&seen.inputs, file.input.len(), &file.output.shape);
    if output.as_os_str() == STANDARD {
        standard::claim_output();
    }
    data::write(&output, &Array::new(shape, x), Depth::Eight)?.note();
    if args.json {
        let summary = json!({
            "network": path,
            "method": file.method,
            "training": file.summary,
            "output": output,
            "samples": lines,
        });
        println!("{summary:#}");
        return Ok(interrupt::code(ExitCode::SUCCESS));
    }
    let title = match file.plan.title.as_str() {
        "" => &file.plan.simulator.name,
        title => title,
    };
    println!("{title} by {}", file.method);
    if targets.is_some() && physics.is_ok() {
        print!("{}", table(&lines, refinement.as_ref()));
    }
    println!("wrote {}", output.display());
    Ok(interrupt::code(ExitCode::SUCCESS))
}

/// What went otherwise than one would expect.
fn notes(lines: &[SampleLine], physics: &retrodict::Result<Physics>, has_target: bool) {
    for line in lines {
        if let Some(error) = &line.error {
            eprintln!("note: sample {}: x is NaN: {error}", line.sample);
        }
    }
    if let (Err(error), true) = (physics, has_target) {
        eprintln!("note: without the simulator of the training no losses are computed ({error})");
    }
}

/// How x is refined, if all is there that it takes.
fn refinement(
    args: &args::PredictArguments,
    physics: &retrodict::Result<Physics>,
    has_target: bool,
    steps: usize,
) -> Outcome<Refinement> {
    if !has_target {
        return Err(Failure::Misuse(
            "--refine needs y*, which this network does not see; give it as --target FILE"
                .to_owned(),
        ));
    }
    let physics = physics.as_ref().map_err(|error| error.clone())?;
    let rule = match args.rule.as_deref() {
        None | Some(AUTOMATIC) => automatic::of_simulator(&*physics.simulator)
            .method
            .to_owned(),
        Some(name) => name.to_owned(),
    };
    Ok(Refinement {
        rule,
        steps,
        compare_cold: args.compare_cold,
    })
}

/// What the network is given.
struct Seen {
    name: String,
    inputs: Array,
}

impl Seen {
    fn read(args: &args::PredictArguments, file: &NetworkFile, path: &Path) -> Outcome<Self> {
        let (input, target) = (args.input.as_deref(), args.target.as_deref());
        let name = match (input, target) {
            (Some(input), _) => input,
            (None, Some(target)) if file.sees_target() => target,
            _ => {
                let seen = &file.input;
                return Err(Failure::Misuse(format!(
                    "the network of {} does not see y*, but '{}', shape {:?}; give it as --input FILE",
                    path.display(),
                    seen.name,
                    seen.shape
                )));
            }
        };
        Ok(Self {
            name: name.to_owned(),
            inputs: data::read(name)?,
        })
    }

    /// y* of each sample, where it is known.
    fn targets(
        &self,
        args: &args::PredictArguments,
        file: &NetworkFile,
    ) -> Outcome<Option<Vec<Vec<f64>>>> {
        let fields = |array: &Array, name: &str| -> Outcome<Vec<Vec<f64>>> {
            let fields = split(array, &file.target.shape, name)?;
            Ok(fields.into_iter().map(<[f64]>::to_vec).collect())
        };
        match args.target.as_deref() {
            None if file.sees_target() => fields(&self.inputs, &self.name).map(Some),
            None => Ok(None),
            Some(name) => {
                let targets = fields(&data::read(name)?, name)?;
                let count = self.inputs.values.len() / file.input.len().max(1);
                if targets.len() != count {
                    return Err(Failure::Misuse(format!(
                        "{name} holds {} samples, and {} holds {count}; give one y* for each input",
                        targets.len(),
                        self.name
                    )));
                }
                Ok(Some(targets))
            }
        }
    }
}

/// A file of weights, or those of a training's folder: of a method, or with the least loss.
fn find(place: &Path, method: Option<&str>) -> Outcome<PathBuf> {
    if place.extension().is_some_and(|e| e == "safetensors") {
        return Ok(place.to_path_buf());
    }
    let contents = training::read(place)?;
    let of = contents.outcomes.iter();
    let best = of
        .filter(|o| method.is_none_or(|m| o.method == m))
        .min_by(|a, b| a.loss.total_cmp(&b.loss));
    let Some(best) = best else {
        let known = contents.manifest.methods.iter().map(String::as_str);
        let error = Error::unknown("method", method.unwrap_or_default(), known);
        return Err(error.into());
    };
    Ok(Checkpoint::path(place, &best.method, best.seed).with_extension("safetensors"))
}
