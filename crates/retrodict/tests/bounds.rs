//! Bounds: no iterate leaves them, and the minimum within is found to all digits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::fixtures::space;
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use retrodict::linalg::{Matrix, cholesky, norm};
use retrodict::losses::SquaredError;
use retrodict::options::Build;
use retrodict::priors::TotalVariation;
use retrodict::registry::RULES;
use retrodict::simulators::HeatOptions;
use retrodict::{
    Bounds, Description, Goal, Problem, Result, SecondOrder, Simulator, Solution, Solver, Space,
    Status, StopWhen, Transform,
};

/// y = (10 (x₂ − x₁²), 1 − x₁).
struct Rosenbrock;

impl Simulator for Rosenbrock {
    fn input(&self) -> &Space {
        space("point", 2)
    }
    fn output(&self) -> &Space {
        space("valley", 2)
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        y[0] = 10.0 * (x[1] - x[0] * x[0]);
        y[1] = 1.0 - x[0];
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        dy[0] = 10.0 * (dx[1] - 2.0 * x[0] * dx[0]);
        dy[1] = -dx[0];
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        dx[0] = -20.0 * x[0] * dy[0] - dy[1];
        dx[1] = 10.0 * dy[0];
        Ok(())
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        Some(self)
    }
}

impl SecondOrder for Rosenbrock {
    fn vjp_derivative(&self, _x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
        out[0] = -20.0 * dy[0] * dx[0];
        out[1] = 0.0;
        Ok(())
    }
}

/// y = A x.
struct Linear(Matrix);

impl Simulator for Linear {
    fn input(&self) -> &Space {
        space("unknowns", self.0.cols())
    }
    fn output(&self) -> &Space {
        space("data", self.0.rows())
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.0.apply(x, y);
        Ok(())
    }
    fn jvp(&self, _x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.forward(dx, dy)
    }
    fn vjp(&self, _x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.0.apply_transpose(dy, dx);
        Ok(())
    }
    fn describe(&self) -> Description {
        Description::default().with_linear(true)
    }
}

fn problem(simulator: impl Simulator + 'static, target: Vec<f64>) -> Problem {
    let loss = Arc::new(SquaredError::default());
    Problem::new(Arc::new(simulator), loss, target).unwrap()
}

fn solve(rule: &str, options: &str, problem: &Problem, start: &[f64], steps: usize) -> Solution {
    let rule = RULES.build(rule, &options.parse().unwrap()).unwrap();
    let stop = StopWhen::after(steps).with_loss_change(0.0);
    Solver::new(rule, stop).solve(problem, start).unwrap()
}

fn bounds(lower: &[f64], upper: &[f64]) -> Bounds {
    Bounds::new(lower.to_vec(), upper.to_vec())
}

/// Rules that find a minimum within bounds; the others have no search, or none for this.
const MINIMISERS: [(&str, &str); 8] = [
    ("levenberg-marquardt", ""),
    ("levenberg-marquardt", "dense_up_to = 0"),
    ("gauss-newton", ""),
    ("gauss-newton", "dense_up_to = 0"),
    ("inverse-jacobian", ""),
    ("newton", "saddle_free = true"),
    ("bfgs", ""),
    ("limited-memory-bfgs", ""),
];

/// Hock & Schittkowski, *Test Examples for Nonlinear Programming Codes* (1981), problems 1 and 2,
/// and the valley cut off before its end, where x₂ = x₁².
#[test]
fn rosenbrocks_valley_within_bounds_has_its_published_minima() {
    let (a, infinity) = ((598.0_f64 / 1200.0).sqrt(), f64::INFINITY);
    let b = 400.0 * a.powi(3);
    let first = 2.0 * a * ((1.0 / b).acos() / 3.0).cos();
    let cases = [
        (bounds(&[-infinity, -1.5], &[]), [1.0, 1.0], 0.0),
        (
            bounds(&[-infinity, 1.5], &[]),
            [first, 1.5],
            0.050_426_187_9,
        ),
        (bounds(&[], &[0.5, infinity]), [0.5, 0.25], 0.25),
    ];
    for (bounds, expected, loss) in cases {
        let problem = problem(Rosenbrock, vec![0.0; 2]).within(&bounds).unwrap();
        for (rule, options) in MINIMISERS {
            let found = solve(rule, options, &problem, &[1.2, 2.0], 400);
            let error = found.x.iter().zip(expected).map(|(x, e)| (x - e).abs());
            let error = error.fold(0.0, f64::max);
            assert!(
                error < 1e-7,
                "{rule} {options} {bounds:?}: {:?} {:?}",
                found.x,
                found.status
            );
            assert!((found.loss - loss).abs() < 1e-10, "{rule}: {}", found.loss);
            if ["levenberg-marquardt", "gauss-newton", "limited-memory-bfgs"].contains(&rule) {
                assert!(error < 1e-10, "{rule} {options}: {error:e}");
            }
        }
    }
}

fn normal(source: &mut Pcg64, n: usize) -> Vec<f64> {
    (0..n)
        .map(|_| StandardNormal.sample(&mut *source))
        .collect()
}

/// The least squares of some columns alone.
fn least_squares(a: &Matrix, b: &[f64], free: &[usize]) -> Vec<f64> {
    let mut normal = Matrix::zeros(free.len(), free.len());
    let mut x = vec![0.0; free.len()];
    for (i, fi) in free.iter().enumerate() {
        for r in 0..a.rows() {
            x[i] += a[(r, *fi)] * b[r];
            for (j, fj) in free.iter().enumerate() {
                normal[(i, j)] += a[(r, *fi)] * a[(r, *fj)];
            }
        }
    }
    if !free.is_empty() {
        cholesky(&normal).unwrap().solve(&mut x);
    }
    let mut whole = vec![0.0; a.cols()];
    free.iter().zip(&x).for_each(|(i, x)| whole[*i] = *x);
    whole
}

/// Non-negative least squares by trying every set of unknowns at 0.
fn brute_force(a: &Matrix, b: &[f64]) -> Vec<f64> {
    let n = a.cols();
    let misfit = |x: &[f64]| {
        let mut y = vec![0.0; a.rows()];
        a.apply(x, &mut y);
        norm(&y.iter().zip(b).map(|(y, b)| y - b).collect::<Vec<_>>())
    };
    let mut best = (f64::INFINITY, vec![]);
    for set in 0..1_usize << n {
        let free: Vec<usize> = (0..n).filter(|i| set >> i & 1 == 1).collect();
        let x = least_squares(a, b, &free);
        if x.iter().all(|x| *x >= 0.0) && misfit(&x) < best.0 {
            best = (misfit(&x), x);
        }
    }
    best.1
}

#[test]
fn non_negative_least_squares_agree_with_all_active_sets_tried() {
    let mut source = Pcg64::seed_from_u64(7);
    let mut at_bounds = 0;
    for _ in 0..12 {
        let (m, n) = (9, 6);
        let a = Matrix::from_vec(m, n, normal(&mut source, m * n));
        let b = normal(&mut source, m);
        let expected = brute_force(&a, &b);
        at_bounds += expected.iter().filter(|x| **x == 0.0).count();
        let start = normal(&mut source, n);
        let problem = problem(Linear(a), b).within(&bounds(&[0.0], &[])).unwrap();
        for (rule, options) in MINIMISERS {
            let found = solve(rule, options, &problem, &start, 400);
            for (x, e) in found.x.iter().zip(&expected) {
                let near = (x - e).abs() < 1e-7;
                assert!(
                    near,
                    "{rule} {options}: {:?} for {expected:?}, {:?}",
                    found.x, found.status
                );
            }
        }
    }
    assert!(at_bounds > 12, "the problems should have active bounds");
}

#[test]
fn no_iterate_of_any_rule_leaves_the_bounds() {
    let mut source = Pcg64::seed_from_u64(3);
    for entry in RULES
        .entries
        .iter()
        .filter(|entry| entry.name != "inverse-simulator")
    {
        for _ in 0..6 {
            let centre = normal(&mut source, 2);
            let width: Vec<f64> = normal(&mut source, 2).iter().map(|w| w.abs()).collect();
            let side = |sign: f64| {
                centre
                    .iter()
                    .zip(&width)
                    .map(|(c, w)| c + sign * w)
                    .collect::<Vec<f64>>()
            };
            let bounds = Bounds::new(side(-1.0), side(1.0));
            let problem = problem(Rosenbrock, vec![0.0; 2]).within(&bounds).unwrap();
            let rule = entry.build(&toml::Table::new()).unwrap();
            let stop = StopWhen::after(40);
            let start = normal(&mut source, 2);
            let mut seen = 0;
            let watch = |_: &_, x: &[f64]| {
                for i in 0..2 {
                    let within = x[i] >= bounds.lower[i] && x[i] <= bounds.upper[i];
                    assert!(within, "{}: {x:?} beyond {bounds:?}", entry.name);
                }
                seen += 1;
                ControlFlow::Continue(())
            };
            let found = Solver::new(rule, stop).solve_observed(&problem, &start, watch);
            let found = found.unwrap_or_else(|e| panic!("{}: {e}", entry.name));
            assert!(seen > 0 && found.loss.is_finite(), "{}", entry.name);
        }
    }
}

/// −∂L/∂x points nowhere but out of the box.
fn assert_stationary(problem: &Problem, x: &[f64], tolerance: f64, what: &str) {
    let bounds = problem.bounds().unwrap();
    let free = problem.unbounded();
    let tally = retrodict::Tally::default();
    let at = retrodict::Evaluation::new(&free, &tally, x).unwrap();
    let gradient = at.gradient().unwrap();
    for i in 0..x.len() {
        let low = x[i] <= bounds.lower[i] + 1e-12;
        let high = x[i] >= bounds.upper[i] - 1e-12;
        let pull = -gradient[i];
        let wrong = pull > tolerance && !high || pull < -tolerance && !low;
        assert!(!wrong, "{what}: x[{i}] = {} is pulled by {pull:e}", x[i]);
    }
}

#[test]
fn a_field_of_temperatures_stays_between_ice_and_steam() {
    let heat = HeatOptions::default()
        .with_shape(vec![5, 5])
        .with_nu_t(0.6)
        .build()
        .unwrap();
    let y: Vec<f64> = (0..25)
        .map(|i| 0.5 + 0.9 * (0.5 * f64::from(i / 5)).sin() * (0.4 * f64::from(i % 5)).cos())
        .collect();
    let prior = TotalVariation::default().with_smoothing(0.1);
    let problem = problem(heat, y)
        .with_prior(&prior, 0.02)
        .unwrap()
        .within(&bounds(&[0.0], &[1.0]))
        .unwrap();
    let reference = solve("levenberg-marquardt", "", &problem, &[0.5; 25], 60);
    let at_bounds = reference
        .x
        .iter()
        .filter(|x| **x == 0.0 || **x == 1.0)
        .count();
    assert!((3..23).contains(&at_bounds), "{at_bounds}");
    for (rule, options, steps) in [
        ("levenberg-marquardt", "", 60),
        ("gauss-newton", "", 60),
        ("gauss-newton", "dense_up_to = 0", 60),
        ("inverse-jacobian", "", 60),
        ("limited-memory-bfgs", "", 1000),
    ] {
        let found = solve(rule, options, &problem, &[0.5; 25], steps);
        assert_stationary(&problem, &found.x, 1e-6, rule);
        let excess = found.loss / reference.loss - 1.0;
        assert!(excess.abs() < 1e-9, "{rule}: {excess:e}");
    }
}

#[test]
fn a_vanishing_gradient_within_bounds_is_a_goal() {
    let problem = problem(Rosenbrock, vec![0.0; 2])
        .within(&bounds(&[], &[0.5, f64::INFINITY]))
        .unwrap();
    let rule = RULES
        .build("levenberg-marquardt", &toml::Table::new())
        .unwrap();
    let stop = StopWhen::after(100).with_gradient_below(1e-8);
    let found = Solver::new(rule, stop)
        .solve(&problem, &[0.0, 0.0])
        .unwrap();
    assert_eq!(found.status, Status::Converged(Goal::Gradient));
    assert_eq!(found.x[0], 0.5);
}

#[test]
fn equal_bounds_fix_an_unknown() {
    let problem = problem(Rosenbrock, vec![0.0; 2])
        .within(&bounds(&[0.3, -9.0], &[0.3, 9.0]))
        .unwrap();
    for (rule, options) in MINIMISERS {
        let found = solve(rule, options, &problem, &[2.0, 2.0], 200);
        assert_eq!(found.x[0], 0.3, "{rule}");
        assert!((found.x[1] - 0.09).abs() < 1e-9, "{rule}: {:?}", found.x);
    }
}

#[test]
fn bounds_hold_in_transformed_unknowns() {
    let problem = problem(Rosenbrock, vec![0.0; 2])
        .within(&bounds(&[0.0, 0.01], &[0.5, 5.0]))
        .unwrap()
        .transformed(&[Transform::Log, Transform::Scale(1e-3)])
        .unwrap();
    let found = solve("levenberg-marquardt", "", &problem, &[0.1, 4.0], 200);
    assert!((found.x[0] - 0.5).abs() < 1e-12, "{:?}", found.x);
    assert!((found.x[1] - 0.25).abs() < 1e-9, "{:?}", found.x);
}

#[test]
fn a_start_outside_is_moved_within_and_said() {
    let problem = problem(Rosenbrock, vec![0.0; 2])
        .within(&bounds(&[-1.0], &[2.0]))
        .unwrap();
    let mut first = None;
    let rule = RULES
        .build("levenberg-marquardt", &toml::Table::new())
        .unwrap();
    let stop = StopWhen::after(50);
    let watch = |_: &_, x: &[f64]| {
        first.get_or_insert_with(|| x.to_vec());
        ControlFlow::Continue(())
    };
    let found = Solver::new(rule, stop)
        .solve_observed(&problem, &[-7.0, 1.5], watch)
        .unwrap();
    assert_eq!(first.unwrap(), [-1.0, 1.5]);
    assert_eq!(
        found.notices.iter().next().map(|(notice, _)| notice),
        Some("the start was outside the bounds; started from the nearest point inside")
    );
}

#[test]
fn bounds_that_do_not_fit_say_why() {
    let free = problem(Rosenbrock, vec![0.0; 2]);
    let message = |lower: &[f64], upper: &[f64]| {
        let refused = free.within(&bounds(lower, upper)).err();
        refused.expect("this is to be refused").to_string()
    };
    assert_eq!(
        message(&[0.0, 3.0], &[1.0, 2.0]),
        "bounds of x[1] = [3, 2] is not allowed: the lower bound must not exceed the upper one; \
         exchange them, or leave one out"
    );
    assert!(message(&[f64::NAN], &[]).starts_with("bounds of x[0] = [NaN, inf] is not allowed"));
    assert_eq!(
        message(&[0.0; 3], &[]),
        "bounds.lower has 3 values, expected 2: check the shape of the data"
    );
}

#[test]
fn a_rule_that_moves_all_unknowns_at_once_is_refused_by_name() {
    let heat = HeatOptions::default().with_shape(vec![8]).build().unwrap();
    let problem = problem(heat, vec![1.0; 8])
        .within(&bounds(&[0.0], &[]))
        .unwrap();
    let rule = RULES
        .build("inverse-simulator", &toml::Table::new())
        .unwrap();
    let stop = StopWhen::after(5);
    let error = Solver::new(rule, stop)
        .solve(&problem, &[1.0; 8])
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "inverse-simulator needs unknowns without bounds, which a bounded problem does not offer; \
         try levenberg-marquardt, or a transform of x that keeps it between the bounds"
    );
}
