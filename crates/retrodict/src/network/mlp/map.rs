//! Derivatives and Gram matrix of a multilayer perceptron on a batch.

use std::sync::OnceLock;

use rayon::prelude::*;

use super::DenseLayer;
use crate::error::{Result, expect_length};
use crate::linalg::{Matrix, Real, View, multiply, multiply_add};
use crate::network::{Activation, Activity, NetworkMap};

/// What a layer saw: its inputs, and the slopes of the activation that follows (none after the last).
pub(super) struct Stage<T> {
    layer: DenseLayer,
    a: Vec<T>,
    slopes: Vec<T>,
    /// ⟨aₙ, aₘ⟩ + 1 of all pairs of samples, once it is asked for.
    inner: OnceLock<Vec<T>>,
}

impl<T: Real> Stage<T> {
    pub(super) fn new(layer: DenseLayer, a: Vec<T>, slopes: Vec<T>) -> Self {
        Self {
            layer,
            a,
            slopes,
            inner: OnceLock::new(),
        }
    }

    /// What a step along the gradients δ does to this layer's sums: Σₘ (⟨aₙ, aₘ⟩ + 1) δₘ, by the step itself
    /// where a batch is larger than the layer.
    fn respond(&self, delta: &[T], batch: usize) -> Vec<T> {
        let layer = self.layer;
        let mut dz = vec![T::default(); delta.len()];
        let a = View::new(&self.a, batch, layer.inputs);
        let seen = View::new(delta, batch, layer.outputs);
        if batch > 2 * layer.inputs {
            let mut step = vec![T::default(); layer.inputs * layer.outputs];
            multiply(a.t(), seen, &mut step);
            let bias = column_sums(delta, layer.outputs);
            dz.chunks_mut(layer.outputs)
                .for_each(|z| z.copy_from_slice(&bias));
            multiply_add(a, View::new(&step, layer.inputs, layer.outputs), &mut dz);
        } else {
            let inner = self.inner.get_or_init(|| {
                let mut inner = vec![T::ONE; batch * batch];
                multiply_add(a, a.t(), &mut inner);
                inner
            });
            multiply(View::new(inner, batch, batch), seen, &mut dz);
        }
        dz
    }
}

/// ∂f/∂θ of a batch, in numbers T; its Gram matrix and its rows in `f64`.
pub(super) struct MlpMap<T> {
    pub activation: Activation,
    pub theta: Vec<T>,
    pub batch: usize,
    pub outputs: usize,
    pub stages: Vec<Stage<T>>,
}

/// Rows of the Gram matrix that one thread computes at a time.
const BLOCK: usize = 64;

impl<T: Real> NetworkMap for MlpMap<T> {
    fn apply(&self, dtheta: &[f64], doutputs: &mut [f64]) -> Result<()> {
        expect_length("dtheta", dtheta.len(), self.theta.len())?;
        expect_length("doutputs", doutputs.len(), self.outputs)?;
        let dtheta = T::from_slice(dtheta);
        let mut da: Vec<T> = Vec::new();
        for (i, stage) in self.stages.iter().enumerate() {
            let layer = stage.layer;
            let mut dz = vec![T::default(); self.batch * layer.outputs];
            layer.forward(&dtheta, &stage.a, &mut dz);
            if i > 0 {
                let da = View::new(&da, self.batch, layer.inputs);
                multiply_add(da, layer.weight(&self.theta), &mut dz);
            }
            scale(&mut dz, &stage.slopes);
            da = dz;
        }
        doutputs.copy_from_slice(&T::to_slice(&da));
        Ok(())
    }

    fn apply_transpose(&self, doutputs: &[f64], dtheta: &mut [f64]) -> Result<()> {
        expect_length("doutputs", doutputs.len(), self.outputs)?;
        expect_length("dtheta", dtheta.len(), self.theta.len())?;
        T::write(dtheta, |dtheta| {
            self.descend_gradients(T::from_slice(doutputs).into_owned(), |stage, delta| {
                let layer = stage.layer;
                let (weight, bias) =
                    dtheta[layer.start..layer.end()].split_at_mut(layer.inputs * layer.outputs);
                let a = View::new(&stage.a, self.batch, layer.inputs);
                multiply(a.t(), View::new(delta, self.batch, layer.outputs), weight);
                bias.copy_from_slice(&column_sums(delta, layer.outputs));
            });
        });
        Ok(())
    }

    /// The gradients go down through the layers, and what a step along them does comes up again; the step
    /// itself is never formed, so that θ may be as long as it likes.
    fn apply_gram(&self, doutputs: &[f64], _scratch: &mut [f64], out: &mut [f64]) -> Result<()> {
        expect_length("doutputs", doutputs.len(), self.outputs)?;
        expect_length("out", out.len(), self.outputs)?;
        let mut responses = Vec::with_capacity(self.stages.len());
        self.descend_gradients(T::from_slice(doutputs).into_owned(), |stage, delta| {
            responses.push(stage.respond(delta, self.batch));
        });
        let mut da: Vec<T> = Vec::new();
        for (i, stage) in self.stages.iter().enumerate() {
            let mut dz = responses.pop().unwrap_or_default();
            if i > 0 {
                let da = View::new(&da, self.batch, stage.layer.inputs);
                multiply_add(da, stage.layer.weight(&self.theta), &mut dz);
            }
            scale(&mut dz, &stage.slopes);
            da = dz;
        }
        out.copy_from_slice(&T::to_slice(&da));
        Ok(())
    }

    /// The gradient of row (n, k) with respect to a layer is δ ⊗ (a, 1), so that layer by layer
    /// G[(n,k), (m,j)] += ⟨δₙₖ, δₘⱼ⟩ (⟨aₙ, aₘ⟩ + 1); J is never formed.
    fn gram(&self, physics: Option<&[Matrix]>) -> Result<Matrix> {
        let mut gram = Matrix::zeros(0, 0);
        self.descend(physics, |layer, a, rows, delta| {
            let m = self.batch * rows;
            if gram.rows() != m {
                gram = Matrix::zeros(m, m);
            }
            let mut inner = vec![1.0; self.batch * self.batch];
            let a = View::new(a, self.batch, layer.inputs);
            multiply_add(a, a.t(), &mut inner);
            add_scaled_gram(gram.as_mut_slice(), delta, layer.outputs, rows, &inner);
        })?;
        gram.mirror_lower();
        Ok(gram)
    }

    fn jacobian(&self, physics: Option<&[Matrix]>) -> Result<Matrix> {
        let mut j = Matrix::zeros(0, 0);
        self.descend(physics, |layer, a, rows, delta| {
            if j.rows() != self.batch * rows {
                j = Matrix::zeros(self.batch * rows, self.theta.len());
            }
            for (r, delta) in delta.chunks(layer.outputs).enumerate() {
                let a = &a[r / rows * layer.inputs..][..layer.inputs];
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
                let (slopes, values) = (T::to_slice(&pair[0].slopes), T::to_slice(&pair[1].a));
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

impl<T: Real> MlpMap<T> {
    /// Carries gradients down through the layers, and shows those at each layer's sums.
    fn descend_gradients(&self, mut delta: Vec<T>, mut visit: impl FnMut(&Stage<T>, &[T])) {
        for (i, stage) in self.stages.iter().enumerate().rev() {
            let layer = stage.layer;
            visit(stage, &delta);
            if i > 0 {
                let seen = View::new(&delta, self.batch, layer.outputs);
                let mut below = vec![T::default(); self.batch * layer.inputs];
                multiply(seen, layer.weight(&self.theta).t(), &mut below);
                scale(&mut below, &self.stages[i - 1].slopes);
                delta = below;
            }
        }
    }

    /// Carries all rows of A from the outputs down through the layers, in `f64`: `visit` gets each layer,
    /// what it saw, how many rows a sample has, and the rows at the layer's outputs.
    fn descend(
        &self,
        physics: Option<&[Matrix]>,
        mut visit: impl FnMut(DenseLayer, &[f64], usize, &[f64]),
    ) -> Result<()> {
        let width = self.outputs / self.batch.max(1);
        let (rows, mut delta) = rows_of(physics, self.batch, width)?;
        let theta = T::to_slice(&self.theta);
        for (i, stage) in self.stages.iter().enumerate().rev() {
            let layer = stage.layer;
            visit(layer, &T::to_slice(&stage.a), rows, &delta);
            if i > 0 {
                let m = self.batch * rows;
                let mut below = vec![0.0; m * layer.inputs];
                let seen = View::new(&delta, m, layer.outputs);
                multiply(seen, layer.weight(&theta).t(), &mut below);
                let slopes = T::to_slice(&self.stages[i - 1].slopes);
                let samples = below.chunks_mut(rows * layer.inputs);
                for (below, slopes) in samples.zip(slopes.chunks(layer.inputs)) {
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

/// The sum of all rows.
fn column_sums<T: Real>(rows: &[T], width: usize) -> Vec<T> {
    let mut sums = vec![T::default(); width];
    for row in rows.chunks(width) {
        sums.iter_mut().zip(row).for_each(|(s, v)| *s += *v);
    }
    sums
}

/// values *= factors; nothing where there are no factors.
fn scale<T: Real>(values: &mut [T], factors: &[T]) {
    let pairs = values.iter_mut().zip(factors);
    pairs.for_each(|(v, f)| *v *= *f);
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
