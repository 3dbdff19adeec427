//! Seeded draws: the same seed gives the same numbers, on every machine.

use rand::distr::uniform::{SampleRange, SampleUniform};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

/// A generator of random numbers.
///
/// ```
/// use retrodict::core::random::Random;
/// let draw = |seed| Random::seeded(seed).normal();
/// assert_eq!(draw(7), draw(7));
/// assert_ne!(draw(7), draw(8));
/// ```
///
/// # Source
/// O'Neill, *PCG: a family of simple fast space-efficient statistically good algorithms* (2014): PCG-64.
#[derive(Debug, Clone)]
pub struct Random(Pcg64);

/// Seeds that lie side by side must not give streams that overlap.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// A generator by its seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Pcg64::seed_from_u64(seed))
    }

    /// A generator for one purpose of a run: streams of other purposes do not shift its draws.
    pub fn stream(seed: u64, stream: u64) -> Self {
        Self::seeded(seed.wrapping_mul(SPREAD).wrapping_add(stream))
    }

    /// A number that is equally likely anywhere in [0, 1).
    pub fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// A number that is equally likely anywhere in [low, high).
    ///
    /// # Panics
    /// Unless low < high, both finite.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0.random_range(low..high)
    }

    /// A whole number from `low` to `high`, both included.
    ///
    /// # Panics
    /// If low > high.
    pub fn count(&mut self, low: usize, high: usize) -> usize {
        self.0.random_range(low..=high)
    }

    /// A number from the normal distribution of mean 0 and variance 1.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// From any range, for draws whose bits are kept since before there was this type.
    pub(crate) fn range<T: SampleUniform>(&mut self, range: impl SampleRange<T>) -> T {
        self.0.random_range(range)
    }
}
