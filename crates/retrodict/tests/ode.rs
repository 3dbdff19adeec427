//! Differential equations: published fits, conserved quantities, observed order, bad input.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use retrodict::losses::SquaredError;
use retrodict::models::ode::{Number, Ode, OdeOptions, RightHandSide, Settings, Transform};
use retrodict::options::Build;
use retrodict::simulators::{FitzHughNagumo, Lorenz, LotkaVolterra, Pendulum, Sir};
use retrodict::updates::LevenbergMarquardt;
use retrodict::{Problem, Simulator, Solution, Solver, StopWhen};

fn run(simulator: &dyn Simulator, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; simulator.output().len()];
    simulator.forward(x, &mut y).unwrap();
    y
}

fn fit(simulator: Arc<dyn Simulator>, data: Vec<f64>, start: &[f64], steps: usize) -> Solution {
    let problem = Problem::new(simulator, Arc::new(SquaredError::half()), data).unwrap();
    let stop = StopWhen::after(steps)
        .with_step_below(1e-9)
        .with_loss_change(0.0);
    Solver::new(LevenbergMarquardt::default(), stop)
        .solve(&problem, start)
        .unwrap()
}

/// Two populations over ten units of time with 2 % noise.
fn populations() -> (Ode<LotkaVolterra>, Vec<f64>) {
    let load = |name| crate::fixtures::load("lotka_volterra.npz", name);
    let ode = OdeOptions::default()
        .with_times(load("t"))
        .with_initial(load("y0"))
        .build()
        .unwrap();
    (ode, load("data"))
}

#[test]
fn the_clean_data_of_the_fixture_are_met() {
    let ode = populations()
        .0
        .options()
        .clone()
        .with_dt(0.01)
        .build()
        .unwrap();
    let x = ode
        .unknowns(&crate::fixtures::load("lotka_volterra.npz", "true"))
        .unwrap();
    let clean = crate::fixtures::load("lotka_volterra.npz", "clean");
    let y = run(&ode, &x);
    // This array lies in the file column by column.
    for (k, state) in y.chunks(2).enumerate() {
        assert!((state[0] - clean[k]).abs() < 1e-6);
        assert!((state[1] - clean[50 + k]).abs() < 1e-6);
    }
}

#[test]
fn populations_are_fitted_in_eleven_steps_and_from_afar_end_in_the_known_local_minimum() {
    let (ode, data) = populations();
    let start = ode
        .unknowns(&crate::fixtures::load("lotka_volterra.npz", "start"))
        .unwrap();
    let far = ode.unknowns(&[1.0, 0.8, 2.0, 0.7]).unwrap();
    let ode = Arc::new(ode);
    let near = fit(ode.clone(), data.clone(), &start, 11);
    assert!((near.loss - 0.1529).abs() < 5e-5, "{}", near.loss);
    let local = fit(ode.clone(), data, &far, 200);
    assert!((local.loss - 138.85).abs() < 5e-3, "{}", local.loss);
}

/// Lynx and hare, in thousands, 1900 to 1920: the published least-squares fit in the logarithm.
#[test]
fn the_pelts_of_the_hudson_s_bay_company_give_the_published_rates() {
    let hares = [
        30.0, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22.0, 25.4, 27.1, 40.3, 57.0, 76.6, 52.3,
        19.5, 11.2, 7.6, 14.6, 16.2, 24.7,
    ];
    let lynxes = [
        4.0, 6.1, 9.8, 35.2, 59.4, 41.7, 19.0, 13.0, 8.3, 9.1, 7.4, 8.0, 12.3, 19.5, 45.7, 51.1,
        29.7, 15.8, 9.7, 10.1, 8.6,
    ];
    let ode: Ode<LotkaVolterra> = OdeOptions::default()
        .with_times((0..21).map(f64::from).collect::<Vec<_>>())
        .with_fit_initial(true)
        .with_logarithm(true)
        .with_initial([30.0, 4.0])
        .build()
        .unwrap();
    let data: Vec<f64> = hares
        .iter()
        .zip(&lynxes)
        .flat_map(|(h, l): (&f64, &f64)| [h.ln(), l.ln()])
        .collect();
    let rough = ode.unknowns(&[0.5, 0.02, 1.0, 0.02, 30.0, 4.0]).unwrap();
    let solution = fit(Arc::new(ode.clone()), data, &rough, 100);
    assert!((solution.loss - 1.00933).abs() < 5e-6, "{}", solution.loss);
    let published = [0.5402, 0.02717, 0.7964, 0.02369, 34.60, 5.845];
    for (found, expected) in ode.values(&solution.x).iter().zip(published) {
        assert!((found / expected - 1.0).abs() < 5e-4, "{found} {expected}");
    }
}

#[test]
fn what_physics_conserves_is_conserved_to_the_order_of_the_steps() {
    let at = |dt: f64| -> f64 {
        let (a, b, c, d) = (1.5_f64, 1.0_f64, 3.0_f64, 1.0_f64);
        let ode: Ode<LotkaVolterra> = OdeOptions::default()
            .with_times([6.0])
            .with_dt(dt)
            .build()
            .unwrap();
        let y = run(&ode, &[a.ln(), b.ln(), c.ln(), d.ln()]);
        let v = |y: &[f64]| d * y[0] - c * y[0].ln() + b * y[1] - a * y[1].ln();
        (v(&y) - v(&[1.0, 1.0])).abs()
    };
    let order = (at(0.04) / at(0.02)).log2();
    assert!((3.7..5.3).contains(&order), "{order}");
    let swing: Ode<Pendulum> = OdeOptions::default()
        .with_times([10.0])
        .with_dt(0.01)
        .build()
        .unwrap();
    let y = run(&swing, &[4.0, 0.0]);
    let energy = 0.5 * y[1] * y[1] - 4.0 * y[0].cos();
    assert!((energy + 4.0 * 1.0_f64.cos()).abs() < 1e-7);
    let y = run(
        &OdeOptions::<Sir>::default().build().unwrap(),
        &[0.5_f64.ln(), 0.1_f64.ln()],
    );
    assert!(
        y.chunks(3)
            .all(|s| (s.iter().sum::<f64>() - 1.0).abs() < 1e-14)
    );
}

#[test]
fn small_swings_are_harmonic_and_the_error_falls_with_the_fourth_power() {
    let error = |dt: f64| {
        let swing: Ode<Pendulum> = OdeOptions::default()
            .with_times([7.0])
            .with_dt(dt)
            .with_initial([1e-7, 0.0])
            .build()
            .unwrap();
        (run(&swing, &[4.0, 0.0])[0] / 1e-7 - 14.0_f64.cos()).abs()
    };
    let order = (error(0.1) / error(0.05)).log2();
    assert!((3.8..4.2).contains(&order), "{order}");
}

/// Angles that differ by a turn are different solutions; a start keeps to its own.
#[test]
fn a_pendulum_is_found_on_the_turn_of_its_start() {
    let swing: Ode<Pendulum> = OdeOptions::default()
        .with_fit_initial(true)
        .build()
        .unwrap();
    let data = run(&swing, &[4.0, 0.3, 1.0, 0.0]);
    let turn = std::f64::consts::TAU;
    for turns in [0.0, 1.0, -1.0] {
        let shifted: Vec<f64> = data
            .chunks(2)
            .flat_map(|y| [y[0] + turns * turn, y[1]])
            .collect();
        let start = [3.5, 0.2, 0.9 + turns * turn, 0.1];
        let solution = fit(Arc::new(swing.clone()), shifted, &start, 50);
        assert!((solution.x[2] - 1.0 - turns * turn).abs() < 1e-8);
    }
}

#[test]
fn a_chaotic_course_over_a_short_time_gives_its_parameters() {
    let lorenz: Ode<Lorenz> = OdeOptions::default().build().unwrap();
    let data = run(&lorenz, &[10.0, 28.0, 8.0 / 3.0]);
    let solution = fit(Arc::new(lorenz), data, &[9.0, 26.0, 3.0], 50);
    let exact = [10.0, 28.0, 8.0 / 3.0];
    assert!(
        solution
            .x
            .iter()
            .zip(exact)
            .all(|(a, b)| (a - b).abs() < 1e-8)
    );
}

#[test]
fn bounds_and_logarithms_are_undone() {
    for (transform, value) in [
        (Transform::None, -3.0),
        (Transform::Log, 1e-9),
        (Transform::Bounds(-1.0, 5.0), 4.9),
    ] {
        let x = transform.undo(value).unwrap();
        assert!((transform.apply(x) / value - 1.0).abs() < 1e-14);
    }
    assert!(Transform::Log.undo(0.0).is_err());
    assert!(Transform::Bounds(0.0, 1.0).undo(1.5).is_err());
}

#[test]
fn what_cannot_work_is_refused_and_a_blow_up_says_when() {
    let message = |ode: OdeOptions<Sir>| ode.build().unwrap_err().to_string();
    assert!(message(OdeOptions::default().with_times([])).starts_with("times = []"));
    let before = message(OdeOptions::default().with_times([-1.0, 2.0]));
    assert!(before.contains("none before 0"), "{before}");
    assert!(message(OdeOptions::default().with_dt(0.0)).starts_with("dt = 0"));
    let few = message(OdeOptions::default().with_initial([1.0]));
    assert!(few.contains("epidemic needs 3 finite values"), "{few}");
    let state = message(OdeOptions::default().with_observe([3]));
    assert!(state.contains("the states 0 to 2"), "{state}");
    let lorenz = OdeOptions::<Lorenz>::default().build().unwrap();
    let error = lorenz
        .forward(&[-900.0, 28.0, 2.0], &mut [0.0; 60])
        .unwrap_err();
    assert!(
        error.to_string().contains("no longer finite at the time"),
        "{error}"
    );
}

/// A row of N tanks, each emptied into the next at a rate of its own.
#[derive(Debug, Clone, Default, PartialEq)]
struct Tanks<const N: usize>;

const TANKS: [(&str, &str); 20] = [("tank", "1"); 20];

impl<const N: usize> RightHandSide for Tanks<N> {
    fn name(&self) -> &'static str {
        "tanks"
    }
    fn states(&self) -> &'static [(&'static str, &'static str)] {
        &TANKS[..N]
    }
    fn parameters(&self) -> &'static [(&'static str, &'static str)] {
        &TANKS[..N]
    }
    fn rate<D: Number>(&self, t: f64, y: &[D], p: &[D], rate: &mut [D]) {
        let mut flow = D::from(t.sin().abs());
        for i in 0..N {
            rate[i] = flow - p[i] * y[i].sqrt();
            flow = p[i] * y[i].sqrt();
        }
    }
    fn defaults(&self) -> Settings {
        Settings::new(
            vec![1.0; N],
            vec![Transform::Log],
            vec![0.0, 0.35, 1.0],
            0.1,
        )
    }
}

/// All columns of J, which share runs, beside products with J, which are runs of their own.
fn columns_agree<R: RightHandSide>(options: OdeOptions<R>) {
    let ode = options.build().unwrap();
    let (n, m) = (ode.input().len(), ode.output().len());
    let x: Vec<f64> = (0..n).map(|i| 0.1 - 0.03 * i as f64).collect();
    let mut y = vec![0.0; m];
    let jacobian = ode.linearize(&x, &mut y).unwrap();
    assert_eq!(y, run(&ode, &x), "{n} parameters");
    let residual = ode.residual();
    for i in 0..n {
        let mut unit = vec![0.0; n];
        unit[i] = 1.0;
        let [mut column, mut alone] = [vec![0.0; m], vec![0.0; m]];
        jacobian.apply(&unit, &mut column).unwrap();
        ode.jvp(&x, &unit, &mut alone).unwrap();
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * (1.0 + b.abs());
        for (a, b) in column.iter().zip(&alone) {
            assert!(close(*a, *b), "{n} parameters, column {i}: {a} {b}");
        }
        if let Some(residual) = residual {
            // A row of weights tells the columns of the residual's derivative apart.
            let weights: Vec<f64> = (0..m).map(|k| 1.0 + (k as f64).cos()).collect();
            let mut pulled = vec![0.0; n];
            residual.tangent(&x, &y, &unit, &mut alone).unwrap();
            residual.adjoint(&x, &y, &weights, &mut pulled).unwrap();
            let product: f64 = alone.iter().zip(&weights).map(|(a, w)| a * w).sum();
            assert!(
                close(pulled[i], product),
                "{n}, {i}: {} {product}",
                pulled[i]
            );
        }
    }
}

#[test]
fn columns_that_share_a_run_are_those_of_runs_of_their_own() {
    columns_agree(OdeOptions::<Tanks<1>>::default());
    columns_agree(OdeOptions::<Sir>::default());
    columns_agree(
        OdeOptions::<Lorenz>::default()
            .with_fit_initial(true)
            .with_times([0.0, 0.3]),
    );
    columns_agree(OdeOptions::<LotkaVolterra>::default().with_logarithm(true));
    columns_agree(OdeOptions::<LotkaVolterra>::default().with_fit_initial(true));
    columns_agree(OdeOptions::<FitzHughNagumo>::default().with_observe([1]));
    columns_agree(OdeOptions::<Tanks<8>>::default());
    columns_agree(OdeOptions::<Tanks<9>>::default());
    columns_agree(OdeOptions::<Tanks<20>>::default());
}
