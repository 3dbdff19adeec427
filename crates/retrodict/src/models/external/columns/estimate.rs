//! What differences find: J, and how far off each entry may be.

use crate::linalg::Matrix;

/// J by differences, and how far off it may be.
#[derive(Debug, Clone)]
pub(in super::super) struct EstimatedJacobian {
    /// J, m × n.
    pub(in super::super) jacobian: Matrix,
    /// The noise of each value of y that the steps were chosen for.
    pub(super) noise: Vec<f64>,
    /// Where it comes from.
    pub(super) kind: NoiseKind,
    /// The noise that cannot be told from curvature: no less than what there is.
    pub(super) scatter: Vec<f64>,
    /// How much of the noise over the step is the error of a difference.
    pub(super) share: f64,
    /// The step of each column.
    pub(super) steps: Vec<f64>,
    /// The error of each column by the curvature of y, relative to its length.
    pub(super) bend: Vec<f64>,
}

impl EstimatedJacobian {
    /// How far off each entry of J may be: by the noise that was measured, else by all that may be noise.
    pub(in super::super) fn errors(&self, measured: Option<&[f64]>) -> Matrix {
        let (m, n) = (self.jacobian.rows(), self.jacobian.cols());
        // What was measured further around may hold curvature.
        let noise: Vec<f64> = match measured {
            Some(measured) => measured
                .iter()
                .zip(&self.scatter)
                .map(|(m, s)| m.min(*s))
                .collect(),
            None => self.scatter.clone(),
        };
        let mut lengths = vec![0.0_f64; n];
        for r in 0..m {
            let row = self.jacobian.row(r).iter();
            lengths.iter_mut().zip(row).for_each(|(l, v)| *l += v * v);
        }
        let mut errors = Matrix::zeros(m, n);
        for r in 0..m {
            let noise = self.share * noise[r].max(self.noise[r]);
            let row = self.jacobian.row(r).to_vec();
            for (i, error) in errors.row_mut(r).iter_mut().enumerate() {
                let typical = (lengths[i] / m as f64).sqrt();
                *error = noise / self.steps[i] + self.bend[i] * row[i].abs().max(typical);
            }
        }
        errors
    }

    /// The noise of each value of y where answers are rounded or scatter; nothing where it is round-off.
    pub(in super::super) fn noise(&self) -> Option<Vec<f64>> {
        (self.kind != NoiseKind::RoundOff).then(|| self.noise.clone())
    }

    /// The step of each unknown.
    pub(in super::super) fn steps(&self) -> &[f64] {
        &self.steps
    }
}

/// Where the noise of y comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoiseKind {
    /// Arithmetic in `f64`, as far as is known.
    RoundOff,
    /// Answers that are rounded.
    Rounded,
    /// Seen by differences that do not fall with the step.
    Scatter,
}
