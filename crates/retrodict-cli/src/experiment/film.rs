//! What happens between x and y: a few frames of the simulation, where y is a picture.

use std::sync::Arc;

use crate::registry;
use retrodict::Simulator;

use crate::data::Array;

/// The number of frames, the first and the last moment included.
const FRAMES: usize = 5;

/// A simulator that shows its state several times on the way.
pub struct Film {
    simulator: Arc<dyn Simulator>,
    steps: Vec<usize>,
    frame: Vec<usize>,
}

impl Film {
    /// `None` where y is no picture, or the simulator does not take its moments as an option.
    pub fn new(simulator: &dyn Simulator, name: &str, options: &toml::Table) -> Option<Self> {
        let entry = registry().simulators.find(name).ok()?;
        let frame = simulator.output().shape.clone();
        let fits = frame.len() == 2 && entry.accepts("observe_steps") && entry.accepts("steps");
        if !fits || options.contains_key("observe_steps") {
            return None;
        }
        let defaults = entry.defaults();
        let steps = options.get("steps").or_else(|| defaults.get("steps"))?;
        let last = usize::try_from(steps.as_integer()?).ok()?;
        let mut steps: Vec<usize> = (0..FRAMES).map(|i| i * last / (FRAMES - 1)).collect();
        steps.dedup();
        let moments: Vec<toml::Value> = steps.iter().map(|n| (*n as i64).into()).collect();
        let mut options = options.clone();
        options.insert("observe_steps".to_owned(), moments.into());
        let simulator = registry().simulators.build(name, &options).ok()?;
        let expected = steps.len() * frame.iter().product::<usize>();
        (simulator.output().len() == expected).then_some(Self {
            simulator,
            steps,
            frame,
        })
    }

    /// After how many steps each frame is.
    pub fn steps(&self) -> &[usize] {
        &self.steps
    }

    /// The frames that x leads to; not a number where the simulation fails.
    pub fn frames(&self, x: &[f64]) -> Array {
        let mut y = vec![f64::NAN; self.simulator.output().len()];
        if self.simulator.forward(x, &mut y).is_err() {
            y.fill(f64::NAN);
        }
        let shape = std::iter::once(self.steps.len()).chain(self.frame.iter().copied());
        Array::new(shape.collect(), y)
    }
}
