//! Integral equations of the first kind, y(s) = ∫ K(s, t) x(t) dt, made a matrix: Hansen's problems.

use crate::core::simulator::Simulator;
use crate::error::Result;
use crate::linalg::Matrix;
use crate::options::require;

/// A discretised integral equation whose solution is known.
///
/// These problems are the yardstick of regularisation: small, dense, and as ill-posed as problems come.
///
/// # Source
/// Hansen, *Regularization Tools*, Numerical Algorithms 6 (1994) and 46 (2007).
pub trait IntegralEquation: Simulator {
    /// The matrix A with y = A x.
    fn matrix(&self) -> &Matrix;
    /// Where each value of x stands.
    fn points(&self) -> Vec<f64>;
    /// The x of the literature.
    fn solution(&self) -> Vec<f64>;
    /// The y that belongs to it: that of the integral where it has a closed form, else A x.
    fn data(&self) -> Vec<f64> {
        let mut y = vec![0.0; self.matrix().rows()];
        self.matrix().apply(&self.solution(), &mut y);
        y
    }
}

/// Fails unless a size holds at least one value.
pub(super) fn not_empty(size: usize) -> Result<()> {
    require(size > 0, "size", size, "it must be at least 1")
}

/// The matrix with the given entries.
pub(super) fn matrix(size: usize, entry: impl Fn(usize, usize) -> f64) -> Matrix {
    let mut a = Matrix::zeros(size, size);
    for i in 0..size {
        for (j, value) in a.row_mut(i).iter_mut().enumerate() {
            *value = entry(i, j);
        }
    }
    a
}

/// The middles of `size` cells that fill [low, high].
pub(super) fn middles(size: usize, low: f64, high: f64) -> Vec<f64> {
    let width = (high - low) / size as f64;
    (0..size).map(|i| low + (i as f64 + 0.5) * width).collect()
}

/// The means over `size` cells that fill [0, high] of a function with the given antiderivative.
pub(super) fn means(size: usize, high: f64, integral: impl Fn(f64) -> f64) -> Vec<f64> {
    let width = high / size as f64;
    let edges: Vec<f64> = (0..=size).map(|i| integral(i as f64 * width)).collect();
    edges.windows(2).map(|e| (e[1] - e[0]) / width).collect()
}

/// An integral equation is a linear simulator by its matrix.
macro_rules! linear_simulator {
    ($equation:ty) => {
        impl $crate::core::simulator::Simulator for $equation {
            fn input(&self) -> &$crate::core::space::Space {
                &self.input
            }
            fn output(&self) -> &$crate::core::space::Space {
                &self.output
            }
            fn forward(&self, x: &[f64], y: &mut [f64]) -> $crate::Result<()> {
                self.matrix().apply(x, y);
                Ok(())
            }
            fn jvp(&self, _x: &[f64], dx: &[f64], dy: &mut [f64]) -> $crate::Result<()> {
                self.forward(dx, dy)
            }
            fn vjp(&self, _x: &[f64], dy: &[f64], dx: &mut [f64]) -> $crate::Result<()> {
                self.matrix().apply_transpose(dy, dx);
                Ok(())
            }
            fn describe(&self) -> $crate::core::description::Description {
                $crate::core::description::Description::default().with_linear(true)
            }
        }
    };
}

pub(super) use linear_simulator;
