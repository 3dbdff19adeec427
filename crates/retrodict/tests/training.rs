//! Training: published numbers, strategies against each other, rollbacks, the same bits every time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::fixtures::space;
use retrodict::options::Build;
use std::ops::ControlFlow;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use retrodict::check;
use retrodict::core::random::Random;
use retrodict::losses::SquaredError;
use retrodict::network::{Activation, Mlp};
use retrodict::registry::RULES;
use retrodict::simulators::{OscillatorsOptions, SineOptions, SquareOptions};
use retrodict::training::{
    Checkpoint, Clock, CorrectedTargets, EndToEnd, Fixed, Fresh, IntoStrategy, Joint, Progress,
    Sample, Schedule, StopWhen, Strategy, Supervised, Trained, Trainer,
};
use retrodict::updates::{
    Adam, GradientDescentOptions, HalfInverse, IntoRule, InverseSimulator, LevenbergMarquardt,
    Search,
};
use retrodict::{Loss, Network, Result, Simulator, Space, Status, UpdateRule};

fn mlp(widths: &[usize]) -> Arc<dyn Network> {
    let mlp = Mlp::new(widths).unwrap();
    Arc::new(mlp.with_activation(Activation::Tanh))
}

fn trainer(
    network: &Arc<dyn Network>,
    strategy: impl IntoStrategy,
    rule: impl IntoRule,
    batch: usize,
) -> Trainer {
    let loss = SquaredError::default();
    Trainer::new(Arc::clone(network), strategy, rule, loss, batch)
}

fn run(trainer: &mut Trainer, data: &mut Fixed, theta: &[f64], stop: &StopWhen) -> Trained {
    trainer.train(data, &[], theta, stop).unwrap()
}

/// The published control of two linear oscillators: each state is to come back to itself.
fn oscillators(count: usize, seed: u64) -> Vec<Sample> {
    let mut random = Pcg64::seed_from_u64(seed);
    (0..count)
        .map(|_| {
            let state: Vec<f64> = (0..4).map(|_| random.random_range(0.0..1.0)).collect();
            let options = OscillatorsOptions::default()
                .with_masses(2)
                .with_steps(24)
                .with_dt(0.5)
                .with_kappa(0.2)
                .with_alpha(0.0)
                .with_strength(1.0)
                .with_initial(state.clone());
            Sample::new(options.build().unwrap(), state)
        })
        .collect()
}

/// y = x² for x of both signs; `sign` of the label where it is drawn.
fn squares(count: usize) -> Vec<Sample> {
    let square: Arc<dyn Simulator> = Arc::new(SquareOptions::default().build().unwrap());
    let mut random = Pcg64::seed_from_u64(4);
    (0..count)
        .map(|_| {
            let x: f64 = random.random_range(0.5..2.0);
            let sign = if random.random_bool(0.5) { 1.0 } else { -1.0 };
            let mut target = vec![0.0; 2];
            square.forward(&[1.0, sign * x], &mut target).unwrap();
            let seen = target[1..].to_vec();
            Sample::new(Arc::clone(&square), target)
                .with_input(seen)
                .with_label(vec![1.0, sign * x])
        })
        .collect()
}

#[test]
fn network_and_physics_are_one_simulator_like_any_other() {
    let network = mlp(&[4, 6, 24]);
    let batch = oscillators(3, 1);
    let inputs: Vec<f64> = batch.iter().flat_map(|s| s.input.clone()).collect();
    let physics = batch.iter().map(|s| Arc::clone(&s.simulator)).collect();
    let clock = Arc::new(Clock::default());
    let joint = Joint::with_physics(
        Arc::clone(&network),
        inputs.clone(),
        physics,
        Arc::clone(&clock),
    )
    .unwrap();
    assert_eq!(joint.output().shape, [3, 2, 2]);
    let joint: Arc<dyn Simulator> = Arc::new(joint);
    let alone: Arc<dyn Simulator> = Arc::new(Joint::alone(network, inputs, clock));
    for simulator in [&joint, &alone] {
        let theta = check::typical_input(&**simulator, 3);
        for found in check::simulator(simulator, &theta, 5) {
            assert!(found.passed, "{found:?}");
        }
    }
    // J as a whole and its Gram matrix are those of the products, prepared or not.
    let theta: Vec<f64> = (0..joint.input().len())
        .map(|i| (i as f64).sin() * 0.4)
        .collect();
    let mut y = vec![0.0; 12];
    let map = joint.linearize(&theta, &mut y).unwrap();
    let mut row = vec![0.0; theta.len()];
    let mut e = vec![0.0; 12];
    e[7] = 1.0;
    map.apply_transpose(&e, &mut row).unwrap();
    let dense = map.dense().unwrap();
    let (mut after, gram) = (vec![0.0; theta.len()], map.gram().unwrap());
    map.apply_transpose(&e, &mut after).unwrap();
    for i in 0..theta.len() {
        assert!((row[i] - dense[(7, i)]).abs() < 1e-12);
        assert!((row[i] - after[i]).abs() < 1e-12);
    }
    let (found, exact) = (gram.as_slice(), dense.gram());
    let worst = found
        .iter()
        .zip(exact.as_slice())
        .map(|(a, b)| (a - b).abs());
    assert!(worst.fold(0.0, f64::max) < 1e-11);
}

/// Schnell, Holl & Thuerey (ICLR 2022), linear oscillators: the authors' code reaches 5.3e-5.
#[test]
fn half_inverse_gradients_reach_the_published_loss_in_an_epoch() {
    let network = mlp(&[4, 20, 20, 20, 24]);
    let loss_of = |rule: Box<dyn UpdateRule>, batch: usize| {
        let mut trainer = trainer(&network, EndToEnd::default(), rule, batch);
        let mut data = Fixed::new(oscillators(4096, 0), Some(0));
        let limits = StopWhen::default().with_epochs(1);
        let done = run(&mut trainer, &mut data, &network.initial(0), &limits);
        assert_eq!(done.checkpoint.epochs.len(), 2);
        done.checkpoint.epochs[1].train.unwrap().loss
    };
    let half_inverse = loss_of(Box::<HalfInverse>::default(), 32);
    assert!(half_inverse <= 7e-5, "{half_inverse}");
    let adam = loss_of(Box::new(Adam::new(1e-3).unwrap()), 256);
    assert!(adam > 0.1, "{adam}");
}

#[test]
fn supervised_training_learns_the_mean_of_two_branches_and_the_others_one_of_them() {
    let network = mlp(&[1, 16, 2]);
    let learn = |strategy: Box<dyn Strategy>| {
        let mut trainer = trainer(&network, strategy, Adam::new(5e-3).unwrap(), 32);
        let mut data = Fixed::new(squares(256), Some(1));
        let done = run(
            &mut trainer,
            &mut data,
            &network.initial(2),
            &StopWhen::after(1500),
        );
        let mut x = [0.0; 2];
        network
            .forward(&done.checkpoint.theta, &[1.5], &mut x)
            .unwrap();
        x[1]
    };
    let mean = learn(Box::<Supervised>::default());
    assert!(mean.abs() < 0.3, "{mean}");
    for strategy in [
        Box::new(EndToEnd::default()) as Box<dyn Strategy>,
        Box::new(CorrectedTargets::new(
            || Ok(Box::new(InverseSimulator::default())),
            1,
        )),
        Box::new(CorrectedTargets::new(
            || Ok(Box::new(LevenbergMarquardt::default())),
            3,
        )),
    ] {
        let branch = learn(strategy);
        assert!((branch * branch - 1.5).abs() < 0.15, "{branch}");
    }
}

#[test]
fn corrected_targets_are_scale_invariant() {
    // ξ multiplies one direction and divides the other; the inverse does not see it.
    let learn = |xi: f64| {
        let sine: Arc<dyn Simulator> = Arc::new(
            SineOptions::default()
                .with_xi(xi)
                .with_phi(0.0)
                .build()
                .unwrap(),
        );
        let mut random = Pcg64::seed_from_u64(1);
        let samples = (0..256)
            .map(|_| {
                let x: Vec<f64> = (0..2).map(|_| random.random_range(-1.0..1.0)).collect();
                let mut target = vec![0.0; 2];
                sine.forward(&x, &mut target).unwrap();
                // The network sees y* in units in which it is of order 1.
                let seen = vec![target[0] * xi, target[1] / xi];
                Sample::new(Arc::clone(&sine), target)
                    .with_input(seen)
                    .with_label(x)
            })
            .collect();
        let network = mlp(&[2, 16, 2]);
        let strategy = CorrectedTargets::new(|| Ok(Box::new(InverseSimulator::default())), 1);
        let mut trainer = trainer(&network, strategy, Adam::new(5e-3).unwrap(), 32);
        let mut data = Fixed::new(samples, Some(1));
        let done = run(
            &mut trainer,
            &mut data,
            &network.initial(2),
            &StopWhen::after(400),
        );
        let error = done.checkpoint.theta;
        let score = done.checkpoint.epochs.last().unwrap().train.unwrap();
        (error, score.x_half_square.unwrap())
    };
    let ((theta1, error1), (theta32, error32)) = (learn(1.0), learn(32.0));
    assert!(error1 < 0.01 && error32 < 0.01, "{error1} {error32}");
    for (a, b) in theta1.iter().zip(&theta32) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn a_run_that_was_cut_in_two_and_any_number_of_threads_give_the_same_bits() {
    let network = mlp(&[4, 20, 24]);
    let go = |cut: Option<u64>, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let build = || trainer(&network, EndToEnd::default(), Adam::new(1e-2).unwrap(), 16);
            let mut trainer = build();
            let mut data = Fixed::new(oscillators(64, 3), Some(9));
            let mut from = Checkpoint::at(network.initial(1));
            let mut learn = |trainer: &mut Trainer, from: &Checkpoint, steps| {
                let stop = StopWhen::after(steps);
                let go_on = |_: &Progress<'_>| ControlFlow::Continue(());
                let done = trainer.resume(&mut data, &[], from, &stop, go_on);
                done.unwrap().checkpoint
            };
            if let Some(cut) = cut {
                from = learn(&mut trainer, &from, cut);
                // Through a file and back, and on by a trainer that knows nothing of it.
                let text = toml::to_string(&from).unwrap();
                from = toml::from_str(&text).unwrap();
                trainer = build();
            }
            learn(&mut trainer, &from, 11).theta
        })
    };
    let whole = go(None, 1);
    assert_eq!(whole, go(Some(5), 2));
    assert_eq!(whole, go(None, 3));
}

#[test]
fn steps_that_explode_are_shortened_counted_and_survived() {
    let network = mlp(&[4, 20, 24]);
    let rule = GradientDescentOptions::default()
        .with_learning_rate(3.0)
        .build()
        .unwrap();
    let mut trainer = trainer(&network, EndToEnd::default(), rule, 16);
    let mut data = Fixed::new(oscillators(64, 3), Some(9));
    let done = run(
        &mut trainer,
        &mut data,
        &network.initial(1),
        &StopWhen::after(40),
    );
    assert!(done.checkpoint.rollbacks > 0);
    assert!(done.checkpoint.best_loss.is_finite());
    assert!(done.checkpoint.theta.iter().all(|t| t.is_finite()));
    let first = done.checkpoint.epochs[0].train.unwrap().loss;
    assert!(done.checkpoint.best_loss <= first);
}

/// P = x at first, infinite wherever x has moved.
struct Cliff;

impl Simulator for Cliff {
    fn input(&self) -> &Space {
        space("x", 1)
    }
    fn output(&self) -> &Space {
        space("y", 1)
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        y[0] = if x[0] == 0.5 { 1.0 } else { f64::INFINITY };
        Ok(())
    }
    fn jvp(&self, _: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        dy[0] = dx[0];
        Ok(())
    }
    fn vjp(&self, _: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        dx[0] = dy[0];
        Ok(())
    }
}

#[test]
fn a_hopeless_run_ends_as_diverged_with_the_best_theta_kept() {
    let network = mlp(&[1, 1]);
    let cliff: Arc<dyn Simulator> = Arc::new(Cliff);
    let samples = vec![Sample::new(cliff, vec![0.0]).with_input(vec![1.0]); 4];
    let mut trainer = trainer(&network, EndToEnd::default(), Adam::new(0.1).unwrap(), 4);
    let mut data = Fixed::new(samples, None);
    let start = vec![0.5, 0.0];
    let done = run(&mut trainer, &mut data, &start, &StopWhen::after(1000));
    assert_eq!(done.status, Status::Diverged);
    assert_eq!(done.checkpoint.best, start);
    assert_eq!(done.checkpoint.theta, start);
}

#[test]
fn limits_end_a_run_and_say_which() {
    let network = mlp(&[4, 8, 24]);
    let go = |limits: StopWhen| {
        let mut trainer = trainer(&network, EndToEnd::default(), Adam::new(1e-2).unwrap(), 16);
        let mut data = Fixed::new(oscillators(32, 3), Some(9));
        run(&mut trainer, &mut data, &network.initial(1), &limits)
    };
    let epochs = go(StopWhen::default().with_epochs(3));
    assert_eq!(
        (epochs.checkpoint.steps, epochs.status.name()),
        (6, "step-limit")
    );
    let goal = go(StopWhen::after(10_000).with_loss_below(0.5));
    assert!(goal.status.converged() && goal.checkpoint.best_loss <= 0.5);
    let patience = go(StopWhen::after(10).with_patience(0));
    assert_eq!(
        (patience.checkpoint.steps, patience.status.name()),
        (0, "out-of-patience")
    );
}

#[test]
fn clipping_shortens_the_gradient_and_the_schedule_the_step() {
    let network = mlp(&[4, 8, 24]);
    let moved = |clip: Option<f64>, schedule: Schedule| {
        let rule = GradientDescentOptions::default()
            .with_learning_rate(1.0)
            .build()
            .unwrap();
        let mut trainer = trainer(&network, EndToEnd::default(), rule, 16)
            .with_clip(clip)
            .with_schedule(schedule);
        let start = network.initial(1);
        let mut data = Fixed::new(oscillators(16, 3), None);
        let done = run(&mut trainer, &mut data, &start, &StopWhen::after(1));
        let squares = done
            .checkpoint
            .theta
            .iter()
            .zip(&start)
            .map(|(a, b)| (a - b) * (a - b));
        squares.sum::<f64>().sqrt()
    };
    let free = moved(None, Schedule::Constant);
    assert!(free > 0.1);
    assert!((moved(Some(0.01), Schedule::Constant) - 0.01).abs() < 1e-12);
    assert!((moved(None, Schedule::WarmUp { steps: 4 }) - free / 4.0).abs() < 1e-12);
}

#[test]
fn a_search_of_the_users_own_takes_the_place_of_the_rules() {
    let network = mlp(&[4, 8, 24]);
    let learn = |search: Option<Search>, rule: Box<dyn UpdateRule>| {
        let mut trainer = trainer(&network, EndToEnd::default(), rule, 16).with_search(search);
        let mut data = Fixed::new(oscillators(16, 3), None);
        let theta = network.initial(1);
        let trained = trainer.train(&mut data, &[], &theta, &StopWhen::after(12))?;
        Ok::<_, retrodict::Error>(trained.checkpoint)
    };
    let descent = || -> Box<dyn UpdateRule> {
        let options = GradientDescentOptions::default().with_learning_rate(1e3);
        Box::new(options.build().unwrap())
    };
    let whole = learn(None, descent()).unwrap();
    let full = learn(Some(Search::Full), descent()).unwrap();
    assert_eq!(whole.theta, full.theta);
    assert!(whole.rollbacks > 0, "the whole steps are far too long");
    let searched = learn(Some(Search::Backtracking { decrease: 1e-4 }), descent()).unwrap();
    assert_eq!(searched.rollbacks, 0);
    // The mini-batch is all there is: every step lowers the loss that is recorded.
    let losses: Vec<f64> = searched.epochs.iter().map(|epoch| epoch.loss()).collect();
    assert!(
        losses.windows(2).all(|pair| pair[1] <= pair[0]),
        "{losses:?}"
    );
    assert!(losses[12] < 0.5 * losses[0], "{losses:?}");
    let message = learn(Some(Search::Full), Box::<LevenbergMarquardt>::default());
    let message = message.unwrap_err().to_string();
    assert!(
        message.starts_with("search = full is not allowed"),
        "{message}"
    );
}

#[test]
fn what_does_not_fit_is_said() {
    let network = mlp(&[4, 8, 24]);
    let fails = |trainer: &mut Trainer, samples: Vec<Sample>| {
        let mut data = Fixed::new(samples, None);
        let theta = network.initial(1);
        let result = trainer.train(&mut data, &[], &theta, &StopWhen::after(1));
        result.err().unwrap().to_string()
    };
    let said = fails(
        &mut trainer(&network, Supervised::default(), Adam::new(0.1).unwrap(), 4),
        oscillators(8, 1),
    );
    assert!(said.contains("the x that belongs to each y*"), "{said}");
    let said = fails(
        &mut trainer(&network, EndToEnd::default(), Adam::new(0.1).unwrap(), 9),
        oscillators(8, 1),
    );
    assert!(
        said.contains("batch = 9") && said.contains("1 to 8"),
        "{said}"
    );
    let needy = CorrectedTargets::new(|| Ok(Box::new(InverseSimulator::default())), 1);
    let said = fails(
        &mut trainer(&network, needy, Adam::new(0.1).unwrap(), 4),
        oscillators(8, 1),
    );
    assert!(said.contains("a local inverse"), "{said}");
    let narrow = mlp(&[4, 8, 23]);
    let mut other = trainer(&narrow, EndToEnd::default(), Adam::new(0.1).unwrap(), 4);
    let mut data = Fixed::new(oscillators(8, 1), None);
    let theta = narrow.initial(1);
    let said = other.train(&mut data, &[], &theta, &StopWhen::after(1));
    let said = said.err().unwrap().to_string();
    assert!(said.contains("23 values, expected 24"), "{said}");
}

#[test]
fn samples_drawn_on_the_fly_depend_on_their_number_alone() {
    use retrodict::training::Data;
    let square: Arc<dyn Simulator> = Arc::new(SquareOptions::default().build().unwrap());
    let draw = move |random: &mut Random| {
        let x = random.between(-1.0, 1.0);
        Ok(Sample::new(Arc::clone(&square), vec![0.0, x * x]).with_input(vec![x]))
    };
    let mut data = Fresh::new(draw, 5, 100);
    let seen = |data: &mut dyn Data, number| -> Vec<f64> {
        let batch = data.batch(number, 10).unwrap();
        batch.iter().map(|s| s.input[0]).collect()
    };
    let third = seen(&mut data, 3);
    assert_ne!(third, seen(&mut data, 2));
    assert_eq!(third, seen(&mut data, 3));
    assert_eq!(data.batches(10), 10);
    let loss: Arc<dyn Loss> = Arc::new(SquaredError::default());
    assert!(loss.formula().contains('Σ'));
}

/// A checkpoint goes through bytes into objects that know nothing of each other.
#[test]
fn every_rule_goes_on_bit_for_bit_from_what_it_remembers() {
    let network = mlp(&[4, 5, 24]);
    for entry in RULES.entries.iter() {
        let build = || {
            let rule = entry.build(&toml::Table::new()).unwrap();
            trainer(&network, EndToEnd::default(), rule, 4)
        };
        let start = Checkpoint::at(network.initial(1));
        let learn = |from: &Checkpoint, count: u64| {
            let mut data = Fixed::new(oscillators(12, 3), Some(9));
            build().resume(&mut data, &[], from, &StopWhen::after(count), |_| {
                ControlFlow::Continue(())
            })
        };
        let Ok(whole) = learn(&start, 8) else {
            // It needs what network and physics together do not offer, such as a Hessian.
            continue;
        };
        let half = learn(&start, 5).unwrap().checkpoint;
        let bytes = rmp_serde::to_vec(&half).unwrap();
        let half: Checkpoint = rmp_serde::from_slice(&bytes).unwrap();
        let rest = learn(&half, 8).unwrap();
        let (found, expected) = (&rest.checkpoint, &whole.checkpoint);
        assert_eq!(found.theta, expected.theta, "{}", entry.name);
        assert_eq!(found.rule, expected.rule, "{}", entry.name);
        assert_eq!(rest.status, whole.status, "{}", entry.name);
        let mut damaged = half;
        damaged.rule = b"\xc1 not what it was".to_vec();
        assert!(
            learn(&damaged, 8).is_err(),
            "{}: damaged memory is refused",
            entry.name
        );
    }
}

/// As 0.1 wrote it, the rule's memory beside it.
#[test]
fn a_checkpoint_of_an_earlier_version_is_read() {
    let text = r#"
        theta = [1.0, 2.0]
        step = 3
        seconds = 0.5
        best = [1.5, 2.0]
        best_loss = 0.25
        rollbacks = 1
        recent = [3.0, 2.0]
        before = [1.0, 1.0]
        taken = [0.0, 1.0]
        halvings = 0
        in_vain = 0
        epoch_sum = 5.0
        epoch_count = 2
        notices = [["fell back", 4]]
        trouble = "it failed"
        [shares]
        network = 0.1
        physics = 0.2
        inversion = 0.2
        [[epochs]]
        epoch = 0
        step = 0
        seconds = 0.0
        running_loss = nan
        rollbacks = 0
        shares = { network = 0.0, physics = 0.0, inversion = 0.0 }
    "#;
    let read: Checkpoint = toml::from_str(text).unwrap();
    assert_eq!((read.steps, read.best_loss), (3, 0.25));
    assert_eq!(read.notices, [("fell back".to_owned(), 4)]);
    assert_eq!(read.first_error.as_deref(), Some("it failed"));
    assert!(read.rule.is_empty() && !read.is_fresh());
}
