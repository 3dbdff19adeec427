//! Batch normalisation, with the derivative through the statistics of the batch.

use rayon::prelude::*;

use super::{Kept, Layer, Seen, Sink};
use crate::network::Activation;
use crate::network::lanes::{Cell, LANES, Real};
use crate::network::maps::{Maps, Padding, Shape};
use crate::network::rows::{self, Affine, Centre};

/// Added to the variance, so that a constant channel has a deviation too.
const EPSILON: f64 = 1e-5;

/// Batch normalisation, y = γ (z − mean)/deviation + β for each channel over the pixels of the whole
/// batch, and an activation in the same pass; or the activation alone.
///
/// Mean and deviation belong to the function: its derivatives contain theirs.
///
/// In θ: γ, then β, a value for each channel; nothing without normalisation.
///
/// # Source
/// Ioffe & Szegedy 2015, algorithm 1.
pub struct BatchNormalisation {
    /// What it reads and makes.
    pub shape: Shape,
    /// What lies beyond the border, for what follows.
    pub padding: Padding,
    /// What follows.
    pub activation: Activation,
    /// Where γ and β begin in θ, or `None` to activate only.
    pub start: Option<usize>,
}

/// Mean and variance of each channel; empty without normalisation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moments {
    /// The means.
    pub mean: Vec<f64>,
    /// The biased variances.
    pub variance: Vec<f64>,
}

/// Σ a and Σ a b of each lane, for some a and b.
type Pair = [[f64; LANES]; 2];

/// Two rows of workspace for a thread.
struct Lines<R> {
    normalised: Vec<Cell<R>>,
    slopes: Vec<Cell<R>>,
}

impl<R: Real> Lines<R> {
    fn new(cols: usize) -> Self {
        Self {
            normalised: vec![Cell::zero(); cols],
            slopes: vec![Cell::zero(); cols],
        }
    }

    /// ẑ of a row, and the activation's slopes at γ ẑ + β.
    fn fill(&mut self, affine: &Affine<R>, activation: Activation, z: &[Cell<R>]) {
        rows::normalise(affine, z, &mut self.normalised);
        rows::scale(affine, &self.normalised, &mut self.slopes);
        slopes(activation, &mut self.slopes);
    }
}

impl BatchNormalisation {
    /// Mean and variance of each channel over the batch.
    pub fn moments<R: Real>(&self, z: &Maps<R>) -> Moments {
        let (shape, blocks) = (self.shape, self.shape.blocks());
        let pixels = shape.pixels() as f64;
        // Of each sheet by itself first, twice while it is in the cache.
        let sheets = z.cells.par_chunks(shape.sheet());
        let each: Vec<Pair> = sheets.map(|sheet| spread(shape, sheet)).collect();
        let samples = (each.len() / blocks) as f64;
        let mut moments = Moments::default();
        for channel in 0..shape.channels {
            let lane = channel % LANES;
            let of = || each.iter().skip(channel / LANES).step_by(blocks);
            let mean = of().map(|[mean, _]| mean[lane]).sum::<f64>() / samples;
            let squares = of().map(|[own, squares]| {
                squares[lane] + pixels * (own[lane] - mean) * (own[lane] - mean)
            });
            moments
                .variance
                .push(squares.sum::<f64>() / (samples * pixels));
            moments.mean.push(mean);
        }
        moments
    }

    fn affine<R: Real>(&self, theta: &[f64], moments: &Moments) -> Vec<Affine<R>> {
        let channels = self.shape.channels;
        let block = |b: usize| {
            let Some(start) = self.start else {
                return Affine {
                    mean: Cell::zero(),
                    inverse: Cell::of(&[1.0; LANES]),
                    gamma: Cell::of(&[1.0; LANES]),
                    beta: Cell::zero(),
                };
            };
            let range = b * LANES..b * LANES + self.shape.used(b);
            let variance = moments.variance[range.clone()].iter();
            let inverse: Vec<f64> = variance.map(|v| 1.0 / (v + EPSILON).sqrt()).collect();
            Affine {
                mean: Cell::of(&moments.mean[range.clone()]),
                inverse: Cell::of(&inverse),
                gamma: Cell::of(&theta[start..][range.clone()]),
                beta: Cell::of(&theta[start + channels..][range]),
            }
        };
        (0..self.shape.blocks()).map(block).collect()
    }

    /// The means over the batch of a change and of its product with ẑ, for each block; nothing is
    /// normalised where they are zero.
    fn means(&self, sums: Vec<Pair>) -> Vec<Pair> {
        let blocks = self.shape.blocks();
        let count = (sums.len() / blocks * self.shape.pixels()) as f64;
        let mut means = vec![[[0.0; LANES]; 2]; blocks];
        for (i, pair) in sums.iter().enumerate() {
            for (mean, sum) in means[i % blocks].iter_mut().zip(pair) {
                mean.iter_mut().zip(sum).for_each(|(m, s)| *m += s / count);
            }
        }
        means
    }

    /// What normalisation takes out of a change of one block, by γ/deviation; nothing where nothing is
    /// normalised.
    fn centre<R: Real>(&self, affine: &Affine<R>, pair: &Pair) -> Centre<R> {
        let [mean, product] = pair.map(|means| {
            if self.start.is_some() {
                Cell::of(&means)
            } else {
                Cell::zero()
            }
        });
        Centre {
            mean,
            product,
            factor: affine.gamma.combine(affine.inverse, |a, b| a * b),
        }
    }

    /// At how many values the activation's slope is below a twentieth of its largest.
    pub fn saturated<R: Real>(&self, theta: &[f64], moments: &Moments, z: &Maps<R>) -> usize {
        let (shape, blocks) = (self.shape, self.shape.blocks());
        let affine = self.affine::<R>(theta, moments);
        let limit = R::from_f64(0.05 * self.activation.largest_slope());
        let mut lines = Lines::new(shape.cols);
        let mut count = 0;
        for (i, sheet) in z.cells.chunks(shape.sheet()).enumerate() {
            for row in 0..shape.rows {
                lines.fill(&affine[i % blocks], self.activation, shape.row(sheet, row));
                let used = lines
                    .slopes
                    .iter()
                    .flat_map(|s| &s.0[..shape.used(i % blocks)]);
                count += used.filter(|s| **s < limit).count();
            }
        }
        count
    }

    /// out = activation(y), with given moments.
    pub fn activate<R: Real>(
        &self,
        theta: &[f64],
        moments: &Moments,
        z: &Maps<R>,
        out: &mut Maps<R>,
    ) {
        let (shape, blocks) = (self.shape, self.shape.blocks());
        let affine = self.affine::<R>(theta, moments);
        let sheets = out.cells.par_chunks_mut(shape.sheet()).enumerate();
        sheets.for_each_init(
            || Lines::new(shape.cols),
            |lines, (i, out)| {
                let (z, affine) = (z.sheet(i / blocks, i % blocks), &affine[i % blocks]);
                for row in 0..shape.rows {
                    rows::normalise(affine, shape.row(z, row), &mut lines.normalised);
                    let out = shape.row_mut(out, row);
                    rows::scale(affine, &lines.normalised, out);
                    values(self.activation, out);
                }
                shape.pad(out, self.padding);
            },
        );
    }
}

impl<R: Real> Layer<R> for BatchNormalisation {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn forward(&self, theta: &[f64], inputs: &[&Maps<R>], out: &mut Maps<R>, kept: &mut Kept) {
        if self.start.is_some() {
            kept.0 = self.moments(inputs[0]);
        }
        self.activate(theta, &kept.0, inputs[0], out);
    }

    fn tangent(
        &self,
        seen: &Seen<'_, R>,
        dinputs: &[Option<&Maps<R>>],
        dtheta: &[f64],
        dout: &mut Maps<R>,
    ) {
        let Some(change) = dinputs[0] else {
            return dout.cells.fill(Cell::zero());
        };
        let (shape, blocks, z) = (self.shape, self.shape.blocks(), seen.inputs[0]);
        let affine = self.affine::<R>(seen.theta, &seen.kept.0);
        let sums = (0..seen.batch * blocks).into_par_iter().map_init(
            || Lines::new(shape.cols),
            |lines: &mut Lines<R>, i| {
                let (z, affine) = (z.sheet(i / blocks, i % blocks), &affine[i % blocks]);
                let change = change.sheet(i / blocks, i % blocks);
                let mut pair = [[0.0; LANES]; 2];
                for row in 0..shape.rows {
                    rows::normalise(affine, shape.row(z, row), &mut lines.normalised);
                    add_row(&mut pair, shape.row(change, row), &lines.normalised);
                }
                pair
            },
        );
        let means = self.means(sums.collect());
        let channels = shape.channels;
        let sheets = dout.cells.par_chunks_mut(shape.sheet()).enumerate();
        sheets.for_each_init(
            || Lines::new(shape.cols),
            |lines: &mut Lines<R>, (i, out)| {
                let (z, affine) = (z.sheet(i / blocks, i % blocks), &affine[i % blocks]);
                let change = change.sheet(i / blocks, i % blocks);
                let centre = self.centre(affine, &means[i % blocks]);
                let own = i % blocks * LANES..i % blocks * LANES + shape.used(i % blocks);
                let changes = self.start.map(|start| {
                    let dgamma = Cell::<R>::of(&dtheta[start..][own.clone()]);
                    (dgamma, Cell::of(&dtheta[start + channels..][own]))
                });
                for row in 0..shape.rows {
                    lines.fill(affine, self.activation, shape.row(z, row));
                    let (change, out) = (shape.row(change, row), shape.row_mut(out, row));
                    rows::centre(&centre, &lines.normalised, change, false, out);
                    if let Some((dgamma, dbeta)) = &changes {
                        rows::add_affine(dgamma, dbeta, &lines.normalised, out);
                    }
                    rows::multiply(out, &lines.slopes);
                }
                shape.pad(out, self.padding);
            },
        );
    }

    fn adjoint(
        &self,
        seen: &Seen<'_, R>,
        delta: &mut Maps<R>,
        dinputs: &mut [Option<Sink<R>>],
        dtheta: &mut [f64],
    ) {
        let (shape, blocks, z) = (self.shape, self.shape.blocks(), seen.inputs[0]);
        let affine = self.affine::<R>(seen.theta, &seen.kept.0);
        // δ becomes that of y, before the activation.
        let sheets = delta.cells.par_chunks_mut(shape.sheet()).enumerate();
        let sums = sheets.map_init(
            || Lines::new(shape.cols),
            |lines: &mut Lines<R>, (i, delta)| {
                let (z, affine) = (z.sheet(i / blocks, i % blocks), &affine[i % blocks]);
                let mut pair = [[0.0; LANES]; 2];
                for row in 0..shape.rows {
                    lines.fill(affine, self.activation, shape.row(z, row));
                    let delta = shape.row_mut(delta, row);
                    rows::multiply(delta, &lines.slopes);
                    add_row(&mut pair, delta, &lines.normalised);
                }
                pair
            },
        );
        let means = self.means(sums.collect());
        if let Some(start) = self.start {
            let count = (seen.batch * shape.pixels()) as f64;
            for channel in 0..shape.channels {
                let [mean, product] = &means[channel / LANES];
                dtheta[start + channel] += product[channel % LANES] * count;
                dtheta[start + shape.channels + channel] += mean[channel % LANES] * count;
            }
        }
        let Some(sink) = &mut dinputs[0] else {
            return;
        };
        let add = std::mem::replace(&mut sink.begun, true);
        let delta = &*delta;
        let sheets = sink.maps.cells.par_chunks_mut(shape.sheet()).enumerate();
        sheets.for_each_init(
            || vec![Cell::zero(); shape.cols],
            |line, (i, out)| {
                let (z, affine) = (z.sheet(i / blocks, i % blocks), &affine[i % blocks]);
                let delta = delta.sheet(i / blocks, i % blocks);
                let centre = self.centre(affine, &means[i % blocks]);
                for row in 0..shape.rows {
                    rows::normalise(affine, shape.row(z, row), line);
                    let (delta, out) = (shape.row(delta, row), shape.row_mut(out, row));
                    rows::centre(&centre, line, delta, add, out);
                }
            },
        );
    }
}

/// Mean and sum of squared deviations of one sheet.
fn spread<R: Real>(shape: Shape, sheet: &[Cell<R>]) -> Pair {
    let pixels = shape.pixels() as f64;
    let sums_of = |shift: &Cell<R>| {
        let mut pair = [[0.0; LANES]; 2];
        for row in 0..shape.rows {
            let row = shape.row(sheet, row);
            add_shifted_row(&mut pair, row, row, shift);
        }
        pair
    };
    let first = sums_of(&Cell::zero());
    let mean = Cell::of(&first[0].map(|s| s / pixels));
    let second = sums_of(&mean);
    // The mean was rounded; what is left of it corrects both.
    let mut pair = [[0.0; LANES]; 2];
    for lane in 0..LANES {
        let left = second[0][lane] / pixels;
        pair[0][lane] = mean.0[lane].to_f64() + left;
        pair[1][lane] = second[1][lane] - pixels * left * left;
    }
    pair
}

/// Adds Σ a and Σ a b of a row: within it in the network's numbers, from row to row in `f64`.
fn add_row<R: Real>(pair: &mut Pair, a: &[Cell<R>], b: &[Cell<R>]) {
    add_shifted_row(pair, a, b, &Cell::zero());
}

/// As [`add_row`], of a − shift and b − shift.
fn add_shifted_row<R: Real>(pair: &mut Pair, a: &[Cell<R>], b: &[Cell<R>], shift: &Cell<R>) {
    let mut sums = [Cell::<R>::zero(); 2];
    rows::sum(a, b, shift, &mut sums);
    for (pair, sums) in pair.iter_mut().zip(sums) {
        for lane in 0..LANES {
            pair[lane] += sums.0[lane].to_f64();
        }
    }
}

/// Replaces each y of a row by the activation's value.
fn values<R: Real>(activation: Activation, row: &mut [Cell<R>]) {
    if activation == Activation::Relu {
        return rows::rectify(row, None);
    }
    for cell in row {
        let mut y = cell.0.map(R::to_f64);
        activation.apply(&mut y);
        *cell = Cell::of(&y);
    }
}

/// Replaces each y of a row by the activation's slope there.
fn slopes<R: Real>(activation: Activation, row: &mut [Cell<R>]) {
    if activation == Activation::Relu {
        return rows::rectify(row, Some(&Cell::splat(R::from_f64(1.0))));
    }
    for cell in row {
        let (mut y, mut slope) = (cell.0.map(R::to_f64), [0.0; LANES]);
        activation.apply_with_slopes(&mut y, &mut slope);
        *cell = Cell::of(&slope);
    }
}
