//! Random fields and noise, drawn from the seed of a description.

use crate::core::random::Random;
use crate::error::{Error, Result};
use crate::spectral::fourier::RealFourier;

/// Refuses a range of which nothing can be drawn; `what` is where the description says it.
pub(crate) fn check_range(what: &str, low: f64, high: f64) -> Result<()> {
    if low.is_finite() && high.is_finite() && low < high {
        return Ok(());
    }
    Err(Error::Config {
        what: what.to_owned(),
        message: format!(
            "found low = {low} and high = {high}; both must be finite, and low the smaller one, as in low = -1.0, high = 1.0"
        ),
    })
}

/// Adds white noise of a given level relative to the root mean square; returns its deviation.
pub fn add_noise(y: &mut [f64], level: f64, random: &mut Random) -> f64 {
    let sigma = level * root_mean_square(y);
    if sigma > 0.0 {
        for y in y.iter_mut() {
            let z: f64 = random.normal();
            *y += sigma * z;
        }
    }
    sigma
}

/// The root mean square.
pub fn root_mean_square(y: &[f64]) -> f64 {
    (y.iter().map(|y| y * y).sum::<f64>() / y.len().max(1) as f64).sqrt()
}

/// The largest half side of a box, as a share of its axis: 10 of 64 cells.
const HALF_SIDE: f64 = 10.0 / 64.0;

/// The sum of 4 to 10 boxes of strengths in [0, 1], with centres in the middle 80 % of each axis, moved
/// inwards where the box would stick out, and edges about one cell soft.
///
/// The distribution is that of the published experiment on heat: Holl, Koltun & Thuerey,
/// *Scale-invariant Learning by Physics Inversion*, section 4.3 and its code.
pub fn boxes(shape: &[usize], random: &mut Random) -> Vec<f64> {
    let mut field = vec![0.0; shape.iter().product()];
    // A cell counts by how much of a ball as wide as its diagonal lies within the box.
    let softness = 0.5 * (shape.len() as f64).sqrt();
    for _ in 0..random.range(4..=10) {
        let strength = random.unit();
        let sides: Vec<(f64, f64)> = shape
            .iter()
            .map(|n| {
                let n = *n as f64;
                let half = HALF_SIDE * n * random.unit();
                let centre = n * random.range(0.1..0.9);
                (centre.clamp(half, n - half), half)
            })
            .collect();
        for (i, value) in field.iter_mut().enumerate() {
            let (mut rest, mut outside) = (i, f64::NEG_INFINITY);
            for axis in (0..shape.len()).rev() {
                let at = (rest % shape[axis]) as f64 + 0.5;
                rest /= shape[axis];
                let (centre, half) = sides[axis];
                outside = outside.max((at - centre).abs() - half);
            }
            *value += strength * (0.5 - outside / softness).clamp(0.0, 1.0);
        }
    }
    field
}

/// White noise, smoothed a few times over its neighbours, with zero mean and unit variance.
pub fn smooth(shape: &[usize], random: &mut Random) -> Vec<f64> {
    let n: usize = shape.iter().product();
    let mut field: Vec<f64> = (0..n).map(|_| random.normal()).collect();
    let mut stride = 1;
    for extent in shape.iter().rev() {
        for _ in 0..12 {
            let old = field.clone();
            for (i, value) in field.iter_mut().enumerate() {
                let at = i / stride % extent;
                let up = if at + 1 < *extent {
                    i + stride
                } else {
                    i - at * stride
                };
                let down = if at > 0 {
                    i - stride
                } else {
                    i + (extent - 1) * stride
                };
                *value = 0.5 * old[i] + 0.25 * (old[up] + old[down]);
            }
        }
        stride *= extent;
    }
    let mean = field.iter().sum::<f64>() / n as f64;
    field.iter_mut().for_each(|v| *v -= mean);
    let size = root_mean_square(&field).max(f64::MIN_POSITIVE);
    field.iter_mut().for_each(|v| *v /= size);
    field
}

/// A random field whose Fourier amplitudes fall as |k|^−exponent, with zero mean and unit variance.
pub fn power_law(shape: &[usize], exponent: f64, random: &mut Random) -> Vec<f64> {
    let fourier = RealFourier::new(shape);
    let white: Vec<f64> = (0..fourier.len()).map(|_| random.normal()).collect();
    let gain = |k2: f64| {
        if k2 > 0.0 {
            k2.powf(-0.5 * exponent)
        } else {
            0.0
        }
    };
    let gains: Vec<f64> = fourier.k_squared(1.0).into_iter().map(gain).collect();
    let mut field = vec![0.0; white.len()];
    fourier.apply_diagonal(&white, &mut field, &gains);
    let size = root_mean_square(&field).max(f64::MIN_POSITIVE);
    field.iter_mut().for_each(|v| *v /= size);
    field
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    /// Mean and standard error of a number over fields.
    fn estimate(fields: &[Vec<f64>], number: impl Fn(&[f64]) -> f64) -> (f64, f64) {
        let numbers: Vec<f64> = fields.iter().map(|field| number(field)).collect();
        let n = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / n;
        let squares: f64 = numbers.iter().map(|v| (v - mean) * (v - mean)).sum();
        (mean, (squares / (n * (n - 1.0))).sqrt())
    }

    /// Against 128 fields of the published generator, whose own means are uncertain too. Limits: three
    /// standard errors of the difference.
    #[test]
    fn boxes_are_distributed_as_published() {
        let mut random = Random::stream(0, 0);
        let fields: Vec<Vec<f64>> = (0..512).map(|_| boxes(&[64, 64], &mut random)).collect();
        let mean = |field: &[f64]| field.iter().sum::<f64>() / field.len() as f64;
        let spread = |field: &[f64]| {
            let mean = mean(field);
            field.iter().map(|v| 0.5 * (v - mean) * (v - mean)).sum()
        };
        let hot = |field: &[f64]| field.iter().filter(|v| **v > 0.05).count() as f64 / 4096.0;
        // 7 boxes of strength ½ on 10 × 10 cells, on average: 7 · 50/4096 = 0.0854.
        for (what, (found, error), published, its_error) in [
            ("mean", estimate(&fields, mean), 0.0827, 0.0038),
            ("½‖x − mean‖²", estimate(&fields, spread), 105.47, 5.71),
            ("share above 0.05", estimate(&fields, hot), 0.1542, 0.0058),
        ] {
            let limit = 3.0 * error.hypot(its_error);
            assert!(
                (found - published).abs() < limit,
                "{what}: {found} ± {error}, published {published} ± {its_error}"
            );
        }
    }

    /// The mean square of each mode against k^−4, from the field itself by a plain sum over its cells.
    #[test]
    fn the_power_of_a_field_falls_as_it_should() {
        let mut random = Random::stream(0, 0);
        let fields: Vec<Vec<f64>> = (0..2000)
            .map(|_| power_law(&[8, 8], 2.0, &mut random))
            .collect();
        let power = |(p, q): (usize, usize)| {
            let square = |field: &[f64]| {
                let phase = |i: usize| 0.25 * PI * (p * (i / 8) + q * (i % 8)) as f64;
                let sum = |wave: fn(f64) -> f64| {
                    let parts = field.iter().enumerate().map(|(i, v)| v * wave(phase(i)));
                    parts.sum::<f64>()
                };
                sum(f64::cos).powi(2) + sum(f64::sin).powi(2)
            };
            estimate(&fields, square)
        };
        // The lowest modes are left out: they hold so much of the variance that its being 1 cuts them.
        let (base, its_error) = power((1, 2));
        for mode in [(2, 2), (1, 3), (3, 2), (3, 3), (4, 0)] {
            let k2 = (mode.0 * mode.0 + mode.1 * mode.1) as f64;
            let (found, error) = power(mode);
            let fall = (5.0 / k2).powi(2);
            assert!(
                (found - base * fall).abs() < 4.0 * error.hypot(its_error * fall),
                "{mode:?}: {found} ± {error}, expected {}",
                base * fall
            );
        }
        let mean: f64 = fields[0].iter().sum();
        assert!(mean.abs() < 1e-12 && (root_mean_square(&fields[0]) - 1.0).abs() < 1e-12);
    }
}
