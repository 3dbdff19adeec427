//! Parameters of which x holds a logarithm or a logit, in their own units.

use retrodict::{Simulator, StandsFor, Transform};
use serde::{Deserialize, Serialize};

/// What a transformed value of x stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnUnit {
    /// The name without the transform, such as `growth` for `ln growth`.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// From x to the parameter; monotone, so that it maps the ends of an interval too.
    pub transform: Transform,
}

impl OwnUnit {
    /// The parameter that a value of x stands for.
    pub fn of(&self, x: f64) -> f64 {
        self.transform.apply(x)
    }
}

/// For each value of x, what it stands for where that is another one; nothing for simulators that do not say.
pub fn own_units(simulator: &dyn Simulator) -> Vec<Option<OwnUnit>> {
    let own = simulator.describe().stands_for.unwrap_or_default();
    let unit = |own: StandsFor| {
        (!own.transform.is_linear()).then_some(OwnUnit {
            name: own.name,
            unit: own.unit,
            transform: own.transform,
        })
    };
    own.into_iter().map(unit).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_of_rates_stand_for_rates() {
        let own_units = |name: &str, options: &toml::Table| {
            own_units(&*crate::registry().simulators.build(name, options).unwrap())
        };
        let units = own_units("lotka-volterra", &toml::Table::new());
        let growth = units[0].as_ref().unwrap();
        assert_eq!(
            (growth.name.as_str(), growth.unit.as_str()),
            ("growth", "1/time")
        );
        assert!((growth.of(0.5_f64.ln()) - 0.5).abs() < 1e-15);
        let plain: toml::Table = "transform = ['none']".parse().unwrap();
        assert_eq!(own_units("lotka-volterra", &plain)[0], None);
        assert!(own_units("heat", &toml::Table::new()).is_empty());
    }
}
