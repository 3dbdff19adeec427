//! The smoothed length of vectors: total variation's loss.

use crate::core::loss::Loss;
use crate::error::{Result, expect_length};

/// The smoothed length of vectors whose components lie one block after the other:
/// L = Σᵢ (√(|rᵢ|² + ε²) − ε), with rᵢ the components of place i.
///
/// Its parabola from above has the weight 1/√(|r|² + ε²): lagged diffusivity, if r is a gradient.
///
/// # Source
/// Vogel & Oman, *Iterative methods for total variation denoising* (1996).
#[derive(Debug, Clone)]
pub(crate) struct Grouped {
    /// The number of places.
    pub(crate) places: usize,
    /// ε > 0.
    pub(crate) smoothing: f64,
}

impl Grouped {
    /// √(|rᵢ|² + ε²).
    fn length(&self, y: &[f64], target: &[f64], i: usize) -> f64 {
        let places = (i..y.len()).step_by(self.places);
        let squares: f64 = places
            .map(|k| (y[k] - target[k]) * (y[k] - target[k]))
            .sum();
        (squares + self.smoothing * self.smoothing).sqrt()
    }

    /// out = f(1/length) v at every component.
    fn weigh(&self, at: (&[f64], &[f64]), v: &[f64], out: &mut [f64], f: fn(f64) -> f64) {
        for i in 0..self.places {
            let weight = f(1.0 / self.length(at.0, at.1, i));
            for k in (i..v.len()).step_by(self.places) {
                out[k] = weight * v[k];
            }
        }
    }
}

impl Loss for Grouped {
    fn formula(&self) -> String {
        "Σ √(|y − y*|² + ε²) − ε".to_owned()
    }
    fn check(&self, outputs: usize) -> Result<()> {
        let whole = outputs / self.places.max(1) * self.places;
        expect_length("the groups' components", outputs, whole)
    }
    fn value(&self, y: &[f64], target: &[f64]) -> f64 {
        let excess = |i| self.length(y, target, i) - self.smoothing;
        (0..self.places).map(excess).sum()
    }
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]) {
        for i in 0..self.places {
            let weight = 1.0 / self.length(y, target, i);
            for k in (i..y.len()).step_by(self.places) {
                out[k] = weight * (y[k] - target[k]);
            }
        }
    }
    fn hessian_product(&self, y: &[f64], target: &[f64], dy: &[f64], out: &mut [f64]) {
        for i in 0..self.places {
            let weight = 1.0 / self.length(y, target, i);
            let components = (i..y.len()).step_by(self.places);
            let along: f64 = components.clone().map(|k| (y[k] - target[k]) * dy[k]).sum();
            for k in components {
                let r = y[k] - target[k];
                out[k] = weight * (dy[k] - weight * weight * along * r);
            }
        }
    }
    fn whiten(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.weigh((y, target), v, out, f64::sqrt);
    }
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.whiten(y, target, v, out);
    }
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()> {
        for ((dy, y), target) in dy.iter_mut().zip(y).zip(target) {
            *dy = target - y;
        }
        Ok(())
    }
}
