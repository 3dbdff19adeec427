//! Where √Λ reaches the threshold, from two fits around it.

use super::fit::Fit;

/// u between two fits at which √Λ is likely to have a value: by the cubic through both and their slopes where these are
/// known, by the line otherwise.
pub(super) fn between(below: &Fit, above: &Fit, tau: f64) -> f64 {
    let (h, rise) = (above.u - below.u, above.tau - below.tau);
    let line = ((tau - below.tau) / rise).clamp(0.0, 1.0);
    let (Some(d0), Some(d1)) = (below.tau_slope, above.tau_slope) else {
        return below.u + line * h;
    };
    let (d0, d1) = (d0 * h, d1 * h);
    let cubic = |s: f64| {
        let (c2, c3) = (3.0 * rise - 2.0 * d0 - d1, d0 + d1 - 2.0 * rise);
        below.tau + s * (d0 + s * (c2 + s * c3))
    };
    // The cubic goes through both ends, so that halving finds the value.
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        match cubic(middle) < tau {
            true => low = middle,
            false => high = middle,
        }
    }
    below.u + 0.5 * (low + high) * h
}

/// As many as there are bits in a number.
const HALVINGS: usize = 52;

/// u at which the line along the slope of a fit has a value of √Λ.
pub(super) fn along(fit: &Fit, tau: f64) -> Option<f64> {
    let slope = fit.tau_slope?;
    let u = fit.u + (tau - fit.tau) / slope;
    u.is_finite().then_some(u)
}
