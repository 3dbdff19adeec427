//! Adaptive integration: published values, sensitivities against other methods, failures.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use retrodict::losses::{SquaredError, WeightedOptions};
use retrodict::models::ode::{Method, Number, Ode, OdeOptions, RightHandSide, Settings, Transform};
use retrodict::options::Build;
use retrodict::simulators::{Lorenz, LotkaVolterra, Pendulum};
use retrodict::updates::LevenbergMarquardt;
use retrodict::{Error, Problem, Simulator, Solver, StopWhen};

/// Three reactions whose rates lie nine orders of magnitude apart; x: the rates' logarithms.
///
/// Robertson 1966; Hairer & Wanner, *Solving Ordinary Differential Equations II*, IV.1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Robertson;

impl RightHandSide for Robertson {
    fn name(&self) -> &'static str {
        "robertson"
    }
    fn states(&self) -> &'static [(&'static str, &'static str)] {
        &[("a", "1"), ("b", "1"), ("c", "1")]
    }
    fn parameters(&self) -> &'static [(&'static str, &'static str)] {
        &[("slow", "1/s"), ("fast", "1/s"), ("middle", "1/s")]
    }
    fn rate<D: Number>(&self, _: f64, y: &[D], p: &[D], rate: &mut [D]) {
        let decay = p[0] * y[0];
        let pair = p[1] * y[1] * y[1];
        let back = p[2] * y[1] * y[2];
        rate[0] = back - decay;
        rate[1] = decay - back - pair;
        rate[2] = pair;
    }
    fn defaults(&self) -> Settings {
        Settings::new(
            vec![1.0, 0.0, 0.0],
            vec![Transform::Log],
            vec![0.4, 4.0, 40.0],
            1e-3,
        )
    }
}

fn robertson() -> (Ode<Robertson>, Vec<f64>) {
    let ode = OdeOptions::default()
        .with_method(Method::Stiff)
        .with_tolerance(1e-9)
        .with_absolute_tolerance(1e-13)
        .build()
        .unwrap();
    let x = ode.unknowns(&[0.04, 3e7, 1e4]).unwrap();
    (ode, x)
}

fn run(simulator: &dyn Simulator, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; simulator.output().len()];
    simulator.forward(x, &mut y).unwrap();
    y
}

/// y and ∂y/∂x, column by column.
fn derived(simulator: &dyn Simulator, x: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let mut y = vec![0.0; simulator.output().len()];
    let map = simulator.linearize(x, &mut y).unwrap();
    let column = |i: usize| {
        let (mut dx, mut dy) = (vec![0.0; x.len()], vec![0.0; y.len()]);
        dx[i] = 1.0;
        map.apply(&dx, &mut dy).unwrap();
        dy
    };
    let columns = (0..x.len()).map(column).collect();
    drop(map);
    (y, columns)
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    let scale = b.iter().fold(0.0_f64, |c, v| c.max(v.abs()));
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f64::max) / scale
}

#[test]
fn a_pendulum_without_damping_keeps_its_energy_to_the_tolerance() {
    let swing = |tolerance| {
        let ode = OdeOptions::<Pendulum>::default()
            .with_method(Method::Adaptive)
            .with_tolerance(tolerance)
            .with_absolute_tolerance(tolerance)
            .with_times((0..=40).map(f64::from).collect::<Vec<_>>())
            .build()
            .unwrap();
        let energy = |s: &[f64]| 0.5 * s[1] * s[1] - s[0].cos();
        let y = run(&ode, &[1.0, 0.0]);
        assert_eq!(y[..2], [1.0, 0.0], "time 0 is the start itself");
        let start = energy(&y[..2]);
        y.chunks(2)
            .map(|s| (energy(s) - start).abs())
            .fold(0.0, f64::max)
    };
    let (coarse, fine) = (swing(1e-5), swing(1e-9));
    assert!(fine < 1e-6, "{fine:.1e}");
    assert!(coarse < 1e-2 && coarse > 100.0 * fine, "{coarse:.1e}");
}

#[test]
fn adaptive_steps_and_their_sensitivities_meet_short_fixed_ones() {
    let fixed = OdeOptions::<LotkaVolterra>::default()
        .with_fit_initial(true)
        .with_dt(1e-3)
        .build()
        .unwrap();
    let x = fixed.unknowns(&[1.1, 0.4, 0.9, 0.3, 2.0, 1.0]).unwrap();
    let (y, columns) = derived(&fixed, &x);
    for method in [Method::Adaptive, Method::Stiff] {
        let ode = fixed
            .options()
            .clone()
            .with_method(method)
            .with_tolerance(1e-10)
            .with_absolute_tolerance(1e-12)
            .build()
            .unwrap();
        assert!(largest_difference(&run(&ode, &x), &y) < 1e-6, "{method:?}");
        let (carried, sensitivities) = derived(&ode, &x);
        assert!(largest_difference(&carried, &y) < 1e-6, "{method:?}");
        for (s, c) in sensitivities.iter().zip(&columns) {
            let far = largest_difference(s, c);
            assert!(far < 1e-5, "{method:?} {far:.1e}");
        }
        // One direction alone is the same combination of columns.
        let (dx, mut dy) = ([0.3, -1.0, 0.2, 0.5, 0.1, -0.4], vec![0.0; y.len()]);
        ode.jvp(&x, &dx, &mut dy).unwrap();
        let sum: Vec<f64> = (0..y.len())
            .map(|k| dx.iter().zip(&columns).map(|(d, c)| d * c[k]).sum())
            .collect();
        assert!(largest_difference(&dy, &sum) < 1e-5, "{method:?}");
    }
}

/// The published values at t = 40: Hindmarsh's and Serban's example `cvsRoberts_dns` of CVODES.
#[test]
fn robertson_s_reactions_give_the_published_concentrations() {
    let (ode, x) = robertson();
    let y = run(&ode, &x);
    let published = [0.715_827_068_7, 9.185_534_764e-6, 0.284_163_745_7];
    for (found, value) in y[6..].iter().zip(published) {
        assert!((found / value - 1.0).abs() < 1e-6, "{found} {value}");
    }
    let sum: f64 = y[6..].iter().sum();
    assert!((sum - 1.0).abs() < 1e-9, "nothing is lost: {sum}");
}

#[test]
fn robertson_s_sensitivities_meet_differences() {
    let (ode, x) = robertson();
    let (_, columns) = derived(&ode, &x);
    for (i, column) in columns.iter().enumerate() {
        let h = 1e-3;
        let (mut up, mut down) = (x.clone(), x.clone());
        up[i] += h;
        down[i] -= h;
        let (up, down) = (run(&ode, &up), run(&ode, &down));
        for k in 0..column.len() {
            let difference = (up[k] - down[k]) / (2.0 * h);
            let scale = column[k].abs().max(1e-8);
            assert!(
                (column[k] - difference).abs() < 1e-4 * scale,
                "{k} {i} {} {difference}",
                column[k]
            );
        }
    }
}

#[test]
fn the_rates_of_stiff_reactions_are_recovered() {
    let (ode, x) = robertson();
    let target = run(&ode, &x);
    let start: Vec<f64> = x.iter().map(|x| x + 0.5).collect();
    let loss = WeightedOptions::default()
        .with_deviations([1.0, 1e-4, 1.0].repeat(3))
        .build()
        .unwrap();
    let problem = Problem::new(Arc::new(ode), Arc::new(loss), target).unwrap();
    let solution = Solver::new(LevenbergMarquardt::default(), StopWhen::after(30))
        .solve(&problem, &start)
        .unwrap();
    for (found, x) in solution.x.iter().zip(&x) {
        assert!((found - x).abs() < 1e-4, "{:?}", solution.x);
    }
}

#[test]
fn rates_far_apart_ask_for_the_stiff_method() {
    let (ode, x) = robertson();
    let ode = ode
        .options()
        .clone()
        .with_method(Method::Adaptive)
        .with_times([1e6])
        .build()
        .unwrap();
    let mut y = vec![0.0; 3];
    let error = ode.forward(&x, &mut y).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Simulation { .. }), "{text}");
    assert!(text.contains("method = \"stiff\""), "{text}");
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Explodes;

/// y′ = p y²: at p = 1 and y(0) = 1 infinite at the time 1.
impl RightHandSide for Explodes {
    fn name(&self) -> &'static str {
        "explosion"
    }
    fn states(&self) -> &'static [(&'static str, &'static str)] {
        &[("y", "1")]
    }
    fn parameters(&self) -> &'static [(&'static str, &'static str)] {
        &[("p", "1")]
    }
    fn rate<D: Number>(&self, _: f64, y: &[D], p: &[D], rate: &mut [D]) {
        rate[0] = p[0] * y[0] * y[0];
    }
    fn defaults(&self) -> Settings {
        Settings::new(vec![1.0], vec![Transform::None], vec![0.5, 2.0], 0.01)
    }
}

#[test]
fn a_solution_without_end_is_reported_with_its_time() {
    for method in [Method::Adaptive, Method::Stiff] {
        let ode = OdeOptions::<Explodes>::default()
            .with_method(method)
            .build()
            .unwrap();
        let problem = Problem::new(
            Arc::new(ode),
            Arc::new(SquaredError::half()),
            vec![2.0, 3.0],
        )
        .unwrap();
        let text = Solver::new(LevenbergMarquardt::default(), StopWhen::after(3))
            .solve(&problem, &[1.0])
            .unwrap_err()
            .to_string();
        let time = text.split("at the time ").nth(1).unwrap();
        let time: f64 = time.split(';').next().unwrap().parse().unwrap();
        assert!((time - 1.0).abs() < 0.01, "{text}");
    }
}

#[test]
fn chaos_is_followed_only_for_a_while() {
    // Lorenz's butterfly: an error grows as e^0.9t, so tolerances 1e-6 and 1e-10 agree at t = 5
    // and part by t = 40.
    let run_with = |tolerance| {
        let ode = OdeOptions::<Lorenz>::default()
            .with_method(Method::Adaptive)
            .with_tolerance(tolerance)
            .with_absolute_tolerance(tolerance)
            .with_times([5.0, 40.0])
            .build()
            .unwrap();
        run(&ode, &ode.unknowns(&[10.0, 28.0, 8.0 / 3.0]).unwrap())
    };
    let (coarse, fine) = (run_with(1e-6), run_with(1e-10));
    assert!(largest_difference(&coarse[..3], &fine[..3]) < 1e-2);
    assert!(largest_difference(&coarse[3..], &fine[3..]) > 1e-1);
}

#[test]
fn tolerances_that_cannot_be_kept_are_refused() {
    for (tolerance, absolute_tolerance) in [(0.0, 1e-9), (1e-16, 1e-9), (2.0, 1e-9), (1e-6, 0.0)] {
        let ode = OdeOptions::<Pendulum>::default()
            .with_tolerance(tolerance)
            .with_absolute_tolerance(absolute_tolerance)
            .build();
        assert!(ode.is_err(), "{tolerance} {absolute_tolerance}");
    }
}
