//! Levenberg–Marquardt, within a trust region.

mod boxed;
mod model;
mod region;
mod secant;
mod step;
mod steps;
mod valley;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use model::QuadraticModel;
use region::TrustRegion;
use secant::Secant;

use super::least_squares::{Without, within_bounds};
use super::whitened::Whitened;
use super::{Memory, Notice, Trial, UpdateRule, Verdict};
use crate::error::Result;
use crate::linalg::LinearMap;
use crate::linalg::{LsmrOptions, dot, lsmr, norm};
use crate::options::{Checked, Validate, built, not_negative, positive};
use crate::problem::Evaluation;

/// Levenberg–Marquardt: Δx = argmin ‖W (J Δx − Δy)‖ within the trust region ‖D Δx‖ ≤ δ.
///
/// D holds the largest column norms of W J seen so far, so that the region is an ellipsoid in
/// the parameters' own units. δ starts at `radius_factor`·‖D x₀‖, at the least at
/// a tenth of `radius_factor`·‖W Δy‖, so that a tiny start does not make tiny steps, and follows the ratio of the
/// actual to the predicted reduction, as MINPACK does. The damping λ that makes ‖D Δx‖ = δ is
/// found on the singular values of W J D⁻¹, so a rank-deficient J does no harm. Where steps
/// gain next to nothing although the model promises more, they are bent along with P (geodesic
/// acceleration), and later D turns to 1/|x|, once for a run. What J does not tell of the curvature is learned from the
/// gradients, for up to 64 unknowns, and used once it foretells the loss better. Whole steps that halve, as where J is singular at
/// a solution, are doubled.
///
/// ```
/// use retrodict::losses::SquaredError;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::updates::LevenbergMarquardt;
/// // y = (x₀, 100 x₁); the solution is (1, 1).
/// let scaling = ScalingOptions::default().with_alpha(100.0).build()?;
/// let problem = Problem::new(scaling, SquaredError::half(), [1.0, 100.0])?;
/// let solver = Solver::new(LevenbergMarquardt::default(), StopWhen::after(10));
/// let x = solver.solve(&problem, &[3.0, -2.0])?.x;
/// assert!((x[0] - 1.0).abs() < 1e-9 && (x[1] - 1.0).abs() < 1e-9);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// None of the options carries one.
///
/// # Scaling
/// Invariant to P → αP, y* → αy* and, through D, to any change of the units of single
/// parameters.
///
/// # Near the optimum
/// Quadratic where the target is reached, as Gauss–Newton, and superlinear where it is not. Never uphill, but for steps that the
/// loss cannot tell from no step at all.
///
/// # Needs
/// min(m, n) products with J or Jᵀ a step and one forward call a trial, two where steps are bent; beyond
/// `dense_up_to`, pairs of products for LSMR with fixed damping.
///
/// # Within bounds
/// The step is the best one within bounds and region, sought exactly for up to 64 unknowns. Until a trial was as the model
/// said, no step goes more than half-way to a bound. Beyond 64, unknowns that run into a bound stop there, and the others are
/// sought again within the region; what the model promises is taken of that step. Linear constraints are kept in the same way
/// for up to 500 unknowns, behind the null space of equalities.
///
/// # When to choose it
/// For every small nonlinear least-squares problem without a local inverse: the first thing to
/// try.
///
/// # Source
/// Moré, *The Levenberg–Marquardt algorithm: implementation and theory* (1978); MINPACK's
/// lmder. Transtrum, Machta & Sethna, Phys. Rev. E 83 (2011), 036701, for steps that bend. Dennis, Gay & Welsch, ACM Trans.
/// Math. Softw. 7 (1981), for the curvature.
#[derive(Debug, Clone)]
pub struct LevenbergMarquardt {
    options: Checked<LevenbergMarquardtOptions>,
    memory: Memory<Trust>,
}

/// The options of [`LevenbergMarquardt`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct LevenbergMarquardtOptions {
    /// The first radius, relative to ‖D x₀‖, to a tenth of ‖W Δy‖ if that is more, or to ‖W Δy‖ where x₀ = 0; greater than 0.
    pub radius_factor: f64,
    /// The loss's own noise, relative to it, where that is more than round-off.
    pub loss_tolerance: f64,
    /// Gives up when δ falls below this, relative to ‖D x‖.
    pub step_tolerance: f64,
    /// min(m, n) up to which J is formed.
    pub dense_up_to: usize,
    /// Iterations of LSMR where it is not.
    pub krylov_steps: usize,
}

built!(LevenbergMarquardtOptions => LevenbergMarquardt { memory });

impl Default for LevenbergMarquardtOptions {
    fn default() -> Self {
        Self {
            radius_factor: 1.0,
            loss_tolerance: 0.0,
            step_tolerance: 1e-15,
            dense_up_to: 1500,
            krylov_steps: 100,
        }
    }
}

/// A model that promises at least this part of the loss says that the data can be met.
const HALF: f64 = 0.5;

/// The trust region, and the model of the current point while trials are rejected.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Trust {
    region: TrustRegion,
    /// What J does not tell of the curvature, for problems of few unknowns.
    #[serde(default)]
    secant: Secant,
    /// The model with that, where it is to be had.
    #[serde(skip)]
    curved: Option<QuadraticModel>,
    /// Not kept over a pause: between two steps there is none.
    #[serde(skip)]
    model: Option<QuadraticModel>,
}

impl Validate for LevenbergMarquardtOptions {
    fn validate(&self) -> Result<()> {
        positive("radius_factor", self.radius_factor)?;
        not_negative("loss_tolerance", self.loss_tolerance)?;
        not_negative("step_tolerance", self.step_tolerance)?;
        positive("krylov_steps", self.krylov_steps as f64)
    }
}

impl UpdateRule for LevenbergMarquardt {
    fn name(&self) -> &'static str {
        "levenberg-marquardt"
    }

    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let map = Whitened::new(at)?;
        let aim = map.target_step()?;
        let constrained = at.problem().constraints().is_some();
        if aim.len().min(dx.len()) > self.options.dense_up_to && !constrained {
            self.matrix_free(&map, &aim, at, dx)?;
        } else {
            self.dense(&map, &aim, at, dx)?;
        }
        let Trust {
            region,
            secant,
            curved,
            model,
        } = &mut self.memory.0;
        let (along, square) = match model {
            Some(model) => model.reach(&region.scale, dx),
            None => {
                let mut moved = vec![0.0; aim.len()];
                map.apply(dx, &mut moved)?;
                (dot(&aim, &moved), dot(&moved, &moved))
            }
        };
        region.noise = at
            .loss_round_off()?
            .max(self.options.loss_tolerance * at.loss()?);
        region.slope = -along;
        // The model ½‖W(JΔx − Δy)‖² promises ½‖aim‖² − ½‖aim − WJΔx‖².
        region.predicted = along - 0.5 * square;
        region.bend = secant.bend(dx);
        let model = match region.curved {
            true => curved,
            false => model,
        };
        if region.curved {
            region.predicted -= region.bend;
        }
        let best = !region.limited && !region.partial;
        region.whole = match model {
            Some(_) if region.bent && best => region.predicted,
            Some(model) => model.promise(),
            None if region.bent || !best || region.damping > 0.0 => f64::INFINITY,
            None => region.predicted,
        };
        if let Some(model) = model
            && region.crawled >= valley::WINDING
            && !region.curved
            && !region.bent
            && !constrained
        {
            valley::follow(region, model, &map, at, dx)?;
        }
        let whole = model.is_some() && !region.limited && !region.bent;
        region.steps.note(at.x(), dx, &region.scale, whole);
        // Where the data can be met, whole steps that halve lead to twice as far.
        if region.whole >= HALF * at.loss()?
            && !region.curved
            && !constrained
            && let Some(stretch) = region.steps.stretch(&region.scale)
        {
            dx.iter_mut().for_each(|d| *d *= stretch);
            at.keep_within(dx);
            region.measure(dx);
        }
        Ok(None)
    }

    fn judges(&self) -> bool {
        true
    }

    fn keeps_constraints(&self) -> bool {
        true
    }

    fn promise(&self) -> Option<f64> {
        self.memory.0.region.promise
    }

    fn foresees(&self) -> Option<f64> {
        let region = &self.memory.0.region;
        (!region.bent && !region.partial).then_some(region.whole)
    }

    fn overlooks(&self) -> bool {
        self.memory.0.region.silent
    }

    fn change(&self) -> f64 {
        self.memory.0.region.steps.change()
    }

    fn judge(&mut self, trial: &Trial) -> Verdict {
        let verdict = self
            .memory
            .0
            .region
            .judge(trial, self.options.step_tolerance);
        // Only another try from the same point, in the same metric, may use the same model.
        if verdict != Verdict::Retry || self.memory.0.region.radius.is_none() {
            self.memory.0.model = None;
            self.memory.0.curved = None;
        }
        verdict
    }

    fn remember(&self) -> Vec<u8> {
        self.memory.to_bytes()
    }

    fn recall(&mut self, bytes: &[u8]) -> Result<()> {
        self.memory.take_from(bytes)
    }
}

impl LevenbergMarquardt {
    fn dense(
        &mut self,
        map: &Whitened<'_, '_>,
        aim: &[f64],
        at: &Evaluation<'_>,
        dx: &mut [f64],
    ) -> Result<()> {
        let Trust {
            region,
            secant,
            curved,
            model,
        } = &mut self.memory.0;
        let held: Vec<usize> = at.held()?.map_or_else(Vec::new, |held| {
            (0..held.len()).filter(|i| held[*i]).collect()
        });
        let few = dx.len() <= step::BEST_UP_TO;
        let count = held.len();
        let plain = match model.take() {
            Some(model) => model,
            None => {
                let columns = map.columns()?;
                region.rescale(&columns, at.x());
                region.enter(at.x(), self.options.radius_factor, norm(aim));
                let errors = map.column_errors(false)?;
                let plain = QuadraticModel::new(columns, errors.as_deref(), &region.scale, aim)?;
                if few {
                    secant.learn(at.x(), &plain, &region.scale, held);
                }
                plain
            }
        };
        let plain = &*model.insert(plain);
        // Where the data can be met, the curvature is that of a misfit which vanishes.
        let met = region.trusts(plain.length(0.0).0) && plain.promise() >= HALF * at.loss()?;
        let wanted = few && region.prefers_curved() && !met;
        if wanted && curved.is_none() {
            *curved = secant.with(plain, &region.scale);
        }
        let used = curved.as_ref().filter(|_| wanted);
        region.curved = used.is_some();
        let used = used.unwrap_or(plain);
        region.silent = !region.is_linear() && plain.rank() < dx.len() - count;
        region.partial = false;
        let mut whole = used.length(0.0).0;
        if let Some(facets) = at.facets() {
            whole = step::constrained(region, used, facets, at, dx)?;
        } else if few {
            step::best(region, used, at, dx)?;
        } else {
            step::clipped(region, used, map, aim, at, dx)?;
        }
        region.measure(dx);
        region.whole_norm = whole;
        Ok(())
    }

    /// Without J: λ is kept from step to step instead of δ, and D is the identity.
    fn matrix_free(
        &mut self,
        map: &Whitened<'_, '_>,
        aim: &[f64],
        at: &Evaluation<'_>,
        dx: &mut [f64],
    ) -> Result<()> {
        let region = &mut self.memory.0.region;
        region.scale.clear();
        region.scale.resize(at.x().len(), 1.0);
        let options = LsmrOptions {
            damping: region.damping.sqrt(),
            tolerance: 1e-10,
            max_iterations: self.options.krylov_steps,
        };
        region.bent = within_bounds(at, map, aim, dx, |stopped, aim, dx| {
            lsmr(&Without { a: map, stopped }, aim, &options, dx)?;
            Ok(())
        })?;
        let length = norm(dx);
        // Without the columns of J nothing better is known of how far the data are.
        region.enter(at.x(), self.options.radius_factor, length);
        let radius = region.radius.unwrap_or(f64::INFINITY);
        region.limited = length > radius;
        if length > radius {
            dx.iter_mut().for_each(|d| *d *= radius / length);
        }
        region.measure(dx);
        Ok(())
    }
}
