//! The step that the model wants within a box and the region: min ½ sᵀ(H + λI)s − gᵀs with low ≤ s ≤ high, in the
//! units of the region, λ such that ‖s‖ is the radius.

use crate::linalg::{Matrix, cholesky, norm};

/// Exchanges of unknowns between bounds and the free ones, before the last is taken as it is.
const EXCHANGES: usize = 60;

/// Exchanges of all at once that gain nothing, before unknowns are exchanged one by one.
const FRUITLESS: usize = 3;

/// What is added to the diagonal beside its mean, so that a singular H has a factor.
const RIDGE: f64 = 1e-14;

/// The model and the box, without the unknowns that bounds hold.
pub(super) struct Boxed {
    /// H = D⁻¹ Jᵀ Wᵀ W J D⁻¹.
    pub(super) hessian: Matrix,
    /// g = D⁻¹ Jᵀ Wᵀ W Δy.
    pub(super) pull: Vec<f64>,
    /// D (low − x) ≤ 0.
    pub(super) low: Vec<f64>,
    /// D (high − x) ≥ 0.
    pub(super) high: Vec<f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum BoundSide {
    Free,
    Low,
    High,
}

impl Boxed {
    /// D Δx and the damping λ ≥ 0 at which its length is within a tenth of the radius, or 0.
    pub(super) fn step(&self, radius: f64) -> (Vec<f64>, f64) {
        let n = self.pull.len();
        let trace: f64 = (0..n).map(|i| self.hessian[(i, i)]).sum();
        let ridge = RIDGE * trace.max(f64::MIN_POSITIVE);
        let whole = self.damped(ridge);
        if norm(&whole) <= 1.1 * radius {
            return (whole, 0.0);
        }
        let (mut lower, mut upper) = (0.0_f64, norm(&self.pull) / radius);
        let mut lambda = 1e-3 * upper;
        let mut step = whole;
        for _ in 0..60 {
            step = self.damped(ridge + lambda);
            let length = norm(&step);
            if (length - radius).abs() <= 0.1 * radius {
                break;
            }
            if length > radius {
                lower = lambda;
            } else {
                upper = lambda;
            }
            lambda = (lower.max(1e-12 * upper) * upper).sqrt();
        }
        (step, lambda)
    }

    /// The minimum for one λ: unknowns beyond a bound are stopped there and those that are pulled inwards let go of.
    ///
    /// Portugal, Júdice & Vicente, Math. Comp. 63 (1994).
    fn damped(&self, lambda: f64) -> Vec<f64> {
        let n = self.pull.len();
        let mut places = vec![BoundSide::Free; n];
        let (mut fewest, mut patience) = (usize::MAX, FRUITLESS);
        let mut step = vec![0.0; n];
        for _ in 0..EXCHANGES {
            self.solve(lambda, &places, &mut step);
            let mut wrong: Vec<(usize, BoundSide)> = Vec::new();
            for i in 0..n {
                let row = self.hessian.row(i).iter().zip(&step);
                let bent: f64 = row.map(|(h, s)| h * s).sum::<f64>() + lambda * step[i];
                let pull = self.pull[i] - bent;
                match places[i] {
                    BoundSide::Free if step[i] < self.low[i] => wrong.push((i, BoundSide::Low)),
                    BoundSide::Free if step[i] > self.high[i] => wrong.push((i, BoundSide::High)),
                    BoundSide::Low if pull > 0.0 => wrong.push((i, BoundSide::Free)),
                    BoundSide::High if pull < 0.0 => wrong.push((i, BoundSide::Free)),
                    _ => {}
                }
            }
            if wrong.is_empty() {
                break;
            }
            patience = if wrong.len() < fewest {
                FRUITLESS
            } else {
                patience.saturating_sub(1)
            };
            fewest = fewest.min(wrong.len());
            // One by one, the last first, exchanges cannot go in circles.
            let first = if patience == 0 { wrong.len() - 1 } else { 0 };
            wrong[first..]
                .iter()
                .for_each(|(i, place)| places[*i] = *place);
        }
        for (i, s) in step.iter_mut().enumerate() {
            *s = s.max(self.low[i]).min(self.high[i]);
        }
        step
    }

    /// The free unknowns where the others are at their bounds; 0 for them where H has no factor.
    fn solve(&self, lambda: f64, places: &[BoundSide], step: &mut [f64]) {
        for (i, place) in places.iter().enumerate() {
            step[i] = match place {
                BoundSide::Free => 0.0,
                BoundSide::Low => self.low[i],
                BoundSide::High => self.high[i],
            };
        }
        let free: Vec<usize> = (0..places.len())
            .filter(|i| places[*i] == BoundSide::Free)
            .collect();
        let mut part = Matrix::zeros(free.len(), free.len());
        let mut rest = vec![0.0; free.len()];
        for (a, i) in free.iter().enumerate() {
            let row = self.hessian.row(*i);
            rest[a] = self.pull[*i] - row.iter().zip(&*step).map(|(h, s)| h * s).sum::<f64>();
            free.iter()
                .enumerate()
                .for_each(|(b, j)| part[(a, b)] = row[*j]);
            part[(a, a)] += lambda;
        }
        let Ok(factor) = cholesky(&part) else { return };
        factor.solve(&mut rest);
        free.iter().zip(&rest).for_each(|(i, s)| step[*i] = *s);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    /// At the best step no free unknown is pulled, and those at bounds are pulled outwards alone; a step that the radius
    /// holds back is as long as that, to a tenth.
    #[test]
    fn steps_are_the_best_within_the_box_and_the_region() {
        let mut source = rand_pcg::Pcg64::seed_from_u64(5);
        let mut normal = |n: usize| -> Vec<f64> {
            let mut one = || StandardNormal.sample(&mut source);
            (0..n).map(|_| one()).collect()
        };
        let (mut at_bounds, mut held_back) = (0, 0);
        for round in 0..300 {
            let n = 1 + round % 7;
            let boxed = Boxed {
                hessian: Matrix::from_vec(n, n + 2, normal(n * (n + 2))).gram(),
                pull: normal(n),
                low: normal(n).iter().map(|v| -0.5 * v.abs()).collect(),
                high: normal(n).iter().map(|v| 0.5 * v.abs()).collect(),
            };
            let radius = [0.1, 0.5, 100.0][round % 3];
            let (step, lambda) = boxed.step(radius);
            let length = norm(&step);
            assert!(length <= 1.1 * radius + 1e-12, "{length} beyond {radius}");
            assert!(lambda == 0.0 || length >= 0.9 * radius, "{length} {radius}");
            held_back += usize::from(lambda > 0.0);
            for i in 0..n {
                let row = boxed.hessian.row(i).iter().zip(&step);
                let bent: f64 = row.map(|(h, s)| h * s).sum();
                let pull = boxed.pull[i] - bent - lambda * step[i];
                let (low, high) = (step[i] == boxed.low[i], step[i] == boxed.high[i]);
                let right = pull.abs() < 1e-8 || low && pull < 0.0 || high && pull > 0.0;
                assert!(right, "{pull} at {step:?}");
                at_bounds += usize::from(low || high);
            }
        }
        assert!((200..1000).contains(&at_bounds), "{at_bounds}");
        assert!((50..200).contains(&held_back), "{held_back}");
    }
}
