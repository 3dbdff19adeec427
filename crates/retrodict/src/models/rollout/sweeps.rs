//! A run at one x, and its derivative sweeps.

use std::cell::RefCell;

use super::trajectory::{Stepper, Trajectory};
use super::{Input, Rollout, TimeStep};
use crate::error::{Result, expect_length};
use crate::linalg::LinearMap;
use crate::linalg::Matrix;
use crate::memory;

/// A run that remembers enough to be differentiated.
pub(super) struct Trace<'a, S: TimeStep> {
    rollout: &'a Rollout<S>,
    x: Vec<f64>,
    /// `None` where a tangent sweep runs beside the steps and needs no memory.
    kept: Option<RefCell<Trajectory>>,
}

impl<S: TimeStep> Rollout<S> {
    /// The state at the start.
    fn start(&self, x: &[f64]) -> Result<Vec<f64>> {
        expect_length("x", x.len(), self.inputs())?;
        let mut state = self.options.initial.clone();
        if let Input::State(range) = &self.options.input {
            state[range.clone()].copy_from_slice(x);
        }
        Ok(state)
    }

    /// y, with nothing kept.
    pub(super) fn run(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        expect_length("y", y.len(), self.options.observe.len())?;
        let mut state = self.start(x)?;
        let mut run = Stepper::new(self, x);
        self.observe(0, &state, y);
        for n in 0..self.options.steps {
            run.step(n, &mut state)?;
            self.observe(n + 1, &state, y);
        }
        Ok(())
    }

    fn observe(&self, n: usize, state: &[f64], y: &mut [f64]) {
        if let Some(rows) = self.options.observe.rows(n) {
            for (y, place) in y[rows].iter_mut().zip(&self.options.observe.places) {
                *y = state[*place];
            }
        }
    }
}

impl<'a, S: TimeStep> Trace<'a, S> {
    /// Runs at x and keeps what `max_memory` allows.
    pub(super) fn new(rollout: &'a Rollout<S>, x: &[f64], y: &mut [f64]) -> Result<Self> {
        expect_length("y", y.len(), rollout.options.observe.len())?;
        let mut state = rollout.start(x)?;
        let mut run = Stepper::new(rollout, x);
        let kept = Trajectory::record(&mut run, &mut state, |n, s| rollout.observe(n, s, y))?;
        Ok(Self {
            rollout,
            x: x.to_vec(),
            kept: Some(RefCell::new(kept)),
        })
    }

    /// Runs nothing yet.
    pub(super) fn untaped(rollout: &'a Rollout<S>, x: &[f64]) -> Result<Self> {
        expect_length("x", x.len(), rollout.inputs())?;
        Ok(Self {
            rollout,
            x: x.to_vec(),
            kept: None,
        })
    }

    /// dy of k tangents dx, both one after the other.
    pub(super) fn tangents(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        let rollout = self.rollout;
        let (inputs, outputs) = (rollout.inputs(), rollout.options.observe.len());
        let k = dy.len() / outputs;
        expect_length("dy", dy.len(), k * outputs)?;
        expect_length("dx", dx.len(), k * inputs)?;
        let (width, controls) = (
            rollout.options.initial.len(),
            rollout.options.step.controls(),
        );
        let mut tangents = vec![0.0; k * width];
        let mut pushes = vec![0.0; k * controls];
        match &rollout.options.input {
            Input::State(range) => {
                for (t, d) in tangents.chunks_mut(width).zip(dx.chunks(inputs)) {
                    t[range.clone()].copy_from_slice(d);
                }
            }
            Input::Parameters => pushes.copy_from_slice(dx),
            Input::Controls => {}
        }
        let mut state = rollout.start(&self.x)?;
        let mut run = Stepper::new(rollout, &self.x);
        let kept = self.kept.as_ref().map(RefCell::borrow);
        let tape = kept.as_deref().and_then(Trajectory::tape);
        self.observe_tangents(0, &tangents, dy);
        for n in 0..rollout.options.steps {
            if rollout.options.input == Input::Controls {
                for (push, d) in pushes.chunks_mut(controls).zip(dx.chunks(inputs)) {
                    push.copy_from_slice(&d[n * controls..(n + 1) * controls]);
                }
            }
            match tape {
                Some(tape) => run.tangents(n, Some(tape), &mut tangents, &pushes)?,
                None => {
                    run.step(n, &mut state)?;
                    run.tangents(n, None, &mut tangents, &pushes)?;
                }
            }
            self.observe_tangents(n + 1, &tangents, dy);
        }
        Ok(())
    }

    /// dx of k adjoints dy, both one after the other.
    pub(super) fn adjoints(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let rollout = self.rollout;
        let (inputs, outputs) = (rollout.inputs(), rollout.options.observe.len());
        let k = dx.len() / inputs;
        expect_length("dx", dx.len(), k * inputs)?;
        expect_length("dy", dy.len(), k * outputs)?;
        let (width, controls) = (
            rollout.options.initial.len(),
            rollout.options.step.controls(),
        );
        let mut adjoints = vec![0.0; k * width];
        let mut pulls = vec![0.0; k * controls];
        let mut state = rollout.start(&self.x)?;
        let mut run = Stepper::new(rollout, &self.x);
        // A trace that kept nothing was made for one tangent sweep.
        let mut none = Trajectory::nothing(&state);
        let mut kept = self.kept.as_ref().map(RefCell::borrow_mut);
        let kept = kept.as_deref_mut().unwrap_or(&mut none);
        for n in (0..rollout.options.steps).rev() {
            self.observe_adjoints(n + 1, dy, &mut adjoints);
            match kept {
                Trajectory::Tape(tape) => run.adjoints(n, Some(tape), &mut adjoints, &mut pulls)?,
                Trajectory::Checkpoints(kept) => {
                    kept.recall(&mut run, n, &mut state, |_, _| {})?;
                    run.step(n, &mut state)?;
                    run.adjoints(n, None, &mut adjoints, &mut pulls)?;
                }
            }
            if rollout.options.input == Input::Controls {
                for (pull, d) in pulls.chunks(controls).zip(dx.chunks_mut(inputs)) {
                    d[n * controls..(n + 1) * controls].copy_from_slice(pull);
                }
                pulls.fill(0.0);
            }
        }
        self.observe_adjoints(0, dy, &mut adjoints);
        match &rollout.options.input {
            Input::State(range) => {
                for (a, d) in adjoints.chunks(width).zip(dx.chunks_mut(inputs)) {
                    d.copy_from_slice(&a[range.clone()]);
                }
            }
            Input::Parameters => dx.copy_from_slice(&pulls),
            Input::Controls => {}
        }
        Ok(())
    }

    fn observe_tangents(&self, n: usize, tangents: &[f64], dy: &mut [f64]) {
        let (width, outputs) = (
            self.rollout.options.initial.len(),
            self.rollout.options.observe.len(),
        );
        for (t, d) in tangents.chunks(width).zip(dy.chunks_mut(outputs)) {
            self.rollout.observe(n, t, d);
        }
    }

    fn observe_adjoints(&self, n: usize, dy: &[f64], adjoints: &mut [f64]) {
        let observe = &self.rollout.options.observe;
        let Some(rows) = observe.rows(n) else {
            return;
        };
        let width = self.rollout.options.initial.len();
        for (a, d) in adjoints.chunks_mut(width).zip(dy.chunks(observe.len())) {
            for (place, d) in observe.places.iter().zip(&d[rows.clone()]) {
                a[*place] += d;
            }
        }
    }
}

impl<S: TimeStep> LinearMap for Trace<'_, S> {
    fn inputs(&self) -> usize {
        self.rollout.inputs()
    }
    fn outputs(&self) -> usize {
        self.rollout.options.observe.len()
    }
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        expect_length("dx", dx.len(), self.inputs())?;
        expect_length("dy", dy.len(), self.outputs())?;
        self.tangents(dx, dy)
    }
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        expect_length("dy", dy.len(), self.outputs())?;
        expect_length("dx", dx.len(), self.inputs())?;
        self.adjoints(dy, dx)
    }
    /// All columns or all rows in one sweep.
    fn dense(&self) -> Result<Matrix> {
        let (m, n) = (self.outputs(), self.inputs());
        // A tangent or adjoint of the state for each, beside J itself.
        let states = memory::cells(&[m.min(n), self.rollout.options.initial.len()]);
        memory::affordable(
            "J as a matrix",
            memory::numbers(2.0 * memory::cells(&[m, n]) + 2.0 * states),
        )?;
        if n <= m {
            let mut columns = Matrix::zeros(n, m);
            self.tangents(Matrix::identity(n).as_slice(), columns.as_mut_slice())?;
            return Ok(columns.transpose());
        }
        let mut rows = Matrix::zeros(m, n);
        self.adjoints(Matrix::identity(m).as_slice(), rows.as_mut_slice())?;
        Ok(rows)
    }
}
