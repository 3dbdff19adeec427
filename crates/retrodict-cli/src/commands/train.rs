//! `train`: networks by several methods on the same data.

use std::process::ExitCode;

use retrodict::spec::{TrainingSpec, TrainingStopSpec};

use crate::args;
use crate::data::durable::replace;
use crate::deliver;
use crate::experiment::Read;
use crate::failure::{Failure, Outcome};
use crate::registry;
use crate::results::folder;
use crate::training::{self, Learner, Manifest};

/// Trains the methods of an experiment, writes the folder and the report.
pub fn run(args: &args::TrainArguments) -> Outcome<ExitCode> {
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
        let mut stop = TrainingStopSpec::default().with_time(args.time);
        stop.epochs = args.epochs;
        plan.methods
            .iter_mut()
            .for_each(|m| m.stop = stop.or(&m.stop));
    }
    choose(&mut plan, args)?;
    if args.check && plan.methods.iter().all(|m| m.expect.is_empty()) {
        return Err(Failure::Misuse(
            "--check: no method of this training says what to expect; give one `expect = [{ epoch = 10, test_below = \
             0.1 }]`, or leave --check out"
                .to_owned(),
        ));
    }
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
    if training::is_begun(&out) {
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
        check: args.check,
        tensorboard: args.tensorboard,
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
    deliver::training(&plan, manifest, &out, args.checkpoint, args.json)
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

/// Keeps the methods that were asked for; makes one of a strategy and a rule that none has.
fn choose(plan: &mut TrainingSpec, args: &args::TrainArguments) -> Outcome<()> {
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
