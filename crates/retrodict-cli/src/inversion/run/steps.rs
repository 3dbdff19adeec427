//! The runs of an inversion go on: side by side, each with its checkpoint every so often.

use std::cell::LazyCell;
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use retrodict::Status;
use retrodict::interrupt::{Interrupt, Interruption};
use retrodict::solver::remarks::Advice;
use retrodict::updates::Notices;

use super::Ended;
use crate::failure::Outcome;
use crate::inversion::answer::statistics::labels;
use crate::inversion::{Keeper, Plan, Run, Watch};

/// Goes on with every run that has not ended. A start from which nothing can be done is left out, unless a
/// field has no other.
pub fn go(
    plan: &Plan,
    runs: Vec<Run>,
    keeper: Option<&Keeper>,
    watch: Option<&Watch>,
) -> Outcome<Vec<Run>> {
    let interrupt = Interrupt::current();
    let clocks: Vec<OnceLock<Instant>> = plan.fields.iter().map(|_| OnceLock::new()).collect();
    let done: Vec<(usize, retrodict::Result<Run>)> = runs
        .into_par_iter()
        .enumerate()
        .map(|(i, run)| {
            let field = run.field;
            if run.ended.is_some() {
                return (field, Ok(run));
            }
            let keeper = keeper.map(|keeper| (keeper, i));
            // The limit is that of the field: who starts late has less, and who starts after it is left out.
            let first = clocks[field].get().is_none();
            let spent =
                plan.fields[field].spent + clocks[field].get_or_init(Instant::now).elapsed();
            let over = plan.stop.time.is_some_and(|limit| spent >= limit);
            let reason = interrupt
                .reason()
                .or(over.then_some(Interruption::TimeLimit));
            let weighed = plan.choice.is_none() || plan.fields[field].chosen.is_some();
            let run = match reason.filter(|_| !first || !weighed) {
                Some(why) => Ok(left_out(run, why, weighed)),
                None => interrupt.within(|| advance(plan, run, spent, keeper, watch)),
            };
            (field, run)
        })
        .collect();
    for field in 0..plan.fields.len() {
        let mut own = done.iter().filter(|(f, _)| *f == field).map(|(_, run)| run);
        if let Some(Err(error)) = own.next()
            && own.all(Result::is_err)
        {
            return Err(error.clone().into());
        }
    }
    let runs: Vec<Run> = done.into_iter().filter_map(|(_, run)| run.ok()).collect();
    Ok(runs)
}

/// A run for which there was no time left.
fn left_out(run: Run, why: Interruption, weighed: bool) -> Run {
    let status = Status::from(why);
    let message = match weighed {
        true => format!("{why} before this run began; nothing has changed"),
        false => format!(
            "{why} while the weight of the prior was being chosen, before the fit began: x is the start; `retrodict \
             resume` on the folder of --out chooses it again, or give a weight yourself"
        ),
    };
    Run {
        ended: Some(Ended {
            status: status.kind(),
            message,
            converged: false,
            remarks: Vec::new(),
            without_effect: Vec::new(),
        }),
        ..run
    }
}

/// How one starts elsewhere on the command line.
fn advice(plan: &Plan, field: usize) -> Advice<'static> {
    let elsewhere = "choose another --start";
    Advice::new(
        elsewhere,
        match plan.fields[field].starts.len() {
            0 | 1 => "try --starts 10",
            _ => elsewhere,
        },
    )
}

fn advance(
    plan: &Plan,
    mut run: Run,
    spent: Duration,
    keeper: Option<(&Keeper, usize)>,
    watch: Option<&Watch>,
) -> retrodict::Result<Run> {
    let problem = &plan.fields[run.field].problem;
    let stop = plan
        .stop
        .clone()
        .with_steps(run.limit)
        .with_time(plan.stop.time.map(|limit| limit.saturating_sub(spent)));
    let solver = plan.solver_until(stop)?;
    let from = run.standing.clone();
    let before = Notices::from_parts(run.notices.clone(), run.first_error.clone());
    let mut kept = Instant::now();
    let (solution, standing) = solver.resume(problem, &from, |moment| {
        run.history.push(*moment.record);
        if let Some(watch) = watch {
            watch.step(run.field, moment.record.loss);
        }
        if let Some((keeper, i)) = keeper
            && kept.elapsed() >= keeper.every
        {
            run.standing = moment.checkpoint();
            (run.notices, run.first_error) = joined(&before, moment.notices);
            keeper.keep(i, &run);
            kept = Instant::now();
        }
        ControlFlow::Continue(())
    })?;
    run.standing = standing;
    (run.notices, run.first_error) = joined(&before, &solution.notices);
    let names = LazyCell::new(|| labels(&*plan.simulator));
    run.ended = Some(Ended {
        status: solution.status.kind(),
        message: solution.message(),
        converged: solution.status.converged(),
        remarks: solution.remarks(problem, |i| names[i].0.clone(), &advice(plan, run.field)),
        without_effect: solution.without_effect,
    });
    if let Some((keeper, i)) = keeper {
        keeper.keep(i, &run);
    }
    Ok(run)
}

/// What was noted before a run went on, and since: notices with their counts, and the text of the first error.
fn joined(before: &Notices<String>, since: &Notices) -> (Vec<(String, u64)>, Option<String>) {
    let mut all = before.clone();
    all.merge(&since.to_text());
    all.into_parts()
}
