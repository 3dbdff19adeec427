//! One time step becomes a simulator of many: tape, checkpoints, sweeps and reversal, written once.

use std::ops::Range;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::description::Description;
use crate::core::simulator::{LocalInverse, Recovery, Simulator};
use crate::core::space::Space;
use crate::error::{Error, Remedy, Result, expect_length};
use crate::interrupt::Watch;
use crate::linalg::LinearMap;
use crate::linalg::is_finite;
use crate::options::{Build, Checked, Validate, require};

mod schedule;
mod sweeps;
mod trajectory;

use sweeps::Trace;

/// One time step s ← F(s, u, n): the state s, moved on by step n under u.
///
/// u is what acts on a step from outside: a control, which differs from step to step, or the
/// equation's parameters, which do not. Which of the two, [`Input`] says.
///
/// # Shapes
/// A state has `state().len()` values, a control `controls()`. Several adjoints or tangents lie
/// one after the other.
pub trait TimeStep: Send + Sync {
    /// What a sweep works in; made once and used by all of its steps.
    type Scratch: Send;

    /// The space of the state.
    fn state(&self) -> &Space;
    /// The length of u.
    fn controls(&self) -> usize {
        0
    }
    /// How many numbers are kept of each step for the sweeps that need derivatives.
    fn record(&self) -> usize {
        self.state().len()
    }
    /// Δt, for messages.
    fn time_step(&self) -> f64;
    /// Makes what a sweep works in.
    fn scratch(&self) -> Self::Scratch;
    /// s ← F(s, u, n). Writes to `record` what the derivatives need, mostly s before the step.
    ///
    /// # Errors
    /// If the step cannot be taken. A state that is not finite is found by the rollout.
    fn step(
        &self,
        n: usize,
        control: &[f64],
        state: &mut [f64],
        record: &mut [f64],
        scratch: &mut Self::Scratch,
    ) -> Result<()>;
    /// For each adjoint a: `control_adjoint` += (∂F/∂u)ᵀ a, then a ← (∂F/∂s)ᵀ a.
    ///
    /// # Errors
    /// If the step cannot be differentiated here.
    fn step_vjp(
        &self,
        n: usize,
        control: &[f64],
        record: &[f64],
        adjoints: &mut [f64],
        control_adjoints: &mut [f64],
        scratch: &mut Self::Scratch,
    ) -> Result<()>;
    /// For each tangent t and its δu: t ← ∂F/∂s t + ∂F/∂u δu.
    ///
    /// # Errors
    /// If the step cannot be differentiated here.
    fn step_jvp(
        &self,
        n: usize,
        control: &[f64],
        record: &[f64],
        tangents: &mut [f64],
        control_tangents: &[f64],
        scratch: &mut Self::Scratch,
    ) -> Result<()>;
    /// Whether [`step_back`](TimeStep::step_back) undoes a step.
    fn can_step_back(&self) -> bool {
        false
    }
    /// s ← the state from which step n led to s.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where a step cannot be undone.
    fn step_back(
        &self,
        _n: usize,
        _control: &[f64],
        _state: &mut [f64],
        _scratch: &mut Self::Scratch,
    ) -> Result<()> {
        Err(Error::Unsupported {
            rule: "time reversal",
            needs: "a step that can be undone",
            simulator: self.state().name.clone(),
            instead: vec![Remedy::Setting {
                key: "inverse",
                value: "newton",
                what: "which needs derivatives alone",
            }],
        })
    }
}

/// What x is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Input {
    /// A part of the state at the start; the rest of it is given.
    State(Range<usize>),
    /// A control for each step, one after the other.
    Controls,
    /// One u for all steps.
    Parameters,
}

/// What y is: some values of the state, after some of the steps, times in the outer order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observe {
    /// After how many steps, ascending, each from 0 (the start) to the last.
    pub steps: Vec<usize>,
    /// Which values of the state.
    pub places: Vec<usize>,
}

impl Observe {
    /// The whole state after the last step.
    pub fn end(steps: usize, state: usize) -> Self {
        Self {
            steps: vec![steps],
            places: (0..state).collect(),
        }
    }

    /// Some steps and places, or the last step and all places where a list is empty.
    pub fn select(steps: &[usize], places: &[usize], last: usize, state: usize) -> Self {
        let mut seen = Self::end(last, state);
        if !steps.is_empty() {
            seen.steps = steps.to_vec();
        }
        if !places.is_empty() {
            seen.places = places.to_vec();
        }
        seen
    }

    /// How many values [`select`](Observe::select) sees of a state that long, whatever the lists hold.
    pub fn count(steps: &[usize], places: &[usize], state: f64) -> f64 {
        let places = match places.len() {
            0 => state,
            some => some as f64,
        };
        steps.len().max(1) as f64 * places
    }

    /// The space of what is observed: times, then places.
    pub fn space(&self, name: &str, unit: &str) -> Space {
        Space::new(name, &[self.steps.len(), self.places.len()], unit)
    }

    /// How many values are observed.
    pub fn len(&self) -> usize {
        self.steps.len() * self.places.len()
    }

    /// Whether nothing is observed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of y that are observed after step `n`, if any.
    fn rows(&self, n: usize) -> Option<Range<usize>> {
        let k = self.steps.binary_search(&n).ok()?;
        Some(k * self.places.len()..(k + 1) * self.places.len())
    }
}

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

/// The options of a [`Rollout`].
#[derive(Debug, Clone, Setters)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct RolloutOptions<S> {
    /// The step.
    pub step: S,
    /// How often it is taken, at least once.
    pub steps: usize,
    /// What x is.
    pub input: Input,
    /// What y is.
    pub observe: Observe,
    /// The state at the start, where x does not say.
    #[setters(into)]
    pub initial: Vec<f64>,
    /// u, where x does not say: for each step, or one for all, or empty for 0.
    #[setters(into)]
    pub controls: Vec<f64>,
    /// How many bytes the tape may take; a quarter of this machine's memory if left out.
    #[setters(into)]
    pub max_memory: Option<usize>,
    /// The space of x, where it is called otherwise than state or control.
    #[setters(into)]
    pub input_space: Option<Space>,
    /// The space of y, where it is called otherwise than the state.
    #[setters(into)]
    pub output_space: Option<Space>,
    /// What else is told of it; that it keeps a trajectory goes without saying.
    pub description: Description,
}

impl<S: TimeStep> RolloutOptions<S> {
    /// A rollout from a whole initial state to the whole final one.
    pub fn new(step: S, steps: usize) -> Self {
        let state = step.state().len();
        Self {
            step,
            steps,
            input: Input::State(0..state),
            observe: Observe::end(steps, state),
            initial: vec![0.0; state],
            controls: Vec::new(),
            max_memory: None,
            input_space: None,
            output_space: None,
            description: Description::default(),
        }
    }

    /// The length of x.
    fn inputs(&self) -> usize {
        match &self.input {
            Input::State(range) => range.len(),
            Input::Controls => self.step.controls() * self.steps,
            Input::Parameters => self.step.controls(),
        }
    }
}

/// All parts must fit together.
impl<S: TimeStep> Validate for RolloutOptions<S> {
    fn validate(&self) -> Result<()> {
        let (state, controls) = (self.step.state().len(), self.step.controls());
        require(
            self.steps > 0,
            "steps",
            self.steps,
            "it must be at least 1: with no step y = x",
        )?;
        expect_length("the initial state", self.initial.len(), state)?;
        let given = self.controls.len();
        if given != 0 && given != controls {
            expect_length("the list of controls", given, controls * self.steps)?;
        }
        let last = self.observe.steps.iter().max().copied().unwrap_or(0);
        require(
            last <= self.steps,
            "observe",
            format!("step {last}"),
            &format!(
                "the run has {} steps, up to the time {}",
                self.steps,
                self.steps as f64 * self.step.time_step()
            ),
        )?;
        require(
            self.observe.steps.is_sorted_by(|a, b| a < b) && !self.observe.is_empty(),
            "observe",
            format!("{:?}", self.observe.steps),
            "it needs at least one time and one place, with the times in ascending order",
        )?;
        let range = match &self.input {
            Input::State(range) => range.end,
            _ => 0,
        };
        let largest = self.observe.places.iter().max().copied().unwrap_or(0);
        require(
            largest < state && range <= state,
            "observe",
            largest.max(range),
            &format!("the state has {state} values"),
        )?;
        if let Some(space) = &self.input_space {
            expect_length("the space of x", space.len(), self.inputs())?;
        }
        match &self.output_space {
            Some(space) => expect_length("the space of y", space.len(), self.observe.len()),
            None => Ok(()),
        }
    }
}

impl<S: TimeStep> Build for RolloutOptions<S> {
    type Built = Rollout<S>;

    fn make(options: Checked<Self>) -> Result<Rollout<S>> {
        let (state, seen) = (options.step.state(), &options.observe);
        let input = || match &options.input {
            Input::State(range) if range.len() == state.len() => state.clone(),
            Input::State(range) => Space::new(&state.name, &[range.len()], &state.unit),
            Input::Controls => {
                Space::new("control", &[options.steps, options.step.controls()], "1")
            }
            Input::Parameters => Space::new("parameters", &[options.step.controls()], "1"),
        };
        let whole = seen.steps == [options.steps] && seen.places.len() == state.len();
        let output = || match whole {
            true => state.clone(),
            false => seen.space(&state.name, &state.unit),
        };
        Ok(Rollout {
            input: options.input_space.clone().unwrap_or_else(input),
            output: options.output_space.clone().unwrap_or_else(output),
            options,
        })
    }
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
