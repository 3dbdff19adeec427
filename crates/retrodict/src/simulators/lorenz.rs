//! Lorenz's chaotic model of convection.

use crate::models::ode::{Number, RightHandSide, Settings, Transform};

/// Lorenz's convection: y₀′ = σ(y₁ − y₀), y₁′ = y₀(ρ − y₂) − y₁, y₂′ = y₀y₁ − βy₂.
///
/// x: σ, ρ and β; chaotic near (10, 28, 8/3), where a gradient through a long time says nothing.
///
/// ```
/// use retrodict::models::ode::OdeOptions;
/// use retrodict::prelude::*;
/// use retrodict::simulators::Lorenz;
/// let lorenz = OdeOptions::<Lorenz>::default().build()?;
/// let mut y = [0.0; 60];
/// // With ρ = 2 and β = 1 the start (1, 1, 1) is at rest.
/// lorenz.forward(&[10.0, 2.0, 1.0], &mut y)?;
/// assert_eq!(y, [1.0; 60]);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// Dimensionless.
///
/// # Source
/// Lorenz, *Deterministic nonperiodic flow* (1963), equations 25 to 27.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lorenz;

impl RightHandSide for Lorenz {
    fn name(&self) -> &'static str {
        "convection"
    }
    fn states(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("overturning", "1"),
            ("difference", "1"),
            ("distortion", "1"),
        ]
    }
    fn parameters(&self) -> &'static [(&'static str, &'static str)] {
        &[("sigma", "1"), ("rho", "1"), ("beta", "1")]
    }
    fn rate<D: Number>(&self, _: f64, y: &[D], p: &[D], rate: &mut [D]) {
        rate[0] = p[0] * (y[1] - y[0]);
        rate[1] = y[0] * (p[1] - y[2]) - y[1];
        rate[2] = y[0] * y[1] - p[2] * y[2];
    }
    fn defaults(&self) -> Settings {
        Settings {
            initial: vec![1.0, 1.0, 1.0],
            transform: vec![Transform::None],
            times: (1..=20).map(|i| 0.05 * f64::from(i)).collect(),
            dt: 0.01,
        }
    }
}
