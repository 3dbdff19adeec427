//! y in its own scale: simulator and loss as end-to-end training compares them where targets are normalised.

use std::sync::Arc;

use crate::core::description::Description;
use crate::core::loss::Loss;
use crate::core::simulator::Simulator;
use crate::core::space::Space;
use crate::error::Result;
use crate::linalg::{LinearMap, Matrix};

/// x ↦ P(x)/s.
pub(super) struct Divided {
    pub simulator: Arc<dyn Simulator>,
    pub scale: f64,
}

/// L(s y, s y*)/s^d of y and y* that are divided by s, where L grows with the power d of the two: for the squared error the
/// squared error of the divided ones, and for a loss that knows the noise level the same value as before.
pub(super) struct OfDivided {
    pub loss: Arc<dyn Loss>,
    pub scale: f64,
}

fn times(values: &[f64], factor: f64) -> Vec<f64> {
    values.iter().map(|v| factor * v).collect()
}

fn shrink(values: &mut [f64], scale: f64) {
    values.iter_mut().for_each(|v| *v /= scale);
}

impl Simulator for Divided {
    fn input(&self) -> &Space {
        self.simulator.input()
    }
    fn output(&self) -> &Space {
        self.simulator.output()
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.simulator.forward(x, y)?;
        shrink(y, self.scale);
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.simulator.jvp(x, dx, dy)?;
        shrink(dy, self.scale);
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.simulator.vjp(x, dy, dx)?;
        shrink(dx, self.scale);
        Ok(())
    }
    fn linearize<'a>(&'a self, x: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'a>> {
        let map = self.simulator.linearize(x, y)?;
        shrink(y, self.scale);
        let scale = self.scale;
        Ok(Box::new(DividedMap { map, scale }))
    }
    fn describe(&self) -> Description {
        self.simulator.describe()
    }
}

struct DividedMap<'a> {
    map: Box<dyn LinearMap + Send + 'a>,
    scale: f64,
}

impl LinearMap for DividedMap<'_> {
    fn inputs(&self) -> usize {
        self.map.inputs()
    }
    fn outputs(&self) -> usize {
        self.map.outputs()
    }
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.map.apply(dx, dy)?;
        shrink(dy, self.scale);
        Ok(())
    }
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.map.apply_transpose(dy, dx)?;
        shrink(dx, self.scale);
        Ok(())
    }
    fn expect_products(&self, count: usize) -> Result<()> {
        self.map.expect_products(count)
    }
    fn dense(&self) -> Result<Matrix> {
        let mut dense = self.map.dense()?;
        shrink(dense.as_mut_slice(), self.scale);
        Ok(dense)
    }
}

impl OfDivided {
    /// s^−d.
    fn factor(&self) -> f64 {
        self.scale.powi(-self.loss.degree())
    }

    /// y and y* in their own unit.
    fn own(&self, y: &[f64], target: &[f64]) -> (Vec<f64>, Vec<f64>) {
        (times(y, self.scale), times(target, self.scale))
    }
}

impl Loss for OfDivided {
    fn formula(&self) -> String {
        self.loss.formula()
    }
    fn check(&self, outputs: usize) -> Result<()> {
        self.loss.check(outputs)
    }
    fn check_target(&self, target: &[f64]) -> Result<()> {
        self.loss.check_target(&times(target, self.scale))
    }
    fn majorises(&self) -> bool {
        self.loss.majorises()
    }
    fn degree(&self) -> i32 {
        self.loss.degree()
    }
    fn value(&self, y: &[f64], target: &[f64]) -> f64 {
        let (y, target) = self.own(y, target);
        self.factor() * self.loss.value(&y, &target)
    }
    fn gradient(&self, y: &[f64], target: &[f64], out: &mut [f64]) {
        let (y, target) = self.own(y, target);
        self.loss.gradient(&y, &target, out);
        let factor = self.factor() * self.scale;
        out.iter_mut().for_each(|g| *g *= factor);
    }
    fn hessian_product(&self, y: &[f64], target: &[f64], dy: &[f64], out: &mut [f64]) {
        let (y, target) = self.own(y, target);
        self.loss.hessian_product(&y, &target, dy, out);
        let factor = self.factor() * self.scale * self.scale;
        out.iter_mut().for_each(|h| *h *= factor);
    }
    fn whiten(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        let (y, target) = self.own(y, target);
        self.loss.whiten(&y, &target, v, out);
        let factor = self.factor().sqrt() * self.scale;
        out.iter_mut().for_each(|w| *w *= factor);
    }
    fn whiten_transpose(&self, y: &[f64], target: &[f64], v: &[f64], out: &mut [f64]) {
        let (y, target) = self.own(y, target);
        self.loss.whiten_transpose(&y, &target, v, out);
        let factor = self.factor().sqrt() * self.scale;
        out.iter_mut().for_each(|w| *w *= factor);
    }
    fn newton_step(&self, y: &[f64], target: &[f64], dy: &mut [f64]) -> Result<()> {
        let (y, target) = self.own(y, target);
        self.loss.newton_step(&y, &target, dy)?;
        shrink(dy, self.scale);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::losses::{CauchyOptions, SquaredError};
    use crate::options::Build;

    /// Value, gradient, Hessian, whitening and Newton step agree with one another, for a loss with a degree and one without.
    #[test]
    fn derivatives_belong_to_the_value() {
        let cauchy: Arc<dyn Loss> = Arc::new(CauchyOptions::default().build().unwrap());
        let losses: [Arc<dyn Loss>; 2] = [Arc::new(SquaredError::half()), cauchy];
        for loss in losses {
            let divided = OfDivided { loss, scale: 0.2 };
            let (y, target, v) = ([0.3, -1.2], [0.25, -1.0], [0.7, 0.4]);
            let mut gradient = [0.0; 2];
            divided.gradient(&y, &target, &mut gradient);
            let along = |e: f64| [y[0] + e * v[0], y[1] + e * v[1]];
            let h = 1e-5;
            let (more, less) = (along(h), along(-h));
            let slope = (divided.value(&more, &target) - divided.value(&less, &target)) / (2.0 * h);
            let dot = gradient[0] * v[0] + gradient[1] * v[1];
            assert!((slope - dot).abs() < 1e-7 * (1.0 + dot.abs()));
            let (mut g_more, mut g_less, mut product) = ([0.0; 2], [0.0; 2], [0.0; 2]);
            divided.gradient(&more, &target, &mut g_more);
            divided.gradient(&less, &target, &mut g_less);
            divided.hessian_product(&y, &target, &v, &mut product);
            for i in 0..2 {
                let slope = (g_more[i] - g_less[i]) / (2.0 * h);
                assert!((slope - product[i]).abs() < 1e-6 * (1.0 + product[i].abs()));
            }
            // WᵀW dy = −∂L/∂y.
            let (mut dy, mut white, mut back) = ([0.0; 2], [0.0; 2], [0.0; 2]);
            divided.newton_step(&y, &target, &mut dy).unwrap();
            divided.whiten(&y, &target, &dy, &mut white);
            divided.whiten_transpose(&y, &target, &white, &mut back);
            for i in 0..2 {
                assert!((back[i] + gradient[i]).abs() < 1e-12 * (1.0 + gradient[i].abs()));
            }
        }
    }

    #[test]
    fn the_squared_error_is_that_of_the_divided() {
        let loss: Arc<dyn Loss> = Arc::new(SquaredError::half());
        let divided = OfDivided { loss, scale: 1e3 };
        assert!((divided.value(&[2.0], &[1.0]) - 0.5).abs() < 1e-15);
    }
}
