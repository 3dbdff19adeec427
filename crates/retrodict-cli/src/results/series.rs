//! Data and curves of a y that is a series in time.

use std::sync::Arc;

use crate::registry;
use retrodict::{Series, Simulator};

use crate::data::Array;
use crate::results::folder::SeriesFacts;

/// Points of a curve between two observations.
const FINE: usize = 8;

/// What the report needs to draw a series: observations, and the same simulator at finer times.
pub struct Curves {
    series: Series,
    fine: Vec<f64>,
    simulator: Arc<dyn Simulator>,
}

impl Curves {
    /// `None` where y is no series, or the simulator does not take its times as an option.
    pub fn new(simulator: &dyn Simulator, name: &str, options: &toml::Table) -> Option<Self> {
        let series = simulator.describe().series?;
        let entry = registry().simulators.find(name).ok()?;
        if !entry.accepts("times") {
            return None;
        }
        let fine = refined(&series.times);
        let mut options = options.clone();
        options.insert("times".to_owned(), fine.clone().into());
        Some(Self {
            series,
            fine,
            simulator: registry().simulators.build(name, &options).ok()?,
        })
    }

    /// The same, where x are other unknowns.
    pub fn through(
        self,
        wrap: impl FnOnce(Arc<dyn Simulator>) -> Option<Arc<dyn Simulator>>,
    ) -> Option<Self> {
        Some(Self {
            simulator: wrap(self.simulator)?,
            ..self
        })
    }

    /// For the report.
    pub fn facts(&self) -> SeriesFacts {
        SeriesFacts {
            times: self.series.times.clone(),
            fine: self.fine.clone(),
            time_unit: self.series.time_unit.clone(),
            columns: self.series.columns.clone(),
        }
    }

    /// What was observed, in the units of the columns.
    pub fn data(&self, y: &[f64]) -> Array {
        self.array(y.to_vec())
    }

    /// Where x leads; not a number where the simulation fails.
    pub fn curve(&self, x: &[f64]) -> Array {
        let mut y = vec![f64::NAN; self.fine.len() * self.series.columns.len()];
        if self.simulator.forward(x, &mut y).is_err() {
            y.fill(f64::NAN);
        }
        self.array(y)
    }

    fn array(&self, mut y: Vec<f64>) -> Array {
        if self.series.logarithm {
            y.iter_mut().for_each(|y| *y = y.exp());
        }
        let columns = self.series.columns.len();
        Array::new(vec![y.len() / columns.max(1), columns], y)
    }
}

/// The times and equally many points between each two.
fn refined(times: &[f64]) -> Vec<f64> {
    let mut fine = Vec::with_capacity(FINE * times.len());
    for pair in times.windows(2) {
        let step = (pair[1] - pair[0]) / FINE as f64;
        fine.extend((0..FINE).map(|i| pair[0] + i as f64 * step));
    }
    fine.extend(times.last());
    fine
}
