//! How runs end, how they get past simulations that fail, and how they go on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::fixtures::space;
use retrodict::options::Build;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use retrodict::interrupt::Interrupt;
use retrodict::losses::{Covariance, HuberOptions, SquaredError, Weighted};
use retrodict::registry::{RULES, SIMULATORS};
use retrodict::simulators::{ExpOptions, ScalingOptions};
use retrodict::updates::{Adam, GaussNewton, GradientDescent, LimitedMemoryBfgs};
use retrodict::{
    Checkpoint, Error, Goal, Loss, Problem, Result, Simulator, Solution, Solver, Space, Status,
    StopWhen,
};

/// y = x, watched by a loss: descent with η goes from 0 to the target by the factor 1 − 2η/σ² a step.
fn identity(loss: impl Loss + 'static) -> Problem {
    let scaling = ScalingOptions::default().with_alpha(1.0).build().unwrap();
    Problem::new(Arc::new(scaling), Arc::new(loss), vec![10.0, -10.0]).unwrap()
}

fn descend(problem: &Problem, rate: f64, stop: StopWhen) -> (Solution, Vec<f64>) {
    let mut losses = Vec::new();
    let solution = Solver::new(GradientDescent::new(rate).unwrap(), stop)
        .solve_observed(problem, &[0.0, 0.0], |record, _| {
            losses.push(record.loss);
            ControlFlow::Continue(())
        })
        .unwrap();
    (solution, losses)
}

#[test]
fn the_discrepancy_ends_a_run_at_the_first_point_within_the_noise() {
    let weighted = Weighted::half([2.0, 1.0]).unwrap();
    let covariance = Covariance::new(vec![vec![4.0, 0.0], vec![0.0, 1.0]], false).unwrap();
    let stop = StopWhen::default()
        .with_discrepancy_below(1.0)
        .with_steps(1000);
    // χ² = 2L for a loss with ½, L without.
    for (problem, rate, factor) in [
        (identity(weighted), 0.1, 2.0),
        (identity(covariance), 0.05, 1.0),
    ] {
        let (solution, losses) = descend(&problem, rate, stop.clone());
        assert_eq!(solution.status, Status::Converged(Goal::Discrepancy));
        let per_datum = |loss: f64| factor * loss / 2.0;
        let [.., before, last] = losses.as_slice() else {
            panic!("it ended at once");
        };
        assert!(
            per_datum(*last) <= 1.0 && per_datum(*before) > 1.0,
            "{losses:?}"
        );
    }
}

#[test]
fn a_discrepancy_without_a_noise_model_is_refused() {
    let stop = StopWhen::default().with_discrepancy_below(1.0);
    for problem in [
        identity(SquaredError::default()),
        identity(HuberOptions::default().with_delta(1.0).build().unwrap()),
    ] {
        let solver = Solver::new(GaussNewton::default(), stop.clone());
        let message = solver.solve(&problem, &[0.0; 2]).unwrap_err().to_string();
        assert!(
            message.contains("standard deviations of the noise"),
            "{message}"
        );
        assert!(message.contains("weighted or covariance"), "{message}");
    }
}

#[test]
fn goals_out_of_range_name_themselves() {
    let problem = identity(SquaredError::default());
    for (stop, parts) in [
        (StopWhen::default().with_short_step(-1.0), "short_step = -1"),
        (
            StopWhen::default().with_gradient_below(f64::NAN),
            "gradient_below = NaN",
        ),
        (
            StopWhen::default().with_loss_change(-1.0),
            "loss_change = -1",
        ),
        (
            StopWhen::default().with_plateau(0.1).with_plateau_steps(0),
            "at least 1",
        ),
        (StopWhen::default().with_plateau(1.0), "[0, 1)"),
    ] {
        let solver = Solver::new(GaussNewton::default(), stop);
        let message = solver.solve(&problem, &[0.0; 2]).unwrap_err().to_string();
        assert!(message.contains(parts), "{message}");
    }
}

/// L falls by the factor 0.64 a step, ‖Δx‖ by 0.8 with ‖x‖ → 10√2, and ‖∂L/∂x‖ = 2√L.
#[test]
fn every_goal_ends_the_run_at_the_step_that_reaches_it_and_names_itself() {
    let problem = identity(SquaredError::default());
    let end = |stop: StopWhen| {
        let (solution, losses) = descend(&problem, 0.1, stop);
        (solution.status, losses)
    };
    let long = StopWhen::after(1000);
    let (status, losses) = end(long.clone().with_loss_below(1e-6));
    assert_eq!(status, Status::Converged(Goal::Loss));
    assert!(losses[losses.len() - 1] <= 1e-6 && losses[losses.len() - 2] > 1e-6);

    let (status, losses) = end(long.clone().with_gradient_below(1e-3));
    assert_eq!(status, Status::Converged(Goal::Gradient));
    let gradient = |loss: f64| 2.0 * loss.sqrt();
    assert!(gradient(losses[losses.len() - 1]) <= 1e-3);
    assert!(gradient(losses[losses.len() - 2]) > 1e-3);

    let (status, losses) = end(long.clone().with_short_step(1e-3));
    assert_eq!(status, Status::Converged(Goal::ShortStep));
    // The k-th step is 0.2·10√2·0.8ᵏ⁻¹ long, and ‖x‖ = 10√2 (1 − 0.8ᵏ).
    let relative = |k: i32| 0.2 * 0.8_f64.powi(k - 1) / (1.0 - 0.8_f64.powi(k));
    let steps = (1..).find(|k| relative(*k) <= 1e-3).unwrap();
    assert_eq!(losses.len(), 1 + steps as usize);

    let (status, losses) = end(long.clone().with_plateau(0.75).with_plateau_steps(3));
    assert_eq!(status, Status::Converged(Goal::Plateau));
    assert_eq!(losses.len(), 4, "1 − 0.64³ = 0.74");
    let (status, losses) = end(StopWhen::after(20).with_plateau(0.73).with_plateau_steps(3));
    assert_eq!((status, losses.len()), (Status::StepLimit, 21));

    let (status, losses) = end(long.clone().with_time(Duration::ZERO));
    assert_eq!((status, losses.len()), (Status::TimeLimit, 1));
    let (status, losses) = end(StopWhen::after(7));
    assert_eq!((status, losses.len()), (Status::StepLimit, 8));
    let cancelled = Interrupt::default().with_flag(Arc::new(AtomicBool::new(true)));
    let (status, _) = cancelled.within(|| end(long));
    assert_eq!(status, Status::Cancelled);
}

/// Every word on how a run ended says what it means, and what to do next or why nothing is.
#[test]
fn statuses_tell_what_to_try() {
    let broken = Error::simulation("cliff", "x lies beyond the edge");
    for (status, hint) in [
        (Status::Converged(Goal::Loss), "a lower goal"),
        (Status::Converged(Goal::Discrepancy), "fit the noise"),
        (Status::Converged(Goal::Gradient), "a lower goal"),
        (Status::Converged(Goal::ShortStep), "a lower goal"),
        (Status::Converged(Goal::Plateau), "a smaller decrease"),
        (Status::Converged(Goal::LossChange), "a lower loss_change"),
        (Status::Converged(Goal::ExactFit), "a lower loss_change"),
        (
            Status::Converged(Goal::Stationary),
            "no direction was found",
        ),
        (Status::StepLimit, "allow more"),
        (Status::TimeLimit, "allow more"),
        (Status::Stalled, "try"),
        (Status::Saddle, "try"),
        (Status::Diverged, "try"),
        (Status::LineSearchFailed, "check the derivatives"),
        (Status::NoProgress, "check the derivatives"),
        (Status::NoEffect, "another start"),
        (Status::OutOfPatience, "patience"),
        (Status::Failed(broken), "try shorter steps"),
        (Status::Cancelled, "to continue"),
    ] {
        let text = status.to_string();
        assert!(text.contains(hint), "{text}");
    }
}

#[test]
fn an_observer_ends_a_run_and_the_best_x_is_kept() {
    let problem = identity(SquaredError::default());
    // Every step turns the error round and makes it longer by a fifth.
    let mut seen = Vec::new();
    let solution = Solver::new(GradientDescent::new(1.1).unwrap(), StopWhen::after(50))
        .solve_observed(&problem, &[9.0, -9.0], |record, x| {
            seen.push((record.loss, x.to_vec()));
            if record.step == 4 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!(solution.status, Status::Cancelled);
    assert_eq!((solution.steps, seen.len()), (4, 5));
    assert!(seen.windows(2).all(|pair| pair[1].0 > pair[0].0));
    assert_eq!((solution.loss, &solution.x), (seen[0].0, &seen[0].1));
}

/// y = exp x, which fails beyond an edge, or is no number there.
struct Cliff {
    edge: f64,
    fails: bool,
}

impl Cliff {
    fn test(&self, x: &[f64]) -> Result<bool> {
        let beyond = x.iter().any(|x| *x > self.edge);
        if beyond && self.fails {
            return Err(Error::simulation(
                "cliff",
                format!("x lies beyond {}", self.edge),
            ));
        }
        Ok(beyond)
    }
}

impl Simulator for Cliff {
    fn input(&self) -> &Space {
        space("exponent", 1)
    }
    fn output(&self) -> &Space {
        space("exponential", 1)
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        let beyond = self.test(x)?;
        for (y, x) in y.iter_mut().zip(x) {
            *y = if beyond { f64::NAN } else { x.exp() };
        }
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.test(x)?;
        for ((dy, dx), x) in dy.iter_mut().zip(dx).zip(x) {
            *dy = x.exp() * dx;
        }
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.jvp(x, dy, dx)
    }
}

/// From −2 a step of the inverse of J leads to ln 6 by way of 42, beyond the edge.
#[test]
fn a_step_beyond_what_can_be_simulated_is_shortened() {
    for fails in [true, false] {
        let edge = 3.0;
        for rule in [
            "gauss-newton",
            "inverse-jacobian",
            "levenberg-marquardt",
            "limited-memory-bfgs",
            "bfgs",
            "gradient-descent",
        ] {
            let cliff = Cliff { edge, fails };
            let loss = Arc::new(SquaredError::half());
            let n = cliff.input().len();
            let problem = Problem::new(Arc::new(cliff), loss, vec![6.0; n]).unwrap();
            let mut options = toml::Table::new();
            let mut start = -2.0;
            if rule == "levenberg-marquardt" {
                // Its first step is as long as x otherwise.
                options.insert("radius_factor".into(), 100.0.into());
            }
            if rule == "gradient-descent" {
                // From 1 the first step is 0.7·e·3.3 long.
                options.insert("learning_rate".into(), 0.7.into());
                start = 1.0;
            }
            if rule.ends_with("bfgs") {
                // The first step of these is 1 long.
                start = 2.5;
            }
            let solver = Solver::new(
                RULES.build(rule, &options).unwrap(),
                StopWhen::default().with_steps(300).with_loss_below(1e-3),
            );
            let mut beyond = false;
            let solution = solver
                .solve_observed(&problem, &vec![start; n], |_, x| {
                    beyond |= x.iter().any(|x| *x > edge);
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert!(!beyond, "{rule}: it went beyond the edge");
            assert!(
                rule == "gradient-descent" || solution.status.converged(),
                "{rule}: {}",
                solution.status
            );
            if rule.ends_with("bfgs") {
                continue;
            }
            let shortened = solution
                .notices
                .iter()
                .find(|(n, _)| n.contains("was shortened"));
            assert!(shortened.is_some_and(|(_, count)| count > 0), "{rule}");
            let failed = solution.notices.first_error().is_some();
            assert_eq!(failed, fails, "{rule}");
        }
    }
}

#[test]
fn where_no_shorter_step_helps_the_failure_is_told_and_the_best_x_kept() {
    let problem = |fails| {
        let cliff = Cliff { edge: 0.0, fails };
        let n = cliff.input().len();
        let loss = Arc::new(SquaredError::default());
        (
            Problem::new(Arc::new(cliff), loss, vec![6.0; n]).unwrap(),
            vec![0.0; n],
        )
    };
    let (failing, start) = problem(true);
    let solver = || Solver::new(Adam::new(1.0).unwrap(), StopWhen::after(10));
    let solution = solver().solve(&failing, &start).unwrap();
    let Status::Failed(Error::Simulation { message, .. }) = &solution.status else {
        panic!("{}", solution.status);
    };
    assert!(message.contains("beyond 0"));
    assert_eq!((solution.steps, &solution.x), (0, &start));
    let (numberless, start) = problem(false);
    let solution = solver().solve(&numberless, &start).unwrap();
    let Status::Failed(Error::Simulation { message, .. }) = &solution.status else {
        panic!("{}", solution.status);
    };
    assert!(message.contains("NaN"), "{message}");
    assert_eq!(solution.x, start);
}

/// Where the adjoint fails beyond an edge that the simulation still passes.
struct OneWay(Cliff);

impl Simulator for OneWay {
    fn input(&self) -> &Space {
        self.0.input()
    }
    fn output(&self) -> &Space {
        self.0.output()
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        ExpOptions::default().build().unwrap().forward(x, y)
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.0.jvp(x, dx, dy)
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.0.vjp(x, dy, dx)
    }
}

#[test]
fn a_line_search_gets_past_an_adjoint_that_fails() {
    let cliff = OneWay(Cliff {
        edge: 0.6,
        fails: true,
    });
    let n = cliff.input().len();
    let loss = Arc::new(SquaredError::half());
    let problem = Problem::new(Arc::new(cliff), loss, vec![1.5; n]).unwrap();
    let solution = Solver::new(LimitedMemoryBfgs::default(), StopWhen::after(50))
        .solve(&problem, &vec![-0.4; n])
        .unwrap();
    assert!(solution.loss < 1e-12, "{}", solution.status);
    assert!(solution.notices.first_error().is_some());
}

/// One run in a go, and the same in three sittings through bytes: bit for bit.
#[test]
fn a_run_that_stopped_goes_on_bit_for_bit_whatever_the_rule() {
    let options: toml::Table = "xi = 2.0\nphi = 30.0".parse().unwrap();
    let sine = SIMULATORS.build("sine", &options).unwrap();
    let loss = Arc::new(SquaredError::half());
    let problem = Problem::new(sine, loss, vec![0.3, 2.5]).unwrap();
    let start = vec![0.2, -0.4];
    for entry in RULES.entries.iter() {
        let solver = |steps| {
            Solver::new(
                entry.build(&toml::Table::new()).unwrap(),
                StopWhen::after(steps)
                    .with_plateau(1e-9)
                    .with_plateau_steps(4),
            )
        };
        let run = |legs: &[usize]| {
            let mut at = Checkpoint::at(start.clone());
            let mut history = Vec::new();
            let mut end = None;
            for steps in legs {
                let bytes = rmp_serde::to_vec(&at).unwrap();
                let from: Checkpoint = rmp_serde::from_slice(&bytes).unwrap();
                let (solution, standing) = solver(*steps)
                    .resume(&problem, &from, |m| {
                        assert_eq!(m.checkpoint().x, m.x);
                        history.push((m.record.step, m.record.loss, m.x.to_vec()));
                        ControlFlow::Continue(())
                    })
                    .unwrap();
                at = standing;
                end = Some(solution);
            }
            (end.unwrap(), at, history)
        };
        let (whole, at, history) = run(&[12]);
        let (pieces, at_too, history_too) = run(&[3, 4, 12]);
        let name = entry.name;
        assert_eq!(history, history_too, "{name}");
        assert_eq!((&whole.x, whole.loss), (&pieces.x, pieces.loss), "{name}");
        assert_eq!(
            (whole.steps, &whole.status),
            (pieces.steps, &pieces.status),
            "{name}"
        );
        assert_eq!((at.x, at.rule), (at_too.x, at_too.rule), "{name}");
        let extra = pieces.counts.forward - whole.counts.forward;
        assert!(
            extra <= 2,
            "{name}: {extra} forward calls more for two stops"
        );
    }
}

#[test]
fn memory_of_another_rule_is_refused() {
    let problem = identity(SquaredError::default());
    let mut at = Checkpoint::at(vec![0.0; 2]);
    at.rule = vec![1, 2, 3];
    let solver = Solver::new(GaussNewton::default(), StopWhen::after(1));
    let refused = solver.resume(&problem, &at, |_| ControlFlow::Continue(()));
    let message = refused.map(|_| ()).unwrap_err().to_string();
    assert!(message.contains("this rule has no memory"), "{message}");
}
