//! Training on residuals: what is learned, what it costs, where it is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use retrodict::losses::{Reduction, SquaredError};
use retrodict::models::ode::OdeOptions;
use retrodict::network::{Activation, Mlp};
use retrodict::options::Build;
use retrodict::registry::{SIMULATORS, STRATEGIES};
use retrodict::simulators::{HeatOptions, LotkaVolterra, SquareOptions};
use retrodict::training::{
    Epoch, Fixed, MiniBatch, PhysicsResidual, Sample, StopWhen, Strategy, Trained, Trainer,
};
use retrodict::updates::{Adam, GaussNewton};
use retrodict::{Evaluation, Loss, Network, Residual, Result, Simulator, Space, Tally, UpdateRule};

fn residual(simulator: &dyn Simulator, x: &[f64], y: &[f64]) -> Vec<f64> {
    let residual = simulator.residual().unwrap();
    let mut r = vec![0.0; residual.space().len()];
    residual.evaluate(x, y, &mut r).unwrap();
    r
}

fn forward(simulator: &dyn Simulator, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; simulator.output().len()];
    simulator.forward(x, &mut y).unwrap();
    y
}

fn table(text: &str) -> toml::Table {
    text.parse().unwrap()
}

fn mlp(widths: &[usize], activation: Activation) -> Arc<dyn Network> {
    Arc::new(Mlp::new(widths).unwrap().with_activation(activation))
}

fn train(
    network: &Arc<dyn Network>,
    rule: impl UpdateRule + 'static,
    samples: Vec<Sample>,
    held_out: &[Arc<Sample>],
    steps: u64,
) -> Result<Trained> {
    let strategy = STRATEGIES.build("pinn", &toml::Table::new()).unwrap();
    let loss = SquaredError::half();
    let mut trainer = Trainer::new(Arc::clone(network), strategy, rule, loss, 32);
    let mut data = Fixed::new(samples, Some(1));
    let theta = network.initial(3);
    trainer.train(&mut data, held_out, &theta, &StopWhen::after(steps))
}

/// Samples of x in [−1, 1] and what becomes of it, without labels.
fn draw(simulator: &Arc<dyn Simulator>, count: usize, seed: u64) -> Vec<Sample> {
    let mut random = Pcg64::seed_from_u64(seed);
    let inputs = simulator.input().len();
    (0..count)
        .map(|_| {
            let x: Vec<f64> = (0..inputs)
                .map(|_| random.random_range(-1.0..1.0))
                .collect();
            let target = forward(&**simulator, &x);
            Sample::new(Arc::clone(simulator), target)
        })
        .collect()
}

fn small_poisson() -> Arc<dyn Simulator> {
    SIMULATORS
        .build("poisson", &table("shape = [3, 3]"))
        .unwrap()
}

/// x = ∇²y is linear, so a single layer can be it, and one Gauss–Newton step finds it.
#[test]
fn a_single_layer_becomes_the_laplacian() {
    let poisson = small_poisson();
    let network = mlp(&[9, 9], Activation::Linear);
    let samples = draw(&poisson, 32, 1);
    let done = train(&network, GaussNewton::default(), samples, &[], 1).unwrap();
    let theta = &done.checkpoint.theta;
    for i in 0..9 {
        for j in 0..9 {
            let (rows, columns) = ((i / 3_usize).abs_diff(j / 3), (i % 3_usize).abs_diff(j % 3));
            let stencil = match rows + columns {
                0 => -4.0,
                1 => 1.0,
                _ => 0.0,
            };
            assert!((theta[i * 9 + j] - stencil).abs() < 1e-8, "{i} {j}");
        }
    }
    assert!(theta[81..].iter().all(|bias| bias.abs() < 1e-8));
}

#[test]
fn training_on_the_residual_of_poisson_lowers_the_loss_on_held_out_data() {
    let poisson = small_poisson();
    let network = mlp(&[9, 40, 9], Activation::Tanh);
    let held_out: Vec<Arc<Sample>> = draw(&poisson, 64, 2).into_iter().map(Arc::new).collect();
    let samples = draw(&poisson, 256, 1);
    let done = train(&network, Adam::new(5e-3).unwrap(), samples, &held_out, 1500).unwrap();
    let loss = |epoch: &Epoch| epoch.test.unwrap().loss;
    let epochs = &done.checkpoint.epochs;
    let (first, last) = (loss(&epochs[0]), loss(epochs.last().unwrap()));
    assert!(last < 1e-3 * first, "{first} {last}");
}

/// The network sees two populations over time and says which rates made them.
#[test]
fn training_on_the_pieces_of_a_series_finds_its_parameters() {
    let ode: Arc<dyn Simulator> = Arc::new(OdeOptions::<LotkaVolterra>::default().build().unwrap());
    let quiet = |count, seed| -> Vec<Sample> {
        let mut random = Pcg64::seed_from_u64(seed);
        let mut one = || {
            let x: Vec<f64> = (0..4).map(|_| random.random_range(-0.3..0.3)).collect();
            let target = forward(&*ode, &x);
            Sample::new(Arc::clone(&ode), target).with_label(x)
        };
        (0..count).map(|_| one()).collect()
    };
    let network = mlp(&[40, 30, 4], Activation::Tanh);
    let held_out: Vec<Arc<Sample>> = quiet(64, 2).into_iter().map(Arc::new).collect();
    let done = train(
        &network,
        Adam::new(5e-3).unwrap(),
        quiet(256, 1),
        &held_out,
        600,
    )
    .unwrap();
    let error = |epoch: &Epoch| epoch.test.unwrap().x_half_square.unwrap();
    let epochs = &done.checkpoint.epochs;
    let (first, last) = (error(&epochs[0]), error(epochs.last().unwrap()));
    assert!(last < 0.02 * first, "{first} {last}");
}

/// Poisson that counts how often P is run.
struct Counting {
    inner: Arc<dyn Simulator>,
    runs: AtomicUsize,
}

impl Simulator for Counting {
    fn input(&self) -> &Space {
        self.inner.input()
    }
    fn output(&self) -> &Space {
        self.inner.output()
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.inner.forward(x, y)
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.inner.jvp(x, dx, dy)
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.inner.vjp(x, dy, dx)
    }
    fn residual(&self) -> Option<&dyn Residual> {
        self.inner.residual()
    }
}

#[test]
fn learning_from_the_residual_never_runs_the_physics() {
    let samples = draw(&small_poisson(), 8, 1);
    let counting = Arc::new(Counting {
        inner: small_poisson(),
        runs: AtomicUsize::new(0),
    });
    let batch: Vec<Arc<Sample>> = samples
        .into_iter()
        .map(|sample| {
            let simulator: Arc<dyn Simulator> = counting.clone();
            Arc::new(Sample::new(simulator, sample.target))
        })
        .collect();
    let network = mlp(&[9, 9], Activation::Linear);
    let theta = network.initial(1);
    let loss: Arc<dyn Loss> = Arc::new(SquaredError::default());
    let problem = PhysicsResidual::default()
        .theta_problem(
            &MiniBatch::new(&network, &theta, &batch, &loss).with_reduction(Reduction::Sum),
        )
        .unwrap();
    let tally = Tally::default();
    let at = Evaluation::new(&problem, &tally, &theta).unwrap();
    at.gradient().unwrap();
    at.jacobian().unwrap();
    assert_eq!(counting.runs.load(Ordering::Relaxed), 0);
    // ½ Σ R² of the batch, with R by hand.
    let expected: f64 = batch
        .iter()
        .map(|sample| {
            let mut x = vec![0.0; 9];
            network.forward(&theta, &sample.input, &mut x).unwrap();
            let r = residual(&*sample.simulator, &x, &sample.target);
            0.5 * r.iter().map(|r| r * r).sum::<f64>()
        })
        .sum();
    assert!((at.loss().unwrap() - expected).abs() < 1e-12 * expected);
}

#[test]
fn a_simulator_without_a_residual_is_refused_with_what_to_use_instead() {
    let heat = HeatOptions::default().with_shape(vec![4]).build().unwrap();
    let simulators: [Arc<dyn Simulator>; 2] = [
        Arc::new(heat),
        Arc::new(SquareOptions::default().build().unwrap()),
    ];
    for simulator in simulators {
        let (inputs, outputs) = (simulator.output().len(), simulator.input().len());
        let network = mlp(&[inputs, outputs], Activation::Linear);
        let samples = draw(&simulator, 32, 1);
        let error = train(&network, Adam::new(0.1).unwrap(), samples, &[], 1)
            .err()
            .unwrap();
        let said = error.to_string();
        for part in [
            "physics-residual training needs a residual R(x, y)",
            simulator.output().name.as_str(),
            "try end-to-end",
            "corrected-targets",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }
    let strategy: Result<_> = STRATEGIES.build("physical-loss", &table("weight = 1.0"));
    let said = strategy.err().unwrap().to_string();
    assert!(said.contains("unknown key 'weight'"), "{said}");
}
