//! The potential of a source.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::description::Description;
use crate::core::simulator::{LocalInverse, Recovery, Residual, Simulator};
use crate::core::space::Space;
use crate::error::Result;
use crate::memory;
use crate::options::{Build, Checked, Validate, grid, positive};
use crate::spectral::basis::{Basis, minus_laplacian};
use crate::spectral::waves::Walls;

mod laplace;

pub use laplace::{Laplace, LaplaceOptions};

/// The potential of a source: y = ∇⁻²x, with the second-order stencil of 3, 5 or 7 points.
///
/// Its inverse is the Laplacian itself, ∇²y, which is cheap and exact. With periodic or
/// Neumann boundaries a constant has no Laplacian: the mean of x is then ignored, y has mean 0,
/// and the inverse keeps the mean of x₀.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::PoissonOptions;
/// let poisson = PoissonOptions::default().with_shape([5]).build()?;
/// let mut y = [0.0; 5];
/// poisson.forward(&[-2.0; 5], &mut y)?;
/// // s (6 − s), which is 0 just outside of the cells 1 to 5.
/// assert!(y.iter().zip([5.0, 8.0, 9.0, 8.0, 5.0]).all(|(y, exact)| (y - exact).abs() < 1e-13));
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x and y are grids of `shape`, one to three axes of any size.
///
/// # Units
/// x in V/m², `cell` in m, y in V: whatever the unit of x is, y has that unit times `cell`².
///
/// # Cost
/// Forwards, a fast transform and its inverse, O(n log n); backwards, one pass of the stencil.
///
/// # Source
/// Swarztrauber, *The methods of cyclic reduction, Fourier analysis and the FACR algorithm for
/// the discrete solution of Poisson's equation on a rectangle*, SIAM Review 19 (1977).
#[derive(Debug, Clone)]
pub struct Poisson {
    options: Checked<PoissonOptions>,
    input: Space,
    output: Space,
    residual: Space,
    plan: Arc<PoissonPlan>,
}

/// The options of [`Poisson`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct PoissonOptions {
    /// Cells along each axis.
    #[setters(into)]
    pub shape: Vec<usize>,
    /// The width of a cell, greater than 0, in m.
    pub cell: f64,
    /// What holds at the edges of the grid.
    pub boundary: Boundary,
}

/// What holds at the edges of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Boundary {
    /// The grid repeats itself.
    Periodic,
    /// y = 0 on the cells just outside.
    Dirichlet,
    /// No gradient across the faces of the outermost cells.
    Neumann,
}

impl Default for PoissonOptions {
    fn default() -> Self {
        Self {
            shape: vec![64, 64],
            cell: 1.0,
            boundary: Boundary::Dirichlet,
        }
    }
}

impl Validate for PoissonOptions {
    fn validate(&self) -> Result<()> {
        grid(&self.shape)?;
        positive("cell", self.cell)
    }
    fn memory(&self) -> f64 {
        memory::transform(&self.shape)
    }
}

impl Build for PoissonOptions {
    type Built = Poisson;

    fn make(options: Checked<Self>) -> Result<Poisson> {
        Ok(Poisson {
            input: Space::new("source", &options.shape, "V/m²"),
            output: Space::new("potential", &options.shape, "V"),
            residual: Space::new("∇²y − x", &options.shape, "V/m²"),
            plan: Arc::new(PoissonPlan::new(&options)),
            options,
        })
    }
}

impl Poisson {
    /// What it was made of.
    pub fn options(&self) -> &PoissonOptions {
        &self.options
    }
}

/// A basis of waves in which the Laplacian is diagonal, and 1/λ of each wave.
#[derive(Debug)]
struct PoissonPlan {
    basis: Basis,
    gains: Vec<f64>,
}

impl PoissonPlan {
    fn new(poisson: &PoissonOptions) -> Self {
        let basis = Basis::new(
            &poisson.shape,
            match poisson.boundary {
                Boundary::Periodic => None,
                Boundary::Dirichlet => Some(Walls::Zero),
                Boundary::Neumann => Some(Walls::Mirror),
            },
        );
        // The wave without a Laplacian is left out.
        let gains = basis.at_modes(|half_phases| {
            let size = minus_laplacian(half_phases, poisson.cell);
            if size == 0.0 { 0.0 } else { -1.0 / size }
        });
        Self { basis, gains }
    }
}

impl Simulator for Poisson {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.plan.basis.apply_diagonal(x, y, &self.plan.gains);
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
    fn residual(&self) -> Option<&dyn Residual> {
        Some(self)
    }
    fn describe(&self) -> Description {
        Description::default().with_linear(true)
    }
}

impl LocalInverse for Poisson {
    fn invert_near(&self, y: &[f64], x0: &[f64], x: &mut [f64]) -> Result<()> {
        x.fill(self.ignored(x0));
        self.add_laplacian(y, x);
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

/// R = ∇²y − x, less the mean of x where P ignores it.
impl Residual for Poisson {
    fn space(&self) -> &Space {
        &self.residual
    }
    fn evaluate(&self, x: &[f64], y: &[f64], r: &mut [f64]) -> Result<()> {
        self.tangent(x, y, x, r)?;
        self.add_laplacian(y, r);
        Ok(())
    }
    fn tangent(&self, _x: &[f64], _y: &[f64], dx: &[f64], dr: &mut [f64]) -> Result<()> {
        let mean = self.ignored(dx);
        for (dr, dx) in dr.iter_mut().zip(dx) {
            *dr = mean - dx;
        }
        Ok(())
    }
    fn adjoint(&self, x: &[f64], y: &[f64], dr: &[f64], dx: &mut [f64]) -> Result<()> {
        // −1, and the projection off the mean, are symmetric.
        self.tangent(x, y, dr, dx)
    }
    fn is_affine(&self) -> bool {
        true
    }
}

impl Poisson {
    /// The constant in x that has no effect on y: its mean, or 0 if that has an effect too.
    fn ignored(&self, x: &[f64]) -> f64 {
        match self.options.boundary {
            Boundary::Dirichlet => 0.0,
            Boundary::Periodic | Boundary::Neumann => x.iter().sum::<f64>() / x.len() as f64,
        }
    }

    /// out += ∇²y.
    fn add_laplacian(&self, y: &[f64], out: &mut [f64]) {
        let mut stride = 1;
        for cells in self.options.shape.iter().rev() {
            for (line, out) in y.chunks(cells * stride).zip(out.chunks_mut(cells * stride)) {
                self.add_second_difference(line, stride, out);
            }
            stride *= cells;
        }
    }

    /// out += ∂²y along the slowest axis of a slab, whose neighbours stand `stride` apart.
    fn add_second_difference(&self, y: &[f64], stride: usize, out: &mut [f64]) {
        let scale = 1.0 / (self.options.cell * self.options.cell);
        let (n, last) = (y.len(), y.len() - stride);
        for i in stride..n.saturating_sub(stride) {
            out[i] += scale * ((y[i - stride] - y[i]) + (y[i + stride] - y[i]));
        }
        let outside = |inside: usize, opposite: usize| match self.options.boundary {
            Boundary::Periodic => y[opposite],
            Boundary::Dirichlet => 0.0,
            Boundary::Neumann => y[inside],
        };
        for i in 0..stride {
            let end = last + i;
            let (before, after) = (outside(i, end), outside(end, i));
            if last == 0 {
                out[i] += scale * ((before - y[i]) + (after - y[i]));
                continue;
            }
            out[i] += scale * ((before - y[i]) + (y[i + stride] - y[i]));
            out[end] += scale * ((y[end - stride] - y[end]) + (after - y[end]));
        }
    }
}
