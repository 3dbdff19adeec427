//! Runs methods on problems and keeps what the folder and the report need.

use retrodict::StatusKind;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use retrodict::interrupt::Interrupt;
use retrodict::solver::starts::{End, Region};
use retrodict::spec::{Entrant, ProblemSet, Race};
use retrodict::{Counts, Solution};

use crate::experiment::contours::Paths;
use crate::experiment::method_runs::{Member, MethodRuns};
use crate::experiment::prepared;
use crate::failure::Outcome;
use crate::results::folder::{MethodSummary, RunContents};
use crate::results::survey::survey;
use crate::terminal::interrupt;
use crate::terminal::progress::Progress;
use crate::terminal::text::duration;

/// Values of x up to which all iterates are kept.
const ITERATES_UP_TO: usize = 16;

/// Runs the races; the manifest's account of the run as a whole is left to the caller.
pub fn run(races: &[Race], time: Option<Duration>) -> Outcome<RunContents> {
    let mut contents = RunContents::default();
    let mut first_error = None;
    for Race {
        problem, entrants, ..
    } in races
    {
        contents.manifest.problems.push(prepared::facts(problem)?);
        contents.fields.extend(prepared::fields(problem));
        let mut paths = Vec::new();
        for entrant in entrants {
            if interrupt::raised() {
                let name = format!("{} · {}", problem.spec.name, entrant.spec.name);
                contents.manifest.not_run.push(name);
                continue;
            }
            let batch = solve(problem, entrant, time)?;
            keep(problem, entrant, &batch, &mut contents);
            first_error = first_error.or_else(|| batch.error_at_the_start());
            let first = batch.members.into_iter().next();
            paths.push((
                entrant.spec.name.clone(),
                first.map(|m| m.iterates).unwrap_or_default(),
            ));
        }
        Paths {
            problem: &problem.spec.name,
            simulator: &*problem.simulator,
            loss: &*problem.loss,
            target: &problem.targets[0],
            truth: &problem.truths[0],
            methods: paths,
        }
        .add_to(&mut contents)?;
    }
    let all_failed = contents.summary.methods.iter().all(|m| m.steps == 0);
    match first_error.filter(|_| all_failed) {
        // Nothing came of it: better no report than one of nothing.
        Some(error) => Err(error.into()),
        None => Ok(contents),
    }
}

fn solve(problem: &ProblemSet, entrant: &Entrant, time: Option<Duration>) -> Outcome<MethodRuns> {
    let count = problem.truths.len();
    let label = format!("{} · {}", problem.spec.name, entrant.spec.name);
    let progress = Progress::start(
        &label,
        (entrant.spec.stop().steps)
            .saturating_mul(entrant.spec.starts)
            .saturating_mul(count) as u64,
    );
    let clock = Instant::now();
    let interrupt = Interrupt::current();
    let members: retrodict::Result<Vec<Member>> = (0..count)
        .into_par_iter()
        .map(|i| {
            // The limit is that of the method: who starts late has less.
            let left = time.map(|limit| limit.saturating_sub(clock.elapsed()));
            interrupt.within(|| solve_one(problem, entrant, i, left, &progress))
        })
        .collect();
    let members = members.inspect_err(|_| progress.finish("failed"))?;
    let batch = MethodRuns {
        members,
        seconds: clock.elapsed().as_secs_f64(),
    };
    let (status, _) = batch.status();
    progress.finish(&format!(
        "{}, loss {:.3e}{}, {}",
        status.name(),
        batch.mean(|m| m.solution.loss),
        problem
            .error(batch.found())
            .map_or(String::new(), |error| format!(", error {error:.3e}")),
        duration(batch.seconds)
    ));
    Ok(batch)
}

/// One problem of the batch: the best run of those from all starts, with the counts of all.
fn solve_one(
    problem: &ProblemSet,
    entrant: &Entrant,
    i: usize,
    time: Option<Duration>,
    progress: &Progress,
) -> retrodict::Result<Member> {
    let (plan, seed) = (&entrant.spec, entrant.seed.wrapping_add(i as u64));
    let (region, starts) = Region::starts(&problem.starts[i], plan.spread, plan.starts, seed)?;
    let interrupt = Interrupt::current();
    let runs: Vec<retrodict::Result<Member>> = starts
        .par_iter()
        .map(|start| interrupt.within(|| solve_from(problem, entrant, i, start, time, progress)))
        .collect();
    if let [_] = runs.as_slice() {
        return runs
            .into_iter()
            .collect::<retrodict::Result<Vec<_>>>()
            .map(|mut m| m.remove(0));
    }
    // A start at which the simulation fails leads nowhere; the others do.
    let (mut members, mut errors) = (Vec::new(), Vec::new());
    for run in runs {
        match run {
            Ok(member) => members.push(member),
            Err(error) => errors.push(error),
        }
    }
    if members.is_empty()
        && let Some(error) = errors.into_iter().next()
    {
        return Err(error);
    }
    let ends: Vec<(End<'_>, StatusKind)> = members
        .iter()
        .map(|m| (End::of(&m.solution), m.solution.status.kind()))
        .collect();
    let (found, best) = survey(&ends, &region, plan.starts);
    let mut counts = Counts::default();
    members.iter().for_each(|m| counts.add(&m.solution.counts));
    let mut best = members.swap_remove(best);
    best.solution.counts = counts;
    best.found = found;
    Ok(best)
}

fn solve_from(
    problem: &ProblemSet,
    entrant: &Entrant,
    i: usize,
    start: &[f64],
    time: Option<Duration>,
    progress: &Progress,
) -> retrodict::Result<Member> {
    let truth = &problem.truths[i];
    let solver = entrant.solver(time)?;
    let keep = truth.len() <= ITERATES_UP_TO;
    let (mut records, mut errors, mut iterates) = (Vec::new(), Vec::new(), Vec::new());
    let posed = problem.problem(i, &entrant.simulators[i])?;
    let solved = solver.solve_observed(&posed, start, |r, x| {
        let error = problem.norm().of(x, truth);
        records.push(*r);
        errors.extend(error);
        if keep {
            iterates.push(x.to_vec());
        }
        if r.step > 0 {
            progress.step(r.loss, error);
        }
        ControlFlow::Continue(())
    });
    let solution = match (solved, records.first()) {
        (Ok(solution), _) => solution,
        // A rule that cannot work here, or a simulation that fails: the others go on.
        (Err(error), Some(first)) => {
            let mut solution = Solution::failed(start, first.loss, error);
            (solution.seconds, solution.counts) = (first.seconds, first.counts);
            solution
        }
        (Err(error), None) => return Err(error),
    };
    Ok(Member {
        solution,
        records,
        errors,
        iterates,
        found: Vec::new(),
    })
}

fn keep(problem: &ProblemSet, entrant: &Entrant, batch: &MethodRuns, contents: &mut RunContents) {
    let (name, method) = (&problem.spec.name, &entrant.spec.name);
    let members: Vec<&[f64]> = batch.found().collect();
    let field = prepared::picture(problem, problem.simulator.input(), &members);
    contents.fields.push((format!("{name}/{method}"), field));
    if let (Some(curves), Some(first)) = (prepared::curves(problem), members.first()) {
        let curve = (format!("{name}/{method}/curve"), curves.curve(first));
        contents.fields.push(curve);
    }
    if let (Some(film), Some(first)) = (prepared::film(problem), members.first()) {
        let frames = (format!("{name}/{method}/film"), film.frames(first));
        contents.fields.push(frames);
    }
    batch.rows(method, name, &mut contents.rows);
    let (status, converged) = batch.status();
    let has_iterates = batch.members.iter().any(|m| !m.iterates.is_empty());
    let iterates = || batch.members.iter().map(|m| m.iterates.clone()).collect();
    let steps = batch.members.iter().map(|m| m.solution.steps).max();
    contents.summary.methods.push(MethodSummary {
        method: method.clone(),
        rule: entrant.spec.rule.name.clone(),
        problem: name.clone(),
        status: status.kind(),
        message: status.to_string(),
        converged: converged == batch.members.len(),
        converged_count: converged,
        count: batch.members.len(),
        steps: steps.unwrap_or(0),
        seconds: batch.seconds,
        loss: batch.mean(|m| m.solution.loss),
        x_error: problem.error(batch.found()),
        counts: batch.counts(),
        notices: batch.notices(),
        solutions: batch
            .members
            .iter()
            .map(|m| m.found.clone())
            .filter(|found| !found.is_empty())
            .collect(),
        iterates: has_iterates.then(iterates),
    });
}
