//! The state of a run: enough to resume it as if it had never stopped.

use serde::{Deserialize, Serialize};

use crate::problem::{Computed, Counts};
use crate::solver::solution::Record;
use crate::solver::stop::Lowest;
use crate::updates::{Notices, UpdateRule};

/// The state of a run between two steps, as a checkpoint stores it.
///
/// [`Solver::resume`](crate::Solver::resume) takes it up: with the same problem, rule and goals a run goes
/// on bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The point from which the next step is taken.
    pub x: Vec<f64>,
    /// The same in the transformed unknowns, if there is a transform.
    pub unknowns: Option<Vec<f64>>,
    /// The best point so far.
    pub best: Vec<f64>,
    /// L at the best point; not a number before the first evaluation.
    pub best_loss: f64,
    /// L at the start; not a number before the first evaluation.
    pub first_loss: f64,
    /// The lowest loss after each of the last steps.
    pub lowest: Vec<f64>,
    /// The number of steps taken.
    pub steps: usize,
    /// Seconds spent.
    pub seconds: f64,
    /// Evaluations of the simulator.
    pub counts: Counts,
    /// The rule's memory.
    #[serde(with = "serde_bytes")]
    pub rule: Vec<u8>,
    /// The update of a step that was interrupted after the rule had found it and learned from it.
    #[serde(default)]
    pub pending: Option<Vec<f64>>,
    /// Whether steps are searched along, since whole ones had led uphill to where no way goes on.
    #[serde(default)]
    pub careful: bool,
    /// Whether the step that led to x settled the loss.
    #[serde(default)]
    pub settled: bool,
    /// Whether it was looked for a direction in which a loss that has settled falls all the same.
    #[serde(default)]
    pub looked: bool,
    /// What of x was counted already.
    #[serde(default)]
    pub known: Computed,
}

impl Checkpoint {
    /// The same at the best point, for a rule of another kind: it remembers nothing, and what was counted of x is asked again.
    #[must_use]
    pub fn for_another_rule(&self) -> Self {
        Self {
            x: self.best.clone(),
            rule: Vec::new(),
            careful: false,
            settled: false,
            looked: false,
            pending: None,
            known: Computed::default(),
            ..self.clone()
        }
    }

    /// A start at the best point, for a problem whose losses are others; only what was spent is kept.
    #[must_use]
    pub fn for_another_problem(&self) -> Self {
        Self {
            steps: self.steps,
            seconds: self.seconds,
            counts: self.counts,
            ..Self::at(self.best.clone())
        }
    }

    /// At a start, before anything is done.
    pub fn at(start: Vec<f64>) -> Self {
        Self {
            best: start.clone(),
            x: start,
            unknowns: None,
            best_loss: f64::NAN,
            first_loss: f64::NAN,
            lowest: Vec::new(),
            steps: 0,
            seconds: 0.0,
            counts: Counts::default(),
            rule: Vec::new(),
            pending: None,
            careful: false,
            settled: false,
            looked: false,
            known: Computed::default(),
        }
    }

    /// Whether nothing was done yet.
    pub fn is_fresh(&self) -> bool {
        self.lowest.is_empty()
    }
}

/// What an observer is shown after every step, the start first.
pub struct Progress<'a> {
    /// The step.
    pub record: &'a Record,
    /// x after it.
    pub x: &'a [f64],
    /// Where the rule departed from its formula, how often, and the first error that made it do so, since the run began or
    /// was resumed.
    pub notices: &'a Notices,
    pub(crate) unknowns: Option<&'a [f64]>,
    pub(crate) best: &'a (Vec<f64>, f64),
    pub(crate) first_loss: f64,
    pub(crate) lowest: &'a Lowest,
    pub(crate) rule: &'a dyn UpdateRule,
    pub(crate) careful: bool,
    pub(crate) settled: bool,
    pub(crate) looked: bool,
    pub(crate) known: Computed,
}

impl Progress<'_> {
    /// Where the run stands, with a copy of everything that it needs.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            x: self.x.to_vec(),
            unknowns: self.unknowns.map(<[f64]>::to_vec),
            best: self.best.0.clone(),
            best_loss: self.best.1,
            first_loss: self.first_loss,
            lowest: self.lowest.values(),
            steps: self.record.step,
            seconds: self.record.seconds,
            counts: self.record.counts,
            rule: self.rule.remember(),
            pending: None,
            careful: self.careful,
            settled: self.settled,
            looked: self.looked,
            known: self.known,
        }
    }
}
