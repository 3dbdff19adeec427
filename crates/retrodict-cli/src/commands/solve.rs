use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use rayon::prelude::*;
use retrodict::losses::SquaredError;
use retrodict::registry::{RULES, SIMULATORS};
use retrodict::starts::{Region, solve_from};
use retrodict::{Counts, Problem, Simulator, Solution, Solver, StopWhen};
use serde_json::json;

use super::simulate::{fit_shape, joined_shape, note_clipping, split};
use crate::args;
use crate::data::{self, Array, Depth};
use crate::failure::{Failure, NOT_CONVERGED, Outcome};
use crate::folder;
use crate::generate::rms;
use crate::interrupt;
use crate::local_inverse;
use crate::settings;
use crate::survey::{self, Found};
use crate::tables::{aligned, wrapped};

/// Unknowns up to which a dense Jacobian is cheap.
const SMALL: usize = 500;

/// Finds the x that explains the user's data.
pub fn run(args: &args::Solve) -> Outcome<ExitCode> {
    super::threads(args.threads)?;
    let target = data::read(&args.target)?;
    let mut options = settings::table(&args.settings)?;
    let inverse = local_inverse::from_arguments(args.inverse.as_deref(), &mut options)?;
    let rule_options = match options.remove("rule") {
        Some(toml::Value::Table(table)) => table,
        Some(other) => {
            return Err(Failure::Misuse(format!(
                "--set rule={other}: options of the rule are set as rule.KEY=VALUE"
            )));
        }
        None => toml::Table::new(),
    };
    if args.spread.is_some() && args.starts == 1 {
        return Err(Failure::Misuse(
            "--spread says how far starts lie apart; say how many, as in --starts 20".to_owned(),
        ));
    }
    fit_shape(&args.simulator, &mut options, &target)?;
    check_noise(args)?;
    let told = SIMULATORS.find(&args.simulator)?.accepts("noise") && !options.contains_key("noise");
    let simulator = SIMULATORS.build(&args.simulator, &options)?;
    let simulator = local_inverse::join(simulator, inverse.as_ref());
    let (n, m) = (simulator.input().len(), simulator.output().len());
    let targets = split(&target, m, &args.target)?;
    let starts = starts(args, targets.len(), n)?;
    let rule = args
        .method
        .clone()
        .unwrap_or_else(|| default_rule(&*simulator).to_owned());
    RULES.build(&rule, &rule_options)?;

    let ends: Vec<(Solution, Vec<Found>)> = targets
        .par_iter()
        .zip(&starts)
        .map(|(y, x0)| {
            let sigma = noise(args, y);
            let mut simulator = Arc::clone(&simulator);
            if let Some(sigma) = sigma.filter(|_| told) {
                let mut options = options.clone();
                options.insert("noise".into(), sigma.into());
                simulator = SIMULATORS.build(&args.simulator, &options)?;
                simulator = local_inverse::join(simulator, inverse.as_ref());
            }
            let stop = StopWhen {
                steps: args.steps,
                time: args.time,
                // ½Σr² is mσ²/2 where the data are explained to within their noise; a tenth more, since
                // rules that aim at just that level end a hair beside it.
                loss_below: sigma
                    .map(|s| 0.55 * m as f64 * s * s)
                    .filter(|goal| *goal > 0.0),
                cancel: Some(interrupt::flag()),
                ..StopWhen::default()
            };
            let loss = Arc::new(SquaredError { half: true });
            let problem = Problem::new(simulator, loss, y.to_vec())?;
            let (region, starts) = Region::starts(x0, args.spread, args.starts, args.seed)?;
            let solver = |_| {
                let rule = RULES.build(&rule, &rule_options)?;
                let stop = stop.clone();
                Ok(Solver { rule, stop })
            };
            let survey = solve_from(&problem, &starts, &region, solver)?;
            let runs: Vec<&Solution> = survey.runs.iter().flatten().collect();
            let (found, best) = survey::survey(&runs, &region, args.starts);
            let mut solution = runs[best].clone();
            solution.counts = Counts::default();
            runs.iter().for_each(|run| solution.counts.add(&run.counts));
            Ok((solution, found))
        })
        .collect::<retrodict::Result<_>>()?;
    let (solutions, mut surveys): (Vec<Solution>, Vec<Vec<Found>>) = ends.into_iter().unzip();
    if args.starts == 1 {
        surveys.clear();
    }

    let shape = joined_shape(&target, m, &simulator.input().shape);
    let values = solutions.iter().flat_map(|s| s.x.iter().copied()).collect();
    let found = Array {
        colour: target.colour,
        ..Array::new(shape, values)
    };
    let output = args
        .output
        .clone()
        .unwrap_or_else(|| beside(&args.target, "solved"));
    let clipped = data::write(&output, &found, Depth::Eight)?;
    note_clipping(clipped);
    tell(args, &rule, &solutions, &surveys, &output)?;
    let all = solutions.iter().all(|s| s.status.converged());
    Ok(if args.require_converged && !all {
        ExitCode::from(NOT_CONVERGED)
    } else {
        ExitCode::SUCCESS
    })
}

fn check_noise(args: &args::Solve) -> Outcome<()> {
    match args.noise.or(args.noise_std) {
        Some(level) if !(level.is_finite() && level >= 0.0) => Err(Failure::Misuse(format!(
            "noise {level}: it must be 0 or greater"
        ))),
        _ => Ok(()),
    }
}

/// The standard deviation of the noise of one field, in the unit of y, if told.
fn noise(args: &args::Solve, y: &[f64]) -> Option<f64> {
    args.noise_std
        .or_else(|| args.noise.map(|level| level * rms(y)))
}

fn starts(args: &args::Solve, count: usize, n: usize) -> Outcome<Vec<Vec<f64>>> {
    let Some(name) = &args.start else {
        return Ok(vec![vec![0.0; n]; count]);
    };
    let array = data::read(name)?;
    let starts = split(&array, n, name)?;
    match starts.len() {
        1 => Ok(vec![starts[0].to_vec(); count]),
        found if found == count => Ok(starts.into_iter().map(<[f64]>::to_vec).collect()),
        found => Err(Failure::Misuse(format!(
            "{name} holds {found} starts for {count} targets; give one, or one for each"
        ))),
    }
}

pub(super) fn default_rule(simulator: &dyn Simulator) -> &'static str {
    if simulator.local_inverse().is_some() {
        "inverse-simulator"
    } else if simulator.input().len() <= SMALL {
        "levenberg-marquardt"
    } else {
        "limited-memory-bfgs"
    }
}

/// name.png → name-solved.png, where the suffix is "solved".
pub(super) fn beside(target: &str, suffix: &str) -> PathBuf {
    let path = Path::new(target.split(".npz:").next().unwrap_or(target));
    let stem = path
        .file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default();
    let ending = path
        .extension()
        .map(|e| e.to_string_lossy().into_owned())
        .unwrap_or_else(|| {
            if target.contains(".npz:") {
                "npz"
            } else {
                "npy"
            }
            .to_owned()
        });
    path.with_file_name(format!("{stem}-{suffix}.{ending}"))
}

fn tell(
    args: &args::Solve,
    rule: &str,
    solutions: &[Solution],
    surveys: &[Vec<Found>],
    output: &Path,
) -> Outcome<()> {
    if args.json {
        let fields: Vec<_> = solutions
            .iter()
            .enumerate()
            .map(|(i, s)| {
                json!({
                    "status": s.status.name(), "message": s.status.to_string(),
                    "converged": s.status.converged(), "loss": s.loss, "steps": s.steps,
                    "seconds": s.seconds, "counts": s.counts,
                    "notices": s.notices.iter().map(|(n, c)| format!("{} ({c} times)", n.0))
                        .collect::<Vec<_>>(),
                    "trouble": s.trouble.as_ref().map(ToString::to_string),
                    "solutions": surveys.get(i),
                    "x": (s.x.len() <= 16).then(|| s.x.clone()),
                })
            })
            .collect();
        let document = json!({ "method": rule, "output": output, "fields": fields });
        println!("{}", folder::json(&document)?);
        return Ok(());
    }
    let mut lines = vec![
        [
            "field", "status", "steps", "seconds", "loss", "forward", "jvp", "vjp", "inverse",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for (i, s) in solutions.iter().enumerate() {
        lines.push(vec![
            (i + 1).to_string(),
            s.status.name().to_owned(),
            s.steps.to_string(),
            format!("{:.3}", s.seconds),
            format!("{:.4e}", s.loss),
            s.counts.forward.to_string(),
            s.counts.jvp.to_string(),
            s.counts.vjp.to_string(),
            s.counts.inverse.to_string(),
        ]);
    }
    println!("{} with {rule}", args.simulator);
    print!("{}", aligned(&lines, 2));
    for (i, found) in surveys.iter().enumerate() {
        println!("field {} from {} starts", i + 1, args.starts);
        print!("{}", survey::table(found));
    }
    let mut said: Vec<String> = Vec::new();
    for s in solutions {
        let message = s.status.to_string();
        if !said.contains(&message) {
            println!("{}: {message}", s.status.name());
            said.push(message);
        }
        for (notice, count) in &s.notices {
            println!("note: {} ({count} times)", notice.0);
        }
        if let Some(trouble) = &s.trouble {
            println!(
                "{}",
                wrapped("note: at first because ", &trouble.to_string())
            );
        }
    }
    println!("wrote {}", output.display());
    Ok(())
}
