//! Dense layers one after the other, in `f64`.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Activation, Activity, Network, NetworkMap, Weight};
use crate::error::{Result, expect_length};
use crate::linalg::{Matrix, View, multiply, multiply_add};
use crate::options::{Validate, require};
use crate::simulator::Space;

/// A multilayer perceptron: dense layers a ↦ s(a W + b), the last one without s.
///
/// θ holds for each layer W (inputs × outputs, in row order), then b.
///
/// # Shapes
/// Input and output of a sample are as long as the first and the last width.
///
/// # Cost
/// |θ| multiplications a sample forward, twice that for a product with the transposed derivative.
/// All in `f64`: at the sizes that physics needs, the time goes into overheads, not into the numbers.
///
/// # Source
/// Glorot & Bengio 2010 for the initial weights; He et al. 2015 for those of relu networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mlp {
    /// The widths from input to output, at least two.
    pub widths: Vec<usize>,
    /// What follows each layer but the last.
    pub activation: Activation,
    /// How weights are drawn at the start.
    pub initialisation: Initialisation,
}

/// How weights are drawn at the start; biases start at zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

impl Default for Mlp {
    fn default() -> Self {
        Self {
            widths: vec![1, 20, 20, 1],
            activation: Activation::default(),
            initialisation: Initialisation::default(),
        }
    }
}

impl Validate for Mlp {
    fn validate(&self) -> Result<()> {
        require(
            self.widths.len() >= 2 && !self.widths.contains(&0),
            "widths",
            format!("{:?}", self.widths),
            "it needs at least input and output, each 1 or more, for example [4, 20, 20, 24]",
        )
    }
}

/// One dense layer within θ.
#[derive(Clone, Copy)]
struct Layer {
    inputs: usize,
    outputs: usize,
    start: usize,
}

impl Layer {
    fn end(self) -> usize {
        self.start + (self.inputs + 1) * self.outputs
    }

    fn weight(self, theta: &[f64]) -> View<'_, f64> {
        View::new(&theta[self.start..], self.inputs, self.outputs)
    }

    fn bias(self, theta: &[f64]) -> &[f64] {
        &theta[self.start + self.inputs * self.outputs..self.end()]
    }

    /// z = a W + b for each sample.
    fn forward(self, theta: &[f64], a: &[f64], z: &mut [f64]) {
        for z in z.chunks_mut(self.outputs) {
            z.copy_from_slice(self.bias(theta));
        }
        let a = View::new(a, z.len() / self.outputs, self.inputs);
        multiply_add(a, self.weight(theta), z);
    }
}

impl Mlp {
    fn layers(&self) -> impl DoubleEndedIterator<Item = Layer> + ExactSizeIterator + '_ {
        let mut start = 0;
        let layers: Vec<Layer> = self
            .widths
            .windows(2)
            .map(|w| {
                let layer = Layer {
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

    fn first(&self) -> usize {
        self.widths.first().copied().unwrap_or(1)
    }

    fn last(&self) -> usize {
        self.widths.last().copied().unwrap_or(1)
    }

    /// The number of samples.
    fn check(&self, theta: &[f64], inputs: &[f64], outputs: &[f64]) -> Result<usize> {
        let batch = inputs.len() / self.first();
        expect_length("theta", theta.len(), self.parameters())?;
        expect_length("the network's inputs", inputs.len(), batch * self.first())?;
        expect_length("the network's outputs", outputs.len(), batch * self.last())?;
        Ok(batch)
    }
}

impl Network for Mlp {
    fn input(&self) -> Space {
        Space::new("network input", &[self.first()], "1")
    }
    fn output(&self) -> Space {
        Space::new("network output", &[self.last()], "1")
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
        let (mut a, mut z) = (inputs.to_vec(), Vec::new());
        for layer in self.layers() {
            if layer.end() == theta.len() {
                layer.forward(theta, &a, outputs);
                break;
            }
            z.resize(batch * layer.outputs, 0.0);
            layer.forward(theta, &a, &mut z);
            self.activation.apply(&mut z);
            std::mem::swap(&mut a, &mut z);
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
        let mut stages = Vec::with_capacity(self.widths.len() - 1);
        let mut a = inputs.to_vec();
        for layer in self.layers() {
            let mut slopes = Vec::new();
            let mut z = Vec::new();
            if layer.end() == theta.len() {
                layer.forward(theta, &a, outputs);
            } else {
                z.resize(batch * layer.outputs, 0.0);
                slopes.resize(z.len(), 0.0);
                layer.forward(theta, &a, &mut z);
                self.activation.apply_with_slopes(&mut z, &mut slopes);
            }
            stages.push(Stage { layer, a, slopes });
            a = z;
        }
        Ok(Box::new(MlpMap {
            activation: self.activation,
            theta: theta.to_vec(),
            batch,
            outputs: outputs.len(),
            stages,
        }))
    }
}

/// What a layer saw: its inputs, and the slopes of the activation that follows (none after the last).
struct Stage {
    layer: Layer,
    a: Vec<f64>,
    slopes: Vec<f64>,
}

struct MlpMap {
    activation: Activation,
    theta: Vec<f64>,
    batch: usize,
    outputs: usize,
    stages: Vec<Stage>,
}

/// Rows of the Gram matrix that one thread computes at a time.
const BLOCK: usize = 64;

impl NetworkMap for MlpMap {
    fn apply(&self, dtheta: &[f64], doutputs: &mut [f64]) -> Result<()> {
        expect_length("dtheta", dtheta.len(), self.theta.len())?;
        expect_length("doutputs", doutputs.len(), self.outputs)?;
        let mut da: Vec<f64> = Vec::new();
        for (i, stage) in self.stages.iter().enumerate() {
            let layer = stage.layer;
            let mut dz = vec![0.0; self.batch * layer.outputs];
            layer.forward(dtheta, &stage.a, &mut dz);
            if i > 0 {
                let da = View::new(&da, self.batch, layer.inputs);
                multiply_add(da, layer.weight(&self.theta), &mut dz);
            }
            scale(&mut dz, &stage.slopes);
            da = dz;
        }
        doutputs.copy_from_slice(&da);
        Ok(())
    }

    fn apply_transpose(&self, doutputs: &[f64], dtheta: &mut [f64]) -> Result<()> {
        expect_length("doutputs", doutputs.len(), self.outputs)?;
        expect_length("dtheta", dtheta.len(), self.theta.len())?;
        let mut delta = doutputs.to_vec();
        for (i, stage) in self.stages.iter().enumerate().rev() {
            let layer = stage.layer;
            let (weight, bias) =
                dtheta[layer.start..layer.end()].split_at_mut(layer.inputs * layer.outputs);
            let seen = View::new(&delta, self.batch, layer.outputs);
            multiply(
                View::new(&stage.a, self.batch, layer.inputs).t(),
                seen,
                weight,
            );
            bias.fill(0.0);
            for delta in delta.chunks(layer.outputs) {
                bias.iter_mut().zip(delta).for_each(|(b, d)| *b += d);
            }
            if i > 0 {
                let mut below = vec![0.0; self.batch * layer.inputs];
                multiply(seen, layer.weight(&self.theta).t(), &mut below);
                scale(&mut below, &self.stages[i - 1].slopes);
                delta = below;
            }
        }
        Ok(())
    }

    /// The gradient of row (n, k) with respect to a layer is δ ⊗ (a, 1), so that layer by layer
    /// G[(n,k), (m,j)] += ⟨δₙₖ, δₘⱼ⟩ (⟨aₙ, aₘ⟩ + 1); J is never formed.
    fn gram(&self, physics: Option<&[Matrix]>) -> Result<Matrix> {
        let mut gram = Matrix::zeros(0, 0);
        self.descend(physics, |stage, rows, delta, m| {
            if gram.rows() != m {
                gram = Matrix::zeros(m, m);
            }
            let layer = stage.layer;
            let mut inner = vec![1.0; self.batch * self.batch];
            let a = View::new(&stage.a, self.batch, layer.inputs);
            multiply_add(a, a.t(), &mut inner);
            add_scaled_gram(gram.as_mut_slice(), delta, layer.outputs, rows, &inner);
        })?;
        let m = gram.rows();
        for i in 0..m {
            for j in 0..i {
                gram[(j, i)] = gram[(i, j)];
            }
        }
        Ok(gram)
    }

    fn jacobian(&self, physics: Option<&[Matrix]>) -> Result<Matrix> {
        let mut j = Matrix::zeros(0, 0);
        self.descend(physics, |stage, rows, delta, m| {
            if j.rows() != m {
                j = Matrix::zeros(m, self.theta.len());
            }
            let layer = stage.layer;
            for (r, delta) in delta.chunks(layer.outputs).enumerate() {
                let a = &stage.a[r / rows * layer.inputs..][..layer.inputs];
                let row = &mut j.row_mut(r)[layer.start..layer.end()];
                for (row, a) in row.chunks_mut(layer.outputs).zip(a.iter().chain(&[1.0])) {
                    row.iter_mut().zip(delta).for_each(|(j, d)| *j = a * d);
                }
            }
        })?;
        Ok(j)
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn activations(&self) -> Vec<Activity> {
        let largest = self.activation.largest_slope();
        self.stages
            .windows(2)
            .enumerate()
            .map(|(i, pair)| {
                let (slopes, values) = (&pair[0].slopes, &pair[1].a);
                let count = values.len().max(1) as f64;
                let mean = values.iter().sum::<f64>() / count;
                let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
                let flat = slopes.iter().filter(|s| s.abs() < 0.05 * largest).count();
                Activity {
                    layer: format!("{}{}", self.activation.name(), i + 1),
                    saturated: flat as f64 / count,
                    mean,
                    spread: variance.sqrt(),
                }
            })
            .collect()
    }
}

impl MlpMap {
    /// Carries all rows of A from the outputs down through the layers: `visit` sees each layer, how
    /// many rows a sample has, the rows at the layer's outputs, and their number.
    fn descend(
        &self,
        physics: Option<&[Matrix]>,
        mut visit: impl FnMut(&Stage, usize, &[f64], usize),
    ) -> Result<()> {
        let width = self.outputs / self.batch.max(1);
        let (rows, mut delta) = rows_of(physics, self.batch, width)?;
        let m = self.batch * rows;
        for (i, stage) in self.stages.iter().enumerate().rev() {
            let layer = stage.layer;
            visit(stage, rows, &delta, m);
            if i > 0 {
                let mut below = vec![0.0; m * layer.inputs];
                let seen = View::new(&delta, m, layer.outputs);
                multiply(seen, layer.weight(&self.theta).t(), &mut below);
                let slopes = self.stages[i - 1].slopes.chunks(layer.inputs);
                for (below, slopes) in below.chunks_mut(rows * layer.inputs).zip(slopes) {
                    below
                        .chunks_mut(layer.inputs)
                        .for_each(|b| scale(b, slopes));
                }
                delta = below;
            }
        }
        Ok(())
    }
}

/// values *= factors; nothing where there are no factors.
fn scale(values: &mut [f64], factors: &[f64]) {
    values.iter_mut().zip(factors).for_each(|(v, f)| *v *= f);
}

/// The number of rows of each sample, and all rows of A one after the other.
fn rows_of(physics: Option<&[Matrix]>, batch: usize, width: usize) -> Result<(usize, Vec<f64>)> {
    let Some(physics) = physics else {
        let mut all = vec![0.0; batch * width * width];
        all.iter_mut()
            .enumerate()
            .filter(|(i, _)| i / width % width == i % width)
            .for_each(|(_, one)| *one = 1.0);
        return Ok((width, all));
    };
    expect_length("the list of ∂y/∂x", physics.len(), batch)?;
    let rows = physics.first().map_or(0, Matrix::rows);
    let mut all = Vec::with_capacity(batch * rows * width);
    for matrix in physics {
        expect_length("the rows of ∂y/∂x", matrix.rows(), rows)?;
        expect_length("the columns of ∂y/∂x", matrix.cols(), width)?;
        all.extend_from_slice(matrix.as_slice());
    }
    Ok((rows, all))
}

/// The lower triangle of gram += (δ δᵀ) ∘ inner, where `inner` has one value for each pair of
/// samples. Blocks of rows are given to threads; each value is one sum, in an order of its own.
fn add_scaled_gram(gram: &mut [f64], delta: &[f64], width: usize, rows: usize, inner: &[f64]) {
    let m = delta.len() / width.max(1);
    let batch = m / rows.max(1);
    gram.par_chunks_mut((BLOCK * m).max(1))
        .enumerate()
        .for_each(|(block, gram)| {
            let from = block * BLOCK;
            let count = gram.len() / m;
            let until = from + count;
            let mut products = vec![0.0; count * until];
            let here = View::new(&delta[from * width..], count, width);
            multiply(here, View::new(delta, until, width).t(), &mut products);
            for (i, (gram, products)) in gram.chunks_mut(m).zip(products.chunks(until)).enumerate()
            {
                let inner = &inner[(from + i) / rows * batch..];
                let pairs = gram.chunks_mut(rows).zip(products.chunks(rows));
                for ((gram, products), inner) in pairs.zip(inner) {
                    for (g, p) in gram.iter_mut().zip(products) {
                        *g += p * inner;
                    }
                }
            }
        });
}
