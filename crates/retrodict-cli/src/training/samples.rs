//! The samples of a training experiment: drawn, one generator for each, or read from a file.

use std::path::Path;
use std::sync::Arc;

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use retrodict::inverse::Inverter;
use retrodict::options::configure;
use retrodict::registry::{LOSSES, SIMULATORS};
use retrodict::simulators::Schroedinger;
use retrodict::training::{Data, Fixed, Fresh, Sample};
use retrodict::{Loss, Simulator, Space};

use super::plan::{DataPlan, Draw, Plan};
use crate::data::{Array, read_archive};
use crate::failure::{Failure, Outcome};
use crate::generate;
use crate::local_inverse;

/// What lies between held-out samples' generators and those of training.
const HELD_OUT: u64 = 1 << 40;

/// P and L of a plan, with a method's own options.
#[derive(Clone)]
pub struct Physics {
    /// P.
    pub simulator: Arc<dyn Simulator>,
    /// L of one sample.
    pub loss: Arc<dyn Loss>,
    name: String,
    options: toml::Table,
    inverse: Option<Arc<dyn Inverter>>,
}

impl Physics {
    /// Builds both.
    pub fn new(plan: &Plan, own: &toml::Table) -> Outcome<Self> {
        let (name, mut options) = split(&plan.simulator, "simulator")?;
        options.extend(own.clone());
        let inverse = plan
            .inverse
            .as_ref()
            .map(local_inverse::choose)
            .transpose()?;
        let simulator = local_inverse::join(SIMULATORS.build(&name, &options)?, inverse.as_ref());
        let (loss, loss_options) = split(&plan.loss, "loss")?;
        let loss = LOSSES.build(&loss, &loss_options)?;
        loss.check(simulator.output().len())?;
        Ok(Self {
            simulator,
            loss,
            name,
            options,
            inverse,
        })
    }

    /// P for a y* of the user's: where samples start from a state of their own, y* is that state.
    pub fn aimed_at(&self, draw: &Draw, target: &[f64]) -> retrodict::Result<Arc<dyn Simulator>> {
        match draw {
            Draw::States { option, .. } => self.with(option, target),
            _ => Ok(Arc::clone(&self.simulator)),
        }
    }

    /// P with one option changed.
    fn with(&self, option: &str, values: &[f64]) -> retrodict::Result<Arc<dyn Simulator>> {
        let mut options = self.options.clone();
        let list = values.iter().map(|v| toml::Value::Float(*v)).collect();
        options.insert(option.to_owned(), toml::Value::Array(list));
        let simulator = SIMULATORS.build(&self.name, &options)?;
        Ok(local_inverse::join(simulator, self.inverse.as_ref()))
    }
}

/// The name in a table, and what else it holds.
pub fn split(table: &toml::Table, what: &str) -> Outcome<(String, toml::Table)> {
    let mut options = table.clone();
    match options.remove("name") {
        Some(toml::Value::String(name)) => Ok((name, options)),
        _ => Err(Failure::Misuse(format!(
            "{what}: it needs a name, as in {what} = {{ name = \"…\" }}"
        ))),
    }
}

/// Samples to learn from, and samples that are held out.
pub struct Lot {
    /// Where mini-batches come from.
    pub data: Box<dyn Data>,
    /// What is held out.
    pub test: Vec<Arc<Sample>>,
    /// What the network sees of a sample.
    pub input: Space,
}

impl Lot {
    /// Draws or reads all that a method learns from.
    pub fn new(plan: &DataPlan, physics: &Physics, seed: u64) -> Outcome<Self> {
        if plan.train == 0 {
            return Err(Failure::Misuse(
                "data.train: found 0; it must be at least 1".to_owned(),
            ));
        }
        if let Draw::File { path } = &plan.draw {
            return from_file(path, plan, physics, seed);
        }
        let drawer = Drawer::new(&plan.draw, physics)?;
        let held_out = |i: usize| {
            let mut random = generate::generator(seed, HELD_OUT + i as u64);
            drawer.sample(&mut random).map(Arc::new)
        };
        let test = (0..plan.test).map(held_out).collect::<Result<_, _>>()?;
        let input = input(&plan.draw, physics)?;
        let data: Box<dyn Data> = if plan.fresh {
            let draw = move |random: &mut Pcg64| drawer.sample(random);
            Box::new(Fresh::new(draw, seed, plan.train))
        } else {
            let one = |i: usize| drawer.sample(&mut generate::generator(seed, i as u64));
            let samples = (0..plan.train).map(one).collect::<Result<_, _>>()?;
            Box::new(Fixed::new(samples, plan.shuffle.then_some(seed)))
        };
        Ok(Self { data, test, input })
    }
}

/// What a network sees of a sample.
pub fn input(draw: &Draw, physics: &Physics) -> Outcome<Space> {
    match draw {
        Draw::Waves { .. } => Ok(Space::new("t", &[1], "1")),
        Draw::Flows { .. } => {
            let y = physics.simulator.output();
            let shape: Vec<usize> = [&[2], &y.shape[..]].concat();
            Ok(Space::new(
                &format!("{} before and after", y.name),
                &shape,
                &y.unit,
            ))
        }
        Draw::File { path } => {
            let arrays = archive(path)?;
            let own = arrays.iter().find(|(name, _)| name == "input");
            Ok(match own {
                Some((_, array)) => Space::new("input", &array.shape[1..], "1"),
                None => physics.simulator.output(),
            })
        }
        _ => Ok(physics.simulator.output()),
    }
}

/// Draws samples one by one.
struct Drawer {
    draw: Draw,
    physics: Physics,
    /// The eigenstates of which superpositions are made.
    states: Vec<Vec<f64>>,
}

impl Drawer {
    fn new(draw: &Draw, physics: &Physics) -> Outcome<Self> {
        let mut states = Vec::new();
        match draw {
            Draw::Superpositions { levels, .. } => {
                if physics.name != "schroedinger" && physics.name != "quantum-dipole" {
                    return Err(Failure::Misuse(format!(
                        "data.draw: superpositions are states of the simulator schroedinger; found {}",
                        physics.name
                    )));
                }
                let well: Schroedinger = configure("schroedinger", &physics.options)?;
                let inner = physics.simulator.output().len() / 2;
                if let Some(level) = levels.iter().find(|l| !(1..=inner).contains(l)) {
                    return Err(Failure::Misuse(format!(
                        "data.draw.levels: found {level}; there are the levels 1 to {inner}"
                    )));
                }
                states = levels.iter().map(|l| well.eigenstate(*l)).collect();
            }
            Draw::Flows { .. } => {
                let (x, y) = (physics.simulator.input(), physics.simulator.output());
                if physics.name != "fluid" || x.len() != 2 * y.len() {
                    return Err(Failure::Misuse(format!(
                        "data.draw: flows are velocities from one picture of the marker, of the simulator \
                         fluid; found {} from {} {:?} to {} {:?}",
                        physics.name, x.name, x.shape, y.name, y.shape
                    )));
                }
            }
            Draw::Waves {
                frequencies,
                amplitudes,
                ..
            } => {
                let unknowns = physics.simulator.input().len();
                for (key, list) in [("frequencies", frequencies), ("amplitudes", amplitudes)] {
                    let silent = key == "amplitudes" && list.is_empty();
                    if !silent && list.len() != unknowns {
                        return Err(Failure::Misuse(format!(
                            "data.draw.{key}: found {}, but {} takes {unknowns} values",
                            list.len(),
                            physics.name
                        )));
                    }
                }
            }
            _ => {}
        }
        Ok(Self {
            draw: draw.clone(),
            physics: physics.clone(),
            states,
        })
    }

    fn sample(&self, random: &mut Pcg64) -> retrodict::Result<Sample> {
        let simulator = &self.physics.simulator;
        let space = simulator.input();
        let mut uniform = |low: f64, high: f64| low + (high - low) * random.random::<f64>();
        let x = match &self.draw {
            Draw::Uniform { low, high } => (0..space.len()).map(|_| uniform(*low, *high)).collect(),
            Draw::Boxes => generate::boxes(&space.shape, random),
            Draw::Smooth => generate::smooth(&space.shape, random),
            Draw::States { option, low, high } => {
                let length = simulator.output().len();
                let state: Vec<f64> = (0..length).map(|_| uniform(*low, *high)).collect();
                return Ok(Sample {
                    simulator: self.physics.with(option, &state)?,
                    input: state.clone(),
                    target: state,
                    label: None,
                });
            }
            Draw::Flows { strength } => return self.flow(*strength, random),
            Draw::Superpositions { complex, .. } => {
                let target = self.superposition(*complex, random);
                return Ok(Sample {
                    simulator: Arc::clone(simulator),
                    input: target.clone(),
                    target,
                    label: None,
                });
            }
            Draw::Waves {
                frequencies,
                amplitudes,
                low,
                high,
            } => {
                let t = uniform(*low, *high);
                let wave = |(k, w): (usize, &f64)| {
                    let wave = if k.is_multiple_of(2) {
                        (w * t).sin()
                    } else {
                        (w * t).cos()
                    };
                    amplitudes.get(k).copied().unwrap_or(1.0) * wave
                };
                let x = frequencies.iter().enumerate().map(wave).collect();
                return Ok(Sample {
                    input: vec![t],
                    ..self.of(x)?
                });
            }
            Draw::File { .. } => Vec::new(),
        };
        self.of(x)
    }

    /// A drift and smooth eddies free of divergence, half of the energy in each, and the dye before and
    /// after.
    fn flow(&self, strength: f64, random: &mut Pcg64) -> retrodict::Result<Sample> {
        let simulator = &self.physics.simulator;
        let y = simulator.output();
        let (rows, cols) = (y.shape[0], y.shape[1]);
        let psi = generate::smooth(&y.shape, random);
        let at = |i: usize, j: usize| psi[i % rows * cols + j % cols];
        // Components lie half a cell before the cells, ψ at the corners.
        let pixels = || (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j)));
        let along = pixels().map(|(i, j)| at(i, j + 1) - at(i, j));
        let across = pixels().map(|(i, j)| at(i, j) - at(i + 1, j));
        let mut x: Vec<f64> = along.chain(across).collect();
        let eddies = strength / (2.0_f64.sqrt() * generate::rms(&x));
        x.iter_mut().for_each(|v| *v *= eddies);
        for component in x.chunks_mut(rows * cols) {
            let normal: f64 = StandardNormal.sample(random);
            let drift = strength * normal / 2.0_f64.sqrt();
            component.iter_mut().for_each(|v| *v += drift);
        }
        let before = self.dye(&y)?;
        let sample = self.of(x)?;
        Ok(Sample {
            input: [&before[..], &sample.target].concat(),
            ..sample
        })
    }

    /// The dye before anything moves it.
    fn dye(&self, y: &Space) -> retrodict::Result<Vec<f64>> {
        let still = vec![0.0; self.physics.simulator.input().len()];
        let mut dye = vec![0.0; y.len()];
        self.physics.simulator.forward(&still, &mut dye)?;
        Ok(dye)
    }

    /// x and what it leads to.
    fn of(&self, x: Vec<f64>) -> retrodict::Result<Sample> {
        let simulator = Arc::clone(&self.physics.simulator);
        let mut target = vec![0.0; simulator.output().len()];
        simulator.forward(&x, &mut target)?;
        Ok(Sample {
            input: target.clone(),
            target,
            label: Some(x),
            simulator,
        })
    }

    /// Re ψ and Im ψ of eigenstates with normal weights, scaled to the norm of one of them.
    fn superposition(&self, complex: bool, random: &mut Pcg64) -> Vec<f64> {
        let length = self.physics.simulator.output().len();
        let (mut psi, mut weights) = (vec![0.0; length], 0.0);
        for state in &self.states {
            let real: f64 = StandardNormal.sample(random);
            let imaginary: f64 = if complex {
                StandardNormal.sample(random)
            } else {
                0.0
            };
            weights += real * real + imaginary * imaginary;
            // The eigenstates are real.
            for j in 0..length / 2 {
                psi[j] += real * state[j];
                psi[length / 2 + j] += imaginary * state[j];
            }
        }
        psi.iter_mut().for_each(|v| *v /= weights.sqrt());
        psi
    }
}

/// The arrays of a file, each of finite values.
fn archive(path: &str) -> Outcome<Vec<(String, Array)>> {
    let file = Path::new(path);
    let bytes = std::fs::read(file).map_err(|e| Failure::unreadable(file, e))?;
    let arrays = read_archive(file, &bytes)?;
    for (name, array) in &arrays {
        if let Some(i) = array.values.iter().position(|v| !v.is_finite()) {
            return Err(Failure::unreadable(
                file,
                format!(
                    "the array {name} holds {} at index {i}, but every value must be finite; \
                     leave such samples out",
                    array.values[i]
                ),
            ));
        }
    }
    Ok(arrays)
}

/// Samples from a file, one in each row.
fn from_file(path: &str, plan: &DataPlan, physics: &Physics, seed: u64) -> Outcome<Lot> {
    let (x, y) = (physics.simulator.input(), physics.simulator.output());
    let arrays = archive(path)?;
    let find = |wanted: &str| {
        arrays
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, a)| a)
    };
    let Some(target) = find("target") else {
        let names: Vec<&str> = arrays.iter().map(|(name, _)| name.as_str()).collect();
        return Err(Failure::Misuse(format!(
            "{path}: it has no array 'target', the y* of each sample; it holds {}",
            names.join(", ")
        )));
    };
    let rows = target.shape.first().copied().unwrap_or(0);
    let fits = |name: &str, array: &Array, width: Option<usize>| {
        let wide = array.values.len() / rows.max(1);
        let right = array.shape.first() == Some(&rows) && width.is_none_or(|w| w == wide);
        right.then_some(wide).ok_or_else(|| {
            Failure::Misuse(format!(
                "{path}: {name} has the shape {:?}; expected {rows} rows of {} values",
                array.shape,
                width.map_or("any number of".to_owned(), |w| w.to_string())
            ))
        })
    };
    fits("target", target, Some(y.len()))?;
    let (labels, inputs) = (find("x"), find("input"));
    if let Some(labels) = labels {
        fits("x", labels, Some(x.len()))?;
    }
    let seen = match inputs {
        Some(inputs) => fits("input", inputs, None)?,
        None => y.len(),
    };
    if plan.train + plan.test > rows {
        return Err(Failure::Misuse(format!(
            "{path}: it holds {rows} samples, but data.train + data.test is {}; take fewer",
            plan.train + plan.test
        )));
    }
    let row = |array: &Array, i: usize, width: usize| array.values[i * width..][..width].to_vec();
    let sample = |i: usize| {
        let target = row(target, i, y.len());
        Sample {
            input: inputs.map_or_else(|| target.clone(), |a| row(a, i, seen)),
            label: labels.map(|a| row(a, i, x.len())),
            simulator: Arc::clone(&physics.simulator),
            target,
        }
    };
    let train = (0..plan.train).map(sample).collect();
    Ok(Lot {
        data: Box::new(Fixed::new(train, plan.shuffle.then_some(seed))),
        test: (rows - plan.test..rows)
            .map(|i| Arc::new(sample(i)))
            .collect(),
        input: input(&plan.draw, physics)?,
    })
}
