//! What is told beside the status: unknowns without effect, and fits that explain little.
#![allow(clippy::unwrap_used)]

use crate::fixtures::space;
use std::sync::Arc;

use retrodict::losses::Weighted;
use retrodict::models::external::{Differences, External, Model, Offers};
use retrodict::registry::RULES;
use retrodict::solver::remarks::Advice;
use retrodict::updates::LevenbergMarquardt;
use retrodict::{Problem, Result, Solution, Solver, Space, Status, StopWhen};

type Formula = fn(f64, &[f64]) -> f64;

const ADVICE: Advice<'static> = Advice::new("choose another", "try ten");

/// y(t) at 30 times up to 5.
struct Series(Formula, usize);

fn times() -> impl Iterator<Item = f64> {
    (0..30).map(|i| f64::from(i) / 6.0)
}

impl Model for Series {
    fn label(&self) -> String {
        "a series".to_owned()
    }
    fn input(&self) -> &Space {
        space("p", self.1)
    }
    fn output(&self) -> &Space {
        space("y", 30)
    }
    fn offers(&self) -> Offers {
        Offers::default()
    }
    fn evaluate(&self, x: &[f64]) -> Result<Vec<f64>> {
        Ok(times().map(|t| (self.0)(t, x)).collect())
    }
}

/// Fits data of the truth from a start, and returns what is remarked.
fn fit(model: Formula, data: Vec<f64>, start: &[f64], sigma: f64) -> (Solution, Vec<String>) {
    let model = Arc::new(External::new(
        Series(model, start.len()),
        Differences::default(),
        Some(1),
    ));
    let loss = Arc::new(Weighted::half([sigma]).unwrap());
    let problem = Problem::new(model, loss, data).unwrap();
    let rule = LevenbergMarquardt::default();
    let solution = Solver::new(rule, StopWhen::default())
        .solve(&problem, start)
        .unwrap();
    let name = |i: usize| format!("p{i}");
    let remarks = solution.remarks(&problem, name, &ADVICE);
    (solution, remarks)
}

fn of(model: Formula, truth: &[f64]) -> Vec<f64> {
    times().map(|t| model(t, truth)).collect()
}

#[test]
fn a_wrong_optimum_is_told_of_by_what_it_leaves_unexplained() {
    let wave: Formula = |t, p| p[1] * (p[0] * t).sin();
    let data = of(wave, &[3.0, 2.0]);
    let (wrong, remarks) = fit(wave, data.clone(), &[0.7, 1.0], 0.1);
    assert!(wrong.status.converged(), "{}", wrong.status);
    let [remark] = remarks.as_slice() else {
        unreachable!("{remarks:?}")
    };
    let explained = wrong.explained.unwrap();
    assert!(explained.share < 0.1, "{explained:?}");
    assert!(explained.chi_squared.unwrap() > 100.0);
    assert!(
        remark.contains("R²") && remark.ends_with("try ten"),
        "{remark}"
    );
    let (right, remarks) = fit(wave, data.clone(), &[2.9, 1.0], 0.1);
    assert_eq!((right.explained.unwrap().share, remarks), (1.0, vec![]));
    // Noise that hides the wave explains all of it.
    let (_, remarks) = fit(wave, data, &[0.7, 1.0], 1.5);
    assert_eq!(remarks, Vec::<String>::new());
}

#[test]
fn no_other_start_is_advised_where_the_model_is_linear() {
    let line: Formula = |t, p| p[0] + p[1] * t;
    let data = of(|t, _| (7.0 * t).cos(), &[]);
    let (solution, remarks) = fit(line, data, &[1.0, 0.0], 0.1);
    assert!(solution.status.converged() && solution.steps == 1);
    assert_eq!(remarks.len(), 1);
    assert!(
        remarks[0].ends_with("the model may be wrong for these data"),
        "{}",
        remarks[0]
    );
}

#[test]
fn unknowns_without_effect_are_named() {
    // One unknown where a sigmoid is flat; the others fit the data all the same.
    let flat: Formula = |t, p| p[0] * (-p[1] * t).exp() / (1.0 + (-p[2]).exp());
    let (solution, remarks) = fit(flat, of(flat, &[2.0, 2.5, 0.0]), &[1.0, 1.0, 500.0], 0.1);
    assert!(solution.status.converged(), "{}", solution.status);
    assert!(
        remarks[0].contains("without effect") && remarks[0].contains(": p2; choose"),
        "{remarks:?}"
    );
    // All of them.
    let step: Formula = |t, p| p[0] / (1.0 + (50.0 * (p[1] - t)).exp());
    let (solution, remarks) = fit(step, of(step, &[2.0, 2.5]), &[1.0, 500.0], 0.1);
    assert_eq!(solution.status, Status::NoEffect);
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(
        remarks[0].contains(": p0, p1; choose another where"),
        "{remarks:?}"
    );
}

#[test]
fn outputs_in_whole_numbers_are_told_of() {
    let counts: Formula = |t, p| (1000.0 * p[0] * (-p[1] * t).exp()).floor();
    let data = times().map(|t| 2000.0 * (-0.7 * t).exp()).collect();
    let (found, remarks) = fit(counts, data, &[1.0, 0.1], 1.0);
    assert!(found.status.converged(), "{}", found.status);
    let noise = found.output_noise.unwrap();
    assert!((1e-4..1e-3).contains(&noise), "{noise}");
    let [remark] = remarks.as_slice() else {
        unreachable!("{remarks:?}")
    };
    assert!(remark.starts_with("y is rounded or noisy"), "{remark}");
    let exact: Formula = |t, p| 1000.0 * p[0] * (-p[1] * t).exp();
    let (_, remarks) = fit(exact, of(exact, &[2.0, 0.7]), &[1.0, 0.1], 1.0);
    assert!(remarks.is_empty(), "{remarks:?}");
}

/// A start says nothing of the size of x: y = 1e-12 x t has its effect, whatever part of the misfit a change by 1 is.
#[test]
fn an_unknown_in_small_units_is_not_without_effect() {
    let line: Formula = |t, p| 1e-12 * p[0] * t + 0.1 * (1e-12 * p[0]).sin();
    let model = || External::new(Series(line, 1), Differences::default(), Some(1));
    for rule in [
        "gauss-newton",
        "inverse-jacobian",
        "levenberg-marquardt",
        "bfgs",
        "limited-memory-bfgs",
    ] {
        for start in [0.0, 1.0] {
            let loss = Arc::new(Weighted::half([1.0]).unwrap());
            let data = of(line, &[3e12]);
            let problem = Problem::new(Arc::new(model()), loss, data).unwrap();
            let solver = Solver::new(
                RULES.build(rule, &toml::Table::new()).unwrap(),
                StopWhen::default(),
            );
            let found = solver.solve(&problem, &[start]).unwrap();
            assert!(
                found.status.converged(),
                "{rule} from {start}: {}",
                found.status
            );
            assert!(
                (found.x[0] / 3e12 - 1.0).abs() < 1e-6,
                "{rule}: {:?}",
                found.x
            );
            assert!(found.without_effect.is_empty(), "{rule}");
        }
    }
}
