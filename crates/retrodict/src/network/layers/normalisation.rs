use pulp::Arch;
use rayon::prelude::*;

use super::{Kept, Layer, Seen, Sink};
use crate::network::Activation;
use crate::network::lanes::{Cell, LANES, Real};
use crate::network::maps::{Maps, Padding, Shape};

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
pub struct Normalisation {
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

/// What normalisation does to one block of channels: ẑ = (z − mean) · inverse, y = γ ẑ + β.
#[derive(Clone, Copy)]
struct Affine<R> {
    mean: Cell<R>,
    inverse: Cell<R>,
    gamma: Cell<R>,
    beta: Cell<R>,
}

impl<R: Real> Affine<R> {
    /// ẑ of a row.
    #[inline(always)]
    fn normalise(&self, z: &[Cell<R>], out: &mut [Cell<R>]) {
        for (out, z) in out.iter_mut().zip(z) {
            for lane in 0..LANES {
                out.0[lane] = (z.0[lane] - self.mean.0[lane]) * self.inverse.0[lane];
            }
        }
    }

    /// y = γ ẑ + β of a row.
    #[inline(always)]
    fn scale(&self, normalised: &[Cell<R>], out: &mut [Cell<R>]) {
        for (out, z) in out.iter_mut().zip(normalised) {
            for lane in 0..LANES {
                out.0[lane] = z.0[lane] * self.gamma.0[lane] + self.beta.0[lane];
            }
        }
    }
}

/// Two rows of room for a thread.
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
    #[inline(always)]
    fn fill(&mut self, affine: &Affine<R>, activation: Activation, z: &[Cell<R>]) {
        affine.normalise(z, &mut self.normalised);
        affine.scale(&self.normalised, &mut self.slopes);
        slopes(activation, &mut self.slopes);
    }
}

impl Normalisation {
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

    /// β's and γ's share: means of the change and of its product with ẑ, as cells of a block. Where
    /// nothing is normalised, neither counts.
    fn cells<R: Real>(&self, pair: &Pair) -> [Cell<R>; 2] {
        pair.map(|means| {
            if self.start.is_some() {
                Cell::of(&means)
            } else {
                Cell::zero()
            }
        })
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
                Arch::new().dispatch(|| {
                    for row in 0..shape.rows {
                        affine.normalise(shape.row(z, row), &mut lines.normalised);
                        let out = shape.row_mut(out, row);
                        affine.scale(&lines.normalised, out);
                        values(self.activation, out);
                    }
                });
                shape.pad(out, self.padding);
            },
        );
    }
}

impl<R: Real> Layer<R> for Normalisation {
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
                Arch::new().dispatch(|| {
                    for row in 0..shape.rows {
                        affine.normalise(shape.row(z, row), &mut lines.normalised);
                        add_row(&mut pair, shape.row(change, row), &lines.normalised);
                    }
                });
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
                let [mean, product] = self.cells::<R>(&means[i % blocks]);
                let own = i % blocks * LANES..i % blocks * LANES + shape.used(i % blocks);
                let (dgamma, dbeta) = match self.start {
                    Some(start) => (
                        Cell::<R>::of(&dtheta[start..][own.clone()]),
                        Cell::of(&dtheta[start + channels..][own]),
                    ),
                    None => (Cell::zero(), Cell::zero()),
                };
                Arch::new().dispatch(|| {
                    for row in 0..shape.rows {
                        lines.fill(affine, self.activation, shape.row(z, row));
                        let change = shape.row(change, row);
                        let seen = lines.normalised.iter().zip(&lines.slopes).zip(change);
                        for (out, ((z, slope), d)) in shape.row_mut(out, row).iter_mut().zip(seen) {
                            for lane in 0..LANES {
                                let centred =
                                    d.0[lane] - mean.0[lane] - z.0[lane] * product.0[lane];
                                let dz = affine.inverse.0[lane] * centred;
                                let dy = affine.gamma.0[lane] * dz
                                    + dgamma.0[lane] * z.0[lane]
                                    + dbeta.0[lane];
                                out.0[lane] = slope.0[lane] * dy;
                            }
                        }
                    }
                });
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
                Arch::new().dispatch(|| {
                    for row in 0..shape.rows {
                        lines.fill(affine, self.activation, shape.row(z, row));
                        let delta = shape.row_mut(delta, row);
                        for (delta, slope) in delta.iter_mut().zip(&lines.slopes) {
                            for lane in 0..LANES {
                                delta.0[lane] = delta.0[lane] * slope.0[lane];
                            }
                        }
                        add_row(&mut pair, delta, &lines.normalised);
                    }
                });
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
                let [mean, product] = self.cells::<R>(&means[i % blocks]);
                let mut factor = affine.gamma;
                for lane in 0..LANES {
                    factor.0[lane] = factor.0[lane] * affine.inverse.0[lane];
                }
                Arch::new().dispatch(|| {
                    for row in 0..shape.rows {
                        affine.normalise(shape.row(z, row), line);
                        let out = shape.row_mut(out, row);
                        let pairs = line.iter().zip(shape.row(delta, row));
                        for (out, (z, delta)) in out.iter_mut().zip(pairs) {
                            for lane in 0..LANES {
                                let centred =
                                    delta.0[lane] - mean.0[lane] - z.0[lane] * product.0[lane];
                                let dz = factor.0[lane] * centred;
                                out.0[lane] = if add { out.0[lane] + dz } else { dz };
                            }
                        }
                    }
                });
            },
        );
    }
}

/// Mean and sum of squared deviations of one sheet.
fn spread<R: Real>(shape: Shape, sheet: &[Cell<R>]) -> Pair {
    let pixels = shape.pixels() as f64;
    let mut first = [[0.0; LANES]; 2];
    Arch::new().dispatch(|| {
        for row in 0..shape.rows {
            let row = shape.row(sheet, row);
            add_row(&mut first, row, row);
        }
    });
    let mean = Cell::<R>::of(&first[0].map(|s| s / pixels));
    let mut second = [[0.0; LANES]; 2];
    Arch::new().dispatch(|| {
        for row in 0..shape.rows {
            let mut sums = [Cell::<R>::zero(); 2];
            for z in shape.row(sheet, row) {
                for lane in 0..LANES {
                    let d = z.0[lane] - mean.0[lane];
                    sums[0].0[lane] += d;
                    sums[1].0[lane] += d * d;
                }
            }
            gather(&mut second, sums);
        }
    });
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
#[inline(always)]
fn add_row<R: Real>(pair: &mut Pair, a: &[Cell<R>], b: &[Cell<R>]) {
    let mut sums = [Cell::<R>::zero(); 2];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[0].0[lane] += a.0[lane];
            sums[1].0[lane] += a.0[lane] * b.0[lane];
        }
    }
    gather(pair, sums);
}

#[inline(always)]
fn gather<R: Real>(pair: &mut Pair, sums: [Cell<R>; 2]) {
    for (pair, sums) in pair.iter_mut().zip(sums) {
        for lane in 0..LANES {
            pair[lane] += sums.0[lane].to_f64();
        }
    }
}

/// Replaces each y of a row by the activation's value.
#[inline(always)]
fn values<R: Real>(activation: Activation, row: &mut [Cell<R>]) {
    if activation == Activation::Relu {
        for cell in row {
            for lane in 0..LANES {
                let y = cell.0[lane];
                cell.0[lane] = if y > R::default() { y } else { R::default() };
            }
        }
        return;
    }
    for cell in row {
        let mut y = cell.0.map(R::to_f64);
        activation.apply(&mut y);
        *cell = Cell::of(&y);
    }
}

/// Replaces each y of a row by the activation's slope there.
#[inline(always)]
fn slopes<R: Real>(activation: Activation, row: &mut [Cell<R>]) {
    if activation == Activation::Relu {
        let one = R::from_f64(1.0);
        for cell in row {
            for lane in 0..LANES {
                let on = cell.0[lane] > R::default();
                cell.0[lane] = if on { one } else { R::default() };
            }
        }
        return;
    }
    for cell in row {
        let (mut y, mut slope) = (cell.0.map(R::to_f64), [0.0; LANES]);
        activation.apply_with_slopes(&mut y, &mut slope);
        *cell = Cell::of(&slope);
    }
}
