//! One step in time, and its derivatives.

use crate::core::space::Space;
use crate::error::{Error, Remedy, Result};

/// One time step s ← F(s, u, n): the state s, moved on by step n under u.
///
/// u is what acts on a step from outside: a control, which differs from step to step, or the
/// equation's parameters, which do not. Which of the two, [`Input`](super::Input) says.
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
