//! The methods of a training one after the other, each from its checkpoint on.

use std::path::Path;
use std::time::Duration;

use retrodict::spec::{NetworkFile, TrainingSpec};

use super::{Checkpoint, Contents, Learner, Manifest, MethodFailure, learn};
use crate::data::Array;
use crate::data::durable::replace;
use crate::failure::{Failure, Outcome};
use crate::results::folder::{SeriesFacts, json};
use crate::terminal::interrupt;

/// How many held-out samples are kept for the report: at least, at most, and how many values of x or y in all.
const SHOWN: (usize, usize) = (4, 256);
const VALUES: usize = 32_768;

/// Trains what is not trained yet, and keeps checkpoints and weights in the folder. `done` is called after each method
/// and seed, so that what has ended is told whatever happens to the next.
pub fn train(
    plan: &TrainingSpec,
    mut manifest: Manifest,
    out: &Path,
    every: Duration,
    mut done: impl FnMut(&Contents) -> Outcome<()>,
) -> Outcome<Contents> {
    manifest.failures.clear();
    manifest.interrupted = false;
    let seeds = manifest.seeds;
    let mut contents = Contents {
        manifest,
        ..Contents::default()
    };
    let mut failures = Vec::new();
    for method in &plan.methods {
        for seed in 0..seeds {
            let path = Checkpoint::path(out, &method.name, seed);
            let before = path.exists().then(|| Checkpoint::read(&path)).transpose()?;
            if before.is_none() && interrupt::raised() {
                continue;
            }
            let learned = match Learner::new(plan, method, seed) {
                // What was learned before is still to be written.
                Err(_) if interrupt::raised() && !contents.outcomes.is_empty() => continue,
                Err(error) => Err(error.into()),
                Ok(mut learner) => {
                    introduce(&learner, &mut contents.manifest, out)?;
                    if let Some(before) = &before {
                        learner.check(before)?;
                    }
                    let label = learner.label(seeds);
                    let events = contents.manifest.tensorboard;
                    let learned = match before {
                        Some(done) if done.has_ended() => Ok(done),
                        before => learn(&mut learner, before, out, every, &label, events)?,
                    };
                    learned.and_then(|checkpoint| {
                        keep(plan, &learner, &checkpoint, &path, &mut contents)
                    })
                }
            };
            if let Err(failure) = learned {
                if interrupt::raised() && contents.outcomes.is_empty() {
                    return Err(failure);
                }
                contents.manifest.failures.push(MethodFailure {
                    method: method.name.clone(),
                    seed,
                    message: failure.to_string(),
                });
                failures.push(failure);
            }
            contents.manifest.interrupted = interrupt::raised();
            done(&contents)?;
        }
    }
    contents.manifest.interrupted = interrupt::raised();
    match failures.into_iter().next() {
        // Nothing else is to be told.
        Some(failure) if contents.outcomes.is_empty() => Err(failure),
        _ => Ok(contents),
    }
}

/// What the folder tells of network and physics before anything has ended.
fn introduce(learner: &Learner<'_>, manifest: &mut Manifest, out: &Path) -> Outcome<()> {
    let simulator = &learner.training.physics.simulator;
    let unknown = manifest.facts.is_empty();
    manifest.facts = facts(learner);
    manifest.x_shape = simulator.input().shape.clone();
    manifest.y_shape = simulator.output().shape.clone();
    manifest.series = simulator.describe().series.map(|series| SeriesFacts {
        fine: series.times.clone(),
        times: series.times,
        time_unit: series.time_unit,
        columns: series.columns,
    });
    if unknown {
        replace(&out.join("manifest.json"), json(manifest)?.as_bytes())?;
    }
    Ok(())
}

/// Adds what was learned to the contents, and writes the weights.
fn keep(
    plan: &TrainingSpec,
    learner: &Learner<'_>,
    checkpoint: &Checkpoint,
    path: &Path,
    contents: &mut Contents,
) -> Outcome<()> {
    let method = &learner.method.name;
    let (training, state) = (&learner.training, &checkpoint.state);
    let file = NetworkFile::of(plan, method, learner.seed, training, state)?;
    replace(&path.with_extension("safetensors"), &file.to_bytes()?)?;
    contents.add(checkpoint);
    contents.outcomes.push(learner.outcome(checkpoint));
    if learner.seed == 0 {
        interrupt::graced(|| show(learner, checkpoint, contents))?;
    }
    Ok(())
}

/// What physics, network and loss are.
fn facts(learner: &Learner<'_>) -> Vec<(String, String)> {
    let physics = &learner.training.physics;
    let (x, y) = (physics.simulator.input(), physics.simulator.output());
    let fact = |key: &str, value: String| (key.to_owned(), value);
    vec![
        fact("x", format!("{} {:?}, in {}", x.name, x.shape, x.unit)),
        fact("y", format!("{} {:?}, in {}", y.name, y.shape, y.unit)),
        fact("loss of a sample", physics.loss.formula()),
        fact("network", drawn(learner)),
        fact(
            "options of the network",
            architecture(learner)
                .unwrap_or_default()
                .trim()
                .replace('\n', ", "),
        ),
    ]
}

/// The network in a line: `mlp: 4 → 20 → 24, 584 weights`.
fn drawn(learner: &Learner<'_>) -> String {
    let network = &learner.training.network;
    let side = |shape: &[usize]| {
        let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
        sides.join(" × ")
    };
    let mut stages = vec![side(&network.input().shape)];
    for weight in network.weights() {
        match weight.shape.as_slice() {
            [_, outputs] => stages.push(outputs.to_string()),
            [outputs, _, kernel @ ..] if kernel.len() > 1 => {
                stages.push(format!("{outputs} maps by {}", side(kernel)));
            }
            _ => {}
        }
    }
    let output = side(&network.output().shape);
    if stages.last() != Some(&output) {
        stages.push(output);
    }
    format!(
        "{}: {}, {} weights",
        learner.training.architecture.name,
        stages.join(" → "),
        network.parameters()
    )
}

/// Name and options of the network, as TOML.
fn architecture(learner: &Learner<'_>) -> Outcome<String> {
    let table = toml::Table::try_from(&learner.training.architecture);
    let table = table.map_err(|e| Failure::Broken(format!("cannot encode the network: {e}")))?;
    Ok(table.to_string())
}

/// Some held-out samples: what is asked for, and what the network's x leads to.
fn show(learner: &Learner<'_>, checkpoint: &Checkpoint, contents: &mut Contents) -> Outcome<()> {
    let simulator = &learner.training.physics.simulator;
    let longest = simulator.input().len().max(simulator.output().len());
    let shown = (VALUES / longest.max(1)).clamp(SHOWN.0, SHOWN.1);
    let samples: Vec<_> = learner.training.samples.test.iter().take(shown).collect();
    if samples.is_empty() {
        return Ok(());
    }
    let inputs: Vec<f64> = samples.iter().flat_map(|s| s.input.clone()).collect();
    let (n, count) = (learner.training.network.output().len(), samples.len());
    let x = learner
        .training
        .trained(&checkpoint.state)?
        .predict(&inputs)?;
    let (mut y, mut labels) = (Vec::new(), Vec::new());
    for (sample, x) in samples.iter().zip(x.chunks(n)) {
        let mut one = vec![0.0; sample.target.len()];
        // Where the physics fails, there is no y to show.
        match sample.simulator.forward(x, &mut one) {
            // Nothing is shown rather than something wrong.
            Err(error) if error.is_interruption() => return Ok(()),
            Err(_) => one.fill(f64::NAN),
            Ok(()) => {}
        }
        y.extend(one);
        labels.extend(sample.label.iter().flatten());
    }
    let array = |shape: &[usize], values: Vec<f64>| {
        let shape: Vec<usize> = [&[count], shape].concat();
        Array::new(shape, values)
    };
    let (x_shape, y_shape) = (&simulator.input().shape, &simulator.output().shape);
    let name = &learner.method.name;
    if contents.field("target").is_none() {
        let target = samples.iter().flat_map(|s| s.target.clone()).collect();
        contents
            .fields
            .push(("target".to_owned(), array(y_shape, target)));
        if labels.len() == count * n {
            contents
                .fields
                .push(("label".to_owned(), array(x_shape, labels)));
        }
    }
    contents
        .fields
        .push((format!("{name}/x"), array(x_shape, x)));
    contents
        .fields
        .push((format!("{name}/y"), array(y_shape, y)));
    Ok(())
}
