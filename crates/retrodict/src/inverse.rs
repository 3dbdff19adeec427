//! Local inverses for simulators that bring none: P⁻¹(y; x₀) from J alone.
//!
//! [`NewtonInverse`] and [`LevenbergMarquardtInverse`] solve P(x) = y near x₀, [`PathIntegral`] follows the
//! straight line from P(x₀) to y. [`WithInverse`] joins one of them to a simulator, so that every
//! rule that needs a local inverse works.
//!
//! ```
//! use std::sync::Arc;
//! use retrodict::inverse::{Inverter, PathIntegral, WithInverse};
//! use retrodict::prelude::*;
//! use retrodict::simulators::SquareOptions;
//!
//! # fn main() -> retrodict::Result<()> {
//! let found = PathIntegral::default().invert(&SquareOptions::default().build()?, &[1.0, 4.0], &[1.0, -1.0])?;
//! assert!((found.x[1] + 2.0).abs() < 1e-9, "the branch of x₀ is kept");
//!
//! let square = WithInverse::new(Arc::new(SquareOptions::default().build()?), Arc::new(PathIntegral::default()));
//! assert!(square.local_inverse().is_some());
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::sync::Arc;

use crate::core::counts::Counts;
use crate::core::description::Description;
use crate::core::simulator::{LocalInverse, Residual, SecondOrder, Simulator};
use crate::core::space::Space;
use crate::error::{Error, Result};
use crate::linalg::LinearMap;

mod levenberg_marquardt;
mod nearest;
mod newton;
mod path_integral;
pub(crate) mod tangent;

pub use levenberg_marquardt::{LevenbergMarquardtInverse, LevenbergMarquardtInverseOptions};
pub use newton::{NewtonInverse, NewtonInverseOptions};
pub use path_integral::{PathIntegral, PathIntegralOptions};

/// Finds x with P(x) = y near x₀, with the derivatives of P alone.
pub trait Inverter: Send + Sync {
    /// Looks for P⁻¹(y; x₀) and says how far it came.
    ///
    /// # Errors
    /// If a length is wrong, a value is not finite, or P fails at x₀ itself. Not to arrive is
    /// no error here: [`Inversion::ended`] says so, and the last x is kept.
    fn invert(&self, simulator: &dyn Simulator, y: &[f64], x0: &[f64]) -> Result<Inversion>;
}

/// What a local inverse found.
#[derive(Debug, Clone, PartialEq, derive_setters::Setters)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct Inversion {
    /// P⁻¹(y; x₀), or the last point on the way there.
    pub x: Vec<f64>,
    /// How it ended.
    pub ended: Ended,
    /// The share of the way from P(x₀) to y that was covered; 1 on arrival.
    pub reached: f64,
    /// ‖P(x) − y‖.
    pub misfit: f64,
    /// Steps taken.
    pub steps: usize,
    /// Evaluations of P.
    pub counts: Counts,
}

/// How an inversion ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Ended {
    /// P(x) = y to within the tolerance.
    Arrived,
    /// There are more observations than unknowns: ‖P(x) − y‖ is smallest here, near x₀.
    Nearest,
    /// J is singular here, and no step leads on: y lies beyond a fold of P, or out of its range.
    Fold,
    /// The maximum number of steps was reached.
    StepLimit,
    /// The simulation fails just beyond.
    Failed(Error),
}

impl Ended {
    /// Whether x is P⁻¹(y; x₀).
    pub fn arrived(&self) -> bool {
        matches!(self, Self::Arrived | Self::Nearest)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arrived => "it arrived",
            Self::Nearest => "no x near the start comes closer, as in a least-squares fit",
            Self::Fold => {
                "J is singular there: y lies beyond a fold of P, or out of its range; try a start on another branch, \
                 or a closer target"
            }
            Self::StepLimit => "the maximum number of steps was reached; allow more, or try a closer target",
            Self::Failed(error) => return write!(f, "the simulation failed there: {error}"),
        })
    }
}

impl Inversion {
    /// What was found, and how it ended, after no step that is known of; the misfit is not a number until it is measured.
    pub fn new(x: impl Into<Vec<f64>>, ended: Ended) -> Self {
        Self {
            x: x.into(),
            reached: f64::from(u8::from(ended.arrived())),
            ended,
            misfit: f64::NAN,
            steps: 0,
            counts: Counts::default(),
        }
    }

    /// x on arrival.
    ///
    /// # Errors
    /// [`Error::InverseStopped`], which keeps the last x, if it did not arrive.
    pub fn into_x(self, simulator: &dyn Simulator) -> Result<Vec<f64>> {
        if self.ended.arrived() {
            return Ok(self.x);
        }
        Err(Error::InverseStopped {
            simulator: simulator.output().name.clone(),
            reached: self.reached,
            misfit: self.misfit,
            why: self.ended.to_string(),
            x: self.x,
        })
    }
}

/// A simulator with a local inverse that is found from its derivatives.
#[derive(Clone)]
#[non_exhaustive]
pub struct WithInverse {
    /// P; an inverse of its own is not used.
    pub simulator: Arc<dyn Simulator>,
    /// How P is inverted.
    pub inverse: Arc<dyn Inverter>,
}

impl WithInverse {
    /// Joins a simulator and a local inverse.
    pub fn new(simulator: Arc<dyn Simulator>, inverse: Arc<dyn Inverter>) -> Self {
        Self { simulator, inverse }
    }
}

impl Simulator for WithInverse {
    fn input(&self) -> &Space {
        self.simulator.input()
    }
    fn output(&self) -> &Space {
        self.simulator.output()
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.simulator.forward(x, y)
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.simulator.jvp(x, dx, dy)
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.simulator.vjp(x, dy, dx)
    }
    fn linearize<'a>(&'a self, x: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'a>> {
        self.simulator.linearize(x, y)
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        Some(self)
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        self.simulator.second_order()
    }
    fn residual(&self) -> Option<&dyn Residual> {
        self.simulator.residual()
    }
    /// Nothing of it depends on how P is inverted.
    fn describe(&self) -> Description {
        self.simulator.describe()
    }
    fn seen_at(&self, places: &[usize]) -> Option<Arc<dyn Simulator>> {
        let simulator = self.simulator.seen_at(places)?;
        Some(Arc::new(Self::new(simulator, Arc::clone(&self.inverse))))
    }
}

impl LocalInverse for WithInverse {
    fn invert_near(&self, y: &[f64], x0: &[f64], x: &mut [f64]) -> Result<()> {
        let found = self.inverse.invert(&*self.simulator, y, x0)?;
        x.copy_from_slice(&found.into_x(&*self.simulator)?);
        Ok(())
    }
    fn step_counted(
        &self,
        x0: &[f64],
        y0: &[f64],
        dy: &[f64],
        dx: &mut [f64],
        counts: &mut Counts,
    ) -> Result<()> {
        let found = self
            .inverse
            .invert(&*self.simulator, &tangent::moved(y0, 1.0, dy), x0)?;
        counts.add(&found.counts);
        let x = found.into_x(&*self.simulator)?;
        dx.copy_from_slice(&tangent::moved(&x, -1.0, x0));
        Ok(())
    }
}

/// What a method that works on ‖P(x) − y‖ alone has to tell of its last point.
fn inversion(
    at: tangent::LinearisedPoint<'_>,
    ended: Ended,
    way: f64,
    steps: usize,
    counts: Counts,
) -> Inversion {
    let reached = if ended.arrived() {
        1.0
    } else {
        (1.0 - at.left / way).max(0.0)
    };
    Inversion {
        misfit: at.left,
        x: at.x,
        ended,
        reached,
        steps,
        counts,
    }
}
