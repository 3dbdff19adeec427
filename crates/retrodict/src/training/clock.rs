//! Seconds spent in network, physics and inversion.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Adds up where the time of training goes.
#[derive(Debug, Default)]
pub struct Clock {
    network: AtomicU64,
    physics: AtomicU64,
}

/// Seconds spent in each part.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Shares {
    /// In the network and its derivatives.
    pub network: f64,
    /// In the simulator, its derivatives and its local inverse.
    pub physics: f64,
    /// In the rule: decompositions, moments, Krylov vectors.
    pub inversion: f64,
}

impl Shares {
    /// Adds the seconds of one more step.
    pub(super) fn add(&mut self, more: Self) {
        self.network += more.network;
        self.physics += more.physics;
        self.inversion += more.inversion;
    }
}

impl Clock {
    /// Runs `work` and counts its time as the network's.
    pub fn network<T>(&self, work: impl FnOnce() -> T) -> T {
        timed(&self.network, work)
    }

    /// Runs `work` and counts its time as the physics'.
    pub fn physics<T>(&self, work: impl FnOnce() -> T) -> T {
        timed(&self.physics, work)
    }

    /// What was added up so far, where `total` has passed in all.
    pub fn shares(&self, total: Duration) -> Shares {
        let seconds = |part: &AtomicU64| part.load(Ordering::Relaxed) as f64 * 1e-9;
        let (network, physics) = (seconds(&self.network), seconds(&self.physics));
        Shares {
            network,
            physics,
            inversion: (total.as_secs_f64() - network - physics).max(0.0),
        }
    }
}

fn timed<T>(part: &AtomicU64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    part.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
    done
}
