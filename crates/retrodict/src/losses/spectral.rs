//! Squares weighted by wavenumber.

use std::sync::{Arc, Mutex, PoisonError};

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::loss::Loss;
use crate::error::{Result, expect_length};
use crate::options::{Checked, Validate, built, grid, positive, require};
use crate::spectral::fourier::RealFourier;

/// Squared error weighted by wavenumber: L = Σₖ (1 + k²/k₀²)^s |r̂ₖ|²/N with r = y − y*, or half
/// of it.
///
/// s = 0 is the plain squared error; s > 0 emphasises fine structure, s < 0 coarse structure.
/// The weight is never 0, so no mode is ignored.
///
/// ```
/// use retrodict::losses::SpectralOptions;
/// use retrodict::prelude::*;
/// let loss = SpectralOptions::default().with_exponent(-1.0).build()?;
/// let zero = [0.0; 4];
/// // A coarse error counts more than a fine one of the same size.
/// assert!(loss.value(&[1.0; 4], &zero) > loss.value(&[1.0, -1.0, 1.0, -1.0], &zero));
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// y is a periodic grid of `shape`, one to three axes; by default a single axis.
///
/// # Units
/// k₀ in radians per cell; \[L\] = \[y\]².
///
/// # Cost
/// Two Fourier transforms for each use.
///
/// # Source
/// The norm of the Sobolev space H^s; Adams & Fournier, *Sobolev Spaces*, 7.62.
#[derive(Debug)]
pub struct Spectral {
    options: Checked<SpectralOptions>,
    /// Those of the number of outputs that was asked for last: without a shape, the options do not say it.
    weights: Mutex<Option<Arc<Weights>>>,
}

/// The options of [`Spectral`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct SpectralOptions {
    /// Cells along each axis; empty for a single axis as long as y.
    #[setters(into)]
    pub shape: Vec<usize>,
    /// The wavenumber k₀ > 0 from which on the weight rises or falls.
    pub wavenumber: f64,
    /// The exponent s, in [−8, 8].
    pub exponent: f64,
    /// Whether L carries the factor ½.
    pub half: bool,
}

built!(SpectralOptions => Spectral { weights });

/// The transform of a grid, and at each mode the weight and its root.
#[derive(Debug)]
struct Weights {
    fourier: RealFourier,
    full: Vec<f64>,
    root: Vec<f64>,
}

impl Default for SpectralOptions {
    fn default() -> Self {
        Self {
            shape: Vec::new(),
            wavenumber: 1.0,
            exponent: 1.0,
            half: false,
        }
    }
}

impl Validate for SpectralOptions {
    fn validate(&self) -> Result<()> {
        if !self.shape.is_empty() {
            grid(&self.shape)?;
        }
        positive("wavenumber", self.wavenumber)?;
        require(
            (-8.0..=8.0).contains(&self.exponent),
            "exponent",
            self.exponent,
            "it must lie in [-8, 8]; 1 weighs slopes as well, -1 coarse structure",
        )
    }
}

impl Spectral {
    /// ∂²L/∂r² = curvature · F⁻¹ weights F.
    fn curvature(&self) -> f64 {
        if self.options.half { 1.0 } else { 2.0 }
    }

    fn weights(&self, outputs: usize) -> Arc<Weights> {
        let mut known = self.weights.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some(weights) if weights.fourier.len() == outputs => Arc::clone(weights),
            _ => Arc::clone(known.insert(Arc::new(self.options.weights(outputs)))),
        }
    }
}

impl SpectralOptions {
    fn weights(&self, outputs: usize) -> Weights {
        let line = [outputs];
        let shape: &[usize] = match self.shape.is_empty() {
            true => &line,
            false => &self.shape,
        };
        let fourier = RealFourier::new(shape);
        let k_squared = fourier.k_squared(1.0).into_iter();
        let relative = k_squared.map(|k2| 1.0 + k2 / self.wavenumber.powi(2));
        let full: Vec<f64> = relative.map(|k2| k2.powf(self.exponent)).collect();
        let root = full.iter().map(|weight| weight.sqrt()).collect();
        Weights {
            fourier,
            full,
            root,
        }
    }
}

impl Loss for Spectral {
    fn formula(&self) -> String {
        if self.options.half {
            "½ Σ (1 + k²/k₀²)^s |ŷ − ŷ*|²/N"
        } else {
            "Σ (1 + k²/k₀²)^s |ŷ − ŷ*|²/N"
        }
        .to_owned()
    }
    fn degree(&self) -> i32 {
        2
    }
    fn check(&self, outputs: usize) -> Result<()> {
        if self.options.shape.is_empty() {
            return Ok(());
        }
        let planned = self.options.shape.iter().product();
        expect_length("the output of the simulator", outputs, planned)
    }
    fn value(&self, y: &[f64], target: &[f64]) -> f64 {
        let r: Vec<f64> = y.iter().zip(target).map(|(y, t)| y - t).collect();
        let mut whitened = vec![0.0; r.len()];
        self.whiten(y, target, &r, &mut whitened);
        0.5 * whitened.iter().map(|w| w * w).sum::<f64>()
    }
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]) {
        let r: Vec<f64> = y.iter().zip(target).map(|(y, t)| y - t).collect();
        self.hessian_product(y, target, &r, out);
    }
    fn hessian_product(&self, _y: &[f64], _target: &[f64], dy: &[f64], out: &mut [f64]) {
        let weights = self.weights(dy.len());
        weights.fourier.apply_diagonal(dy, out, &weights.full);
        out.iter_mut().for_each(|out| *out *= self.curvature());
    }
    fn whiten(&self, _y: &[f64], _target: &[f64], v: &[f64], out: &mut [f64]) {
        let weights = self.weights(v.len());
        weights.fourier.apply_diagonal(v, out, &weights.root);
        let scale = self.curvature().sqrt();
        out.iter_mut().for_each(|out| *out *= scale);
    }
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        // W is symmetric.
        self.whiten(y, target, v, out);
    }
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()> {
        for ((dy, y), target) in dy.iter_mut().zip(y).zip(target) {
            *dy = target - y;
        }
        Ok(())
    }
}
