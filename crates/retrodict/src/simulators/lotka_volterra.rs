//! Predators and their prey.

use crate::models::ode::{Number, RightHandSide, Settings, Transform};

/// Prey and predators: y₀′ = a y₀ − b y₀y₁, y₁′ = −c y₁ + d y₀y₁.
///
/// x: growth a, predation b, death c and conversion d, as logarithms; with `fit_initial` also
/// both populations at time 0. Every cycle conserves d y₀ − c ln y₀ + b y₁ − a ln y₁. Far
/// from the solution the misfit has other minima: use several starts.
///
/// ```
/// use retrodict::models::ode::OdeOptions;
/// use retrodict::prelude::*;
/// use retrodict::simulators::LotkaVolterra;
/// let nature = OdeOptions::<LotkaVolterra>::default().build()?;
/// let mut y = [0.0; 40];
/// nature.forward(&nature.unknowns(&[0.7, 0.5, 1.0, 0.4])?, &mut y)?;
/// let cycle = |y: &[f64]| 0.4 * y[0] - y[0].ln() + 0.5 * y[1] - 0.7 * y[1].ln();
/// assert!((cycle(&y[38..]) - cycle(&[1.0, 1.0])).abs() < 1e-8 && y[38] != 1.0);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// a and c in 1/time, b and d in 1/(time · population).
///
/// # Source
/// Lotka 1925; Volterra 1926.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LotkaVolterra;

impl RightHandSide for LotkaVolterra {
    fn name(&self) -> &'static str {
        "populations"
    }
    fn states(&self) -> &'static [(&'static str, &'static str)] {
        &[("prey", "1"), ("predators", "1")]
    }
    fn parameters(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("growth", "1/time"),
            ("predation", "1/time"),
            ("death", "1/time"),
            ("conversion", "1/time"),
        ]
    }
    fn rate<D: Number>(&self, _: f64, y: &[D], p: &[D], rate: &mut [D]) {
        let met = y[0] * y[1];
        rate[0] = p[0] * y[0] - p[1] * met;
        rate[1] = p[3] * met - p[2] * y[1];
    }
    fn defaults(&self) -> Settings {
        Settings {
            initial: vec![1.0, 1.0],
            transform: vec![Transform::Log],
            times: (1..=20).map(|i| 0.5 * f64::from(i)).collect(),
            dt: 0.02,
        }
    }
}
