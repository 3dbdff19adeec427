//! What a network computes in: values shifted and scaled, or their logarithms.

use crate::error::{Error, Result, expect_length};

/// z = (v − shift) / scale for each value of a sample, or (ln v − shift) / scale; and back.
///
/// # Units
/// `shift` and `scale` are in the unit of v, or of ln v; z has none.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardisation {
    shift: Vec<f64>,
    scale: Vec<f64>,
    log: bool,
}

impl Standardisation {
    /// A shift and a scale for each value, of the values themselves or of their logarithms.
    ///
    /// # Errors
    /// [`Error::Length`] if there are not as many scales as shifts, [`Error::Option`] if a shift is not finite, or a scale is
    /// not positive.
    pub fn new(shift: Vec<f64>, scale: Vec<f64>, log: bool) -> Result<Self> {
        expect_length("the scales", scale.len(), shift.len())?;
        let refused = |key: &str, i: usize, found: f64, allowed: &str| Error::Option {
            key: format!("{key}[{i}]"),
            found: found.to_string(),
            allowed: allowed.to_owned(),
        };
        if let Some(i) = shift.iter().position(|v| !v.is_finite()) {
            return Err(refused("shift", i, shift[i], "it must be finite"));
        }
        if let Some(i) = scale.iter().position(|v| !(v.is_finite() && *v > 0.0)) {
            return Err(refused(
                "scale",
                i,
                scale[i],
                "it must be positive and finite",
            ));
        }
        Ok(Self { shift, scale, log })
    }

    /// The shift of each value.
    pub fn shift(&self) -> &[f64] {
        &self.shift
    }

    /// The scale of each value.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// Whether it is of logarithms.
    pub fn log(&self) -> bool {
        self.log
    }

    /// The number of values of a sample.
    pub fn len(&self) -> usize {
        self.shift.len()
    }

    /// Whether a sample has no values.
    pub fn is_empty(&self) -> bool {
        self.shift.is_empty()
    }

    /// z of samples, one after the other; `what` names the values in messages.
    ///
    /// # Errors
    /// [`Error::Option`] with the place of a value that has no logarithm.
    pub fn scaled(&self, what: &str, values: &[f64]) -> Result<Vec<f64>> {
        let mut out = Vec::with_capacity(values.len());
        for (n, sample) in values.chunks(self.len().max(1)).enumerate() {
            for (i, v) in sample.iter().enumerate() {
                let v = if self.log { v.ln() } else { *v };
                if self.log && !v.is_finite() {
                    return Err(no_logarithm(what, n, i, sample[i]));
                }
                out.push((v - self.shift[i]) / self.scale[i]);
            }
        }
        Ok(out)
    }

    /// v of samples, one after the other, in place.
    pub fn unscale(&self, values: &mut [f64]) {
        for sample in values.chunks_mut(self.len().max(1)) {
            let ends = self.shift.iter().zip(&self.scale);
            for (v, (shift, scale)) in sample.iter_mut().zip(ends) {
                let linear = shift + scale * *v;
                *v = if self.log { linear.exp() } else { linear };
            }
        }
    }

    /// dv/dz of samples at their v, one after the other.
    pub fn slopes(&self, values: &[f64]) -> Vec<f64> {
        let slope = |(i, v): (usize, &f64)| {
            let scale = self.scale[i % self.len()];
            if self.log { scale * v } else { scale }
        };
        values.iter().enumerate().map(slope).collect()
    }
}

/// A value without a logarithm.
pub(crate) fn no_logarithm(what: &str, sample: usize, value: usize, found: f64) -> Error {
    Error::Option {
        key: format!("{what}[{sample}][{value}]"),
        found: found.to_string(),
        allowed: "it must be positive, since its logarithm is what is normalised; choose a kind without log for it"
            .to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_and_its_slope() {
        for log in [false, true] {
            let scaling = Standardisation::new(vec![0.3, -1.0], vec![2.0, 0.5], log).unwrap();
            let values = [0.7, 4.0, 2.5, 0.01];
            let z = scaling.scaled("x", &values).unwrap();
            let mut back = z.clone();
            scaling.unscale(&mut back);
            let slopes = scaling.slopes(&back);
            for i in 0..values.len() {
                assert!((back[i] - values[i]).abs() < 1e-14 * values[i].abs());
                let mut moved = z.clone();
                moved[i] += 1e-6;
                scaling.unscale(&mut moved);
                assert!(((moved[i] - back[i]) / 1e-6 - slopes[i]).abs() < 1e-5 * slopes[i]);
            }
        }
    }

    #[test]
    fn what_has_no_logarithm_is_named() {
        let scaling = Standardisation::new(vec![0.0, 0.0], vec![1.0, 1.0], true).unwrap();
        let message = scaling
            .scaled("target", &[1.0, 2.0, 3.0, -4.0])
            .unwrap_err();
        assert!(message.to_string().contains("target[1][1]"), "{message}");
        assert!(Standardisation::new(vec![0.0], vec![0.0], false).is_err());
    }
}
