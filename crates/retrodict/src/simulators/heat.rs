//! Diffusion of heat, exact in Fourier space.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::description::Description;
use crate::core::simulator::{LocalInverse, Recovery, Simulator};
use crate::core::space::Space;
use crate::error::Result;
use crate::memory;
use crate::options::{Build, Checked, Validate, grid, not_negative, positive};
use crate::spectral::fourier::{RealFourier, Separable};
use crate::spectral::regularisation::{Diagonal, Regularisation};

/// Diffusion of heat on a periodic grid for a given time: ŷ = x̂ e^(−k²νt), exact in Fourier space.
///
/// k is angular, 2πm/(N·`cell`). In real space that is a blur with the standard deviation
/// √(2νt); backwards it is the textbook's ill-posed problem: mode k grows by e^(k²νt), and
/// so does its noise.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::HeatOptions;
/// let heat = HeatOptions::default().with_shape([16]).with_nu_t(2.0).build()?;
/// let mut hot = vec![0.0; 16];
/// hot[3] = 1.0;
/// let mut y = vec![0.0; 16];
/// heat.forward(&hot, &mut y)?;
/// // Heat spreads, and none is lost.
/// assert!(y[3] < 0.25 && (y.iter().sum::<f64>() - 1.0).abs() < 1e-14);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x and y are grids of `shape`, one to three axes of any size.
///
/// # Units
/// x, y and `noise` in one unit of your choice (kelvin for temperatures, none for a picture), `cell` in m, `nu_t` in
/// m².
///
/// # Cost
/// One real transform and its inverse forwards, three transforms backwards; both O(n log n).
///
/// # Source
/// Holl, Koltun & Thuerey, *Scale-invariant Learning by Physics Inversion*, section 4.3 and
/// appendix B.3; filters and strengths: [`Regularisation`].
#[derive(Debug, Clone)]
pub struct Heat {
    options: Checked<HeatOptions>,
    input: Space,
    output: Space,
    diagonal: Arc<Diagonal>,
}

/// The options of [`Heat`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct HeatOptions {
    /// Cells along each axis.
    #[setters(into)]
    pub shape: Vec<usize>,
    /// The width of a cell, greater than 0, in m.
    pub cell: f64,
    /// Diffusivity times time, νt ≥ 0, in m².
    pub nu_t: f64,
    /// The standard deviation of the noise in each value of y, in \[y\]; estimated by
    /// cross-validation if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub noise: Option<f64>,
    /// The regularisation that keeps the inverse from amplifying noise.
    pub inverse: Regularisation,
}

impl Default for HeatOptions {
    fn default() -> Self {
        Self {
            shape: vec![64, 64],
            cell: 1.0,
            nu_t: 8.0,
            noise: None,
            inverse: Regularisation::default(),
        }
    }
}

impl Validate for HeatOptions {
    fn validate(&self) -> Result<()> {
        grid(&self.shape)?;
        positive("cell", self.cell)?;
        not_negative("nu_t", self.nu_t)?;
        not_negative("noise", self.noise.unwrap_or(0.0))?;
        self.inverse.validate()
    }
    fn memory(&self) -> f64 {
        memory::transform(&self.shape)
    }
}

impl Build for HeatOptions {
    type Built = Heat;

    fn make(options: Checked<Self>) -> Result<Heat> {
        let fourier = RealFourier::new(&options.shape);
        let k_squared = fourier.k_squared(options.cell);
        let blur = |axis| -> Vec<f64> {
            let k = fourier.wavenumbers(axis, options.cell);
            k.iter().map(|k| (-k * k * options.nu_t).exp()).collect()
        };
        let factors: Vec<Vec<f64>> = (0..options.shape.len()).map(blur).collect();
        let exponents = k_squared.iter().map(|k2| k2 * options.nu_t).collect();
        let diagonal = Diagonal::new(fourier, exponents).with_factors(Separable::new(&factors));
        Ok(Heat {
            input: Space::new("initial field", &options.shape, "1"),
            output: Space::new("field after diffusion", &options.shape, "1"),
            options,
            diagonal: Arc::new(diagonal),
        })
    }
}

impl Heat {
    /// What it was made of.
    pub fn options(&self) -> &HeatOptions {
        &self.options
    }
}

impl Simulator for Heat {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.diagonal.forward(x, y);
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

impl LocalInverse for Heat {
    fn invert_near(&self, y: &[f64], x0: &[f64], x: &mut [f64]) -> Result<()> {
        self.diagonal
            .invert(&self.options.inverse, self.options.noise, y, x0, x);
        Ok(())
    }
    fn step(&self, _x0: &[f64], y0: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.diagonal
            .step(&self.options.inverse, self.options.noise, y0, dy, dx);
        Ok(())
    }
    fn recovery(&self) -> Recovery {
        Recovery {
            remaining: 1.0,
            subspace: Some("the modes that stand out of the noise"),
        }
    }
}
