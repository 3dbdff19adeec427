//! The source of a potential: what Poisson's equation undoes.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boundary, Poisson, PoissonOptions};
use crate::core::description::Description;
use crate::core::simulator::{LocalInverse, Recovery, Simulator};
use crate::core::space::Space;
use crate::error::Result;
use crate::memory;
use crate::options::{Build, Checked, Validate};

/// The source of a potential: y = ∇²x, with the second-order stencil of 3, 5 or 7 points; what
/// [`Poisson`] undoes.
///
/// Fine structure of x weighs most in y, by the square of its wavenumber: singular values spread over
/// (2n/π)² for n cells along an axis, and the gradient sees little of what is smooth. With periodic or
/// Neumann boundaries y does not tell the mean of x, which the inverse takes from x₀.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::LaplaceOptions;
/// let laplace = LaplaceOptions::default().with_shape([5]).build()?;
/// let mut y = [0.0; 5];
/// // s (6 − s), which is 0 just outside of the cells 1 to 5.
/// laplace.forward(&[5.0, 8.0, 9.0, 8.0, 5.0], &mut y)?;
/// assert_eq!(y, [-2.0; 5]);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x and y are grids of `shape`, one to three axes of any size.
///
/// # Units
/// x in V, `cell` in m, y in V/m²: whatever the unit of x is, y has that unit over `cell`².
///
/// # Cost
/// Forwards, one pass of the stencil; backwards, a fast transform and its inverse, O(n log n).
///
/// # Source
/// Schnell, Holl & Thuerey, *Half-Inverse Gradients for Physical Deep Learning* (ICLR 2022), section 4.2.
#[derive(Debug, Clone)]
pub struct Laplace {
    options: Checked<LaplaceOptions>,
    /// What undoes it.
    poisson: Poisson,
}

/// The options of [`Laplace`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct LaplaceOptions {
    /// Cells along each axis.
    #[setters(into)]
    pub shape: Vec<usize>,
    /// The width of a cell, greater than 0, in m.
    pub cell: f64,
    /// What holds for x at the edges of the grid.
    pub boundary: Boundary,
}

impl Default for LaplaceOptions {
    fn default() -> Self {
        let PoissonOptions {
            shape,
            cell,
            boundary,
        } = PoissonOptions::default();
        Self {
            shape,
            cell,
            boundary,
        }
    }
}

impl LaplaceOptions {
    fn poisson(&self) -> PoissonOptions {
        PoissonOptions {
            shape: self.shape.clone(),
            cell: self.cell,
            boundary: self.boundary,
        }
    }
}

impl Validate for LaplaceOptions {
    fn validate(&self) -> Result<()> {
        self.poisson().validate()
    }
    fn memory(&self) -> f64 {
        memory::transform(&self.shape)
    }
}

impl Build for LaplaceOptions {
    type Built = Laplace;

    fn make(options: Checked<Self>) -> Result<Laplace> {
        let poisson = options.poisson().build()?;
        Ok(Laplace { options, poisson })
    }
}

impl Laplace {
    /// What it was made of.
    pub fn options(&self) -> &LaplaceOptions {
        &self.options
    }
}

impl Simulator for Laplace {
    fn input(&self) -> &Space {
        self.poisson.output()
    }
    fn output(&self) -> &Space {
        self.poisson.input()
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        y.fill(0.0);
        self.poisson.add_laplacian(x, y);
        Ok(())
    }
    fn jvp(&self, _x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.forward(dx, dy)
    }
    fn vjp(&self, _x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        // P is symmetric.
        self.forward(dy, dx)
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        Some(self)
    }
    fn describe(&self) -> Description {
        Description::default().with_linear(true)
    }
}

impl LocalInverse for Laplace {
    fn invert_near(&self, y: &[f64], x0: &[f64], x: &mut [f64]) -> Result<()> {
        self.poisson.forward(y, x)?;
        if self.options.boundary != Boundary::Dirichlet {
            let mean = x0.iter().sum::<f64>() / x0.len() as f64;
            x.iter_mut().for_each(|x| *x += mean);
        }
        Ok(())
    }
    fn recovery(&self) -> Recovery {
        Recovery {
            remaining: 1e-9,
            subspace: match self.options.boundary {
                Boundary::Dirichlet => None,
                Boundary::Periodic | Boundary::Neumann => Some("all but the mean"),
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_parabola_has_a_constant_laplacian_and_comes_back() {
        let options = LaplaceOptions::default().with_shape([5]).with_cell(0.5);
        let laplace = options.build().unwrap();
        // x (3 − x) is 0 just outside of the cells at 0.5, …, 2.5; its second derivative is −2.
        let x: Vec<f64> = (1..=5)
            .map(|i| 0.5 * f64::from(i))
            .map(|x| x * (3.0 - x))
            .collect();
        let (mut y, mut back) = ([0.0; 5], [0.0; 5]);
        laplace.forward(&x, &mut y).unwrap();
        assert!(y.iter().all(|y| (y + 2.0).abs() < 1e-14), "{y:?}");
        laplace.invert_near(&y, &[7.0; 5], &mut back).unwrap();
        assert!(back.iter().zip(&x).all(|(b, x)| (b - x).abs() < 1e-13));
    }
}
