//! A profile to one side: from the best fit outwards, each fit begun where the last points to.

use std::sync::Arc;

use super::crossing::{along, between};
use super::fit::Fit;
use super::newton::correct;
use super::reduced::Reduced;
use super::seen::Coordinate;
use super::trail::Trail;
use super::{Identifiability, Profile, ProfileOptions, ProfilePoint, Side};
use crate::core::counts::Counts;
use crate::core::space::Space;
use crate::error::Result;
use crate::problem::{Evaluation, Problem, Tally};
use crate::solver::{Solver, StopWhen};
use crate::updates::LevenbergMarquardt;

/// A quantity, and the fit from which its profile starts.
pub(super) struct Task<'a> {
    pub(super) problem: &'a Problem,
    /// The same without bounds: derivatives of all unknowns, held or not.
    pub(super) free: &'a Problem,
    pub(super) options: &'a ProfileOptions,
    pub(super) seen: Arc<Coordinate>,
    /// The best fit.
    pub(super) z: Vec<f64>,
    /// The loss there.
    pub(super) lowest: f64,
    /// By what the loss is divided to be −ln of a likelihood.
    pub(super) variance: f64,
    /// √Λ at the ends of the interval.
    pub(super) quantile: f64,
}

/// What one side found.
pub(super) struct SidePath {
    points: Vec<Fit>,
    end: Side,
    counts: Counts,
}

/// By how much √Λ should grow from value to value, and by how much at most.
const STRIDE: f64 = 0.5;
const LONGEST: f64 = 1.2;

/// By how much the step in u grows at most from value to value.
const GROWTH: f64 = 3.0;

/// To what part of itself it shrinks at most.
const SHRINKING: f64 = 0.1;

/// How often a step is shortened where the fit fails, or rises too fast.
const SHORTENED: usize = 8;

/// How exactly an end is found, as a part of √Λ.
const END: f64 = 1e-6;

/// Within this part of √Λ the slope of a fit leads to the end: what is left is of second order.
const CLOSE: f64 = 5e-4;

/// How far beyond the threshold the last value is aimed, in √Λ: what falls short of it takes one fit more.
const BEYOND: f64 = 0.02;

/// Fits for it.
const SEARCHES: usize = 20;

/// A fit is done where another step promises less than this of Λ.
const SETTLED: f64 = 1e-9;

/// Below this part of the threshold everywhere, a profile is flat.
const FLAT: f64 = 1e-3;

/// A loss this much below that of the best fit, as a part of the threshold in Λ, is a better fit.
const BETTER: f64 = 1e-3;

impl SidePath {
    /// A side that was not followed.
    pub(super) fn nowhere() -> Self {
        Self {
            points: Vec::new(),
            end: Side::Open(f64::NAN),
            counts: Counts::default(),
        }
    }
}

impl Task<'_> {
    /// Follows the profile to one side, −1 or 1.
    pub(super) fn follow(&self, side: f64) -> Result<SidePath> {
        let start = Fit {
            u: self.seen.coordinate(&self.z)?,
            z: self.z.clone(),
            loss: self.lowest,
            tau: 0.0,
            tau_slope: None,
        };
        let mut counts = Counts::default();
        let far = self.far(start.u);
        let wall = self.wall(side);
        let mut step = match self.seen.deviation.is_finite() {
            true => STRIDE * self.seen.deviation,
            false => 0.1 * start.u.abs().max(1e-3),
        };
        let mut trail = Trail::new(start.u, &start.z, &self.seen.direction);
        let (mut points, mut last, mut shortened) = (Vec::new(), start.clone(), 0);
        let open = |last: &Fit| Side::Open(self.seen.value(last.u));
        let end = loop {
            if points.len() >= self.options.points {
                break open(&last);
            }
            let mut u = last.u + side * step;
            let at_wall = side * (u - wall) >= 0.0;
            let at_end = side * (u - start.u) >= far;
            if at_wall {
                u = wall;
            } else if at_end {
                u = start.u + side * far;
            }
            if u == last.u {
                break match at_wall {
                    true => Side::Bound(self.seen.value(u)),
                    false => open(&last),
                };
            }
            let fit = self.fit(u, &trail, &mut counts)?;
            let rises = |fit: &Fit| fit.tau - last.tau > LONGEST;
            let fit = match fit {
                Some(fit) if !rises(&fit) || shortened >= SHORTENED => fit,
                None if shortened >= SHORTENED => break Side::Failed(self.seen.value(last.u)),
                // Too far at once: another optimum may have been jumped to.
                _ => {
                    shortened += 1;
                    step = 0.4 * (u - last.u).abs();
                    continue;
                }
            };
            shortened = 0;
            let moved = u - last.u;
            trail.push(u, &fit.z);
            points.push(fit.clone());
            if fit.tau >= self.quantile {
                let (crossing, more) = self.crossing(&last, &fit, trail, &mut counts)?;
                points.extend(more);
                break Side::Crosses(self.seen.value(crossing));
            }
            let rise = match fit.tau_slope {
                Some(slope) => slope.abs(),
                None => (fit.tau - last.tau) / moved.abs(),
            };
            last = fit;
            if at_wall {
                break Side::Bound(self.seen.value(u));
            }
            if at_end {
                break open(&last);
            }
            let rest = self.quantile - last.tau;
            let stride = if rest < 1.5 * STRIDE {
                rest + BEYOND
            } else {
                STRIDE
            };
            let factor = if rise > 0.0 {
                stride / (rise * moved.abs())
            } else {
                GROWTH
            };
            step = moved.abs() * factor.clamp(SHRINKING, GROWTH);
        };
        Ok(SidePath {
            points,
            end,
            counts,
        })
    }

    /// How far to go in u.
    fn far(&self, u: f64) -> f64 {
        let reach = self.options.reach;
        if self.seen.is_relative() {
            return reach.ln();
        }
        let deviation = self.seen.deviation;
        let size = if u == 0.0 { 1.0 } else { u.abs() };
        reach
            * if deviation.is_finite() {
                size.max(deviation)
            } else {
                size
            }
    }

    /// The bound of the unknown to one side.
    fn wall(&self, side: f64) -> f64 {
        match self.seen.unknown() {
            None => side * f64::INFINITY,
            Some(i) => {
                let (low, high) = self.problem.walls_of(i);
                if side < 0.0 { low } else { high }
            }
        }
    }

    /// Where √Λ reaches the quantile between two values, and the fits on the way.
    fn crossing(
        &self,
        below: &Fit,
        above: &Fit,
        mut trail: Trail,
        counts: &mut Counts,
    ) -> Result<(f64, Vec<Fit>)> {
        let (mut a, mut b) = (below.clone(), above.clone());
        let mut last = above.clone();
        let mut found = Vec::new();
        for _ in 0..SEARCHES {
            let off = (last.tau - self.quantile).abs();
            if off <= END * self.quantile {
                return Ok((last.u, found));
            }
            let led = along(&last, self.quantile);
            if let Some(u) = led.filter(|_| off <= CLOSE * self.quantile) {
                return Ok((u, found));
            }
            let width = b.u - a.u;
            let share = (between(&a, &b, self.quantile) - a.u) / width;
            let u = a.u + share.clamp(0.001, 0.999) * width;
            if u == a.u || u == b.u {
                break;
            }
            let Some(fit) = self.fit(u, &trail, counts)? else {
                break;
            };
            trail.push(u, &fit.z);
            found.push(fit.clone());
            last = fit.clone();
            match fit.tau < self.quantile {
                true => a = fit,
                false => b = fit,
            }
        }
        Ok((between(&a, &b, self.quantile), found))
    }

    /// The best fit at a value of u, begun where the last ones point to; nothing where it fails.
    fn fit(&self, u: f64, trail: &Trail, counts: &mut Counts) -> Result<Option<Fit>> {
        let reduced = self.reduced(u, &trail.curve(u))?;
        let settled = 0.5 * SETTLED * self.variance;
        let start = reduced.start();
        if let Some(fit) = correct(self.free, self.problem, &reduced, start, settled, counts)? {
            let tau = self.excess(fit.loss).max(0.0).sqrt();
            let slope = fit.slope / (self.variance * tau);
            return Ok(Some(Fit {
                u,
                z: fit.z,
                loss: fit.loss,
                tau,
                tau_slope: slope.is_finite().then_some(slope),
            }));
        }
        self.searched(u, &trail.line(u), counts)
    }

    /// The same with Levenberg–Marquardt, within bounds and from farther away.
    fn searched(&self, u: f64, guess: &[f64], counts: &mut Counts) -> Result<Option<Fit>> {
        let reduced = Arc::new(self.reduced(u, guess)?);
        let left = &reduced.left;
        let start: Vec<f64> = left.iter().map(|i| self.inside(*i, guess[*i])).collect();
        let problem = self.problem.reduced(reduced.clone(), left)?;
        let (w, loss) = if left.is_empty() {
            let tally = Tally::default();
            let at = Evaluation::new(&problem, &tally, &start)?;
            let loss = at.loss();
            counts.add(&tally.counts());
            match loss {
                Ok(loss) => (start, loss),
                Err(error) if error.is_interruption() => return Err(error),
                Err(_) => return Ok(None),
            }
        } else {
            let stop = StopWhen::after(self.options.steps).with_loss_change(Some(UNCHANGED));
            match Solver::new(LevenbergMarquardt::default(), stop).solve(&problem, &start) {
                Ok(solution) => {
                    counts.add(&solution.counts);
                    crate::interrupt::check()?;
                    (solution.x, solution.loss)
                }
                Err(error) if error.is_interruption() => return Err(error),
                Err(_) => return Ok(None),
            }
        };
        if !loss.is_finite() {
            return Ok(None);
        }
        let Ok(z) = reduced.whole(&w) else {
            return Ok(None);
        };
        // A quantity may lead the unknown that makes it out of its bounds.
        let (low, high) = self.problem.walls_of(reduced.eliminated);
        if z[reduced.eliminated] < low || z[reduced.eliminated] > high {
            return Ok(None);
        }
        Ok(Some(Fit {
            u,
            tau: self.excess(loss).max(0.0).sqrt(),
            z,
            loss,
            tau_slope: None,
        }))
    }

    /// P of one unknown less, at a value of u and near a z.
    fn reduced(&self, u: f64, guess: &[f64]) -> Result<Reduced> {
        let eliminated = match self.seen.unknown() {
            Some(unknown) => unknown,
            None => {
                let gradient = self.seen.gradient(guess)?;
                let weight = |i: &usize| (gradient[*i] * self.seen.scales[*i]).abs();
                let free = (0..guess.len()).filter(|i| !self.seen.fixed.contains(i));
                let most = free.max_by(|a, b| weight(a).total_cmp(&weight(b)));
                most.unwrap_or(0)
            }
        };
        let left: Vec<usize> = (0..guess.len())
            .filter(|i| *i != eliminated && !self.seen.fixed.contains(i))
            .collect();
        Ok(Reduced {
            simulator: Arc::clone(self.problem.seen_simulator()),
            seen: Arc::clone(&self.seen),
            eliminated,
            input: Space::new("unknowns", &[left.len()], "1"),
            level: u,
            guess: guess.to_vec(),
            rest: self.z.clone(),
            left,
        })
    }

    fn inside(&self, unknown: usize, z: f64) -> f64 {
        let (low, high) = self.problem.walls_of(unknown);
        z.max(low).min(high)
    }

    /// Λ.
    fn excess(&self, loss: f64) -> f64 {
        2.0 * (loss - self.lowest) / self.variance
    }

    /// The profile of both sides.
    pub(super) fn profile(&self, below: SidePath, above: SidePath) -> Result<Profile> {
        let u = self.seen.coordinate(&self.z)?;
        let best = Fit {
            u,
            z: self.z.clone(),
            loss: self.lowest,
            tau: 0.0,
            tau_slope: None,
        };
        let threshold = self.quantile * self.quantile;
        let (low, high) = (below.end, above.end);
        let mut counts = below.counts;
        counts.add(&above.counts);
        let mut fits = below.points;
        fits.push(best);
        fits.extend(above.points);
        fits.sort_by(|a, b| a.u.total_cmp(&b.u));
        let lowest = fits.iter().min_by(|a, b| a.loss.total_cmp(&b.loss));
        let better = lowest.filter(|fit| self.excess(fit.loss) < -BETTER * threshold);
        let most = fits
            .iter()
            .map(|fit| self.excess(fit.loss))
            .fold(0.0, f64::max);
        let sets_end = |side: Side| matches!(side, Side::Crosses(_));
        let identifiability = match (sets_end(low), sets_end(high)) {
            (true, true) => Identifiability::Identifiable,
            (true, false) => Identifiability::BoundedBelow,
            (false, true) => Identifiability::BoundedAbove,
            (false, false) if most < FLAT * threshold => Identifiability::Flat,
            (false, false) => Identifiability::Unbounded,
        };
        let point = |fit: &Fit| ProfilePoint {
            value: self.seen.value(fit.u),
            excess: self.excess(fit.loss),
            x: self.seen.x(&fit.z),
        };
        Ok(Profile {
            value: self.seen.value(u),
            deviation: self.seen.value_deviation,
            points: fits.iter().map(point).collect(),
            threshold,
            low,
            high,
            identifiability,
            better: better.map(|fit| self.seen.x(&fit.z)),
            counts,
        })
    }
}

/// A search has ended where the loss changes by less than this part of itself.
const UNCHANGED: f64 = 1e-13;
