//! The running means of Adam, shared with AdamW.

use serde::{Deserialize, Serialize};

/// The running means of the gradient and of its square, and the number of steps that they hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
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

impl Moments {
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
        let rise1 = 1.0 - beta1.powi(self.step);
        let rise2 = 1.0 - beta2.powi(self.step);
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((dx, g), (m, v)) in dx.iter_mut().zip(gradient).zip(moments) {
            *m += (1.0 - beta1) * (g - *m);
            *v += (1.0 - beta2) * (g * g - *v);
            *dx = -learning_rate * (*m / rise1) / ((*v / rise2).sqrt() + epsilon);
        }
    }
}
