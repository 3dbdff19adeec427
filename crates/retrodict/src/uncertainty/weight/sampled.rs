//! Data against prior with products alone, where no matrix fits into memory.

use std::cell::RefCell;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::WeightPoint;
use super::rules::Balance;
use crate::error::Result;
use crate::linalg::LinearMap;
use crate::linalg::{LsmrOptions, dot, lsmr, norm};

/// ‖A Δ − b‖² + w ‖R Δ − t‖² solved anew for each w, with tr A and tr A² from random signs.
///
/// # Source
/// Girard, *A fast Monte-Carlo cross-validation procedure* (1989); Hutchinson (1989).
pub(super) struct Sampled<'a> {
    stacked: &'a dyn LinearMap,
    target: &'a [f64],
    data: usize,
    signs: Vec<Vec<f64>>,
    /// The weight at which data and prior weigh alike.
    middle: f64,
    /// What was found, so that no weight is solved for twice.
    known: RefCell<Vec<(f64, WeightPoint, f64)>>,
    /// Told of each weight that is tried.
    tried: &'a dyn Fn(),
}

/// Vectors of random signs: each tells tr A with a deviation of about √(2 tr A²).
const SIGNS: usize = 2;

/// log₁₀ of the weights that are tried, relative to the middle; smaller ones take LSMR too long.
const LOWEST: i32 = -10;
const HIGHEST: i32 = 4;

const OPTIONS: LsmrOptions = LsmrOptions {
    damping: 0.0,
    tolerance: 1e-6,
    max_iterations: 500,
};

impl<'a> Sampled<'a> {
    pub(super) fn new(
        stacked: &'a dyn LinearMap,
        target: &'a [f64],
        data: usize,
        tried: &'a dyn Fn(),
    ) -> Result<Self> {
        let mut random = Pcg64::seed_from_u64(0);
        let mut signs = |len: usize| -> Vec<f64> {
            (0..len)
                .map(|_| if random.random::<bool>() { 1.0 } else { -1.0 })
                .collect()
        };
        // E ‖A u‖² is the sum of the squares of A's entries.
        let mut seen = vec![0.0; stacked.outputs()];
        stacked.apply(&signs(stacked.inputs()), &mut seen)?;
        let (of_data, of_prior) = seen.split_at(data);
        Ok(Self {
            stacked,
            target,
            data,
            middle: (norm(of_data) / norm(of_prior).max(f64::MIN_POSITIVE)).powi(2),
            signs: (0..SIGNS).map(|_| signs(data)).collect(),
            known: RefCell::default(),
            tried,
        })
    }

    /// Δ for other data, at a weight.
    fn solve(&self, weight: f64, data: &[f64], prior: &[f64]) -> Result<Vec<f64>> {
        let root = weight.sqrt();
        let map = Weighed {
            stacked: self.stacked,
            data: self.data,
            root,
            scratch: RefCell::new(vec![0.0; self.stacked.outputs()]),
        };
        let mut target = data.to_vec();
        target.extend(prior.iter().map(|t| root * t));
        let mut step = vec![0.0; self.stacked.inputs()];
        lsmr(&map, &target, &OPTIONS, &mut step)?;
        Ok(step)
    }
}

impl Balance for Sampled<'_> {
    fn rows(&self) -> f64 {
        self.data as f64
    }
    fn weights(&self) -> Vec<f64> {
        (LOWEST..=HIGHEST)
            .map(|i| self.middle * 10_f64.powi(i))
            .collect()
    }
    fn at(&self, weight: f64) -> Result<(WeightPoint, f64)> {
        let known = self
            .known
            .borrow()
            .iter()
            .find(|(w, ..)| *w == weight)
            .copied();
        if let Some((_, point, squares)) = known {
            return Ok((point, squares));
        }
        (self.tried)();
        let (b, t) = self.target.split_at(self.data);
        let mut y = vec![0.0; self.stacked.outputs()];
        self.stacked.apply(&self.solve(weight, b, t)?, &mut y)?;
        let off = |y: &[f64], t: &[f64]| y.iter().zip(t).map(|(y, t)| (y - t).powi(2)).sum();
        let (misfit, prior) = (off(&y[..self.data], b), off(&y[self.data..], t));
        let (mut freedom, mut squares) = (0.0, 0.0);
        let nothing = vec![0.0; t.len()];
        for signs in &self.signs {
            self.stacked
                .apply(&self.solve(weight, signs, &nothing)?, &mut y)?;
            freedom += dot(signs, &y[..self.data]) / SIGNS as f64;
            squares += dot(&y[..self.data], &y[..self.data]) / SIGNS as f64;
        }
        let point = WeightPoint {
            weight,
            misfit,
            prior,
            freedom,
        };
        self.known.borrow_mut().push((weight, point, squares));
        Ok((point, squares))
    }
    fn curve(&self) -> Result<Vec<WeightPoint>> {
        if self.known.borrow().is_empty() {
            self.weights()
                .into_iter()
                .try_for_each(|w| self.at(w).map(drop))?;
        }
        let mut points: Vec<WeightPoint> =
            self.known.borrow().iter().map(|known| known.1).collect();
        points.sort_by(|a, b| a.weight.total_cmp(&b.weight));
        Ok(points)
    }
    fn solution(&self, weight: f64) -> Result<Vec<f64>> {
        let (b, t) = self.target.split_at(self.data);
        self.solve(weight, b, t)
    }
}

/// The rows of the prior times √w.
struct Weighed<'a> {
    stacked: &'a dyn LinearMap,
    data: usize,
    root: f64,
    scratch: RefCell<Vec<f64>>,
}

impl LinearMap for Weighed<'_> {
    fn inputs(&self) -> usize {
        self.stacked.inputs()
    }
    fn outputs(&self) -> usize {
        self.stacked.outputs()
    }
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.stacked.apply(dx, dy)?;
        dy[self.data..].iter_mut().for_each(|v| *v *= self.root);
        Ok(())
    }
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let mut scratch = self.scratch.borrow_mut();
        scratch.copy_from_slice(dy);
        scratch[self.data..]
            .iter_mut()
            .for_each(|v| *v *= self.root);
        self.stacked.apply_transpose(&scratch, dx)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::linalg::Matrix;
    use crate::uncertainty::weight::trade::Trade;

    /// Random signs are exact where A is diagonal.
    #[test]
    fn products_alone_find_what_the_decomposition_finds() {
        let (n, data) = (30, 30);
        let mut stacked = Matrix::zeros(60, n);
        for i in 0..n {
            stacked[(i, i)] = 0.8_f64.powi(i as i32);
            stacked[(data + i, i)] = 1.0 + 0.1 * i as f64;
        }
        let target: Vec<f64> = (0..60).map(|i| (0.9 * f64::from(i)).cos()).collect();
        let dense = Trade::new(&stacked, &target, data).unwrap();
        let sampled = Sampled::new(&stacked, &target, data, &|| {}).unwrap();
        for weight in [1e-2, 0.3, 10.0] {
            let ((a, a2), (b, b2)) = (dense.at(weight).unwrap(), sampled.at(weight).unwrap());
            for (dense, sampled) in [
                (a.misfit, b.misfit),
                (a.prior, b.prior),
                (a.freedom, b.freedom),
                (a2, b2),
            ] {
                assert!(
                    (dense - sampled).abs() < 1e-4 * (1.0 + dense),
                    "{a:?} {b:?}"
                );
            }
        }
    }
}
