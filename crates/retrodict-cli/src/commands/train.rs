use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use retrodict::spec::{TrainingSpec, TrainingStopSpec};

use crate::args;
use crate::data::Array;
use crate::durable::replace;
use crate::experiment::Read;
use crate::failure::{Failure, Outcome};
use crate::folder;
use crate::interrupt;
use crate::registry;
use crate::report;
use crate::text::{unindented, wrapped};
use crate::training::{self, Checkpoint, Contents, Learner, Manifest, Weights};
use crate::verdict;

/// How many held-out samples are kept for the report.
const SHOWN: usize = 4;

/// Trains the methods of an experiment, writes the folder and the report.
pub fn run(args: &args::Train) -> Outcome<ExitCode> {
    let threads = super::threads(args.threads)?;
    let Read {
        spec: mut plan,
        short,
        origin,
    } = training::load(&args.experiment, &args.settings)?;
    if let Some(seed) = args.seed {
        plan.seed = seed;
    }
    if args.epochs.is_some() || args.time.is_some() {
        let stop = TrainingStopSpec {
            epochs: args.epochs,
            time: args.time,
            ..TrainingStopSpec::default()
        };
        plan.methods
            .iter_mut()
            .for_each(|m| m.stop = stop.or(&m.stop));
    }
    choose(&mut plan, args)?;
    plan.check()
        .map_err(|error| endless(origin.locate(error)))?;
    if args.seeds == 0 {
        return Err(Failure::Misuse(
            "--seeds 0: it must be at least 1".to_owned(),
        ));
    }
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| folder::free(&format!("train-{short}")));
    folder::prepare(&out)?;
    if is_begun(&out) {
        return Err(Failure::Misuse(format!(
            "{} already contains a training run; continue it with `retrodict resume {}`, or choose another folder \
             with --out",
            out.display(),
            out.display()
        )));
    }
    let manifest = Manifest {
        kind: "training".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: std::env::args().collect::<Vec<_>>().join(" "),
        experiment: short,
        title: plan.title.clone(),
        sentence: plan.sentence.clone(),
        source: plan.source.clone(),
        methods: plan.methods.iter().map(|m| m.name.clone()).collect(),
        seeds: args.seeds,
        threads,
        ..Manifest::default()
    };
    // Everything that can be wrong is found before anything is written.
    for method in &plan.methods {
        Learner::new(&plan, method, 0).map_err(|error| origin.locate(error))?;
    }
    let text = plan.to_toml()?;
    // The plan last: it is what makes the folder a training's, and whoever finds it finds the manifest too.
    replace(
        &out.join("manifest.json"),
        folder::json(&manifest)?.as_bytes(),
    )?;
    replace(&out.join("plan.toml"), text.as_bytes())?;
    train(&plan, manifest, &out, args.checkpoint, args.json)
}

/// The arguments that end a training, where a description leaves it without an end.
fn endless(error: retrodict::Error) -> Failure {
    let hint = match &error {
        retrodict::Error::Within { place, .. } if place.table == "stop" => {
            ", or pass --epochs or --time"
        }
        _ => "",
    };
    Failure::from(error).and(hint)
}

/// Whether a folder holds a training that `resume` can go on with. One that was killed between its first two files
/// holds nothing worth keeping, and is begun again.
fn is_begun(folder: &Path) -> bool {
    let holds_checkpoint = || {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path())
            .any(|path| path.extension().is_some_and(|e| e == "checkpoint"))
    };
    folder.join("plan.toml").exists()
        && (folder.join("manifest.json").exists() || holds_checkpoint())
}

/// Goes on with a training that was stopped, as if it had never been.
pub fn resume(args: &args::Resume) -> Outcome<ExitCode> {
    if args.steps.is_some() || !args.stops.is_empty() || !args.settings.is_empty() {
        return Err(Failure::Misuse(format!(
            "{} is the folder of a training run, which continues unchanged; --steps, --stop and --set are for \
             inversions",
            args.folder.display()
        )));
    }
    let path = args.folder.join("plan.toml");
    let text = std::fs::read_to_string(&path).map_err(|e| Failure::unreadable(&path, e))?;
    let damaged =
        |why: &dyn std::fmt::Display| Failure::unreadable(&path, format!("it is damaged ({why})"));
    let plan = TrainingSpec::from_toml("plan.toml", &text).map_err(|e| damaged(&e))?;
    let path = args.folder.join("manifest.json");
    let bytes = std::fs::read(&path).map_err(|e| {
        let again = match is_begun(&args.folder) {
            true => "restore it, or train in another folder",
            false => "the training stopped before it began: run `retrodict train` again",
        };
        Failure::unreadable(&path, format!("{e}; {again}"))
    })?;
    let manifest: Manifest = serde_json::from_slice(&bytes)
        .map_err(|e| Failure::unreadable(&path, format!("it is damaged ({e})")))?;
    train(&plan, manifest, &args.folder, args.checkpoint, args.json)
}

/// Keeps the methods that were asked for; makes one of a strategy and a rule that none has.
fn choose(plan: &mut TrainingSpec, args: &args::Train) -> Outcome<()> {
    let names: Vec<String> = plan.methods.iter().map(|m| m.name.clone()).collect();
    if !args.compare.is_empty() {
        for wanted in &args.compare {
            plan.method(wanted)?;
        }
        plan.methods.retain(|m| args.compare.contains(&m.name));
    }
    let strategy = args
        .strategy
        .as_deref()
        .map(|s| registry().strategies.find(s))
        .transpose()?;
    let strategy = strategy.map(|entry| entry.name);
    if let Some(wanted) = &args.method
        && names.contains(wanted)
    {
        plan.methods.retain(|m| m.name == *wanted);
        if let Some(strategy) = strategy {
            plan.methods
                .iter_mut()
                .for_each(|m| m.strategy = strategy.into());
        }
        return Ok(());
    }
    let rule = args
        .method
        .as_deref()
        .map(|r| registry().rules.find(r))
        .transpose()?;
    let rule = rule.map(|entry| entry.name);
    let Some(mut model) = plan.methods.first().cloned() else {
        return Ok(());
    };
    plan.methods.retain(|m| {
        strategy.is_none_or(|s| m.strategy.name == s) && rule.is_none_or(|r| m.rule.name == r)
    });
    if plan.methods.is_empty() {
        if let Some(strategy) = strategy {
            model.strategy = strategy.into();
        }
        if let Some(rule) = rule {
            model.rule = rule.into();
        }
        model.name = [strategy, rule]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ");
        model.expect.clear();
        eprintln!(
            "note: the experiment has no such method; using the rule's defaults and a batch size of {}",
            model.batch
        );
        plan.methods = vec![model];
    }
    Ok(())
}

/// Trains what is not trained yet, and writes everything.
fn train(
    plan: &TrainingSpec,
    mut manifest: Manifest,
    out: &Path,
    every: Duration,
    as_json: bool,
) -> Outcome<ExitCode> {
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
                before => training::learn(&mut learner, before, out, every, &label)?,
            };
            contents.add(&checkpoint);
            contents.outcomes.push(learner.outcome(&checkpoint));
            let weights = Weights {
                theta: checkpoint.state.best.clone(),
                architecture: architecture(&learner)?,
                plan: plan.to_toml()?,
                method: method.name.clone(),
            };
            let name = path.with_extension("safetensors");
            weights.write(&name, &learner.training.network)?;
            if seed == 0 {
                interrupt::graced(|| show(&learner, &checkpoint, &mut contents))?;
            }
        }
    }
    manifest.interrupted = interrupt::raised();
    contents.manifest = manifest;
    training::write(out, &contents)?;
    let page = report::write_training(out, &contents)?;
    if as_json {
        println!("{}", folder::json(&contents.outcomes)?);
        return Ok(interrupt::code(ExitCode::SUCCESS));
    }
    if let Some(sentence) = verdict::of_training(&contents) {
        println!("{}", unindented("", &sentence));
        println!();
    }
    println!("{}", unindented("", &plan.sentence));
    println!();
    print!("{}", training::results(&contents));
    println!();
    for remark in training::remarks(&contents) {
        println!("{}", wrapped("note: ", &remark));
    }
    if contents.manifest.interrupted {
        println!(
            "interrupted: continue with `retrodict resume {}`",
            out.display()
        );
    }
    println!("report: {}", page.display());
    Ok(interrupt::code(ExitCode::SUCCESS))
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
    let x = learner.training.predict(&checkpoint.state.best, &inputs)?;
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
