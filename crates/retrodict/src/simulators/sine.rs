use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::options::{Validate, positive, require};
use crate::simulator::{LocalInverse, SecondOrder, Simulator, Space};

/// A rotated sine with scales ξ² apart: P(x) = (sin(x̂₁)/ξ, ξ x̂₂), x̂ = R_φ x.
///
/// ξ makes the problem ill-conditioned, φ mixes the directions so that no rescaling of single
/// parameters helps, and the sine brings infinitely many solutions.
///
/// # Shapes
/// x and y have 2 values.
///
/// # Units
/// x in rad; y without a unit.
///
/// # Source
/// Holl, Koltun & Thuerey, *Scale-invariant Learning by Physics Inversion*, section 4.1 and
/// appendix B.1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sine {
    /// The conditioning ξ > 0; the singular values are about 1/ξ and ξ.
    pub xi: f64,
    /// The rotation φ, in degrees.
    pub phi: f64,
}

impl Default for Sine {
    fn default() -> Self {
        Self {
            xi: 32.0,
            phi: 45.0,
        }
    }
}

impl Validate for Sine {
    fn validate(&self) -> Result<()> {
        positive("xi", self.xi)?;
        require(
            self.phi.is_finite(),
            "phi",
            self.phi,
            "it is an angle in degrees and must be finite",
        )
    }
}

impl Sine {
    /// x̂ = R_φ x.
    fn rotate(&self, x: &[f64]) -> [f64; 2] {
        let (s, c) = self.phi.to_radians().sin_cos();
        [c * x[0] - s * x[1], s * x[0] + c * x[1]]
    }

    /// R_φᵀ x̂.
    fn rotate_back(&self, x: [f64; 2], out: &mut [f64]) {
        let (s, c) = self.phi.to_radians().sin_cos();
        out[0] = c * x[0] + s * x[1];
        out[1] = -s * x[0] + c * x[1];
    }
}

impl Simulator for Sine {
    fn input(&self) -> Space {
        Space::new("angles", &[2], "rad")
    }
    fn output(&self) -> Space {
        Space::new("rotated sine", &[2], "1")
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        let [a, b] = self.rotate(x);
        y[0] = a.sin() / self.xi;
        y[1] = self.xi * b;
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        let [a, _] = self.rotate(x);
        let [da, db] = self.rotate(dx);
        dy[0] = a.cos() * da / self.xi;
        dy[1] = self.xi * db;
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let [a, _] = self.rotate(x);
        self.rotate_back([a.cos() * dy[0] / self.xi, self.xi * dy[1]], dx);
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
    /// Of the solutions asin(ξy₁) + 2πk and π − asin(ξy₁) + 2πk, the one nearest to x̂₀.
    /// A y₁ beyond ±1/ξ is out of reach; the nearest point that P reaches is taken.
    fn invert_near(&self, y: &[f64], x0: &[f64], x: &mut [f64]) -> Result<()> {
        let [a0, _] = self.rotate(x0);
        let principal = (self.xi * y[0]).clamp(-1.0, 1.0).asin();
        let near = |a: f64| a + 2.0 * PI * ((a0 - a) / (2.0 * PI)).round();
        let (rising, falling) = (near(principal), near(PI - principal));
        let a = if (rising - a0).abs() <= (falling - a0).abs() {
            rising
        } else {
            falling
        };
        self.rotate_back([a, y[1] / self.xi], x);
        Ok(())
    }
    fn is_nearest(&self) -> bool {
        true
    }
}

impl SecondOrder for Sine {
    fn vjp_derivative(&self, x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
        let [a, _] = self.rotate(x);
        let [da, _] = self.rotate(dx);
        self.rotate_back([-a.sin() * da * dy[0] / self.xi, 0.0], out);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_picks_the_nearest_of_infinitely_many_solutions() {
        let sine = Sine { xi: 4.0, phi: 0.0 };
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
