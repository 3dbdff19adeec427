//! Training steps that `peers/run` also gives to other codes.
//!
//! `cargo bench -p retrodict --bench training` prints milliseconds a step for each; names given after
//! `--` choose some. With `--serve` it waits for names on stdin and times one sample for each. Threads are
//! those of `RAYON_NUM_THREADS`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::BufRead;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use retrodict::linalg::Engine;
use retrodict::losses::{Infidelity, SquaredError};
use retrodict::network::{Activation, Architecture, Dense, UNet};
use retrodict::options::Build;
use retrodict::simulators::{
    Heat, HeatOptions, Oscillators, OscillatorsOptions, Schroedinger, SchroedingerOptions,
};
use retrodict::training::{
    Checkpoint, CorrectedTargets, Data, EndToEnd, Fixed, Progress, Sample, StopWhen, Strategy,
    Supervised, Trainer,
};
use retrodict::updates::{Adam, HalfInverseOptions, InverseSimulator, UpdateRule};
use retrodict::{Description, Loss, Result, Simulator, Space};

/// Those that take less than a minute; `--serve` also knows `hig-poisson-64`, the Gram matrix of 4096 rows.
const NAMES: [&str; 10] = [
    "mlp-32",
    "hig-oscillators",
    "hig-nonlinear",
    "hig-dipole",
    "hig-poisson-16",
    "krylov-poisson-16",
    "krylov-poisson-64",
    "unet-16",
    "unet-128",
    "sip-heat",
];

/// y = ∇²x with the five-point stencil, x = 0 just outside: what the published experiment inverts.
struct Laplace(usize, Space);

impl Simulator for Laplace {
    fn input(&self) -> &Space {
        &self.1
    }
    fn output(&self) -> &Space {
        &self.1
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        let n = self.0;
        for i in 0..n {
            for j in 0..n {
                let at = |inside: bool, k: usize| if inside { x[k] } else { 0.0 };
                let here = i * n + j;
                y[here] = at(i > 0, here.wrapping_sub(n))
                    + at(i + 1 < n, here + n)
                    + at(j > 0, here.wrapping_sub(1))
                    + at(j + 1 < n, here + 1)
                    - 4.0 * x[here];
            }
        }
        Ok(())
    }
    fn jvp(&self, _: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        self.forward(dx, dy)
    }
    fn vjp(&self, _: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        // The stencil is symmetric.
        self.forward(dy, dx)
    }
    fn describe(&self) -> Description {
        Description::default().with_linear(true)
    }
}

/// A training that stands somewhere and can take more steps.
struct Work {
    trainer: Trainer,
    samples: Box<dyn Data>,
    at: Checkpoint,
}

impl Work {
    /// Takes so many steps; seconds spent in them, and of these in the physics.
    fn steps(&mut self, count: u64) -> (f64, f64) {
        let from = &self.at;
        let before = (from.seconds, from.shares.physics);
        let stop = StopWhen::after(from.steps + count);
        let go_on = |_: &Progress<'_>| ControlFlow::Continue(());
        let trained = self
            .trainer
            .resume(&mut *self.samples, &[], from, &stop, go_on)
            .unwrap();
        self.at = trained.checkpoint;
        let at = &self.at;
        assert_eq!(Some(at.steps), stop.steps, "{:?}", trained.status);
        (at.seconds - before.0, at.shares.physics - before.1)
    }
}

/// Samples that no epoch ends, so that a step is all that is timed.
struct Endless(Fixed);

impl Data for Endless {
    fn batch(&mut self, number: u64, size: usize) -> Result<Vec<Arc<Sample>>> {
        self.0.batch(number, size)
    }
    fn batches(&self, _: usize) -> u64 {
        u64::MAX
    }
}

/// What a training consists of, apart from its network.
struct Plan {
    strategy: Box<dyn Strategy>,
    rule: Box<dyn UpdateRule>,
    loss: Arc<dyn Loss>,
    batch: usize,
    samples: Vec<Sample>,
}

impl Plan {
    fn with(self, network: &dyn Architecture) -> Work {
        let physics = &self.samples[0].simulator;
        let seen = Space::new("y", &physics.output().shape, "1");
        let network = network.between(&seen, physics.input()).unwrap();
        let theta = network.initial(1);
        let trainer = Trainer::new(network, self.strategy, self.rule, self.loss, self.batch);
        Work {
            trainer,
            samples: Box::new(Endless(Fixed::new(self.samples, Some(1)))),
            at: Checkpoint::at(theta),
        }
    }
}

fn dense(activation: Activation, hidden: &[usize]) -> Dense {
    Dense::default()
        .with_hidden(hidden.to_vec())
        .with_activation(activation)
}

fn half_inverse(learning_rate: f64, truncation: f64, engine: Engine) -> Box<dyn UpdateRule> {
    Box::new(
        HalfInverseOptions::default()
            .with_learning_rate(learning_rate)
            .with_truncation(truncation)
            .with_engine(engine)
            .build()
            .unwrap(),
    )
}

/// States in [0, 1)⁴ that the pushes shall lead back to.
fn states(chain: &Oscillators, count: usize) -> Vec<Sample> {
    let mut random = Pcg64::seed_from_u64(1);
    let one = |_| {
        let state: Vec<f64> = (0..4).map(|_| random.random_range(0.0..1.0)).collect();
        let simulator = Arc::new(
            chain
                .clone()
                .options()
                .clone()
                .with_initial(state.clone())
                .build()
                .unwrap(),
        );
        let label = Some(vec![0.1; chain.options().steps]);
        Sample::new(simulator, state).with_label(label)
    };
    (0..count).map(one).collect()
}

fn linear_chain() -> Oscillators {
    OscillatorsOptions::default()
        .with_steps(24)
        .with_dt(0.5)
        .with_kappa(0.2)
        .with_alpha(0.0)
        .with_strength(1.0)
        .build()
        .unwrap()
}

/// Experiments 1 and 2: published widths, batches and truncations.
fn oscillators(chain: &Oscillators, activation: Activation, batch: usize, truncation: f64) -> Work {
    let plan = Plan {
        strategy: Box::new(EndToEnd::default()),
        // A tenth of the published rate, so that no step is ever taken back.
        rule: half_inverse(0.1, truncation, Engine::Auto),
        loss: Arc::new(SquaredError::default()),
        batch,
        samples: states(chain, 4096),
    };
    plan.with(&dense(activation, &[20, 20, 20]))
}

/// Experiment 3: superpositions of the second and the third state.
fn dipole() -> Work {
    let well = Arc::new(SchroedingerOptions::default().build().unwrap());
    let (second, third) = (well.eigenstate(2), well.eigenstate(3));
    let mut random = Pcg64::seed_from_u64(1);
    let one = |_| {
        let angle: f64 = random.random_range(0.0..std::f64::consts::TAU);
        let (s, c) = angle.sin_cos();
        let pairs = second.iter().zip(&third);
        let target: Vec<f64> = pairs.map(|(a, b)| c * a + s * b).collect();
        Sample::new(Arc::<Schroedinger>::clone(&well), target)
    };
    let plan = Plan {
        strategy: Box::new(EndToEnd::default()),
        rule: half_inverse(0.1, 1e-5, Engine::Auto),
        loss: Arc::new(Infidelity::default()),
        batch: 16,
        samples: (0..1024).map(one).collect(),
    };
    plan.with(&dense(Activation::Tanh, &[20, 20, 20]))
}

/// Fields of 8×8 and their Laplacians.
fn poisson(batch: usize, engine: Engine) -> Work {
    let physics = Arc::new(Laplace(8, Space::new("field", &[8, 8], "1")));
    let mut random = Pcg64::seed_from_u64(1);
    let one = |_| {
        let x: Vec<f64> = (0..64).map(|_| random.random_range(-1.0..1.0)).collect();
        let mut target = vec![0.0; 64];
        physics.forward(&x, &mut target).unwrap();
        Sample::new(Arc::<Laplace>::clone(&physics), target).with_label(x)
    };
    let plan = Plan {
        strategy: Box::new(EndToEnd::default()),
        rule: half_inverse(0.02, 1e-5, engine),
        loss: Arc::new(SquaredError::half()),
        batch,
        samples: (0..1024).map(one).collect(),
    };
    plan.with(&dense(Activation::Tanh, &[64, 128, 64]))
}

/// A network alone, towards known x, with Adam.
fn supervised(samples: Vec<Sample>, batch: usize, network: &dyn Architecture) -> Work {
    let plan = Plan {
        strategy: Box::new(Supervised::default()),
        rule: Box::new(Adam::new(1e-3).unwrap()),
        loss: Arc::new(SquaredError::half()),
        batch,
        samples,
    };
    plan.with(network)
}

/// Smooth fields of 64×64 cells and what they diffuse to.
fn fields(count: usize) -> Vec<Sample> {
    let heat = Arc::new(HeatOptions::default().with_noise(1e-3).build().unwrap());
    let one = |k: usize| {
        let wave = |i: usize| (0.1 * (i % 64) as f64 + k as f64).sin() * (0.003 * i as f64).cos();
        let x: Vec<f64> = (0..4096).map(wave).collect();
        let mut target = vec![0.0; 4096];
        heat.forward(&x, &mut target).unwrap();
        Sample::new(Arc::<Heat>::clone(&heat), target).with_label(x)
    };
    (0..count).map(one).collect()
}

fn sip() -> Work {
    let plan = Plan {
        strategy: Box::new(CorrectedTargets::new(
            || Ok(Box::new(InverseSimulator::new(1.0).unwrap())),
            1,
        )),
        rule: Box::new(Adam::new(1e-3).unwrap()),
        loss: Arc::new(SquaredError::half()),
        batch: 128,
        samples: fields(256),
    };
    plan.with(&UNet::default())
}

fn work(name: &str) -> Work {
    let krylov = Engine::Krylov {
        steps: 10,
        tolerance: 0.0,
    };
    match name {
        "mlp-32" => {
            let network = dense(Activation::Tanh, &[20, 20, 20]);
            supervised(states(&linear_chain(), 4096), 32, &network)
        }
        "hig-oscillators" => oscillators(&linear_chain(), Activation::Tanh, 32, 1e-5),
        "hig-nonlinear" => oscillators(
            &OscillatorsOptions::default().build().unwrap(),
            Activation::Relu,
            128,
            1e-6,
        ),
        "hig-dipole" => dipole(),
        "hig-poisson-16" => poisson(16, Engine::Gram),
        "hig-poisson-64" => poisson(64, Engine::Gram),
        "krylov-poisson-16" => poisson(16, krylov),
        "krylov-poisson-64" => poisson(64, krylov),
        "unet-16" => supervised(fields(32), 16, &UNet::default()),
        "unet-128" => supervised(fields(256), 128, &UNet::default()),
        "sip-heat" => sip(),
        other => panic!("{other}: known are {}", NAMES.join(", ")),
    }
}

/// Steps for at least a tenth of a second; milliseconds a step, and the share of the physics.
fn sample(work: &mut Work) -> (f64, f64) {
    let clock = Instant::now();
    let (mut steps, mut seconds, mut physics) = (0, 0.0, 0.0);
    let mut count = 1;
    while clock.elapsed().as_secs_f64() < 0.1 {
        let spent = work.steps(count);
        steps += count;
        seconds += spent.0;
        physics += spent.1;
        count = (2 * count).min(100);
    }
    // All of the time counts, also what lies between the steps.
    let whole = clock.elapsed().as_secs_f64();
    (1e3 * whole / steps as f64, physics / seconds)
}

/// The most memory that this process ever held, in MiB, where the system tells.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

fn show(name: &str, (milliseconds, physics): (f64, f64)) {
    println!(
        r#"{{"workload": "{name}", "threads": {}, "milliseconds": {milliseconds}, "figure": 0, "physics": {physics:.4}, "mebibytes": {:.0}}}"#,
        rayon::current_num_threads(),
        peak_memory()
    );
}

fn serve() {
    let mut prepared: Option<(String, Work)> = None;
    for name in std::io::stdin().lock().lines() {
        let name = name.unwrap();
        let (_, work) = match prepared.take() {
            Some(kept) if kept.0 == name => prepared.insert(kept),
            _ => {
                let mut work = work(&name);
                work.steps(2);
                prepared.insert((name.clone(), work))
            }
        };
        show(&name, sample(work));
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.iter().any(|argument| argument == "--serve") {
        return serve();
    }
    for name in NAMES {
        let chosen: Vec<&String> = wanted.iter().filter(|w| !w.starts_with('-')).collect();
        if !chosen.is_empty() && !chosen.iter().any(|w| name.starts_with(w.as_str())) {
            continue;
        }
        let mut work = work(name);
        work.steps(2);
        let mut samples: Vec<(f64, f64)> = (0..5).map(|_| sample(&mut work)).collect();
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        show(name, samples[2]);
    }
}
