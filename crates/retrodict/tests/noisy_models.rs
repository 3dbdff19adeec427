//! Models in single precision, rounded ones and noisy ones: every rule ends at the minimum that the noise leaves, says so,
//! and takes no noise for a saddle.
#![allow(clippy::unwrap_used)]

use crate::fixtures::space;
use std::sync::Arc;

use retrodict::losses::SquaredError;
use retrodict::models::external::{Differences, External, Model, Offers};
use retrodict::registry::RULES;
use retrodict::updates::LevenbergMarquardt;
use retrodict::{Goal, Problem, Result, Solution, Solver, Space, Status, StopWhen};

type Answer = fn(f64, f64) -> f64;

/// y(t) = p₀ exp(−p₁ t), as an answer in so many digits; with its J, or without.
struct Decay {
    answer: Answer,
    with_jacobian: bool,
}

fn times() -> impl Iterator<Item = f64> {
    (0..40).map(|i| 0.1 + 0.1 * f64::from(i))
}

/// Between −1 and 1, and without a pattern.
fn scatter(v: f64) -> f64 {
    let s = (v * 1e9).sin() * 43_758.545_3;
    2.0 * (s - s.floor()) - 1.0
}

impl Model for Decay {
    fn label(&self) -> String {
        "a decay".to_owned()
    }
    fn input(&self) -> &Space {
        space("p", 2)
    }
    fn output(&self) -> &Space {
        space("y", 40)
    }
    fn offers(&self) -> Offers {
        Offers::default().with_jacobian(self.with_jacobian)
    }
    fn evaluate(&self, p: &[f64]) -> Result<Vec<f64>> {
        let value = |t: f64| p[0] * (-p[1] * t).exp();
        Ok(times()
            .map(|t| (self.answer)(value(t), p[0] + 1.3 * p[1] + t))
            .collect())
    }
    fn jacobian(&self, p: &[f64]) -> Result<Vec<f64>> {
        let row = |t: f64| {
            let e = (-p[1] * t).exp();
            [f64::from(e as f32), f64::from((-p[0] * t * e) as f32)]
        };
        Ok(times().flat_map(row).collect())
    }
}

/// Data with an error of 0.02 that no x explains.
fn data() -> Vec<f64> {
    let noise = |t: f64| 0.02 * scatter(3.0 + t);
    times().map(|t| 2.0 * (-0.7 * t).exp() + noise(t)).collect()
}

fn problem(answer: Answer, with_jacobian: bool) -> Problem {
    let model = Decay {
        answer,
        with_jacobian,
    };
    let simulator = External::new(model, Differences::default(), Some(1));
    let loss = Arc::new(SquaredError::half());
    Problem::new(Arc::new(simulator), loss, data()).unwrap()
}

fn exact_loss(p: &[f64]) -> f64 {
    let off = |(t, d): (f64, f64)| (p[0] * (-p[1] * t).exp() - d).powi(2);
    0.5 * times().zip(data()).map(off).sum::<f64>()
}

fn fit(rule: &str, problem: &Problem, start: &[f64]) -> Solution {
    let options = toml::Table::new();
    let solver = Solver::new(RULES.build(rule, &options).unwrap(), StopWhen::default());
    solver.solve(problem, start).unwrap()
}

const ANSWERS: [(&str, Answer, f64); 8] = [
    ("noise 1e-12", |v, s| v * (1.0 + 1e-12 * scatter(s)), 1.0001),
    ("noise 1e-10", |v, s| v * (1.0 + 1e-10 * scatter(s)), 1.0001),
    ("noise 1e-8", |v, s| v * (1.0 + 1e-8 * scatter(s)), 1.0001),
    ("single", |v, _| f64::from(v as f32), 1.0001),
    ("noise 1e-6", |v, s| v * (1.0 + 1e-6 * scatter(s)), 1.0001),
    ("noise 1e-3", |v, s| v * (1.0 + 1e-3 * scatter(s)), 1.01),
    ("six decimals", |v, _| (v * 1e6).round() / 1e6, 1.0001),
    ("three decimals", |v, _| (v * 1e3).round() / 1e3, 1.01),
];

#[test]
fn the_noise_of_a_model_ends_a_fit_where_it_hides_what_is_left() {
    let truth = problem(|v, _| v, false);
    let best = Solver::new(LevenbergMarquardt::default(), StopWhen::default())
        .solve(&truth, &[1.7, 0.8])
        .unwrap();
    assert!(best.status.converged());
    for (name, answer, limit) in ANSWERS {
        for with_jacobian in [false, true] {
            // Three standard deviations of a difference of two losses: 1.07 at 1e-3.
            let limit = match with_jacobian && name.starts_with("noise") {
                true => 1.0 + 4.0 * (limit - 1.0),
                false => limit,
            };
            let problem = problem(answer, with_jacobian);
            for rule in [
                "levenberg-marquardt",
                "gauss-newton",
                "inverse-jacobian",
                "bfgs",
                "limited-memory-bfgs",
            ] {
                for start in [[1.7, 0.8], [2.4, 0.6], [2.0, 0.9]] {
                    let found = fit(rule, &problem, &start);
                    let who = format!("{name} {with_jacobian} {rule} {start:?}: {}", found.status);
                    assert!(found.status.converged(), "{who}");
                    assert!(
                        exact_loss(&found.x) <= limit * best.loss,
                        "{who} {}",
                        exact_loss(&found.x) / best.loss
                    );
                    assert!(found.steps < 60, "{who}: {}", found.steps);
                }
            }
        }
    }
}

#[test]
fn noise_is_said_to_be_the_reason() {
    let problem = problem(|v, _| f64::from(v as f32), false);
    let found = fit("gauss-newton", &problem, &[1.7, 0.8]);
    assert_eq!(found.status, Status::Converged(Goal::Noise));
    assert!(found.status.to_string().contains("noise of the simulator"));
}
