//! Update rules against published numbers, exact steps, limits and counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::fixtures::space;
use retrodict::options::Build;
use std::sync::Arc;

use retrodict::linalg::Matrix;
use retrodict::losses::SquaredError;
use retrodict::simulators::{ScalingOptions, SineOptions, SquareOptions};
use retrodict::updates::*;
use retrodict::{
    Checkpoint, Counts, Description, Error, Evaluation, Goal, LOSS_CHANGE, Problem, Result,
    Simulator, Solution, Solver, Space, Status, StopWhen, Tally,
};

/// y = A x, with any shape of A.
struct Linear(Matrix);

impl Simulator for Linear {
    fn input(&self) -> &Space {
        space("x", self.0.cols())
    }
    fn output(&self) -> &Space {
        space("y", self.0.rows())
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.0.apply(x, y);
        Ok(())
    }
    fn jvp(&self, _x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.0.apply(dx, dy);
        Ok(())
    }
    fn vjp(&self, _x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.0.apply_transpose(dy, dx);
        Ok(())
    }
    fn describe(&self) -> Description {
        Description::default().with_linear(true)
    }
}

type Make<'a> = &'a dyn Fn() -> Box<dyn UpdateRule>;
type Function = fn(&[f64], &mut [f64]);

/// A map given by its formula, with central differences for J: exact enough for 1e-6.
struct Residuals {
    inputs: usize,
    outputs: usize,
    f: Function,
}

impl Simulator for Residuals {
    fn input(&self) -> &Space {
        space("x", self.inputs)
    }
    fn output(&self) -> &Space {
        space("residuals", self.outputs)
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        (self.f)(x, y);
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        let size = dx.iter().fold(0.0_f64, |m, d| m.max(d.abs()));
        if size == 0.0 {
            dy.fill(0.0);
            return Ok(());
        }
        let h = 1e-6 / size;
        let at = |t: f64| -> Vec<f64> { x.iter().zip(dx).map(|(x, d)| x + t * d).collect() };
        let mut low = vec![0.0; self.outputs];
        (self.f)(&at(h), dy);
        (self.f)(&at(-h), &mut low);
        for (dy, low) in dy.iter_mut().zip(low) {
            *dy = (*dy - low) / (2.0 * h);
        }
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let mut e = vec![0.0; self.inputs];
        let mut column = vec![0.0; self.outputs];
        for i in 0..self.inputs {
            e[i] = 1.0;
            self.jvp(x, &e, &mut column)?;
            e[i] = 0.0;
            dx[i] = column.iter().zip(dy).map(|(c, d)| c * d).sum();
        }
        Ok(())
    }
}

fn problem(simulator: impl Simulator + 'static, half: bool, target: &[f64]) -> Problem {
    let loss = Arc::new(SquaredError::default().with_half(half));
    Problem::new(Arc::new(simulator), loss, target.to_vec()).unwrap()
}

fn step(rule: &mut dyn UpdateRule, problem: &Problem, x: &[f64]) -> Vec<f64> {
    let tally = Tally::default();
    let at = Evaluation::new(problem, &tally, x).unwrap();
    let mut dx = vec![0.0; x.len()];
    rule.update(&at, &mut dx).unwrap();
    dx
}

fn solve(rule: impl UpdateRule + 'static, problem: &Problem, x: &[f64], steps: usize) -> Solution {
    Solver::new(rule, StopWhen::after(steps))
        .solve(problem, x)
        .unwrap()
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!(
            (f - e).abs() <= tolerance * (1.0 + e.abs()),
            "{found:?} is not {expected:?}"
        );
    }
}

fn newton(learning_rate: f64, saddle_free: bool) -> Newton {
    NewtonOptions::default()
        .with_learning_rate(learning_rate)
        .with_saddle_free(saddle_free)
        .build()
        .unwrap()
}

/// The book's comparison, ten steps from (3, 3).
#[test]
fn toy_ends_where_the_book_says() {
    let toy = problem(
        SquareOptions::default().build().unwrap(),
        false,
        &[0.0, 0.0],
    );
    let start = [3.0, 3.0];
    let descent = solve(GradientDescent::new(0.01).unwrap(), &toy, &start, 10).x;
    assert_near(&descent, &[2.45121842066, 0.96171152444], 1e-11);
    let second = solve(newton(1.0 / 3.0, false), &toy, &start, 10).x;
    assert_near(&second, &[0.05202458975, 0.92383844297], 1e-10);
    let inverse = solve(InverseSimulator::new(0.3).unwrap(), &toy, &start, 10).x;
    assert_near(&inverse, &[0.08474257470, 0.50421], 1e-10);
}

#[test]
fn toy_first_steps_point_where_the_book_says() {
    let toy = problem(
        SquareOptions::default().build().unwrap(),
        false,
        &[0.0, 0.0],
    );
    let along = |rule: &mut dyn UpdateRule| {
        let dx = step(rule, &toy, &[3.0, 3.0]);
        (dx[0] + dx[1]).abs() / dx[0].hypot(dx[1])
    };
    assert!((along(&mut GradientDescent::new(0.01).unwrap()) - 1.053930).abs() < 5e-7);
    assert!((along(&mut newton(1.0 / 3.0, false)) - 1.264911).abs() < 5e-7);
    assert!((along(&mut InverseSimulator::new(0.3).unwrap()) - 1.356443).abs() < 5e-7);
}

#[test]
fn one_step_solves_a_linear_problem() {
    let a = Matrix::from_rows(&[&[2.0, 1.0, 0.0], &[-1.0, 3.0, 0.5], &[0.0, 1.0, 4.0]]);
    let truth = [1.0, -2.0, 3.0];
    let mut target = [0.0; 3];
    a.apply(&truth, &mut target);
    for half in [false, true] {
        let p = problem(Linear(a.clone()), half, &target);
        let start = [5.0, 5.0, 5.0];
        let rules: Vec<Box<dyn UpdateRule>> = vec![
            Box::new(newton(1.0, false)),
            Box::new(newton(1.0, true)),
            Box::new(GaussNewton::default()),
            Box::new(
                GaussNewtonOptions::default()
                    .with_dense_up_to(0)
                    .build()
                    .unwrap(),
            ),
            Box::new(InverseJacobian::default()),
            Box::new(
                InverseJacobianOptions::default()
                    .with_dense_up_to(0)
                    .build()
                    .unwrap(),
            ),
            Box::new(LevenbergMarquardt::default()),
            Box::new(
                NewtonOptions::default()
                    .with_dense_up_to(0)
                    .build()
                    .unwrap(),
            ),
        ];
        for mut rule in rules {
            let dx = step(&mut *rule, &p, &start);
            let x: Vec<f64> = start.iter().zip(&dx).map(|(x, d)| x + d).collect();
            assert_near(&x, &truth, 1e-9);
        }
    }
}

#[test]
fn half_inverse_meets_its_limits() {
    let a = Matrix::from_rows(&[&[2.0, 1.0], &[-1.0, 3.0], &[0.3, 0.2]]);
    let p = problem(Linear(a), true, &[1.0, 2.0, -1.0]);
    let x = [0.5, -0.5];
    let power = |kappa| {
        let rule = HalfInverseOptions::default()
            .with_kappa(kappa)
            .build()
            .unwrap();
        step(&mut rule.clone(), &p, &x)
    };
    assert_near(
        &power(1.0),
        &step(&mut InverseJacobian::default(), &p, &x),
        1e-12,
    );
    assert_near(
        &power(-1.0),
        &step(&mut GradientDescent::new(1.0).unwrap(), &p, &x),
        1e-12,
    );
}

/// The shortest of all solutions, for every rule that inverts J.
#[test]
fn a_rank_deficient_jacobian_gives_the_shortest_step() {
    let a = Matrix::from_rows(&[&[1.0, 1.0], &[2.0, 2.0], &[0.0, 0.0]]);
    let p = problem(Linear(a), true, &[2.0, 4.0, 0.0]);
    let start = [0.0, 0.0];
    let rules: Vec<Box<dyn UpdateRule>> = vec![
        Box::new(GaussNewton::default()),
        Box::new(InverseJacobian::default()),
        Box::new(
            InverseJacobianOptions::default()
                .with_dense_up_to(0)
                .build()
                .unwrap(),
        ),
        Box::new(LevenbergMarquardt::default()),
        Box::new(newton(1.0, false)),
    ];
    for mut rule in rules {
        assert_near(&step(&mut *rule, &p, &start), &[1.0, 1.0], 1e-10);
    }
}

#[test]
fn a_zero_jacobian_gives_a_zero_step_and_newton_says_so() {
    let p = problem(Linear(Matrix::zeros(2, 2)), true, &[1.0, 1.0]);
    for mut rule in [
        Box::new(GaussNewton::default()) as Box<dyn UpdateRule>,
        Box::new(InverseJacobian::default()),
        Box::new(HalfInverse::default()),
    ] {
        assert_eq!(step(&mut *rule, &p, &[1.0, 2.0]), [0.0, 0.0]);
    }
    // Flat in x₁ at 0: the Hessian has a row of zeros, the gradient has not.
    let toy = problem(
        SquareOptions::default().build().unwrap(),
        false,
        &[1.0, 0.0],
    );
    let solution = solve(newton(1.0, false), &toy, &[3.0, 0.0], 1);
    assert_near(&solution.x, &[1.0, 0.0], 1e-12);
}

#[test]
fn newton_falls_back_to_the_gradient_where_the_hessian_vanishes() {
    // L = (x³)² has no curvature at 0 but J is zero there too; a target off the range of a
    // flat point shows the fall-back: L = x₁ is linear in the cubic's inflection.
    struct Inflection;
    impl Simulator for Inflection {
        fn input(&self) -> &Space {
            space("x", 1)
        }
        fn output(&self) -> &Space {
            space("y", 1)
        }
        fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
            y[0] = x[0].sqrt();
            Ok(())
        }
        fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
            dy[0] = 0.5 / x[0].sqrt() * dx[0];
            Ok(())
        }
        fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
            self.jvp(x, dy, dx)
        }
        fn second_order(&self) -> Option<&dyn retrodict::SecondOrder> {
            Some(self)
        }
    }
    impl retrodict::SecondOrder for Inflection {
        fn vjp_derivative(&self, x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
            out[0] = -0.25 * x[0].powf(-1.5) * dy[0] * dx[0];
            Ok(())
        }
    }
    // With target 0, L = x exactly: slope 1, curvature 0.
    let p = problem(Inflection, false, &[0.0]);
    let solution = solve(newton(0.25, false), &p, &[1.0], 1);
    assert_near(&solution.x, &[0.75], 1e-12);
    assert_eq!(solution.notices.iter().len(), 1);
    let (notice, _) = solution.notices.iter().next().unwrap();
    assert!(notice.contains("singular"));
}

#[test]
fn the_cap_on_the_loss_change_holds() {
    let p = problem(
        ScalingOptions::default().with_alpha(2.0).build().unwrap(),
        false,
        &[0.0, 0.0],
    );
    let mut rule = NewtonOptions::default()
        .with_max_loss_change(0.5)
        .build()
        .unwrap();
    let dx = step(&mut rule, &p, &[3.0, 1.0]);
    let change = 2.0 * 3.0 * dx[0] + 8.0 * dx[1];
    assert!((change + 0.5).abs() < 1e-12, "predicted {change}");
}

#[test]
fn saddle_free_newton_leaves_a_saddle_that_newton_seeks() {
    let toy = problem(
        SquareOptions::default().build().unwrap(),
        false,
        &[0.0, 4.0],
    );
    // Near x₁ = 0 the loss (x₁² − 4)² has a maximum.
    let start = [1.0, 0.1];
    let plain = solve(newton(1.0, false), &toy, &start, 30);
    assert!(
        plain.x[1].abs() < 1.0,
        "Newton goes to the maximum: {:?}",
        plain.x
    );
    let free = solve(newton(1.0, true), &toy, &start, 60);
    assert_near(&free.x, &[0.0, 2.0], 1e-9);
}

#[test]
fn a_start_at_a_saddle_is_called_one() {
    let toy = problem(
        SquareOptions::default().build().unwrap(),
        false,
        &[0.0, 4.0],
    );
    let solution = solve(GradientDescent::new(0.01).unwrap(), &toy, &[0.0, 0.0], 10);
    assert_eq!(solution.status, Status::Saddle);
    let solution = solve(GaussNewton::default(), &toy, &[0.0, 2.0], 10);
    assert_eq!(solution.status, Status::Converged(Goal::Stationary));
}

#[test]
fn a_step_too_long_diverges_and_keeps_the_best_iterate() {
    let p = problem(
        ScalingOptions::default().with_alpha(10.0).build().unwrap(),
        false,
        &[0.0, 0.0],
    );
    let solution = solve(GradientDescent::new(0.1).unwrap(), &p, &[1.0, 1.0], 100);
    assert_eq!(solution.status, Status::Diverged);
    assert_eq!(solution.x, [1.0, 1.0]);
}

#[test]
fn a_rule_without_what_it_needs_names_those_that_work() {
    let p = problem(Linear(Matrix::identity(2)), true, &[1.0, 1.0]);
    let error = Solver::new(InverseSimulator::default(), StopWhen::default())
        .solve(&p, &[0.0, 0.0])
        .unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }));
    assert!(
        error
            .to_string()
            .contains("try inverse = \"path\", which makes one from J, or levenberg"),
        "{error}"
    );
}

/// P → αP, y* → αy*: Δx ∝ α^p.
#[test]
fn scaling_exponents_are_those_of_the_theory() {
    let p_of = |alpha: f64| {
        let a = Matrix::from_rows(&[&[2.0 * alpha, alpha], &[-alpha, 3.0 * alpha]]);
        problem(Linear(a), true, &[alpha, 2.0 * alpha])
    };
    let half = |kappa| {
        HalfInverseOptions::default()
            .with_kappa(kappa)
            .build()
            .unwrap()
    };
    let adam = AdamOptions::default().with_epsilon(1e-300).build().unwrap();
    let cases: Vec<(Make<'_>, f64)> = vec![
        (&|| Box::new(GradientDescent::new(0.1).unwrap()), 2.0),
        (&|| Box::new(Newton::default()), 0.0),
        (&|| Box::new(GaussNewton::default()), 0.0),
        (&|| Box::new(InverseJacobian::default()), 0.0),
        (&|| Box::new(LevenbergMarquardt::default()), 0.0),
        (&|| Box::new(HalfInverse::default()), 0.5),
    ];
    let x = [0.3, -0.7];
    for (rule, expected) in cases {
        let norm = |alpha: f64| {
            let dx = step(&mut *rule(), &p_of(alpha), &x);
            dx[0].hypot(dx[1])
        };
        let exponent = (norm(100.0) / norm(1.0)).ln() / 100.0_f64.ln();
        assert!(
            (exponent - expected).abs() < 1e-9,
            "{exponent} is not {expected}"
        );
    }
    for kappa in [-1.0, -0.5, 0.0, 0.25, 1.0] {
        let norm = |alpha: f64| {
            let dx = step(&mut half(kappa), &p_of(alpha), &x);
            dx[0].hypot(dx[1])
        };
        let exponent = (norm(100.0) / norm(1.0)).ln() / 100.0_f64.ln();
        assert!((exponent - (1.0 - kappa)).abs() < 1e-9);
    }
    let (small, large) = (
        step(&mut adam.clone(), &p_of(1.0), &x),
        step(&mut adam.clone(), &p_of(100.0), &x),
    );
    assert_near(&small, &large, 1e-9);
}

/// Scale-invariant rules walk the same path whatever α is; gradient descent does not.
#[test]
fn scaling_trajectories_agree_for_the_rules_that_are_invariant() {
    let path = |make: Make<'_>, alpha: f64| {
        let p = problem(
            ScalingOptions::default().with_alpha(alpha).build().unwrap(),
            true,
            &[1.0, -2.0 * alpha],
        );
        let mut path = Vec::new();
        let solver = Solver::new(make(), StopWhen::after(8));
        solver
            .solve_observed(&p, &[3.0, 3.0], |_, x| {
                path.extend_from_slice(x);
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        path
    };
    let invariant: Vec<Make<'_>> = vec![
        &|| Box::new(newton(0.3, false)),
        &|| {
            Box::new(
                GaussNewtonOptions::default()
                    .with_learning_rate(0.3)
                    .build()
                    .unwrap(),
            )
        },
        &|| {
            Box::new(
                InverseJacobianOptions::default()
                    .with_learning_rate(0.3)
                    .build()
                    .unwrap(),
            )
        },
        &|| Box::new(InverseSimulator::new(0.3).unwrap()),
    ];
    for alpha in [1e2, 1e4, 1e5] {
        for make in &invariant {
            assert_near(&path(*make, alpha), &path(*make, 1.0), 1e-12);
        }
        let descent: Make<'_> = &|| Box::new(GradientDescent::new(1e-13).unwrap());
        let (scaled, plain) = (path(descent, alpha), path(descent, 1.0));
        assert!((scaled[3] - plain[3]).abs() > 1e-12 * alpha);
    }
}

/// Moré, Garbow & Hillstrom, *Testing unconstrained optimization software* (1981): numbers 1,
/// 5, 7, 13 and 15, with their published minima of Σr².
#[test]
fn levenberg_marquardt_reaches_the_published_minima() {
    let rosenbrock: Function = |x, r| {
        r[0] = 10.0 * (x[1] - x[0] * x[0]);
        r[1] = 1.0 - x[0];
    };
    let beale: Function = |x, r| {
        for (i, y) in [1.5, 2.25, 2.625].iter().enumerate() {
            r[i] = y - x[0] * (1.0 - x[1].powi(i as i32 + 1));
        }
    };
    let helical: Function = |x, r| {
        let half = if x[0] < 0.0 { 0.5 } else { 0.0 };
        let turn = (x[1] / x[0]).atan() / (2.0 * std::f64::consts::PI) + half;
        r[0] = 10.0 * (x[2] - 10.0 * turn);
        r[1] = 10.0 * (x[0].hypot(x[1]) - 1.0);
        r[2] = x[2];
    };
    let powell: Function = |x, r| {
        r[0] = x[0] + 10.0 * x[1];
        r[1] = 5.0_f64.sqrt() * (x[2] - x[3]);
        r[2] = (x[1] - 2.0 * x[2]).powi(2);
        r[3] = 10.0_f64.sqrt() * (x[0] - x[3]).powi(2);
    };
    let kowalik: Function = |x, r| {
        let u = [
            4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625,
        ];
        let y = [
            0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246,
        ];
        for i in 0..11 {
            let (a, b) = (u[i] * u[i] + u[i] * x[1], u[i] * u[i] + u[i] * x[2] + x[3]);
            r[i] = y[i] - x[0] * a / b;
        }
    };
    let cases: [(Function, usize, &[f64], f64); 5] = [
        (rosenbrock, 2, &[-1.2, 1.0], 0.0),
        (beale, 3, &[1.0, 1.0], 0.0),
        (helical, 3, &[-1.0, 0.0, 0.0], 0.0),
        (powell, 4, &[3.0, -1.0, 0.0, 1.0], 0.0),
        (kowalik, 11, &[0.25, 0.39, 0.415, 0.39], 3.07505e-4),
    ];
    for (f, outputs, start, minimum) in cases {
        let simulator = Residuals {
            inputs: start.len(),
            outputs,
            f,
        };
        let p = problem(simulator, false, &vec![0.0; outputs]);
        let solution = solve(LevenbergMarquardt::default(), &p, start, 200);
        assert!(
            (solution.loss - minimum).abs() <= 1e-5 * minimum + 1e-14,
            "{} after {} steps: {}",
            solution.loss,
            solution.steps,
            solution.status
        );
    }
}

#[test]
fn quasi_newton_rules_solve_rosenbrock() {
    let chain: Function = |x, r| {
        for i in 0..x.len() - 1 {
            r[2 * i] = 10.0 * (x[i + 1] - x[i] * x[i]);
            r[2 * i + 1] = 1.0 - x[i];
        }
    };
    for n in [2, 10] {
        let p = problem(
            Residuals {
                inputs: n,
                outputs: 2 * (n - 1),
                f: chain,
            },
            false,
            &vec![0.0; 2 * (n - 1)],
        );
        let mut start = vec![1.0; n];
        start.iter_mut().step_by(2).for_each(|v| *v = -1.2);
        for solution in [
            solve(Bfgs::default(), &p, &start, 200),
            solve(LimitedMemoryBfgs::default(), &p, &start, 200),
        ] {
            assert!(
                solution.loss < 1e-12,
                "{} {}",
                solution.loss,
                solution.status
            );
        }
    }
}

/// What a step costs is behaviour: these are exact.
#[test]
fn evaluation_counts_are_those_documented() {
    let sine = problem(SineOptions::default().build().unwrap(), true, &[0.01, 20.0]);
    let start = [0.6, 0.1];
    let counts = |rule: Box<dyn UpdateRule>| {
        let solver = Solver::new(rule, StopWhen::after(3));
        solver.solve(&sine, &start).unwrap().counts
    };
    let none = Counts::default();
    assert_eq!(
        counts(Box::new(GradientDescent::new(1e-6).unwrap())),
        none.with_forward(4).with_vjp(3)
    );
    assert_eq!(
        counts(Box::new(
            GaussNewtonOptions::default()
                .with_learning_rate(0.1)
                .build()
                .unwrap()
        )),
        none.with_forward(4).with_jvp(6)
    );
    assert_eq!(
        counts(Box::new(InverseSimulator::new(0.1).unwrap())),
        none.with_forward(4).with_inverse(3)
    );
    assert_eq!(
        counts(Box::new(newton(0.1, true))),
        none.with_forward(4)
            .with_jvp(6)
            .with_vjp(9)
            .with_second_order(6)
    );
}

#[test]
fn bad_options_are_named() {
    let table = |text: &str| text.parse::<toml::Table>().unwrap();
    let message = |name: &str, text: &str| {
        retrodict::registry::RULES
            .build(name, &table(text))
            .err()
            .unwrap()
            .to_string()
    };
    let found = message("gd", "learning_rate = -1.0");
    assert!(
        found.contains("learning_rate = -1 is not allowed"),
        "{found}"
    );
    let found = message("newton", "saddle_fre = true");
    assert!(found.contains("did you mean 'saddle_free'"), "{found}");
    let found = message("lm", "learning_rate = 1.0");
    assert!(found.contains("unknown key 'learning_rate'"), "{found}");
    let found = message("inverse-simulater", "");
    assert!(
        found.contains("did you mean 'inverse-simulator'"),
        "{found}"
    );
}

/// A quasi-Newton run that has squeezed the loss down to its round-off has converged.
#[test]
fn a_line_search_at_round_off_is_the_end_not_a_failure() {
    let rotated = Matrix::from_rows(&[&[3.0, 1.0], &[1.0, 2.0], &[0.5, -1.0]]);
    let p = problem(Linear(rotated), true, &[1.0, 2.0, 7.0]);
    let solution = solve(LimitedMemoryBfgs::default(), &p, &[0.0, 0.0], 500);
    assert_eq!(solution.status, Status::Converged(Goal::Stationary));
    let exact = solve(GaussNewton::default(), &p, &[0.0, 0.0], 5);
    assert_near(&solution.x, &exact.x, 1e-7);
}

/// Where the loss is not a number, the search shortens the step instead of ending the run.
#[test]
fn a_search_backs_out_of_where_the_simulation_breaks() {
    let logarithm: Function = |x, r| r[0] = x[0].ln();
    let p = problem(
        Residuals {
            inputs: 1,
            outputs: 1,
            f: logarithm,
        },
        true,
        &[-4.0],
    );
    let solution = solve(LimitedMemoryBfgs::default(), &p, &[1.0], 100);
    assert!(
        (solution.x[0].ln() + 4.0).abs() < 1e-4,
        "{} {}",
        solution.x[0],
        solution.status
    );
    let solution = solve(LevenbergMarquardt::default(), &p, &[1.0], 100);
    assert!(
        (solution.x[0].ln() + 4.0).abs() < 1e-6,
        "{} {}",
        solution.x[0],
        solution.status
    );
}

/// A start that is tiny beside what the data ask for is no place to stay.
#[test]
fn levenberg_marquardt_leaves_tiny_starts() {
    let same = || Linear(Matrix::from_vec(1, 1, vec![1.0]));
    let line = || {
        let rows = (0..11).flat_map(|t| [1.0, f64::from(t)]).collect();
        Linear(Matrix::from_vec(11, 2, rows))
    };
    let rises: Vec<f64> = (0..11).map(|t| 5.0 + 2.0 * f64::from(t)).collect();
    let matrix_free = LevenbergMarquardtOptions::default()
        .with_dense_up_to(0)
        .build()
        .unwrap();
    for rule in [LevenbergMarquardt::default(), matrix_free] {
        for start in [1e-12, 1e-15, -1e-20, 1e-100, 1e-300, 0.0] {
            for size in [3.0, 3e-9, 3e9] {
                let p = problem(same(), false, &[size]);
                let found = solve(rule.clone(), &p, &[start * size], 30);
                let off = (found.x[0] / size - 1.0).abs();
                assert!(off < 1e-12, "{size} from {start}: {off:e}");
                assert!(found.status.converged(), "{}", found.status);
            }
        }
        let p = problem(line(), false, &rises);
        for start in [[1e-16, 0.0], [0.0, -1e-40], [1e-200, 1e-200]] {
            let found = solve(rule.clone(), &p, &start, 30);
            assert!((found.x[0] - 5.0).abs() < 1e-9, "{:?}", found.x);
            assert!((found.x[1] - 2.0).abs() < 1e-9, "{:?}", found.x);
        }
    }
}

/// A decay fitted to data that scatter: the loss settles soon, and only the last digits cost more.
#[test]
fn a_loss_that_settles_ends_levenberg_marquardt_unless_another_goal_is_set() {
    let curve: Function = |x, r| {
        for (i, y) in [1.0, 0.7, 0.45, 0.32, 0.19].iter().enumerate() {
            r[i] = (-x[0] * i as f64).exp() - y;
        }
    };
    let simulator = || Residuals {
        inputs: 1,
        outputs: 5,
        f: curve,
    };
    let p = problem(simulator(), false, &[0.0; 5]);
    let end = |loss_change| {
        let stop = StopWhen::default().with_loss_change(loss_change);
        Solver::new(LevenbergMarquardt::default(), stop)
            .solve(&p, &[1.5])
            .unwrap()
    };
    let settled = end(None);
    assert_eq!(settled.status, Status::Converged(Goal::LossChange));
    // From where it settled, another goal leads further.
    let resume = |from: &Checkpoint, stop: StopWhen| {
        let solver = Solver::new(LevenbergMarquardt::default(), stop);
        solver
            .resume(&p, from, |_| std::ops::ControlFlow::Continue(()))
            .unwrap()
    };
    let (_, standing) = resume(&Checkpoint::at(vec![1.5]), StopWhen::default());
    let to_the_last_digit = StopWhen::default().with_loss_change(0.0);
    let (further, _) = resume(&standing, to_the_last_digit);
    assert!(further.steps > settled.steps, "{}", further.status);
    assert_ne!(further.status, Status::Converged(Goal::LossChange));
    assert_eq!(settled.x, end(Some(LOSS_CHANGE)).x);
    // Another goal is the one that counts.
    let another = StopWhen::default().with_short_step(1e-13);
    let another = Solver::new(LevenbergMarquardt::default(), another)
        .solve(&p, &[1.5])
        .unwrap();
    for last_digit in [another, end(Some(0.0))] {
        assert_ne!(last_digit.status, Status::Converged(Goal::LossChange));
        assert!(settled.counts.forward < last_digit.counts.forward);
        assert!(settled.loss <= last_digit.loss * (1.0 + 1e-8));
        assert!((settled.x[0] - last_digit.x[0]).abs() < 1e-4);
    }
}

/// Powell's singular function and that of Freudenstein and Roth, near its minimum that is none of the data: Gauss–Newton takes
/// 27 evaluations for one, halving its steps, and 26 for the other, converging linearly.
#[test]
fn singular_solutions_and_large_misfits_cost_few_evaluations() {
    let singular: Function = |x, r| {
        r[0] = x[0] + 10.0 * x[1];
        r[1] = 5.0_f64.sqrt() * (x[2] - x[3]);
        r[2] = (x[1] - 2.0 * x[2]).powi(2);
        r[3] = 10.0_f64.sqrt() * (x[0] - x[3]).powi(2);
    };
    let misfit: Function = |x, r| {
        r[0] = x[0] + ((5.0 - x[1]) * x[1] - 2.0) * x[1] - 13.0;
        r[1] = x[0] + ((x[1] + 1.0) * x[1] - 14.0) * x[1] - 29.0;
    };
    let fit = |inputs, outputs, f, start: &[f64]| {
        let simulator = Residuals { inputs, outputs, f };
        let p = problem(simulator, false, &vec![0.0; outputs]);
        Solver::new(LevenbergMarquardt::default(), StopWhen::default())
            .solve(&p, start)
            .unwrap()
    };
    let solution = fit(4, 4, singular, &[3.0, -1.0, 0.0, 1.0]);
    assert!(solution.status.converged(), "{}", solution.status);
    assert!(
        solution.x.iter().all(|x| x.abs() < 1e-6),
        "{:?}",
        solution.x
    );
    assert!(solution.counts.forward <= 6, "{:?}", solution.counts);
    let solution = fit(2, 2, misfit, &[0.5, -2.0]);
    assert!(solution.status.converged(), "{}", solution.status);
    assert!((solution.loss / 48.9842536792400 - 1.0).abs() < 1e-8);
    assert!(solution.counts.forward <= 16, "{:?}", solution.counts);
}

/// Where the residuals are large, steps shrink slowly: the last change of the loss says little of the gradient.
#[test]
fn a_loss_that_settles_on_a_slope_is_no_end() {
    let line: Function = |x, r| {
        for (i, r) in r.iter_mut().enumerate() {
            let t = 0.25 * (i + 1) as f64;
            *r = x[0] * (x[1] * t).exp() - t;
        }
    };
    let simulator = || Residuals {
        inputs: 2,
        outputs: 10,
        f: line,
    };
    let p = problem(simulator(), false, &[0.0; 10]);
    for start in [[0.0, 0.0], [1.0, -5.0], [5.0, 3.0]] {
        let rule = LevenbergMarquardt::default();
        let end = Solver::new(rule, StopWhen::default())
            .solve(&p, &start)
            .unwrap();
        assert!(end.status.converged(), "{start:?}: {}", end.status);
        let mut r = [0.0; 10];
        line(&end.x, &mut r);
        let columns: [Vec<f64>; 2] = [0, 1].map(|k| {
            let times = (1..=10).map(|i| 0.25 * f64::from(i));
            let e = times.map(|t| (t, (end.x[1] * t).exp()));
            e.map(|(t, e)| if k == 0 { e } else { end.x[0] * t * e })
                .collect()
        });
        for column in columns {
            let length = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
            let along: f64 = column.iter().zip(&r).map(|(c, r)| c * r).sum();
            let cosine = along.abs() / length(&column) / length(&r);
            assert!(cosine <= 1.1e-6, "{start:?}: {cosine:.1e}");
        }
    }
}

/// Residuals of a model that is computed inside: that they are round-off cannot be told by their own size.
#[test]
fn a_start_at_the_solution_is_the_end() {
    let decay: Function = |x, r| {
        for (i, r) in r.iter_mut().enumerate() {
            let t = 0.1 * i as f64;
            *r = x[0] * (-x[1] * t).exp() - 3.1 * (-0.7 * t).exp() * (1.0 + 2.0 * f64::EPSILON);
        }
    };
    let simulator = Residuals {
        inputs: 2,
        outputs: 20,
        f: decay,
    };
    let p = problem(simulator, false, &[0.0; 20]);
    let rule = LevenbergMarquardt::default();
    let end = Solver::new(rule, StopWhen::default())
        .solve(&p, &[3.1, 0.7])
        .unwrap();
    assert!(end.loss > 0.0 && end.loss < 1e-28, "{}", end.loss);
    assert!(end.status.converged(), "{}", end.status);
}
