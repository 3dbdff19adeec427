//! Fields of a given correlation length, by a differential operator.

use std::f64::consts::PI;
use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::differences::Edges;
use super::{Prior, PriorBlock, for_each_place};
use crate::core::description::Description;
use crate::core::simulator::{LocalInverse, Simulator};
use crate::core::space::Space;
use crate::error::{Result, expect_finite};
use crate::losses::SquaredError;
use crate::options::{Validate, grid, plain, positive, require};
use crate::spectral::basis::{Basis, minus_laplacian};
use crate::spectral::waves::Walls;

/// A Matérn prior: ½ ‖τ (κ² − Δ)^(α/2) (x − x₀)‖², for fields of a given length, deviation and smoothness.
///
/// Such an x has the covariance σ² (κr)^ν K_ν(κr) / (2^(ν−1) Γ(ν)) at the distance r, with
/// κ = √(8ν)/`length` and α = ν + d/2 on d axes, so that its correlation falls to between 0.1 and 0.15 at the
/// distance `length`. The operator is diagonal in waves, which makes any ν > 0 as cheap as another,
/// and it can be undone. τ is such that every value has the standard deviation σ on this very grid;
/// between mirrored edges that holds away from these, where values vary more.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::priors::Matern;
/// let prior = Matern::default().with_length(3.0).with_deviation(1.0);
/// let field = Space::new("field", &[4], "1");
/// let block = prior.on(&field)?;
/// let penalty = |x: &[f64]| -> retrodict::Result<f64> {
///     let mut r = vec![0.0; block.target.len()];
///     block.simulator.forward(x, &mut r)?;
///     Ok(block.loss.value(&r, &block.target))
/// };
/// // What is rough is less likely than what is smooth.
/// assert!(penalty(&[1.0, -1.0, 1.0, -1.0])? > penalty(&[1.0, 1.0, 1.0, 1.0])?);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// A grid of one to three axes.
///
/// # Units
/// `length` in \[`cell`\], `deviation` in \[x\].
///
/// # Cost
/// A transform and its inverse for R, as for R⁻¹; both are symmetric.
///
/// # Source
/// Whittle (1954, 1963); Lindgren, Rue & Lindström, *An explicit link between Gaussian fields and
/// Gaussian Markov random fields* (2011), equation 2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct Matern {
    /// The distance at which values are hardly correlated, greater than 0.
    pub length: f64,
    /// The standard deviation σ > 0 of each value.
    pub deviation: f64,
    /// ν > 0: how often a typical x can be differentiated.
    pub smoothness: f64,
    /// What lies beyond the edges: `mirrored`, `periodic` or `zero`.
    pub edges: Edges,
    /// The width of a cell, greater than 0.
    pub cell: f64,
    /// The mean x₀: nothing for 0, one value for all, or one for each.
    #[setters(into)]
    pub reference: Vec<f64>,
}

impl Default for Matern {
    fn default() -> Self {
        Self {
            length: 10.0,
            deviation: 1.0,
            smoothness: 1.0,
            edges: Edges::Mirrored,
            cell: 1.0,
            reference: Vec::new(),
        }
    }
}

plain!(Matern);

impl Validate for Matern {
    fn validate(&self) -> Result<()> {
        positive("length", self.length)?;
        positive("deviation", self.deviation)?;
        positive("smoothness", self.smoothness)?;
        positive("cell", self.cell)?;
        require(
            self.edges != Edges::Free,
            "edges",
            self.edges,
            "the operator needs a boundary condition: mirrored, periodic or zero",
        )?;
        expect_finite("reference", &self.reference)
    }
}

impl Prior for Matern {
    fn on(&self, space: &Space) -> Result<PriorBlock> {
        self.validate()?;
        grid(&space.shape)?;
        let reference = for_each_place("reference", &self.reference, space.len(), 0.0)?;
        let simulator = Arc::new(Whitening::new(self, space));
        let loss = Arc::new(SquaredError::half());
        PriorBlock::around("matern", simulator, loss, &reference)
    }
}

/// R = τ (κ² − Δ)^(α/2), which makes white noise of a typical x; symmetric.
#[derive(Debug)]
pub(crate) struct Whitening {
    space: Space,
    output: Space,
    basis: Basis,
    gains: Vec<f64>,
    inverse_gains: Vec<f64>,
    walls: Option<Walls>,
    scale: Scale,
}

/// τ, κ² and α, and the width of a cell.
#[derive(Debug, Clone, Copy)]
struct Scale {
    tau: f64,
    kappa_squared: f64,
    alpha: f64,
    cell: f64,
}

impl Scale {
    fn gain(&self, phi: &[f64]) -> f64 {
        let operator = self.kappa_squared + minus_laplacian(phi, self.cell);
        self.tau * operator.powf(0.5 * self.alpha)
    }
}

impl Whitening {
    pub(crate) fn new(matern: &Matern, space: &Space) -> Self {
        let walls = match matern.edges {
            Edges::Periodic => None,
            Edges::Zero => Some(Walls::Zero),
            Edges::Mirrored | Edges::Free => Some(Walls::Mirror),
        };
        let basis = Basis::new(&space.shape, walls);
        let mut scale = Scale {
            tau: 1.0,
            kappa_squared: 8.0 * matern.smoothness / (matern.length * matern.length),
            alpha: matern.smoothness + 0.5 * space.shape.len() as f64,
            cell: matern.cell,
        };
        let variance = mean(&space.shape, walls.is_none(), &|phi| {
            scale.gain(phi).powi(-2)
        });
        scale.tau = variance.sqrt() / matern.deviation;
        let gains = basis.at_modes(|phi| scale.gain(phi));
        let inverse_gains = gains.iter().map(|gain| gain.recip()).collect();
        Self {
            space: space.clone(),
            output: Space::new("whitened field", &space.shape, "1"),
            basis,
            gains,
            inverse_gains,
            walls,
            scale,
        }
    }

    /// out = R⁻¹ white: a draw of the prior around 0, if `white` is one of independent normal numbers.
    pub(crate) fn root(&self, white: &[f64], out: &mut [f64]) {
        self.basis.apply_diagonal(white, out, &self.inverse_gains);
    }

    /// The variance of each value.
    ///
    /// Walls are mirrors: the covariance between them is that of a periodic grid twice as wide, summed over
    /// the images of a cell, whose signs alternate where the walls hold 0.
    pub(crate) fn variances(&self) -> Vec<f64> {
        let shape = &self.space.shape;
        // The period, and where the first cell's image lies.
        let (period, first, sign): (Vec<usize>, usize, f64) = match self.walls {
            None => (shape.clone(), 0, 0.0),
            Some(Walls::Mirror) => (shape.iter().map(|n| 2 * n).collect(), 1, 1.0),
            Some(Walls::Zero) => (shape.iter().map(|n| 2 * n + 2).collect(), 2, -1.0),
        };
        let wide = Basis::new(&period, None);
        let cells = period.iter().product();
        let (mut unit, mut covariance) = (vec![0.0; cells], vec![0.0; cells]);
        unit[0] = 1.0;
        let spectrum = wide.at_modes(|phi| self.scale.gain(phi).powi(-2));
        wide.apply_diagonal(&unit, &mut covariance, &spectrum);
        let images = if self.walls.is_some() {
            1 << shape.len()
        } else {
            1
        };
        let variance = |cell: usize| -> f64 {
            let image = |mirrored: usize| {
                let (mut place, mut stride, mut rest, mut weight) = (0, 1, cell, 1.0);
                for axis in (0..shape.len()).rev() {
                    let index = rest % shape[axis];
                    rest /= shape[axis];
                    if mirrored >> axis & 1 == 1 {
                        place += stride * (2 * index + first);
                        weight *= sign;
                    }
                    stride *= period[axis];
                }
                weight * covariance[place]
            };
            (0..images).map(image).sum()
        };
        (0..self.space.len()).map(variance).collect()
    }
}

/// The mean of f over all waves of a periodic grid, twice as wide if it is not this one: there, the
/// edges are far from every cell.
fn mean(shape: &[usize], periodic: bool, f: &dyn Fn(&[f64]) -> f64) -> f64 {
    let axis = |n: &usize| -> Vec<(f64, f64)> {
        if periodic {
            let share = 1.0 / *n as f64;
            return (0..*n).map(|k| (PI * k as f64 * share, share)).collect();
        }
        // Waves come in pairs, but for the flat one and the one that alternates.
        let share = 0.5 / *n as f64;
        let weight = |k| {
            if k == 0 || k == *n {
                share
            } else {
                2.0 * share
            }
        };
        (0..=*n)
            .map(|k| (PI * k as f64 * share, weight(k)))
            .collect()
    };
    let axes: Vec<Vec<(f64, f64)>> = shape.iter().map(axis).collect();
    let mut phases = vec![0.0; shape.len()];
    sum(&axes, &mut phases, 0, f)
}

fn sum(axes: &[Vec<(f64, f64)>], phi: &mut [f64], axis: usize, f: &dyn Fn(&[f64]) -> f64) -> f64 {
    if axis == axes.len() {
        return f(phi);
    }
    let mut total = 0.0;
    for (phase, weight) in &axes[axis] {
        phi[axis] = *phase;
        total += weight * sum(axes, phi, axis + 1, f);
    }
    total
}

impl Simulator for Whitening {
    fn input(&self) -> &Space {
        &self.space
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.basis.apply_diagonal(x, y, &self.gains);
        Ok(())
    }
    fn jvp(&self, _x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.forward(dx, dy)
    }
    fn vjp(&self, _x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.forward(dy, dx)
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        Some(self)
    }
    fn describe(&self) -> Description {
        Description::default().with_linear(true)
    }
}

impl LocalInverse for Whitening {
    fn invert_near(&self, y: &[f64], _x0: &[f64], x: &mut [f64]) -> Result<()> {
        self.root(y, x);
        Ok(())
    }
}
