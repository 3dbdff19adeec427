//! Where mini-batches come from: samples that are kept, or drawn on the fly.

use std::sync::Arc;

use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

use super::Sample;
use super::spread::spread;
use crate::core::random::Random;
use crate::error::{Error, Result};

/// Where mini-batches come from.
///
/// A batch depends on its number alone, so that a run that is resumed sees what it would have seen.
pub trait Data: Send {
    /// The samples of batch 0, 1, ….
    ///
    /// # Errors
    /// If there are fewer samples than a batch takes, or one cannot be drawn.
    fn batch(&mut self, number: u64, size: usize) -> Result<Vec<Arc<Sample>>>;

    /// How many batches of that size make an epoch.
    fn batches(&self, size: usize) -> u64;

    /// All samples, where there is a fixed set of them.
    fn all(&self) -> &[Arc<Sample>] {
        &[]
    }
}

/// A fixed set of samples, seen once an epoch; what does not fill a batch is left for another epoch.
pub struct Fixed {
    samples: Vec<Arc<Sample>>,
    shuffle: Option<u64>,
    order: Vec<usize>,
    epoch: Option<u64>,
}

impl Fixed {
    /// In a new order each epoch, drawn from `shuffle`, or always in the order given.
    pub fn new(samples: Vec<Sample>, shuffle: Option<u64>) -> Self {
        Self {
            order: (0..samples.len()).collect(),
            samples: samples.into_iter().map(Arc::new).collect(),
            shuffle,
            epoch: None,
        }
    }
}

impl Data for Fixed {
    fn batch(&mut self, number: u64, size: usize) -> Result<Vec<Arc<Sample>>> {
        if size == 0 || size > self.samples.len() {
            return Err(Error::Option {
                key: "batch".to_owned(),
                found: size.to_string(),
                allowed: format!(
                    "it must be 1 to {}, the number of samples there are; take a smaller batch or \
                     more data",
                    self.samples.len()
                ),
            });
        }
        let (epoch, place) = (number / self.batches(size), number % self.batches(size));
        if let Some(seed) = self.shuffle
            && self.epoch != Some(epoch)
        {
            self.order = (0..self.samples.len()).collect();
            let mut random = Pcg64::new(u128::from(seed), u128::from(epoch));
            self.order.shuffle(&mut random);
            self.epoch = Some(epoch);
        }
        let from = place as usize * size;
        let chosen = &self.order[from..from + size];
        Ok(chosen
            .iter()
            .map(|i| Arc::clone(&self.samples[*i]))
            .collect())
    }
    fn batches(&self, size: usize) -> u64 {
        (self.samples.len() / size.max(1)).max(1) as u64
    }
    fn all(&self) -> &[Arc<Sample>] {
        &self.samples
    }
}

/// Samples drawn on the fly, none twice.
pub struct Fresh<F> {
    draw: F,
    seed: u64,
    /// How many samples make an epoch.
    per_epoch: usize,
}

impl<F: Fn(&mut Random) -> Result<Sample> + Send + Sync> Fresh<F> {
    /// Each sample is drawn with a generator of its own; `per_epoch` of them make an epoch.
    pub fn new(draw: F, seed: u64, per_epoch: usize) -> Self {
        Self {
            draw,
            seed,
            per_epoch,
        }
    }
}

impl<F: Fn(&mut Random) -> Result<Sample> + Send + Sync> Data for Fresh<F> {
    fn batch(&mut self, number: u64, size: usize) -> Result<Vec<Arc<Sample>>> {
        spread(size, |i| {
            let index = number * size as u64 + i as u64;
            let mut random = Random::stream(self.seed, index);
            (self.draw)(&mut random).map(Arc::new)
        })
    }
    fn batches(&self, size: usize) -> u64 {
        (self.per_epoch / size.max(1)).max(1) as u64
    }
}
