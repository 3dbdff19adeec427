//! The folder of an inversion: its file, and what is written of its answers in the end.

mod arrays;
mod data_sets;

use std::path::{MAIN_SEPARATOR, Path};

use crate::data::Array;
use crate::data::durable::replace;
use crate::failure::{Failure, Outcome};
use crate::inversion::{Answer, Plan, Run};
use crate::registry;
use crate::results::folder::{
    self, MethodSummary, ProblemFacts, Row, RunContents, RunManifest, SpaceFacts,
};
use crate::results::own_units::own_units;
use crate::results::series::Curves;
use crate::terminal::interrupt;
use retrodict::spec::{InversionSpec, Origin};

/// The file that tells an inversion's folder from others: what is solved, and how.
const INVERSION: &str = "inversion.toml";

/// Whether the folder is an inversion's.
pub fn is_inversion(folder: &Path) -> bool {
    folder.join(INVERSION).exists()
}

/// Reads what a folder's inversion is, and says where it came from.
pub fn read(folder: &Path) -> Outcome<(InversionSpec, Origin)> {
    let path = folder.join(INVERSION);
    crate::inversion::read_file(&path)
}

/// Writes what is solved, with paths that hold from everywhere.
pub fn write_inversion(folder: &Path, inversion: &InversionSpec) -> Outcome<()> {
    let inversion = anchored(inversion)?;
    replace(&folder.join(INVERSION), inversion.to_toml()?.as_bytes())
}

/// Takes back what [`write_inversion`] wrote of an inversion that could not begin.
pub fn forget_inversion(folder: &Path) {
    // What cannot be removed is no worse than it was before.
    let _ = std::fs::remove_file(folder.join(INVERSION));
}

/// The same inversion wherever it is read from.
fn anchored(inversion: &InversionSpec) -> Outcome<InversionSpec> {
    let mut inversion = inversion.clone();
    let here = std::env::current_dir().map_err(|e| Failure::unreadable(Path::new("."), e))?;
    crate::inversion::anchor(&mut inversion, &here);
    Ok(inversion)
}

/// What the inversion is called: as it was told, or by what is inverted, wherever its file stands.
fn title(plan: &Plan) -> String {
    let target = plan.target_name();
    match plan.inversion.title.as_str() {
        "" => {
            let file = target.rsplit(MAIN_SEPARATOR).next().unwrap_or(target);
            let sets: Vec<&str> = plan.data_sets().map(|(set, _)| set.name.as_str()).collect();
            match sets.is_empty() {
                true => format!("{} from {file}", plan.name),
                false => format!("{} from {}", plan.name, sets.join(", ")),
            }
        }
        title => title.to_owned(),
    }
}

/// Writes everything but x and the report: the fit, the history, how it ended, how sure it is; returns what the
/// report shows.
pub fn write(folder: &Path, plan: &Plan, runs: &[Run], answers: &[Answer]) -> Outcome<RunContents> {
    replace(
        &folder.join("result.json"),
        folder::json(&answers)?.as_bytes(),
    )?;
    arrays::write(folder, answers)?;
    let contents = contents(plan, runs, answers)?;
    folder::write(folder, &contents)?;
    Ok(contents)
}

fn contents(plan: &Plan, runs: &[Run], answers: &[Answer]) -> Outcome<RunContents> {
    let mut contents = RunContents::default();
    let facts = facts(plan)?;
    contents.manifest = RunManifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: std::env::args().collect::<Vec<_>>().join(" "),
        experiment: "inversion".to_owned(),
        title: title(plan),
        sentence: facts.sentence.clone(),
        configuration: serde_json::to_value(anchored(&plan.inversion)?)
            .map_err(|e| Failure::Broken(format!("cannot encode the inversion: {e}")))?,
        seed: plan.inversion.start.seed,
        threads: rayon::current_num_threads(),
        seconds: answers.iter().map(|a| a.seconds).sum(),
        interrupted: interrupt::raised(),
        problems: vec![facts],
        ..RunManifest::default()
    };
    let several = answers.len() > 1;
    for answer in answers {
        let label = if several {
            format!("field {}", answer.field + 1)
        } else {
            plan.rule.clone()
        };
        let best = runs
            .iter()
            .find(|run| run.field == answer.field && run.start == answer.start);
        let records = best
            .map(|run| run.history.records.as_slice())
            .unwrap_or_default();
        contents.rows.extend(records.iter().map(|r| Row {
            method: label.clone(),
            step: r.step,
            seconds: r.seconds,
            loss: r.loss,
            x_error: None,
            step_norm: r.step_norm,
            counts: r.counts,
            problem: plan.name.clone(),
        }));
        contents.fields.extend(fields(plan, answer, &label));
        contents.summary.methods.push(summary(plan, answer, &label));
    }
    Ok(contents)
}

fn summary(plan: &Plan, answer: &Answer, label: &str) -> MethodSummary {
    let mut notices: Vec<String> = plan.choice_words().into_iter().collect();
    notices.extend(answer.notices.iter().cloned());
    notices.extend(
        answer
            .first_error
            .iter()
            .map(|why| format!("first caused by: {why}")),
    );
    MethodSummary {
        method: label.to_owned(),
        rule: plan.rule.clone(),
        problem: plan.name.clone(),
        status: answer.status,
        message: answer.message.clone(),
        converged: answer.converged,
        converged_count: usize::from(answer.converged),
        count: 1,
        steps: answer.steps,
        seconds: answer.seconds,
        loss: answer.loss,
        x_error: None,
        counts: answer.counts,
        notices,
        solutions: answer.solutions.clone().into_iter().collect(),
        iterates: None,
    }
}

/// Data, start, x, and where x leads, as `NAME/LABEL/…`.
fn fields(plan: &Plan, answer: &Answer, label: &str) -> Vec<(String, Array)> {
    let field = &plan.fields[answer.field];
    let (x, y) = (plan.simulator.input(), plan.simulator.output());
    let own = |what: &str| format!("{}/{label}/{what}", plan.name);
    // Where data are missing, those that there are stand one after the other.
    let whole = |shape: &[usize], values: &[f64]| shape.iter().product::<usize>() == values.len();
    let array = |shape: &[usize], values: &[f64]| match whole(shape, values) {
        true => Array::new(shape.to_vec(), values.to_vec()),
        false => Array::new(vec![values.len()], values.to_vec()),
    };
    let data = &field.data.target()[..field.data.data_outputs()];
    let mut fields = vec![
        (own("target"), array(&y.shape, data)),
        (own("start"), array(&x.shape, &field.starts[answer.start])),
        (
            format!("{}/{label}", plan.name),
            array(&x.shape, &answer.best),
        ),
    ];
    fields.extend(arrays::pictured(answer).map(|(name, array)| (own(name), array.clone())));
    if let Some(fit) = &answer.fit {
        fields.push((own("fit"), array(&y.shape, fit)));
    }
    for (set, posed) in plan.data_sets() {
        fields.extend(data_sets::fields(set, posed, answer, label));
    }
    if let Some(curves) = curves(plan) {
        fields.push((own("curve"), curves.curve(&answer.best)));
        if answer.field == 0 && whole(&y.shape, data) {
            let data = curves.data(data);
            fields.push((format!("{}/data", plan.name), data));
        }
    }
    fields
}

/// The curves of a series, in the parameters of the inversion.
fn curves(plan: &Plan) -> Option<Curves> {
    if plan.data_sets().next().is_some() {
        return None;
    }
    let curves = Curves::new(&*plan.simulator, &plan.name, &plan.options)?;
    curves.through(|simulator| plan.inversion.parameterised(simulator).ok())
}

fn space(s: &retrodict::Space) -> SpaceFacts {
    SpaceFacts {
        name: s.name.clone(),
        shape: s.shape.clone(),
        unit: s.unit.clone(),
    }
}

fn facts(plan: &Plan) -> Outcome<ProblemFacts> {
    let sets: Vec<ProblemFacts> = plan
        .data_sets()
        .map(|(set, posed)| data_sets::facts(plan, set, posed))
        .collect::<Outcome<_>>()?;
    let (simulator, sentence) = match sets.is_empty() {
        true => {
            let entry = registry().simulator(&plan.name)?;
            (entry.name.to_owned(), entry.sentence.to_owned())
        }
        false => (plan.name.clone(), data_sets::sentence(&sets)),
    };
    Ok(ProblemFacts {
        name: plan.name.clone(),
        simulator,
        sentence,
        data_sets: sets,
        x: space(plan.simulator.input()),
        y: space(plan.simulator.output()),
        loss: plan
            .fields
            .first()
            .map_or_else(String::new, |f| f.problem.loss().formula()),
        count: plan.fields.len(),
        colour: plan.target.colour,
        labels: plan.simulator.describe().labels.unwrap_or_default(),
        own_units: own_units(&*plan.simulator),
        series: curves(plan).map(|curves| curves.facts()),
        ..ProblemFacts::default()
    })
}

/// Reads what the report shows.
pub fn contents_of(folder: &Path) -> Outcome<(RunContents, Vec<Answer>)> {
    let path = folder.join("result.json");
    let bytes = std::fs::read(&path).map_err(|e| {
        Failure::unreadable(
            &path,
            format!(
                "{e}; the inversion has not finished: continue it with `retrodict resume {}`",
                folder.display()
            ),
        )
    })?;
    let answers = serde_json::from_slice(&bytes).map_err(|e| {
        Failure::unreadable(
            &path,
            format!("it is damaged ({e}); `retrodict resume` writes it again"),
        )
    })?;
    Ok((folder::read(folder)?, answers))
}
