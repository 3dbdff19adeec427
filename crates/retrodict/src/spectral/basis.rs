//! Waves in which the Laplacian of a grid is diagonal, whatever holds at its edges.

use crate::spectral::fourier::RealFourier;
use crate::spectral::waves::{StandingWaves, Walls};

/// Travelling waves on a periodic grid, or standing ones between walls.
#[derive(Debug)]
pub(crate) enum Basis {
    Travelling(RealFourier),
    Standing(StandingWaves),
}

impl Basis {
    /// The waves of a periodic grid, or of one between walls.
    pub(crate) fn new(shape: &[usize], walls: Option<Walls>) -> Self {
        match walls {
            None => Self::Travelling(RealFourier::new(shape)),
            Some(walls) => Self::Standing(StandingWaves::new(shape, walls)),
        }
    }

    /// f(φ) at each wave, φ half the phase between neighbours along each axis.
    pub(crate) fn at_modes(&self, f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        match self {
            // The wavenumber per cell of width 2 is half the phase between neighbours.
            Self::Travelling(fourier) => fourier.at_modes(2.0, f),
            Self::Standing(waves) => waves.at_modes(f),
        }
    }

    /// out = T⁻¹ (gains · T x).
    pub(crate) fn apply_diagonal(&self, x: &[f64], out: &mut [f64], gains: &[f64]) {
        match self {
            Self::Travelling(fourier) => fourier.apply_diagonal(x, out, gains),
            Self::Standing(waves) => waves.apply_diagonal(x, out, gains),
        }
    }
}

/// −λ of the second-order Laplacian: Σ (2 sin(φ)/h)².
pub(crate) fn minus_laplacian(half_phases: &[f64], cell: f64) -> f64 {
    let along = |phi: &f64| (2.0 * phi.sin() / cell).powi(2);
    half_phases.iter().map(along).sum()
}
