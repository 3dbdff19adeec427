//! The methods of a training one after the other, each from its checkpoint on.

use std::path::Path;
use std::time::Duration;

use retrodict::spec::{NetworkFile, TrainingSpec};

use super::{Checkpoint, Contents, Learner, Manifest, learn};
use crate::data::Array;
use crate::data::durable::replace;
use crate::failure::{Failure, Outcome};
use crate::terminal::interrupt;

/// How many held-out samples are kept for the report.
const SHOWN: usize = 4;

/// Trains what is not trained yet, and keeps checkpoints and weights in the folder.
pub fn train(
    plan: &TrainingSpec,
    mut manifest: Manifest,
    out: &Path,
    every: Duration,
) -> Outcome<Contents> {
    let mut contents = Contents::default();
    for method in &plan.methods {
        for seed in 0..manifest.seeds {
            let path = Checkpoint::path(out, &method.name, seed);
            let before = path.exists().then(|| Checkpoint::read(&path)).transpose()?;
            if before.is_none() && interrupt::raised() {
                continue;
            }
            let mut learner = match Learner::new(plan, method, seed) {
                // What was learned before is still to be written.
                Err(_) if interrupt::raised() && !contents.outcomes.is_empty() => continue,
                learner => learner?,
            };
            manifest.facts = facts(&learner);
            manifest.x_shape = learner.training.physics.simulator.input().shape.clone();
            manifest.y_shape = learner.training.physics.simulator.output().shape.clone();
            if let Some(before) = &before {
                learner.check(before)?;
            }
            let label = learner.label(manifest.seeds);
            let checkpoint = match before {
                Some(done) if done.ended.is_some() => done,
                before => learn(&mut learner, before, out, every, &label)?,
            };
            contents.add(&checkpoint);
            contents.outcomes.push(learner.outcome(&checkpoint));
            let (training, state) = (&learner.training, &checkpoint.state);
            let file = NetworkFile::of(plan, &method.name, seed, training, state)?;
            replace(&path.with_extension("safetensors"), &file.to_bytes()?)?;
            if seed == 0 {
                interrupt::graced(|| show(&learner, &checkpoint, &mut contents))?;
            }
        }
    }
    manifest.interrupted = interrupt::raised();
    contents.manifest = manifest;
    Ok(contents)
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
        fact(
            "network",
            architecture(learner)
                .unwrap_or_default()
                .trim()
                .replace('\n', ", "),
        ),
        fact(
            "parameters",
            learner.training.network.parameters().to_string(),
        ),
    ]
}

/// Name and options of the network, as TOML.
fn architecture(learner: &Learner<'_>) -> Outcome<String> {
    let table = toml::Table::try_from(&learner.training.architecture);
    let table = table.map_err(|e| Failure::Broken(format!("cannot encode the network: {e}")))?;
    Ok(table.to_string())
}

/// Some held-out samples: what is asked for, and what the network's x leads to.
fn show(learner: &Learner<'_>, checkpoint: &Checkpoint, contents: &mut Contents) -> Outcome<()> {
    let samples: Vec<_> = learner.training.samples.test.iter().take(SHOWN).collect();
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
            Err(_) => one.fill(0.0),
            Ok(()) => {}
        }
        y.extend(one);
        labels.extend(sample.label.iter().flatten());
    }
    let simulator = &learner.training.physics.simulator;
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
