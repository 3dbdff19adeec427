//! Truths, starts and noise of an experiment, drawn from its seed.

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use retrodict::Simulator;

use crate::data;
use crate::experiment::{Start, Truth};
use crate::failure::{Failure, Outcome};

/// A generator for one purpose of a run: streams of other purposes do not shift its draws.
pub fn generator(seed: u64, stream: u64) -> Pcg64 {
    Pcg64::seed_from_u64(
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(stream),
    )
}

/// The photograph that comes with retrodict: (file name, bytes).
const PHOTOGRAPH: &[u8] = include_bytes!("../../../experiments/data/chelsea.png");

/// The truths of a problem, one for each member of the batch.
pub fn truths(truth: &Truth, simulator: &dyn Simulator, seed: u64) -> Outcome<Vec<Vec<f64>>> {
    let space = simulator.input();
    let mut random = generator(seed, 1);
    let truths: Vec<Vec<f64>> = match truth {
        Truth::Values { values, count } => vec![values.clone(); *count],
        Truth::Boxes { count } => (0..*count)
            .map(|_| boxes(&space.shape, &mut random))
            .collect(),
        Truth::Smooth { count } => (0..*count)
            .map(|_| smooth(&space.shape, &mut random))
            .collect(),
        Truth::Photograph => {
            let picture = data::decode_png(PHOTOGRAPH)?;
            picture
                .values
                .chunks(space.len())
                .map(<[f64]>::to_vec)
                .collect()
        }
        Truth::File { path } => {
            let array = data::read(path)?;
            array
                .values
                .chunks(space.len().max(1))
                .map(<[f64]>::to_vec)
                .collect()
        }
        // None is known; what stands in its place is never compared to anything.
        Truth::States { count, .. } => vec![vec![0.0; space.len()]; *count],
    };
    if truths.is_empty() || truths.iter().any(|x| x.len() != space.len()) {
        return Err(Failure::Misuse(format!(
            "the truth has {} values, but {} of shape {:?} takes {}; \
             set the simulator's shape or size to that of the data",
            truths.last().map_or(0, Vec::len),
            space.name,
            space.shape,
            space.len()
        )));
    }
    Ok(truths)
}

/// The states to come back to, where the truth is of that kind: (option, states).
pub fn states(
    truth: &Truth,
    simulator: &dyn Simulator,
    seed: u64,
) -> Option<(String, Vec<Vec<f64>>)> {
    let Truth::States {
        option,
        low,
        high,
        count,
    } = truth
    else {
        return None;
    };
    let mut random = generator(seed, 1);
    let length = simulator.output().len();
    let mut draw = || low + (high - low) * random.random::<f64>();
    let states = (0..*count).map(|_| (0..length).map(|_| draw()).collect());
    Some((option.clone(), states.collect()))
}

/// The start for one truth.
pub fn start(start: &Start, truth: &[f64], random: &mut Pcg64) -> Vec<f64> {
    match start {
        Start::Zeros => vec![0.0; truth.len()],
        Start::Values { values } => values.clone(),
        Start::Near { radius } => truth
            .iter()
            .map(|t| t + radius * random.random_range(-1.0..1.0))
            .collect(),
    }
}

/// Adds white noise of a given level relative to the root mean square; returns its deviation.
pub fn add_noise(y: &mut [f64], level: f64, random: &mut Pcg64) -> f64 {
    let sigma = level * rms(y);
    if sigma > 0.0 {
        for y in y.iter_mut() {
            let z: f64 = StandardNormal.sample(random);
            *y += sigma * z;
        }
    }
    sigma
}

/// The root mean square.
pub fn rms(y: &[f64]) -> f64 {
    (y.iter().map(|y| y * y).sum::<f64>() / y.len().max(1) as f64).sqrt()
}

/// The sum of 4 to 10 boxes with edges that are two cells soft, as far from the border as
/// their size allows.
pub fn boxes(shape: &[usize], random: &mut Pcg64) -> Vec<f64> {
    let mut field = vec![0.0; shape.iter().product()];
    for _ in 0..random.random_range(4..=10) {
        let height: f64 = random.random_range(0.2..1.0);
        let edges: Vec<(f64, f64)> = shape
            .iter()
            .map(|n| {
                let n = *n as f64;
                let size = n * random.random_range(0.05..0.25);
                let low = random.random_range(0.1 * n..0.9 * n - size);
                (low, low + size)
            })
            .collect();
        for (i, value) in field.iter_mut().enumerate() {
            let mut rest = i;
            let mut inside = height;
            for axis in (0..shape.len()).rev() {
                let at = (rest % shape[axis]) as f64 + 0.5;
                rest /= shape[axis];
                let (low, high) = edges[axis];
                inside *= 0.5 * ((at - low).tanh() - (at - high).tanh());
            }
            *value += inside;
        }
    }
    field
}

/// White noise, smoothed a few times over its neighbours, with zero mean and unit variance.
pub fn smooth(shape: &[usize], random: &mut Pcg64) -> Vec<f64> {
    let n: usize = shape.iter().product();
    let mut field: Vec<f64> = (0..n).map(|_| StandardNormal.sample(random)).collect();
    let mut stride = 1;
    for extent in shape.iter().rev() {
        for _ in 0..12 {
            let old = field.clone();
            for (i, value) in field.iter_mut().enumerate() {
                let at = i / stride % extent;
                let up = if at + 1 < *extent {
                    i + stride
                } else {
                    i - at * stride
                };
                let down = if at > 0 {
                    i - stride
                } else {
                    i + (extent - 1) * stride
                };
                *value = 0.5 * old[i] + 0.25 * (old[up] + old[down]);
            }
        }
        stride *= extent;
    }
    let mean = field.iter().sum::<f64>() / n as f64;
    field.iter_mut().for_each(|v| *v -= mean);
    let size = rms(&field).max(f64::MIN_POSITIVE);
    field.iter_mut().for_each(|v| *v /= size);
    field
}
