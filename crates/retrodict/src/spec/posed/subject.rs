//! The simulator of an inversion, as it is handed to those who pose it.

use std::sync::Arc;

use crate::core::simulator::Simulator;
use crate::error::Result;

/// The simulator of an inversion, and what it can be told.
#[non_exhaustive]
pub struct Subject<'a> {
    /// P.
    pub simulator: Arc<dyn Simulator>,
    /// P that knows the noise level of a field, where it takes one.
    pub with_noise: Option<Box<WithNoise<'a>>>,
}

impl<'a> Subject<'a> {
    /// P, which is told no noise level.
    pub fn new(simulator: Arc<dyn Simulator>) -> Self {
        Self {
            simulator,
            with_noise: None,
        }
    }
}

/// Makes P for a noise level.
pub type WithNoise<'a> = dyn Fn(f64) -> Result<Arc<dyn Simulator>> + 'a;
