use std::f64::consts::PI;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::differences::Edges;
use super::{Prior, PriorBlock, for_each_place};
use crate::basis::{Basis, minus_laplacian};
use crate::error::{Result, expect_finite};
use crate::losses::SquaredError;
use crate::options::{Validate, grid, positive, require};
use crate::simulator::{LocalInverse, Simulator, Space};
use crate::waves::Walls;

/// A Matérn prior: ½ ‖τ (κ² − Δ)^(α/2) (x − x₀)‖², for fields of a given length, deviation and smoothness.
///
/// Such an x has the covariance σ² (κr)^ν K_ν(κr) / (2^(ν−1) Γ(ν)) at the distance r, with
/// κ = √(8ν)/`length` and α = ν + d/2 on d axes, so that its correlation falls to between 0.1 and 0.15 at the
/// distance `length`. The operator is diagonal in waves, which makes any ν > 0 as cheap as another,
/// and it can be undone. τ is such that every value has the standard deviation σ on this very grid;
/// between mirrored edges that holds away from these, where values vary more.
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
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
            "the operator needs to know what lies beyond: mirrored, periodic or zero",
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
        let loss = Arc::new(SquaredError { half: true });
        PriorBlock::around("matern", simulator, loss, &reference)
    }
}

/// R = τ (κ² − Δ)^(α/2), which makes white noise of a typical x; symmetric.
#[derive(Debug)]
struct Whitening {
    space: Space,
    basis: Basis,
    gains: Vec<f64>,
    inverse_gains: Vec<f64>,
}

impl Whitening {
    fn new(matern: &Matern, space: &Space) -> Self {
        let walls = match matern.edges {
            Edges::Periodic => None,
            Edges::Zero => Some(Walls::Zero),
            Edges::Mirrored | Edges::Free => Some(Walls::Mirror),
        };
        let basis = Basis::new(&space.shape, walls);
        let alpha = matern.smoothness + 0.5 * space.shape.len() as f64;
        let kappa_squared = 8.0 * matern.smoothness / (matern.length * matern.length);
        let operator = |phi: &[f64]| kappa_squared + minus_laplacian(phi, matern.cell);
        let variance = mean(&space.shape, walls.is_none(), &|phi| {
            operator(phi).powf(-alpha)
        });
        let tau = variance.sqrt() / matern.deviation;
        let gains = basis.at_modes(|phi| tau * operator(phi).powf(0.5 * alpha));
        let inverse_gains = gains.iter().map(|gain| gain.recip()).collect();
        Self {
            space: space.clone(),
            basis,
            gains,
            inverse_gains,
        }
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
    fn input(&self) -> Space {
        self.space.clone()
    }
    fn output(&self) -> Space {
        Space::new("whitened field", &self.space.shape, "1")
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
    fn is_linear(&self) -> bool {
        true
    }
}

impl LocalInverse for Whitening {
    fn invert_near(&self, y: &[f64], _x0: &[f64], x: &mut [f64]) -> Result<()> {
        self.basis.apply_diagonal(y, x, &self.inverse_gains);
        Ok(())
    }
}
