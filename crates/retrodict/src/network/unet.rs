//! U-Nets: fields to fields, over several scales.

use std::sync::Arc;

use derive_setters::Setters;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::convolutional::{Convolutional, Node};
use super::lanes::Real;
use super::layers::{BatchNormalisation, Convolution, Pooling, Upsampling};
use super::maps::{Padding, Shape, Store};
use super::{Activation, Architecture, Initialisation, MeanKept, Network, Precision, Weight};
use crate::core::space::Space;
use crate::error::{Error, Result};
use crate::memory;
use crate::options::{Validate, plain, require};

/// A U-Net: at each level two convolutions of 3 × 3 (of 3 in one dimension), each with batch
/// normalisation and activation; maxima of 2 × 2 on the way down, interpolation and the level's own
/// maps on the way up; a convolution of 1 × 1 at the end.
///
/// # Shapes
/// One dimension `[n]`, two `[rows, cols]`, or with channels `[channels, rows, cols]`; each extent a
/// multiple of 2^(levels − 1). Input and output have the same extents, and any numbers of channels.
///
/// # Cost
/// 9 × inputs × outputs multiplications a pixel and layer forward, three times that for a training
/// step; in `f32` unless said otherwise. Channels come in sixteens: 17 cost as much as 32.
///
/// # Source
/// Ronneberger, Fischer & Brox 2015; sizes as in Holl, Koltun & Thuerey 2022, appendix B.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct UNet {
    /// Channels of each level, from the finest on.
    #[setters(into)]
    pub filters: Vec<usize>,
    /// What follows each convolution but the last.
    pub activation: Activation,
    /// Whether a batch normalises itself.
    pub batch_norm: bool,
    /// What lies beyond the border.
    pub padding: Padding,
    /// How kernels are drawn at the start.
    pub initialisation: Initialisation,
    /// In which numbers it computes.
    pub precision: Precision,
    /// Whether the mean of each output is set to that of its input, as conservation demands.
    pub keep_mean: bool,
}

impl Default for UNet {
    fn default() -> Self {
        Self {
            filters: vec![16; 4],
            activation: Activation::Relu,
            batch_norm: true,
            padding: Padding::Zero,
            initialisation: Initialisation::Narrow,
            precision: Precision::F32,
            keep_mean: false,
        }
    }
}

plain!(UNet);

impl Validate for UNet {
    fn validate(&self) -> Result<()> {
        require(
            !self.filters.is_empty() && !self.filters.contains(&0),
            "filters",
            format!("{:?}", self.filters),
            "it needs the channels of at least one level, each 1 or more, for example [16, 16, 16, 16]",
        )
    }
    fn memory(&self) -> f64 {
        // Kernels of three cells along an axis at least, with their gradient and a step.
        let weights = self.filters.windows(2).map(memory::cells).sum::<f64>();
        let channels: f64 = self.filters.iter().map(|n| *n as f64).sum();
        memory::numbers(9.0 * (weights + channels))
    }
}

impl Architecture for UNet {
    fn between(&self, input: &Space, output: &Space) -> Result<Arc<dyn Network>> {
        self.validate()?;
        let network: Arc<dyn Network> = match self.precision {
            Precision::F32 => Arc::new(self.grow::<f32>(input, output)?),
            Precision::F64 => Arc::new(self.grow::<f64>(input, output)?),
        };
        if self.keep_mean {
            return Ok(Arc::new(MeanKept::new(network)?));
        }
        Ok(network)
    }
    fn sees_fields(&self) -> bool {
        true
    }
    fn makes_fields(&self) -> bool {
        true
    }
    fn compares_ends(&self) -> bool {
        self.keep_mean
    }
}

impl UNet {
    /// Extents and channels of a field.
    fn shape_of(&self, space: &Space) -> Result<Shape> {
        let shape = match space.shape[..] {
            [cols] => Some((1, cols, 1)),
            [rows, cols] => Some((rows, cols, 1)),
            [channels, rows, cols] => Some((rows, cols, channels)),
            _ => None,
        };
        let step = 1 << (self.filters.len() - 1);
        match shape {
            Some((rows, cols, channels))
                if cols.is_multiple_of(step) && (rows == 1 || rows.is_multiple_of(step)) =>
            {
                Ok(Shape {
                    rows,
                    cols,
                    channels,
                })
            }
            _ => Err(Error::Option {
                key: "network".to_owned(),
                found: format!(
                    "a U-Net of {} levels for the {} {:?}",
                    self.filters.len(),
                    space.name,
                    space.shape
                ),
                allowed: format!(
                    "fields are [n], [rows, cols] or [channels, rows, cols] with extents that are \
                     multiples of {step}; take fewer levels (shorter `filters`) or an mlp"
                ),
            }),
        }
    }

    fn grow<R: Real>(&self, input: &Space, output: &Space) -> Result<Convolutional<R>> {
        let (image, last) = (self.shape_of(input)?, self.shape_of(output)?);
        if (image.rows, image.cols) != (last.rows, last.cols) {
            return Err(Error::Option {
                key: "network".to_owned(),
                found: format!("a U-Net from {:?} to {:?}", input.shape, output.shape),
                allowed: "both need the same extents; an mlp joins any two spaces".to_owned(),
            });
        }
        let mut growing = Growing {
            plan: self,
            shapes: vec![image],
            nodes: Vec::new(),
            weights: Vec::new(),
            kernels: Vec::new(),
            gammas: Vec::new(),
            end: 0,
        };
        let levels = self.filters.len();
        let mut at = growing.pair("down1", &[0], self.filters[0]);
        let mut left = vec![at];
        for level in 1..levels {
            let pooled = growing.halve(at);
            at = growing.pair(
                &format!("down{}", level + 1),
                &[pooled],
                self.filters[level],
            );
            left.push(at);
        }
        for level in (0..levels - 1).rev() {
            let doubled = growing.double(at);
            let name = format!("up{}", level + 1);
            at = growing.pair(&name, &[left[level], doubled], self.filters[level]);
        }
        growing.convolution("out", &[at], last.channels, 1, true);
        Ok(growing.finish(input, output))
    }
}

/// A network while its layers are put together.
struct Growing<'a, R: Real> {
    plan: &'a UNet,
    shapes: Vec<Shape>,
    nodes: Vec<Node<R>>,
    weights: Vec<Weight>,
    /// Where kernels lie in θ, and the largest value at the start.
    kernels: Vec<(std::ops::Range<usize>, f64)>,
    /// Where γ lies, which starts at 1.
    gammas: Vec<std::ops::Range<usize>>,
    end: usize,
}

impl<R: Real> Growing<'_, R> {
    fn push(&mut self, node: Node<R>) -> usize {
        self.shapes.push(node.layer.shape());
        self.nodes.push(node);
        self.shapes.len() - 1
    }

    fn weight(&mut self, name: String, shape: &[usize]) -> std::ops::Range<usize> {
        let range = self.end..self.end + shape.iter().product::<usize>();
        self.end = range.end;
        self.weights.push(Weight {
            name,
            shape: shape.to_vec(),
            range: range.clone(),
        });
        range
    }

    fn convolution(
        &mut self,
        name: &str,
        reads: &[usize],
        channels: usize,
        size: usize,
        bias: bool,
    ) -> usize {
        let from: Vec<Shape> = reads.iter().map(|r| self.shapes[*r]).collect();
        let to = Shape {
            channels,
            ..from[0]
        };
        let layer = Convolution {
            size: (if self.shapes[0].rows == 1 { 1 } else { size }, size),
            from,
            to,
            padding: self.plan.padding,
            start: self.end,
            bias,
        };
        let (rows, cols) = layer.size;
        let shape = [rows, cols, layer.inputs(), channels];
        let kernel = self.weight(format!("{name}.weight"), &shape);
        if bias {
            self.weight(format!("{name}.bias"), &[channels]);
        }
        let (fan_in, fan_out) = (rows * cols * shape[2], rows * cols * channels);
        let limit = self.plan.initialisation.limit(fan_in, fan_out);
        self.kernels.push((kernel, limit));
        self.push(Node {
            name: name.to_owned(),
            reads: reads.to_vec(),
            layer: Arc::new(layer),
            norm: None,
        })
    }

    /// Two convolutions, each followed by normalisation and activation.
    fn pair(&mut self, name: &str, reads: &[usize], channels: usize) -> usize {
        let mut reads = reads.to_vec();
        for half in ["a", "b"] {
            let norm = self.plan.batch_norm;
            // BatchNormalisation takes any bias out again.
            let own = format!("{name}{half}");
            let sums = self.convolution(&own, &reads, channels, 3, !norm);
            let start = self.end;
            if norm {
                let gamma = self.weight(format!("{own}.scale"), &[channels]);
                self.gammas.push(gamma);
                self.weight(format!("{own}.shift"), &[channels]);
            }
            let layer = Arc::new(BatchNormalisation {
                shape: self.shapes[sums],
                padding: self.plan.padding,
                activation: self.plan.activation,
                start: norm.then_some(start),
            });
            reads = vec![self.push(Node {
                name: format!("{} {own}", self.plan.activation.name()),
                reads: vec![sums],
                layer: Arc::<BatchNormalisation>::clone(&layer),
                norm: Some(layer),
            })];
        }
        reads[0]
    }

    fn halve(&mut self, read: usize) -> usize {
        let from = self.shapes[read];
        let to = Shape {
            rows: from.rows.div_ceil(2),
            cols: from.cols / 2,
            ..from
        };
        self.push(Node {
            name: "pool".to_owned(),
            reads: vec![read],
            layer: Arc::new(Pooling {
                from,
                to,
                padding: self.plan.padding,
            }),
            norm: None,
        })
    }

    fn double(&mut self, read: usize) -> usize {
        let from = self.shapes[read];
        let to = Shape {
            rows: if self.shapes[0].rows == 1 {
                1
            } else {
                2 * from.rows
            },
            cols: 2 * from.cols,
            ..from
        };
        self.push(Node {
            name: "upsample".to_owned(),
            reads: vec![read],
            layer: Arc::new(Upsampling {
                from,
                to,
                padding: self.plan.padding,
            }),
            norm: None,
        })
    }

    fn finish(self, input: &Space, output: &Space) -> Convolutional<R> {
        let (kernels, gammas, parameters) = (self.kernels, self.gammas, self.end);
        let initial = move |seed: u64| {
            let mut random = Pcg64::seed_from_u64(seed);
            let mut theta = vec![0.0; parameters];
            for (range, limit) in &kernels {
                for w in &mut theta[range.clone()] {
                    *w = limit * random.random_range(-1.0..1.0);
                }
            }
            for range in &gammas {
                theta[range.clone()].fill(1.0);
            }
            theta
        };
        Convolutional {
            input: input.clone(),
            output: output.clone(),
            image: self.shapes[0],
            padding: self.plan.padding,
            nodes: self.nodes.into(),
            weights: self.weights,
            initial: Box::new(initial),
            store: Arc::new(Store::default()),
        }
    }
}
