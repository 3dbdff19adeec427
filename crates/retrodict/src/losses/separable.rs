//! Losses that add up one number for each observation share everything but that number.

use std::sync::Arc;

use crate::core::loss::{ChiSquared, LogLikelihood, Loss};
use crate::core::noise::NoiseModel;
use crate::error::Result;

/// ½ ln 2π.
pub(super) const LN_ROOT: f64 = 0.918_938_533_204_672_7;

/// L = Σᵢ ρᵢ(rᵢ) with the residuals r = y − y*.
pub(super) trait SeparableLoss: Send + Sync {
    /// The formula, for tables and reports.
    fn formula(&self) -> String;
    /// Checks that the loss fits outputs of this length.
    fn check(&self, _outputs: usize) -> Result<()> {
        Ok(())
    }
    /// The loss of some of the data alone.
    fn subset(&self, kept: &[usize]) -> Arc<dyn Loss>;
    /// ρᵢ and what belongs to it at the residual r.
    fn term(&self, i: usize, r: f64) -> LossTerm;
    /// What it says of the noise.
    fn noise(&self) -> NoiseModel<'_> {
        NoiseModel::Unknown
    }
}

/// ρ(r) and its derivatives.
pub(super) struct LossTerm {
    /// ρ.
    pub(super) value: f64,
    /// ρ′.
    pub(super) slope: f64,
    /// ρ″.
    pub(super) curvature: f64,
    /// ρ′(r)/r > 0: the curvature of the parabola that touches ρ at r and lies above it. It
    /// equals ρ″ for squares.
    pub(super) weight: f64,
}

impl<T: SeparableLoss> Loss for T {
    fn formula(&self) -> String {
        SeparableLoss::formula(self)
    }
    fn check(&self, outputs: usize) -> Result<()> {
        SeparableLoss::check(self, outputs)
    }
    fn of_subset(&self, kept: &[usize]) -> Result<Arc<dyn Loss>> {
        Ok(self.subset(kept))
    }
    fn noise(&self) -> NoiseModel<'_> {
        SeparableLoss::noise(self)
    }
    fn chi_squared(&self, y: &[f64], target: &[f64]) -> Option<ChiSquared> {
        let NoiseModel::Independent(deviations) = SeparableLoss::noise(self) else {
            return None;
        };
        let residuals = y.iter().zip(target).map(|(y, target)| y - target);
        let deviations = deviations.iter().cycle();
        let squares = residuals
            .zip(deviations)
            .map(|(r, sigma)| (r / sigma).powi(2));
        Some(ChiSquared {
            value: squares.sum(),
            data: y.len(),
        })
    }
    fn log_likelihood(&self, y: &[f64], target: &[f64]) -> Option<LogLikelihood> {
        let NoiseModel::Independent(deviations) = SeparableLoss::noise(self) else {
            return None;
        };
        let chi_squared = Loss::chi_squared(self, y, target)?.value;
        let deviations = deviations.iter().cycle().take(y.len());
        let constants: f64 = deviations.map(|sigma| sigma.ln() + LN_ROOT).sum();
        Some(LogLikelihood::new(-0.5 * chi_squared - constants))
    }
    fn value(&self, y: &[f64], target: &[f64]) -> f64 {
        terms(self, y, target).map(|term| term.value).sum()
    }
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]) {
        for (out, term) in out.iter_mut().zip(terms(self, y, target)) {
            *out = term.slope;
        }
    }
    fn hessian_product(&self, y: &[f64], target: &[f64], dy: &[f64], out: &mut [f64]) {
        for ((out, dy), term) in out.iter_mut().zip(dy).zip(terms(self, y, target)) {
            *out = term.curvature * dy;
        }
    }
    fn whiten(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        for ((out, v), term) in out.iter_mut().zip(v).zip(terms(self, y, target)) {
            *out = term.weight.sqrt() * v;
        }
    }
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        self.whiten(y, target, v, out);
    }
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()> {
        // ρ′/weight is r itself: the touching parabola has its minimum at the target.
        for ((dy, y), target) in dy.iter_mut().zip(y).zip(target) {
            *dy = target - y;
        }
        Ok(())
    }
}

fn terms<T: SeparableLoss>(loss: &T, y: &[f64], target: &[f64]) -> impl Iterator<Item = LossTerm> {
    let residuals = y.iter().zip(target).map(|(y, target)| y - target);
    residuals.enumerate().map(|(i, r)| loss.term(i, r))
}
