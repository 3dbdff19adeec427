//! A local inverse by integrating the inverse Jacobian along a line in y.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::newton::{counts_and_truncation, share};
use super::tangent::{LinearisedPoint, LocalSearch, Solves, moved};
use super::{Ended, Inversion, Inverter};
use crate::core::simulator::Simulator;
use crate::error::{Error, Result};
use crate::linalg::{axpy, norm};
use crate::options::{Checked, Validate, built};

/// The inverse Jacobian, integrated from P(x₀) to y: dx/ds = J⁺(x) Δy along y(s) = y₀ + sΔy.
///
/// The fundamental theorem of calculus as an algorithm: Δx = ⟨J⁺⟩ Δy, with the average of J⁺
/// along the way. It never leaves the branch of x₀. Where J becomes singular, at a fold of P, the
/// branch ends, and the inversion with it: s tells how far it came, and the x there is kept.
/// Steps adapt to an embedded pair of orders 5 and 4; Newton steps bring x back to y(s) where
/// it has strayed, and at last to y.
///
/// ```
/// use retrodict::inverse::{Inverter, PathIntegral};
/// use retrodict::prelude::*;
/// use retrodict::simulators::SquareOptions;
/// // y = (x₀, x₁²): the branch of x₀ is kept.
/// let square = SquareOptions::default().build()?;
/// let found = PathIntegral::default().invert(&square, &[1.0, 4.0], &[1.0, -1.0])?;
/// assert!(found.ended.arrived() && (found.x[1] + 2.0).abs() < 1e-6);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// The tolerance has no unit; errors in x are measured against the length of the way.
///
/// # Cost
/// A step takes six linearisations, each with J: min(m, n) products, or LSMR where J is large.
/// A linear P takes one step.
///
/// # Source
/// Dormand & Prince, *J. Comput. Appl. Math.* 6 (1980); Allgower & Georg, *Numerical Continuation
/// Methods* (1990), chapter 2.
#[derive(Debug, Clone)]
pub struct PathIntegral {
    options: Checked<PathIntegralOptions>,
}

/// The options of [`PathIntegral`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct PathIntegralOptions {
    /// The error of a step in x, relative to the way so far; a thousandth of it is how far x may
    /// stray from y(s), relative to ‖Δy‖; in (0, 1).
    pub tolerance: f64,
    /// Arrived once ‖P(x) − y‖ is at most this share of ‖Δy‖; in (0, 1).
    pub arrival: f64,
    /// The shortest step in s; where a shorter one would be needed, J is called singular.
    pub shortest: f64,
    /// Maximum number of steps, rejected ones included.
    pub steps: usize,
    /// Singular values below this, relative to the largest, are dropped; in [0, 1).
    pub truncation: f64,
    /// min(m, n) up to which J is formed.
    pub dense_up_to: usize,
    /// Iterations of LSMR where it is not.
    pub krylov_steps: usize,
}

built!(PathIntegralOptions => PathIntegral {});

impl Default for PathIntegralOptions {
    fn default() -> Self {
        Self {
            tolerance: 1e-4,
            arrival: 1e-12,
            shortest: 1e-7,
            steps: 500,
            truncation: 1e-12,
            dense_up_to: 400,
            krylov_steps: 500,
        }
    }
}

impl Validate for PathIntegralOptions {
    fn validate(&self) -> Result<()> {
        share("tolerance", self.tolerance)?;
        share("arrival", self.arrival)?;
        share("shortest", self.shortest)?;
        counts_and_truncation(self.steps, self.krylov_steps, self.truncation)
    }
}

/// Newton steps back to y(s).
const RETURNS: usize = 8;

/// How far x may stray from y(s), as a share of the tolerance: so little that no step leads past
/// a fold.
const STRAY: f64 = 1e-3;

/// Dormand & Prince's stages; the last row is the step itself.
const STAGES: [&[f64]; 6] = [
    &[1.0 / 5.0],
    &[3.0 / 40.0, 9.0 / 40.0],
    &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
    &[
        19372.0 / 6561.0,
        -25360.0 / 2187.0,
        64448.0 / 6561.0,
        -212.0 / 729.0,
    ],
    &[
        9017.0 / 3168.0,
        -355.0 / 33.0,
        46732.0 / 5247.0,
        49.0 / 176.0,
        -5103.0 / 18656.0,
    ],
    &[
        35.0 / 384.0,
        0.0,
        500.0 / 1113.0,
        125.0 / 192.0,
        -2187.0 / 6784.0,
        11.0 / 84.0,
    ],
];

/// The fifth-order weights less the fourth-order ones.
const DIFFERENCE: [f64; 7] = [
    71.0 / 57600.0,
    0.0,
    -71.0 / 16695.0,
    71.0 / 1920.0,
    -17253.0 / 339200.0,
    22.0 / 525.0,
    -1.0 / 40.0,
];

impl Inverter for PathIntegral {
    fn invert(&self, simulator: &dyn Simulator, y: &[f64], x0: &[f64]) -> Result<Inversion> {
        let solves = Solves {
            truncation: self.options.truncation,
            dense_up_to: self.options.dense_up_to,
            krylov_steps: self.options.krylov_steps,
        };
        let mut course = LocalSearch::new(simulator, y, x0, solves)?;
        let start = course.point(x0.to_vec())?;
        let way = start.left;
        if way <= course.round_off(&start) {
            return Ok(super::inversion(
                start,
                Ended::Arrived,
                way,
                0,
                course.counts,
            ));
        }
        let mut path = Path {
            options: &self.options,
            dy: start.residual.clone(),
            strays: !course.is_open(x0),
            course,
            way,
            s: 0.0,
            length: 0.0,
            steps: 0,
        };
        let (at, ended) = path.follow(start)?;
        let mut found = super::inversion(at, ended, way, path.steps, path.course.counts);
        if !found.ended.arrived() && !path.strays {
            found.reached = path.s;
        }
        Ok(found)
    }
}

struct Path<'a> {
    options: &'a PathIntegralOptions,
    course: LocalSearch<'a>,
    dy: Vec<f64>,
    /// Whether y(s) leaves the range of P, so that only its shadow there can be followed.
    strays: bool,
    way: f64,
    s: f64,
    /// The length of the way in x so far.
    length: f64,
    steps: usize,
}

/// A step that was tried.
enum Tried<'s> {
    Good {
        at: LinearisedPoint<'s>,
        error: f64,
        /// J⁺Δy there, where no Newton step has moved x since.
        slope: Option<Vec<f64>>,
    },
    /// The error is this many times too large.
    TooLong(f64),
    Failed(Error),
}

impl<'a> Path<'a> {
    fn follow(&mut self, start: LinearisedPoint<'a>) -> Result<(LinearisedPoint<'a>, Ended)> {
        let mut slope = self.first_slope(&start)?;
        let mut at = start;
        let mut h: f64 = 1.0;
        let mut failure = None;
        while self.s < 1.0 {
            let last = h >= 1.0 - self.s;
            h = h.min(1.0 - self.s);
            if h < self.options.shortest {
                let ended = failure.map_or(Ended::Fold, Ended::Failed);
                return Ok((at, ended));
            }
            if self.steps >= self.options.steps {
                return Ok((at, Ended::StepLimit));
            }
            self.steps += 1;
            match self.step(&at, &slope, h)? {
                Tried::Good {
                    at: next,
                    error,
                    slope: known,
                } => {
                    self.length += norm(&moved(&next.x, -1.0, &at.x));
                    self.s = if last { 1.0 } else { self.s + h };
                    at = next;
                    failure = None;
                    slope = match known {
                        Some(slope) => slope,
                        None => self.slope(&at)?,
                    };
                    h *= (0.9 * error.powf(-0.2)).clamp(0.2, 5.0);
                }
                Tried::TooLong(error) => h *= (0.9 * error.powf(-0.2)).clamp(0.1, 0.5),
                Tried::Failed(error) => {
                    failure = Some(error);
                    h *= 0.25;
                }
            }
        }
        let arrival = self.options.arrival;
        let at = match self.back_to(1.0, at, arrival)? {
            Ok(at) | Err(at) => at,
        };
        let ended = self.end(&at)?;
        Ok((at, ended))
    }

    /// How it ended at s = 1.
    fn end(&mut self, at: &LinearisedPoint<'_>) -> Result<Ended> {
        let arrived = self.options.arrival * self.way;
        // Where J amplifies round-off, that is all that can be asked.
        if at.left <= arrived.max(1e3 * self.course.round_off(at)) {
            return Ok(Ended::Arrived);
        }
        if self.course.is_open(&at.x) {
            return Ok(Ended::Fold);
        }
        Ok(Ended::Nearest)
    }

    /// J⁺Δy at the start. Where J is singular already, only what of Δy it reaches is followed.
    fn first_slope(&mut self, at: &LinearisedPoint<'_>) -> Result<Vec<f64>> {
        let tangent = self.course.tangent(at)?;
        let slope = tangent.solve(&self.dy, 0.0, &mut self.course.counts)?;
        if !self.strays {
            let within = tangent.apply(&slope, &mut self.course.counts)?;
            if norm(&moved(&self.dy, -1.0, &within)) > self.options.tolerance * self.way {
                self.dy = within;
                self.strays = true;
            }
        }
        Ok(slope)
    }

    /// J⁺Δy.
    fn slope(&mut self, at: &LinearisedPoint<'_>) -> Result<Vec<f64>> {
        let tangent = self.course.tangent(at)?;
        tangent.solve(&self.dy, 0.0, &mut self.course.counts)
    }

    /// A step of h in s, and back to y(s + h).
    fn step(&mut self, at: &LinearisedPoint<'a>, slope: &[f64], h: f64) -> Result<Tried<'a>> {
        match self.try_step(at, slope, h) {
            Err(error) if !error.is_interruption() => Ok(Tried::Failed(error)),
            tried => tried,
        }
    }

    fn try_step(&mut self, at: &LinearisedPoint<'a>, slope: &[f64], h: f64) -> Result<Tried<'a>> {
        let mut slopes = vec![slope.to_vec()];
        let mut there = None;
        for stage in STAGES {
            let mut x = at.x.clone();
            for (weight, slope) in stage.iter().zip(&slopes) {
                axpy(h * weight, slope, &mut x);
            }
            let point = self.course.point(x)?;
            slopes.push(self.slope(&point)?);
            there = Some(point);
        }
        let mut error = vec![0.0; at.x.len()];
        for (weight, slope) in DIFFERENCE.iter().zip(&slopes) {
            axpy(h * weight, slope, &mut error);
        }
        let Some(there) = there else {
            return Ok(Tried::TooLong(f64::INFINITY));
        };
        let step = norm(&moved(&there.x, -1.0, &at.x));
        let allowed = self.options.tolerance * (self.length + step);
        let error = norm(&error) / allowed.max(f64::MIN_POSITIVE);
        if error.is_nan() || error > 1.0 {
            return Ok(Tried::TooLong(error.max(1.0)));
        }
        let predicted = there.x.clone();
        match self.back_to(self.s + h, there, STRAY * self.options.tolerance)? {
            // A correction as long as the step leads to another branch.
            Ok(at) if norm(&moved(&at.x, -1.0, &predicted)) <= 0.1 * step => {
                let slope = slopes.pop().filter(|_| at.x == predicted);
                Ok(Tried::Good { at, error, slope })
            }
            _ => Ok(Tried::TooLong(32.0)),
        }
    }

    /// Newton steps to y(s); `Err` with the last point if they do not arrive.
    fn back_to(
        &mut self,
        s: f64,
        from: LinearisedPoint<'a>,
        tolerance: f64,
    ) -> Result<std::result::Result<LinearisedPoint<'a>, LinearisedPoint<'a>>> {
        let allowed = tolerance * self.way;
        let mut at = from;
        let mut before = f64::INFINITY;
        for _ in 0..RETURNS {
            // The target less (1 − s)Δy is y(s).
            let aim = moved(&at.residual, s - 1.0, &self.dy);
            if norm(&aim) <= allowed.max(self.course.round_off(&at)) {
                return Ok(Ok(at));
            }
            let tangent = self.course.tangent(&at)?;
            let dx = tangent.solve(&aim, 0.0, &mut self.course.counts)?;
            let within = norm(&tangent.apply(&dx, &mut self.course.counts)?);
            if self.strays && within <= allowed {
                return Ok(Ok(at));
            }
            if within >= 0.9 * before {
                return Ok(Err(at));
            }
            before = within;
            let next = moved(&at.x, 1.0, &dx);
            drop(tangent);
            at = self.course.point(next)?;
        }
        Ok(Err(at))
    }
}
