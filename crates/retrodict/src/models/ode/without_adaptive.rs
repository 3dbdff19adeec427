//! What stands for adaptive steps where the feature `adaptive` is off: a message that says so.

use num_dual::Dual64;

use super::{Method, Ode, RightHandSide};
use crate::error::Result;
use crate::options::require;

/// Fails for every method that needs diffsol.
///
/// # Errors
/// [`Error::Option`](crate::Error::Option) for all methods but the fixed one.
pub(super) fn require_fixed(method: Method) -> Result<()> {
    let allowed = "only \"fixed\" is there: retrodict was built without its feature \"adaptive\"";
    require(
        method == Method::Fixed,
        "method",
        format!("{method:?}"),
        allowed,
    )
}

/// Fails.
pub(super) fn forward<R: RightHandSide>(
    ode: &Ode<R>,
    _values: &[f64],
    _see: impl FnMut(usize, &[f64]),
) -> Result<()> {
    require_fixed(ode.options.method)
}

/// Fails.
pub(super) fn tangents<R: RightHandSide>(
    ode: &Ode<R>,
    _values: &[f64],
    _directions: &[Vec<Dual64>],
    _see: impl FnMut(usize, usize, &[Dual64]),
) -> Result<()> {
    require_fixed(ode.options.method)
}
