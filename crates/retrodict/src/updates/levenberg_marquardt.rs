use serde::{Deserialize, Serialize};

use super::least_squares::{Without, within_bounds};
use super::whitened::Whitened;
use super::{Memory, Notice, Trial, UpdateRule, Verdict};
use crate::error::Result;
use crate::linalg::{LsmrOptions, Matrix, Svd, dot, lsmr, norm, svd};
use crate::options::{Validate, not_negative, positive};
use crate::problem::{Evaluation, silence};

/// Levenberg–Marquardt: Δx = argmin ‖W (J Δx − Δy)‖ within the trust region ‖D Δx‖ ≤ δ.
///
/// D holds the largest column norms of W J seen so far, so that the region is an ellipsoid in
/// the parameters' own units. δ starts at `radius_factor`·‖D x₀‖ and follows the ratio of the
/// actual to the predicted reduction, as MINPACK does. The damping λ that makes ‖D Δx‖ = δ is
/// found on the singular values of W J D⁻¹, so a rank-deficient J does no harm. Where steps
/// gain next to nothing although the model promises more, D turns to 1/|x|, once for a run.
///
/// # Units
/// None of the options carries one.
///
/// # Scaling
/// Invariant to P → αP, y* → αy* and, through D, to any change of the units of single
/// parameters.
///
/// # Near the optimum
/// As Gauss–Newton: quadratic where the target is reached. Never uphill, but for steps that the
/// loss cannot tell from no step at all.
///
/// # Needs
/// min(m, n) products with J or Jᵀ a step and one forward call a trial; beyond `dense_up_to`,
/// pairs of products for LSMR with fixed damping.
///
/// # Within bounds
/// Unknowns that run into a bound stop there, and the others are sought again within the region;
/// what the model promises is taken of that step.
///
/// # When to choose it
/// For every small nonlinear least-squares problem without a local inverse: the first thing to
/// try.
///
/// # Source
/// Moré, *The Levenberg–Marquardt algorithm: implementation and theory* (1978); MINPACK's
/// lmder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LevenbergMarquardt {
    /// The first radius, relative to ‖D x₀‖; greater than 0.
    pub radius_factor: f64,
    /// The loss's own noise, relative to it, where that is more than round-off.
    pub loss_tolerance: f64,
    /// Gives up when δ falls below this, relative to ‖D x‖.
    pub step_tolerance: f64,
    /// min(m, n) up to which J is formed.
    pub dense_up_to: usize,
    /// Iterations of LSMR where it is not.
    pub krylov_steps: usize,
    /// What lasts from step to step; starts empty and is no option.
    #[serde(skip)]
    pub memory: Memory<Trust>,
}

impl Default for LevenbergMarquardt {
    fn default() -> Self {
        Self {
            radius_factor: 10.0,
            loss_tolerance: 0.0,
            step_tolerance: 1e-15,
            dense_up_to: 1500,
            krylov_steps: 100,
            memory: Memory::default(),
        }
    }
}

/// The trust region, and the model of the current point while trials are rejected.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    region: Region,
    /// Not kept over a pause: between two steps there is none.
    #[serde(skip)]
    model: Option<Model>,
}

/// The ellipsoid ‖D Δx‖ ≤ δ.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Region {
    scale: Vec<f64>,
    radius: Option<f64>,
    /// ‖D x‖ of the current point and ‖D Δx‖ of the last step.
    x_norm: f64,
    step_norm: f64,
    damping: f64,
    /// What the model promised: loss now minus loss of the model at x + Δx.
    predicted: f64,
    slope: f64,
    /// Differences of the loss below this say nothing.
    noise: f64,
    /// ‖D Δx‖ of the last step taken on the model's word alone.
    polished: Option<f64>,
    /// ‖D Δx‖ of the undamped step; 0 where J is not formed.
    whole_norm: f64,
    /// For how many steps the region held back and little was gained.
    crawled: usize,
    /// Whether bounds bent the last step: then a shorter one may gain what it does not.
    bent: bool,
    /// Whether D measures changes of x by x itself, since J misled.
    relative: bool,
}

/// A smaller share of the loss is no progress.
const CRAWL: f64 = 1e-2;

/// Steps without progress before another region is tried.
const PATIENCE: usize = 50;

/// W J D⁻¹ = U S Vᵀ and Uᵀ W Δy: what remains valid while trials from one x are rejected.
#[derive(Debug, Clone, PartialEq)]
struct Model {
    parts: Svd,
    overlap: Vec<f64>,
}

impl Validate for LevenbergMarquardt {
    fn validate(&self) -> Result<()> {
        positive("radius_factor", self.radius_factor)?;
        not_negative("loss_tolerance", self.loss_tolerance)?;
        not_negative("step_tolerance", self.step_tolerance)?;
        positive("krylov_steps", self.krylov_steps as f64)
    }
}

impl UpdateRule for LevenbergMarquardt {
    fn update(&mut self, at: &Evaluation<'_>, dx: &mut [f64]) -> Result<Option<Notice>> {
        let map = Whitened::new(at)?;
        let aim = map.target_step()?;
        if aim.len().min(dx.len()) > self.dense_up_to {
            self.matrix_free(&map, &aim, at, dx)?;
        } else {
            self.dense(&map, &aim, at, dx)?;
        }
        // The model ½‖W(JΔx − Δy)‖² promises ½‖aim‖² − ½‖aim − WJΔx‖².
        let mut moved = vec![0.0; aim.len()];
        match &self.memory.0.model {
            Some(_) => {
                let mut dy = vec![0.0; aim.len()];
                at.jacobian()?.apply(dx, &mut dy);
                at.problem()
                    .loss()
                    .whiten(at.y()?, at.problem().target(), &dy, &mut moved);
            }
            None => crate::simulator::LinearMap::apply(&map, dx, &mut moved)?,
        }
        self.memory.0.region.noise = at.loss_round_off()?.max(self.loss_tolerance * at.loss()?);
        self.memory.0.region.slope = -dot(&aim, &moved);
        self.memory.0.region.predicted = dot(&aim, &moved) - 0.5 * dot(&moved, &moved);
        Ok(None)
    }

    fn judges(&self) -> bool {
        true
    }

    fn judge(&mut self, trial: &Trial) -> Verdict {
        let verdict = self.memory.0.region.judge(trial, self.step_tolerance);
        // Only another try from the same point, in the same metric, may use the same model.
        if verdict != Verdict::Retry || self.memory.0.region.radius.is_none() {
            self.memory.0.model = None;
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
        let Trust { region, model } = &mut self.memory.0;
        let model = match model.take() {
            Some(model) => model,
            None => {
                let wj = map.jacobian()?;
                region.rescale(&column_norms(&wj), at.x());
                region.enter(at.x(), self.radius_factor);
                Model::new(wj, &region.scale, aim)?
            }
        };
        let radius = region.radius.unwrap_or(f64::INFINITY);
        let scale = &region.scale;
        region.bent = within_bounds(at, map, aim, dx, |stopped, aim, dx| {
            match stopped {
                None => model.step(model.damping(radius), dx),
                Some(stopped) => {
                    let mut wj = map.jacobian()?;
                    (0..wj.rows()).for_each(|i| silence(stopped, wj.row_mut(i)));
                    let model = Model::new(wj, scale, aim)?;
                    model.step(model.damping(radius), dx);
                }
            }
            dx.iter_mut().zip(scale).for_each(|(d, scale)| *d /= scale);
            Ok(())
        })?;
        region.measure(dx);
        region.whole_norm = model.length(0.0).0;
        self.memory.0.model = Some(model);
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
        region.enter(at.x(), self.radius_factor);
        let options = LsmrOptions {
            damping: region.damping.sqrt(),
            tolerance: 1e-10,
            max_iterations: self.krylov_steps,
        };
        region.bent = within_bounds(at, map, aim, dx, |stopped, aim, dx| {
            lsmr(&Without { a: map, stopped }, aim, &options, dx)?;
            Ok(())
        })?;
        let radius = region.radius.unwrap_or(f64::INFINITY);
        let length = norm(dx);
        if length > radius {
            dx.iter_mut().for_each(|d| *d *= radius / length);
        }
        region.measure(dx);
        Ok(())
    }
}

fn column_norms(a: &Matrix) -> Vec<f64> {
    let mut squares = vec![0.0; a.cols()];
    for i in 0..a.rows() {
        for (s, v) in squares.iter_mut().zip(a.row(i)) {
            *s += v * v;
        }
    }
    squares.into_iter().map(f64::sqrt).collect()
}

impl Region {
    /// D grows and never shrinks (Moré 1978, section 5); a parameter without effect keeps 1.
    fn rescale(&mut self, norms: &[f64], x: &[f64]) {
        if self.relative {
            let typical = norm(x) / (x.len() as f64).sqrt();
            let least = if typical > 0.0 { 1e-3 * typical } else { 1.0 };
            let size = |x: &f64| x.abs().max(least);
            self.scale = x.iter().map(|x| size(x).recip()).collect();
            return;
        }
        if self.scale.is_empty() {
            self.scale = norms
                .iter()
                .map(|n| if *n > 0.0 { *n } else { 1.0 })
                .collect();
        }
        for (scale, n) in self.scale.iter_mut().zip(norms) {
            *scale = scale.max(*n);
        }
    }

    fn enter(&mut self, x: &[f64], factor: f64) {
        let scaled: Vec<f64> = x.iter().zip(&self.scale).map(|(x, d)| x * d).collect();
        self.x_norm = norm(&scaled);
        if self.radius.is_none() {
            let start = if self.x_norm > 0.0 { self.x_norm } else { 1.0 };
            self.radius = Some(factor * start);
        }
    }

    /// Takes ‖D Δx‖ of a step.
    fn measure(&mut self, dx: &[f64]) {
        let squares = dx.iter().zip(&self.scale).map(|(d, s)| (d * s) * (d * s));
        self.step_norm = squares.sum::<f64>().sqrt();
    }

    /// Where the loss is at its round-off the model still knows the way, since its gradient
    /// has not vanished: its steps are taken as long as they shrink. x gains as many digits
    /// again as the loss could tell.
    fn polish(&mut self, vanished: bool) -> Verdict {
        let shrinks = self.polished.is_none_or(|last| self.step_norm < 0.9 * last);
        if vanished || !shrinks {
            return Verdict::GiveUp;
        }
        self.polished = Some(self.step_norm);
        Verdict::Take
    }

    /// MINPACK's rules for the radius, and for when nothing is left to gain.
    fn judge(&mut self, trial: &Trial, step_tolerance: f64) -> Verdict {
        let radius = self.radius.unwrap_or(f64::INFINITY).min(1e300);
        let actual = trial.loss - trial.trial_loss;
        let vanished = self.step_norm <= step_tolerance * self.x_norm;
        if actual.abs() <= self.noise && self.predicted > 0.0 && self.predicted <= self.noise {
            return self.polish(vanished);
        }
        let ratio = if self.predicted > 0.0 {
            actual / self.predicted
        } else {
            0.0
        };
        let radius = if ratio <= 0.25 || ratio.is_nan() {
            // Along the line, the parabola through both losses and the slope has its
            // minimum here.
            let shrink = if actual >= 0.0 {
                0.5
            } else {
                0.5 * self.slope / (self.slope + actual.max(-1e300))
            };
            shrink.clamp(0.1, 0.5) * radius.min(10.0 * self.step_norm)
        } else if ratio >= 0.75 || self.step_norm < 0.5 * radius {
            2.0 * self.step_norm
        } else {
            radius
        };
        self.radius = Some(radius);
        self.damping = if ratio > 0.25 {
            0.1 * self.damping
        } else {
            10.0 * self.damping
        };
        if ratio >= 1e-4 && actual > 0.0 {
            let crawls = actual <= CRAWL * trial.loss && self.step_norm < self.whole_norm;
            self.crawled = if crawls { self.crawled + 1 } else { 0 };
            if self.crawled == PATIENCE {
                self.remeasure();
            }
            return Verdict::Take;
        }
        if self.predicted <= 0.0 && !self.bent {
            return Verdict::GiveUp;
        }
        if radius <= step_tolerance * self.x_norm || radius == 0.0 {
            return self.remeasure();
        }
        Verdict::Retry
    }

    /// The model promises a gain, and yet next to nothing is gained however near: then J's
    /// columns say little of how far the model holds, as where parameters act through high
    /// powers. From there on the region measures changes of x by x itself.
    fn remeasure(&mut self) -> Verdict {
        let without_jacobian = self.whole_norm == 0.0;
        if self.relative || without_jacobian || self.predicted <= self.noise {
            return Verdict::GiveUp;
        }
        self.relative = true;
        self.polished = None;
        self.radius = None;
        self.scale.clear();
        Verdict::Retry
    }
}

impl Model {
    fn new(mut wj: Matrix, scale: &[f64], aim: &[f64]) -> Result<Self> {
        for i in 0..wj.rows() {
            for (v, d) in wj.row_mut(i).iter_mut().zip(scale) {
                *v /= d;
            }
        }
        let parts = svd(&wj)?;
        let mut overlap = vec![0.0; parts.s.len()];
        parts.u.apply_transpose(aim, &mut overlap);
        Ok(Self { parts, overlap })
    }

    /// D Δx for the damping λ: V S/(S² + λ) Uᵀ aim; without damping the minimum-norm solution.
    fn step(&self, lambda: f64, out: &mut [f64]) {
        out.fill(0.0);
        let floor = self.floor();
        for (k, (s, c)) in self.parts.s.iter().zip(&self.overlap).enumerate() {
            if *s <= floor {
                continue;
            }
            let weight = c * s / (s * s + lambda);
            for (i, o) in out.iter_mut().enumerate() {
                *o += weight * self.parts.v[(i, k)];
            }
        }
    }

    /// Below this a singular value is round-off.
    fn floor(&self) -> f64 {
        let largest = self.parts.s.first().copied().unwrap_or(0.0);
        f64::EPSILON * self.parts.s.len() as f64 * largest
    }

    /// φ(λ) = ‖D Δx(λ)‖ and φ′(λ).
    fn length(&self, lambda: f64) -> (f64, f64) {
        let floor = self.floor();
        let (mut square, mut slope) = (0.0, 0.0);
        for (s, c) in self.parts.s.iter().zip(&self.overlap) {
            if *s <= floor {
                continue;
            }
            let p = c * s / (s * s + lambda);
            square += p * p;
            slope -= p * p / (s * s + lambda);
        }
        let length = square.sqrt();
        (length, if length > 0.0 { slope / length } else { 0.0 })
    }

    /// The λ ≥ 0 with φ(λ) within a tenth of the radius, by Newton's iteration on 1/φ.
    fn damping(&self, radius: f64) -> f64 {
        let (full, slope) = self.length(0.0);
        if full <= 1.1 * radius {
            return 0.0;
        }
        let mut lower = if slope < 0.0 {
            (full - radius) / -slope * (radius / full)
        } else {
            0.0
        };
        let products = self.parts.s.iter().zip(&self.overlap);
        let steepest: f64 = products.map(|(s, c)| s * c * s * c).sum();
        let mut upper = steepest.sqrt() / radius;
        let mut lambda = lower.max(1e-3 * upper).min(upper);
        for _ in 0..50 {
            let (length, slope) = self.length(lambda);
            if (length - radius).abs() <= 0.1 * radius {
                break;
            }
            if length > radius {
                lower = lower.max(lambda);
            } else {
                upper = upper.min(lambda);
            }
            let next = lambda - (length - radius) / radius * (length / slope);
            lambda = if next > lower && next < upper {
                next
            } else {
                (lower * upper).sqrt().max(0.5 * (lower + upper) * 1e-3)
            };
        }
        lambda
    }
}
