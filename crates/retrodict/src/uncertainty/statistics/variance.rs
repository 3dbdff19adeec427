//! The noise level that the loss of the data knows.

use crate::error::Error;
use crate::linalg::norm;
use crate::problem::Problem;

/// How far a datum is moved to see how χ² bends, relative to itself.
const NEAR: f64 = 1e-4;

/// s² with C⁻¹ = WᵀW/s², where the loss of the data knows the covariance C of their noise; the same for
/// every datum, so one is asked.
pub(crate) fn known_variance(problem: &Problem, y: &[f64]) -> Option<f64> {
    let (loss, rows) = (problem.data_loss(), problem.data_rows());
    if loss.levels() > 0 {
        return Some(1.0);
    }
    let target = &problem.target()[..rows];
    debug_assert_eq!(y.len(), problem.outputs());
    let mut aside = target.to_vec();
    let (mut unit, mut whitened) = (vec![0.0; rows], vec![0.0; rows]);
    for i in 0..rows {
        // So little to either side that χ² is a square there, whatever the noise.
        let step = NEAR
            * if target[i] == 0.0 {
                1.0
            } else {
                target[i].abs()
            };
        let mut sum = 0.0;
        for side in [step, -step] {
            aside[i] = target[i] + side;
            sum += loss.chi_squared(&aside, target)?.value;
        }
        if sum.is_finite() && sum > 0.0 {
            unit[i] = step;
            loss.whiten(target, target, &unit, &mut whitened);
            return Some(norm(&whitened).powi(2) / (0.5 * sum));
        }
        aside[i] = target[i];
    }
    None
}

pub(crate) fn no_noise(problem: &Problem) -> Error {
    Error::Unsupported {
        rule: "an error bar from known noise",
        needs: "the standard deviations of the noise",
        simulator: format!("the loss {}", problem.data_loss().formula()),
        instead: vec![
            "the losses weighted or covariance, which know them, or estimated noise".into(),
        ],
    }
}
