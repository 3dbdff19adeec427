//! Exponents: how an update grows with a unit, and how fast errors fall.

use super::derivatives::slope;
use crate::error::Result;
use crate::linalg::norm;

/// The exponent p of ‖Δx‖ ∝ a^p, from updates at a = 1 and a = 10; `update` returns Δx.
///
/// Change P, y*, x₀ or L with a inside `update`. Where Δx is in \[x\], a change of the units of
/// x gives p = 1 and a change of those of y or L gives p = 0.
///
/// # Errors
/// What `update` returns.
pub fn scaling_exponent(mut update: impl FnMut(f64) -> Result<Vec<f64>>) -> Result<f64> {
    let (plain, scaled) = (norm(&update(1.0)?), norm(&update(10.0)?));
    Ok((scaled / plain).log10())
}

/// The order q of errors that fall as e ← C e^q: 1 for linear, 2 for quadratic convergence.
///
/// It is the slope of ln eₖ₊₁ against ln eₖ, over errors greater than `floor`, which should lie
/// above round-off. A single step to below the floor is of infinite order; too few errors to
/// tell give NaN.
pub fn observed_order(errors: &[f64], floor: f64) -> f64 {
    if let [first, second, ..] = errors
        && *first > floor
        && *second <= floor
    {
        return f64::INFINITY;
    }
    let points: Vec<(f64, f64)> = errors
        .windows(2)
        .take_while(|pair| pair[1] > floor)
        .map(|pair| (pair[0].ln(), pair[1].ln()))
        .collect();
    slope(&points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_of_known_sequences() {
        let linear: Vec<f64> = (0..20).map(|k| 0.5_f64.powi(k)).collect();
        assert!((observed_order(&linear, 1e-14) - 1.0).abs() < 1e-12);
        let quadratic = [1e-1, 1e-2, 1e-4, 1e-8, 1e-16];
        assert!((observed_order(&quadratic, 1e-14) - 2.0).abs() < 1e-12);
        assert_eq!(observed_order(&[1.0, 0.0], 1e-14), f64::INFINITY);
        assert!(observed_order(&[1.0], 1e-14).is_nan());
    }

    #[test]
    fn the_exponent_of_a_power_is_the_power() {
        let cube = scaling_exponent(|a| Ok(vec![a.powi(3), -2.0 * a.powi(3)]));
        assert!(cube.is_ok_and(|p| (p - 3.0).abs() < 1e-12));
    }
}
