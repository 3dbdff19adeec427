//! One time step becomes a simulator of many: tape, checkpoints, sweeps and reversal, written once.

use crate::core::description::Description;
use crate::core::simulator::{LocalInverse, Recovery, Simulator};
use crate::core::space::Space;
use crate::error::{Error, Result, expect_length};
use crate::interrupt::Watch;
use crate::linalg::LinearMap;
use crate::linalg::is_finite;
use crate::options::Checked;

mod observe;
mod options;
mod schedule;
mod step;
mod sweeps;
mod trajectory;

pub use observe::{Input, Observe};
pub use options::RolloutOptions;
pub use step::TimeStep;

use sweeps::Trace;

/// A simulator of `steps` time steps.
///
/// Forwards it keeps a tape of each step's record; backwards it sweeps over that tape with any
/// number of right-hand sides at once, so that all of ∂y/∂x costs one sweep. Where the tape would
/// take more than `max_memory`, a few states are kept instead and the steps between them taken
/// again, on the schedule that needs the fewest; the derivatives are the same bit for bit.
///
/// # Cost
/// A vjp with a full tape: one reverse sweep. With a tenth of the memory: up to three
/// forward runs more.
///
/// # Source
/// Griewank & Walther, *Algorithm 799: Revolve* (2000), for the schedule.
#[derive(Debug, Clone)]
pub struct Rollout<S> {
    options: Checked<RolloutOptions<S>>,
    input: Space,
    output: Space,
}

impl<S: TimeStep> Rollout<S> {
    /// What it was made of.
    pub fn options(&self) -> &RolloutOptions<S> {
        &self.options
    }

    /// The length of x.
    pub fn inputs(&self) -> usize {
        self.options.inputs()
    }

    /// Undoes all steps: the initial state from the final one.
    ///
    /// # Errors
    /// If a step cannot be undone.
    pub fn run_back(&self, state: &mut [f64]) -> Result<()> {
        expect_length("the final state", state.len(), self.options.initial.len())?;
        let mut scratch = self.options.step.scratch();
        let none = vec![0.0; self.options.step.controls()];
        let mut watch = Watch::new();
        for n in (0..self.options.steps).rev() {
            watch.check()?;
            let control = self.control(&[], &none, n);
            self.options
                .step
                .step_back(n, control, state, &mut scratch)?;
        }
        Ok(())
    }

    /// u of step n; `none` stands for what is not given.
    fn control<'a>(&'a self, x: &'a [f64], none: &'a [f64], n: usize) -> &'a [f64] {
        let width = self.options.step.controls();
        let given = match self.options.input {
            Input::Controls => return &x[n * width..(n + 1) * width],
            Input::Parameters => return &x[..width],
            Input::State(_) => &self.options.controls[..],
        };
        if given.is_empty() {
            none
        } else if given.len() == width {
            given
        } else {
            &given[n * width..(n + 1) * width]
        }
    }

    /// A state that is not finite ends the run with the step and the time at which it happened.
    fn expect_state(&self, n: usize, state: &[f64]) -> Result<()> {
        if is_finite(state) {
            return Ok(());
        }
        // Without the last digits, which are round-off: 0.3 rather than 0.30000000000000004.
        let time = (1e9 * (n + 1) as f64 * self.options.step.time_step()).round() / 1e9;
        Err(Error::simulation(
            self.options.step.state().name.clone(),
            format!(
                "the state is no longer finite after step {} of {}, at the time {time}; try a \
                 shorter time step or a smaller x",
                n + 1,
                self.options.steps
            ),
        ))
    }
}

/// A simulator that is a rollout under another name, made of options of its own.
pub trait RolledOut: Send + Sync {
    /// The step.
    type Step: TimeStep;
    /// The rollout that the options imply.
    fn rollout(&self) -> &Rollout<Self::Step>;
    /// The local inverse; by default the way back in time, where steps can be undone.
    fn inverse(&self) -> Option<&dyn LocalInverse> {
        self.rollout().local_inverse()
    }
}

impl<T: RolledOut> Simulator for T {
    fn input(&self) -> &Space {
        self.rollout().input()
    }
    fn output(&self) -> &Space {
        self.rollout().output()
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.rollout().forward(x, y)
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.rollout().jvp(x, dx, dy)
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.rollout().vjp(x, dy, dx)
    }
    fn linearize<'a>(&'a self, x: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'a>> {
        self.rollout().linearize(x, y)
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        self.inverse()
    }
    fn describe(&self) -> Description {
        self.rollout().describe()
    }
}

impl<S: TimeStep> Simulator for Rollout<S> {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.run(x, y)
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        Trace::untaped(self, x)?.tangents(dx, dy)
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let mut y = vec![0.0; self.options.observe.len()];
        Trace::new(self, x, &mut y)?.adjoints(dy, dx)
    }
    fn linearize<'a>(&'a self, x: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'a>> {
        Ok(Box::new(Trace::new(self, x, y)?))
    }
    fn describe(&self) -> Description {
        let description = self.options.description.clone();
        description.with_keeps_trajectory(true)
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        let whole = self.options.initial.len();
        let reversible = self.options.step.can_step_back()
            && self.options.input == Input::State(0..whole)
            && self.options.observe == Observe::end(self.options.steps, whole);
        reversible.then_some(self)
    }
}

/// Time reversal: the steps undone from the last to the first.
impl<S: TimeStep> LocalInverse for Rollout<S> {
    fn invert_near(&self, y: &[f64], _x0: &[f64], x: &mut [f64]) -> Result<()> {
        x.copy_from_slice(y);
        self.run_back(x)
    }
    fn recovery(&self) -> Recovery {
        Recovery {
            remaining: 1e-9,
            subspace: None,
        }
    }
}
