//! How good a local inverse is: measured, not believed.

use super::{Check, Directions, derivatives, forward, jvp, moved};
use crate::core::simulator::Simulator;
use crate::error::{Error, Result};
use crate::inverse::tangent::{LocalSearch, Solves};
use crate::linalg::norm;

/// The sweep of ‖Δy‖, in units of ‖Jv‖ with a random v of standard normal numbers.
const FIRST: f64 = 1e-4;
/// Two lengths a decade, five decades.
const LENGTHS: i32 = 11;
/// Bisections between the last length that holds and the first that does not.
const BISECTIONS: usize = 20;

/// How far from x a local inverse holds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reach {
    /// A line for each ‖Δy‖, shortest first; the worse of Δy and −Δy.
    pub lines: Vec<ReachLine>,
    /// The share of ‖Δy‖ that may remain, as the inverse promises.
    pub promised: f64,
    /// The largest ‖Δy‖ up to which it keeps that promise; 0 if it never does.
    pub radius: f64,
    /// Whether the whole sweep holds, so that the radius is only as far as was looked.
    pub whole: bool,
    /// Why it fails beyond, where the inverse says so.
    pub beyond: Option<String>,
    /// The slope of ln distance to the inverse Jacobian's step over ln ‖Δy‖; `None` where they
    /// agree to round-off, or the inverse does not recover all of x.
    pub slope: Option<f64>,
}

/// One ‖Δy‖.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ReachLine {
    /// ‖Δy‖.
    pub length: f64,
    /// ‖P(P⁻¹(y₀ + Δy; x₀)) − y₀ − Δy‖.
    pub remaining: f64,
    /// Whether that is within the promise, and the inverse said that it arrived.
    pub holds: bool,
    /// ‖P⁻¹(y₀ + Δy; x₀) − x₀ − J⁺Δy‖.
    pub to_inverse_jacobian: f64,
}

impl Reach {
    /// What must hold: a radius above 0, and PG = IG + O(Δy²).
    pub fn checks(&self) -> Vec<Check> {
        let detail = match (&self.beyond, self.whole) {
            (_, true) => "largest ‖Δy‖ that was tried; all hold".to_owned(),
            (Some(why), false) => format!("largest ‖Δy‖ that holds; beyond it: {why}"),
            (None, false) => "largest ‖Δy‖ that holds".to_owned(),
        };
        let expected = "above 0".to_owned();
        let mut checks = vec![Check::judged(
            "inverse radius",
            expected,
            &detail,
            Ok(self.radius),
            |radius| radius > 0.0,
        )];
        checks.extend(self.slope.map(|slope| {
            Check::judged(
                "inverse order",
                "at least 1.9".to_owned(),
                "slope of its distance to the inverse Jacobian's step against ‖Δy‖",
                Ok(slope),
                |slope| slope >= 1.9,
            )
        }));
        checks
    }
}

/// Sweeps ‖Δy‖ around P(x), in a random direction and against it.
///
/// Δy is Jv, or P(x + v) − P(x) where there are more observations than unknowns, so that
/// there is an x for it near by. `None` if there is no local inverse.
///
/// # Errors
/// If P or J fails at x.
///
/// # Cost
/// At most 42 inversions, and as many products with J⁺ as lines.
pub fn reach(simulator: &dyn Simulator, x: &[f64], seed: u64) -> Option<Result<Reach>> {
    simulator.local_inverse()?;
    Some(Sweep::new(simulator, x, seed).and_then(|sweep| sweep.run()))
}

struct Sweep<'a> {
    simulator: &'a dyn Simulator,
    x: &'a [f64],
    y: Vec<f64>,
    v: Vec<f64>,
    jv: Vec<f64>,
    promised: f64,
}

/// What the inverse makes of one Δy.
struct InverseTrial {
    line: ReachLine,
    why: Option<String>,
}

impl<'a> Sweep<'a> {
    fn new(simulator: &'a dyn Simulator, x: &'a [f64], seed: u64) -> Result<Self> {
        let v = Directions::new(seed).normal(x.len());
        let recovery = simulator.local_inverse().map(|inverse| inverse.recovery());
        Ok(Self {
            simulator,
            x,
            y: forward(simulator, x)?,
            jv: jvp(simulator, x, &v)?,
            v,
            promised: recovery.map_or(0.0, |recovery| recovery.remaining),
        })
    }

    fn run(&self) -> Result<Reach> {
        let mut lines = Vec::new();
        let (mut held, mut failed, mut beyond) = (None, None, None);
        for i in 0..LENGTHS {
            let scale = FIRST * 10.0_f64.powf(0.5 * f64::from(i));
            let trial = self.both(scale)?;
            lines.push(trial.line);
            if failed.is_none() {
                if trial.line.holds {
                    held = Some((scale, trial.line.length));
                } else {
                    failed = Some(scale);
                    beyond = trial.why;
                }
            }
        }
        if let (Some((mut low, _)), Some(mut high)) = (held, failed) {
            for _ in 0..BISECTIONS {
                let middle = (low * high).sqrt();
                let trial = self.both(middle)?;
                if trial.line.holds {
                    low = middle;
                    held = Some((low, trial.line.length));
                } else {
                    high = middle;
                    beyond = trial.why;
                }
            }
        }
        Ok(Reach {
            slope: self.slope(&lines),
            lines,
            promised: self.promised,
            radius: held.map_or(0.0, |(_, length)| length),
            whole: failed.is_none(),
            beyond,
        })
    }

    /// The worse of Δy and −Δy.
    fn both(&self, scale: f64) -> Result<InverseTrial> {
        let (ahead, behind) = (self.try_step(scale)?, self.try_step(-scale)?);
        let distance = ahead
            .line
            .to_inverse_jacobian
            .max(behind.line.to_inverse_jacobian);
        let behind_is_worse = match (ahead.line.holds, behind.line.holds) {
            (true, false) => true,
            (false, true) => false,
            _ => behind.line.remaining > ahead.line.remaining,
        };
        let mut worse = if behind_is_worse { behind } else { ahead };
        worse.line.to_inverse_jacobian = distance;
        Ok(worse)
    }

    fn try_step(&self, scale: f64) -> Result<InverseTrial> {
        let dy = if self.y.len() <= self.x.len() {
            self.jv.iter().map(|d| scale * d).collect()
        } else {
            match forward(self.simulator, &moved(self.x, scale, &self.v)) {
                Ok(there) => moved(&there, -1.0, &self.y),
                Err(error) => return Ok(unreached(&self.jv, scale, error.to_string())),
            }
        };
        let length = norm(&dy);
        let linear = self.inverse_jacobian(&dy)?;
        let mut dx = vec![0.0; self.x.len()];
        let stepped = match self.simulator.local_inverse() {
            Some(inverse) => inverse.step(self.x, &self.y, &dy, &mut dx),
            None => Ok(()),
        };
        let (arrived, why) = match stepped {
            Ok(()) => (true, None),
            Err(Error::InverseStopped { ref x, ref why, .. }) => {
                dx = moved(x, -1.0, self.x);
                (false, Some(why.clone()))
            }
            Err(error) => return Ok(unreached(&dy, 1.0, error.to_string())),
        };
        let there = forward(self.simulator, &moved(self.x, 1.0, &dx))?;
        let aim = moved(&self.y, 1.0, &dy);
        let remaining = norm(&moved(&there, -1.0, &aim));
        // P(x) itself is known to its round-off alone.
        let round_off = 1e3 * f64::EPSILON * (norm(&aim) + norm(&there));
        Ok(InverseTrial {
            line: ReachLine {
                length,
                remaining,
                holds: arrived && remaining <= self.promised * length + round_off,
                to_inverse_jacobian: norm(&moved(&dx, -1.0, &linear)),
            },
            why,
        })
    }

    /// J⁺Δy.
    fn inverse_jacobian(&self, dy: &[f64]) -> Result<Vec<f64>> {
        let solves = Solves {
            truncation: 1e-12,
            dense_up_to: 400,
            krylov_steps: 500,
        };
        let mut course = LocalSearch::new(self.simulator, &self.y, self.x, solves)?;
        let at = course.point(self.x.to_vec())?;
        course.tangent(&at)?.solve(dy, 0.0, &mut course.counts)
    }

    /// From the shortest four lengths whose distance stands clear of round-off.
    fn slope(&self, lines: &[ReachLine]) -> Option<f64> {
        let recovery = self.simulator.local_inverse()?.recovery();
        if recovery.subspace.is_some() {
            return None;
        }
        let clear = 1e-10 * (norm(self.x) + norm(&self.v));
        let points: Vec<(f64, f64)> = lines
            .iter()
            .take_while(|line| line.holds)
            .filter(|line| line.to_inverse_jacobian > clear)
            .take(4)
            .map(|line| (line.length.ln(), line.to_inverse_jacobian.ln()))
            .collect();
        (points.len() >= 2).then(|| derivatives::slope(&points))
    }
}

/// Nothing was reached, not even a part of the way.
fn unreached(dy: &[f64], scale: f64, why: String) -> InverseTrial {
    let length = scale.abs() * norm(dy);
    InverseTrial {
        line: ReachLine {
            length,
            remaining: length,
            holds: false,
            to_inverse_jacobian: f64::NAN,
        },
        why: Some(why),
    }
}
