//! `predict`: x from new observations by a trained network, refined if asked for.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::registry;
use retrodict::registry::Named;
use retrodict::solver::automatic::{self, AUTOMATIC};
use retrodict::spec::{Physics, Samples, TrainingSpec};
use retrodict::{Error, Network, Problem, Solution, Solver, StopWhen};

use crate::args;
use crate::data::{self, Array, Depth, STANDARD, UserFiles, joined_shape, split, standard};
use crate::failure::{Failure, Outcome};
use crate::terminal::interrupt;
use crate::terminal::text::aligned;
use crate::training::{self, Checkpoint, Weights};

/// Applies a trained network to the user's data, and polishes its answer if wished.
pub fn run(args: &args::PredictArguments) -> Outcome<ExitCode> {
    super::threads(args.threads)?;
    let trained = Trained::read(&args.network, args.method.as_deref())?;
    let physics = &trained.physics;
    let target = data::read(&args.target)?;
    let (seen, m) = (
        trained.network.input().len(),
        physics.simulator.output().len(),
    );
    let inputs = split(&target, &trained.network.input().shape, &args.target)?;
    if args.refine.is_some() && seen != m {
        return Err(Failure::Misuse(format!(
            "--refine needs y*, {m} values per sample, but this network takes {seen} other values; leave --refine out"
        )));
    }
    let n = trained.network.output().len();
    let mut x = vec![0.0; inputs.len() * n];
    let theta = &trained.weights.theta;
    trained.network.forward(theta, &inputs.concat(), &mut x)?;
    let mut lines = vec![
        ["sample", "loss of the network's x"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let chosen = || automatic::of_simulator(&*physics.simulator).method;
    let rule = match args.rule.as_deref() {
        None | Some(AUTOMATIC) => chosen().to_owned(),
        Some(name) => name.to_owned(),
    };
    if args.refine.is_some() {
        lines[0].push(format!("after {rule}"));
        lines[0].push("steps".to_owned());
    }
    if args.compare_cold {
        lines[0].push("from zeros".to_owned());
        lines[0].push("steps to the same loss".to_owned());
    }
    for (i, (input, x)) in inputs.iter().zip(x.chunks_mut(n)).enumerate() {
        let number = (i + 1).to_string();
        let cells = match seen == m {
            true => polished(args, &trained, &rule, input, x),
            false => Ok(vec!["–".to_owned()]),
        };
        match cells {
            Ok(cells) => lines.push([vec![number], cells].concat()),
            Err(_) if interrupt::raised() => {}
            Err(failure) => return Err(failure),
        }
        if interrupt::raised() {
            break;
        }
    }
    // Of the sample that an interruption fell into, the best x stands.
    let solved = lines.len() - 1;
    if solved < inputs.len() {
        eprintln!(
            "note: interrupted: from sample {} on, x is the network's{}",
            solved + 1,
            if args.refine.is_some() {
                ", not refined"
            } else {
                ""
            }
        );
    }
    let output = args
        .output
        .clone()
        .unwrap_or_else(|| data::beside(&args.target, "predicted"));
    let shape = joined_shape(&target, seen, &physics.simulator.input().shape);
    if output.as_os_str() == STANDARD {
        standard::claim_output();
    }
    data::write(&output, &Array::new(shape, x), Depth::Eight)?.note();
    println!("{} by {}", trained.plan.title, trained.weights.method);
    print!("{}", aligned(&lines, 0));
    println!("wrote {}", output.display());
    Ok(interrupt::code(ExitCode::SUCCESS))
}

/// What is told of a sample: the loss of the network's x, and what rules make of it and of zeros; x is refined where that
/// is asked for.
fn polished(
    args: &args::PredictArguments,
    trained: &Trained,
    rule: &str,
    input: &[f64],
    x: &mut [f64],
) -> Outcome<Vec<String>> {
    let physics = &trained.physics;
    let simulator = physics.aimed_at(&trained.plan.data.draw, input)?;
    let problem = Problem::new(simulator, Arc::clone(&physics.loss), input.to_vec())?;
    let solve = |start: &[f64], stop: StopWhen| -> Outcome<Solution> {
        let rule = registry().rules.build(rule, &toml::Table::new())?;
        Ok(Solver::new(rule, stop).solve(&problem, start)?)
    };
    let mut cells = vec![format!("{:.4e}", solve(x, StopWhen::after(0))?.loss)];
    let Some(steps) = args.refine else {
        return Ok(cells);
    };
    let warm = solve(x, StopWhen::after(steps))?;
    x.copy_from_slice(&warm.x);
    cells.push(format!("{:.4e}", warm.loss));
    cells.push(warm.steps.to_string());
    if args.compare_cold {
        let zeros = vec![0.0; x.len()];
        let cold = solve(&zeros, StopWhen::after(steps))?;
        let goal = StopWhen::after(steps.saturating_mul(20).max(200)).with_loss_below(warm.loss);
        let long = solve(&zeros, goal)?;
        cells.push(format!("{:.4e}", cold.loss));
        cells.push(if long.loss <= warm.loss {
            long.steps.to_string()
        } else {
            format!("more than {}", long.steps)
        });
    }
    Ok(cells)
}

/// A network with its weights and the physics that it was trained for.
struct Trained {
    plan: TrainingSpec,
    weights: Weights,
    network: Arc<dyn Network>,
    physics: Physics,
}

impl Trained {
    fn read(place: &Path, method: Option<&str>) -> Outcome<Self> {
        let path = find(place, method)?;
        let (weights, arrays) = Weights::read(&path)?;
        let damaged = |e: toml::de::Error| {
            Failure::unreadable(&path, format!("its metadata is damaged ({})", e.message()))
        };
        let plan: TrainingSpec = toml::from_str(&weights.plan).map_err(damaged)?;
        let architecture: Named = toml::from_str(&weights.architecture).map_err(damaged)?;
        let physics = plan.physics(plan.method(&weights.method)?, registry())?;
        let input = Samples::space(&plan.data.draw, &physics, &UserFiles)?;
        let kind = registry().networks.make(registry(), &architecture)?;
        let network = kind.between(&input, physics.simulator.input())?;
        Ok(Self {
            weights: weights.gather(&path, &arrays, &network)?,
            plan,
            network,
            physics,
        })
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
