//! A nerve that fires.

use crate::models::ode::{Number, RightHandSide, Settings, Transform};

/// A nerve that fires: v′ = v − v³/3 − w + I, w′ = ε (v + a − b w), with a voltage v and a slow recovery w.
///
/// x: offset a, damping b, rate ε and current I. Where b < 1 there is one state of rest, and for currents in between it is
/// unstable: then the nerve fires again and again.
///
/// ```
/// use retrodict::models::ode::OdeOptions;
/// use retrodict::prelude::*;
/// use retrodict::simulators::FitzHughNagumo;
/// // Without a current it comes to rest, where v − v³/3 = w = (v + a)/b.
/// let nerve = OdeOptions::<FitzHughNagumo>::default().with_times([200.0]).build()?;
/// let mut y = [0.0; 2];
/// nerve.forward(&[0.7, 0.8, 0.08, 0.0], &mut y)?;
/// let [v, w] = y;
/// assert!((v - v.powi(3) / 3.0 - w).abs() < 1e-6 && (v + 0.7 - 0.8 * w).abs() < 1e-6);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Units
/// None: time, voltage and current are scaled.
///
/// # Source
/// FitzHugh, *Impulses and physiological states in theoretical models of nerve membrane* (Biophys. J. 1, 1961); Nagumo,
/// Arimoto & Yoshizawa, *An active pulse transmission line simulating nerve axon* (Proc. IRE 50, 1962).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FitzHughNagumo;

impl RightHandSide for FitzHughNagumo {
    fn name(&self) -> &'static str {
        "nerve"
    }
    fn states(&self) -> &'static [(&'static str, &'static str)] {
        &[("voltage", "1"), ("recovery", "1")]
    }
    fn parameters(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("offset", "1"),
            ("damping", "1"),
            ("rate", "1/time"),
            ("current", "1"),
        ]
    }
    fn rate<D: Number>(&self, _: f64, y: &[D], p: &[D], rate: &mut [D]) {
        let [v, w] = [y[0], y[1]];
        rate[0] = v - v * v * v / 3.0 - w + p[3];
        rate[1] = p[2] * (v + p[0] - p[1] * w);
    }
    fn defaults(&self) -> Settings {
        Settings {
            initial: vec![1.0, 1.0],
            transform: vec![Transform::None],
            times: (1..=30).map(f64::from).collect(),
            dt: 0.05,
        }
    }
}
