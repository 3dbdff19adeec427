//! What each choice asks of data against prior.

use super::Point;
use crate::error::Result;

/// Data against prior at any weight.
pub(super) trait Balance {
    /// The number of data.
    fn rows(&self) -> f64;
    /// The weights that are tried, ascending, by a constant factor.
    fn weights(&self) -> Vec<f64>;
    /// What a weight leads to, with tr A².
    fn at(&self, weight: f64) -> Result<(Point, f64)>;
    /// What the weights that are tried lead to, as far as they were.
    fn curve(&self) -> Result<Vec<Point>>;
    /// Δ at a weight.
    fn solution(&self, weight: f64) -> Result<Vec<f64>>;
}

/// What a used-up datum costs in cross-validation; Kim & Gu recommend 1.2 to 1.4.
const COST: f64 = 1.4;

/// The weight of the plain score in the robust one; Lukas recommends 0.1 to 0.3.
const ROBUSTNESS: f64 = 0.1;

/// Where the score has risen to this multiple of its lowest, no smaller weight is tried: of several minima, the
/// ones far below are those at which cross-validation fails.
const RISEN: f64 = 2.0;

/// Weights are found to this share.
const PRECISION: f64 = 0.01;

/// The largest weight at which the misfit is at most σ² (m − tr A), but at least `least`.
pub(super) fn discrepancy(balance: &dyn Balance, variance: f64, least: f64) -> Result<f64> {
    let explained = |w: f64| -> Result<bool> {
        let (point, _) = balance.at(w)?;
        Ok(point.misfit <= variance * (balance.rows() - point.freedom))
    };
    let weights = balance.weights();
    let (mut low, mut high) = (least, least);
    for w in weights.into_iter().rev().take_while(|w| *w > least) {
        if explained(w)? {
            low = w;
            break;
        }
        high = w;
    }
    if high <= low {
        return Ok(low);
    }
    while high / low > 1.0 + PRECISION {
        let middle = (low * high).sqrt();
        *(if explained(middle)? {
            &mut low
        } else {
            &mut high
        }) = middle;
    }
    Ok(low)
}

/// The weight with the least robust score of cross-validation.
pub(super) fn cross_validation(balance: &dyn Balance) -> Result<f64> {
    let score = |w: f64| -> Result<f64> {
        let (point, squares) = balance.at(w)?;
        let free = balance.rows() - COST * point.freedom;
        if free <= 0.0 {
            return Ok(f64::INFINITY);
        }
        let guard = ROBUSTNESS + (1.0 - ROBUSTNESS) * squares / balance.rows();
        Ok(point.misfit / (free * free) * guard)
    };
    let weights = balance.weights();
    let (mut best, mut lowest) = (weights.len() - 1, f64::INFINITY);
    for (i, w) in weights.iter().enumerate().rev() {
        let found = score(*w)?;
        if found < lowest {
            (best, lowest) = (i, found);
        } else if found > RISEN * lowest {
            break;
        }
    }
    let (mut low, mut high) = (
        weights[best.saturating_sub(1)].ln(),
        weights[(best + 1).min(weights.len() - 1)].ln(),
    );
    // Golden sections, each with a new point at one side.
    let ratio = 0.5 * (5.0_f64.sqrt() - 1.0);
    let inner = |low: f64, high: f64| (high - ratio * (high - low), low + ratio * (high - low));
    let (a, b) = inner(low, high);
    let (mut at_a, mut at_b) = (score(a.exp())?, score(b.exp())?);
    while high - low > PRECISION {
        let (a, b) = inner(low, high);
        if at_a < at_b {
            high = b;
            (at_b, at_a) = (at_a, score(inner(low, high).0.exp())?);
        } else {
            low = a;
            (at_a, at_b) = (at_b, score(inner(low, high).1.exp())?);
        }
    }
    Ok((0.5 * (low + high)).exp())
}

/// The weight at which ln misfit against ln prior bends most.
pub(super) fn corner(curve: &[Point]) -> f64 {
    let at = |i: usize| (0.5 * curve[i].misfit.ln(), 0.5 * curve[i].prior.ln());
    let bend = |i: usize| {
        let ((x0, y0), (x1, y1), (x2, y2)) = (at(i - 1), at(i), at(i + 1));
        let (dx, dy) = (0.5 * (x2 - x0), 0.5 * (y2 - y0));
        let (ddx, ddy) = (x2 - 2.0 * x1 + x0, y2 - 2.0 * y1 + y0);
        let bend = (dx * ddy - ddx * dy) / (dx * dx + dy * dy).powf(1.5);
        if bend.is_finite() {
            bend
        } else {
            f64::NEG_INFINITY
        }
    };
    let inner = 1..curve.len().saturating_sub(1);
    let best = inner.max_by(|i, j| bend(*i).total_cmp(&bend(*j)));
    best.map_or(1.0, |i| curve[i].weight)
}
