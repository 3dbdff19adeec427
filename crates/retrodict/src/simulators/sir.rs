//! The course of an epidemic.

use crate::models::ode::{Number, RightHandSide, Settings, Transform};

/// An epidemic: S′ = −βSI, I′ = βSI − γI, R′ = γI, as shares of the population.
///
/// x: β and γ, as logarithms; β/γ is the basic reproduction number. S + I + R is conserved.
///
/// ```
/// use retrodict::models::ode::OdeOptions;
/// use retrodict::prelude::*;
/// use retrodict::simulators::Sir;
/// let epidemic = OdeOptions::<Sir>::default().build()?;
/// let mut y = [0.0; 60];
/// epidemic.forward(&epidemic.unknowns(&[0.5, 0.2])?, &mut y)?;
/// // Everyone is in one of three states, and more and more have had it.
/// assert!((y[57..].iter().sum::<f64>() - 1.0).abs() < 1e-14 && y[59] > 0.2);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// β and γ in 1/day.
///
/// # Source
/// Kermack & McKendrick, *A contribution to the mathematical theory of epidemics* (1927).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sir;

impl RightHandSide for Sir {
    fn name(&self) -> &'static str {
        "epidemic"
    }
    fn states(&self) -> &'static [(&'static str, &'static str)] {
        &[("susceptible", "1"), ("infected", "1"), ("recovered", "1")]
    }
    fn parameters(&self) -> &'static [(&'static str, &'static str)] {
        &[("contact", "1/day"), ("recovery", "1/day")]
    }
    fn time_unit(&self) -> &'static str {
        "day"
    }
    fn rate<D: Number>(&self, _: f64, y: &[D], p: &[D], rate: &mut [D]) {
        let infections = p[0] * y[0] * y[1];
        let recoveries = p[1] * y[1];
        rate[0] = -infections;
        rate[1] = infections - recoveries;
        rate[2] = recoveries;
    }
    fn defaults(&self) -> Settings {
        Settings {
            initial: vec![0.99, 0.01, 0.0],
            transform: vec![Transform::Log],
            times: (1..=20).map(f64::from).collect(),
            dt: 0.1,
        }
    }
}
