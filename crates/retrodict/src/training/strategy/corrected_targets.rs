//! Learning the x to which a rule moves the network's own output.

use std::sync::Arc;

use super::super::MiniBatch;
use super::super::spread::spread;
use super::Strategy;
use super::supervised::{alone, towards};
use crate::error::{Result, expect_length};
use crate::interrupt;
use crate::problem::Problem;
use crate::solver::solve::Solver;
use crate::solver::stop::StopWhen;
use crate::updates::UpdateRule;

/// Makes a fresh rule.
type Maker = Box<dyn Fn() -> Result<Box<dyn UpdateRule>> + Send + Sync>;

/// θ ↦ f(y*; θ), target x̃ = x + Δx: any rule moves each x = f(y*; θ) by a few steps, and the
/// network learns where it went.
///
/// With the inverse simulator this is scale-invariant (SIP) training. x̃ is constant by
/// construction, so that there is no gradient to stop.
///
/// # Cost
/// The rule's steps for each sample, over all threads; what the network said at θ on the way to x̃ is
/// not asked again.
///
/// # Source
/// Holl, Koltun & Thuerey, *Scale-invariant Learning by Physics Inversion* (NeurIPS 2022),
/// section 3 and algorithm 1.
pub struct CorrectedTargets {
    rule: Maker,
    steps: usize,
}

impl CorrectedTargets {
    /// Moves x by so many steps of a rule, made fresh for each sample.
    pub fn new(
        rule: impl Fn() -> Result<Box<dyn UpdateRule>> + Send + Sync + 'static,
        steps: usize,
    ) -> Self {
        Self {
            rule: Box::new(rule),
            steps,
        }
    }
}

impl Strategy for CorrectedTargets {
    fn theta_problem(&self, batch: &MiniBatch<'_>) -> Result<Problem> {
        let n = batch.network.output().len();
        if let Some(sample) = batch.samples.first() {
            let space = sample.simulator.input();
            expect_length(
                &format!("the network's output, which is to be the {}", space.name),
                n,
                space.len(),
            )?;
        }
        let mut network = alone(batch);
        let mut x = network.keep(batch.theta)?;
        if let Some((_, scaling)) = batch.network.scaled_output() {
            scaling.unscale(&mut x);
        }
        let moved = batch.clock.physics(|| {
            spread(batch.samples.len(), |i| {
                let sample = &batch.samples[i];
                let problem = Problem::new(
                    Arc::clone(&sample.simulator),
                    Arc::clone(batch.loss),
                    sample.target.clone(),
                )?;
                let solver = Solver::new((self.rule)()?, StopWhen::after(self.steps));
                let found = solver.solve(&problem, &x[i * n..(i + 1) * n])?;
                // Where an interruption ended the solver, x̃ is not what the rule leads to.
                interrupt::check()?;
                Ok((found.x, found.notices))
            })
        })?;
        for (x, (moved, notices)) in x.chunks_mut(n).zip(&moved) {
            x.copy_from_slice(moved);
            batch.note(notices);
        }
        towards(batch, network, x)
    }
}
