//! How far to go along Δx: the whole way, backtracking, or strong Wolfe.

use crate::error::{Error, Result};
use crate::linalg::dot;
use crate::problem::Evaluation;
use crate::updates::Search;

/// The point x + scale Δx, evaluated as far as the search needed; `None` if no point
/// satisfies the conditions.
pub(crate) type Landing<'p> = Option<(Evaluation<'p>, f64)>;

/// Trials before a search gives up; halving so often leaves 1e-12 of the step.
const MAX_TRIALS: usize = 40;

/// Halvings of a step that is otherwise taken as it is, where it leads out of what can be simulated.
const MAX_HALVINGS: usize = 6;

/// Trials at which the simulation failed, or gave a loss that is no finite number.
pub(crate) struct FailedTrials {
    /// How many.
    pub(crate) count: usize,
    /// Why, at the first that failed.
    pub(crate) first: Option<Error>,
    /// Whether there was a loss of NaN.
    pub(crate) without_value: bool,
    /// Whether a step that is taken as it is may be halved.
    may_halve: bool,
}

impl FailedTrials {
    pub(crate) fn new(may_halve: bool) -> Self {
        Self {
            count: 0,
            first: None,
            without_value: false,
            may_halve,
        }
    }

    /// A failed simulation inside a search shortens the step instead of ending the run; an interruption ends it.
    fn or_infinity(&mut self, loss: Result<f64>) -> Result<f64> {
        match loss {
            Ok(loss) if loss.is_finite() => return Ok(loss),
            Ok(loss) => self.without_value |= loss.is_nan(),
            Err(error) if error.is_interruption() => return Err(error),
            Err(error) => self.first = self.first.take().or(Some(error)),
        }
        self.count += 1;
        Ok(f64::INFINITY)
    }
}

/// Looks along dx from `at`.
pub(crate) fn search<'p>(
    search: Search,
    at: &Evaluation<'p>,
    dx: &[f64],
    failed_trials: &mut FailedTrials,
) -> Result<Landing<'p>> {
    match search {
        Search::Full => whole(at, dx, failed_trials).map(Some),
        Search::Backtracking { decrease } => backtrack(at, dx, decrease, failed_trials),
        Search::StrongWolfe {
            decrease,
            curvature,
        } => match at.first_bend(dx) {
            // Where bounds bend the way there may be no point with a small slope.
            bend if bend < 1.0 => backtrack(at, dx, decrease, failed_trials),
            bend => Wolfe::new(at, dx, [decrease, curvature], bend, failed_trials)?.find(),
        },
    }
}

/// The whole step; shorter where that leads out of what can be simulated. Where no shorter one helps
/// either, the whole one tells what is wrong.
fn whole<'p>(
    at: &Evaluation<'p>,
    dx: &[f64],
    failed_trials: &mut FailedTrials,
) -> Result<(Evaluation<'p>, f64)> {
    let landing = at.moved(dx, 1.0);
    if failed_trials.or_infinity(landing.loss())?.is_finite() || !failed_trials.may_halve {
        return Ok((landing, 1.0));
    }
    let mut scale = 1.0;
    for _ in 0..MAX_HALVINGS {
        scale *= 0.5;
        let shorter = at.moved(dx, scale);
        if failed_trials.or_infinity(shorter.loss())?.is_finite() {
            return Ok((shorter, scale));
        }
    }
    Ok((landing, 1.0))
}

fn backtrack<'p>(
    at: &Evaluation<'p>,
    dx: &[f64],
    decrease: f64,
    failed_trials: &mut FailedTrials,
) -> Result<Landing<'p>> {
    let gradient = at.gradient()?;
    let slope = dot(gradient, dx);
    let bend = at.first_bend(dx);
    let loss = at.loss()?;
    let mut scale = 1.0;
    for _ in 0..MAX_TRIALS {
        let landing = at.moved(dx, scale);
        let promised = if scale <= bend {
            scale * slope
        } else {
            along(gradient, at.x(), landing.x())
        };
        if promised < 0.0
            && failed_trials.or_infinity(landing.loss())? <= loss + decrease * promised
        {
            return Ok(Some((landing, scale)));
        }
        scale *= 0.5;
    }
    Ok(None)
}

/// gᵀ(to − from): what the slope promises of a way that bounds have bent.
fn along(gradient: &[f64], from: &[f64], to: &[f64]) -> f64 {
    let ways = from.iter().zip(to).map(|(from, to)| to - from);
    gradient.iter().zip(ways).map(|(g, way)| g * way).sum()
}

/// φ(a) = L(x + a Δx) and φ′(a), with the evaluation that they came from.
struct SearchPoint<'p> {
    scale: f64,
    loss: f64,
    slope: f64,
    /// `None` at the start of the search, which is no place to land.
    landing: Option<Evaluation<'p>>,
}

struct Wolfe<'a, 'p> {
    at: &'a Evaluation<'p>,
    dx: &'a [f64],
    loss: f64,
    slope: f64,
    decrease: f64,
    curvature: f64,
    /// Where bounds bend the way: the search goes no further.
    longest: f64,
    trials: usize,
    failed_trials: &'a mut FailedTrials,
}

impl<'a, 'p> Wolfe<'a, 'p> {
    fn new(
        at: &'a Evaluation<'p>,
        dx: &'a [f64],
        [decrease, curvature]: [f64; 2],
        longest: f64,
        failed_trials: &'a mut FailedTrials,
    ) -> Result<Self> {
        Ok(Self {
            at,
            dx,
            loss: at.loss()?,
            slope: dot(at.gradient()?, dx),
            decrease,
            curvature,
            longest,
            trials: 0,
            failed_trials,
        })
    }

    fn point(&mut self, scale: f64) -> Result<SearchPoint<'p>> {
        self.trials += 1;
        let landing = self.at.moved(self.dx, scale);
        let mut loss = self.failed_trials.or_infinity(landing.loss())?;
        let mut slope = f64::INFINITY;
        if loss.is_finite() {
            // Where the way back fails, the point is as good as none.
            let found = landing.gradient().map(|gradient| dot(gradient, self.dx));
            slope = self.failed_trials.or_infinity(found)?;
            loss = if slope.is_finite() {
                loss
            } else {
                f64::INFINITY
            };
        }
        Ok(SearchPoint {
            scale,
            loss,
            slope,
            landing: Some(landing),
        })
    }

    fn is_high(&self, p: &SearchPoint<'p>) -> bool {
        p.loss > self.loss + self.decrease * p.scale * self.slope
    }

    fn is_flat(&self, p: &SearchPoint<'p>) -> bool {
        p.slope.abs() <= -self.curvature * self.slope
    }

    /// Algorithm 3.5: step out until an interval holds a good point, then zoom into it.
    fn find(mut self) -> Result<Landing<'p>> {
        if self.slope >= 0.0 || !self.slope.is_finite() {
            return Ok(None);
        }
        let mut low = SearchPoint {
            scale: 0.0,
            loss: self.loss,
            slope: self.slope,
            landing: None,
        };
        let mut scale = 1.0;
        while self.trials < MAX_TRIALS {
            let trial = self.point(scale)?;
            if self.is_high(&trial) || (low.scale > 0.0 && trial.loss >= low.loss) {
                return self.zoom(low, trial);
            }
            if self.is_flat(&trial) {
                return Ok(found(trial));
            }
            if trial.slope >= 0.0 {
                return self.zoom(trial, low);
            }
            if scale >= self.longest {
                return Ok(found(trial));
            }
            scale = (2.0 * scale).min(self.longest);
            low = trial;
        }
        Ok(found_if_lower(low))
    }

    /// Algorithm 3.6, with the cubic's minimiser kept off the ends of the interval.
    fn zoom(mut self, mut low: SearchPoint<'p>, mut high: SearchPoint<'p>) -> Result<Landing<'p>> {
        while self.trials < MAX_TRIALS {
            let trial = self.point(inside(&low, &high))?;
            if self.is_high(&trial) || trial.loss >= low.loss {
                high = trial;
            } else if self.is_flat(&trial) {
                return Ok(found(trial));
            } else {
                if trial.slope * (high.scale - low.scale) >= 0.0 {
                    high = low;
                }
                low = trial;
            }
            if (high.scale - low.scale).abs() <= 1e-14 * high.scale.max(low.scale) {
                break;
            }
        }
        Ok(found_if_lower(low))
    }
}

fn found(p: SearchPoint<'_>) -> Landing<'_> {
    Some((p.landing?, p.scale))
}

/// The lowest point of a search that ran out of trials still is progress, if it is one.
fn found_if_lower(p: SearchPoint<'_>) -> Landing<'_> {
    found(p)
}

/// The minimiser of the cubic through both ends, or the middle where it is of no use.
fn inside(low: &SearchPoint<'_>, high: &SearchPoint<'_>) -> f64 {
    let (a, b) = (low.scale, high.scale);
    let width = b - a;
    let middle = a + 0.5 * width;
    if !high.loss.is_finite() {
        return a + 0.1 * width;
    }
    let d1 = low.slope + high.slope - 3.0 * (low.loss - high.loss) / (a - b);
    let root = d1 * d1 - low.slope * high.slope;
    if root < 0.0 {
        return middle;
    }
    let d2 = root.sqrt() * width.signum();
    let t = b - width * (high.slope + d2 - d1) / (high.slope - low.slope + 2.0 * d2);
    let margin = 0.1 * width.abs();
    if t.is_finite() && t > a.min(b) + margin && t < a.max(b) - margin {
        t
    } else {
        middle
    }
}
