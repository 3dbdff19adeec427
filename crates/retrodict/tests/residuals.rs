//! Residuals of simulators: right, wrong, and what they are good for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use crate::fixtures::space;
use retrodict::check;
use retrodict::inverse::{PathIntegral, WithInverse};
use retrodict::losses::SquaredError;
use retrodict::models::ode::{Method, OdeOptions};
use retrodict::options::Build;
use retrodict::registry::SIMULATORS;
use retrodict::simulators::{ExpOptions, Lorenz, LotkaVolterra};
use retrodict::updates::LevenbergMarquardt;
use retrodict::{Problem, Residual, ResidualAt, Result, Simulator, Solver, Space, StopWhen};

fn table(text: &str) -> toml::Table {
    text.parse().unwrap()
}

fn forward(simulator: &dyn Simulator, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; simulator.output().len()];
    simulator.forward(x, &mut y).unwrap();
    y
}

fn residual(simulator: &dyn Simulator, x: &[f64], y: &[f64]) -> Vec<f64> {
    let residual = simulator.residual().unwrap();
    let mut r = vec![0.0; residual.space().len()];
    residual.evaluate(x, y, &mut r).unwrap();
    r
}

/// The conformance tests find the checks of a residual by themselves; this is which simulators they
/// find it at.
#[test]
fn some_simulators_bring_a_residual_and_its_checks_run() {
    let with: Vec<&str> = SIMULATORS
        .entries
        .iter()
        .filter(|entry| {
            let simulator = entry.build(&toml::Table::new()).unwrap();
            let x = check::typical_input(&*simulator, 1);
            let checks = check::residual(&simulator, &x, 1);
            assert!(checks.iter().all(|check| check.passed), "{checks:#?}");
            assert_eq!(checks.is_empty(), simulator.residual().is_none());
            !checks.is_empty()
        })
        .map(|entry| entry.name)
        .collect();
    assert_eq!(
        with,
        [
            "exp",
            "poisson",
            "lotka-volterra",
            "lorenz",
            "pendulum",
            "sir",
            "fitzhugh-nagumo"
        ]
    );
}

#[test]
fn options_change_what_the_residual_is_but_not_that_it_is_right() {
    for (name, options) in [
        ("exp", "size = 5"),
        ("poisson", "shape = [40]\ncell = 0.25"),
        ("poisson", "shape = [9, 12]\nboundary = 'neumann'"),
        ("poisson", "shape = [5, 6, 7]\nboundary = 'periodic'"),
        ("lotka-volterra", "fit_initial = true\nlogarithm = true"),
        ("lotka-volterra", "times = [0.0, 0.3, 2.0]\ndt = 0.07"),
        ("pendulum", "fit_initial = true\ntimes = [0.0, 1.0, 1.5]"),
    ] {
        let simulator = SIMULATORS.build(name, &table(options)).unwrap();
        for seed in 0..3 {
            let x = check::typical_input(&*simulator, seed);
            let checks = check::residual(&simulator, &x, seed);
            assert!(checks.len() >= 3, "{name} with {options}");
            assert!(checks.iter().all(|c| c.passed), "{name}: {checks:#?}");
        }
    }
}

/// y = x², with R = y − x² and one thing wrong.
#[derive(Clone, Copy, Default)]
struct Wrong {
    shift: f64,
    slope: f64,
    adjoint: f64,
    affine: bool,
}

impl Simulator for Wrong {
    fn input(&self) -> &Space {
        space("x", 2)
    }
    fn output(&self) -> &Space {
        space("y", 2)
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        (0..2).for_each(|i| y[i] = x[i] * x[i]);
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        (0..2).for_each(|i| dy[i] = 2.0 * x[i] * dx[i]);
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.jvp(x, dy, dx)
    }
    fn residual(&self) -> Option<&dyn Residual> {
        Some(self)
    }
}

impl Residual for Wrong {
    fn space(&self) -> &Space {
        self.output()
    }
    fn evaluate(&self, x: &[f64], y: &[f64], r: &mut [f64]) -> Result<()> {
        (0..2).for_each(|i| r[i] = y[i] - x[i] * x[i] + self.shift);
        Ok(())
    }
    fn tangent(&self, x: &[f64], _: &[f64], dx: &[f64], dr: &mut [f64]) -> Result<()> {
        (0..2).for_each(|i| dr[i] = -(2.0 + self.slope) * x[i] * dx[i]);
        Ok(())
    }
    fn adjoint(&self, x: &[f64], _: &[f64], dr: &[f64], dx: &mut [f64]) -> Result<()> {
        (0..2).for_each(|i| dx[i] = -(2.0 + self.slope + self.adjoint) * x[i] * dr[i]);
        Ok(())
    }
    fn is_affine(&self) -> bool {
        self.affine
    }
}

#[test]
fn each_mistake_is_caught_by_the_check_made_for_it() {
    let failures = |wrong: Wrong| -> Vec<&'static str> {
        let simulator: Arc<dyn Simulator> = Arc::new(wrong);
        let checks = check::simulator(&simulator, &[0.7, -1.1], 7);
        let failed = checks.iter().filter(|check| !check.passed);
        failed.map(|check| check.name).collect()
    };
    let right = Wrong::default();
    assert_eq!(failures(right), [""; 0]);
    let cases = [
        (
            Wrong {
                shift: 1e-6,
                ..right
            },
            "residual",
        ),
        (
            Wrong {
                slope: 1e-3,
                ..right
            },
            "residual taylor",
        ),
        (
            Wrong {
                adjoint: 1e-9,
                ..right
            },
            "residual adjoint",
        ),
        (
            Wrong {
                affine: true,
                ..right
            },
            "residual linearity",
        ),
    ];
    for (wrong, name) in cases {
        assert_eq!(failures(wrong), [name]);
    }
}

#[test]
fn the_residual_of_poisson_is_the_stencil_less_the_source() {
    let poisson = |boundary: &str| {
        let options = format!("shape = [3]\ncell = 0.5\nboundary = '{boundary}'");
        SIMULATORS.build("poisson", &table(&options)).unwrap()
    };
    // 4 (yₗ − 2y + yᵣ) − x, with 0, the other end, or the cell itself beyond the edge.
    let (x, y) = ([1.0, -2.0, 7.0], [1.0, 3.0, 2.0]);
    let dirichlet = residual(&*poisson("dirichlet"), &x, &y);
    assert_eq!(dirichlet, [4.0 - 1.0, -12.0 + 2.0, -4.0 - 7.0]);
    // The mean of x, 2, is not asked for.
    let periodic = residual(&*poisson("periodic"), &x, &y);
    assert_eq!(
        periodic,
        [12.0 - 1.0 + 2.0, -12.0 + 2.0 + 2.0, 0.0 - 7.0 + 2.0]
    );
    let neumann = residual(&*poisson("neumann"), &x, &y);
    assert_eq!(
        neumann,
        [8.0 - 1.0 + 2.0, -12.0 + 2.0 + 2.0, 4.0 - 7.0 + 2.0]
    );
}

#[test]
fn the_residual_of_exp_is_as_steep_everywhere() {
    let exp = ExpOptions::default().with_size(2).build().unwrap();
    let r = residual(&exp, &[-30.0, 1.0], &[1.0, std::f64::consts::E]);
    assert_eq!(r, [-30.0, 0.0]);
    let at = ResidualAt::new(Arc::new(exp), vec![1.0, -2.0])
        .unwrap()
        .unwrap();
    let said = at
        .forward(&[0.0; 2], &mut [0.0; 2])
        .unwrap_err()
        .to_string();
    assert!(said.contains("never reaches y = -2 (index 1)"), "{said}");
}

/// Without logarithms the pieces take the very steps that P takes.
#[test]
fn the_pieces_of_a_solution_meet_exactly() {
    let ode = OdeOptions::<LotkaVolterra>::default().build().unwrap();
    let x = ode.unknowns(&[0.9, 0.7, 1.2, 0.4]).unwrap();
    let y = forward(&ode, &x);
    assert!(residual(&ode, &x, &y).iter().all(|r| *r == 0.0));
    // A change of one state shows where it was seen and in the piece after it, and nowhere else.
    let mut kicked = y.clone();
    kicked[2 * 5] += 0.1;
    let r = residual(&ode, &x, &kicked);
    assert!((r[2 * 5] + 0.1).abs() < 1e-15);
    let touched = |k: usize| r[2 * k] != 0.0 || r[2 * k + 1] != 0.0;
    assert_eq!((0..20).filter(|k| touched(*k)).collect::<Vec<_>>(), [5, 6]);
}

/// Lorenz's course over 20 units of time, in which a small error grows by a factor of about e¹⁸.
#[test]
fn the_residual_fits_a_chaotic_series_where_the_series_itself_does_not() {
    let lorenz: Arc<dyn Simulator> = Arc::new(
        OdeOptions::<Lorenz>::default()
            .with_times((1..=200).map(|i| 0.1 * f64::from(i)).collect::<Vec<_>>())
            .build()
            .unwrap(),
    );
    let (truth, start) = ([10.0, 28.0, 8.0 / 3.0], [8.0, 24.0, 2.0]);
    let y = forward(&*lorenz, &truth);
    let fit = |simulator: Arc<dyn Simulator>, target: Vec<f64>| {
        let loss = Arc::new(SquaredError::half());
        let problem = Problem::new(simulator, loss, target).unwrap();
        Solver::new(LevenbergMarquardt::default(), StopWhen::after(100))
            .solve(&problem, &start)
            .unwrap()
            .x
    };
    let distance = |x: &[f64]| (0..3).map(|i| (x[i] - truth[i]).abs()).fold(0.0, f64::max);
    let at = ResidualAt::new(Arc::clone(&lorenz), y.clone()).unwrap();
    let by_pieces = fit(Arc::new(at.unwrap()), vec![0.0; y.len()]);
    assert!(distance(&by_pieces) < 1e-9, "{by_pieces:?}");
    let as_a_whole = fit(lorenz, y);
    assert!(distance(&as_a_whole) > 0.1, "{as_a_whole:?}");
}

#[test]
fn a_series_that_is_not_seen_whole_has_no_residual() {
    let plain = OdeOptions::<LotkaVolterra>::default().build().unwrap();
    assert!(plain.residual().is_some());
    let partial = plain.options().clone().with_observe([1]).build().unwrap();
    assert!(partial.residual().is_none());
    let adaptive = plain.options().clone().with_method(Method::Adaptive);
    match adaptive.build() {
        Ok(adaptive) => assert!(cfg!(feature = "adaptive") && adaptive.residual().is_none()),
        Err(error) => assert!(
            !cfg!(feature = "adaptive") && error.to_string().contains("built without its feature"),
            "{error}"
        ),
    }
}

#[test]
fn a_local_inverse_that_is_joined_leaves_the_residual_in_place() {
    let exp: Arc<dyn Simulator> = Arc::new(ExpOptions::default().with_size(1).build().unwrap());
    let joined = WithInverse::new(exp, Arc::new(PathIntegral::default()));
    assert_eq!(residual(&joined, &[2.0], &[1.0]), [2.0]);
}
