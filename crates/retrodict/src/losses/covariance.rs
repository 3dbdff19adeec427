//! Squares under correlated noise.

use std::sync::Arc;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::separable::LN_ROOT;
use crate::core::loss::{ChiSquared, LogLikelihood, Loss};
use crate::core::noise::NoiseModel;
use crate::error::{Error, Result, expect_finite, expect_length};
use crate::linalg::{Cholesky, Matrix, cholesky, dot};
use crate::options::{Build, Checked, Validate, require};

/// Squared error under correlated noise: L = rᵀ C⁻¹ r with r = y − y*, or half of it.
///
/// With the factor ½ it is the negative log-likelihood of Gaussian noise with covariance C.
///
/// ```
/// use retrodict::losses::Covariance;
/// use retrodict::prelude::*;
/// let loss = Covariance::new(vec![vec![2.0, 1.0], vec![1.0, 2.0]], true)?;
/// // C⁻¹ = [2 −1; −1 2]/3.
/// assert!((loss.value(&[1.0, 1.0], &[0.0, 0.0]) - 1.0 / 3.0).abs() < 1e-15);
/// assert!(Covariance::new(vec![vec![1.0, 2.0], vec![2.0, 1.0]], true).is_err());
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// C is n × n for n outputs, row by row; a single entry is the variance of every output.
///
/// # Units
/// C in \[y\]²; L has none.
///
/// # Errors
/// Unless C is symmetric and positive definite.
///
/// # Cost
/// One Cholesky factorisation, n³/3 multiplications, at construction; n² for each use.
///
/// # Source
/// Aitken, *On least squares and linear combination of observations* (1935).
#[derive(Debug, Clone)]
pub struct Covariance {
    options: Checked<CovarianceOptions>,
    /// L of C = L Lᵀ.
    factor: Cholesky,
}

/// The options of [`Covariance`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct CovarianceOptions {
    /// The covariance C of the noise.
    #[setters(into)]
    pub covariance: Vec<Vec<f64>>,
    /// Whether L carries the factor ½.
    pub half: bool,
}

impl Default for CovarianceOptions {
    fn default() -> Self {
        Self {
            covariance: vec![vec![1.0]],
            half: false,
        }
    }
}

impl Validate for CovarianceOptions {
    fn validate(&self) -> Result<()> {
        let n = self.covariance.len();
        let allowed = "it needs as many rows as there are outputs, or a single one for all";
        require(n > 0, "covariance", "[]", allowed)?;
        for (i, row) in self.covariance.iter().enumerate() {
            expect_length(&format!("covariance[{i}]"), row.len(), n)?;
            expect_finite(&format!("covariance[{i}]"), row)?;
            for (j, value) in row.iter().enumerate().take(i) {
                let mirrored = self.covariance[j][i];
                let differ = (value - mirrored).abs() > 1e-12 * value.abs().max(mirrored.abs());
                let allowed = format!("a covariance is symmetric, and [{j}][{i}] is {mirrored}");
                require(!differ, &format!("covariance[{i}][{j}]"), value, &allowed)?;
            }
        }
        Ok(())
    }
}

impl Build for CovarianceOptions {
    type Built = Covariance;

    fn make(options: Checked<Self>) -> Result<Covariance> {
        let n = options.covariance.len();
        let matrix = Matrix::from_vec(n, n, options.covariance.concat());
        let factor = cholesky(&matrix).map_err(|error| Error::Option {
            key: "covariance".to_owned(),
            found: format!("a {n} × {n} matrix"),
            allowed: error.to_string(),
        })?;
        Ok(Covariance { options, factor })
    }
}

impl Covariance {
    /// The loss for noise with covariance C, with or without the factor ½.
    ///
    /// # Errors
    /// Unless C is symmetric and positive definite.
    pub fn new(covariance: Vec<Vec<f64>>, half: bool) -> Result<Self> {
        let options = CovarianceOptions { covariance, half };
        options.build()
    }

    /// What it was made of.
    pub fn options(&self) -> &CovarianceOptions {
        &self.options
    }

    /// √2 or 1: L = ½ ‖scale · L⁻¹ r‖².
    fn scale(&self) -> f64 {
        if self.options.half {
            1.0
        } else {
            2.0_f64.sqrt()
        }
    }

    /// v ← L⁻¹ v with C = L Lᵀ, or L⁻ᵀ v; a single variance is that of every output.
    fn undo(&self, v: &mut [f64], solve: fn(&Cholesky, &mut [f64])) {
        match self.factor.factor().rows() {
            1 => v.chunks_mut(1).for_each(|one| solve(&self.factor, one)),
            _ => solve(&self.factor, v),
        }
    }
}

impl Loss for Covariance {
    fn formula(&self) -> String {
        if self.options.half {
            "½ (y − y*)ᵀ C⁻¹ (y − y*)"
        } else {
            "(y − y*)ᵀ C⁻¹ (y − y*)"
        }
        .to_owned()
    }
    fn check(&self, outputs: usize) -> Result<()> {
        if self.options.covariance.len() == 1 {
            return Ok(());
        }
        expect_length("covariance", self.options.covariance.len(), outputs)
    }
    /// The data that are left have the same covariances as before.
    fn of_subset(&self, kept: &[usize]) -> Result<Arc<dyn Loss>> {
        if self.options.covariance.len() == 1 {
            return Ok(Arc::new(self.clone()));
        }
        let row = |i: &usize| {
            kept.iter()
                .map(|j| self.options.covariance[*i][*j])
                .collect()
        };
        Self::new(kept.iter().map(row).collect(), self.options.half)
            .map(|left| Arc::new(left) as Arc<dyn Loss>)
    }
    fn noise(&self) -> NoiseModel<'_> {
        NoiseModel::Correlated(&self.options.covariance)
    }
    fn chi_squared(&self, y: &[f64], target: &[f64]) -> Option<ChiSquared> {
        let mut r: Vec<f64> = y.iter().zip(target).map(|(y, t)| y - t).collect();
        self.undo(&mut r, Cholesky::solve_lower);
        Some(ChiSquared {
            value: dot(&r, &r),
            data: y.len(),
        })
    }
    fn log_likelihood(&self, y: &[f64], target: &[f64]) -> Option<LogLikelihood> {
        let chi_squared = self.chi_squared(y, target)?.value;
        let factor = self.factor.factor();
        let n = factor.rows();
        // ½ ln det C is the sum of the logarithms of the factor's diagonal.
        let half: f64 = (0..n).map(|i| factor[(i, i)].ln()).sum();
        let times = if n == 1 { y.len() as f64 } else { 1.0 };
        let constants = times * half + y.len() as f64 * LN_ROOT;
        Some(LogLikelihood::new(-0.5 * chi_squared - constants))
    }
    fn value(&self, y: &[f64], target: &[f64]) -> f64 {
        let chi_squared = self.chi_squared(y, target).map_or(f64::NAN, |c| c.value);
        0.5 * self.scale().powi(2) * chi_squared
    }
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]) {
        let r: Vec<f64> = y.iter().zip(target).map(|(y, t)| y - t).collect();
        self.hessian_product(y, target, &r, out);
    }
    fn hessian_product(&self, _y: &[f64], _target: &[f64], dy: &[f64], out: &mut [f64]) {
        out.copy_from_slice(dy);
        self.undo(out, Cholesky::solve);
        let curvature = self.scale().powi(2);
        out.iter_mut().for_each(|out| *out *= curvature);
    }
    fn whiten(&self, _y: &[f64], _target: &[f64], v: &[f64], out: &mut [f64]) {
        out.copy_from_slice(v);
        self.undo(out, Cholesky::solve_lower);
        out.iter_mut().for_each(|out| *out *= self.scale());
    }
    fn whiten_transpose(&self, _y: &[f64], _target: &[f64], v: &[f64], out: &mut [f64]) {
        out.copy_from_slice(v);
        self.undo(out, Cholesky::solve_lower_transpose);
        out.iter_mut().for_each(|out| *out *= self.scale());
    }
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()> {
        for ((dy, y), target) in dy.iter_mut().zip(y).zip(target) {
            *dy = target - y;
        }
        Ok(())
    }
}
