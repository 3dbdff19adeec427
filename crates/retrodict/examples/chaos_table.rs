//! What chaos does to derivatives: the table of the book's page.
//!
//! `cargo run --release -p retrodict --example chaos_table`
#![allow(clippy::unwrap_used)]

use retrodict::options::Build;
use std::sync::Arc;

use retrodict::linalg::svd;
use retrodict::losses::SquaredError;
use retrodict::simulators::{KuramotoSivashinsky, KuramotoSivashinskyOptions};
use retrodict::updates::{
    GradientDescent, InverseJacobianOptions, LevenbergMarquardt, LimitedMemoryBfgs,
};
use retrodict::{Problem, Simulator, Solution, Solver, StopWhen};

fn line(time: f64) -> KuramotoSivashinsky {
    KuramotoSivashinskyOptions::default()
        .with_steps((time / 0.05).round() as usize)
        .build()
        .unwrap()
}

fn main() {
    let wave = |i: usize| 2.0 * std::f64::consts::PI * i as f64 / 64.0;
    let begin: Vec<f64> = (0..64)
        .map(|i| wave(i).cos() + 0.1 * (2.0 * wave(i)).sin())
        .collect();
    // After a time of 200 the solution is on the attractor.
    let mut truth = vec![0.0; 64];
    line(200.0).forward(&begin, &mut truth).unwrap();
    let start: Vec<f64> = (0..64)
        .map(|i| truth[i] + 0.1 * (3.0 * wave(i)).sin())
        .collect();
    println!(
        "| time T | ‖J‖ | start's ‖y − y*‖ | gradient descent | L-BFGS | Levenberg–Marquardt | inverse Jacobian |"
    );
    println!("|---|---|---|---|---|---|---|");
    for time in [2.0, 10.0, 20.0, 40.0, 80.0, 160.0] {
        let simulator = line(time);
        let mut target = vec![0.0; 64];
        let map = simulator.linearize(&truth, &mut target).unwrap();
        let largest = svd(&map.dense().unwrap()).unwrap().s[0];
        drop(map);
        let loss = Arc::new(SquaredError::half());
        let problem = Problem::new(Arc::new(simulator), loss, target).unwrap();
        let solve = |solver: Solver| -> Solution { solver.solve(&problem, &start).unwrap() };
        // ‖y − y*‖ = √(2L)
        let misfit = |solution: Solution| (2.0 * solution.loss).sqrt();
        let first = misfit(solve(Solver::new(
            GradientDescent::default(),
            StopWhen::after(0),
        )));
        // The largest rate that is stable at the solution.
        let rate = 1.0 / (largest * largest);
        let descent = misfit(solve(Solver::new(
            GradientDescent::new(rate).unwrap(),
            StopWhen::after(200),
        )));
        let quasi = misfit(solve(Solver::new(
            LimitedMemoryBfgs::default(),
            StopWhen::after(200),
        )));
        let trust = misfit(solve(Solver::new(
            LevenbergMarquardt::default(),
            StopWhen::after(20),
        )));
        let inverse = InverseJacobianOptions::default()
            .with_truncation(1e-6)
            .build()
            .unwrap();
        let inverse = misfit(solve(Solver::new(inverse, StopWhen::after(20))));
        println!(
            "| {time} | {largest:.1} | {first:.1e} | {descent:.1e} | {quasi:.1e} | {trust:.1e} | {inverse:.1e} |"
        );
    }
}
