//! Coffee that cools: a simulator of one's own, with every command of retrodict.
//!
//! ```sh
//! cargo run -p own-simulator -- list cooling
//! cargo run -p own-simulator -- solve cooling --target temperatures.csv --noise-std 0.2
//! ```

use std::process::ExitCode;

use retrodict::models::ode::{Number, OdeOptions, RightHandSide, Settings, Transform};
use retrodict::registry::Registry;

/// Newton's law of cooling: T′ = −k (T − A).
///
/// x: the rate k in 1/min, as a logarithm, and the temperature A of the air in °C.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Cooling;

impl RightHandSide for Cooling {
    fn name(&self) -> &'static str {
        "cooling"
    }
    fn states(&self) -> &'static [(&'static str, &'static str)] {
        &[("temperature", "°C")]
    }
    fn parameters(&self) -> &'static [(&'static str, &'static str)] {
        &[("rate", "1/min"), ("air", "°C")]
    }
    fn time_unit(&self) -> &'static str {
        "min"
    }
    fn rate<D: Number>(&self, _: f64, y: &[D], p: &[D], rate: &mut [D]) {
        rate[0] = -p[0] * (y[0] - p[1]);
    }
    fn defaults(&self) -> Settings {
        Settings::new(
            vec![90.0],
            vec![Transform::Log, Transform::None],
            (1..=12).map(|i| 5.0 * f64::from(i)).collect(),
            1.0,
        )
    }
}

fn main() -> ExitCode {
    let registry = Registry::default().with_simulator::<OdeOptions<Cooling>>(
        "cooling",
        "Coffee that cools: rate and temperature of the air from its course",
        "Newton 1701",
    );
    retrodict_cli::main_with(registry)
}
