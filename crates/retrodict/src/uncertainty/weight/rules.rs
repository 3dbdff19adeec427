//! The criterion of each choice, in terms of data and prior.

use super::{Doubt, WeightPoint};
use crate::error::Result;

/// Data against prior at any weight.
pub(super) trait Balance {
    /// The number of data.
    fn rows(&self) -> f64;
    /// The weights that are tried, ascending, by a constant factor.
    fn weights(&self) -> Vec<f64>;
    /// What a weight leads to, with tr A².
    fn at(&self, weight: f64) -> Result<(WeightPoint, f64)>;
    /// What the weights that are tried lead to, as far as they were.
    fn curve(&self) -> Result<Vec<WeightPoint>>;
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

/// A minimum is clear where the score rises to more than this multiple of it on both sides.
const CLEAR: f64 = 1.001;

/// Weights are found to this share.
const PRECISION: f64 = 0.01;

/// A weight, and what speaks against it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pick {
    pub(super) weight: f64,
    pub(super) doubt: Option<Doubt>,
}

/// The largest weight at which the misfit is at most σ² (m − tr A), but at least `least`.
pub(super) fn discrepancy(balance: &dyn Balance, variance: f64, least: f64) -> Result<Pick> {
    let explained = |w: f64| -> Result<bool> {
        let (point, _) = balance.at(w)?;
        Ok(point.misfit <= variance * (balance.rows() - point.freedom))
    };
    // χ² varies by itself: the least weight allowed may miss the goal by less than that.
    let within_spread = |w: f64| -> Result<bool> {
        let (point, _) = balance.at(w)?;
        let rows = balance.rows();
        Ok(point.misfit <= variance * (rows + 3.0 * (2.0 * rows).sqrt()))
    };
    let weights = balance.weights();
    let last = weights.last().copied().unwrap_or(least);
    let (mut low, mut high) = (least, least);
    let mut found = false;
    for w in weights.into_iter().rev().take_while(|w| *w > least) {
        if explained(w)? {
            (low, found) = (w, true);
            break;
        }
        high = w;
    }
    while high / low > 1.0 + PRECISION {
        let middle = (low * high).sqrt();
        if explained(middle)? {
            (low, found) = (middle, true);
        } else {
            high = middle;
        }
    }
    let doubt = if low >= last {
        Some(Doubt::StrongestTried)
    } else if found || within_spread(low)? {
        None
    } else {
        Some(Doubt::NotExplained)
    };
    Ok(Pick { weight: low, doubt })
}

/// The weight with the least robust score of cross-validation.
pub(super) fn cross_validation(balance: &dyn Balance) -> Result<Pick> {
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
    let (mut strongest, mut weaker) = (f64::INFINITY, 0.0_f64);
    for (i, w) in weights.iter().enumerate().rev() {
        let found = score(*w)?;
        if i == weights.len() - 1 {
            strongest = found;
        }
        if found < lowest {
            (best, lowest) = (i, found);
            weaker = found;
        } else {
            weaker = weaker.max(found);
            if found > RISEN * lowest {
                break;
            }
        }
    }
    let doubt = if best == 0 {
        Some(Doubt::WeakestTried)
    } else if best + 1 == weights.len() {
        Some(Doubt::StrongestTried)
    } else if strongest.min(weaker) <= CLEAR * lowest {
        Some(Doubt::NoMinimum)
    } else {
        None
    };
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
    Ok(Pick {
        weight: (0.5 * (low + high)).exp(),
        doubt,
    })
}

/// A corner turns the curve by this angle at least, in radians: a third of a right angle.
const TURN: f64 = 0.52;

/// The angle is taken between pieces of the curve of this length, in units of ln.
const PIECE: f64 = 1.0;

/// The weight at which ln misfit against ln prior bends most, of those where the curve turns a corner.
pub(super) fn corner(curve: &[WeightPoint]) -> Pick {
    let at = |i: usize| (0.5 * curve[i].misfit.ln(), 0.5 * curve[i].prior.ln());
    let between = |i: usize, j: usize| {
        let ((x0, y0), (x1, y1)) = (at(i), at(j));
        (x1 - x0, y1 - y0)
    };
    let long = |i: usize, j: usize| {
        let (dx, dy) = between(i, j);
        dx.hypot(dy) >= PIECE
    };
    // How far the curve turns towards the origin; nothing at its ends, where points crowd together.
    let turn = |i: usize| {
        let before = (0..i).rev().find(|j| long(*j, i))?;
        let after = (i + 1..curve.len()).find(|j| long(i, *j))?;
        let ((ax, ay), (bx, by)) = (between(before, i), between(i, after));
        let angle = (ax * by - ay * bx).atan2(ax * bx + ay * by);
        angle.is_finite().then_some(angle)
    };
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
    let inner: Vec<(usize, f64)> = (1..curve.len().saturating_sub(1))
        .filter_map(|i| turn(i).map(|angle| (i, angle)))
        .collect();
    let corners = inner.iter().filter(|(_, angle)| *angle >= TURN);
    let clear = corners
        .map(|(i, _)| *i)
        .max_by(|i, j| bend(*i).total_cmp(&bend(*j)));
    if let Some(i) = clear {
        return Pick {
            weight: curve[i].weight,
            doubt: None,
        };
    }
    // The best of what there is: where it turns most, else the middle.
    let most = inner.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let i = most.map_or(curve.len() / 2, |(i, _)| *i);
    Pick {
        weight: curve.get(i).map_or(1.0, |point| point.weight),
        doubt: Some(Doubt::NoCorner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: impl Iterator<Item = (f64, f64, f64)>) -> Vec<WeightPoint> {
        let point = |(weight, misfit, prior)| WeightPoint {
            weight,
            misfit,
            prior,
            freedom: 1.0,
        };
        points.map(point).collect()
    }

    #[test]
    fn a_corner_is_found_and_its_absence_is_said() {
        let weights = || (0..320).map(|i| 10_f64.powf(-16.0 + f64::from(i) / 20.0));
        // Misfit 1 + (w/1e-6)², prior 1 + (1e-6/w)²: the corner lies at 1e-6.
        let clear =
            corner(&curve(weights().map(|w| {
                (w, 1.0 + (w / 1e-6).powi(2), 1.0 + (1e-6 / w).powi(2))
            })));
        assert_eq!(clear.doubt, None);
        assert!((clear.weight.log10() + 6.0).abs() < 0.5, "{clear:?}");
        // A straight line in logarithms, with crumbs of round-off at the end where nothing moves any more.
        let crumbs = |w: f64| 1e-14 * (w.log10() * 40.0).round() % 7e-14;
        let straight = corner(&curve(weights().map(|w| {
            let w_seen = w.max(1e-9);
            (
                w,
                w_seen * (1.0 + crumbs(w)),
                1.0 / w_seen * (1.0 - crumbs(w)),
            )
        })));
        assert_eq!(straight.doubt, Some(Doubt::NoCorner));
        assert!(straight.weight > 1e-12, "{straight:?}");
    }
}
