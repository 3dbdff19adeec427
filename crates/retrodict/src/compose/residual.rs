//! The residual of one y as a simulator of x.

use std::sync::Arc;

use crate::core::description::Description;
use crate::core::simulator::{Residual, Simulator};
use crate::core::space::Space;
use crate::error::{Error, Result, expect_finite, expect_length};

/// x ↦ R(x, y) at a constant y, for any rule: it is 0 where P(x) = y.
///
/// # Shapes
/// Input: x. Output: the residual's space.
///
/// # Cost
/// That of the simulator's [`Residual`]; P itself is not evaluated.
#[derive(Clone)]
pub struct ResidualAt {
    simulator: Arc<dyn Simulator>,
    y: Vec<f64>,
    output: Space,
    description: Description,
}

impl ResidualAt {
    /// The residual of a simulator at y; nothing if it brings none.
    ///
    /// # Errors
    /// If y has the wrong length or a value that is not finite.
    pub fn new(simulator: Arc<dyn Simulator>, y: Vec<f64>) -> Result<Option<Self>> {
        expect_length("y", y.len(), simulator.output().len())?;
        expect_finite("y", &y)?;
        let Some(residual) = simulator.residual() else {
            return Ok(None);
        };
        Ok(Some(Self {
            output: residual.space().clone(),
            description: of_residual(simulator.describe(), residual),
            simulator,
            y,
        }))
    }

    fn residual(&self) -> Result<&dyn Residual> {
        // `new` has seen that there is one.
        self.simulator.residual().ok_or_else(|| Error::Unsupported {
            rule: "a residual at y",
            needs: "a residual R(x, y)",
            simulator: self.simulator.output().name.clone(),
            instead: vec!["the simulator itself".into()],
        })
    }
}

impl Simulator for ResidualAt {
    fn input(&self) -> &Space {
        self.simulator.input()
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.residual()?.evaluate(x, &self.y, y)
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.residual()?.tangent(x, &self.y, dx, dy)
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.residual()?.adjoint(x, &self.y, dy, dx)
    }
    fn describe(&self) -> Description {
        self.description.clone()
    }
}

/// What is told of P, of its residual.
fn of_residual(description: Description, residual: &dyn Residual) -> Description {
    let Description {
        typical,
        series: _,
        labels,
        stands_for,
        linear: _,
        approximation: _,
        keeps_trajectory: _,
    } = description;
    Description {
        typical,
        // A residual is no y, whatever its shape.
        series: None,
        labels,
        stands_for,
        linear: residual.is_affine(),
        // Its derivative is its own and kept nowhere, however P finds J.
        approximation: None,
        keeps_trajectory: false,
    }
}
