//! How each method ended: the summary of a run's folder.

use retrodict::{Counts, StatusKind};
use serde::{Deserialize, Serialize};

use crate::results::survey::DistinctSolution;

/// `summary.json`: how each method ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Summary {
    /// A line for each method on each problem.
    pub methods: Vec<MethodSummary>,
}

/// How a method ended on a problem.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MethodSummary {
    /// The method.
    pub method: String,
    /// The rule.
    pub rule: String,
    /// The problem.
    pub problem: String,
    /// The status; for a batch that of the most members.
    pub status: StatusKind,
    /// What the status means, and what to try next.
    pub message: String,
    /// Whether every member reached its goal.
    pub converged: bool,
    /// How many members did.
    pub converged_count: usize,
    /// How many members there are.
    pub count: usize,
    /// The most steps that a member took.
    pub steps: usize,
    /// Seconds from start to end.
    pub seconds: f64,
    /// The loss of the best iterates, mean over the batch.
    #[serde(deserialize_with = "crate::results::not_a_number::or_nan")]
    pub loss: f64,
    /// The error of the best iterates in x, mean over the batch.
    pub x_error: Option<f64>,
    /// Evaluations of the simulator, summed over the batch.
    pub counts: Counts,
    /// Where the rule fell back from its formula, with counts.
    pub notices: Vec<String>,
    /// The distinct solutions of each member, where it was run from more than one start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub solutions: Vec<Vec<DistinctSolution>>,
    /// All iterates, one list for each member, where x has few values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterates: Option<Vec<Vec<Vec<f64>>>>,
}
