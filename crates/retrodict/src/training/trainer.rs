//! What trains: a network, a strategy and a rule, with what is fixed of a step.

use std::sync::Arc;

use super::{IntoStrategy, Schedule, Strategy};
use crate::core::loss::Loss;
use crate::core::share::Share;
use crate::losses::Reduction;
use crate::network::Network;
use crate::updates::{IntoRule, Search, UpdateRule};

/// A network, a strategy and a rule: everything that training needs but data and θ.
pub struct Trainer {
    pub(crate) network: Arc<dyn Network>,
    pub(crate) strategy: Box<dyn Strategy>,
    pub(crate) rule: Box<dyn UpdateRule>,
    pub(crate) loss: Arc<dyn Loss>,
    pub(crate) reduction: Reduction,
    pub(crate) batch: usize,
    /// The scale of y, for strategies that compare it.
    pub(crate) target_scale: f64,
    pub(crate) schedule: Schedule,
    pub(crate) clip: Option<f64>,
    /// How far along Δθ, in place of what the rule asks for.
    pub(crate) search: Option<Search>,
}

impl Trainer {
    /// A trainer of mini-batches of so many samples, with the loss of one sample's y: the losses of a mini-batch are averaged, the
    /// learning rate stays, and gradients are not clipped.
    pub fn new(
        network: Arc<dyn Network>,
        strategy: impl IntoStrategy,
        rule: impl IntoRule,
        loss: impl Share<dyn Loss>,
        batch: usize,
    ) -> Self {
        Self {
            network,
            strategy: strategy.into_strategy(),
            rule: rule.into_rule(),
            loss: loss.share(),
            reduction: Reduction::Mean,
            batch,
            target_scale: 1.0,
            schedule: Schedule::Constant,
            clip: None,
            search: None,
        }
    }

    /// Another way in which the losses of a mini-batch become one.
    #[must_use]
    pub fn with_reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// The scale in which strategies compare y, such as its standard deviation; 1 at first.
    #[must_use]
    pub fn with_target_scale(mut self, scale: f64) -> Self {
        self.target_scale = scale;
        self
    }

    /// How the learning rate changes.
    #[must_use]
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// The length to which ∂L/∂θ is shortened if it is longer; rules that do not use it are not touched.
    #[must_use]
    pub fn with_clip(mut self, clip: impl Into<Option<f64>>) -> Self {
        self.clip = clip.into();
        self
    }

    /// Another search along Δθ than the rule's own, on the loss of the mini-batch: see
    /// [`Solver::with_search`](crate::Solver::with_search).
    #[must_use]
    pub fn with_search(mut self, search: impl Into<Option<Search>>) -> Self {
        self.search = search.into();
        self
    }

    /// How far along Δθ.
    pub(super) fn search(&self) -> Search {
        self.search.unwrap_or_else(|| self.rule.search())
    }
}
