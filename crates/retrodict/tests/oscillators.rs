//! The chain of oscillators: published singular values, an exact solution, order and energy.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use retrodict::linalg::svd;
use retrodict::losses::SquaredError;
use retrodict::options::Build;
use retrodict::simulators::{Oscillators, OscillatorsOptions};
use retrodict::updates::GaussNewton;
use retrodict::{Problem, Simulator, Solver, StopWhen};

fn linear() -> Oscillators {
    OscillatorsOptions::default()
        .with_alpha(0.0)
        .with_kappa(0.2)
        .with_strength(1.0)
        .with_steps(24)
        .with_dt(0.5)
        .build()
        .unwrap()
}

/// From the state at the start to the state at the end, without a control.
fn drift(oscillators: &Oscillators, start: &[f64]) -> Vec<f64> {
    let oscillators = oscillators
        .options()
        .clone()
        .with_initial(start.to_vec())
        .build()
        .unwrap();
    let mut y = vec![0.0; start.len()];
    oscillators
        .forward(&vec![0.0; oscillators.options().steps], &mut y)
        .unwrap();
    y
}

#[test]
fn the_control_map_of_two_linear_oscillators_has_the_known_singular_values() {
    let oscillators = linear();
    let mut y = vec![0.0; 4];
    let map = oscillators.linearize(&[0.0; 24], &mut y).unwrap();
    let found = svd(&map.dense().unwrap()).unwrap().s;
    for (found, expected) in found
        .iter()
        .zip([1.62530853, 1.50547989, 0.53689895, 0.45389548])
    {
        assert!((found - expected).abs() < 1e-8, "{found}");
    }
}

/// Both normal modes of two linear oscillators: cos t and cos √(1 + 2κ) t.
#[test]
fn normal_modes_turn_at_their_frequencies_to_fourth_order() {
    let end = 6.0;
    let error = |steps: usize| {
        let oscillators = linear()
            .options()
            .clone()
            .with_steps(steps)
            .with_dt(end / steps as f64)
            .build()
            .unwrap();
        let y = drift(&oscillators, &[1.0, 0.5, 0.0, 0.0]);
        let fast = (1.0 + 2.0 * 0.2_f64).sqrt();
        let (sum, difference) = (0.75 * end.cos(), 0.25 * (fast * end).cos());
        (y[0] - (sum + difference)).hypot(y[1] - (sum - difference))
    };
    let order = (error(48) / error(96)).log2();
    assert!((3.8..4.3).contains(&order), "{order}");
    assert!(error(400) < 1e-8);
}

#[test]
fn the_energy_of_the_nonlinear_chain_drifts_with_the_fifth_power_of_the_step() {
    let start = [0.8, -0.5, 0.3, 0.0, 0.4, -0.2];
    let change = |steps: usize| {
        let oscillators = OscillatorsOptions::default()
            .with_masses(3)
            .with_kappa(0.1)
            .with_steps(steps)
            .with_dt(12.0 / steps as f64)
            .build()
            .unwrap();
        let y = drift(&oscillators, &start);
        (oscillators.energy(&y) / oscillators.energy(&start) - 1.0).abs()
    };
    // RK4 loses energy at h⁵ per unit of time on oscillations.
    let order = (change(96) / change(192)).log2();
    assert!((4.5..5.5).contains(&order), "{order}");
    assert!(change(96) < 1e-2);
}

/// The published force is (xᵢ₊₁ − xᵢ)³ + (xᵢ₋₁ − xᵢ)³: H with α = ¼.
#[test]
fn the_force_is_the_published_one() {
    let oscillators = OscillatorsOptions::default()
        .with_masses(3)
        .with_steps(1)
        .with_dt(1e-7)
        .build()
        .unwrap();
    let x = [0.3, -0.8, 1.1];
    let y = drift(&oscillators, &[x[0], x[1], x[2], 0.0, 0.0, 0.0]);
    for i in 0..3 {
        let cube = |j: usize| x.get(j).map_or(0.0, |other| (other - x[i]).powi(3));
        let expected = -x[i] + cube(i + 1) + if i > 0 { cube(i - 1) } else { 0.0 };
        assert!((y[3 + i] / 1e-7 - expected).abs() < 1e-6);
    }
}

#[test]
fn a_state_is_steered_to_where_it_should_be() {
    let target = [0.7, -0.4, 0.2, 0.5];
    let oscillators = OscillatorsOptions::default()
        .with_initial(target.to_vec())
        .build()
        .unwrap();
    let loss = Arc::new(SquaredError::default());
    let problem = Problem::new(Arc::new(oscillators), loss, target.to_vec()).unwrap();
    let stop = StopWhen::after(10).with_loss_below(1e-20);
    let solver = Solver::new(GaussNewton::default(), stop);
    let solution = solver.solve(&problem, &[0.0; 96]).unwrap();
    assert!(solution.loss <= 1e-20, "{}", solution.loss);
}

#[test]
fn steps_beyond_stability_are_refused() {
    let unstable = OscillatorsOptions::default().with_dt(3.0).build();
    let message = unstable.unwrap_err().to_string();
    assert!(message.contains("stable up to 2.8"), "{message}");
    let none = OscillatorsOptions::default().with_steps(0).build();
    assert!(none.unwrap_err().to_string().starts_with("steps = 0"));
}
