//! What is kept of a run: the record of every step, or a few states.

use super::schedule::stride;
use super::{Rollout, TimeStep};
use crate::error::Result;
use crate::interrupt::Watch;
use crate::memory;

/// A run's memory, filled forwards and read backwards.
pub(super) enum Trajectory {
    /// The records of all steps, one after the other.
    Tape(Vec<f64>),
    /// States before some of the steps, ascending; the first is the start.
    Checkpoints(Checkpoints),
}

/// A few states of a run and room for more.
pub(super) struct Checkpoints {
    before: Vec<usize>,
    states: Vec<f64>,
    places: usize,
}

impl Checkpoints {
    /// `places` states beside the start fit into the memory.
    fn new(start: &[f64], places: usize) -> Self {
        let mut states = Vec::with_capacity((places + 1) * start.len());
        states.extend_from_slice(start);
        Self {
            before: vec![0],
            states,
            places,
        }
    }

    fn free(&self) -> usize {
        self.places + 1 - self.before.len()
    }

    fn keep(&mut self, before: usize, state: &[f64]) {
        self.before.push(before);
        self.states.extend_from_slice(state);
    }

    /// Drops all states that come after step n's start, and returns the last one that is left.
    fn rewind(&mut self, n: usize, state: &mut [f64]) -> usize {
        while self.before.len() > 1 && self.before.last().is_some_and(|before| *before > n) {
            self.before.pop();
        }
        let width = state.len();
        self.states.truncate(self.before.len() * width);
        state.copy_from_slice(&self.states[(self.before.len() - 1) * width..]);
        self.before.last().copied().unwrap_or(0)
    }

    /// Moves `state` to the start of step n, and keeps states on the way as the schedule says.
    pub(super) fn recall<S: TimeStep>(
        &mut self,
        run: &mut Stepper<'_, S>,
        n: usize,
        state: &mut [f64],
        mut seen: impl FnMut(usize, &[f64]),
    ) -> Result<()> {
        let mut at = self.rewind(n, state);
        while at < n {
            let goal = at + stride(n + 1 - at, self.free());
            while at < goal {
                run.step(at, state)?;
                at += 1;
                seen(at, state);
            }
            if self.free() > 0 && at < n {
                self.keep(at, state);
            }
        }
        Ok(())
    }
}

/// Takes steps of a rollout under x, with one record and one scratch for all of them.
pub(super) struct Stepper<'a, S: TimeStep> {
    rollout: &'a Rollout<S>,
    x: &'a [f64],
    none: Vec<f64>,
    record: Vec<f64>,
    scratch: S::Scratch,
    watch: Watch,
}

impl<'a, S: TimeStep> Stepper<'a, S> {
    pub(super) fn new(rollout: &'a Rollout<S>, x: &'a [f64]) -> Self {
        Self {
            rollout,
            x,
            none: vec![0.0; rollout.options.step.controls()],
            record: vec![0.0; rollout.options.step.record()],
            scratch: rollout.options.step.scratch(),
            watch: Watch::new(),
        }
    }

    /// Takes step n and remembers its record.
    pub(super) fn step(&mut self, n: usize, state: &mut [f64]) -> Result<()> {
        self.watch.check()?;
        let control = self.rollout.control(self.x, &self.none, n);
        let (record, scratch) = (&mut self.record, &mut self.scratch);
        self.rollout
            .options
            .step
            .step(n, control, state, record, scratch)?;
        self.rollout.expect_state(n, state)
    }

    /// Takes step n and writes its record to a tape.
    fn step_onto(&mut self, n: usize, state: &mut [f64], record: &mut [f64]) -> Result<()> {
        self.watch.check()?;
        let control = self.rollout.control(self.x, &self.none, n);
        let scratch = &mut self.scratch;
        self.rollout
            .options
            .step
            .step(n, control, state, record, scratch)?;
        self.rollout.expect_state(n, state)
    }

    /// Moves tangents over step n, whose record is on the tape or was the last one taken.
    pub(super) fn tangents(
        &mut self,
        n: usize,
        tape: Option<&[f64]>,
        tangents: &mut [f64],
        pushes: &[f64],
    ) -> Result<()> {
        self.watch.check()?;
        let control = self.rollout.control(self.x, &self.none, n);
        let width = self.record.len();
        let record = tape.map_or(&self.record[..], |tape| &tape[n * width..(n + 1) * width]);
        let scratch = &mut self.scratch;
        let step = &self.rollout.options.step;
        step.step_jvp(n, control, record, tangents, pushes, scratch)
    }

    /// Moves adjoints back over step n, whose record is on the tape or was the last one taken.
    pub(super) fn adjoints(
        &mut self,
        n: usize,
        tape: Option<&[f64]>,
        adjoints: &mut [f64],
        pulls: &mut [f64],
    ) -> Result<()> {
        self.watch.check()?;
        let control = self.rollout.control(self.x, &self.none, n);
        let width = self.record.len();
        let record = tape.map_or(&self.record[..], |tape| &tape[n * width..(n + 1) * width]);
        let scratch = &mut self.scratch;
        let step = &self.rollout.options.step;
        step.step_vjp(n, control, record, adjoints, pulls, scratch)
    }
}

impl Trajectory {
    /// Nothing but the start: every step is taken again whenever it is needed.
    pub(super) fn nothing(start: &[f64]) -> Self {
        Self::Checkpoints(Checkpoints::new(start, 0))
    }

    /// The records of all steps, if all were kept.
    pub(super) fn tape(&self) -> Option<&[f64]> {
        match self {
            Self::Tape(tape) => Some(tape),
            Self::Checkpoints(_) => None,
        }
    }

    /// Runs all steps from `state`, shows every state, and keeps what fits into the memory.
    pub(super) fn record<S: TimeStep>(
        run: &mut Stepper<'_, S>,
        state: &mut [f64],
        mut seen: impl FnMut(usize, &[f64]),
    ) -> Result<Self> {
        let rollout = run.rollout;
        let (steps, width) = (rollout.options.steps, rollout.options.step.record());
        let budget = rollout
            .options
            .max_memory
            .unwrap_or_else(memory::longest_tape);
        let fits = memory::numbers(steps as f64 * width as f64) <= budget as f64;
        seen(0, state);
        if !fits {
            // The start stays in memory in any case.
            let each = size_of::<f64>() * state.len().max(1);
            let places = (budget / each).saturating_sub(1).min(steps);
            let mut kept = Checkpoints::new(state, places);
            kept.recall(run, steps - 1, state, &mut seen)?;
            run.step(steps - 1, state)?;
            seen(steps, state);
            return Ok(Self::Checkpoints(kept));
        }
        let mut tape = vec![0.0; steps * width];
        for n in 0..steps {
            let record = &mut tape[n * width..(n + 1) * width];
            run.step_onto(n, state, record)?;
            seen(n + 1, state);
        }
        Ok(Self::Tape(tape))
    }
}
