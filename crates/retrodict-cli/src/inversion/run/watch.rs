//! What is shown while runs go on.

use std::sync::atomic::{AtomicU64, Ordering};

use retrodict::Problem;

use crate::inversion::{Plan, Run};
use crate::terminal::progress::Progress;

/// Shows on a terminal how the runs of a plan get on; silent elsewhere.
pub struct Watch {
    progress: Progress,
    steps: AtomicU64,
    /// χ²/N (N data) over L, for each field where that is one number.
    per_loss: Vec<Option<f64>>,
}

impl Watch {
    /// Begins with what the runs may still take.
    pub fn start(plan: &Plan, runs: &[Run]) -> Self {
        let open = runs.iter().filter(|run| run.ended.is_none());
        let left = open.map(|run| run.limit.saturating_sub(run.standing.steps) as u64);
        let label = match runs.len() {
            1 => format!("{} with {}", plan.name, plan.rule),
            several => format!("{} with {}, {several} runs", plan.name, plan.rule),
        };
        Self {
            progress: Progress::start(&label, left.sum()),
            steps: AtomicU64::new(0),
            per_loss: plan
                .fields
                .iter()
                .map(|field| per_loss(&field.problem))
                .collect(),
        }
    }

    /// One step more of a run of a field, with the loss at it.
    pub fn step(&self, field: usize, loss: f64) {
        let steps = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        let chi_squared = self.per_loss.get(field).copied().flatten();
        self.progress.show(steps, || match chi_squared {
            Some(factor) => format!("loss {loss:.3e}  χ²/N {:.3}", factor * loss),
            None => format!("loss {loss:.3e}"),
        });
    }

    /// All runs have ended.
    pub fn finish(self) {
        self.progress.clear();
    }
}

/// χ²/N (N data) over L where one is a multiple of the other: without priors, for losses that are squares. It
/// is measured at a y beside the target, so that no step needs to ask the loss again.
fn per_loss(problem: &Problem) -> Option<f64> {
    let (loss, target) = (problem.loss(), problem.target());
    let at = |shift: f64| {
        let y: Vec<f64> = target.iter().map(|y| y + shift * (1.0 + y.abs())).collect();
        Some(loss.chi_squared(&y, target)?.per_datum() / loss.value(&y, target))
    };
    let (near, far) = (at(1e-3)?, at(1e-2)?);
    (problem.priors().is_empty() && (near / far - 1.0).abs() < 1e-6).then_some(near)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use retrodict::options::Build;
    use std::sync::Arc;

    use retrodict::losses::{SquaredError, Weighted};
    use retrodict::priors::Tikhonov;
    use retrodict::simulators::ScalingOptions;

    use super::*;

    #[test]
    fn chi_squared_is_told_only_where_it_is_a_multiple_of_the_loss() {
        let weighted = Weighted::half([0.5]).unwrap();
        let simulator = Arc::new(ScalingOptions::default().build().unwrap());
        let known = Problem::new(simulator.clone(), Arc::new(weighted), vec![1.0, -2.0]).unwrap();
        // Half of χ² over two data: as much as L.
        assert!((per_loss(&known).unwrap() - 1.0).abs() < 1e-9);
        assert_eq!(
            per_loss(&known.with_prior(&Tikhonov::default(), 1.0).unwrap()),
            None
        );
        let unknown = Problem::new(
            simulator,
            Arc::new(SquaredError::default()),
            vec![1.0, -2.0],
        );
        assert_eq!(per_loss(&unknown.unwrap()), None);
    }
}
