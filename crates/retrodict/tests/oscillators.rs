//! The chain of oscillators: published singular values, an exact solution, order and energy.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use retrodict::linalg::svd;
use retrodict::losses::SquaredError;
use retrodict::simulators::Oscillators;
use retrodict::updates::GaussNewton;
use retrodict::{Problem, Simulator, Solver, StopWhen};

fn linear() -> Oscillators {
    Oscillators {
        alpha: 0.0,
        kappa: 0.2,
        strength: 1.0,
        steps: 24,
        dt: 0.5,
        ..Oscillators::default()
    }
}

/// From the state at the start to the state at the end, without a control.
fn drift(oscillators: &Oscillators, start: &[f64]) -> Vec<f64> {
    let oscillators = Oscillators {
        initial: start.to_vec(),
        ..oscillators.clone()
    };
    let mut y = vec![0.0; start.len()];
    oscillators
        .forward(&vec![0.0; oscillators.steps], &mut y)
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
        let oscillators = Oscillators {
            steps,
            dt: end / steps as f64,
            ..linear()
        };
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
        let oscillators = Oscillators {
            masses: 3,
            kappa: 0.1,
            steps,
            dt: 12.0 / steps as f64,
            ..Oscillators::default()
        };
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
    let oscillators = Oscillators {
        masses: 3,
        steps: 1,
        dt: 1e-7,
        ..Oscillators::default()
    };
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
    let oscillators = Oscillators {
        initial: target.to_vec(),
        ..Oscillators::default()
    };
    let loss = Arc::new(SquaredError::default());
    let problem = Problem::new(Arc::new(oscillators), loss, target.to_vec()).unwrap();
    let stop = StopWhen {
        loss_below: Some(1e-20),
        ..StopWhen::after(10)
    };
    let solver = Solver::new(GaussNewton::default(), stop);
    let solution = solver.solve(&problem, &[0.0; 96]).unwrap();
    assert!(solution.loss <= 1e-20, "{}", solution.loss);
}

#[test]
fn steps_beyond_stability_are_refused() {
    use retrodict::options::Validate;
    let unstable = Oscillators {
        dt: 3.0,
        ..Oscillators::default()
    };
    let message = unstable.validate().unwrap_err().to_string();
    assert!(message.contains("stable up to 2.8"), "{message}");
    let none = Oscillators {
        steps: 0,
        ..Oscillators::default()
    };
    assert!(
        none.validate()
            .unwrap_err()
            .to_string()
            .starts_with("steps = 0")
    );
}
