//! Network and physics as one simulator of θ.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Clock;
use super::spread::{spread, spread_over};
use crate::core::description::{Approximation, Description, Typical};
use crate::core::simulator::Simulator;
use crate::core::space::Space;
use crate::error::{Error, Result, expect_length};
use crate::linalg::LinearMap;
use crate::linalg::Matrix;
use crate::network::{Network, NetworkMap};

/// Network followed by physics, for a whole mini-batch: θ ↦ (P(f(y₁*; θ)), …, P(f(y_B*; θ))).
///
/// Without physics it is the network alone. Rules see a simulator like any other; products with
/// its J, its rows and its Gram matrix are made of the network's and the physics' own.
///
/// # Shapes
/// Input: θ. Output: the samples' outputs, one after the other.
///
/// # Cost
/// The network once for the batch, and the physics once for each sample, over all threads.
pub struct Joint {
    network: Arc<dyn Network>,
    inputs: Vec<f64>,
    physics: Vec<Arc<dyn Simulator>>,
    batch: usize,
    /// Values of one sample's y.
    width: usize,
    clock: Arc<Clock>,
    kept: Option<LinearizedBatch>,
    input: Space,
    output: Space,
    description: Description,
}

/// The network's outputs at one θ, cached.
struct LinearizedBatch {
    theta: Vec<f64>,
    outputs: Vec<f64>,
    map: Arc<dyn NetworkMap>,
}

impl Joint {
    /// The network alone, on a batch of inputs.
    pub fn alone(network: Arc<dyn Network>, inputs: Vec<f64>, clock: Arc<Clock>) -> Self {
        let batch = inputs.len() / network.input().len().max(1);
        let width = network.output().len();
        Self {
            input: theta(&*network),
            output: Space::new("batch of network outputs", &[batch, width], "1"),
            description: of_theta([]),
            network,
            inputs,
            physics: Vec::new(),
            batch,
            width,
            clock,
            kept: None,
        }
    }

    /// The network, then for each sample its simulator.
    ///
    /// # Errors
    /// If the network's output is not as long as a simulator's input, or two outputs differ in length.
    pub fn with_physics(
        network: Arc<dyn Network>,
        inputs: Vec<f64>,
        physics: Vec<Arc<dyn Simulator>>,
        clock: Arc<Clock>,
    ) -> Result<Self> {
        let width = physics.first().map_or(0, |p| p.output().len());
        let mut told = Vec::new();
        let mut checked: Option<&Arc<dyn Simulator>> = None;
        for simulator in &physics {
            // Mostly one simulator serves all samples.
            if checked.is_some_and(|known| Arc::ptr_eq(known, simulator)) {
                continue;
            }
            let x = simulator.input();
            expect_length(
                &format!("the network's output, which is to be the {}", x.name),
                network.output().len(),
                x.len(),
            )?;
            expect_length("a sample's output", simulator.output().len(), width)?;
            told.push(simulator.describe());
            checked = Some(simulator);
        }
        expect_length(
            "the list of simulators",
            physics.len(),
            inputs.len() / network.input().len().max(1),
        )?;
        let batch = physics.len();
        let output = match physics.first() {
            Some(physics) => {
                let one = physics.output();
                let shape = [&[batch], &one.shape[..]].concat();
                Space::new(&format!("batch of {}", one.name), &shape, &one.unit)
            }
            None => Space::new("batch of network outputs", &[0, 0], "1"),
        };
        Ok(Self {
            input: theta(&*network),
            output,
            description: of_theta(told),
            batch,
            physics,
            network,
            inputs,
            width,
            clock,
            kept: None,
        })
    }

    /// The network's outputs at θ. They are kept with ∂f/∂θ, so that what is asked for at this θ later
    /// does not evaluate the network again.
    ///
    /// # Errors
    /// If θ has the wrong length.
    pub fn keep(&mut self, theta: &[f64]) -> Result<Vec<f64>> {
        let mut outputs = vec![0.0; self.batch * self.x_width()];
        let map = self.linearized_network(theta, &mut outputs)?;
        self.kept = Some(LinearizedBatch {
            theta: theta.to_vec(),
            outputs: outputs.clone(),
            map,
        });
        Ok(outputs)
    }

    /// What was kept, if it was at this θ.
    fn kept_at(&self, theta: &[f64]) -> Option<&LinearizedBatch> {
        self.kept.as_ref().filter(|kept| kept.theta == theta)
    }

    /// Writes all x, and returns ∂f/∂θ.
    fn linearized_network(&self, theta: &[f64], x: &mut [f64]) -> Result<Arc<dyn NetworkMap>> {
        if let Some(kept) = self.kept_at(theta) {
            expect_length("the network's outputs", x.len(), kept.outputs.len())?;
            x.copy_from_slice(&kept.outputs);
            return Ok(Arc::clone(&kept.map));
        }
        let linearise = || self.network.linearize(theta, &self.inputs, x);
        Ok(self.clock.network(linearise)?.into())
    }

    /// Writes all x.
    fn network_forward(&self, theta: &[f64], x: &mut [f64]) -> Result<()> {
        if let Some(kept) = self.kept_at(theta) {
            expect_length("the network's outputs", x.len(), kept.outputs.len())?;
            x.copy_from_slice(&kept.outputs);
            return Ok(());
        }
        let forward = || self.network.forward(theta, &self.inputs, x);
        self.clock.network(forward)
    }

    /// Values of one sample's x.
    fn x_width(&self) -> usize {
        self.network.output().len()
    }
}

/// The space of θ.
fn theta(network: &dyn Network) -> Space {
    Space::new("theta", &[network.parameters()], "1")
}

/// What is told of the samples' physics, of a network and the physics behind it.
fn of_theta(physics: impl IntoIterator<Item = Description>) -> Description {
    let approximations = physics.into_iter().filter_map(|told| {
        let Description {
            // Of x, which lies between: θ has no names, and lies where networks start.
            typical: _,
            labels: _,
            stands_for: _,
            // Of one sample's y: a batch is no series.
            series: _,
            // A network is not linear in θ, and remembers what it did.
            linear: _,
            keeps_trajectory: _,
            approximation,
        } = told;
        approximation
    });
    Description {
        typical: Typical::default(),
        series: None,
        labels: None,
        stands_for: None,
        linear: false,
        approximation: Approximation::of_all(approximations),
        keeps_trajectory: true,
    }
}

impl Simulator for Joint {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, theta: &[f64], y: &mut [f64]) -> Result<()> {
        if self.physics.is_empty() {
            return self.network_forward(theta, y);
        }
        let mut x = vec![0.0; self.batch * self.x_width()];
        self.network_forward(theta, &mut x)?;
        let n = self.x_width();
        self.clock.physics(|| {
            spread_over(y, self.width, |i, y| {
                self.physics[i].forward(&x[i * n..(i + 1) * n], y)
            })
        })
    }
    fn jvp(&self, theta: &[f64], dtheta: &[f64], dy: &mut [f64]) -> Result<()> {
        let mut y = vec![0.0; dy.len()];
        self.linearize(theta, &mut y)?.apply(dtheta, dy)
    }
    fn vjp(&self, theta: &[f64], dy: &[f64], dtheta: &mut [f64]) -> Result<()> {
        let mut y = vec![0.0; dy.len()];
        self.linearize(theta, &mut y)?.apply_transpose(dy, dtheta)
    }
    fn describe(&self) -> Description {
        self.description.clone()
    }
    fn linearize<'a>(
        &'a self,
        theta: &[f64],
        y: &mut [f64],
    ) -> Result<Box<dyn LinearMap + Send + 'a>> {
        expect_length("y", y.len(), self.batch * self.width)?;
        let n = self.x_width();
        let mut x = vec![0.0; self.batch * n];
        let network = self.linearized_network(theta, &mut x)?;
        let mut physics = Vec::new();
        if self.physics.is_empty() {
            y.copy_from_slice(&x);
        } else {
            let linearised = self.clock.physics(|| {
                spread(self.batch, |i| {
                    let mut y = vec![0.0; self.width];
                    let map = self.physics[i].linearize(&x[i * n..(i + 1) * n], &mut y)?;
                    Ok((y, Mutex::new(map)))
                })
            })?;
            for ((one, map), y) in linearised.into_iter().zip(y.chunks_mut(self.width)) {
                y.copy_from_slice(&one);
                physics.push(map);
            }
        }
        Ok(Box::new(JointMap {
            joint: self,
            network,
            physics,
            dense: OnceLock::new(),
        }))
    }
}

struct JointMap<'a> {
    joint: &'a Joint,
    network: Arc<dyn NetworkMap>,
    /// ∂y/∂x of each sample; nothing where the network stands alone.
    physics: Vec<Mutex<Box<dyn LinearMap + Send + 'a>>>,
    /// The same as matrices, once they are worth it.
    dense: OnceLock<Vec<Matrix>>,
}

impl JointMap<'_> {
    /// Applies `work` to ∂y/∂x of sample i. A map that panicked in another thread is as it was.
    fn with<T>(&self, i: usize, work: impl FnOnce(&dyn LinearMap) -> Result<T>) -> Result<T> {
        let map = self.physics[i]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        work(&**map)
    }

    /// ∂y/∂x of all samples as matrices; `None` where the network stands alone.
    fn matrices(&self) -> Result<Option<&[Matrix]>> {
        if self.physics.is_empty() {
            return Ok(None);
        }
        if self.dense.get().is_none() {
            let clock = &self.joint.clock;
            let all = clock
                .physics(|| spread(self.physics.len(), |i| self.with(i, |map| map.dense())))?;
            let _ = self.dense.set(all);
        }
        Ok(self.dense.get().map(Vec::as_slice))
    }
}

impl JointMap<'_> {
    /// dy = ∂y/∂x dx of all samples.
    fn push(&self, dx: &[f64], dy: &mut [f64]) -> Result<()> {
        let (n, dense) = (self.joint.x_width(), self.dense.get());
        self.joint.clock.physics(|| {
            spread_over(dy, self.joint.width, |i, dy| {
                let dx = &dx[i * n..(i + 1) * n];
                match dense {
                    Some(matrices) => {
                        matrices[i].apply(dx, dy);
                        Ok(())
                    }
                    None => self.with(i, |map| map.apply(dx, dy)),
                }
            })
        })
    }

    /// dx = (∂y/∂x)ᵀ dy of all samples.
    fn pull(&self, dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let (n, m, dense) = (self.joint.x_width(), self.joint.width, self.dense.get());
        self.joint.clock.physics(|| {
            spread_over(dx, n, |i, dx| {
                let dy = &dy[i * m..(i + 1) * m];
                match dense {
                    Some(matrices) => {
                        matrices[i].apply_transpose(dy, dx);
                        Ok(())
                    }
                    None => self.with(i, |map| map.apply_transpose(dy, dx)),
                }
            })
        })
    }
}

impl LinearMap for JointMap<'_> {
    fn inputs(&self) -> usize {
        self.joint.network.parameters()
    }
    fn outputs(&self) -> usize {
        self.joint.batch * self.joint.width
    }
    fn apply(&self, dtheta: &[f64], dy: &mut [f64]) -> Result<()> {
        let clock = &self.joint.clock;
        if self.physics.is_empty() {
            return clock.network(|| self.network.apply(dtheta, dy));
        }
        let mut dx = vec![0.0; self.network.outputs()];
        clock.network(|| self.network.apply(dtheta, &mut dx))?;
        self.push(&dx, dy)
    }
    fn apply_transpose(&self, dy: &[f64], dtheta: &mut [f64]) -> Result<()> {
        let clock = &self.joint.clock;
        if self.physics.is_empty() {
            return clock.network(|| self.network.apply_transpose(dy, dtheta));
        }
        let mut dx = vec![0.0; self.network.outputs()];
        self.pull(dy, &mut dx)?;
        clock.network(|| self.network.apply_transpose(&dx, dtheta))
    }
    fn apply_gram(&self, dy: &[f64], scratch: &mut [f64], out: &mut [f64]) -> Result<()> {
        let clock = &self.joint.clock;
        if self.physics.is_empty() {
            return clock.network(|| self.network.apply_gram(dy, scratch, out));
        }
        let mut pulled = vec![0.0; self.network.outputs()];
        let mut dx = vec![0.0; self.network.outputs()];
        self.pull(dy, &mut pulled)?;
        clock.network(|| self.network.apply_gram(&pulled, scratch, &mut dx))?;
        self.push(&dx, out)
    }
    /// ∂y/∂x as matrices, where making them takes fewer products than are to come.
    fn expect_products(&self, count: usize) -> Result<()> {
        if self.joint.width.min(self.joint.x_width()) < count {
            self.matrices()?;
        }
        Ok(())
    }
    fn dense(&self) -> Result<Matrix> {
        let physics = self.matrices()?;
        self.joint.clock.network(|| self.network.jacobian(physics))
    }
    fn gram(&self) -> Result<Matrix> {
        let physics = self.matrices()?;
        self.joint.clock.network(|| self.network.gram(physics))
    }
}

/// A strategy met a sample without what it needs.
pub(super) fn missing_label(index: usize) -> Error {
    Error::Unsupported {
        rule: "supervised training",
        needs: "the x that belongs to each y*",
        simulator: format!("sample {index} of the batch"),
        instead: vec!["end-to-end or corrected-targets, which learn from y* alone".into()],
    }
}
