//! The samples of a training experiment: drawn, one generator for each, or read from a file.

use std::path::Path;

use std::sync::Arc;

use rand_pcg::Pcg64;
use retrodict::Space;
use retrodict::training::{Data, Fixed, Fresh, Sample};

use super::draw::Draw;
use super::drawer::Drawer;
use super::physics::Physics;
use super::plan::DataPlan;
use crate::data::{Array, read_archive};
use crate::failure::{Failure, Outcome};
use crate::generate;

/// What lies between held-out samples' generators and those of training.
const HELD_OUT: u64 = 1 << 40;

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
            retrodict::interrupt::check()?;
            drawer.sample(&mut random).map(Arc::new)
        };
        let test = (0..plan.test).map(held_out).collect::<Result<_, _>>()?;
        let input = input(&plan.draw, physics)?;
        let data: Box<dyn Data> = if plan.fresh {
            let draw = move |random: &mut Pcg64| drawer.sample(random);
            Box::new(Fresh::new(draw, seed, plan.train))
        } else {
            let one = |i: usize| {
                retrodict::interrupt::check()?;
                drawer.sample(&mut generate::generator(seed, i as u64))
            };
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
        Draw::Flows { .. } | Draw::Swirls { .. } => {
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
                None => physics.simulator.output().clone(),
            })
        }
        _ => Ok(physics.simulator.output().clone()),
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
            "{path}: it has no array 'target', the y* of each sample; it contains {}",
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
            "{path}: it contains {rows} samples, but data.train + data.test is {}; use fewer",
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
