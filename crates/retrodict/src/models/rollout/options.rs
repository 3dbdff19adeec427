//! What a rollout is made of, and how its parts fit together.

use derive_setters::Setters;

use super::{Input, Observe, Rollout, TimeStep};
use crate::core::description::Description;
use crate::core::space::Space;
use crate::error::{Result, expect_length};
use crate::options::{Build, Checked, Validate, require};

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
    pub(super) fn inputs(&self) -> usize {
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
