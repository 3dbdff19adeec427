//! What the library knows of physics: y = P(x), its derivative, and what else it may offer.

use std::sync::Arc;

use crate::error::{Result, expect_length};

use crate::core::counts::Counts;
use crate::core::description::Description;
use crate::core::space::Space;
use crate::linalg::LinearMap;

/// y = P(x): a differentiable map. Physics implements it; so does "network, then physics".
///
/// # Shapes
/// x and dx have [`input`](Simulator::input)`().len()` values, y and dy
/// [`output`](Simulator::output)`().len()`. Callers check lengths (see [`Problem`](crate::Problem)).
///
/// # Errors
/// A method returns `Err` if the simulation fails at this x; it never panics on finite input.
pub trait Simulator: Send + Sync {
    /// The space of x.
    fn input(&self) -> &Space;
    /// The space of y.
    fn output(&self) -> &Space;
    /// y = P(x).
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()>;
    /// dy = J(x) dx, with J = ∂P/∂x.
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()>;
    /// dx = J(x)ᵀ dy.
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()>;
    /// Evaluates once, so that J can be applied many times.
    ///
    /// The default calls `jvp` and `vjp` at a copy of x; override it to keep a trajectory.
    fn linearize<'a>(&'a self, x: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'a>> {
        self.forward(x, y)?;
        Ok(Box::new(Pointwise {
            simulator: self,
            x: x.to_vec(),
            outputs: y.len(),
        }))
    }
    /// The local inverse, if the simulator brings one.
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        None
    }
    /// Second derivatives, if the simulator brings them and they are not zero.
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        None
    }
    /// An equation between x and y that holds where y = P(x), if the simulator brings one.
    fn residual(&self) -> Option<&dyn Residual> {
        None
    }
    /// All that is only told of it: typical values, names, whether it is linear, how J is found.
    ///
    /// Whoever needs it often asks once: [`Problem::description`](crate::Problem::description) keeps it.
    fn describe(&self) -> Description {
        Description::default()
    }
    /// The same simulator for whoever looks at these outputs alone, where it has to know: values of others may then be
    /// NaN, and derivatives of these are 0.
    fn seen_at(&self, _places: &[usize]) -> Option<Arc<dyn Simulator>> {
        None
    }
}

/// x = P⁻¹(y; x0): the solution of P(x) = y nearest to the current guess x0.
pub trait LocalInverse: Send + Sync {
    /// Writes P⁻¹(y; x0) to x.
    ///
    /// # Errors
    /// `Err` if y cannot be reached; [`Error::InverseStopped`](crate::Error::InverseStopped)
    /// keeps the x to which the inverse came.
    fn invert_near(&self, y: &[f64], x0: &[f64], x: &mut [f64]) -> Result<()>;
    /// Writes Δx = P⁻¹(y₀ + Δy; x₀) − x₀ to dx, where y₀ = P(x₀) is known.
    ///
    /// Override it where that saves work.
    ///
    /// # Errors
    /// As [`invert_near`](LocalInverse::invert_near).
    fn step(&self, x0: &[f64], y0: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let aim: Vec<f64> = y0.iter().zip(dy).map(|(y, dy)| y + dy).collect();
        self.invert_near(&aim, x0, dx)?;
        for (dx, x) in dx.iter_mut().zip(x0) {
            *dx -= x;
        }
        Ok(())
    }
    /// As [`step`](LocalInverse::step), and adds to `counts` what was asked of P on the way.
    ///
    /// Override it where the inverse evaluates P or products with J, so that its cost is seen.
    ///
    /// # Errors
    /// As [`invert_near`](LocalInverse::invert_near).
    fn step_counted(
        &self,
        x0: &[f64],
        y0: &[f64],
        dy: &[f64],
        dx: &mut [f64],
        _counts: &mut Counts,
    ) -> Result<()> {
        self.step(x0, y0, dy, dx)
    }
    /// Whether P⁻¹(y; x₀) is, of all x with P(x) = y, the one nearest to x₀: then the error of an x is
    /// measured to the nearest solution, not to the one that made y.
    fn is_nearest(&self) -> bool {
        false
    }
    /// What comes back of x; an ill-posed map says what does not.
    fn recovery(&self) -> Recovery {
        Recovery {
            remaining: 1e-9,
            subspace: None,
        }
    }
}

/// What a local inverse promises of a y that can be reached.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Recovery {
    /// The share of the misfit ‖y − P(x₀)‖ that may remain at P⁻¹(y; x₀).
    pub remaining: f64,
    /// The part of x that is recovered, in words, or `None` for all of it.
    pub subspace: Option<&'static str>,
}

impl Recovery {
    /// The share of the misfit that may remain, and where y can be reached, if not everywhere.
    pub const fn new(remaining: f64, subspace: Option<&'static str>) -> Self {
        Self {
            remaining,
            subspace,
        }
    }
}

/// All that a full Newton step needs beyond `jvp` and `vjp`.
pub trait SecondOrder: Send + Sync {
    /// out = d/dε J(x + ε dx)ᵀ dy at ε = 0, that is (Σᵢ dyᵢ ∇²Pᵢ(x)) dx.
    fn vjp_derivative(&self, x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()>;
}

/// An equation R(x, y) = 0 that holds just where y = P(x), among the y that P reaches.
///
/// It is worth having where it asks for less than P does, as ∇²y = x does beside its solution, or
/// where it bends less. Training with it is
/// [`PhysicsResidual`](crate::training::PhysicsResidual).
///
/// # Shapes
/// x and dx have the length of the simulator's input, y that of its output, and r and dr that of
/// [`space`](Residual::space).
///
/// # Source
/// Thuerey et al., *Physics-based Deep Learning*, "Physical loss terms".
pub trait Residual: Send + Sync {
    /// The space of R.
    fn space(&self) -> &Space;
    /// r = R(x, y).
    ///
    /// # Errors
    /// If R has no value there.
    fn evaluate(&self, x: &[f64], y: &[f64], r: &mut [f64]) -> Result<()>;
    /// dr = ∂R/∂x dx, at constant y.
    ///
    /// # Errors
    /// As [`evaluate`](Residual::evaluate).
    fn tangent(&self, x: &[f64], y: &[f64], dx: &[f64], dr: &mut [f64]) -> Result<()>;
    /// dx = (∂R/∂x)ᵀ dr, at constant y.
    ///
    /// # Errors
    /// As [`evaluate`](Residual::evaluate).
    fn adjoint(&self, x: &[f64], y: &[f64], dr: &[f64], dx: &mut [f64]) -> Result<()>;
    /// Whether ∂R/∂x does not depend on x, though P may be nonlinear.
    fn is_affine(&self) -> bool {
        false
    }
}

struct Pointwise<'a, S: ?Sized> {
    simulator: &'a S,
    x: Vec<f64>,
    outputs: usize,
}

impl<S: Simulator + ?Sized> LinearMap for Pointwise<'_, S> {
    fn inputs(&self) -> usize {
        self.x.len()
    }
    fn outputs(&self) -> usize {
        self.outputs
    }
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        expect_length("dx", dx.len(), self.x.len())?;
        self.simulator.jvp(&self.x, dx, dy)
    }
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        expect_length("dy", dy.len(), self.outputs)?;
        self.simulator.vjp(&self.x, dy, dx)
    }
}
