//! Layers that read the feature maps of earlier ones, as one network over one θ.

use std::sync::Arc;

use super::lanes::Real;
use super::layers::{BatchNormalisation, Kept, Layer, Moments, Seen, Sink};
use super::maps::{Maps, Padding, Shape, Store};
use super::{Activity, Network, NetworkMap, Weight};
use crate::core::space::Space;
use crate::error::{Result, expect_length};
use crate::linalg::{Matrix, View, multiply};

/// One layer, and which feature maps it reads; 0 is the image, and layer i makes number i + 1.
pub(super) struct Node<R: Real> {
    pub name: String,
    pub reads: Vec<usize>,
    pub layer: Arc<dyn Layer<R>>,
    /// The same layer, where it normalises or activates.
    pub norm: Option<Arc<BatchNormalisation>>,
}

/// A convolutional network; see [`UNet`](super::UNet) for how one is made.
pub(super) struct Convolutional<R: Real> {
    pub input: Space,
    pub output: Space,
    pub image: Shape,
    pub padding: Padding,
    pub nodes: Arc<[Node<R>]>,
    pub weights: Vec<Weight>,
    /// θ at the start, for a seed.
    pub initial: Box<dyn Fn(u64) -> Vec<f64> + Send + Sync>,
    pub store: Arc<Store<R>>,
}

impl<R: Real> Convolutional<R> {
    /// The number of samples.
    fn check(&self, theta: &[f64], inputs: &[f64], outputs: &[f64]) -> Result<usize> {
        let (seen, made) = (self.input.len(), self.output.len());
        let batch = inputs.len() / seen;
        expect_length("theta", theta.len(), self.parameters())?;
        expect_length("the network's inputs", inputs.len(), batch * seen)?;
        expect_length("the network's outputs", outputs.len(), batch * made)?;
        Ok(batch)
    }

    /// All feature maps of a batch, with given moments or with its own. `forget` drops maps that are read
    /// no more.
    fn run(
        &self,
        theta: &[f64],
        inputs: &[f64],
        given: Option<&[f64]>,
        forget: bool,
    ) -> (Vec<Option<Maps<R>>>, Vec<Kept>) {
        let batch = inputs.len() / self.input.len();
        let mut image = self.store.take(self.image, batch);
        image.read(inputs, self.padding);
        let mut maps = vec![Some(image)];
        let mut all = Vec::with_capacity(self.nodes.len());
        let mut given = given;
        for (i, node) in self.nodes.iter().enumerate() {
            let mut out = self.store.take(node.layer.shape(), batch);
            let mut kept = Kept::default();
            let reads: Vec<&Maps<R>> = node
                .reads
                .iter()
                .filter_map(|r| maps[*r].as_ref())
                .collect();
            match (&mut given, &node.norm) {
                (Some(rest), Some(norm)) if norm.start.is_some() => {
                    let (mean, after) = rest.split_at(norm.shape.channels);
                    let (variance, after) = after.split_at(norm.shape.channels);
                    *rest = after;
                    kept.0 = Moments {
                        mean: mean.to_vec(),
                        variance: variance.to_vec(),
                    };
                    norm.activate(theta, &kept.0, reads[0], &mut out);
                }
                _ => node.layer.forward(theta, &reads, &mut out, &mut kept),
            }
            drop(reads);
            maps.push(Some(out));
            all.push(kept);
            if forget {
                for read in &node.reads {
                    let later = self.nodes[i + 1..].iter().any(|n| n.reads.contains(read));
                    if !later {
                        maps[*read] = None;
                    }
                }
            }
        }
        (maps, all)
    }

    fn write(maps: &[Option<Maps<R>>], outputs: &mut [f64]) {
        if let Some(Some(last)) = maps.last() {
            last.write(outputs);
        }
    }
}

impl<R: Real> Network for Convolutional<R> {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn parameters(&self) -> usize {
        self.weights.last().map_or(0, |w| w.range.end)
    }
    fn weights(&self) -> Vec<Weight> {
        self.weights.clone()
    }
    fn initial(&self, seed: u64) -> Vec<f64> {
        (self.initial)(seed)
    }
    fn gram_needs_jacobian(&self) -> bool {
        true
    }

    fn forward(&self, theta: &[f64], inputs: &[f64], outputs: &mut [f64]) -> Result<()> {
        self.check(theta, inputs, outputs)?;
        Self::write(&self.run(theta, inputs, None, true).0, outputs);
        Ok(())
    }

    fn linearize(
        &self,
        theta: &[f64],
        inputs: &[f64],
        outputs: &mut [f64],
    ) -> Result<Box<dyn NetworkMap>> {
        let batch = self.check(theta, inputs, outputs)?;
        let (maps, kept) = self.run(theta, inputs, None, false);
        Self::write(&maps, outputs);
        Ok(Box::new(Linearised {
            nodes: Arc::clone(&self.nodes),
            store: Arc::clone(&self.store),
            padding: self.padding,
            width: self.output.len(),
            theta: theta.to_vec(),
            batch,
            maps: maps.into_iter().flatten().collect(),
            kept,
        }))
    }

    fn statistics_layout(&self) -> Vec<Weight> {
        let mut layout: Vec<Weight> = Vec::new();
        for node in self.nodes.iter() {
            let Some(norm) = node.norm.as_ref().filter(|norm| norm.start.is_some()) else {
                continue;
            };
            // Named as the convolution that it follows, and its scale and shift with it.
            let own = match node.reads[0].checked_sub(1) {
                Some(before) => &self.nodes[before].name,
                None => &node.name,
            };
            for part in ["mean", "variance"] {
                let start = layout.last().map_or(0, |last| last.range.end);
                layout.push(Weight {
                    name: format!("{own}.{part}"),
                    shape: vec![norm.shape.channels],
                    range: start..start + norm.shape.channels,
                });
            }
        }
        layout
    }

    fn statistics(&self, theta: &[f64], inputs: &[f64]) -> Result<Vec<f64>> {
        let made = inputs.len() / self.input.len() * self.output.len();
        self.check(theta, inputs, &vec![0.0; made])?;
        let (_, kept) = self.run(theta, inputs, None, true);
        let each = kept.into_iter().flat_map(|k| [k.0.mean, k.0.variance]);
        Ok(each.flatten().collect())
    }

    fn predict(
        &self,
        theta: &[f64],
        statistics: &[f64],
        inputs: &[f64],
        outputs: &mut [f64],
    ) -> Result<()> {
        self.check(theta, inputs, outputs)?;
        let wanted = self
            .statistics_layout()
            .last()
            .map_or(0, |last| last.range.end);
        expect_length("the statistics", statistics.len(), wanted)?;
        Self::write(&self.run(theta, inputs, Some(statistics), true).0, outputs);
        Ok(())
    }
}

struct Linearised<R: Real> {
    nodes: Arc<[Node<R>]>,
    store: Arc<Store<R>>,
    padding: Padding,
    /// Values of one sample's output.
    width: usize,
    theta: Vec<f64>,
    batch: usize,
    maps: Vec<Maps<R>>,
    kept: Vec<Kept>,
}

impl<R: Real> Linearised<R> {
    /// Calls `work` with a layer and what it saw.
    fn at(&self, i: usize, work: impl FnOnce(&dyn Layer<R>, &Seen<'_, R>)) {
        let node = &self.nodes[i];
        let inputs: Vec<&Maps<R>> = node.reads.iter().map(|r| &self.maps[*r]).collect();
        let seen = Seen {
            theta: &self.theta,
            inputs: &inputs,
            kept: &self.kept[i],
            batch: self.batch,
        };
        work(&*node.layer, &seen);
    }
}

impl<R: Real> NetworkMap for Linearised<R> {
    fn apply(&self, dtheta: &[f64], doutputs: &mut [f64]) -> Result<()> {
        expect_length("dtheta", dtheta.len(), self.theta.len())?;
        expect_length("doutputs", doutputs.len(), self.outputs())?;
        // The image does not change.
        let mut changes: Vec<Option<Maps<R>>> = vec![None];
        for (i, node) in self.nodes.iter().enumerate() {
            let mut out = self.store.take(node.layer.shape(), self.batch);
            let reads: Vec<_> = node.reads.iter().map(|r| changes[*r].as_ref()).collect();
            self.at(i, |layer, seen| {
                layer.tangent(seen, &reads, dtheta, &mut out)
            });
            drop(reads);
            changes.push(Some(out));
            for read in &node.reads {
                if !self.nodes[i + 1..].iter().any(|n| n.reads.contains(read)) {
                    changes[*read] = None;
                }
            }
        }
        Convolutional::write(&changes, doutputs);
        Ok(())
    }

    fn apply_transpose(&self, doutputs: &[f64], dtheta: &mut [f64]) -> Result<()> {
        expect_length("doutputs", doutputs.len(), self.outputs())?;
        expect_length("dtheta", dtheta.len(), self.theta.len())?;
        dtheta.fill(0.0);
        let mut deltas: Vec<Option<Sink<R>>> = (0..self.maps.len()).map(|_| None).collect();
        if let (Some(last), Some(maps)) = (deltas.last_mut(), self.maps.last()) {
            let mut maps = self.store.take(maps.shape, self.batch);
            maps.read(doutputs, self.padding);
            *last = Some(Sink { maps, begun: true });
        }
        for (i, node) in self.nodes.iter().enumerate().rev() {
            let Some(mut delta) = deltas[i + 1].take() else {
                continue;
            };
            let mut sinks: Vec<Option<Sink<R>>> = node
                .reads
                .iter()
                .map(|read| {
                    // Nobody asks for the image's.
                    (*read > 0).then(|| {
                        deltas[*read].take().unwrap_or_else(|| Sink {
                            maps: self.store.take(self.maps[*read].shape, self.batch),
                            begun: false,
                        })
                    })
                })
                .collect();
            self.at(i, |layer, seen| {
                layer.adjoint(seen, &mut delta.maps, &mut sinks, dtheta);
            });
            for (read, sink) in node.reads.iter().zip(sinks) {
                deltas[*read] = sink;
            }
        }
        Ok(())
    }

    /// From J, a transposed product for each row: normalisation joins all samples, so that rows share
    /// nothing.
    fn gram(&self, physics: Option<&[Matrix]>) -> Result<Matrix> {
        let j = self.jacobian(physics)?;
        let mut gram = Matrix::zeros(j.rows(), j.rows());
        let view = View::new(j.as_slice(), j.rows(), j.cols());
        multiply(view, view.t(), gram.as_mut_slice());
        Ok(gram)
    }

    fn jacobian(&self, physics: Option<&[Matrix]>) -> Result<Matrix> {
        let width = self.width;
        let rows = match physics {
            Some(physics) => {
                expect_length("the list of ∂y/∂x", physics.len(), self.batch)?;
                physics.first().map_or(0, Matrix::rows)
            }
            None => width,
        };
        let mut j = Matrix::zeros(self.batch * rows, self.theta.len());
        let mut doutputs = vec![0.0; self.outputs()];
        for row in 0..self.batch * rows {
            let (sample, own) = (row / rows, row % rows);
            let place = &mut doutputs[sample * width..][..width];
            match physics {
                Some(physics) => {
                    expect_length("the columns of ∂y/∂x", physics[sample].cols(), width)?;
                    place.copy_from_slice(physics[sample].row(own));
                }
                None => place[own] = 1.0,
            }
            self.apply_transpose(&doutputs, j.row_mut(row))?;
            doutputs[sample * width..][..width].fill(0.0);
        }
        Ok(j)
    }

    fn outputs(&self) -> usize {
        self.batch * self.width
    }

    fn activations(&self) -> Vec<Activity> {
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter_map(|(i, node)| {
                let norm = node.norm.as_ref()?;
                let maps = &self.maps[i + 1];
                let mut values = vec![0.0; self.batch * maps.shape.channels * maps.shape.pixels()];
                maps.write(&mut values);
                let flat = norm.saturated(&self.theta, &self.kept[i].0, &self.maps[node.reads[0]]);
                let count = values.len().max(1) as f64;
                let mean = values.iter().sum::<f64>() / count;
                let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
                Some(Activity {
                    layer: node.name.clone(),
                    saturated: flat as f64 / count,
                    mean,
                    spread: variance.sqrt(),
                })
            })
            .collect()
    }
}
