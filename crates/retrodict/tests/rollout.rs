//! Rollouts: sweeps against differences, checkpoints against the tape, and the way back.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::fixtures::space;
use retrodict::models::rollout::{Input, Observe, Rollout, RolloutOptions, TimeStep};
use retrodict::options::Build;
use retrodict::{Error, Result, Simulator, Space, check};

/// A pendulum pushed at its pivot: p ← p + Δt(u₀ − u₁ sin q), then q ← q + Δt p. Counts its steps.
#[derive(Clone, Default)]
struct Pendulum {
    taken: Arc<AtomicUsize>,
    growth: f64,
}

const DT: f64 = 0.1;

impl TimeStep for Pendulum {
    type Scratch = ();

    fn state(&self) -> &Space {
        space("pendulum", 2)
    }
    fn controls(&self) -> usize {
        2
    }
    fn time_step(&self) -> f64 {
        DT
    }
    fn scratch(&self) {}
    fn step(
        &self,
        _: usize,
        u: &[f64],
        s: &mut [f64],
        record: &mut [f64],
        (): &mut (),
    ) -> Result<()> {
        self.taken.fetch_add(1, Ordering::Relaxed);
        record.copy_from_slice(s);
        s[1] += DT * (u[0] - u[1] * s[0].sin()) + self.growth * s[1];
        s[0] += DT * s[1];
        Ok(())
    }
    fn step_vjp(
        &self,
        _: usize,
        u: &[f64],
        s: &[f64],
        adjoints: &mut [f64],
        pulls: &mut [f64],
        (): &mut (),
    ) -> Result<()> {
        for (a, pull) in adjoints.chunks_mut(2).zip(pulls.chunks_mut(2)) {
            a[1] += DT * a[0];
            pull[0] += DT * a[1];
            pull[1] -= DT * s[0].sin() * a[1];
            a[0] -= DT * u[1] * s[0].cos() * a[1];
            a[1] *= 1.0 + self.growth;
        }
        Ok(())
    }
    fn step_jvp(
        &self,
        _: usize,
        u: &[f64],
        s: &[f64],
        tangents: &mut [f64],
        pushes: &[f64],
        (): &mut (),
    ) -> Result<()> {
        for (t, push) in tangents.chunks_mut(2).zip(pushes.chunks(2)) {
            t[1] += DT * (push[0] - push[1] * s[0].sin() - u[1] * s[0].cos() * t[0])
                + self.growth * t[1];
            t[0] += DT * t[1];
        }
        Ok(())
    }
    fn can_step_back(&self) -> bool {
        self.growth == 0.0
    }
    fn step_back(&self, _: usize, u: &[f64], s: &mut [f64], (): &mut ()) -> Result<()> {
        s[0] -= DT * s[1];
        s[1] -= DT * (u[0] - u[1] * s[0].sin());
        Ok(())
    }
}

fn rollout(steps: usize, input: Input) -> Rollout<Pendulum> {
    options(steps, input).build().unwrap()
}

fn options(steps: usize, input: Input) -> RolloutOptions<Pendulum> {
    RolloutOptions::new(Pendulum::default(), steps)
        .with_initial([0.4, 1.0])
        .with_controls([0.1, 1.0])
        .with_input(input)
}

/// Every kind of input, seen at the end or at a few times and places.
fn kinds() -> Vec<Rollout<Pendulum>> {
    let inputs = [
        Input::State(0..2),
        Input::State(1..2),
        Input::Controls,
        Input::Parameters,
    ];
    let seen = Observe::new(vec![0, 3, 7, 20], vec![0]);
    inputs
        .into_iter()
        .flat_map(|input| {
            let end = options(20, input);
            let some = end.clone().with_observe(seen.clone());
            [end, some].map(|options| options.build().unwrap())
        })
        .collect()
}

#[test]
fn every_kind_of_input_and_output_passes_the_checks_of_a_simulator() {
    for rollout in kinds() {
        let name = format!(
            "{:?} {:?}",
            rollout.options().input,
            rollout.options().observe
        );
        let simulator: Arc<dyn Simulator> = Arc::new(rollout);
        let x = check::typical_input(&*simulator, 3);
        for check in check::simulator(&simulator, &x, 3) {
            assert!(
                check.passed,
                "{name}: {} {} {}",
                check.name, check.measured, check.detail
            );
        }
    }
}

#[test]
fn all_rows_or_columns_take_one_sweep_and_equal_single_products() {
    for rollout in kinds() {
        let (n, m) = (rollout.inputs(), rollout.options().observe.len());
        let x = check::typical_input(&rollout, 5);
        let mut y = vec![0.0; m];
        rollout.options().step.taken.store(0, Ordering::Relaxed);
        let map = rollout.linearize(&x, &mut y).unwrap();
        let dense = map.dense().unwrap();
        assert_eq!(
            rollout.options().step.taken.load(Ordering::Relaxed),
            rollout.options().steps
        );
        for j in 0..n {
            let mut column = vec![0.0; m];
            let unit: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i == j))).collect();
            map.apply(&unit, &mut column).unwrap();
            for (i, value) in column.iter().enumerate() {
                assert!((value - dense[(i, j)]).abs() < 1e-14);
            }
        }
    }
}

#[test]
fn a_tenth_of_the_memory_gives_the_same_bits_for_three_forward_runs_more_at_most() {
    for steps in [40, 100, 384] {
        for input in [Input::State(0..2), Input::Controls, Input::Parameters] {
            let full = rollout(steps, input);
            let tape = steps * full.options().step.record() * 8;
            let small = full.options().clone().with_max_memory(tape / 10);
            let small = small.build().unwrap();
            let x = check::typical_input(&full, 9);
            let (dy, mut y) = ([1.0, -2.0], [0.0; 2]);
            let (mut expected, mut found) = (x.clone(), x.clone());
            full.vjp(&x, &dy, &mut expected).unwrap();
            full.options().step.taken.store(0, Ordering::Relaxed);
            let map = small.linearize(&x, &mut y).unwrap();
            map.apply_transpose(&dy, &mut found).unwrap();
            assert_eq!(found, expected);
            let taken = full.options().step.taken.swap(0, Ordering::Relaxed);
            assert!(taken <= (1 + 3) * steps, "{taken} for {steps}");
            // The first sweep used up the states that the run had kept.
            map.apply_transpose(&dy, &mut found).unwrap();
            assert_eq!(found, expected);
            let taken = full.options().step.taken.swap(0, Ordering::Relaxed);
            assert!(taken <= 4 * steps, "{taken} for {steps}, again");
            let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
            full.jvp(&x, &x, &mut a).unwrap();
            map.apply(&x, &mut b).unwrap();
            assert_eq!(a, b);
        }
    }
}

#[test]
fn steps_are_undone() {
    let forwards = rollout(50, Input::State(0..2));
    let (x, mut y, mut back) = ([0.3, -0.8], [0.0; 2], [0.0; 2]);
    forwards.forward(&x, &mut y).unwrap();
    let inverse = forwards.local_inverse().unwrap();
    inverse.invert_near(&y, &[9.0, 9.0], &mut back).unwrap();
    assert!(x.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-13));
    assert!(rollout(50, Input::Controls).local_inverse().is_none());
    let seen = options(50, Input::State(0..2)).with_observe(Observe::end(50, 1));
    let seen = seen.build().unwrap();
    assert!(seen.local_inverse().is_none());
}

#[test]
fn a_blow_up_names_its_step_and_time() {
    let exploding = options(20, Input::State(0..2)).with_step(Pendulum {
        growth: 1e100,
        ..Pendulum::default()
    });
    let error = exploding
        .build()
        .unwrap()
        .forward(&[1.0, 1.0], &mut [0.0; 2])
        .unwrap_err()
        .to_string();
    assert!(error.contains("after step 4 of 20"), "{error}");
    assert!(error.contains("at the time 0.4"), "{error}");
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let key = |change: &dyn Fn(&mut RolloutOptions<Pendulum>)| {
        let mut changed = options(20, Input::State(0..2));
        change(&mut changed);
        match changed.build().err().unwrap() {
            Error::Option { key, .. } => key,
            Error::Length { what, .. } => what,
            other => other.to_string(),
        }
    };
    assert_eq!(key(&|r| r.steps = 0), "steps");
    assert_eq!(key(&|r| r.observe.steps = vec![21]), "observe");
    assert_eq!(key(&|r| r.observe.steps = vec![3, 3]), "observe");
    assert_eq!(key(&|r| r.observe.places = vec![2]), "observe");
    assert_eq!(key(&|r| r.observe.places = vec![]), "observe");
    assert_eq!(key(&|r| r.initial = vec![0.0]), "the initial state");
    assert_eq!(key(&|r| r.controls = vec![0.0; 3]), "the list of controls");
}
