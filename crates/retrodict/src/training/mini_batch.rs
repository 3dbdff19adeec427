//! A mini-batch, with all that a strategy may look at.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Clock, Sample};
use crate::core::loss::Loss;
use crate::losses::Reduction;
use crate::network::Network;
use crate::updates::Notices;

/// A mini-batch, with all that a strategy may look at.
#[non_exhaustive]
pub struct MiniBatch<'a> {
    /// f.
    pub network: &'a Arc<dyn Network>,
    /// θ now.
    pub theta: &'a [f64],
    /// The samples.
    pub samples: &'a [Arc<Sample>],
    /// The loss of one sample's y.
    pub loss: &'a Arc<dyn Loss>,
    /// How the losses of the samples become one.
    pub reduction: Reduction,
    /// The scale of y: a strategy that compares y divides it by this, so that what is learned does not depend on the unit of y.
    pub target_scale: f64,
    /// Where time is counted.
    pub clock: Arc<Clock>,
    notices: Mutex<Notices>,
}

impl<'a> MiniBatch<'a> {
    /// Samples that the network with these θ learns from; the losses are averaged.
    pub fn new(
        network: &'a Arc<dyn Network>,
        theta: &'a [f64],
        samples: &'a [Arc<Sample>],
        loss: &'a Arc<dyn Loss>,
    ) -> Self {
        Self {
            network,
            theta,
            samples,
            loss,
            reduction: Reduction::Mean,
            target_scale: 1.0,
            clock: Arc::new(Clock::default()),
            notices: Mutex::default(),
        }
    }

    /// The same with another way in which the losses become one.
    #[must_use]
    pub fn with_reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// The same with y compared in another scale than 1.
    #[must_use]
    pub fn with_target_scale(mut self, scale: f64) -> Self {
        self.target_scale = scale;
        self
    }

    /// The same with its time counted elsewhere.
    #[must_use]
    pub fn with_clock(mut self, clock: &Arc<Clock>) -> Self {
        self.clock = Arc::clone(clock);
        self
    }

    /// What the network sees of the batch, sample after sample.
    pub fn inputs(&self) -> Vec<f64> {
        let each = self.samples.iter().map(|s| s.input.as_slice());
        each.collect::<Vec<_>>().concat()
    }

    /// Takes what a rule of the strategy's own noted at a sample. Call it in the order of the samples, so that the first error
    /// does not depend on threads.
    pub fn note(&self, notices: &Notices) {
        if !notices.is_empty() {
            let mut noted = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
            noted.merge(notices);
        }
    }

    /// All that was noted.
    pub fn into_notices(self) -> Notices {
        self.notices
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
