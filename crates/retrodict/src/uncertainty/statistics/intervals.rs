//! How far a parameter may lie from its best value: quantiles, intervals, and whether a fit is good.

use statrs::distribution::{ChiSquared, ContinuousCDF, Normal, StudentsT};

use super::{Noise, Statistics};
use crate::core::transform::Transform;
use crate::error::Result;
use crate::options::require;

/// Where a parameter lies, at some level of confidence.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Interval {
    /// The lower end; −∞ where the data do not determine the parameter.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// From one value to another.
    pub fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// x ± reach · deviation, taken in the z with x = T(z).
    pub(crate) fn around(x: f64, deviation: f64, reach: f64, transform: &Transform) -> Self {
        // Without a datum to spare the reach is infinite, but a constant stays where it is.
        if deviation == 0.0 {
            return Self { low: x, high: x };
        }
        let plain = Self {
            low: x - reach * deviation,
            high: x + reach * deviation,
        };
        let Some(z) = transform.undo(x).ok().filter(|_| !transform.is_linear()) else {
            return plain;
        };
        let width = reach * deviation / transform.slope(z).abs();
        if width.is_nan() {
            return plain;
        }
        Self {
            low: transform.apply(z - width),
            high: transform.apply(z + width),
        }
    }

    /// Whether a value lies within.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// How many standard deviations to either side hold a share of a Gaussian, or with `degrees` of freedom of
/// Student's t, whose deviation is itself an estimate.
///
/// # Errors
/// If the level does not lie in (0, 1).
pub fn reach(level: f64, degrees: Option<usize>) -> Result<f64> {
    require(
        level > 0.0 && level < 1.0,
        "level",
        level,
        "it is a share and must lie between 0 and 1, for example 0.95",
    )?;
    let upper = 0.5 + 0.5 * level;
    Ok(match degrees {
        None => Normal::standard().inverse_cdf(upper),
        // Without a datum to spare nothing is known of the noise.
        Some(0) => f64::INFINITY,
        Some(degrees) if degrees > MANY => nearly_normal(upper, degrees as f64),
        Some(degrees) => StudentsT::new(0.0, 1.0, degrees as f64)
            .map_or(f64::INFINITY, |student| student.inverse_cdf(upper)),
    })
}

/// Degrees of freedom beyond which Student's t is a Gaussian with a few corrections. The quantile of statrs
/// inverts an incomplete beta function there that no longer has the digits for it.
const MANY: usize = 1000;

/// The quantile of Student's t by powers of 1/ν around that of a Gaussian; what is left out is below 1e-10.
///
/// Source: Abramowitz & Stegun, *Handbook of Mathematical Functions*, 26.7.5.
fn nearly_normal(upper: f64, degrees: f64) -> f64 {
    let z = Normal::standard().inverse_cdf(upper);
    let s = z * z;
    let first = z * (s + 1.0) / 4.0;
    let second = z * ((5.0 * s + 16.0) * s + 3.0) / 96.0;
    let third = z * (((3.0 * s + 19.0) * s + 17.0) * s - 15.0) / 384.0;
    z + (first + (second + third / degrees) / degrees) / degrees
}

impl Statistics {
    /// Where each parameter lies at a level of confidence such as 0.95, each taken alone: x ± t σ with the
    /// quantile of a Gaussian where the noise is known or fitted, of Student's t where it is estimated.
    ///
    /// Where the fit saw a transform of it, the interval is symmetric there: that of a logarithm is one of factors.
    ///
    /// # Errors
    /// If the level does not lie in (0, 1).
    pub fn intervals(&self, level: f64) -> Result<Vec<Interval>> {
        let degrees = (self.noise == Noise::Estimated).then_some(self.degrees_of_freedom);
        let reach = reach(level, degrees)?;
        let each = self.parameters.iter().zip(&self.deviations).enumerate();
        let around = |(i, (x, deviation)): (usize, (&f64, &f64))| {
            let transform = self.transforms.get(i).unwrap_or(&Transform::None);
            Interval::around(*x, *deviation, reach, transform)
        };
        Ok(each.map(around).collect())
    }

    /// χ² per degree of freedom, near 1 where model and noise are as assumed; `None` where the noise is
    /// estimated, which makes it 1 whatever the fit, or no datum is left over.
    pub fn reduced_chi_squared(&self) -> Option<f64> {
        let chi_squared = self.chi_squared.filter(|_| self.degrees_of_freedom > 0)?;
        Some(chi_squared / self.degrees_of_freedom as f64)
    }

    /// The probability of a χ² at least as large, were the model right and the noise as assumed.
    ///
    /// Below 0.01 the model does not fit the data, or their noise is larger than stated.
    pub fn goodness_of_fit(&self) -> Option<f64> {
        let chi_squared = self.chi_squared.filter(|_| self.degrees_of_freedom > 0)?;
        let expected = ChiSquared::new(self.degrees_of_freedom as f64).ok()?;
        Some(expected.sf(chi_squared))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Values of the usual tables, to all their digits.
    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (level, degrees, expected) in [
            (0.95, None, 1.959_963_984_540_054),
            (0.99, None, 2.575_829_303_548_901),
            (0.95, Some(1), 12.706_204_736_432_1),
            (0.95, Some(2), 4.302_652_729_911_28),
            (0.95, Some(10), 2.228_138_851_964_94),
            (0.99, Some(5), 4.032_142_983_557_54),
            (0.9, Some(30), 1.697_260_886_593_96),
            (0.95, Some(120), 1.979_930_405_082_42),
        ] {
            let found = reach(level, degrees).unwrap();
            assert!(
                (found / expected - 1.0).abs() < 1e-9,
                "{level} {degrees:?}: {found}"
            );
        }
        // Many degrees of freedom are as good as knowing.
        let (many, known) = (
            reach(0.95, Some(10_000_000)).unwrap(),
            reach(0.95, None).unwrap(),
        );
        assert!((many / known - 1.0).abs() < 1e-6, "{many}");
        assert!(reach(0.95, Some(0)).unwrap().is_infinite());
        // Both ways give the same where one takes over from the other.
        for level in [0.5, 0.95, 0.999] {
            let (below, above) = (
                reach(level, Some(MANY)).unwrap(),
                nearly_normal(0.5 + 0.5 * level, MANY as f64),
            );
            assert!((below / above - 1.0).abs() < 1e-8, "{below} {above}");
        }
    }

    #[test]
    fn a_level_that_is_no_share_is_refused() {
        for level in [0.0, 1.0, 95.0, f64::NAN] {
            let error = reach(level, None).unwrap_err().to_string();
            assert!(error.contains("for example 0.95"), "{error}");
        }
    }
}
