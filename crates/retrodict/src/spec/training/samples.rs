//! The samples of a training: drawn, one generator for each, or taken from arrays.

use std::sync::Arc;

use super::DataSpec;
use super::draw::DrawSpec;
use super::drawer::Drawer;
use super::physics::Physics;
use super::rows::Rows;
use crate::core::random::Random;
use crate::core::space::Space;
use crate::error::{At, Error, Result};
use crate::interrupt;
use crate::spec::values::Files;
use crate::training::{Data, Fixed, Fresh, Sample};

/// What lies between held-out samples' generators and those of training.
const HELD_OUT: u64 = 1 << 40;

/// Samples to learn from, and samples that are held out.
#[non_exhaustive]
pub struct Samples {
    /// Where mini-batches come from.
    pub data: Box<dyn Data>,
    /// What is held out.
    pub test: Vec<Arc<Sample>>,
    /// What the network sees of a sample.
    pub input: Space,
}

impl Samples {
    /// Draws or reads all that a method learns from.
    ///
    /// # Errors
    /// If the samples do not fit the physics, a file cannot be read, or the physics fails.
    pub fn new(spec: &DataSpec, physics: &Physics, seed: u64, files: &dyn Files) -> Result<Self> {
        if spec.train == Some(0) {
            return Err(no_samples("found 0; it must be at least 1"));
        }
        if let Some(rows) = Rows::read(&spec.draw, physics, files).inside("data.draw")? {
            let (train, test) = rows.samples(spec, physics)?;
            return Ok(Self {
                data: Box::new(Fixed::new(train, spec.shuffle.then_some(seed))),
                test,
                input: rows.input(physics),
            });
        }
        let count = spec.train;
        let count = count.ok_or_else(|| no_samples("say how many samples make an epoch"))?;
        let drawer = Drawer::new(&spec.draw, physics).inside("data.draw")?;
        let held_out = |i: usize| {
            let mut random = Random::stream(seed, HELD_OUT + i as u64);
            interrupt::check()?;
            drawer.sample(&mut random).map(Arc::new)
        };
        let test = (0..spec.test).map(held_out).collect::<Result<_>>()?;
        let input = drawn(&spec.draw, physics);
        let data: Box<dyn Data> = if spec.fresh {
            let draw = move |random: &mut Random| drawer.sample(random);
            Box::new(Fresh::new(draw, seed, count))
        } else {
            let one = |i: usize| {
                interrupt::check()?;
                drawer.sample(&mut Random::stream(seed, i as u64))
            };
            let samples = (0..count).map(one).collect::<Result<_>>()?;
            Box::new(Fixed::new(samples, spec.shuffle.then_some(seed)))
        };
        Ok(Self { data, test, input })
    }
}

fn no_samples(why: &str) -> Error {
    Error::Config {
        what: "data.train".to_owned(),
        message: why.to_owned(),
    }
}

/// What a network sees of a sample that is drawn.
fn drawn(draw: &DrawSpec, physics: &Physics) -> Space {
    let y = physics.simulator.output();
    match draw {
        DrawSpec::Waves { .. } => Space::new("t", &[1], "1"),
        DrawSpec::Flows { .. } | DrawSpec::Swirls { .. } => {
            let shape: Vec<usize> = [&[2], &y.shape[..]].concat();
            Space::new(&format!("{} before and after", y.name), &shape, &y.unit)
        }
        _ => y.clone(),
    }
}
