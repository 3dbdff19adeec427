//! The choice of the regularisation parameter: strong enough that the data are fitted to within their noise level, and no
//! further.

use std::cell::Cell;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, expect_length};
use crate::interrupt;
use crate::problem::{Counts, Evaluation, Problem, Tally};
use crate::uncertainty::statistics::known_variance;
use crate::updates::{LevenbergMarquardt, Whitened};
use crate::{Solver, StopWhen};

mod rules;
mod sampled;
mod trade;

use rules::{Balance, Pick, corner, cross_validation, discrepancy};
use sampled::Sampled;
use trade::Trade;

/// How the weight of a prior (the regularisation parameter) is chosen.
///
/// # Source
/// Discrepancy: Morozov (1966), with the degrees of freedom of Hall & Titterington, *Common structure of
/// techniques for choosing smoothing parameters* (1987). Cross-validation: Golub, Heath & Wahba (1979), with
/// the factor of Kim & Gu, *Smoothing spline Gaussian regression* (2004), and the guard of Lukas, *Robust
/// generalized cross-validation* (2006). L-curve: Hansen, *Analysis of discrete ill-posed problems by means of
/// the L-curve* (1992).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Choice {
    /// χ² = m − tr A, its expected value for m data and a fit ŷ = A y* with tr A effective degrees of freedom. The loss must
    /// know its noise level.
    ///
    /// Noise that is smaller than stated would lead to overfitting without limit; so if cross-validation chooses a larger
    /// weight, that one is taken.
    Discrepancy,
    /// The least error in predicting each datum from the others: χ²/(m − 1.4 tr A)² (γ + (1 − γ) tr A²/m)
    /// with γ = 0.1. Without 1.4 and γ it is plain cross-validation, which occasionally picks almost no weight at all.
    #[default]
    CrossValidation,
    /// The corner of misfit against prior, both as logarithms: where they trade most evenly.
    LCurve,
    /// The first of these that finds a reliable weight: discrepancy if the noise level is known, then
    /// cross-validation, then the L-curve.
    #[serde(rename = "auto")]
    Automatic,
}

/// What speaks against a weight that a rule chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Doubt {
    /// The curve has no corner.
    NoCorner,
    /// The score is flat: no minimum stands out.
    NoMinimum,
    /// The weight is the smallest that was tried.
    WeakestTried,
    /// The weight is the largest that was tried.
    StrongestTried,
    /// No weight fits the data to within their noise level.
    NotExplained,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCorner => "the L-curve has no clear corner",
            Self::NoMinimum => "the cross-validation score has no clear minimum",
            Self::WeakestTried => {
                "it is the smallest weight tried, and the score is still falling there"
            }
            Self::StrongestTried => {
                "it is the largest weight tried: the data do not contradict the prior"
            }
            Self::NotExplained => "no weight fits the data to within their noise level",
        })
    }
}

/// A weight, and what it means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Chosen {
    /// The rule that chose.
    pub rule: Choice,
    /// The weight of the prior.
    pub weight: f64,
    /// What speaks against it.
    pub doubt: Option<Doubt>,
    /// The rules that were tried before, and what spoke against their weights.
    pub passed: Vec<(Choice, Doubt)>,
    /// The solution with this weight.
    pub x: Vec<f64>,
    /// ‖W (P(x) − y*)‖² of the data.
    pub misfit: f64,
    /// tr A: the effective degrees of freedom of the fit.
    pub freedom: f64,
    /// Misfit and prior against the weight, for plotting.
    pub curve: Vec<WeightPoint>,
    /// How often the problem was linearised.
    pub rounds: usize,
    /// Whether the weight settled; for a nonlinear problem it may keep changing.
    pub settled: bool,
    /// Evaluations of the simulator, including those of the intermediate solutions.
    pub counts: Counts,
}

/// What one weight leads to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WeightPoint {
    /// The weight of the prior.
    pub weight: f64,
    /// ‖W (P(x) − y*)‖² of the data.
    pub misfit: f64,
    /// The same of the prior's rows.
    pub prior: f64,
    /// tr A.
    pub freedom: f64,
}

/// A weight that changes by less than this share has settled.
const SETTLED: f64 = 0.02;

/// Nonlinear problems get so many rounds.
const ROUNDS: usize = 20;

impl Choice {
    /// Chooses the weight of the one prior of a problem, and solves it from a start.
    ///
    /// The problem is linearised around x, which is exact for a linear one; a nonlinear one is solved with the weight found,
    /// and linearised again there until the weight settles. If the problem has transforms, it is linearised in the
    /// transformed unknowns; start and solution are those of x.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use retrodict::losses::SquaredError;
    /// use retrodict::prelude::*;
    /// use retrodict::priors::Tikhonov;
    /// use retrodict::simulators::{IntegralEquation, ShawOptions};
    /// use retrodict::uncertainty::weight::Choice;
    /// use retrodict::Result;
    ///
    /// fn main() -> Result<()> {
    ///     let shaw = ShawOptions::default().build()?;
    ///     let y: Vec<f64> = shaw.data().iter().enumerate().map(|(i, y)| y + 1e-3 * (37.0 * i as f64).sin()).collect();
    ///     let problem = Problem::new(Arc::new(shaw), Arc::new(SquaredError::half()), y)?;
    ///     let problem = problem.with_prior(&Tikhonov::default(), 1.0)?;
    ///     let chosen = Choice::CrossValidation.weight(&problem, &[0.0; 64])?;
    ///     assert!(chosen.weight > 1e-8 && chosen.weight < 1e-2);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// If the problem does not have just one prior, the start does not fit, the simulation fails, or the
    /// discrepancy principle meets a loss that does not know its noise.
    ///
    /// # Cost
    /// A dense Jacobian and two decompositions of data and prior for each round, up to 2000 unknowns or data.
    /// Beyond that three least-squares problems for each of some thirty weights, by products with J and Jᵀ; the
    /// L-curve's corner is then found to a decade.
    pub fn weight(self, problem: &Problem, start: &[f64]) -> Result<Chosen> {
        self.weight_observed(problem, start, &|_| {})
    }

    /// As [`weight`](Choice::weight), reporting to an observer how many weights were tried, where each takes solves of
    /// its own, or how often the problem was decomposed.
    ///
    /// # Errors
    /// As [`weight`](Choice::weight), or [`Error::Interrupted`] where the work on this thread is interrupted.
    pub fn weight_observed(
        self,
        problem: &Problem,
        start: &[f64],
        see: &dyn Fn(usize),
    ) -> Result<Chosen> {
        let tried = Cell::new(0);
        let see = || {
            tried.set(tried.get() + 1);
            see(tried.get());
        };
        let unit = with_one_prior(problem, start)?;
        let free = unit.bounds().is_none() && unit.constraints().is_none();
        let direct = unit.description().linear && free;
        let tally = Tally::default();
        let mut solved = Counts::default();
        let mut x = start.to_vec();
        let mut last: Option<f64> = None;
        let mut rounds = 0;
        loop {
            rounds += 1;
            let mut settled = false;
            let at = around(&unit, &tally, &x)?;
            let (found, here, curve, step) = balanced(&at, &see, |balance| {
                let found = self.found(balance, &at)?;
                let weight = found.pick.weight;
                let step = if direct {
                    balance.solution(weight)?
                } else {
                    Vec::new()
                };
                let (here, _) = balance.at(weight)?;
                Ok((found, here, balance.curve()?, step))
            })?;
            let weight = found.pick.weight;
            if direct {
                x = unit.values(at.moved(&step, 1.0).x());
                // Curvatures that are the same everywhere make the first round exact.
                settled = curvature(&around(&unit, &tally, &x)?)? == curvature(&at)?;
            } else {
                let solver = Solver::new(LevenbergMarquardt::default(), StopWhen::after(200));
                let solution = solver.solve(&problem.with_weight(0, weight)?, &x)?;
                solved.add(&solution.counts);
                // Half of a solution is none to linearise around.
                interrupt::check()?;
                x = solution.x;
            }
            settled |= last.is_some_and(|last| (weight / last).ln().abs() <= SETTLED);
            last = Some(weight);
            if settled || rounds == ROUNDS {
                let mut counts = tally.counts();
                counts.add(&solved);
                return Ok(Chosen {
                    rule: found.rule,
                    weight,
                    doubt: found.pick.doubt,
                    passed: found.passed,
                    x,
                    misfit: here.misfit,
                    freedom: here.freedom,
                    curve,
                    rounds,
                    settled,
                    counts,
                });
            }
        }
    }

    /// Checks what can be known before a weight is chosen: that there is just one prior, that the start fits, and that the
    /// discrepancy principle knows the noise.
    ///
    /// # Errors
    /// As [`weight`](Choice::weight).
    ///
    /// # Cost
    /// One evaluation of P for the discrepancy principle, none for the others.
    pub fn check(self, problem: &Problem, start: &[f64]) -> Result<()> {
        let unit = with_one_prior(problem, start)?;
        if self == Self::Discrepancy {
            noise(&around(&unit, &Tally::default(), start)?)?;
        }
        Ok(())
    }

    fn pick(self, balance: &dyn Balance, at: &Evaluation<'_>) -> Result<Pick> {
        match self {
            Self::Discrepancy => {
                let variance = noise(at)?;
                discrepancy(balance, variance, cross_validation(balance)?.weight)
            }
            Self::CrossValidation => cross_validation(balance),
            Self::LCurve => Ok(corner(&balance.curve()?)),
            Self::Automatic => Ok(Self::Automatic.found(balance, at)?.pick),
        }
    }

    /// The weight by this rule, or by the first of several beyond doubt.
    fn found(self, balance: &dyn Balance, at: &Evaluation<'_>) -> Result<ByRule> {
        if self != Self::Automatic {
            return Ok(ByRule {
                rule: self,
                pick: self.pick(balance, at)?,
                passed: Vec::new(),
            });
        }
        let knows_noise = known_variance(at.problem(), at.y()?).is_some();
        let all = [Self::Discrepancy, Self::CrossValidation, Self::LCurve];
        let mut first: Option<ByRule> = None;
        let mut passed = Vec::new();
        for rule in all.into_iter().skip(usize::from(!knows_noise)) {
            let pick = rule.pick(balance, at)?;
            let Some(doubt) = pick.doubt else {
                return Ok(ByRule { rule, pick, passed });
            };
            passed.push((rule, doubt));
            first.get_or_insert(ByRule {
                rule,
                pick,
                passed: Vec::new(),
            });
        }
        // None is beyond doubt: the first rule is as good as any.
        match first {
            Some(first) => Ok(ByRule {
                passed: passed.split_off(1),
                ..first
            }),
            None => Self::CrossValidation.found(balance, at),
        }
    }
}

/// A weight and the rule that found it.
struct ByRule {
    rule: Choice,
    pick: Pick,
    passed: Vec<(Choice, Doubt)>,
}

/// The solution for each of many weights of the one prior, at the cost of two decompositions: how much hangs on
/// the weight. Exact for a linear problem, a Gauss–Newton step from x for another.
///
/// # Errors
/// As [`Choice::weight`].
pub fn solutions(problem: &Problem, x: &[f64], weights: &[f64]) -> Result<Vec<Vec<f64>>> {
    let (unit, tally) = (with_one_prior(problem, x)?, Tally::default());
    let at = around(&unit, &tally, x)?;
    balanced(&at, &|| {}, |balance| {
        let moved = |step: Vec<f64>| unit.values(at.moved(&step, 1.0).x());
        let steps = weights.iter().map(|w| balance.solution(*w).map(moved));
        steps.collect()
    })
}

/// More unknowns and data than this are not decomposed.
const DENSE: usize = 2000;

/// The problem at x, in the unknowns that rules see.
fn around<'p>(unit: &'p Problem, tally: &'p Tally, x: &[f64]) -> Result<Evaluation<'p>> {
    Evaluation::new(unit, tally, &unit.unknowns(x)?)
}

/// Shows data against prior around a point.
fn balanced<T>(
    at: &Evaluation<'_>,
    tried: &dyn Fn(),
    see: impl FnOnce(&dyn Balance) -> Result<T>,
) -> Result<T> {
    let (whitened, unit) = (Whitened::new(at)?, at.problem());
    let (step, data) = (whitened.target_step()?, unit.data_rows());
    if unit.inputs().max(data) <= DENSE {
        tried();
        return see(&Trade::new(&whitened.jacobian()?, &step, data)?);
    }
    see(&Sampled::new(&whitened, &step, data, tried)?)
}

/// The problem with its one prior at weight 1.
fn with_one_prior(problem: &Problem, x: &[f64]) -> Result<Problem> {
    expect_length("x", x.len(), problem.inputs())?;
    if problem.priors().len() == 1 {
        return problem.with_weight(0, 1.0);
    }
    Err(Error::Unsupported {
        rule: "the choice of a weight",
        needs: "just one prior",
        simulator: format!("a problem with {} priors", problem.priors().len()),
        instead: vec!["with_prior for the first, or weights that you give for all".into()],
    })
}

/// W 1: what tells whether curvatures change with x.
fn curvature(at: &Evaluation<'_>) -> Result<Vec<f64>> {
    let unit = at.problem();
    let mut out = vec![0.0; unit.outputs()];
    unit.loss()
        .whiten(at.y()?, unit.target(), &vec![1.0; unit.outputs()], &mut out);
    Ok(out)
}

/// The variance of each value of W (y − y*).
fn noise(at: &Evaluation<'_>) -> Result<f64> {
    let unit = at.problem();
    known_variance(unit, at.y()?).ok_or_else(|| Error::Unsupported {
        rule: "the discrepancy principle",
        needs: "the standard deviations of the noise",
        simulator: format!("the loss {}", unit.data_loss().formula()),
        instead: vec!["cross-validation, or the losses weighted or covariance".into()],
    })
}
