//! The part of a velocity that has no divergence, and what viscosity leaves of it.

use super::faces::{ahead, behind, rows};
use crate::spectral::fourier::RealFourier;

/// v ← mean v + ∇⊥ ψ with −∇²ψ = e^(−νλΔt) (∇⊥)ᵀ v, exact to round-off on the staggered grid.
///
/// On a periodic grid every velocity is a mean, a gradient and a curl, at right angles to each
/// other. Keeping mean and curl is the pressure projection; it has one transform of a real field
/// each way, and the divergence of a curl cancels term by term. Viscosity is diagonal there too,
/// so it costs nothing, and its step is exact. The map is symmetric: it is its own adjoint.
///
/// # Source
/// Chorin 1968; Harlow & Welch 1965 for the grid.
#[derive(Debug)]
pub(super) struct Projection {
    extents: [usize; 2],
    fourier: RealFourier,
    /// e^(−νλΔt)/λ, with λ > 0 the eigenvalue of −∇² in units of 1/cell².
    gains: Vec<f64>,
}

impl Projection {
    /// `decay` is νΔt/cell².
    pub(super) fn new(extents: [usize; 2], decay: f64) -> Self {
        let fourier = RealFourier::new(&extents);
        let gains = fourier.at_modes(1.0, |k| {
            let eigenvalue: f64 = k.iter().map(|k| 4.0 * (0.5 * k).sin().powi(2)).sum();
            if eigenvalue > 0.0 {
                (-decay * eigenvalue).exp() / eigenvalue
            } else {
                0.0
            }
        });
        Self {
            extents,
            fourier,
            gains,
        }
    }

    /// Projects v, two fields one after the other; `corners` are two fields to work in.
    pub(super) fn apply(&self, v: &mut [f64], corners: &mut [f64]) {
        let cells = self.fourier.len();
        let (vorticity, stream) = corners.split_at_mut(cells);
        self.vorticity(v, vorticity);
        self.fourier
            .apply_diagonal(vorticity, &mut stream[..cells], &self.gains);
        let means = [0, 1].map(|c| {
            let sum: f64 = v[c * cells..(c + 1) * cells].iter().sum();
            sum / cells as f64
        });
        self.curl(&stream[..cells], v);
        for (v, mean) in v.chunks_mut(cells).zip(means) {
            v.iter_mut().for_each(|v| *v += mean);
        }
    }

    /// v = ∇⊥ ψ = (∂₁ψ, −∂₀ψ), with ψ at the corners and cells of width 1.
    pub(super) fn curl(&self, stream: &[f64], v: &mut [f64]) {
        let (v0, v1) = v.split_at_mut(stream.len());
        v0.fill(0.0);
        rows(self.extents, |line, _, next| {
            let (here, below) = (&stream[line.clone()], &stream[next]);
            ahead(here, &mut v0[line.clone()], |here, right| right - here);
            for ((v, here), below) in v1[line].iter_mut().zip(here).zip(below) {
                *v = here - below;
            }
        });
    }

    /// (∇⊥)ᵀ v = ∂₀v₁ − ∂₁v₀ at the corners, with cells of width 1.
    pub(super) fn vorticity(&self, v: &[f64], out: &mut [f64]) {
        let (v0, v1) = v.split_at(out.len());
        out.fill(0.0);
        rows(self.extents, |line, last, _| {
            let (here, above) = (&v1[line.clone()], &v1[last]);
            let out = &mut out[line.clone()];
            behind(&v0[line], out, |here, left| left - here);
            for ((out, here), above) in out.iter_mut().zip(here).zip(above) {
                *out += here - above;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_divergence_is_left_and_a_second_projection_changes_nothing() {
        for [n0, n1] in [[8, 8], [9, 14], [64, 64]] {
            let n = n0 * n1;
            let projection = Projection::new([n0, n1], 0.0);
            let mut v: Vec<f64> = (0..2 * n).map(|i| (1.7 * (i * i) as f64).sin()).collect();
            let mut work = vec![0.0; 2 * n];
            projection.apply(&mut v, &mut work);
            let once = v.clone();
            for i in 0..n0 {
                for j in 0..n1 {
                    let at = |c, i, j| v[c * n + i % n0 * n1 + j % n1];
                    let outflow = at(0, i + 1, j) - at(0, i, j) + at(1, i, j + 1) - at(1, i, j);
                    assert!(outflow.abs() < 1e-14, "{outflow:e}");
                }
            }
            projection.apply(&mut v, &mut work);
            let apart = v.iter().zip(&once).map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f64::max) < 1e-14);
        }
    }
}
