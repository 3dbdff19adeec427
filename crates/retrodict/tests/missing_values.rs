//! Models outside that have no value where nothing was observed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::fixtures::space;
use std::sync::Arc;

use retrodict::inverse::{PathIntegral, WithInverse};
use retrodict::losses::SquaredError;
use retrodict::models::external::{Differences, External, Model, Offers};
use retrodict::registry::RULES;
use retrodict::uncertainty::statistics::Statistics;
use retrodict::{Problem, Simulator, Solver, Space, StopWhen};

const NAN: f64 = f64::NAN;
const TIMES: [f64; 6] = [0.0, 0.4, 0.8, 1.2, 1.6, 2.0];
const TRUTH: [f64; 2] = [2.0, 0.7];

/// x₀ exp(−x₁ t), without a value at some times, and with whatever derivatives it is told to offer.
struct Decay {
    offers: Offers,
    blank: Vec<usize>,
}

impl Decay {
    fn rows(&self, x: &[f64]) -> Vec<[f64; 2]> {
        let row = |t: &f64| [(-x[1] * t).exp(), -x[0] * t * (-x[1] * t).exp()];
        let mut rows: Vec<[f64; 2]> = TIMES.iter().map(row).collect();
        self.blank.iter().for_each(|i| rows[*i] = [NAN; 2]);
        rows
    }
}

impl Model for Decay {
    fn label(&self) -> String {
        "decay".into()
    }
    fn input(&self) -> &Space {
        space("x", 2)
    }
    fn output(&self) -> &Space {
        space("y", 6)
    }
    fn offers(&self) -> Offers {
        self.offers
    }
    fn evaluate(&self, x: &[f64]) -> retrodict::Result<Vec<f64>> {
        Ok(self.rows(x).iter().map(|row| x[0] * row[0]).collect())
    }
    fn jvp(&self, x: &[f64], dx: &[f64]) -> retrodict::Result<Vec<f64>> {
        let product = |row: &[f64; 2]| row[0] * dx[0] + row[1] * dx[1];
        Ok(self.rows(x).iter().map(product).collect())
    }
    fn vjp(&self, x: &[f64], dy: &[f64]) -> retrodict::Result<Vec<f64>> {
        // As reverse mode goes: what nobody asks for is not visited.
        let rows = self.rows(x);
        let rows = rows.iter().zip(dy).filter(|(_, dy)| **dy != 0.0);
        Ok(rows.fold(vec![0.0; 2], |sum, (row, dy)| {
            vec![sum[0] + row[0] * dy, sum[1] + row[1] * dy]
        }))
    }
    fn jacobian(&self, x: &[f64]) -> retrodict::Result<Vec<f64>> {
        Ok(self.rows(x).concat())
    }
}

fn model(jvp: bool, vjp: bool, jacobian: bool, blank: &[usize]) -> Arc<dyn Simulator> {
    let offers = Offers::default()
        .with_jvp(jvp)
        .with_vjp(vjp)
        .with_jacobian(jacobian);
    let blank = blank.to_vec();
    let decay = Decay { offers, blank };
    Arc::new(External::new(decay, Differences::default(), Some(1)))
}

fn target(missing: &[usize]) -> Vec<f64> {
    let value = |t: &f64| TRUTH[0] * (-TRUTH[1] * t).exp();
    let mut y: Vec<f64> = TIMES.iter().map(value).collect();
    missing.iter().for_each(|i| y[*i] = NAN);
    y
}

fn posed(simulator: Arc<dyn Simulator>, missing: &[usize]) -> Problem {
    let loss = Arc::new(SquaredError::half());
    Problem::with_missing(simulator, loss, target(missing)).unwrap()
}

#[test]
fn every_way_to_derivatives_does_without_what_nobody_observed() {
    for (jvp, vjp, jacobian) in [
        (false, false, false),
        (true, false, false),
        (false, true, false),
        (true, true, false),
        (false, false, true),
    ] {
        for rule in ["levenberg-marquardt", "gauss-newton", "limited-memory-bfgs"] {
            let blank = posed(model(jvp, vjp, jacobian, &[1, 4]), &[1, 4]);
            let solver = Solver::new(
                RULES.build(rule, &toml::Table::new()).unwrap(),
                StopWhen::after(200),
            );
            let found = solver.solve(&blank, &[1.0, 1.0]).unwrap();
            let off = (found.x[0] - TRUTH[0]).abs() + (found.x[1] - TRUTH[1]).abs();
            assert!(
                off < 1e-5,
                "{rule} with {jvp} {vjp} {jacobian}: {:?}",
                found.x
            );
            let whole = posed(model(jvp, vjp, jacobian, &[]), &[1, 4]);
            let x = [1.9, 0.8];
            let (blank, whole) = (
                Statistics::of(&blank, &x).unwrap(),
                Statistics::of(&whole, &x).unwrap(),
            );
            for (blank, whole) in blank.deviations.iter().zip(&whole.deviations) {
                assert!((blank / whole - 1.0).abs() < 1e-5, "{blank} for {whole}");
            }
        }
    }
}

#[test]
fn a_value_that_was_observed_must_be_there() {
    for missing in [&[1][..], &[1, 3]] {
        let problem = posed(model(false, false, true, &[1, 4]), missing);
        let error = Solver::new(
            RULES.build("gauss-newton", &toml::Table::new()).unwrap(),
            StopWhen::after(9),
        )
        .solve(&problem, &[1.0, 1.0])
        .unwrap_err();
        assert!(
            error.to_string().contains("y holds NaN at index 4"),
            "{error}"
        );
    }
}

#[test]
fn y_shows_what_the_model_answered() {
    let inner = model(false, false, false, &[1]);
    let inverted: Arc<dyn Simulator> = Arc::new(WithInverse::new(
        inner.clone(),
        Arc::new(PathIntegral::default()),
    ));
    for simulator in [inner, inverted] {
        let mut y = vec![0.0; 6];
        assert!(simulator.forward(&TRUTH, &mut y).is_err());
        let seen = simulator.seen_at(&[0, 2, 3, 4, 5]).unwrap();
        seen.forward(&TRUTH, &mut y).unwrap();
        assert!(y[1].is_nan() && (y[0] - 2.0).abs() < 1e-15);
        let mut dx = vec![0.0; 2];
        seen.vjp(&TRUTH, &[1.0; 6], &mut dx).unwrap();
        assert!(dx.iter().all(|v| v.is_finite()), "{dx:?}");
        assert!(simulator.seen_at(&[6]).is_none(), "there is no such output");
    }
}
