//! What an equation is solved with, and for what.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Method, Ode, RightHandSide, Transform};
use crate::core::space::Space;
use crate::error::Result;
use crate::memory;
use crate::options::{Build, Checked, Validate, positive, require};

/// The options of an [`Ode`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields, bound = "")]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct OdeOptions<R: RightHandSide> {
    /// When y is seen, ascending, none before 0.
    #[setters(into)]
    pub times: Vec<f64>,
    /// The longest step Δt of the fixed method.
    pub dt: f64,
    /// How time is stepped through.
    pub method: Method,
    /// The adaptive methods' error of a step, relative to the state.
    pub tolerance: f64,
    /// The adaptive methods' error of a step, in the state's units.
    pub absolute_tolerance: f64,
    /// The state at time 0, unless it is fitted.
    #[setters(into)]
    pub initial: Vec<f64>,
    /// Whether x holds the state at time 0 too.
    pub fit_initial: bool,
    /// How each value of x maps to what it stands for; one for all, or one for each.
    #[setters(into)]
    pub transform: Vec<Transform>,
    /// Which states are seen; all if empty.
    #[setters(into)]
    pub observe: Vec<usize>,
    /// Whether y is the logarithm of what is seen.
    pub logarithm: bool,
    /// The right-hand side.
    #[serde(skip)]
    pub equation: R,
}

impl<R: RightHandSide> Default for OdeOptions<R> {
    fn default() -> Self {
        let equation = R::default();
        let settings = equation.defaults();
        Self {
            times: settings.times,
            dt: settings.dt,
            method: Method::default(),
            tolerance: 1e-8,
            absolute_tolerance: 1e-10,
            initial: settings.initial,
            fit_initial: false,
            transform: settings.transform,
            observe: Vec::new(),
            logarithm: false,
            equation,
        }
    }
}

impl<R: RightHandSide> Validate for OdeOptions<R> {
    fn validate(&self) -> Result<()> {
        let (states, inputs) = (self.equation.states().len(), self.inputs());
        #[cfg(not(feature = "adaptive"))]
        super::adaptive::require_fixed(self.method)?;
        positive("dt", self.dt)?;
        positive("absolute_tolerance", self.absolute_tolerance)?;
        require(
            self.tolerance >= 1e-13 && self.tolerance < 1.0,
            "tolerance",
            self.tolerance,
            "it must be at least 1e-13, which round-off allows, and less than 1",
        )?;
        let ascending = self.times.is_sorted_by(|a, b| a < b);
        let first = self.times.first().copied().unwrap_or(-1.0);
        require(
            ascending && first >= 0.0 && self.times.iter().all(|t| t.is_finite()),
            "times",
            format!("{:?}", self.times),
            "it needs at least one time, ascending, none before 0",
        )?;
        require(
            self.initial.len() == states && self.initial.iter().all(|y| y.is_finite()),
            "initial",
            format!("{:?}", self.initial),
            &format!("{} needs {states} finite values", self.equation.name()),
        )?;
        require(
            self.transform.len() == 1 || self.transform.len() == inputs,
            "transform",
            format!("{} entries", self.transform.len()),
            &format!("it needs one for all, or one for each of the {inputs} values of x"),
        )?;
        self.transform.iter().try_for_each(Transform::validate)?;
        let largest = self.observe.iter().max().copied().unwrap_or(0);
        require(
            largest < states,
            "observe",
            largest,
            &format!(
                "{} has the states 0 to {}",
                self.equation.name(),
                states - 1
            ),
        )
    }
    fn memory(&self) -> f64 {
        // y and its sensitivities.
        memory::numbers(self.times.len() as f64 * self.seen() as f64 * (self.inputs() + 3) as f64)
    }
}

impl<R: RightHandSide> Build for OdeOptions<R> {
    type Built = Ode<R>;

    fn make(options: Checked<Self>) -> Result<Ode<R>> {
        let name = match options.fit_initial {
            true => "parameters and initial values",
            false => "parameters",
        };
        let (times, states) = (options.times.len(), options.initial.len());
        Ok(Ode {
            input: Space::new(name, &[options.inputs()], "1"),
            output: Space::new(options.equation.name(), &[times, options.seen()], "1"),
            residual: Space::new("pieces of the solution less y", &[times, states], "1"),
            options,
        })
    }
}

impl<R: RightHandSide> OdeOptions<R> {
    pub(super) fn inputs(&self) -> usize {
        let initial = if self.fit_initial {
            self.initial.len()
        } else {
            0
        };
        self.equation.parameters().len() + initial
    }

    pub(super) fn seen(&self) -> usize {
        if self.observe.is_empty() {
            self.initial.len()
        } else {
            self.observe.len()
        }
    }
}
