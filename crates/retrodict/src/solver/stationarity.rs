//! What a point is: whether the loss still falls there to first order, to second order, or not at all.

use crate::error::Result;
use crate::interrupt;
use crate::linalg::LinearMap;
use crate::linalg::{dot, norm, svd};
use crate::problem::{Evaluation, flatten};
use crate::solver::constrained::allowed_pull;
use crate::solver::curvature;
use crate::solver::stop::LOSS_CHANGE;
use crate::updates::{TRUSTED, Whitened};

/// A cosine below this changes the loss by its round-off: what is lost to a step is L times its square.
const UNSEEN: f64 = 1e-7;

/// A cosine below this is that of a point where a fit may end whose loss has settled: what MINPACK's `gtol` measures.
const GENTLE: f64 = 1e-6;

/// Where the loss no longer falls, a cosine below this asks for a look at the noise of y.
const NEARLY_FLAT: f64 = 1e-2;

/// Where no step led on, an unknown whose effect on y, changed by its own size, is below this part of the misfit has none. Before
/// a step was tried that would be too much said: an x may have another size than its start.
const NEXT_TO_NOTHING: f64 = 1e-10;

/// How far x is moved, relative to itself, to see whether y follows J there: far beyond round-off, and still near.
const NEARBY: f64 = 1e-6;

/// Units in the last place by which y, or J x, may be off.
const ROUND_OFF: f64 = 8.0 * f64::EPSILON;

/// The part of the misfit that the round-off of x may pass for.
const MOST_OF_X: f64 = 1e-2;

/// The part of the first loss that round-off leaves of it: that of the residuals, squared.
const NOTHING_LEFT: f64 = ROUND_OFF * ROUND_OFF;

/// A promise above this multiple of what noise makes on average is none of noise: 5 standard deviations, squared, since
/// noise is known by order of magnitude.
const SURELY: f64 = 25.0;

/// The error of a column, relative to its length, bounds what of a cosine with it is error; it is known to about this factor.
const OF_ERROR: f64 = 3.0;

/// Unknowns up to which J is asked for where it is not known.
const WITH_JACOBIAN_UP_TO: usize = 32;

/// What a point was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// The gradient vanishes, and no direction was found in which the loss falls.
    Minimum,
    /// The gradient vanishes, and the loss falls on either side.
    Saddle,
    /// No unknown changes y, and the data are not reached.
    WithoutEffect,
    /// What is left to gain is less than the noise of y hides.
    WithinNoise,
    /// The gradient does not vanish.
    Slope,
}

/// How steep the loss is at a point, in the scale of its own unknowns.
pub(crate) struct Slope {
    /// The largest cosine between the residuals and what a free unknown does to y, both in the units of the loss: 0 where the
    /// gradient is round-off of y or x.
    pub(crate) cosine: f64,
    /// Whether the round-off of x alone may make the whole misfit.
    pub(crate) within_round_off: bool,
    /// The same if the unknowns are no smaller than 1: near 0 an x says nothing of its size.
    within_round_off_of_one: bool,
    /// The free unknowns that do not change y, where J tells.
    pub(crate) without_effect: Vec<usize>,
    /// Whether that is all of them.
    pub(crate) none_has_effect: bool,
}

impl Slope {
    /// Whether the gradient vanishes, as far as round-off and the error of J can tell.
    pub(crate) fn vanishes(&self, at: &Evaluation<'_>) -> bool {
        self.cosine <= UNSEEN.max(error_of_jacobian(at))
    }

    /// Whether noise of y may be what is left of the gradient, where nothing is known of it yet.
    pub(crate) fn may_be_noise(&self) -> bool {
        self.cosine <= NEARLY_FLAT
    }

    /// Whether the gradient is so small that a fit whose loss has settled may end.
    pub(crate) fn is_gentle(&self, at: &Evaluation<'_>) -> bool {
        !self.none_has_effect && self.cosine <= GENTLE.max(error_of_jacobian(at))
    }
}

/// Looks whether y scatters, where there are so few unknowns that the noise can be weighed against what is left to gain.
pub(crate) fn look_for_noise(at: &Evaluation<'_>) -> Result<()> {
    match at.x().len() <= WITH_JACOBIAN_UP_TO {
        true => at.look_for_noise(),
        false => Ok(()),
    }
}

/// How far off products with J may be, relative to their size.
pub(crate) fn error_of_jacobian(at: &Evaluation<'_>) -> f64 {
    let how = &at.problem().description().approximation;
    how.as_ref().map_or(0.0, |how| how.error)
}

/// The slope at a point.
///
/// # Cost
/// J, where it is not known and there are few unknowns; else one product with Jᵀ and one with J.
pub(crate) fn slope(at: &Evaluation<'_>) -> Result<Slope> {
    slope_above(at, 0.0)
}

/// The slope at a point, where an unknown whose effect is at most this part of the misfit counts as without effect.
fn slope_above(at: &Evaluation<'_>, nothing: f64) -> Result<Slope> {
    let map = Whitened::new(at)?;
    let aim = map.target_step()?;
    let misfit = norm(&aim);
    let mut seen = vec![0.0; aim.len()];
    map.whiten(at.y()?, &mut seen);
    let size = norm(&seen);
    let constrained = at.problem().constraints().is_some();
    if !constrained && !at.knows_jacobian() && at.x().len() > WITH_JACOBIAN_UP_TO {
        let gradient = at.gradient()?;
        map.apply(gradient, &mut seen)?;
        let along = norm(&seen);
        let excess = if along > 0.0 {
            dot(gradient, gradient) / along - ROUND_OFF * size
        } else {
            0.0
        };
        return Ok(Slope {
            cosine: share(excess, misfit),
            within_round_off: false,
            within_round_off_of_one: false,
            without_effect: Vec::new(),
            none_has_effect: false,
        });
    }
    let columns = map.columns()?;
    let lengths: Vec<f64> = (0..columns.rows()).map(|i| norm(columns.row(i))).collect();
    let of_x: f64 = lengths.iter().zip(at.x()).map(|(l, x)| l * x.abs()).sum();
    let of_one: f64 = lengths
        .iter()
        .zip(at.x())
        .map(|(l, x)| l * x.abs().max(1.0))
        .sum();
    // Near a blow-up J is so large that the round-off of x could hide any slope: it may explain a small part.
    let round_off = ROUND_OFF * size + (ROUND_OFF * of_x).min(MOST_OF_X * misfit);
    let held = at.held()?;
    let (mut cosine, mut free) = (0.0_f64, 0);
    let mut without_effect = Vec::new();
    for (i, length) in lengths.iter().enumerate() {
        if held.is_some_and(|held| held[i]) {
            continue;
        }
        free += 1;
        // Of a change of x by its own size.
        let effect = length * at.x()[i].abs().max(1.0);
        if effect <= (f64::EPSILON * size).max(nothing * misfit) {
            without_effect.push(i);
        } else if *length != 0.0 {
            let excess = dot(columns.row(i), &aim).abs() / length - round_off;
            cosine = cosine.max(share(excess, misfit));
        }
    }
    // What constraints block is no slope; what they leave is that of all unknowns together.
    let pulls = (0..columns.rows()).map(|i| dot(columns.row(i), &aim));
    if constrained && let Some(pull) = allowed_pull(at, &lengths, &pulls.collect::<Vec<_>>())? {
        let round_off = (lengths.len() as f64).sqrt() * round_off;
        cosine = share(pull - round_off, misfit);
    }
    Ok(Slope {
        cosine,
        within_round_off: misfit <= ROUND_OFF * (size + of_x),
        within_round_off_of_one: misfit <= ROUND_OFF * (size + of_one),
        none_has_effect: free > 0 && without_effect.len() == free && misfit > round_off,
        without_effect,
    })
}

/// What a linear model promises to gain at a point whose y is noisy, and what of that is noise.
struct Gain {
    promised: f64,
    /// What noise and the error of J alone would promise.
    of_noise: f64,
    /// The most that a single unknown promises whose part of the gradient is no error of J.
    of_one: f64,
}

impl Gain {
    /// Whether it is less than the noise of the loss hides, or no more than noise makes of nothing and too little to matter. What
    /// an unknown promises by itself counts also where combinations are not known well enough to promise anything.
    fn is_hidden(&self, at: &Evaluation<'_>) -> Result<bool> {
        let least = at.loss_round_off()?;
        let little = least.max(hardly_matters(at) * at.loss()?);
        Ok(self.of_one <= least
            && (self.promised <= least || self.is_noise() && self.promised <= little))
    }

    /// Whether noise makes as much of nothing.
    fn is_noise(&self) -> bool {
        self.promised <= self.of_noise
    }
}

/// Whether the promise of the linear model is what noise makes of nothing, and hidden by it; for steps that go `nowhere` the former
/// is enough. `false` where no noise was seen.
///
/// # Cost
/// A singular value decomposition of J, where it has few columns and noise was seen.
pub(crate) fn is_noise(at: &Evaluation<'_>, nowhere: bool) -> Result<bool> {
    match gain(at)? {
        Some(gain) => Ok(gain.is_noise() && (nowhere || gain.is_hidden(at)?)),
        None => Ok(false),
    }
}

/// The share of the loss that moves no unknown by more than 3 % of its standard deviation, if the residuals are noise; where no
/// datum is left over, that by which a loss has settled.
fn hardly_matters(at: &Evaluation<'_>) -> f64 {
    let left_over = at.problem().outputs().saturating_sub(at.x().len());
    match left_over {
        0 => LOSS_CHANGE,
        left_over => LOSS_CHANGE.max(1e-3 / left_over as f64),
    }
}

fn gain(at: &Evaluation<'_>) -> Result<Option<Gain>> {
    if at.x().len() > WITH_JACOBIAN_UP_TO {
        return Ok(None);
    }
    let map = Whitened::new(at)?;
    let mut columns = map.columns()?;
    // Known only now, where J is found by differences.
    let Some(noise) = at.noise() else {
        return Ok(None);
    };
    let column_errors = map.column_errors(false)?;
    let aim = map.target_step()?;
    let mut errors = vec![UNSEEN; columns.rows()];
    let mut of_one = 0.0_f64;
    for (i, error) in errors.iter_mut().enumerate() {
        let length = norm(columns.row(i));
        if length == 0.0 {
            continue;
        }
        *error = error.max(
            column_errors
                .as_ref()
                .map_or(0.0, |column_errors| column_errors[i] / length),
        );
        columns.row_mut(i).iter_mut().for_each(|v| *v /= length);
        let along = dot(columns.row(i), &aim).abs();
        if along > OF_ERROR * *error * norm(&aim) {
            of_one = of_one.max(0.5 * along * along);
        }
        if *error > TRUSTED {
            // It would lend its noise to the directions of others.
            columns.row_mut(i).fill(0.0);
        }
    }
    let mut whitened = vec![0.0; noise.len()];
    map.whiten(&noise, &mut whitened);
    // The variance of the noise in each direction of y, and of what the misfit lends to a direction that is off at random.
    let count = aim.len().max(1) as f64;
    let variance = dot(&whitened, &whitened) / count;
    let squares: Vec<f64> = aim.iter().map(|a| a * a).collect();
    let sum: f64 = squares.iter().sum();
    // The larger a residual, the more J may be off there: noise often goes with y.
    let misfit = match sum > 0.0 {
        true => dot(&squares, &squares) / sum,
        false => 0.0,
    };
    let parts = svd(&columns)?;
    let (mut promised, mut of_noise, mut known) = (0.0, 0.0, 0);
    for (k, s) in parts.s.iter().enumerate() {
        // How far off the effect of this combination of unknowns may be: one that may be all error promises nothing.
        let squares = (0..columns.rows()).map(|i| (parts.u[(i, k)] * errors[i]).powi(2));
        let off = squares.sum::<f64>().sqrt();
        if off <= TRUSTED * s {
            let along: f64 = (0..aim.len()).map(|r| parts.v[(r, k)] * aim[r]).sum();
            promised += 0.5 * along * along;
            of_noise += SURELY * 0.5 * (variance + (off / s).powi(2) * misfit);
            known += 1;
        }
    }
    Ok((known > 0).then_some(Gain {
        promised,
        of_noise,
        of_one,
    }))
}

/// Whether y changes as J says over a distance far beyond the round-off of x: not so beside a blow-up.
///
/// # Cost
/// One evaluation, or two where the first fails.
fn follows_jacobian(at: &Evaluation<'_>) -> Result<bool> {
    let mut dx: Vec<f64> = at.x().iter().map(|x| NEARBY * x).collect();
    at.drop_blocked(&mut dx);
    if let Some(normals) = at.normals() {
        flatten(&normals, &mut dx);
    }
    let mut expected = vec![0.0; at.y()?.len()];
    at.jvp(&dx, &mut expected)?;
    for side in [1.0, -1.0] {
        let Ok(there) = at.moved(&dx, side).outputs_alone() else {
            interrupt::check()?;
            continue;
        };
        let changes = there
            .iter()
            .zip(at.y()?)
            .map(|(there, here)| side * (there - here));
        let off: Vec<f64> = changes.zip(&expected).map(|(c, e)| c - e).collect();
        return Ok(norm(&off) <= 0.5 * norm(&expected));
    }
    Ok(false)
}

/// A part of the misfit, none where it is negative; infinite where a number is none, so that nothing is said to vanish.
fn share(excess: f64, misfit: f64) -> f64 {
    if !excess.is_finite() || !misfit.is_finite() {
        f64::INFINITY
    } else if misfit > 0.0 {
        (excess / misfit).max(0.0)
    } else {
        0.0
    }
}

/// What the point is, with the unknowns that do not change y there where that was looked at. `first_loss` is that of the
/// run's start.
///
/// # Cost
/// That of [`slope`], and where the gradient vanishes up to 8 products with the Hessian; nothing where the
/// loss is 0 to round-off.
pub(crate) fn judge(at: &Evaluation<'_>, first_loss: f64) -> Result<(Nature, Option<Vec<usize>>)> {
    let (loss, round_off) = (at.loss()?, at.loss_round_off()?);
    if round_off.is_finite() && loss <= round_off {
        return Ok((Nature::Minimum, None));
    }
    let slope = slope_above(at, NEXT_TO_NOTHING)?;
    // Near a blow-up too the round-off of x may make the whole misfit: the data are reached where nothing is left of it, or
    // where there is no blow-up.
    let nothing_left = loss <= NOTHING_LEFT * first_loss;
    let reached = nothing_left && slope.within_round_off_of_one
        || slope.within_round_off && (nothing_left || follows_jacobian(at)?);
    if reached {
        return Ok((Nature::Minimum, Some(slope.without_effect)));
    }
    let nature = if !slope.none_has_effect && !slope.vanishes(at) {
        // Before a slope is blamed on J or a rule: what is left may be noise.
        look_for_noise(at)?;
        match gain(at)? {
            Some(gain) if gain.is_hidden(at)? => Nature::WithinNoise,
            _ => Nature::Slope,
        }
    } else if curvature::leads_downhill(at)? {
        Nature::Saddle
    } else if slope.none_has_effect {
        Nature::WithoutEffect
    } else {
        Nature::Minimum
    };
    Ok((nature, Some(slope.without_effect)))
}
