//! A run of an inversion: where it stands, and how it came there.

pub mod checkpoint;
pub mod keeper;
pub mod keeping;
pub mod resume;
pub mod steps;
pub mod watch;

use retrodict::{Checkpoint, Record, StatusKind};
use serde::{Deserialize, Serialize};

use crate::inversion::Plan;

/// One field, solved from one start: where it stands, and how it came there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The index of the field.
    pub field: usize,
    /// The index of the start.
    pub start: usize,
    /// Maximum number of steps.
    pub limit: usize,
    /// Where it stands.
    pub standing: Checkpoint,
    /// The steps that led there.
    pub history: History,
    /// Where the rule fell back from its formula, and how often.
    pub notices: Vec<(String, u64)>,
    /// Why it first did, where an error was the cause.
    #[serde(alias = "trouble")]
    pub first_error: Option<String>,
    /// How it ended; nothing while it goes on.
    pub ended: Option<Ended>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// In a word.
    pub status: StatusKind,
    /// What that means, and what to try next.
    pub message: String,
    /// Whether a goal was reached.
    pub converged: bool,
    /// What should be known beside that.
    pub remarks: Vec<String>,
    /// The unknowns that do not change y there.
    #[serde(default)]
    pub without_effect: Vec<usize>,
}

/// The steps of a run: all of them while they are few, else evenly thinned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Every so many steps.
    stride: usize,
    /// The steps that were kept, and the last one.
    pub records: Vec<Record>,
}

/// Records up to which all are kept.
const KEPT: usize = 4096;

impl Default for History {
    fn default() -> Self {
        Self {
            stride: 1,
            records: Vec::new(),
        }
    }
}

impl History {
    /// Takes the next step.
    pub fn push(&mut self, record: Record) {
        // The last one is kept for what it is until another comes.
        if let Some(last) = self.records.last()
            && !last.step.is_multiple_of(self.stride)
        {
            self.records.pop();
        }
        self.records.push(record);
        if self.records.len() > KEPT {
            self.stride *= 2;
            let stride = self.stride;
            self.records.retain(|r| r.step.is_multiple_of(stride));
        }
    }
}

/// All runs of a plan, before anything is done.
pub fn fresh(plan: &Plan) -> Vec<Run> {
    let runs = plan.fields.iter().enumerate().flat_map(|(field, f)| {
        f.starts.iter().enumerate().map(move |(start, x0)| Run {
            field,
            start,
            limit: plan.stop.steps,
            standing: Checkpoint::at(x0.clone()),
            history: History::default(),
            notices: Vec::new(),
            first_error: None,
            ended: None,
        })
    });
    runs.collect()
}
