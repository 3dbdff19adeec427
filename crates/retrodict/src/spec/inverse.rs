//! The local inverse that a description chooses for a simulator.

use std::sync::Arc;

use super::Named;
use crate::core::simulator::Simulator;
use crate::error::Result;
use crate::inverse::WithInverse;
use crate::registry::Registry;

/// A simulator with the local inverse of that name in place of its own, if one is named.
///
/// # Errors
/// If the name or an option is unknown, or a value is not allowed.
pub fn with_inverse(
    simulator: Arc<dyn Simulator>,
    inverse: Option<&Named>,
    registry: &Registry,
) -> Result<Arc<dyn Simulator>> {
    Ok(match inverse {
        Some(named) => Arc::new(WithInverse::new(
            simulator,
            registry.inverses.make(registry, named)?,
        )),
        None => simulator,
    })
}
