//! A rule and when to stop: solves a problem from a start or from a checkpoint.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::compose::bounds::refuse_constraints;
use crate::error::{Error, Result, expect_length};
use crate::interrupt::Interrupt;
use crate::problem::{Evaluation, Problem, Tally};
use crate::solver::checkpoint::{Checkpoint, Progress};
use crate::solver::run::SolverRun;
use crate::solver::solution::{Record, Solution};
use crate::solver::status::Status;
use crate::solver::stop::{Lowest, StopWhen};
use crate::updates::{IntoRule, Notice, Notices, Search, UpdateRule};

/// A rule and when to stop.
pub struct Solver {
    /// The rule.
    rule: Box<dyn UpdateRule>,
    /// When to stop.
    stop: StopWhen,
    /// How far along Δx, in place of what the rule asks for.
    search: Option<Search>,
}

impl Solver {
    /// A solver for one run; a rule's state starts fresh with it.
    pub fn new(rule: impl IntoRule, stop: StopWhen) -> Self {
        Self {
            rule: rule.into_rule(),
            stop,
            search: None,
        }
    }

    /// Another search along Δx than the rule's own: any direction goes with any search.
    ///
    /// ```
    /// use retrodict::prelude::*;
    /// use retrodict::losses::SquaredError;
    /// use retrodict::simulators::SquareOptions;
    /// use retrodict::updates::{GaussNewton, Search};
    /// let square = SquareOptions::default().build()?;
    /// let problem = Problem::new(square, SquaredError::half(), [1.0, 4.0])?;
    /// let searched = Solver::new(GaussNewton::default(), StopWhen::after(20))
    ///     .with_search(Search::Backtracking { decrease: 1e-4 })
    ///     .solve(&problem, &[0.0, 1e-3])?;
    /// assert!(searched.loss < 1e-12);
    /// # Ok::<(), retrodict::Error>(())
    /// ```
    #[must_use]
    pub fn with_search(mut self, search: impl Into<Option<Search>>) -> Self {
        self.search = search.into();
        self
    }

    /// Solves a problem from a start.
    ///
    /// # Errors
    /// If the start does not fit, the rule cannot work on this problem, or the simulation fails at the start. Later failures
    /// are a [`Status`].
    pub fn solve(self, problem: &Problem, start: &[f64]) -> Result<Solution> {
        self.solve_observed(problem, start, |_, _| ControlFlow::Continue(()))
    }

    /// Solves a problem and passes every record with its x to an observer, which may stop the run.
    ///
    /// # Errors
    /// As [`solve`](Solver::solve).
    pub fn solve_observed(
        self,
        problem: &Problem,
        start: &[f64],
        mut observer: impl FnMut(&Record, &[f64]) -> ControlFlow<()>,
    ) -> Result<Solution> {
        let fresh = Checkpoint::at(start.to_vec());
        let (solution, _) = self.resume(problem, &fresh, |m| observer(m.record, m.x))?;
        Ok(solution)
    }

    /// Resumes a run from its state, and also returns its final state. The observer is called for every further step, and for
    /// the start if nothing was done yet.
    ///
    /// Steps count from the run's start, the time limit from now.
    ///
    /// # Errors
    /// As [`solve`](Solver::solve), or if the rule cannot restore its memory.
    ///
    /// # Cost
    /// One forward call more than if the run had never stopped, which is not counted.
    pub fn resume(
        self,
        problem: &Problem,
        from: &Checkpoint,
        observer: impl FnMut(&Progress<'_>) -> ControlFlow<()>,
    ) -> Result<(Solution, Checkpoint)> {
        let clock = Instant::now();
        let interrupt = self.stop.limits().interrupt(clock, 0.0);
        interrupt.within(|| self.take_up(problem, from, clock, observer))
    }

    fn take_up(
        mut self,
        problem: &Problem,
        from: &Checkpoint,
        clock: Instant,
        mut observer: impl FnMut(&Progress<'_>) -> ControlFlow<()>,
    ) -> Result<(Solution, Checkpoint)> {
        self.stop.check(problem)?;
        if let Some(search) = self.search {
            search.check(&*self.rule)?;
        }
        if !from.rule.is_empty() {
            self.rule.recall(&from.rule)?;
        }
        expect_length("x", from.x.len(), problem.inputs())?;
        if problem.constraints().is_some() && !self.rule.keeps_constraints() {
            return Err(refuse_constraints(self.rule.name()));
        }
        let fresh = from.is_fresh();
        let mut x = from.x.clone();
        let outside = problem.bounds().map_or(0, |bounds| bounds.project(&mut x));
        // What rules see is kept to the last bit, where it is not x itself.
        let seen = match &from.unknowns {
            Some(unknowns) if problem.is_transformed() => unknowns.clone(),
            _ => problem.unknowns(&x)?,
        };
        let allowed = match fresh {
            true => problem.nearest_allowed(&seen)?,
            false => None,
        };
        let moved = allowed.is_some();
        let seen = match allowed {
            Some(allowed) => {
                x = problem.values(&allowed);
                allowed
            }
            None => seen,
        };
        let tally = Tally::default();
        let at = Evaluation::new(problem, &tally, &seen)?;
        // A start whose loss is known within a moment is worth it, however short the limit.
        let graced = Interrupt::current().with_grace(AT_LEAST);
        let loss = match graced.within(|| at.ask_again(from.known).and_then(|()| at.loss())) {
            Err(Error::Interrupted { why }) => {
                let seconds = from.seconds + clock.elapsed().as_secs_f64();
                return Ok(unbegun(from, x, why.into(), seconds));
            }
            loss => loss?,
        };
        let best = if fresh {
            (x, loss)
        } else {
            (from.best.clone(), from.best_loss)
        };
        if let Some(pending) = &from.pending {
            expect_length("the pending step", pending.len(), seen.len())?;
        }
        if !fresh {
            // It was counted when the run first came here.
            tally.reset();
        }
        let mut run = SolverRun {
            rule: self.rule,
            stop: self.stop,
            search: self.search,
            clock,
            seconds: from.seconds,
            counts: from.counts,
            first_loss: if fresh { loss } else { from.first_loss },
            best,
            lowest: Lowest::of(&from.lowest),
            notices: Notices::default(),
            steps: from.steps,
            pending: from.pending.clone(),
            settled: from.counts,
            known: from.known,
            noted: Notices::default(),
            aimed: false,
            careful: from.careful,
            without_effect: None,
            output_noise: None,
            settled_loss: from.settled,
            looked: from.looked,
        };
        if moved {
            run.note(START_NOT_ALLOWED);
            run.noted = run.notices.clone();
        } else if outside > 0 {
            run.note(START_OUTSIDE);
            run.noted = run.notices.clone();
        }
        run.go(at, fresh, &mut observer)
    }
}

/// The loss at the start gets this much time even where the limit is shorter.
const AT_LEAST: Duration = Duration::from_secs(1);

/// A run that was interrupted before it knew the loss at its start: it stands where it stood.
fn unbegun(from: &Checkpoint, x: Vec<f64>, status: Status, seconds: f64) -> (Solution, Checkpoint) {
    let solution = Solution {
        x: if from.is_fresh() {
            x
        } else {
            from.best.clone()
        },
        loss: from.best_loss,
        status,
        steps: from.steps,
        seconds,
        counts: from.counts,
        notices: Notices::default(),
        without_effect: Vec::new(),
        explained: None,
        output_noise: None,
    };
    (solution, from.clone())
}

const START_OUTSIDE: Notice =
    Notice("the start was outside the bounds; started from the nearest point inside");

const START_NOT_ALLOWED: Notice =
    Notice("the start did not meet the constraints; started from the nearest point that does");
