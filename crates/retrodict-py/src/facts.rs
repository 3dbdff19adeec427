//! What is known after a run, as plain data.

use retrodict::uncertainty::weight::Chosen;
use retrodict::{Checkpoint, Counts, StatusKind, StopWhen};
use serde::{Deserialize, Serialize};

/// What is known after a run, as plain data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Facts {
    /// The best x.
    pub x: Vec<f64>,
    /// The loss there.
    pub loss: f64,
    /// How the run ended, in a word.
    pub status: StatusKind,
    /// What that means.
    pub message: String,
    /// Whether a goal was reached.
    pub converged: bool,
    /// The number of steps taken.
    pub steps: usize,
    /// Seconds from start to end.
    pub seconds: f64,
    /// Number of evaluations of the simulator, by kind.
    pub counts: Counts,
    /// The loss after each step.
    pub losses: Vec<f64>,
    /// The rule's name.
    pub method: String,
    /// Why it was chosen, where the user did not choose.
    pub method_reason: Option<String>,
    /// Where the run stands: enough to resume it.
    pub checkpoint: Checkpoint,
    /// The distinct solutions, lowest loss first.
    pub solutions: Vec<Distinct>,
    /// The weight that was chosen for the prior, if it was.
    pub weight: Option<Weight>,
    /// When the run was told to end.
    pub stop: StopWhen,
    /// Where the run departed from its formula.
    pub notices: Vec<String>,
    /// Why it first did.
    #[serde(alias = "trouble")]
    pub first_error: Option<String>,
}

/// A distinct solution, and the starts that led to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Distinct {
    /// x.
    pub x: Vec<f64>,
    /// The loss there.
    pub loss: f64,
    /// How its best run ended.
    pub status: StatusKind,
    /// The starts, counted from 0.
    pub starts: Vec<usize>,
}

/// The weight that a rule chose.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Weight {
    /// The weight.
    pub weight: f64,
    /// The rule that chose it.
    pub rule: String,
    /// What speaks against it.
    pub doubt: Option<String>,
    /// Effective degrees of freedom of the fit.
    pub freedom: f64,
}

impl From<&Chosen> for Weight {
    fn from(chosen: &Chosen) -> Self {
        Self {
            weight: chosen.weight,
            rule: chosen.rule.name().to_owned(),
            doubt: chosen.doubt.map(|doubt| doubt.to_string()),
            freedom: chosen.freedom,
        }
    }
}
