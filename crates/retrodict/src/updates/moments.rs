//! The running means of Adam, shared with AdamW.

use serde::{Deserialize, Serialize};

use crate::linalg::wide;

/// The running means of the gradient and of its square, and the number of steps that they hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RunningMoments {
    mean: Vec<f64>,
    square: Vec<f64>,
    step: i32,
}

/// With what the means are taken and turned into a step.
pub(super) struct Decays {
    pub(super) learning_rate: f64,
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) epsilon: f64,
}

impl RunningMoments {
    /// Takes up a gradient and writes Δx = −η m̂ / (√v̂ + ε).
    pub(super) fn step(&mut self, gradient: &[f64], decays: &Decays, dx: &mut [f64]) {
        let Decays {
            learning_rate,
            beta1,
            beta2,
            epsilon,
        } = *decays;
        self.mean.resize(dx.len(), 0.0);
        self.square.resize(dx.len(), 0.0);
        self.step = self.step.saturating_add(1);
        let reach = -learning_rate / (1.0 - beta1.powi(self.step));
        let rise = 1.0 / (1.0 - beta2.powi(self.step));
        let (new1, new2) = (1.0 - beta1, 1.0 - beta2);
        let (mean, square) = (&mut self.mean, &mut self.square);
        // One root and one division an unknown, in the widest registers there are.
        wide(
            #[inline(always)]
            || {
                let moments = mean.iter_mut().zip(square.iter_mut());
                for ((dx, g), (m, v)) in dx.iter_mut().zip(gradient).zip(moments) {
                    *m += new1 * (g - *m);
                    *v += new2 * (g * g - *v);
                    *dx = reach * *m / ((*v * rise).sqrt() + epsilon);
                }
            },
        );
    }
}
