//! Partial differential equations in time: exact solutions, observed order, what is conserved, and
//! what cannot work.
#![allow(clippy::unwrap_used)]

use std::f64::consts::PI;

use retrodict::options::Build;
use retrodict::{LocalInverse, Simulator};

fn run(simulator: &dyn Simulator, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; simulator.output().len()];
    simulator.forward(x, &mut y).unwrap();
    y
}

fn largest(a: &[f64], b: &[f64]) -> f64 {
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f64::max)
}

fn wave(n: usize, f: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..n).map(|i| f(2.0 * PI * i as f64 / n as f64)).collect()
}

/// The order with which `error` falls from n to 2n cells or steps.
fn order(error: impl Fn(usize) -> f64, n: usize) -> f64 {
    (error(n) / error(2 * n)).log2()
}

mod burgers {
    use super::*;
    use retrodict::simulators::{Burgers, BurgersOptions};

    const NU: f64 = 0.05;

    /// Cole and Hopf: u = −2ν φ′/φ with φ = 2 + e^(−νt) cos x.
    fn exact(x: f64, t: f64) -> f64 {
        let decay = (-NU * t).exp();
        2.0 * NU * decay * x.sin() / (2.0 + decay * x.cos())
    }

    fn line(cells: usize, steps: usize, time: f64) -> Burgers {
        BurgersOptions::default()
            .with_shape([cells])
            .with_cell(2.0 * PI / cells as f64)
            .with_viscosity(NU)
            .with_dt(time / steps as f64)
            .with_steps(steps)
            .build()
            .unwrap()
    }

    #[test]
    fn the_solution_of_cole_and_hopf_is_met_with_the_square_of_the_cell() {
        let error = |cells: usize| {
            let y = run(&line(cells, 400, 4.0), &wave(cells, |x| exact(x, 0.0)));
            largest(&y, &wave(cells, |x| exact(x, 4.0)))
        };
        let order = order(error, 32);
        assert!((1.9..2.1).contains(&order), "{order}");
        assert!(error(128) < 1e-5);
    }

    #[test]
    fn the_error_falls_with_the_fourth_power_of_the_step() {
        let x = wave(16, |x| 1.0 + x.sin());
        let fine = run(&line(16, 1600, 2.0), &x);
        let order = order(|steps| largest(&run(&line(16, steps, 2.0), &x), &fine), 20);
        assert!((3.8..4.2).contains(&order), "{order}");
    }

    #[test]
    fn momentum_is_conserved_and_without_viscosity_energy_too() {
        let x = wave(64, |x| 0.5 + x.sin());
        let sum = |u: &[f64]| -> f64 { u.iter().sum() };
        let squares = |u: &[f64]| -> f64 { u.iter().map(|u| u * u).sum() };
        let y = run(&line(64, 100, 1.0), &x);
        assert!((sum(&y) - sum(&x)).abs() < 1e-12 * sum(&x));
        let free = line(64, 200, 0.5)
            .options()
            .clone()
            .with_viscosity(0.0)
            .build()
            .unwrap();
        let y = run(&free, &x);
        assert!((squares(&y) / squares(&x) - 1.0).abs() < 1e-8);
    }

    /// A field that varies along one axis only is the one-dimensional flow.
    #[test]
    fn two_dimensions_contain_one() {
        let plane = line(32, 50, 1.0)
            .options()
            .clone()
            .with_shape([3, 32])
            .build()
            .unwrap();
        let profile = wave(32, |x| exact(x, 0.0));
        let mut x = vec![0.0; 3 * 32];
        (0..3).for_each(|_| x.extend(&profile));
        let (y, expected) = (run(&plane, &x), run(&line(32, 50, 1.0), &profile));
        assert!(largest(&y[3 * 32..4 * 32], &expected) < 1e-15);
        assert!(y[..3 * 32].iter().all(|u| *u == 0.0));
    }

    #[test]
    fn what_cannot_work_is_refused_and_a_blow_up_says_when() {
        let message = |b: BurgersOptions| b.build().unwrap_err().to_string();
        let negative = message(BurgersOptions::default().with_viscosity(-1.0));
        assert!(negative.starts_with("viscosity = -1"), "{negative}");
        let coarse = message(BurgersOptions::default().with_dt(5.0));
        assert!(coarse.contains("stable up to dt = 1.39"), "{coarse}");
        assert!(message(BurgersOptions::default().with_steps(0)).starts_with("steps = 0"));
        let late = message(BurgersOptions::default().with_observe_steps([101]));
        assert!(
            late.contains("the run has 100 steps, up to the time 10"),
            "{late}"
        );
        let burgers = BurgersOptions::default().build().unwrap();
        let storm = wave(128, |x| 300.0 * (3.0 * x).sin());
        let error = burgers
            .forward(&storm, &mut [0.0; 128])
            .unwrap_err()
            .to_string();
        assert!(error.contains("no longer finite after step"), "{error}");
    }
}

mod leapfrog {
    use super::*;
    use retrodict::simulators::{Wave, WaveOptions};

    fn line(cells: usize, steps: usize) -> Wave {
        let cell = 2.0 * PI / cells as f64;
        WaveOptions::default()
            .with_shape([cells])
            .with_cell(cell)
            .with_dt(4.0 / steps as f64)
            .with_steps(steps)
            .build()
            .unwrap()
    }

    /// A standing wave, cos x cos t; v stands half a step before u.
    fn error(cells: usize) -> f64 {
        let steps = 2 * cells;
        let wave_at = line(cells, steps);
        let half = 0.5 * wave_at.options().dt;
        let state = |t: f64| {
            let mut state = wave(cells, |x| x.cos() * t.cos());
            state.extend(wave(cells, |x| -x.cos() * (t - half).sin()));
            state
        };
        largest(&run(&wave_at, &state(0.0)), &state(4.0))
    }

    #[test]
    fn a_standing_wave_is_met_to_second_order() {
        let order = order(error, 32);
        assert!((1.9..2.1).contains(&order), "{order}");
    }

    #[test]
    fn energy_is_conserved_and_time_runs_back() {
        let square = WaveOptions::default()
            .with_shape([12, 10])
            .with_steps(500)
            .build()
            .unwrap();
        let x: Vec<f64> = (0..240).map(|i| (1.7 * (i * i) as f64).sin()).collect();
        let y = run(&square, &x);
        assert!((square.energy(&y) / square.energy(&x) - 1.0).abs() < 1e-12);
        let mut back = vec![0.0; 240];
        let inverse: &dyn LocalInverse = square.local_inverse().unwrap();
        inverse.invert_near(&y, &x, &mut back).unwrap();
        assert!(largest(&back, &x) < 1e-11);
    }

    #[test]
    fn a_courant_number_beyond_one_is_refused_with_one_that_works() {
        let plane = WaveOptions::default()
            .with_shape([8, 8])
            .with_dt(1.0)
            .build();
        let message = plane.unwrap_err().to_string();
        assert!(
            message.contains("1.414") && message.contains("dt ≤ 7.071e-1"),
            "{message}"
        );
    }
}

mod transport {
    use super::*;
    use retrodict::simulators::AdvectionOptions;

    #[test]
    fn whole_cells_are_moved_without_error() {
        let x: Vec<f64> = (0..63).map(|i| (1.7 * (i * i) as f64).sin()).collect();
        let moved = AdvectionOptions::default().with_time(5.0).build().unwrap();
        let mut expected = x.clone();
        expected.rotate_right(5);
        assert!(largest(&run(&moved, &x), &expected) < 1e-13);
    }

    #[test]
    fn what_decays_on_its_way_is_undone_too() {
        let x: Vec<f64> = (0..63).map(|i| (1.7 * (i * i) as f64).sin()).collect();
        let decaying = AdvectionOptions::default()
            .with_time(5.0)
            .with_decay(0.4)
            .build()
            .unwrap();
        let mut expected = x.clone();
        expected.rotate_right(5);
        expected.iter_mut().for_each(|v| *v *= (-2.0_f64).exp());
        let y = run(&decaying, &x);
        assert!(largest(&y, &expected) < 1e-14);
        let mut back = vec![0.0; 63];
        decaying.invert_near(&y, &x, &mut back).unwrap();
        assert!(largest(&back, &x) < 1e-12);
        for (decay, words) in [(-1.0, "0 or greater"), (7.0, "at most 30")] {
            let wrong = AdvectionOptions::default()
                .with_decay(decay)
                .with_time(5.0)
                .build();
            let message = wrong.unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn smooth_fields_are_moved_to_all_orders_and_keep_their_energy() {
        let f = |x: f64| (x.sin() * 2.0).exp();
        let error = |cells: usize| {
            let cell = 2.0 * PI / cells as f64;
            let moved = AdvectionOptions::default()
                .with_shape([cells])
                .with_cell(cell)
                .with_velocity([0.7])
                .with_time(1.0)
                .build()
                .unwrap();
            largest(&run(&moved, &wave(cells, f)), &wave(cells, |x| f(x - 0.7)))
        };
        assert!(order(error, 11) > 8.0);
        assert!(error(45) < 1e-12);
        let x = wave(63, f);
        let y = run(&AdvectionOptions::default().build().unwrap(), &x);
        let squares = |u: &[f64]| -> f64 { u.iter().map(|u| u * u).sum() };
        assert!((squares(&y) / squares(&x) - 1.0).abs() < 1e-14);
    }
}

mod gray_scott {
    use super::*;
    use retrodict::simulators::{ReactionDiffusion, ReactionDiffusionOptions};

    fn closed() -> ReactionDiffusion {
        ReactionDiffusionOptions::default()
            .with_shape([8, 6])
            .with_feed(0.0)
            .with_kill(0.0)
            .build()
            .unwrap()
    }

    fn state() -> Vec<f64> {
        (0..96)
            .map(|i| 0.5 + 0.3 * (1.7 * (i * i) as f64).sin())
            .collect()
    }

    #[test]
    fn without_feed_and_kill_matter_is_conserved() {
        let x = state();
        let y = run(&closed(), &x);
        let sum = |s: &[f64]| -> f64 { s.iter().sum() };
        assert!((sum(&y) / sum(&x) - 1.0).abs() < 1e-14);
        assert!(largest(&y, &x) > 0.1);
    }

    /// Without v the first substance relaxes to 1: u = 1 + (u₀ − 1) e^(−Ft) where it is even.
    #[test]
    fn what_is_fed_alone_relaxes_exponentially() {
        let fed = closed()
            .options()
            .clone()
            .with_shape([4])
            .with_feed(0.05)
            .build()
            .unwrap();
        let y = run(&fed, &[0.2, 0.2, 0.2, 0.2, 0.0, 0.0, 0.0, 0.0]);
        let expected = 1.0 - 0.8 * (-0.05 * 40.0_f64).exp();
        assert!((y[0] - expected).abs() < 1e-7);
    }

    #[test]
    fn the_error_falls_with_the_fourth_power_of_the_step() {
        let at = |steps: usize| {
            let dt = 8.0 / steps as f64;
            run(
                &closed()
                    .options()
                    .clone()
                    .with_dt(dt)
                    .with_steps(steps)
                    .build()
                    .unwrap(),
                &state(),
            )
        };
        let fine = at(800);
        let order = order(|steps| largest(&at(steps), &fine), 20);
        assert!((3.8..4.2).contains(&order), "{order}");
    }
}

mod chaos {
    use super::*;
    use retrodict::simulators::KuramotoSivashinskyOptions;

    /// Small waves grow or decay by e^((k² − k⁴)t) exactly.
    #[test]
    fn small_waves_follow_the_linear_equation() {
        let ks = KuramotoSivashinskyOptions::default().build().unwrap();
        for m in [1, 2, 4, 6] {
            let k = 2.0 * PI * f64::from(m) / ks.options().length;
            let x = wave(64, |x| 1e-9 * (f64::from(m) * x).cos());
            let growth = ((k * k - k.powi(4)) * 5.0).exp();
            let expected: Vec<f64> = x.iter().map(|x| growth * x).collect();
            assert!(largest(&run(&ks, &x), &expected) < 1e-6 * 1e-9 * growth.max(1.0));
        }
    }

    #[test]
    fn the_mean_is_conserved_and_the_error_falls_with_the_square_of_the_step() {
        let x = wave(64, |x| 0.3 + x.cos() + 0.5 * (2.0 * x).sin());
        let at = |steps: usize| {
            let dt = 4.0 / steps as f64;
            run(
                &KuramotoSivashinskyOptions::default()
                    .with_dt(dt)
                    .with_steps(steps)
                    .build()
                    .unwrap(),
                &x,
            )
        };
        let fine = at(6400);
        let mean = |u: &[f64]| u.iter().sum::<f64>() / 64.0;
        assert!((mean(&fine) - 0.3).abs() < 1e-13);
        let order = order(|steps| largest(&at(steps), &fine), 100);
        assert!((1.9..2.1).contains(&order), "{order}");
    }

    /// Neighbouring solutions part at about the rate published for this length, 0.043 (Edson et
    /// al. 2019), so that a gradient through time T grows like e^(0.043 T).
    #[test]
    fn neighbours_part_exponentially() {
        let steps = 20_000;
        let ks = |steps| {
            KuramotoSivashinskyOptions::default()
                .with_steps(steps)
                .build()
                .unwrap()
        };
        let start = run(&ks(4000), &wave(64, |x| x.cos() + 0.1 * (2.0 * x).sin()));
        // The tangent is renormalised every 50 units of time, over 1000 of them.
        let piece = ks(1000);
        let (mut at, mut tangent, mut growth) = (start, wave(64, |x| (3.0 * x).cos()), 0.0);
        for _ in 0..steps / 1000 {
            let mut next = vec![0.0; 64];
            piece.jvp(&at, &tangent, &mut next).unwrap();
            let length = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
            let factor = length(&next) / length(&tangent);
            growth += factor.ln();
            tangent = next.iter().map(|t| t / length(&next)).collect();
            at = run(&piece, &at);
        }
        let rate = growth / (f64::from(steps) * 0.05);
        assert!((0.03..0.06).contains(&rate), "{rate}");
    }
}
