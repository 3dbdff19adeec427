//! Some of the outputs of a simulator.

use std::sync::Arc;

use crate::core::description::Description;
use crate::core::simulator::{SecondOrder, Simulator};
use crate::core::space::Space;
use crate::error::Result;
use crate::linalg::LinearMap;
use crate::linalg::Matrix;
use crate::options::require;

/// x ↦ the values of P(x) at given places: what was observed of it.
///
/// # Shapes
/// x: that of the simulator. y: one value for each place.
///
/// # Cost
/// That of the simulator.
#[derive(Clone)]
pub struct Selected {
    simulator: Arc<dyn Simulator>,
    places: Vec<usize>,
    /// How many values the simulator's own output has.
    outputs: usize,
    output: Space,
    description: Description,
}

impl Selected {
    /// The simulator, seen at some places of its output.
    ///
    /// # Errors
    /// If a place lies beyond the output.
    pub fn new(simulator: Arc<dyn Simulator>, places: Vec<usize>) -> Result<Self> {
        let whole = simulator.output();
        let outputs = whole.len();
        let allowed = format!("the output has {outputs} values, counted from 0");
        places
            .iter()
            .try_for_each(|place| require(*place < outputs, "place", place, &allowed))?;
        let description = at_places(simulator.describe(), &places);
        let shape = match &description.series {
            Some(series) => vec![series.times.len(), series.columns.len()],
            None => vec![places.len()],
        };
        Ok(Self {
            output: Space::new(&whole.name, &shape, &whole.unit),
            simulator,
            places,
            outputs,
            description,
        })
    }

    fn select(&self, whole: &[f64], y: &mut [f64]) {
        y.iter_mut()
            .zip(&self.places)
            .for_each(|(y, place)| *y = whole[*place]);
    }

    /// The whole output's dy, 0 where nothing was observed.
    fn spread(&self, dy: &[f64]) -> Vec<f64> {
        let mut whole = vec![0.0; self.outputs];
        dy.iter()
            .zip(&self.places)
            .for_each(|(dy, place)| whole[*place] += dy);
        whole
    }
}

/// What is told of P, of some values of y.
fn at_places(description: Description, places: &[usize]) -> Description {
    let Description {
        typical,
        series,
        labels,
        stands_for,
        linear,
        approximation,
        keeps_trajectory,
    } = description;
    Description {
        series: series.and_then(|series| series.at(places)),
        // x is what it was.
        typical,
        labels,
        stands_for,
        linear,
        approximation,
        keeps_trajectory,
    }
}

impl Simulator for Selected {
    fn input(&self) -> &Space {
        self.simulator.input()
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        let mut whole = vec![0.0; self.outputs];
        self.simulator.forward(x, &mut whole)?;
        self.select(&whole, y);
        Ok(())
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        let mut whole = vec![0.0; self.outputs];
        self.simulator.jvp(x, dx, &mut whole)?;
        self.select(&whole, dy);
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.simulator.vjp(x, &self.spread(dy), dx)
    }
    fn linearize<'a>(&'a self, x: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'a>> {
        let mut whole = vec![0.0; self.outputs];
        let map = self.simulator.linearize(x, &mut whole)?;
        self.select(&whole, y);
        Ok(Box::new(SelectedMap {
            map,
            selected: self,
        }))
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        self.simulator.second_order().is_some().then_some(self)
    }
    fn describe(&self) -> Description {
        self.description.clone()
    }
    fn seen_at(&self, places: &[usize]) -> Option<Arc<dyn Simulator>> {
        let of_whole = places.iter().map(|place| self.places.get(*place).copied());
        let simulator = self
            .simulator
            .seen_at(&of_whole.collect::<Option<Vec<_>>>()?)?;
        Some(Arc::new(Self {
            simulator,
            ..self.clone()
        }))
    }
}

impl SecondOrder for Selected {
    fn vjp_derivative(&self, x: &[f64], dy: &[f64], dx: &[f64], out: &mut [f64]) -> Result<()> {
        match self.simulator.second_order() {
            Some(second) => second.vjp_derivative(x, &self.spread(dy), dx, out),
            None => {
                out.fill(0.0);
                Ok(())
            }
        }
    }
}

struct SelectedMap<'a> {
    map: Box<dyn LinearMap + Send + 'a>,
    selected: &'a Selected,
}

impl LinearMap for SelectedMap<'_> {
    fn inputs(&self) -> usize {
        self.map.inputs()
    }
    fn outputs(&self) -> usize {
        self.selected.places.len()
    }
    fn apply(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        let mut whole = vec![0.0; self.map.outputs()];
        self.map.apply(dx, &mut whole)?;
        self.selected.select(&whole, dy);
        Ok(())
    }
    fn apply_transpose(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        self.map.apply_transpose(&self.selected.spread(dy), dx)
    }
    fn dense(&self) -> Result<Matrix> {
        let whole = self.map.dense()?;
        let mut rows = Matrix::zeros(self.outputs(), self.inputs());
        for (i, place) in self.selected.places.iter().enumerate() {
            rows.row_mut(i).copy_from_slice(whole.row(*place));
        }
        Ok(rows)
    }
    fn noise(&self) -> Option<Vec<f64>> {
        let whole = self.map.noise()?;
        Some(self.selected.places.iter().map(|p| whole[*p]).collect())
    }
    fn look_for_noise(&self) -> Result<u64> {
        self.map.look_for_noise()
    }
    fn errors(&self, measure: bool) -> Result<Option<Matrix>> {
        let Some(whole) = self.map.errors(measure)? else {
            return Ok(None);
        };
        let rows: Vec<&[f64]> = self.selected.places.iter().map(|p| whole.row(*p)).collect();
        Ok(Some(Matrix::from_rows(&rows)))
    }
    fn expect_products(&self, count: usize) -> Result<()> {
        self.map.expect_products(count)
    }
}
