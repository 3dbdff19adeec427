//! Corrected targets ask the network once for each θ, and come to the same as asking it twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use retrodict::core::random::Random;
use retrodict::losses::{Batch, Reduction, SquaredError};
use retrodict::network::{Activation, Architecture, Mlp, NetworkMap, UNet, Weight};
use retrodict::options::Build;
use retrodict::simulators::HeatOptions;
use retrodict::training::{
    Clock, CorrectedTargets, Fresh, Joint, MiniBatch, Sample, StopWhen as Until, Strategy, Trainer,
};
use retrodict::updates::{Adam, InverseSimulator, LimitedMemoryBfgs};
use retrodict::{
    Evaluation, Loss, Network, Problem, Result, Simulator, Solver, Space, StopWhen, Tally,
    UpdateRule,
};

/// A network that counts how often it is evaluated, and how.
struct Counting {
    network: Arc<dyn Network>,
    forward: AtomicUsize,
    linearised: AtomicUsize,
}

impl Counting {
    fn around(network: Arc<dyn Network>) -> Arc<Self> {
        Arc::new(Self {
            network,
            forward: AtomicUsize::new(0),
            linearised: AtomicUsize::new(0),
        })
    }

    /// Evaluations without and with derivatives.
    fn counts(&self) -> (usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        (count(&self.forward), count(&self.linearised))
    }
}

impl Network for Counting {
    fn input(&self) -> &Space {
        self.network.input()
    }
    fn output(&self) -> &Space {
        self.network.output()
    }
    fn parameters(&self) -> usize {
        self.network.parameters()
    }
    fn weights(&self) -> Vec<Weight> {
        self.network.weights()
    }
    fn initial(&self, seed: u64) -> Vec<f64> {
        self.network.initial(seed)
    }
    fn forward(&self, theta: &[f64], inputs: &[f64], outputs: &mut [f64]) -> Result<()> {
        self.forward.fetch_add(1, Ordering::Relaxed);
        self.network.forward(theta, inputs, outputs)
    }
    fn linearize(
        &self,
        theta: &[f64],
        inputs: &[f64],
        outputs: &mut [f64],
    ) -> Result<Box<dyn NetworkMap>> {
        self.linearised.fetch_add(1, Ordering::Relaxed);
        self.network.linearize(theta, inputs, outputs)
    }
    fn statistics(&self, theta: &[f64], inputs: &[f64]) -> Result<Vec<f64>> {
        self.forward.fetch_add(1, Ordering::Relaxed);
        self.network.statistics(theta, inputs)
    }
    fn predict(&self, theta: &[f64], seen: &[f64], x: &[f64], out: &mut [f64]) -> Result<()> {
        self.forward.fetch_add(1, Ordering::Relaxed);
        self.network.predict(theta, seen, x, out)
    }
}

fn heat() -> Arc<dyn Simulator> {
    Arc::new(
        HeatOptions::default()
            .with_shape(vec![16])
            .with_nu_t(0.3)
            .build()
            .unwrap(),
    )
}

fn sample(random: &mut Random) -> Result<Sample> {
    let simulator = heat();
    let x: Vec<f64> = (0..16).map(|_| random.between(0.0, 1.0)).collect();
    let mut target = vec![0.0; 16];
    simulator.forward(&x, &mut target)?;
    Ok(Sample::new(simulator, target))
}

fn batch(count: usize) -> Vec<Arc<Sample>> {
    let mut random = Random::seeded(7);
    let one = |_| Arc::new(sample(&mut random).unwrap());
    (0..count).map(one).collect()
}

/// One whose samples share nothing, and one that normalises over the batch and keeps the mean.
fn networks() -> [Arc<dyn Network>; 2] {
    let mlp = Mlp::new([16, 12, 16]).unwrap();
    let mlp = mlp.with_activation(Activation::Silu);
    let unet = UNet::default().with_filters([3, 4]).with_keep_mean(true);
    let space = heat().input().clone();
    [Arc::new(mlp), unet.between(&space, &space).unwrap()]
}

fn strategy() -> CorrectedTargets {
    CorrectedTargets::new(|| Ok(Box::new(InverseSimulator::default())), 1)
}

fn loss() -> Arc<dyn Loss> {
    Arc::new(SquaredError::half())
}

/// The θ-problem as it would be without anything kept: x̃ from one evaluation, f from the next.
fn by_hand(network: &Arc<dyn Network>, theta: &[f64], batch: &[Arc<Sample>]) -> Problem {
    let inputs: Vec<f64> = batch.iter().flat_map(|s| s.input.clone()).collect();
    let mut x = vec![0.0; inputs.len()];
    network.forward(theta, &inputs, &mut x).unwrap();
    for (sample, x) in batch.iter().zip(x.chunks_mut(16)) {
        let simulator = Arc::clone(&sample.simulator);
        let problem = Problem::new(simulator, loss(), sample.target.clone()).unwrap();
        let solver = Solver::new(InverseSimulator::default(), StopWhen::after(1));
        x.copy_from_slice(&solver.solve(&problem, x).unwrap().x);
    }
    let joint = Joint::alone(Arc::clone(network), inputs, Arc::new(Clock::default()));
    let loss = Batch::new(loss(), 16, batch.len(), Reduction::Mean);
    Problem::new(Arc::new(joint), Arc::new(loss), x).unwrap()
}

#[test]
fn a_step_evaluates_the_network_once_and_every_bit_is_as_before() {
    for network in networks() {
        let counting = Counting::around(Arc::clone(&network));
        let counted: Arc<dyn Network> = counting.clone();
        let theta = network.initial(3);
        let batch = batch(4);
        let problem = strategy()
            .theta_problem(&MiniBatch::new(&counted, &theta, &batch, &loss()))
            .unwrap();
        let reference = by_hand(&network, &theta, &batch);
        let (tally, other) = (Tally::default(), Tally::default());
        let at = Evaluation::new(&problem, &tally, &theta).unwrap();
        let expected = Evaluation::new(&reference, &other, &theta).unwrap();
        assert_eq!(problem.target(), reference.target());
        assert_eq!(at.y().unwrap(), expected.y().unwrap());
        assert_eq!(at.loss().unwrap(), expected.loss().unwrap());
        assert_eq!(at.gradient().unwrap(), expected.gradient().unwrap());
        let (jacobian, wanted) = (at.jacobian().unwrap(), expected.jacobian().unwrap());
        assert_eq!(jacobian.as_slice(), wanted.as_slice());
        let mut y = vec![0.0; problem.outputs()];
        problem.simulator().forward(&theta, &mut y).unwrap();
        assert_eq!(y, at.y().unwrap());
        assert_eq!(counting.counts(), (0, 1));
        assert_eq!(at.counts(), expected.counts());
        // Elsewhere it is evaluated anew, and what was kept does not leak there.
        let step: Vec<f64> = (0..theta.len()).map(|i| 0.1 * (i as f64).cos()).collect();
        let (there, wanted) = (at.moved(&step, 1.0), expected.moved(&step, 1.0));
        assert_ne!(there.y().unwrap(), at.y().unwrap());
        assert_eq!(there.y().unwrap(), wanted.y().unwrap());
        assert_eq!(there.gradient().unwrap(), wanted.gradient().unwrap());
        problem.simulator().forward(there.x(), &mut y).unwrap();
        assert_eq!(y, wanted.y().unwrap());
        assert_eq!(counting.counts(), (1, 2));
    }
}

#[test]
fn training_evaluates_the_network_once_for_each_point_that_the_rule_asks_for() {
    let train = |rule: Box<dyn UpdateRule>| {
        let [network, _] = networks();
        let counting = Counting::around(network);
        let network: Arc<dyn Network> = counting.clone();
        let mut trainer = Trainer::new(Arc::clone(&network), strategy(), rule, loss(), 4);
        // Drawn on the fly, and nothing held out: no evaluation goes into scores.
        let mut data = Fresh::new(sample, 1, 400);
        let theta = network.initial(3);
        let done = trainer.train(&mut data, &[], &theta, &Until::after(5));
        let done = done.unwrap().checkpoint;
        assert_eq!((done.steps, done.rollbacks), (5, 0));
        counting.counts()
    };
    assert_eq!(train(Box::new(Adam::new(1e-3).unwrap())), (0, 5));
    // A search looks at one more point at least in each step, and at θ itself only once.
    let (forward, linearised) = train(Box::<LimitedMemoryBfgs>::default());
    assert_eq!(forward, 0);
    assert!((10..=20).contains(&linearised), "{linearised}");
}
