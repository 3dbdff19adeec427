//! Independent problems, solved side by side on all cores.

use rayon::prelude::*;

use super::{Solution, Solver};
use crate::error::{Result, expect_length};
use crate::interrupt::{self, Interrupt};
use crate::problem::Problem;

/// Solves independent problems on all cores; `solver` makes a new solver for each index.
///
/// The result does not depend on the number of threads: each problem runs on one thread,
/// and results come in the order of the problems.
///
/// # Errors
/// The first problem's error, in order.
pub fn solve_batch(
    problems: &[Problem],
    starts: &[Vec<f64>],
    solver: impl Fn(usize) -> Result<Solver> + Sync,
) -> Result<Vec<Solution>> {
    expect_length("the list of starts", starts.len(), problems.len())?;
    let interrupt = Interrupt::current();
    interrupt::waiting(|| {
        problems
            .par_iter()
            .zip(starts)
            .enumerate()
            .map(|(i, (problem, start))| interrupt.within(|| solver(i)?.solve(problem, start)))
            .collect()
    })
}
