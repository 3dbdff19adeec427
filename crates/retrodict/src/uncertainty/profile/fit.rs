//! The best fit at a value of the quantity.

/// Where the loss is least at a value of the quantity.
#[derive(Clone)]
pub(super) struct Fit {
    /// The coordinate.
    pub(super) u: f64,
    pub(super) z: Vec<f64>,
    pub(super) loss: f64,
    /// √Λ; 0 where the fit is better than the one at which the profile began.
    pub(super) tau: f64,
    /// Its derivative by u, where it is known.
    pub(super) tau_slope: Option<f64>,
}
