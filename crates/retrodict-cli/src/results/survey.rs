//! The distinct solutions that many starts led to: as facts, as a table, in a sentence.

use retrodict::StatusKind;
use retrodict::solver::starts::{End, Region, basins};
use serde::{Deserialize, Serialize};

use crate::terminal::text::aligned;

/// Values of x up to which a solution is shown in full.
const SHOWN_UP_TO: usize = 8;

/// A distinct solution and its basin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DistinctSolution {
    /// The loss of the best run that ended here.
    #[serde(deserialize_with = "crate::results::not_a_number::or_nan")]
    pub loss: f64,
    /// How that run ended.
    pub status: StatusKind,
    /// How many starts ended here.
    pub starts: usize,
    /// Of how many.
    pub of: usize,
    /// x, where it has few values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<Vec<f64>>,
}

/// The distinct solutions of the runs from `of` starts, lowest loss first, and the index of the
/// best run; the first run where none has a finite loss.
///
/// Each run stands as where and how it ended.
pub fn survey(
    ends: &[(End<'_>, StatusKind)],
    region: &Region,
    of: usize,
) -> (Vec<DistinctSolution>, usize) {
    let points: Vec<End<'_>> = ends.iter().map(|(end, _)| *end).collect();
    let basins = basins(&points, region);
    let found = basins
        .iter()
        .map(|basin| {
            let (best, status) = ends[basin.best];
            DistinctSolution {
                loss: best.loss,
                status,
                starts: basin.starts.len(),
                of,
                x: (best.x.len() <= SHOWN_UP_TO).then(|| best.x.to_vec()),
            }
        })
        .collect();
    (found, basins.first().map_or(0, |basin| basin.best))
}

/// A line for each solution.
pub fn table(found: &[DistinctSolution]) -> String {
    let mut lines = vec![
        ["solution", "starts", "loss", "status", "x"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (i, f) in found.iter().enumerate() {
        let x = f.x.as_deref().unwrap_or_default();
        let values: Vec<String> = x.iter().map(|v| format!("{v:.6}")).collect();
        lines.push(vec![
            (i + 1).to_string(),
            format!("{} of {}", f.starts, f.of),
            format!("{:.4e}", f.loss),
            f.status.to_string(),
            values.join("  "),
        ]);
    }
    aligned(&lines, 4)
}

/// `3 distinct solutions from 20 starts: loss 0.15 (12 starts), 139 (8 starts)`.
pub fn sentence(found: &[DistinctSolution]) -> String {
    let of = found.first().map_or(0, |f| f.of);
    let plural = if found.len() == 1 { "" } else { "s" };
    let each: Vec<String> = found
        .iter()
        .map(|f| format!("{:.4e} ({})", f.loss, f.starts))
        .collect();
    format!(
        "{} distinct solution{plural} from {of} starts; loss (number of starts): {}",
        found.len(),
        each.join(", ")
    )
}
