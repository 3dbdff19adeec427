//! Local inverses that are found from derivatives alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::fixtures::space;
use retrodict::options::Build;
use std::f64::consts::{FRAC_PI_2, PI};
use std::sync::Arc;

use retrodict::check::{self, Reach, reach};
use retrodict::inverse::{Ended, Inversion, Inverter, WithInverse};
use retrodict::inverse::{
    LevenbergMarquardtInverse, LevenbergMarquardtInverseOptions, NewtonInverse,
    NewtonInverseOptions, PathIntegral, PathIntegralOptions,
};
use retrodict::linalg::norm;
use retrodict::losses::SquaredError;
use retrodict::registry::INVERSES;
use retrodict::simulators::{ExpOptions, Sine, SineOptions, SquareOptions};
use retrodict::updates::{InverseJacobian, InverseSimulator};
use retrodict::{Error, LocalInverse, Problem, Result, Simulator, Solver, Space, StopWhen};

/// Large problems on small ones: J is never formed.
fn matrix_free() -> [Box<dyn Inverter>; 3] {
    [
        Box::new(
            NewtonInverseOptions::default()
                .with_dense_up_to(0)
                .build()
                .unwrap(),
        ),
        Box::new(
            LevenbergMarquardtInverseOptions::default()
                .with_dense_up_to(0)
                .build()
                .unwrap(),
        ),
        Box::new(
            PathIntegralOptions::default()
                .with_dense_up_to(0)
                .build()
                .unwrap(),
        ),
    ]
}

fn dense() -> [Box<dyn Inverter>; 3] {
    [
        Box::new(NewtonInverse::default()),
        Box::new(LevenbergMarquardtInverse::default()),
        Box::new(PathIntegral::default()),
    ]
}

fn all() -> Vec<Box<dyn Inverter>> {
    dense().into_iter().chain(matrix_free()).collect()
}

fn invert(inverse: &dyn Inverter, simulator: &dyn Simulator, y: &[f64], x0: &[f64]) -> Inversion {
    inverse.invert(simulator, y, x0).unwrap()
}

fn forward(simulator: &dyn Simulator, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; simulator.output().len()];
    simulator.forward(x, &mut y).unwrap();
    y
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&difference)
}

/// y = A x + ½ bend x₁² in the first output: linear, or bent.
struct Linear {
    rows: Vec<Vec<f64>>,
    bend: f64,
}

impl Simulator for Linear {
    fn input(&self) -> &Space {
        space("x", self.rows[0].len())
    }
    fn output(&self) -> &Space {
        space("y", self.rows.len())
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.jvp(&vec![0.0; x.len()], x, y)?;
        y[0] += 0.5 * self.bend * x[0] * x[0];
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        for (dy, row) in dy.iter_mut().zip(&self.rows) {
            *dy = row.iter().zip(dx).map(|(a, d)| a * d).sum();
        }
        dy[0] += self.bend * x[0] * dx[0];
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        dx.fill(0.0);
        for (dy, row) in dy.iter().zip(&self.rows) {
            for (dx, a) in dx.iter_mut().zip(row) {
                *dx += a * dy;
            }
        }
        dx[0] += self.bend * x[0] * dy[0];
        Ok(())
    }
}

#[test]
fn square_stays_on_the_branch_of_its_start() {
    for inverse in all() {
        for (start, y, expected) in [
            (0.1, 4.0, 2.0),
            (-0.1, 4.0, -2.0),
            (3.0, 1e-4, 0.01),
            (-3.0, 1e-4, -0.01),
        ] {
            let found = invert(
                &*inverse,
                &SquareOptions::default().build().unwrap(),
                &[5.0, y],
                &[1.0, start],
            );
            assert_eq!(found.ended, Ended::Arrived, "{start} → {y}");
            assert_eq!(found.reached, 1.0);
            assert!(apart(&found.x, &[5.0, expected]) < 1e-9, "{:?}", found.x);
        }
    }
}

#[test]
fn a_fold_is_reported_with_how_far_it_is_and_where() {
    // y₁ falls from 4 towards −12: a quarter of the way leads to the fold at 0.
    for inverse in [&dense()[2], &matrix_free()[2]] {
        let found = invert(
            &**inverse,
            &SquareOptions::default().build().unwrap(),
            &[1.0, -12.0],
            &[1.0, 2.0],
        );
        assert_eq!(found.ended, Ended::Fold);
        assert!((found.reached - 0.25).abs() < 1e-7, "{}", found.reached);
        assert!(found.x[1] > 0.0 && found.x[1] < 2e-3, "{:?}", found.x);
        assert!((found.misfit - 12.0).abs() < 1e-5);
    }
    // The others know of no path, but of no false success either.
    for inverse in all() {
        let found = invert(
            &*inverse,
            &SquareOptions::default().build().unwrap(),
            &[1.0, -12.0],
            &[1.0, 2.0],
        );
        assert!(!found.ended.arrived(), "{:?}", found.ended);
        assert!(found.misfit > 11.9);
    }
}

#[test]
fn beyond_a_fold_the_message_says_how_far_it_came() {
    let square = WithInverse::new(
        Arc::new(SquareOptions::default().build().unwrap()),
        Arc::new(PathIntegral::default()),
    );
    let mut x = [0.0; 2];
    let error = square.invert_near(&[1.0, -12.0], &[1.0, 2.0], &mut x);
    let error = error.unwrap_err();
    let message = error.to_string();
    for part in [
        "squared x covered 25.0000 %",
        "1.200e1 is left",
        "fold",
        "another branch",
    ] {
        assert!(message.contains(part), "no '{part}' in: {message}");
    }
    let Error::InverseStopped { x, reached, .. } = error else {
        panic!("{message}");
    };
    assert!((reached - 0.25).abs() < 1e-7 && x[1] > 0.0 && x[1] < 2e-3);
}

#[test]
fn at_a_fold_what_can_be_reached_is() {
    // x₁ = 0 hides y₁ from J: y₀ is met, y₁ is not, and that is no success.
    for inverse in all() {
        let found = invert(
            &*inverse,
            &SquareOptions::default().build().unwrap(),
            &[3.0, 1.0],
            &[1.0, 0.0],
        );
        assert!(!found.ended.arrived());
        assert!(apart(&found.x, &[3.0, 0.0]) < 1e-9, "{:?}", found.x);
        assert!((found.misfit - 1.0).abs() < 1e-9);
    }
}

#[test]
fn sine_finds_the_solution_on_its_own_rise_or_fall() {
    let sine = SineOptions::default()
        .with_xi(4.0)
        .with_phi(30.0)
        .build()
        .unwrap();
    for inverse in all() {
        for (seed, aim) in [
            (-1.4, 0.9),
            (0.5, -0.8),
            (2.0, 0.1),
            (20.0, 0.3),
            (-40.0, -0.6),
        ] {
            // x̂₁ = seed, at any height.
            let x0 = turned_back(&sine, seed, 0.7);
            let y = [aim / 4.0, 4.0 * -0.2];
            let mut exact = [0.0; 2];
            sine.invert_near(&y, &x0, &mut exact).unwrap();
            // The path keeps to the branch between two turning points, which need not hold
            // the nearest solution; here it does.
            let found = invert(&*inverse, &sine, &y, &x0);
            assert_eq!(found.ended, Ended::Arrived, "{seed} → {aim}");
            assert!(
                apart(&found.x, &exact) < 1e-9,
                "{seed}: {:?} {exact:?}",
                found.x
            );
        }
    }
}

fn turned_back(sine: &Sine, a: f64, b: f64) -> Vec<f64> {
    let mut x = vec![0.0; 2];
    let plain = sine.options().clone().with_phi(0.0).build().unwrap();
    let y = forward(&plain, &[a, b]);
    // The transpose of a rotation undoes it: Jᵀ at x = 0 is Rᵀ diag(1/ξ, ξ).
    sine.vjp(
        &[0.0; 2],
        &[
            a * sine.options().xi,
            y[1] / (sine.options().xi * sine.options().xi),
        ],
        &mut x,
    )
    .unwrap();
    x
}

#[test]
fn an_under_determined_linear_map_gets_the_shortest_step() {
    let wide = Linear {
        rows: vec![vec![1.0, 2.0, 2.0, 0.0], vec![0.0, 3.0, -3.0, 1.0]],
        bend: 0.0,
    };
    let x0 = [0.3, -0.4, 1.0, 2.0];
    let y = [5.0, -2.0];
    let problem = Problem::new(
        Arc::new(Linear {
            rows: wide.rows.clone(),
            bend: 0.0,
        }),
        Arc::new(SquaredError::half()),
        y.to_vec(),
    )
    .unwrap();
    let solver = Solver::new(InverseJacobian::default(), StopWhen::after(1));
    let shortest = solver.solve(&problem, &x0).unwrap().x;
    for inverse in all() {
        let found = invert(&*inverse, &wide, &y, &x0);
        assert_eq!(found.ended, Ended::Arrived);
        assert!(apart(&found.x, &shortest) < 1e-10, "{:?}", found.x);
    }
}

#[test]
fn an_under_determined_curve_gets_its_nearest_point() {
    // x₁ + ½ bend x₀² = 2: a parabola; the foot of the perpendicular from x₀ lies on it.
    let parabola = Linear {
        rows: vec![vec![0.0, 1.0]],
        bend: 0.6,
    };
    let x0 = [1.5, 0.2];
    for inverse in [
        &dense()[0],
        &dense()[1],
        &matrix_free()[0],
        &matrix_free()[1],
    ] {
        let found = invert(&**inverse, &parabola, &[2.0], &x0);
        assert_eq!(found.ended, Ended::Arrived);
        let mut normal = [0.0; 2];
        parabola.vjp(&found.x, &[1.0], &mut normal).unwrap();
        let way = [found.x[0] - x0[0], found.x[1] - x0[1]];
        let across = normal[0] * way[1] - normal[1] * way[0];
        assert!(across.abs() < 1e-7 * norm(&way), "{across}");
        assert!((forward(&parabola, &found.x)[0] - 2.0).abs() < 1e-10);
    }
}

#[test]
fn more_observations_than_unknowns_make_a_fit() {
    let tall = Linear {
        rows: vec![vec![1.0], vec![1.0], vec![1.0]],
        bend: 0.0,
    };
    for inverse in all() {
        let found = invert(&*inverse, &tall, &[1.0, 2.0, 6.0], &[0.0]);
        assert_eq!(found.ended, Ended::Nearest);
        assert!((found.x[0] - 3.0).abs() < 1e-9, "{:?}", found.x);
        assert!((found.misfit - 14.0_f64.sqrt()).abs() < 1e-9);
    }
}

/// Issue 2, section 5: the closed inverse and the numeric ones are the same.
#[test]
fn the_toy_runs_the_same_with_a_numeric_inverse() {
    let solve = |simulator: Arc<dyn Simulator>, steps| {
        let loss = Arc::new(SquaredError::default());
        let toy = Problem::new(simulator, loss, vec![0.0, 0.0]).unwrap();
        let solver = Solver::new(InverseSimulator::new(0.3).unwrap(), StopWhen::after(steps));
        solver.solve(&toy, &[3.0, 3.0]).unwrap()
    };
    for entry in INVERSES.entries.iter() {
        for steps in 1..=10 {
            let inverse = entry.build(&toml::Table::new()).unwrap();
            let numeric = solve(
                Arc::new(WithInverse::new(
                    Arc::new(SquareOptions::default().build().unwrap()),
                    inverse,
                )),
                steps,
            );
            let closed = solve(Arc::new(SquareOptions::default().build().unwrap()), steps);
            let gap = apart(&numeric.x, &closed.x);
            assert!(gap < 1e-9, "{} after {steps}: {gap:e}", entry.name);
            assert!(numeric.notices.is_empty());
            // What the inverse asks of P is seen.
            assert!(numeric.counts.jvp > 0 && closed.counts.jvp == 0);
        }
    }
}

/// PG = IG + O(Δy²), and the path's own order: halving the tolerance cannot change the end.
#[test]
fn the_path_ends_where_its_line_ends() {
    let exp = ExpOptions::default().with_size(3).build().unwrap();
    let x0 = [0.0, 0.5, -1.0];
    let y = [20.0, 0.1, 3.0];
    for tolerance in [1e-2, 1e-4, 1e-8] {
        let path = PathIntegralOptions::default()
            .with_tolerance(tolerance)
            .build()
            .unwrap();
        let found = invert(&path, &exp, &y, &x0);
        let expected: Vec<f64> = y.iter().map(|y| y.ln()).collect();
        assert!(apart(&found.x, &expected) < 1e-11, "{tolerance}");
    }
    // A linear map takes one step.
    let line = Linear {
        rows: vec![vec![2.0, 1.0], vec![0.0, 3.0]],
        bend: 0.0,
    };
    assert_eq!(
        invert(&PathIntegral::default(), &line, &[1.0, 2.0], &[5.0, 5.0]).steps,
        1
    );
}

/// P fails beyond x = 1.
struct Edge;

impl Simulator for Edge {
    fn input(&self) -> &Space {
        space("x", 1)
    }
    fn output(&self) -> &Space {
        space("y", 1)
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        if x[0] > 1.0 {
            return Err(Error::simulation("edge", "x is beyond 1"));
        }
        y[0] = x[0];
        Ok(())
    }
    fn jvp(&self, _: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        dy[0] = dx[0];
        Ok(())
    }
    fn vjp(&self, _: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        dx[0] = dy[0];
        Ok(())
    }
}

#[test]
fn a_simulation_that_fails_on_the_way_is_named() {
    for inverse in [&dense()[0], &dense()[2]] {
        let found = invert(&**inverse, &Edge, &[4.0], &[0.0]);
        let message = found.ended.to_string();
        assert!(message.contains("x is beyond 1"), "{message}");
        assert!(found.x[0] > 0.9 && found.x[0] <= 1.0, "{:?}", found.x);
    }
}

fn solve(
    simulator: Arc<dyn Simulator>,
    y: &[f64],
    x0: &[f64],
    steps: usize,
) -> retrodict::Solution {
    let loss = Arc::new(SquaredError::half());
    let problem = Problem::new(simulator, loss, y.to_vec()).unwrap();
    let solver = Solver::new(InverseSimulator::default(), StopWhen::after(steps));
    solver.solve(&problem, x0).unwrap()
}

#[test]
fn the_rule_goes_as_far_as_the_inverse_and_says_so() {
    let path = || Arc::new(PathIntegral::default());
    let square = Arc::new(WithInverse::new(
        Arc::new(SquareOptions::default().build().unwrap()),
        path(),
    ));
    let solution = solve(square, &[1.0, -12.0], &[1.0, 2.0], 20);
    assert!(solution.x[1].abs() < 2e-3, "{:?}", solution.x);
    assert!((solution.loss - 72.0).abs() < 1e-3);
    let said: Vec<&str> = solution.notices.iter().map(|(n, _)| n).collect();
    assert!(said[0].contains("took the partial step"), "{said:?}");
    let why = solution.notices.first_error().unwrap().to_string();
    assert!(why.contains("covered 25.0000 %"), "{why}");
}

/// An inverse that never works.
struct Refuses;

impl Inverter for Refuses {
    fn invert(&self, _: &dyn Simulator, _: &[f64], _: &[f64]) -> Result<Inversion> {
        Err(Error::simulation("refuses", "always"))
    }
}

#[test]
fn the_rule_falls_back_to_the_inverse_jacobian_and_counts() {
    let exp: Arc<dyn Simulator> = Arc::new(ExpOptions::default().with_size(2).build().unwrap());
    let without = Arc::new(WithInverse::new(Arc::clone(&exp), Arc::new(Refuses)));
    let y = [2.0, 0.5];
    let steps = 4;
    let fallen = solve(without, &y, &[0.0, 0.0], steps);
    // The steps of the inverse Jacobian, none of which had to be shortened.
    let problem = Problem::new(exp, Arc::new(SquaredError::half()), y.to_vec()).unwrap();
    let solver = Solver::new(InverseJacobian::default(), StopWhen::after(steps));
    let plain = solver.solve(&problem, &[0.0, 0.0]).unwrap();
    assert!(apart(&fallen.x, &plain.x) < 1e-12);
    assert_eq!(fallen.notices.iter().len(), 1, "{:?}", fallen.notices);
    let (notice, count) = fallen.notices.iter().next().unwrap();
    assert_eq!(count, steps as u64);
    assert!(notice.contains("failed; used an inverse-Jacobian step instead"));
    assert_eq!(fallen.counts.inverse, steps as u64);
}

/// J is wrong by a sign as a map, right as a gradient: the inverse Jacobian leads uphill.
struct Misleading;

impl Simulator for Misleading {
    fn input(&self) -> &Space {
        space("x", 1)
    }
    fn output(&self) -> &Space {
        space("y", 1)
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        y[0] = x[0];
        Ok(())
    }
    fn jvp(&self, _: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        dy[0] = -dx[0];
        Ok(())
    }
    fn vjp(&self, _: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        dx[0] = dy[0];
        Ok(())
    }
}

#[test]
fn the_rule_falls_back_to_the_gradient_at_last() {
    let wrong = Arc::new(WithInverse::new(Arc::new(Misleading), Arc::new(Refuses)));
    let solution = solve(wrong, &[3.0], &[1.0], 5);
    assert!(solution.loss < 1e-20, "{}", solution.loss);
    let (notice, _) = solution.notices.iter().next().unwrap();
    assert!(notice.contains("used a gradient step instead"));
}

#[test]
fn the_rule_converges_through_a_wrapped_rotated_sine() {
    for entry in INVERSES.entries.iter() {
        let inverse = entry.build(&toml::Table::new()).unwrap();
        let sine = Arc::new(WithInverse::new(
            Arc::new(SineOptions::default().build().unwrap()),
            inverse,
        ));
        let y = forward(&*sine, &[0.4, -0.2]);
        let solution = solve(sine, &y, &[0.6, -0.3], 5);
        assert!(solution.loss < 1e-20, "{}: {}", entry.name, solution.loss);
        assert!(apart(&solution.x, &[0.4, -0.2]) < 1e-8);
    }
}

#[test]
fn the_path_ends_at_the_crest_of_a_sine() {
    let sine = SineOptions::default()
        .with_xi(1.0)
        .with_phi(0.0)
        .build()
        .unwrap();
    let found = invert(&PathIntegral::default(), &sine, &[2.0, 0.0], &[0.0, 0.0]);
    assert_eq!(found.ended, Ended::Fold);
    assert!((found.reached - 0.5).abs() < 1e-7);
    assert!((found.x[0] - FRAC_PI_2).abs() < 1e-3);
    let other = invert(&PathIntegral::default(), &sine, &[2.0, 0.0], &[PI, 0.0]);
    assert!((other.x[0] - FRAC_PI_2).abs() < 1e-3, "{:?}", other.x);
}

fn reach_of(simulator: &dyn Simulator, x: &[f64]) -> Reach {
    reach(simulator, x, 1).unwrap().unwrap()
}

/// PG = IG + O(Δy²), for closed inverses and numeric ones.
#[test]
fn inverses_differ_from_the_inverse_jacobian_in_second_order() {
    let base: [(Arc<dyn Simulator>, [f64; 2]); 3] = [
        (
            Arc::new(SquareOptions::default().build().unwrap()),
            [1.0, 0.7],
        ),
        (
            Arc::new(
                SineOptions::default()
                    .with_xi(2.0)
                    .with_phi(30.0)
                    .build()
                    .unwrap(),
            ),
            [0.3, 0.6],
        ),
        (
            Arc::new(ExpOptions::default().with_size(2).build().unwrap()),
            [0.2, -0.5],
        ),
    ];
    for (simulator, x) in base {
        let closed = reach_of(&*simulator, &x).slope.unwrap();
        assert!((1.9..2.2).contains(&closed), "{closed}");
        for entry in INVERSES.entries.iter() {
            let inverse = entry.build(&toml::Table::new()).unwrap();
            let numeric = WithInverse::new(Arc::clone(&simulator), inverse);
            let found = reach_of(&numeric, &x);
            let slope = found.slope.unwrap();
            assert!(
                (slope - closed).abs() < 0.01,
                "{}: {slope} {closed}",
                entry.name
            );
            assert!(found.checks().iter().all(|check| check.passed));
        }
    }
}

#[test]
fn the_radius_of_a_local_inverse_is_the_distance_to_the_fold() {
    // With y = (x₀, x₁²) from x₁ = 0.7, Δy₁ = −0.49 leads to the fold. The closed inverse ends there
    // in silence, the path says that it stopped; both are caught.
    let x = [1.0, 0.7];
    let v = check::typical_input(&SquareOptions::default().build().unwrap(), 1);
    let ratio = (v[0] * v[0] + (1.4 * v[1]).powi(2)).sqrt() / (1.4 * v[1]).abs();
    let path = WithInverse::new(
        Arc::new(SquareOptions::default().build().unwrap()),
        Arc::new(PathIntegral::default()),
    );
    for simulator in [
        &SquareOptions::default().build().unwrap() as &dyn Simulator,
        &path,
    ] {
        let found = reach_of(simulator, &x);
        assert!(!found.whole);
        assert!(
            (found.radius / (0.49 * ratio) - 1.0).abs() < 1e-4,
            "{}",
            found.radius
        );
    }
    assert!(reach_of(&path, &x).beyond.unwrap().contains("fold"));
}

#[test]
fn an_inverse_that_never_holds_fails_its_check() {
    let wrong = WithInverse::new(
        Arc::new(ExpOptions::default().with_size(2).build().unwrap()),
        Arc::new(Refuses),
    );
    let found = reach_of(&wrong, &[0.0, 0.0]);
    assert_eq!(found.radius, 0.0);
    assert!(!found.checks()[0].passed);
    assert!(found.beyond.unwrap().contains("always"));
    assert!(reach(&Edge, &[0.0], 1).is_none());
}
