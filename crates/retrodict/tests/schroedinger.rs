//! The quantum particle: eigenstates, norm, order, the way back, and steering.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use retrodict::losses::Infidelity;
use retrodict::models::rollout::{Input, RolledOut};
use retrodict::options::Build;
use retrodict::simulators::{Schroedinger, SchroedingerOptions};
use retrodict::updates::LevenbergMarquardt;
use retrodict::{Problem, Simulator, Solver, StopWhen};

fn wiggle(steps: usize) -> Vec<f64> {
    (0..steps).map(|i| (0.7 * i as f64).sin() * 2.0).collect()
}

fn run(well: &Schroedinger, control: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; 2 * (well.options().points - 2)];
    well.forward(control, &mut y).unwrap();
    y
}

/// Crank–Nicolson turns an eigenstate of energy E by 2 atan(E Δt/2) a step, exactly.
#[test]
fn eigenstates_turn_by_the_exact_phase() {
    for level in [1, 2, 5, 14] {
        let well = SchroedingerOptions::default()
            .with_level(level)
            .build()
            .unwrap();
        let y = run(&well, &vec![0.0; 384]);
        let angle = -384.0 * 2.0 * (0.5 * 0.05 * well.energy(level)).atan();
        let state = well.eigenstate(level);
        for j in 0..14 {
            assert!((y[j] - angle.cos() * state[j]).abs() < 1e-11);
            assert!((y[14 + j] - angle.sin() * state[j]).abs() < 1e-11);
        }
    }
}

/// E → (πn/width)² for −Δ.
#[test]
fn energies_approach_those_of_the_well_with_the_square_of_the_cell() {
    let error = |points| {
        let well = SchroedingerOptions::default()
            .with_points(points)
            .build()
            .unwrap();
        let exact = (std::f64::consts::PI * 2.0 / well.options().width).powi(2);
        (well.energy(2) - exact).abs()
    };
    let order = (error(17) / error(33)).log2();
    assert!((1.95..2.05).contains(&order), "{order}");
}

#[test]
fn the_norm_is_conserved_to_round_off_under_any_control() {
    let well = SchroedingerOptions::default().build().unwrap();
    let y = run(&well, &wiggle(384));
    let norm: f64 = y.iter().map(|y| y * y).sum();
    assert!((norm - 1.0).abs() < 1e-13, "{norm}");
}

#[test]
fn the_error_falls_with_the_square_of_the_time_step() {
    let at = |steps: usize| {
        let well = SchroedingerOptions::default()
            .with_steps(steps)
            .with_dt(0.4 / steps as f64)
            .build()
            .unwrap();
        run(&well, &vec![3.0; steps])
    };
    let exact = at(16384);
    let error = |steps| -> f64 {
        let y = at(steps);
        let squares = y.iter().zip(&exact).map(|(y, e)| (y - e).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let order = (error(256) / error(512)).log2();
    assert!((1.95..2.05).contains(&order), "{order}");
}

#[test]
fn every_step_is_undone_by_its_adjoint() {
    let well = SchroedingerOptions::default().build().unwrap();
    let control = wiggle(384);
    let y = run(&well, &control);
    let rollout = well.rollout().options().clone();
    let rollout = rollout
        .with_controls(control)
        .with_input(Input::State(0..28))
        .with_input_space(None);
    let rollout = rollout.build().unwrap();
    let mut back = y;
    rollout.run_back(&mut back).unwrap();
    let start = well.eigenstate(1);
    assert!(back.iter().zip(&start).all(|(a, b)| (a - b).abs() < 1e-12));
}

#[test]
fn the_ground_state_is_steered_to_the_first_excited_one() {
    let well = SchroedingerOptions::default().build().unwrap();
    let target = well.eigenstate(2);
    let problem = Problem::new(Arc::new(well), Arc::new(Infidelity::default()), target).unwrap();
    let stop = StopWhen::after(100).with_loss_below(1e-6);
    // Without a control the dipole's first-order response does not vanish, so no luck is needed.
    let solution = Solver::new(LevenbergMarquardt::default(), stop)
        .solve(&problem, &wiggle(384))
        .unwrap();
    assert!(
        solution.loss <= 1e-6,
        "{} {}",
        solution.loss,
        solution.steps
    );
}
