//! The noise level that the loss of the data knows.

use crate::error::Error;
use crate::linalg::norm;
use crate::problem::Problem;

/// s² with C⁻¹ = WᵀW/s², where the loss of the data knows the covariance C of their noise; the same for
/// every datum, so one is asked.
pub(crate) fn known_variance(problem: &Problem, y: &[f64]) -> Option<f64> {
    let (loss, data) = (problem.data_loss(), problem.data_outputs());
    let (y, target) = (&y[..data], &problem.target()[..data]);
    let mut aside = target.to_vec();
    let (mut unit, mut whitened) = (vec![0.0; data], vec![0.0; data]);
    for i in 0..data {
        aside[i] += 1.0;
        let found = loss.chi_squared(&aside, target)?;
        if found.value > 0.0 {
            unit[i] = 1.0;
            loss.whiten(y, target, &unit, &mut whitened);
            return Some(norm(&whitened).powi(2) / found.value);
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
