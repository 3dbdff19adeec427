//! A rotated sine with infinitely many solutions.

use std::f64::consts::PI;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::simulator::{LocalInverse, SecondOrder, Simulator};
use crate::core::space::Space;
use crate::error::Result;
use crate::options::{Build, Checked, Validate, positive, require};

/// A rotated sine with scales ξ² apart: P(x) = (sin(x̂₁)/ξ, ξ x̂₂), x̂ = R_φ x.
///
/// ξ makes the problem ill-conditioned, φ mixes the directions so that no rescaling of single
/// parameters helps, and the sine brings infinitely many solutions.
///
/// With γ given, the scales stand inside the sine: P(x) = (sin(γ x̂₁/ξ), γ ξ x̂₂). This is the form
/// that the published networks were trained on, with γ = 10: y lies in \[−1, 1\] whatever ξ is, and
/// solutions are 2πξ/γ apart.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::SineOptions;
/// let sine = SineOptions::default().with_xi(2.0).with_phi(0.0).build()?;
/// let mut y = [0.0; 2];
/// sine.forward(&[f64::to_radians(30.0), 1.5], &mut y)?;
/// assert!((y[0] - 0.5 / 2.0).abs() < 1e-15 && y[1] == 2.0 * 1.5);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x and y have 2 values.
///
/// # Units
/// x in rad; y without a unit.
///
/// # Source
/// Holl, Koltun & Thuerey, *Scale-invariant Learning by Physics Inversion*, section 4.1 and
/// appendix B.1; the form with γ: the code that the paper publishes, `sin_characterization`.
#[derive(Debug, Clone)]
pub struct Sine {
    options: Checked<SineOptions>,
    input: Space,
    output: Space,
}

/// The options of [`Sine`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct SineOptions {
    /// The conditioning ξ > 0; the singular values are about 1/ξ and ξ.
    pub xi: f64,
    /// The rotation φ, in degrees.
    pub phi: f64,
    /// γ > 0, with which the scales stand inside the sine.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub gamma: Option<f64>,
}

impl Default for SineOptions {
    fn default() -> Self {
        Self {
            xi: 32.0,
            phi: 45.0,
            gamma: None,
        }
    }
}

impl Validate for SineOptions {
    fn validate(&self) -> Result<()> {
        positive("xi", self.xi)?;
        if let Some(gamma) = self.gamma {
            positive("gamma", gamma)?;
        }
        require(
            self.phi.is_finite(),
            "phi",
            self.phi,
            "it is an angle in degrees and must be finite",
        )
    }
}

impl Build for SineOptions {
    type Built = Sine;

    fn make(options: Checked<Self>) -> Result<Sine> {
        Ok(Sine {
            input: Space::new("angles", &[2], "rad"),
            output: Space::new("rotated sine", &[2], "1"),
            options,
        })
    }
}

impl Sine {
    /// What it was made of.
    pub fn options(&self) -> &SineOptions {
        &self.options
    }
}

/// P(x) = (outer · sin(inner · x̂₁), linear · x̂₂): what both forms have in common.
struct Scales {
    outer: f64,
    inner: f64,
    linear: f64,
}

impl Scales {
    /// ∂y₁/∂x̂₁.
    fn slope(&self, a: f64) -> f64 {
        self.outer * self.inner * (self.inner * a).cos()
    }
}

impl Sine {
    fn scales(&self) -> Scales {
        match self.options.gamma {
            None => Scales {
                outer: 1.0 / self.options.xi,
                inner: 1.0,
                linear: self.options.xi,
            },
            Some(gamma) => Scales {
                outer: 1.0,
                inner: gamma / self.options.xi,
                linear: gamma * self.options.xi,
            },
        }
    }

    /// x̂ = R_φ x.
    fn rotate(&self, x: &[f64]) -> [f64; 2] {
        let (s, c) = self.options.phi.to_radians().sin_cos();
        [c * x[0] - s * x[1], s * x[0] + c * x[1]]
    }

    /// R_φᵀ x̂.
    fn rotate_back(&self, x: [f64; 2], out: &mut [f64]) {
        let (s, c) = self.options.phi.to_radians().sin_cos();
        out[0] = c * x[0] + s * x[1];
        out[1] = -s * x[0] + c * x[1];
    }
}

impl Simulator for Sine {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        let ([a, b], scales) = (self.rotate(x), self.scales());
        y[0] = scales.outer * (scales.inner * a).sin();
        y[1] = scales.linear * b;
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        let ([a, _], scales) = (self.rotate(x), self.scales());
        let [da, db] = self.rotate(dx);
        dy[0] = scales.slope(a) * da;
        dy[1] = scales.linear * db;
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let ([a, _], scales) = (self.rotate(x), self.scales());
        self.rotate_back([scales.slope(a) * dy[0], scales.linear * dy[1]], dx);
        Ok(())
    }
    fn local_inverse(&self) -> Option<&dyn LocalInverse> {
        Some(self)
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        Some(self)
    }
}

impl LocalInverse for Sine {
    /// Of the solutions asin(ξy₁) + 2πk and π − asin(ξy₁) + 2πk, the one nearest to x̂₀; with γ given,
    /// those of γx̂₁/ξ without the ξ of y₁. A y₁ beyond what a sine reaches is taken for the nearest
    /// that it does.
    fn invert_near(&self, y: &[f64], x0: &[f64], x: &mut [f64]) -> Result<()> {
        let ([a0, _], scales) = (self.rotate(x0), self.scales());
        let angle0 = scales.inner * a0;
        let principal = (y[0] / scales.outer).clamp(-1.0, 1.0).asin();
        let near = |angle: f64| angle + 2.0 * PI * ((angle0 - angle) / (2.0 * PI)).round();
        let (rising, falling) = (near(principal), near(PI - principal));
        let angle = if (rising - angle0).abs() <= (falling - angle0).abs() {
            rising
        } else {
            falling
        };
        self.rotate_back([angle / scales.inner, y[1] / scales.linear], x);
        Ok(())
    }
    fn is_nearest(&self) -> bool {
        true
    }
}

impl SecondOrder for Sine {
    fn vjp_derivative(&self, x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
        let ([a, _], scales) = (self.rotate(x), self.scales());
        let [da, _] = self.rotate(dx);
        let bend = -scales.outer * scales.inner * scales.inner * (scales.inner * a).sin();
        self.rotate_back([bend * da * dy[0], 0.0], out);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_picks_the_nearest_of_infinitely_many_solutions() {
        let options = SineOptions::default().with_xi(4.0).with_phi(0.0);
        let sine = options.build().unwrap();
        let mut x = [0.0; 2];
        // sin x = ½ at 30°, 150°, 390°, 510°, …
        for (near, expected) in [
            (20.0, 30.0),
            (140.0, 150.0),
            (400.0, 390.0),
            (-200.0, -210.0),
        ] {
            let x0 = [f64::to_radians(near), 0.0];
            sine.invert_near(&[0.125, 8.0], &x0, &mut x).unwrap();
            assert!((x[0].to_degrees() - expected).abs() < 1e-12);
            assert!((x[1] - 2.0).abs() < 1e-15);
        }
    }
}
