//! A damped pendulum.

use crate::models::ode::{Number, RightHandSide, Settings, Transform};

/// A damped pendulum: θ″ = −(g/l) sin θ − γθ′.
///
/// x: g/l and γ; with `fit_initial` also angle and speed at time 0. Angles 2π apart look the same
/// through sin θ but not through θ itself. Without damping ½θ′² − (g/l) cos θ is conserved.
///
/// ```
/// use retrodict::models::ode::OdeOptions;
/// use retrodict::prelude::*;
/// use retrodict::simulators::Pendulum;
/// let pendulum = OdeOptions::<Pendulum>::default().with_dt(0.01).build()?;
/// let mut y = [0.0; 40];
/// pendulum.forward(&[2.0, 0.0], &mut y)?;
/// let energy = |y: &[f64]| 0.5 * y[1] * y[1] - 2.0 * y[0].cos();
/// assert!((energy(&y[38..]) - energy(&[1.0, 0.0])).abs() < 1e-8 && y[38] < 1.0);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// g/l in 1/s², γ in 1/s, θ in rad, θ′ in rad/s.
///
/// # Source
/// Landau & Lifshitz, *Mechanics*, § 11.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pendulum;

impl RightHandSide for Pendulum {
    fn name(&self) -> &'static str {
        "pendulum"
    }
    fn states(&self) -> &'static [(&'static str, &'static str)] {
        &[("angle", "rad"), ("speed", "rad/s")]
    }
    fn parameters(&self) -> &'static [(&'static str, &'static str)] {
        &[("stiffness", "1/s²"), ("damping", "1/s")]
    }
    fn time_unit(&self) -> &'static str {
        "s"
    }
    fn rate<D: Number>(&self, _: f64, y: &[D], p: &[D], rate: &mut [D]) {
        rate[0] = y[1];
        rate[1] = -(p[0] * y[0].sin()) - p[1] * y[1];
    }
    fn defaults(&self) -> Settings {
        Settings {
            initial: vec![1.0, 0.0],
            transform: vec![Transform::None],
            times: (1..=20).map(|i| 0.25 * f64::from(i)).collect(),
            dt: 0.05,
        }
    }
}
