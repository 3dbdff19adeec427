//! What the data say about the parameters: uncertainties, correlations, rank, and what is not identifiable.

use crate::core::transform::Transform;
use crate::error::Result;
use crate::linalg::{Matrix, norm};
use crate::problem::{Counts, Evaluation, Problem, Tally};
use crate::updates::Whitened;

mod covariance;
mod intervals;
mod spectrum;
mod variance;
mod words;

pub(super) use covariance::share;
use covariance::{covariance, deviations, unseen};
pub use intervals::{Interval, reach};
use spectrum::Spectrum;
pub(crate) use variance::{known_variance, no_noise};

/// Where the size of the noise comes from.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Noise {
    /// The residuals: the loss gives the relative noise of the data, the residuals its level. So the unit of the loss, and
    /// whether it carries ½, do not matter.
    #[default]
    Estimated,
    /// The loss, which holds its standard deviations or its covariance.
    Known,
    /// The fit: noise levels are unknowns of it, by maximum likelihood.
    Fitted,
}

impl Noise {
    /// Where the noise level of a problem comes from.
    pub fn of(problem: &Problem) -> Self {
        let loss = problem.data_loss();
        match (loss.levels(), loss.noise().is_known()) {
            (0, false) => Self::Estimated,
            (0, true) => Self::Known,
            _ => Self::Fitted,
        }
    }
}

/// The statistics of a fit, with the model linearised around x.
///
/// An unknown whose bounds are equal is a constant: it takes no degree of freedom and has no error. Linear equalities take one
/// degree of freedom each: what is said of errors is said along them. If J is found by finite differences, what lies below their error counts as not identifiable.
///
/// Where the problem has priors, covariance and rank are those of data and priors together, which is the
/// Laplace approximation of the posterior; residuals, χ² and degrees of freedom count the data alone.
///
/// ```
/// use std::sync::Arc;
///
/// use retrodict::losses::Weighted;
/// use retrodict::prelude::*;
/// use retrodict::simulators::ScalingOptions;
/// use retrodict::uncertainty::statistics::{Noise, Statistics};
/// use retrodict::Result;
///
/// fn main() -> Result<()> {
///     let noise = Weighted::half([0.5])?;
///     let problem = Problem::new(Arc::new(ScalingOptions::default().build()?), Arc::new(noise), vec![1.0, 2.0])?;
///     let statistics = Statistics::with(&problem, &[1.0, 0.02], Noise::Known)?;
///     assert_eq!((statistics.rank, statistics.degrees_of_freedom), (2, 0));
///     assert!((statistics.deviations[1] - 0.005).abs() < 1e-15);
///     let interval = statistics.intervals(0.95)?[0];
///     assert!((interval.high - 1.98).abs() < 1e-3);
///     Ok(())
/// }
/// ```
///
/// # Units
/// `covariance` in \[xᵢ\]\[xⱼ\], `deviations` in \[x\].
///
/// # Cost
/// min(m, n) products with J or Jᵀ, and an SVD of J; six more evaluations or so where J is found by differences
/// and the rank depends on their error.
///
/// # Source
/// Seber & Wild, *Nonlinear Regression*, sections 2.1.2 and 5.1.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Statistics {
    /// The x at which the statistics are taken.
    pub parameters: Vec<f64>,
    /// y* − P(x), in \[y\].
    pub residuals: Vec<f64>,
    /// Where the noise level comes from.
    pub noise: Noise,
    /// χ² = Σ (r/σ)², where the noise is known.
    pub chi_squared: Option<f64>,
    /// Data minus the rank of J; with priors, minus the effective degrees of freedom of the fit,
    /// rounded.
    pub degrees_of_freedom: usize,
    /// The rank: the number of directions that the data, or priors, determine.
    pub rank: usize,
    /// The largest singular value of W J D⁻¹ over the smallest that counts, where D gives
    /// every parameter the same effect: the units of x play no role.
    pub condition: f64,
    /// s²: with it, WᵀW/s² is the inverse of the covariance of the noise.
    #[serde(default)]
    pub variance: f64,
    /// s² (JᵀWᵀW J)⁺, the covariance of the identifiable part: s² = ‖W Δy‖²/`degrees_of_freedom` where the
    /// noise level is estimated, infinite if no degrees of freedom are left; if it is known, WᵀW/s² is the inverse of
    /// its covariance.
    pub covariance: Matrix,
    /// The standard deviation of each parameter; infinite if it is not identifiable, 0 if bounds fix it.
    pub deviations: Vec<f64>,
    /// The null space: directions in x that do not change y, as rows, each of length 1 in D x.
    pub unseen: Matrix,
    /// D: how much W y changes with each parameter; 1 where it does not change at all.
    pub effects: Vec<f64>,
    /// The parameters that are fixed by equal bounds and therefore not fitted.
    #[serde(default)]
    pub fixed: Vec<usize>,
    /// The other parameters that are at a bound, which standard deviations do not take into account.
    #[serde(default)]
    pub on_bounds: Vec<usize>,
    /// How many independent linear equalities the parameters keep: covariance and deviations are those along them.
    #[serde(default)]
    pub equalities: usize,
    /// The linear inequalities that hold as equations, by name, which standard deviations do not take into account.
    #[serde(default)]
    pub on_constraints: Vec<String>,
    /// The relative error of standard deviations due to a J from finite differences; 0 for an exact J.
    #[serde(default)]
    pub uncertainty: f64,
    /// Where J was found by differences, its error may hide that y changes by up to this share as an unknown changes by its own
    /// size; 0 for an exact J.
    #[serde(default)]
    pub derivative_error: f64,
    /// What each parameter was to the rule, where not itself: its interval is symmetric there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<Transform>,
    /// Evaluations of the simulator.
    pub counts: Counts,
}

impl Statistics {
    /// The statistics at x, which should be where a run converged, with the noise level estimated from the residuals.
    ///
    /// # Errors
    /// If x does not fit, or the simulation fails there.
    pub fn of(problem: &Problem, x: &[f64]) -> Result<Self> {
        Self::with(problem, x, Noise::Estimated)
    }

    /// The statistics at x, with the noise level from the residuals or from the loss.
    ///
    /// # Errors
    /// If x does not fit, the simulation fails there, or the loss does not know the noise level and it is needed.
    pub fn with(problem: &Problem, x: &[f64], noise: Noise) -> Result<Self> {
        let tally = Tally::default();
        let (fixed, on_bounds) = match problem.bounds() {
            Some(bounds) => (bounds.fixed(), bounds.touched(x)),
            None => Default::default(),
        };
        let noise = match problem.data_loss().levels() {
            0 => noise,
            _ => Noise::Fitted,
        };
        let transforms = problem.transforms().to_vec();
        let constraints = problem.constraints();
        let on_constraints = constraints.map_or_else(Vec::new, |all| all.touched(x));
        let n = problem.inputs();
        let equal = constraints.map_or_else(|| Matrix::zeros(0, n), |all| all.equalities(n));
        // The data say what they say, whatever unknowns a rule saw and whatever bounds it kept.
        let problem = &problem.unbounded().unconstrained().untransformed()?;
        let at = Evaluation::new(problem, &tally, x)?;
        let (y, target) = (at.y()?, problem.target());
        let whitened = Whitened::new(&at)?;
        let data = problem.data_outputs();
        let residual = norm(&whitened.target_step()?[..data]);
        let free: Vec<usize> = (0..n).filter(|i| !fixed.contains(i)).collect();
        let Spectrum {
            u,
            s,
            v,
            effects,
            rank,
            uncertainty,
            derivative_error,
        } = Spectrum::of(&whitened, &free, &equal, x)?;
        // tr A of the map A from data to fit: its rank, unless a prior shares in the fit.
        let used: f64 = (0..data).map(|i| norm(&u.row(i)[..rank]).powi(2)).sum();
        let degrees_of_freedom = data.saturating_sub(used.round() as usize);
        let variance = match (noise, degrees_of_freedom) {
            (Noise::Known | Noise::Fitted, _) => {
                known_variance(problem, y).ok_or_else(|| no_noise(problem))?
            }
            (Noise::Estimated, 0) => f64::INFINITY,
            (Noise::Estimated, free) => residual * residual / free as f64,
        };
        let (y, target) = (&y[..data], &target[..data]);
        let chi_squared = problem.data_loss().chi_squared(y, target);
        let covariance = covariance(&s[..rank], &v, &effects, variance);
        let unseen = unseen(rank, v.cols(), &v, &effects);
        let deviations = deviations(&covariance, &unseen, &effects, share(uncertainty));
        Ok(Self {
            parameters: x.to_vec(),
            residuals: target.iter().zip(y).map(|(t, y)| t - y).collect(),
            noise,
            chi_squared: chi_squared
                .filter(|_| noise == Noise::Known)
                .map(|found| found.value),
            degrees_of_freedom,
            rank,
            condition: rank.checked_sub(1).map_or(1.0, |last| s[0] / s[last]),
            variance,
            covariance,
            deviations,
            unseen,
            effects,
            fixed,
            on_bounds,
            equalities: free.len() - v.cols(),
            on_constraints,
            uncertainty,
            derivative_error,
            transforms,
            counts: tally.counts(),
        })
    }

    /// The number of parameters that no bounds fix, less one for each equality that they keep.
    pub fn free(&self) -> usize {
        self.parameters.len() - self.fixed.len() - self.equalities
    }

    /// The correlation of two parameters, from −1 to 1; NaN if one is not identifiable.
    pub fn correlation(&self, i: usize, j: usize) -> f64 {
        self.covariance[(i, j)] / (self.covariance[(i, i)] * self.covariance[(j, j)]).sqrt()
    }

    /// The table of all correlations.
    pub fn correlations(&self) -> Matrix {
        let n = self.parameters.len();
        let mut table = Matrix::zeros(n, n);
        for i in 0..n {
            for j in 0..n {
                table[(i, j)] = self.correlation(i, j);
            }
        }
        table
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::options::Build;
    use std::sync::Arc;

    use super::*;
    use crate::core::number::Number;
    use crate::losses::{SquaredError, Weighted};
    use crate::models::curve::{CurveOptions, Model};

    /// y = p₁ + p₂ t + p₃ t: only the sum of the slopes has an effect.
    #[derive(Debug, Clone, Default, PartialEq)]
    struct TwoSlopes;

    impl Model for TwoSlopes {
        fn name(&self) -> &'static str {
            "two slopes"
        }
        fn parameters(&self) -> usize {
            3
        }
        fn value<D: Number>(&self, t: &[f64], p: &[D]) -> D {
            p[0] + (p[1] + p[2]) * t[0]
        }
    }

    /// y = 1e9 p₁ + 1e-9 p₂ t.
    #[derive(Debug, Clone, Default, PartialEq)]
    struct Line;

    impl Model for Line {
        fn name(&self) -> &'static str {
            "line"
        }
        fn parameters(&self) -> usize {
            2
        }
        fn value<D: Number>(&self, t: &[f64], p: &[D]) -> D {
            p[0] * 1e9 + p[1] * (1e-9 * t[0])
        }
    }

    const AT: [f64; 4] = [-3.0, -1.0, 1.0, 3.0];
    const Y: [f64; 4] = [1.0, -1.0, 2.0, 4.0];

    fn problem<M: Model + 'static>(model: M, loss: Arc<dyn crate::Loss>) -> Problem {
        let curve = CurveOptions::default()
            .with_at(AT.to_vec())
            .with_model(model)
            .build()
            .unwrap();
        Problem::new(Arc::new(curve), loss, Y.to_vec()).unwrap()
    }

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-12 * b.abs(), "{a} is not {b}");
    }

    /// With Σt = 0 the mean and the slope decouple: 1.5 and Σty/Σt² = 12/20, Σr² = 5.8.
    #[test]
    fn a_straight_line_has_the_deviations_of_the_textbook_in_any_units() {
        let weighted = Weighted::half([3.0]).unwrap();
        let losses: [Arc<dyn crate::Loss>; 2] =
            [Arc::new(SquaredError::default()), Arc::new(weighted)];
        for loss in losses {
            let found = Statistics::of(&problem(Line, loss), &[1.5e-9, 0.6e9]).unwrap();
            assert_eq!((found.rank, found.degrees_of_freedom), (2, 2));
            let variance = 5.8 / 2.0;
            near(found.deviations[0], 1e-9 * (variance / 4.0_f64).sqrt());
            near(found.deviations[1], 1e9 * (variance / 20.0_f64).sqrt());
            near(found.condition, 1.0);
            assert!(found.correlation(0, 1).abs() < 1e-15);
        }
    }

    #[test]
    fn parameters_that_only_act_together_are_named() {
        let loss = Arc::new(SquaredError::default());
        let found = Statistics::of(&problem(TwoSlopes, loss), &[1.5, 0.2, 0.4]).unwrap();
        assert_eq!((found.rank, found.degrees_of_freedom), (2, 2));
        // J by columns, of which there are fewer than rows.
        assert_eq!((found.counts.forward, found.counts.jvp), (1, 3));
        near(found.deviations[0], (2.9_f64 / 4.0).sqrt());
        assert!(found.deviations[1].is_infinite() && found.deviations[2].is_infinite());
        let unseen = found.unseen.row(0);
        assert!(unseen[0].abs() < 1e-15);
        near(unseen[1], -unseen[2]);
    }

    #[test]
    fn fewer_data_than_parameters_leave_no_parameter_with_a_finite_deviation() {
        let curve = CurveOptions::default()
            .with_at([1.0, 2.0])
            .with_model(TwoSlopes)
            .build()
            .unwrap();
        let loss = Arc::new(SquaredError::default());
        let problem = Problem::new(Arc::new(curve), loss, vec![0.5, 1.0]).unwrap();
        let found = Statistics::of(&problem, &[0.0; 3]).unwrap();
        assert_eq!((found.rank, found.degrees_of_freedom), (2, 0));
        assert!(found.deviations.iter().all(|d| d.is_infinite()));
    }
}
