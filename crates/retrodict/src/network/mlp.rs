//! Dense layers one after the other.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Activation, Network, NetworkMap, Precision, Weight};
use crate::core::space::Space;
use crate::error::{Result, expect_length};
use crate::linalg::{Real, View, multiply_add};
use crate::options::require;

mod map;

use map::{MlpMap, Stage};

/// A multilayer perceptron: dense layers a ↦ s(a W + b), the last one without s.
///
/// θ holds for each layer W (inputs × outputs, in row order), then b.
///
/// # Shapes
/// Input and output of a sample are as long as the first and the last width.
///
/// # Cost
/// |θ| multiplications a sample forward, twice that for a product with the transposed derivative.
/// At the sizes that physics needs, the time goes into overheads, not into the numbers: `f64` costs little
/// there, and half-inverse steps need what it resolves. Gram matrix and Jacobian are in `f64` always.
///
/// # Source
/// Glorot & Bengio 2010 for the initial weights; He et al. 2015 for those of relu networks.
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp {
    widths: Vec<usize>,
    activation: Activation,
    initialisation: Initialisation,
    precision: Precision,
    input: Space,
    output: Space,
}

/// How weights are drawn at the start; biases start at zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Initialisation {
    /// Uniform within ±√(6/(inputs + outputs)).
    #[default]
    Glorot,
    /// Uniform within ±√(6/inputs).
    He,
    /// Uniform within ±1/√inputs, as PyTorch draws.
    Narrow,
}

impl Initialisation {
    /// The largest weight of a layer.
    pub fn limit(self, inputs: usize, outputs: usize) -> f64 {
        let (scale, fan) = match self {
            Self::Glorot => (6.0, inputs + outputs),
            Self::He => (6.0, inputs),
            Self::Narrow => (1.0, inputs),
        };
        f64::sqrt(scale / fan.max(1) as f64)
    }
}

impl Mlp {
    /// A network by its widths from input to output, at least two, with the usual activation.
    ///
    /// ```
    /// use retrodict::Network;
    /// use retrodict::network::{Activation, Mlp};
    /// let network = Mlp::new([4, 20, 20, 24])?.with_activation(Activation::Tanh);
    /// assert_eq!(network.input().len(), 4);
    /// assert!(Mlp::new([4]).is_err());
    /// # Ok::<(), retrodict::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there are fewer than two widths, or one is 0.
    pub fn new(widths: impl Into<Vec<usize>>) -> Result<Self> {
        let widths = widths.into();
        require(
            widths.len() >= 2 && !widths.contains(&0),
            "widths",
            format!("{widths:?}"),
            "it needs at least input and output, each 1 or more, for example [4, 20, 20, 24]",
        )?;
        let space = |name, width: usize| Space::new(name, &[width], "1");
        Ok(Self {
            input: space("network input", widths[0]),
            output: space("network output", widths[widths.len() - 1]),
            widths,
            activation: Activation::default(),
            initialisation: Initialisation::default(),
            precision: Precision::F64,
        })
    }

    /// Another activation after each layer but the last.
    #[must_use]
    pub fn with_activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Weights that are drawn otherwise at the start.
    #[must_use]
    pub fn with_initialisation(mut self, initialisation: Initialisation) -> Self {
        self.initialisation = initialisation;
        self
    }

    /// Other numbers to compute in.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }
}

/// One dense layer within θ.
#[derive(Clone, Copy)]
struct DenseLayer {
    inputs: usize,
    outputs: usize,
    start: usize,
}

impl DenseLayer {
    fn end(self) -> usize {
        self.start + (self.inputs + 1) * self.outputs
    }

    fn weight<T: Real>(self, theta: &[T]) -> View<'_, T> {
        View::new(&theta[self.start..], self.inputs, self.outputs)
    }

    fn bias<T>(self, theta: &[T]) -> &[T] {
        &theta[self.start + self.inputs * self.outputs..self.end()]
    }

    /// z = a W + b for each sample.
    fn forward<T: Real>(self, theta: &[T], a: &[T], z: &mut [T]) {
        for z in z.chunks_mut(self.outputs) {
            z.copy_from_slice(self.bias(theta));
        }
        let a = View::new(a, z.len() / self.outputs, self.inputs);
        multiply_add(a, self.weight(theta), z);
    }
}

impl Mlp {
    fn layers(&self) -> impl DoubleEndedIterator<Item = DenseLayer> + ExactSizeIterator + '_ {
        let mut start = 0;
        let layers: Vec<DenseLayer> = self
            .widths
            .windows(2)
            .map(|w| {
                let layer = DenseLayer {
                    inputs: w[0],
                    outputs: w[1],
                    start,
                };
                start = layer.end();
                layer
            })
            .collect();
        layers.into_iter()
    }

    /// The number of samples.
    fn check(&self, theta: &[f64], inputs: &[f64], outputs: &[f64]) -> Result<usize> {
        let (seen, made) = (self.input.len(), self.output.len());
        let batch = inputs.len() / seen;
        expect_length("theta", theta.len(), self.parameters())?;
        expect_length("the network's inputs", inputs.len(), batch * seen)?;
        expect_length("the network's outputs", outputs.len(), batch * made)?;
        Ok(batch)
    }
}

impl Network for Mlp {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn parameters(&self) -> usize {
        self.layers().map(|l| (l.inputs + 1) * l.outputs).sum()
    }
    fn weights(&self) -> Vec<Weight> {
        self.layers()
            .enumerate()
            .flat_map(|(i, layer)| {
                let middle = layer.start + layer.inputs * layer.outputs;
                [
                    Weight {
                        name: format!("dense{}.weight", i + 1),
                        shape: vec![layer.inputs, layer.outputs],
                        range: layer.start..middle,
                    },
                    Weight {
                        name: format!("dense{}.bias", i + 1),
                        shape: vec![layer.outputs],
                        range: middle..layer.end(),
                    },
                ]
            })
            .collect()
    }
    fn initial(&self, seed: u64) -> Vec<f64> {
        let mut random = Pcg64::seed_from_u64(seed);
        let mut theta = vec![0.0; self.parameters()];
        for layer in self.layers() {
            let limit = self.initialisation.limit(layer.inputs, layer.outputs);
            let weights = layer.start..layer.start + layer.inputs * layer.outputs;
            for w in &mut theta[weights] {
                *w = limit * random.random_range(-1.0..1.0);
            }
        }
        theta
    }

    fn forward(&self, theta: &[f64], inputs: &[f64], outputs: &mut [f64]) -> Result<()> {
        let batch = self.check(theta, inputs, outputs)?;
        match self.precision {
            Precision::F32 => self.run::<f32>(batch, theta, inputs, outputs, None),
            Precision::F64 => self.run::<f64>(batch, theta, inputs, outputs, None),
        }
        Ok(())
    }

    fn linearize(
        &self,
        theta: &[f64],
        inputs: &[f64],
        outputs: &mut [f64],
    ) -> Result<Box<dyn NetworkMap>> {
        let batch = self.check(theta, inputs, outputs)?;
        Ok(match self.precision {
            Precision::F32 => Box::new(self.trace::<f32>(batch, theta, inputs, outputs)),
            Precision::F64 => Box::new(self.trace::<f64>(batch, theta, inputs, outputs)),
        })
    }
}

impl Mlp {
    /// Computes in numbers T, and keeps what each layer saw where that is wanted.
    fn run<T: Real>(
        &self,
        batch: usize,
        theta: &[f64],
        inputs: &[f64],
        outputs: &mut [f64],
        mut stages: Option<&mut Vec<Stage<T>>>,
    ) {
        let theta = T::from_slice(theta);
        let mut a = T::from_slice(inputs).into_owned();
        for layer in self.layers() {
            let mut z = vec![T::default(); batch * layer.outputs];
            layer.forward(&theta, &a, &mut z);
            let last = layer.end() == theta.len();
            let mut slopes = Vec::new();
            match stages {
                _ if last => {}
                Some(_) => {
                    slopes.resize(z.len(), T::default());
                    self.activation.apply_with_slopes(&mut z, &mut slopes);
                }
                None => self.activation.apply(&mut z),
            }
            std::mem::swap(&mut a, &mut z);
            if let Some(stages) = &mut stages {
                stages.push(Stage::new(layer, z, slopes));
            }
        }
        outputs.copy_from_slice(&T::to_slice(&a));
    }

    /// Computes and keeps what ∂f/∂θ needs.
    fn trace<T: Real>(
        &self,
        batch: usize,
        theta: &[f64],
        inputs: &[f64],
        outputs: &mut [f64],
    ) -> MlpMap<T> {
        let mut stages = Vec::with_capacity(self.widths.len() - 1);
        self.run(batch, theta, inputs, outputs, Some(&mut stages));
        MlpMap {
            activation: self.activation,
            theta: T::from_slice(theta).into_owned(),
            batch,
            outputs: outputs.len(),
            stages,
        }
    }
}
