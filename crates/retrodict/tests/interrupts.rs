//! Work ends where it is when it is cancelled or its time is over, keeps what it has, and goes on as if it had not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::fixtures::space;
use retrodict::interrupt::{Interrupt, Interruption};
use retrodict::inverse::{Inverter, NewtonInverse, PathIntegral};
use retrodict::linalg::{LsmrOptions, Matrix, lsmr};
use retrodict::losses::{SquaredError, Weighted};
use retrodict::priors::{Matern, Tikhonov};
use retrodict::registry::{self, RULES};
use retrodict::solver::starts::{Region, solve_from};
use retrodict::uncertainty::posterior::{MaternField, Posterior};
use retrodict::uncertainty::statistics::Statistics;
use retrodict::uncertainty::weight::Choice;
use retrodict::updates::{GaussNewton, GradientDescent, LevenbergMarquardt};
use retrodict::{
    Checkpoint, Error, Problem, Result, Simulator, Solver, Space, Status, StopWhen, solve_batch,
};

/// y = (x₀ + x₁², x₁ x₂, x₀ x₂², x₀ + x₂): raises a flag at its n-th call of any kind, and may take its time. Fails
/// beyond a wall.
struct Raising {
    flag: Arc<AtomicBool>,
    calls: AtomicUsize,
    at: usize,
    pause: Duration,
    wall: f64,
}

impl Raising {
    fn new(at: usize) -> Self {
        Self {
            wall: f64::INFINITY,
            flag: Arc::default(),
            calls: AtomicUsize::new(0),
            at,
            pause: Duration::ZERO,
        }
    }

    fn slow(pause: Duration) -> Self {
        Self {
            pause,
            ..Self::new(usize::MAX)
        }
    }

    fn called(&self) {
        std::thread::sleep(self.pause);
        if self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            self.flag.store(true, Ordering::SeqCst);
        }
    }
}

impl Simulator for Raising {
    fn input(&self) -> &Space {
        space("x", 3)
    }
    fn output(&self) -> &Space {
        space("y", 4)
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.called();
        let [a, b, c] = [x[0], x[1], x[2]];
        if a > self.wall {
            return Err(Error::simulation(
                "a wall",
                format!("x₀ = {a} lies beyond it"),
            ));
        }
        y.copy_from_slice(&[a + b * b, b * c, a * c * c, a + c]);
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.called();
        jacobian(x).apply(dx, dy);
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.called();
        jacobian(x).apply_transpose(dy, dx);
        Ok(())
    }
}

fn jacobian(x: &[f64]) -> Matrix {
    let [a, b, c] = [x[0], x[1], x[2]];
    Matrix::from_rows(&[
        &[1.0, 2.0 * b, 0.0],
        &[0.0, c, b],
        &[c * c, 0.0, 2.0 * a * c],
        &[1.0, 0.0, 1.0],
    ])
}

const START: [f64; 3] = [0.4, 1.7, -0.6];

fn problem(simulator: &Arc<Raising>) -> Problem {
    let loss = Arc::new(SquaredError::half());
    Problem::new(simulator.clone(), loss, vec![1.3, 0.5, 0.8, 0.7]).unwrap()
}

fn solver(rule: &str) -> Solver {
    Solver::new(
        RULES.build(rule, &toml::Table::new()).unwrap(),
        StopWhen::after(120),
    )
}

/// A run that is cancelled at any call of the simulator at all, and taken up again, ends as one that never was:
/// the same x to the last bit, after as many steps, counted calls and notices.
#[test]
fn a_run_that_is_cancelled_anywhere_goes_on_as_if_it_had_not_been() {
    let tried = RULES.entries.iter().map(|entry| entry.name);
    let tried = tried.filter(|rule| goes_on(rule, f64::INFINITY)).count();
    assert!(tried >= 10, "only {tried} rules were tried");
}

/// So does one that runs into failures.
#[test]
fn failures_before_and_after_an_interruption_are_counted_once() {
    let failing = RULES.entries.iter().map(|entry| entry.name);
    let failing = failing.filter(|rule| goes_on(rule, 0.5)).count();
    assert!(failing >= 3, "only {failing} rules met the wall");
}

/// Whether the rule was tried and, where there is a wall, met it.
fn goes_on(rule: &str, wall: f64) -> bool {
    let walled = |at: usize| {
        Arc::new(Raising {
            wall,
            ..Raising::new(at)
        })
    };
    let whole = walled(usize::MAX);
    let fresh = Checkpoint::at(START.to_vec());
    let resume = |simulator: &Arc<Raising>, from: &Checkpoint| {
        let cancelled = Interrupt::default().with_flag(Arc::clone(&simulator.flag));
        cancelled.within(|| {
            solver(rule).resume(&problem(simulator), from, |_| {
                std::ops::ControlFlow::Continue(())
            })
        })
    };
    // Some need more of a simulator than this one offers.
    let Ok((expected, _)) = resume(&whole, &fresh) else {
        return false;
    };
    for at in 1..=whole.calls.load(Ordering::SeqCst) {
        let raising = walled(at);
        let (stopped, standing) = resume(&raising, &fresh).unwrap();
        if stopped.status != Status::Cancelled {
            assert_eq!(stopped.x, expected.x, "{rule} at {at}");
            continue;
        }
        assert!(stopped.loss.is_finite(), "{rule} at {at}");
        // Told to stop once more at the first call, before it takes a step.
        let again = walled(1);
        let standing = match resume(&again, &standing) {
            Ok((_, standing)) => standing,
            Err(error) => {
                assert!(error.is_interruption(), "{rule} at {at}: {error}");
                standing
            }
        };
        let (after, _) = resume(&walled(usize::MAX), &standing).unwrap();
        assert_eq!(after.x, expected.x, "{rule} at {at}");
        assert_eq!(
            (after.steps, after.loss, after.counts),
            (expected.steps, expected.loss, expected.counts),
            "{rule} at {at}"
        );
        assert_eq!(
            after.status.name(),
            expected.status.name(),
            "{rule} at {at}"
        );
        let mut notices = stopped.notices;
        notices.merge(&after.notices);
        assert_eq!(
            notices.to_text(),
            expected.notices.to_text(),
            "{rule} at {at}"
        );
    }
    wall.is_infinite() || !expected.notices.is_empty()
}

/// Ends within two seconds, as every test below asks.
fn soon<T>(work: impl FnOnce() -> T) -> T {
    let clock = Instant::now();
    let done = work();
    let took = clock.elapsed();
    assert!(took < Duration::from_secs(20), "it took {took:?}");
    done
}

#[test]
fn a_time_limit_ends_a_step_and_keeps_the_start() {
    let slow = Arc::new(Raising::slow(Duration::from_millis(100)));
    let stop = StopWhen::after(1_000_000).with_time(Duration::from_millis(1050));
    for (solver, name) in [
        (
            Solver::new(GaussNewton::default(), stop.clone()),
            "gauss-newton",
        ),
        (
            Solver::new(GradientDescent::new(1e-3).unwrap(), stop.clone()),
            "gradient-descent",
        ),
    ] {
        let found = soon(|| solver.solve(&problem(&slow), &START)).unwrap();
        assert_eq!(found.status, Status::TimeLimit, "{name}");
        assert!(found.loss.is_finite() && found.notices.is_empty());
    }
    // What is cancelled before it begins still says how good the start is.
    let asleep = Arc::new(Raising::slow(Duration::from_millis(1500)));
    let flag = Arc::new(AtomicBool::new(true));
    let starts = [START.to_vec(), START.to_vec()];
    let region = Region::around(&START, None).unwrap();
    let cancelled = || Interrupt::default().with_flag(Arc::clone(&flag));
    let survey = cancelled().within(|| {
        solve_from(&problem(&asleep), &starts, &region, |_| {
            Ok(Solver::new(
                LevenbergMarquardt::default(),
                StopWhen::after(9),
            ))
        })
    });
    let survey = survey.unwrap();
    assert!(
        survey
            .runs
            .iter()
            .all(|run| run.as_ref().unwrap().status == Status::Cancelled)
    );
}

#[test]
fn a_limit_outside_reaches_runs_within_and_other_threads() {
    let slow = Arc::new(Raising::slow(Duration::from_millis(50)));
    let problems: Vec<Problem> = (0..4).map(|_| problem(&slow)).collect();
    let starts = vec![START.to_vec(); 4];
    let limit = Interrupt::current().with_deadline(Instant::now() + Duration::from_millis(1200));
    let found = soon(|| {
        limit.within(|| {
            solve_batch(&problems, &starts, |_| {
                Ok(Solver::new(
                    GradientDescent::new(1e-3).unwrap(),
                    StopWhen::after(1_000_000),
                ))
            })
        })
    });
    for found in found.unwrap() {
        assert_eq!(found.status, Status::TimeLimit);
    }
}

fn interrupted<T: std::fmt::Debug>(found: &Result<T>, what: &str) {
    let why = Interruption::Cancelled;
    assert!(
        matches!(found, Err(Error::Interrupted { why: found }) if *found == why),
        "{what}: {found:?}"
    );
}

/// Loops that have no limit of their own.
#[test]
fn what_is_not_a_run_is_interrupted_too() {
    let flag = Arc::new(AtomicBool::new(true));
    let cancelled = Interrupt::default().with_flag(flag);
    let calm = Arc::new(Raising::new(usize::MAX));
    let problem = problem(&calm);
    let with_prior = problem.with_prior(&Tikhonov::default(), 1.0).unwrap();
    let known = Arc::new(Weighted::half([0.1]).unwrap());
    let weighted = Problem::new(calm.clone(), known, vec![1.3, 0.5, 0.8, 0.7]).unwrap();
    let lorenz = registry::SIMULATORS
        .build("lorenz", &toml::Table::new())
        .unwrap();
    let x = vec![1.0; lorenz.input().len()];
    let mut y = vec![0.0; lorenz.output().len()];
    cancelled.within(|| {
        interrupted(
            &Choice::CrossValidation.weight(&with_prior, &START),
            "the choice of a weight",
        );
        let statistics = Statistics::of(&problem, &START).map(drop);
        interrupted(&statistics, "statistics");
        let aim = [1.3, 0.5, 0.8, 0.7];
        let path = PathIntegral::default().invert(&*calm, &aim, &START);
        interrupted(&path.map(drop), "the path integral");
        let newton = NewtonInverse::default().invert(&*calm, &aim, &START);
        interrupted(&newton.map(drop), "Newton's inverse");
        let mut dx = [0.0; 3];
        let solved = lsmr(&jacobian(&START), &aim, &LsmrOptions::default(), &mut dx);
        interrupted(&solved, "LSMR");
        interrupted(&lorenz.forward(&x, &mut y), "a rollout");
        let field = MaternField::new(&Matern::default(), &[3]).unwrap();
        let posterior = Posterior::new(&weighted, &field, &START, Default::default());
        interrupted(&posterior.map(drop), "a posterior");
    });
    assert!(lorenz.forward(&x, &mut y).is_ok());
}
