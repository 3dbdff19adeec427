//! Half-inverse steps of network and physics: three engines, one answer.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use retrodict::linalg::{Engine, norm, pseudo_inverse_power};
use retrodict::losses::{Infidelity, SquaredError};
use retrodict::network::{Activation, Mlp};
use retrodict::options::Build;
use retrodict::simulators::{OscillatorsOptions, PoissonOptions, SchroedingerOptions};
use retrodict::training::{Clock, Joint};
use retrodict::{LinearMap, Loss, Network, Simulator};

/// Network and physics for a mini-batch, its θ, and ∂L/∂y there.
struct Case {
    joint: Joint,
    theta: Vec<f64>,
    targets: Vec<f64>,
    loss: Arc<dyn Loss>,
    width: usize,
}

fn case(
    widths: &[usize],
    inputs: Vec<Vec<f64>>,
    physics: &[Arc<dyn Simulator>],
    loss: Arc<dyn Loss>,
) -> Case {
    let mlp = Mlp::new(widths).unwrap();
    let network: Arc<dyn Network> = Arc::new(mlp.with_activation(Activation::Tanh));
    let theta = network.initial(5);
    let width = physics[0].output().len();
    let seen = inputs.concat();
    let joint = Joint::with_physics(network, seen, physics.to_vec(), Arc::new(Clock::default()));
    Case {
        joint: joint.unwrap(),
        theta,
        targets: inputs.concat(),
        loss,
        width,
    }
}

fn states(count: usize, length: usize) -> Vec<Vec<f64>> {
    let mut random = Pcg64::seed_from_u64(11);
    let one = |_| (0..length).map(|_| random.random_range(0.0..1.0)).collect();
    (0..count).map(one).collect()
}

fn oscillators() -> Case {
    let states = states(16, 4);
    let physics: Vec<Arc<dyn Simulator>> = states
        .iter()
        .map(|state| {
            Arc::new(
                OscillatorsOptions::default()
                    .with_steps(24)
                    .with_dt(0.5)
                    .with_kappa(0.2)
                    .with_alpha(0.0)
                    .with_strength(1.0)
                    .with_initial(state.clone())
                    .build()
                    .unwrap(),
            ) as Arc<dyn Simulator>
        })
        .collect();
    case(
        &[4, 20, 20, 24],
        states,
        &physics,
        Arc::new(SquaredError::default()),
    )
}

/// ψ keeps its norm, so that each sample has a direction in which J is exactly null.
fn dipole() -> Case {
    let well = Arc::new(
        SchroedingerOptions::default()
            .with_steps(48)
            .build()
            .unwrap(),
    );
    let (second, third) = (well.eigenstate(2), well.eigenstate(3));
    let mut random = Pcg64::seed_from_u64(3);
    let targets: Vec<Vec<f64>> = (0..6)
        .map(|_| {
            let angle: f64 = random.random_range(0.0..6.0);
            let real = second.iter().take(14).map(|v| angle.cos() * v);
            let imaginary = third.iter().take(14).map(|v| angle.sin() * v);
            real.chain(imaginary).collect()
        })
        .collect();
    let physics = vec![well as Arc<dyn Simulator>; 6];
    case(
        &[28, 12, 48],
        targets,
        &physics,
        Arc::new(Infidelity::default()),
    )
}

fn poisson() -> Case {
    let physics = vec![
        Arc::new(
            PoissonOptions::default()
                .with_shape([4, 4])
                .build()
                .unwrap()
        ) as Arc<dyn Simulator>;
        5
    ];
    case(
        &[16, 10, 16],
        states(5, 16),
        &physics,
        Arc::new(SquaredError::half()),
    )
}

/// Δθ of an engine.
fn step(case: &Case, engine: Engine, truncation: f64) -> Vec<f64> {
    let mut y = vec![0.0; case.joint.output().len()];
    let map = case.joint.linearize(&case.theta, &mut y).unwrap();
    let mut g = vec![0.0; y.len()];
    for ((y, t), g) in y
        .chunks(case.width)
        .zip(case.targets.chunks(case.width))
        .zip(g.chunks_mut(case.width))
    {
        case.loss.gradient(y, t, g);
    }
    let mut out = vec![0.0; case.theta.len()];
    pseudo_inverse_power(&*map, &g, 0.5, truncation, engine, &mut out).unwrap();
    out
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&difference) / norm(b)
}

/// G = JJᵀ carries σ² with an error of ε σ²max, so that a singular value at the truncation t is known to
/// ε/t² there: 2e-6 at t = 1e-5. How much of that reaches the step depends on what g holds at
/// that end; with the dipole it is more than elsewhere.
#[test]
fn gram_meets_dense_and_krylov_with_all_steps_does_too() {
    for (name, case, limit) in [
        ("oscillators", oscillators(), 1e-8),
        ("dipole", dipole(), f64::EPSILON / 1e-10),
        ("poisson", poisson(), 1e-8),
    ] {
        let m = case.joint.output().len();
        let dense = step(&case, Engine::Dense, 1e-5);
        let gram = apart(&step(&case, Engine::Gram, 1e-5), &dense);
        assert!(gram < limit, "{name}: {gram:.1e}");
        let krylov = apart(
            &step(
                &case,
                Engine::Krylov {
                    steps: m,
                    tolerance: 0.0,
                },
                1e-5,
            ),
            &dense,
        );
        assert!(krylov < 1e-6, "{name}: {krylov:.1e}");
        let coarse = step(&case, Engine::Dense, 1e-3);
        let gram = apart(&step(&case, Engine::Gram, 1e-3), &coarse);
        assert!(gram < 1e-10, "{name}: {gram:.1e}");
    }
}

/// Few steps give a step of about the right length, whatever g holds in the null space of Jᵀ.
#[test]
fn null_directions_do_not_make_krylov_steps_long() {
    let case = dipole();
    let dense = step(&case, Engine::Dense, 1e-5);
    for steps in [4, 8, 16, 32] {
        let few = step(
            &case,
            Engine::Krylov {
                steps,
                tolerance: 0.0,
            },
            1e-5,
        );
        let length = norm(&few) / norm(&dense);
        assert!(length < 1.5, "{steps} steps: {length} times too long");
        let along: f64 = few.iter().zip(&dense).map(|(a, b)| a * b).sum();
        assert!(along > 0.0, "{steps} steps point away");
    }
}

#[test]
fn the_choice_follows_size_and_truncation() {
    let chosen = |case: &Case, truncation| {
        let mut y = vec![0.0; case.joint.output().len()];
        let map = case.joint.linearize(&case.theta, &mut y).unwrap();
        let mut out = vec![0.0; case.theta.len()];
        let report = pseudo_inverse_power(&*map, &y, 0.5, truncation, Engine::Auto, &mut out);
        report.unwrap().engine
    };
    assert_eq!(chosen(&oscillators(), 1e-5), Engine::Gram);
    assert_eq!(chosen(&oscillators(), 1e-8), Engine::Dense);
    struct Wide;
    impl LinearMap for Wide {
        fn inputs(&self) -> usize {
            4000
        }
        fn outputs(&self) -> usize {
            2000
        }
        fn apply(&self, dx: &[f64], dy: &mut [f64]) -> retrodict::Result<()> {
            dy.copy_from_slice(&dx[..2000]);
            Ok(())
        }
        fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> retrodict::Result<()> {
            dx[..2000].copy_from_slice(dy);
            Ok(())
        }
    }
    let mut out = vec![0.0; 4000];
    let report = pseudo_inverse_power(&Wide, &[1.0; 2000], 0.5, 1e-5, Engine::Auto, &mut out);
    assert!(matches!(report.unwrap().engine, Engine::Krylov { .. }));
    assert!(out[..2000].iter().all(|v| (v - 1.0).abs() < 1e-12));
}
