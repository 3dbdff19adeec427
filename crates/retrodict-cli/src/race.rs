//! Runs methods on problems and keeps what the folder and the report need.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;
use retrodict::registry::{LOSSES, RULES, SIMULATORS};
use retrodict::{
    Counts, Loss, Problem, Record, Simulator, Solution, Solver, Space, Status, StopWhen,
};

use crate::contours::Paths;
use crate::data::Array;
use crate::experiment::{Experiment, MethodPlan, ProblemPlan, Truth};
use crate::failure::{Failure, Outcome};
use crate::folder::{Contents, MethodSummary, ProblemFacts, Row, SpaceFacts, Summary};
use crate::generate;
use crate::interrupt;
use crate::progress::Progress;

/// Values of x up to which all iterates are kept.
const ITERATES_UP_TO: usize = 16;

/// Which methods to run, and how long each may take.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Names of methods or rules; all if empty.
    pub methods: Vec<String>,
    /// The time limit of each method on each problem.
    pub time: Option<Duration>,
}

/// A batch of problems, ready to be solved.
struct Ready<'a> {
    plan: &'a ProblemPlan,
    simulator: Arc<dyn Simulator>,
    /// Options of the simulator, with its name.
    options: toml::Table,
    /// The standard deviation of each target's noise, where the simulator can be told.
    noise: Option<Vec<f64>>,
    truths: Vec<Vec<f64>>,
    starts: Vec<Vec<f64>>,
    targets: Vec<Vec<f64>>,
}

/// Runs an experiment; the manifest is left to the caller.
pub fn run(experiment: &Experiment, limits: &Limits) -> Outcome<Contents> {
    check_names(experiment, limits)?;
    let mut contents = Contents::default();
    let ready: Vec<Ready<'_>> = experiment
        .problems
        .iter()
        .map(|plan| Ready::new(plan, experiment.seed))
        .collect::<Outcome<_>>()?;
    for problem in &ready {
        contents.manifest.problems.push(problem.facts()?);
        problem.keep_fields(&mut contents);
        let mut paths = Vec::new();
        for method in chosen(experiment, limits, &problem.plan.name) {
            // What is misuse at the start of a run is misuse for the user, too.
            let finished = problem.solve(method, limits)?;
            problem.keep(method, &finished, &mut contents);
            let first = finished.members.into_iter().next();
            paths.push((
                method.name.clone(),
                first.map(|m| m.iterates).unwrap_or_default(),
            ));
            if interrupt::raised() {
                break;
            }
        }
        problem.keep_paths(paths, &mut contents)?;
        if interrupt::raised() {
            return Ok(contents);
        }
    }
    if contents.summary.methods.is_empty() {
        return Err(Failure::Misuse(
            "no method is left to run; check --method and the methods' problems".to_owned(),
        ));
    }
    Ok(contents)
}

fn chosen<'a>(
    experiment: &'a Experiment,
    limits: &'a Limits,
    problem: &'a str,
) -> impl Iterator<Item = &'a MethodPlan> {
    experiment.methods.iter().filter(move |method| {
        let wanted = limits.methods.is_empty()
            || limits
                .methods
                .iter()
                .any(|m| *m == method.name || is_rule(method, m));
        let here = method.problems.is_empty() || method.problems.iter().any(|p| p == problem);
        wanted && here
    })
}

fn is_rule(method: &MethodPlan, name: &str) -> bool {
    let wanted = RULES.find(name).map(|entry| entry.name);
    let own = rule_name(method).and_then(|own| Ok(RULES.find(own)?.name));
    matches!((wanted, own), (Ok(wanted), Ok(own)) if wanted == own)
}

fn rule_name(method: &MethodPlan) -> Outcome<&str> {
    name_of(
        &method.rule,
        &format!("the rule of method '{}'", method.name),
    )
}

fn name_of<'a>(table: &'a toml::Table, what: &str) -> Outcome<&'a str> {
    table
        .get("name")
        .and_then(toml::Value::as_str)
        .ok_or_else(|| {
            Failure::Misuse(format!(
                "{what} has no name; write, for example, {{ name = \"newton\" }}"
            ))
        })
}

fn check_names(experiment: &Experiment, limits: &Limits) -> Outcome<()> {
    let names: Vec<&str> = experiment.methods.iter().map(|m| m.name.as_str()).collect();
    for wanted in &limits.methods {
        let known = experiment
            .methods
            .iter()
            .any(|m| m.name == *wanted || is_rule(m, wanted));
        if !known {
            let hint = retrodict::options::nearest(wanted, names.iter().copied())
                .map(|near| format!(" (did you mean '{near}'?)"))
                .unwrap_or_default();
            return Err(Failure::Misuse(format!(
                "this experiment has no method '{wanted}'{hint}; it has: {}",
                names.join(", ")
            )));
        }
    }
    let problems: Vec<&str> = experiment
        .problems
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    for method in &experiment.methods {
        if let Some(unknown) = method
            .problems
            .iter()
            .find(|p| !problems.contains(&p.as_str()))
        {
            return Err(Failure::Misuse(format!(
                "method '{}': no problem is called '{unknown}'; there is: {}",
                method.name,
                problems.join(", ")
            )));
        }
    }
    Ok(())
}

/// One member's run.
struct Member {
    solution: Solution,
    records: Vec<Record>,
    errors: Vec<f64>,
    iterates: Vec<Vec<f64>>,
}

/// A method's run on a batch.
struct Finished {
    members: Vec<Member>,
    seconds: f64,
}

impl<'a> Ready<'a> {
    fn new(plan: &'a ProblemPlan, seed: u64) -> Outcome<Self> {
        let mut options = plan.simulator.clone();
        let name = name_of(
            &options,
            &format!("the simulator of problem '{}'", plan.name),
        )?
        .to_owned();
        options.remove("name");
        let simulator = SIMULATORS.build(&name, &options)?;
        let truths = generate::truths(&plan.truth, &*simulator, seed)?;
        let mut random = generate::generator(seed, 2);
        let starts = truths
            .iter()
            .map(|t| generate::start(&plan.start, t, &mut random))
            .collect();
        let mut random = generate::generator(seed, 3);
        let mut targets = Vec::new();
        let mut noise = Vec::new();
        for truth in &truths {
            let mut y = vec![0.0; simulator.output().len()];
            match &plan.target {
                Some(target) => y.clone_from(target),
                None => simulator.forward(truth, &mut y)?,
            }
            noise.push(generate::add_noise(&mut y, plan.noise, &mut random));
            targets.push(y);
        }
        let tell = plan.noise > 0.0
            && SIMULATORS.find(&name)?.accepts("noise")
            && !options.contains_key("noise");
        options.insert("name".into(), name.into());
        Ok(Self {
            plan,
            simulator,
            options,
            noise: tell.then_some(noise),
            truths,
            starts,
            targets,
        })
    }

    /// The simulator of each member: with a method's own options, and told the member's noise.
    fn simulators_for(&self, method: &MethodPlan) -> Outcome<Vec<Arc<dyn Simulator>>> {
        let mut options = self.options.clone();
        options.extend(method.simulator.clone());
        let name = name_of(&options, "the simulator")?.to_owned();
        options.remove("name");
        if let Some(noise) = self
            .noise
            .as_ref()
            .filter(|_| !options.contains_key("noise"))
        {
            return noise
                .iter()
                .map(|sigma| {
                    let mut options = options.clone();
                    options.insert("noise".into(), (*sigma).into());
                    Ok(SIMULATORS.build(&name, &options)?)
                })
                .collect();
        }
        let simulator = if method.simulator.is_empty() {
            Arc::clone(&self.simulator)
        } else {
            SIMULATORS.build(&name, &options)?
        };
        Ok(vec![simulator; self.truths.len()])
    }

    fn solve(&self, method: &MethodPlan, limits: &Limits) -> Outcome<Finished> {
        let simulators = self.simulators_for(method)?;
        let loss = self.loss()?;
        let mut rule_options = method.rule.clone();
        let rule = rule_name(method)?.to_owned();
        rule_options.remove("name");
        RULES.build(&rule, &rule_options)?;

        let stop = StopWhen {
            steps: method.steps,
            time: limits.time,
            loss_below: method.loss_below,
            cancel: Some(interrupt::flag()),
            ..StopWhen::default()
        };
        let total = (method.steps * self.truths.len()) as u64;
        let label = format!("{} · {}", self.plan.name, method.name);
        let progress = Progress::start(&label, total);
        let clock = std::time::Instant::now();
        let members: retrodict::Result<Vec<Member>> = (0..self.truths.len())
            .into_par_iter()
            .map(|i| {
                let problem = Problem::new(
                    Arc::clone(&simulators[i]),
                    Arc::clone(&loss),
                    self.targets[i].clone(),
                )?;
                let rule = RULES.build(&rule, &rule_options)?;
                let solver = Solver {
                    rule,
                    stop: stop.clone(),
                };
                self.solve_one(i, &problem, solver, &progress)
            })
            .collect();
        let members = members.inspect_err(|_| progress.finish("failed"))?;
        let finished = Finished {
            members,
            seconds: clock.elapsed().as_secs_f64(),
        };
        let (status, _) = finished.status();
        progress.finish(&format!(
            "{}, loss {:.3e}, error {:.3e}, {:.2} s",
            status.name(),
            finished.mean(|m| m.solution.loss),
            self.final_error(&finished),
            finished.seconds
        ));
        Ok(finished)
    }

    fn solve_one(
        &self,
        i: usize,
        problem: &Problem,
        solver: Solver,
        progress: &Progress,
    ) -> retrodict::Result<Member> {
        let truth = &self.truths[i];
        let keep = truth.len() <= ITERATES_UP_TO;
        let (mut records, mut errors, mut iterates) = (Vec::new(), Vec::new(), Vec::new());
        let solution = solver.solve_observed(problem, &self.starts[i], |record, x| {
            let error = self.plan.error.of(x, truth);
            records.push(*record);
            errors.push(error);
            if keep {
                iterates.push(x.to_vec());
            }
            if record.step > 0 {
                progress.step(record.loss, Some(error));
            }
            ControlFlow::Continue(())
        })?;
        Ok(Member {
            solution,
            records,
            errors,
            iterates,
        })
    }

    fn final_error(&self, finished: &Finished) -> f64 {
        let pairs = finished.members.iter().zip(&self.truths);
        let sum: f64 = pairs
            .map(|(m, t)| self.plan.error.of(&m.solution.x, t))
            .sum();
        sum / self.truths.len() as f64
    }

    fn is_colour(&self) -> bool {
        matches!(self.plan.truth, Truth::Photograph) && self.truths.len() == 3
    }

    /// The first member's field, or all three channels of a picture.
    fn picture(&self, space: &Space, members: &[&[f64]]) -> Array {
        if !self.is_colour() {
            return Array::new(space.shape.clone(), members[0].to_vec());
        }
        let mut shape = vec![3];
        shape.extend(&space.shape);
        Array {
            colour: true,
            ..Array::new(shape, members.concat())
        }
    }

    fn keep_fields(&self, contents: &mut Contents) {
        let (x, y) = (self.simulator.input(), self.simulator.output());
        let name = &self.plan.name;
        for (what, space, values) in [
            ("target", &y, &self.targets),
            ("truth", &x, &self.truths),
            ("start", &x, &self.starts),
        ] {
            let members: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
            contents
                .fields
                .push((format!("{name}/{what}"), self.picture(space, &members)));
        }
    }

    fn keep(&self, method: &MethodPlan, finished: &Finished, contents: &mut Contents) {
        let members: Vec<&[f64]> = finished.members.iter().map(|m| &m.solution.x[..]).collect();
        let field = self.picture(&self.simulator.input(), &members);
        contents
            .fields
            .push((format!("{}/{}", self.plan.name, method.name), field));
        finished.rows(&method.name, &self.plan.name, &mut contents.rows);
        let (status, converged) = finished.status();
        let iterates = finished.members.iter().any(|m| !m.iterates.is_empty());
        contents.summary.methods.push(MethodSummary {
            method: method.name.clone(),
            rule: rule_name(method).unwrap_or_default().to_owned(),
            problem: self.plan.name.clone(),
            status: status.name().to_owned(),
            message: status.to_string(),
            converged: converged == finished.members.len(),
            converged_count: converged,
            count: finished.members.len(),
            steps: finished
                .members
                .iter()
                .map(|m| m.solution.steps)
                .max()
                .unwrap_or(0),
            seconds: finished.seconds,
            loss: finished.mean(|m| m.solution.loss),
            x_error: Some(self.final_error(finished)),
            counts: finished.counts(),
            notices: finished.notices(),
            iterates: iterates.then(|| {
                finished
                    .members
                    .iter()
                    .map(|m| m.iterates.clone())
                    .collect()
            }),
        });
    }

    fn keep_paths(
        &self,
        methods: Vec<(String, Vec<Vec<f64>>)>,
        contents: &mut Contents,
    ) -> Outcome<()> {
        let loss = self.loss()?;
        Paths {
            problem: &self.plan.name,
            simulator: &*self.simulator,
            loss: &*loss,
            target: &self.targets[0],
            truth: &self.truths[0],
            methods,
        }
        .add_to(contents)
    }

    fn loss(&self) -> Outcome<Arc<dyn Loss>> {
        let mut options = self.plan.loss.clone();
        let name = name_of(
            &options,
            &format!("the loss of problem '{}'", self.plan.name),
        )?
        .to_owned();
        options.remove("name");
        let entry = LOSSES.find(&name)?;
        if entry.accepts("shape") && !options.contains_key("shape") {
            let shape = self.simulator.output().shape;
            let shape: Vec<toml::Value> = shape.iter().map(|n| (*n as i64).into()).collect();
            options.insert("shape".into(), shape.into());
        }
        Ok((entry.build)(&options)?)
    }

    fn facts(&self) -> Outcome<ProblemFacts> {
        let name = name_of(&self.options, "the simulator")?;
        let entry = SIMULATORS.find(name)?;
        let space = |s: Space| SpaceFacts {
            name: s.name,
            shape: s.shape,
            unit: s.unit,
        };
        Ok(ProblemFacts {
            name: self.plan.name.clone(),
            simulator: entry.name.to_owned(),
            sentence: entry.sentence.to_owned(),
            x: space(self.simulator.input()),
            y: space(self.simulator.output()),
            loss: self.loss()?.formula(),
            error: self.plan.error.formula().to_owned(),
            count: self.truths.len(),
            noise: self.plan.noise,
            colour: self.is_colour(),
        })
    }
}

impl Finished {
    fn mean(&self, f: impl Fn(&Member) -> f64) -> f64 {
        self.members.iter().map(f).sum::<f64>() / self.members.len() as f64
    }

    /// The most frequent status, one that is no success first; and how many converged.
    fn status(&self) -> (&Status, usize) {
        let converged = self
            .members
            .iter()
            .filter(|m| m.solution.status.converged())
            .count();
        let frequency = |status: &Status| {
            let same = |m: &&Member| m.solution.status.name() == status.name();
            self.members.iter().filter(same).count()
        };
        let status = self
            .members
            .iter()
            .map(|m| &m.solution.status)
            .filter(|s| converged == self.members.len() || !s.converged())
            .max_by_key(|s| frequency(s));
        (status.unwrap_or(&Status::StepLimit), converged)
    }

    fn counts(&self) -> Counts {
        self.members
            .iter()
            .fold(Counts::default(), |a, m| add(a, m.solution.counts))
    }

    fn notices(&self) -> Vec<String> {
        let mut found: Vec<(&str, usize)> = Vec::new();
        for (notice, count) in self.members.iter().flat_map(|m| &m.solution.notices) {
            match found.iter_mut().find(|(text, _)| *text == notice.0) {
                Some((_, total)) => *total += count,
                None => found.push((notice.0, *count)),
            }
        }
        found
            .into_iter()
            .map(|(text, count)| format!("{text} ({count} times)"))
            .collect()
    }

    /// Means over the batch; members that have ended keep their last values. Seconds are the
    /// wall-clock time at which the batch would be that far, if all advanced together.
    fn rows(&self, method: &str, problem: &str, rows: &mut Vec<Row>) {
        let longest = self
            .members
            .iter()
            .map(|m| m.records.len())
            .max()
            .unwrap_or(0);
        let work: f64 = self.members.iter().map(|m| m.solution.seconds).sum();
        let pace = if work > 0.0 { self.seconds / work } else { 1.0 };
        let n = self.members.len() as f64;
        for step in 0..longest {
            let at = |m: &Member| step.min(m.records.len() - 1);
            let sum = |f: &dyn Fn(&Member) -> f64| self.members.iter().map(f).sum::<f64>();
            rows.push(Row {
                method: method.to_owned(),
                step,
                seconds: pace * sum(&|m| m.records[at(m)].seconds),
                loss: sum(&|m| m.records[at(m)].loss) / n,
                x_error: Some(sum(&|m| m.errors[at(m)]) / n),
                step_norm: sum(&|m| m.records[at(m)].step_norm) / n,
                counts: self
                    .members
                    .iter()
                    .fold(Counts::default(), |a, m| add(a, m.records[at(m)].counts)),
                problem: problem.to_owned(),
            });
        }
    }
}

fn add(a: Counts, b: Counts) -> Counts {
    Counts {
        forward: a.forward + b.forward,
        jvp: a.jvp + b.jvp,
        vjp: a.vjp + b.vjp,
        inverse: a.inverse + b.inverse,
        second_order: a.second_order + b.second_order,
    }
}

/// A table of how the methods ended, for people.
pub fn table(summary: &Summary) -> String {
    let mut lines = vec![
        [
            "problem", "method", "status", "steps", "seconds", "loss", "x error", "forward", "jvp",
            "vjp", "inverse",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for m in &summary.methods {
        let status = if m.count > 1 && m.converged_count > 0 {
            format!(
                "{} ({} of {} converged)",
                m.status, m.converged_count, m.count
            )
        } else {
            m.status.clone()
        };
        lines.push(vec![
            m.problem.clone(),
            m.method.clone(),
            status,
            m.steps.to_string(),
            format!("{:.3}", m.seconds),
            format!("{:.4e}", m.loss),
            m.x_error.map(|e| format!("{e:.4e}")).unwrap_or_default(),
            m.counts.forward.to_string(),
            m.counts.jvp.to_string(),
            m.counts.vjp.to_string(),
            m.counts.inverse.to_string(),
        ]);
    }
    aligned(&lines, 3)
}

/// Columns of equal width; the first `left` of them flush left.
pub fn aligned(lines: &[Vec<String>], left: usize) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| {
        lines
            .iter()
            .filter_map(|l| l.get(c))
            .map(|t| t.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns).map(|c| width(c).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> = line
            .iter()
            .enumerate()
            .map(|(c, cell)| {
                let pad = " ".repeat(widths[c] - cell.chars().count());
                if c < left {
                    format!("{cell}{pad}")
                } else {
                    format!("{pad}{cell}")
                }
            })
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
