//! A method's run on a batch of problems, and what is told of the batch as a whole.

use retrodict::updates::Notices;
use retrodict::{Counts, Record, Solution, Status};

use crate::results::folder::Row;
use crate::results::survey::DistinctSolution;

/// One problem's run.
pub struct Member {
    /// How it ended.
    pub solution: Solution,
    /// Every step, the start first.
    pub records: Vec<Record>,
    /// The error in x at each record.
    pub errors: Vec<f64>,
    /// x at each record, where x has few values.
    pub iterates: Vec<Vec<f64>>,
    /// The distinct solutions, where it was run from more than one start.
    pub found: Vec<DistinctSolution>,
}

/// All runs, in the order of the problems.
pub struct MethodRuns {
    /// The runs.
    pub members: Vec<Member>,
    /// Seconds from start to end.
    pub seconds: f64,
}

impl MethodRuns {
    /// The best x of each problem.
    pub fn found(&self) -> impl Iterator<Item = &[f64]> {
        self.members.iter().map(|m| m.solution.x.as_slice())
    }

    /// Why the rule could not even make its first step, if so; a simulation that fails where the
    /// step leads is an outcome, and is reported.
    pub fn error_at_the_start(&self) -> Option<retrodict::Error> {
        self.members.iter().find_map(|m| match &m.solution.status {
            Status::Failed(retrodict::Error::Simulation { .. }) => None,
            Status::Failed(error) if m.solution.steps == 0 => Some(error.clone()),
            _ => None,
        })
    }

    /// The mean over the batch.
    pub fn mean(&self, f: impl Fn(&Member) -> f64) -> f64 {
        self.members.iter().map(f).sum::<f64>() / self.members.len() as f64
    }

    /// The most frequent status, one that is no success first; and how many converged.
    pub fn status(&self) -> (&Status, usize) {
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

    /// Evaluations of the simulator, summed over the batch.
    pub fn counts(&self) -> Counts {
        self.members
            .iter()
            .fold(Counts::default(), |a, m| add(a, m.solution.counts))
    }

    /// Where the rule fell back from its formula and how often, and why it first did, where an error was the cause.
    pub fn notices(&self) -> Vec<String> {
        let mut all = Notices::default();
        for member in &self.members {
            all.merge(&member.solution.notices);
        }
        let cause = all.first_error();
        all.iter()
            .map(|(text, count)| format!("{text} ({count} times)"))
            .chain(cause.map(|error| format!("first caused by: {error}")))
            .collect()
    }

    /// Means over the batch; members that have ended keep their last values. Seconds are the
    /// wall-clock time at which the batch would be that far, if all advanced together.
    pub fn rows(&self, method: &str, problem: &str, rows: &mut Vec<Row>) {
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
                x_error: self.error_at(step),
                step_norm: sum(&|m| m.records[at(m)].step_norm) / n,
                counts: self
                    .members
                    .iter()
                    .fold(Counts::default(), |a, m| add(a, m.records[at(m)].counts)),
                problem: problem.to_owned(),
            });
        }
    }

    /// The mean error in x after so many steps, where the truth is known.
    fn error_at(&self, step: usize) -> Option<f64> {
        let errors = self
            .members
            .iter()
            .map(|m| m.errors.get(step.min(m.errors.len().saturating_sub(1))));
        let sum: Option<f64> = errors.sum();
        sum.map(|sum| sum / self.members.len() as f64)
    }
}

fn add(mut a: Counts, b: Counts) -> Counts {
    a.add(&b);
    a
}
