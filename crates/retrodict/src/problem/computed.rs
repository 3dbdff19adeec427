//! What was computed at a point, so that a resumed run counts it once.

use serde::{Deserialize, Serialize};

/// What the simulator was asked for at a point beside y.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Computed {
    /// The gradient.
    pub gradient: bool,
    /// J as a matrix.
    pub jacobian: bool,
}
