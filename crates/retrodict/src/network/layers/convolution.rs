//! Convolutions, forwards and with all derivatives.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{Kept, Layer, Seen, Sink};
use crate::network::lanes::{Cell, LANES, Real};
use crate::network::maps::{Maps, Padding, Shape};

/// Pixels whose sums one pass keeps in registers.
const TILE: usize = 16;
/// Groups of samples whose gradients are added up one by one; fixed, so that sums have one order.
const GROUPS: usize = 32;

/// A convolution with a kernel of 1 or 3 rows and columns over one or several feature maps, joined
/// along their channels, by direct summation.
///
/// In θ: the kernel (rows × columns × inputs × outputs), then a bias for each output if wished.
pub struct Convolution {
    /// The feature maps that it joins.
    pub from: Vec<Shape>,
    /// What it makes.
    pub to: Shape,
    /// Rows and columns of the kernel.
    pub size: (usize, usize),
    /// What lies beyond the border.
    pub padding: Padding,
    /// Where its weights begin in θ.
    pub start: usize,
    /// Whether there is a bias.
    pub bias: bool,
}

/// A kernel in cells: for each block of outputs, for each block of inputs, for each tap, a cell of
/// outputs for each input lane.
struct Kernel<R> {
    cells: Vec<Cell<R>>,
    bias: Vec<Cell<R>>,
}

impl Convolution {
    /// The number of inputs.
    pub fn inputs(&self) -> usize {
        self.from.iter().map(|s| s.channels).sum()
    }
    /// The number of weights without the bias.
    pub fn kernel(&self) -> usize {
        self.size.0 * self.size.1 * self.inputs() * self.to.channels
    }
    /// The number of all weights.
    pub fn parameters(&self) -> usize {
        self.kernel() + if self.bias { self.to.channels } else { 0 }
    }

    /// Where each tap lies, in cells from the pixel that is computed; the border of a sheet keeps them
    /// all within it.
    fn taps(&self) -> Vec<isize> {
        let stride = self.to.stride() as isize;
        let reach = |n: usize| -((n / 2) as isize)..=(n / 2) as isize;
        reach(self.size.0)
            .flat_map(|row| reach(self.size.1).map(move |col| row * stride + col))
            .collect()
    }

    /// The blocks of all inputs: which map, which block of it, and the first of its channels among all.
    fn blocks(&self) -> Vec<(usize, usize, usize)> {
        let mut first = 0;
        let mut all = Vec::new();
        for (map, shape) in self.from.iter().enumerate() {
            for block in 0..shape.blocks() {
                all.push((map, block, first + block * LANES));
            }
            first += shape.channels;
        }
        all
    }

    /// Kernel and bias as forward sums need them.
    fn forward_kernel<R: Real>(&self, theta: &[f64]) -> Kernel<R> {
        let (inputs, outputs) = (self.inputs(), self.to.channels);
        let weights = &theta[self.start..][..self.kernel()];
        let mut cells = Vec::new();
        for block in 0..self.to.blocks() {
            let used = self.to.used(block);
            for (map, from, first) in self.blocks() {
                for tap in 0..self.size.0 * self.size.1 {
                    for lane in 0..LANES {
                        cells.push(if lane < self.from[map].used(from) {
                            let at = (tap * inputs + first + lane) * outputs + block * LANES;
                            Cell::of(&weights[at..at + used])
                        } else {
                            Cell::zero()
                        });
                    }
                }
            }
        }
        let bias = (0..self.to.blocks()).map(|block| {
            if self.bias {
                let at = self.start + self.kernel() + block * LANES;
                Cell::of(&theta[at..at + self.to.used(block)])
            } else {
                Cell::zero()
            }
        });
        Kernel {
            bias: bias.collect(),
            cells,
        }
    }

    /// The kernel that carries a change of the outputs back to one input map: mirrored and transposed.
    fn backward_kernel<R: Real>(&self, theta: &[f64], map: usize) -> Kernel<R> {
        let (inputs, outputs) = (self.inputs(), self.to.channels);
        let weights = &theta[self.start..][..self.kernel()];
        let taps = self.size.0 * self.size.1;
        let mut cells = Vec::new();
        for (_, block, first) in self.blocks().into_iter().filter(|(m, _, _)| *m == map) {
            let used = self.from[map].used(block);
            for tap in (0..taps).rev() {
                for output in 0..self.to.blocks() * LANES {
                    let mut cell = Cell::zero();
                    if output < outputs {
                        for lane in 0..used {
                            let at = (tap * inputs + first + lane) * outputs + output;
                            cell.0[lane] = R::from_f64(weights[at]);
                        }
                    }
                    cells.push(cell);
                }
            }
        }
        // Taps are outside blocks of outputs so far; sums want blocks outside.
        let (blocks, outs) = (self.from[map].blocks(), self.to.blocks());
        let mut sorted = Vec::with_capacity(cells.len());
        for block in 0..blocks {
            for out in 0..outs {
                for tap in 0..taps {
                    let at = ((block * taps + tap) * outs + out) * LANES;
                    sorted.extend_from_slice(&cells[at..at + LANES]);
                }
            }
        }
        Kernel {
            bias: vec![Cell::zero(); blocks],
            cells: sorted,
        }
    }

    /// out = kernel ∗ inputs + bias, or added to what is there.
    fn convolve<R: Real>(
        &self,
        kernel: &Kernel<R>,
        inputs: &[&Maps<R>],
        out: &mut Maps<R>,
        add: bool,
    ) {
        let (shape, taps) = (out.shape, self.taps());
        let samples = out.cells.par_chunks_mut(shape.sample()).enumerate();
        samples.for_each(|(n, cells)| {
            let sheets: Vec<Sheet<'_, R>> = inputs
                .iter()
                .flat_map(|maps| {
                    (0..maps.shape.blocks()).map(move |block| Sheet {
                        cells: maps.sheet(n, block),
                        used: maps.shape.used(block),
                    })
                })
                .collect();
            let each = sheets.len() * taps.len() * LANES;
            for (block, out) in cells.chunks_mut(shape.sheet()).enumerate() {
                Arch::new().dispatch(Sums {
                    shape,
                    sheets: &sheets,
                    taps: &taps,
                    kernel: &kernel.cells[block * each..][..each],
                    bias: kernel.bias[block],
                    out,
                    add,
                });
            }
        });
    }
}

/// One block of inputs of a sample.
struct Sheet<'a, R> {
    cells: &'a [Cell<R>],
    used: usize,
}

/// A convolution to one block of outputs of a sample.
struct Sums<'a, R> {
    shape: Shape,
    sheets: &'a [Sheet<'a, R>],
    taps: &'a [isize],
    kernel: &'a [Cell<R>],
    bias: Cell<R>,
    out: &'a mut [Cell<R>],
    add: bool,
}

impl<R: Real> WithSimd for Sums<'_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for row in 0..self.shape.rows {
            let mut col = 0;
            while col < self.shape.cols {
                let at = self.shape.pixel(row, col);
                match self.shape.cols - col {
                    TILE.. => {
                        self.tile::<S, TILE>(simd, at);
                        col += TILE;
                    }
                    8.. => {
                        self.tile::<S, 8>(simd, at);
                        col += 8;
                    }
                    4.. => {
                        self.tile::<S, 4>(simd, at);
                        col += 4;
                    }
                    _ => {
                        self.tile::<S, 1>(simd, at);
                        col += 1;
                    }
                }
            }
        }
    }
}

impl<R: Real> Sums<'_, R> {
    /// The sums of P neighbouring pixels, all in registers: each weight is read once for P pixels.
    #[inline(always)]
    fn tile<S: Simd, const P: usize>(&mut self, simd: S, at: usize) {
        for v in 0..R::registers::<S>(&self.bias).len() {
            let mut sums = [R::registers::<S>(&self.bias)[v]; P];
            let Some(out) = self.out[at..].first_chunk_mut::<P>() else {
                return;
            };
            if self.add {
                for p in 0..P {
                    sums[p] = R::registers::<S>(&out[p])[v];
                }
            }
            let mut kernel = self.kernel;
            for sheet in self.sheets {
                for tap in self.taps {
                    let cells = sheet.cells[at.wrapping_add_signed(*tap)..].first_chunk::<P>();
                    let (Some(cells), Some((weights, rest))) =
                        (cells, kernel.split_first_chunk::<LANES>())
                    else {
                        return;
                    };
                    kernel = rest;
                    if sheet.used == LANES {
                        for (lane, weight) in weights.iter().enumerate() {
                            let w = R::registers::<S>(weight)[v];
                            for p in 0..P {
                                let x = R::splat(simd, cells[p].0[lane]);
                                sums[p] = R::mul_add(simd, x, w, sums[p]);
                            }
                        }
                    } else {
                        for (lane, weight) in weights.iter().enumerate().take(sheet.used) {
                            let w = R::registers::<S>(weight)[v];
                            for p in 0..P {
                                let x = R::splat(simd, cells[p].0[lane]);
                                sums[p] = R::mul_add(simd, x, w, sums[p]);
                            }
                        }
                    }
                }
            }
            for p in 0..P {
                R::registers_mut::<S>(&mut out[p])[v] = sums[p];
            }
        }
    }
}

/// The gradient of the kernel from one block of inputs to one block of outputs, added to `into`.
struct Correlation<'a, R> {
    shape: Shape,
    sheet: Sheet<'a, R>,
    delta: &'a [Cell<R>],
    taps: &'a [isize],
    into: &'a mut [Cell<R>],
}

impl<R: Real> WithSimd for Correlation<'_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let cols = self.shape.cols;
        for row in 0..self.shape.rows {
            let at = self.shape.pixel(row, 0);
            let delta = &self.delta[at..at + cols];
            for (tap, into) in self.taps.iter().zip(self.into.chunks_exact_mut(LANES)) {
                let cells = &self.sheet.cells[at.wrapping_add_signed(*tap)..][..cols];
                let Some(into) = into.first_chunk_mut::<LANES>() else {
                    return;
                };
                for v in 0..R::registers::<S>(&into[0]).len() {
                    if self.sheet.used == LANES {
                        let mut sums = [R::splat(simd, R::default()); LANES];
                        for lane in 0..LANES {
                            sums[lane] = R::registers::<S>(&into[lane])[v];
                        }
                        for (delta, cell) in delta.iter().zip(cells) {
                            let d = R::registers::<S>(delta)[v];
                            for lane in 0..LANES {
                                let x = R::splat(simd, cell.0[lane]);
                                sums[lane] = R::mul_add(simd, x, d, sums[lane]);
                            }
                        }
                        for lane in 0..LANES {
                            R::registers_mut::<S>(&mut into[lane])[v] = sums[lane];
                        }
                    } else {
                        for lane in 0..self.sheet.used {
                            let mut sum = R::registers::<S>(&into[lane])[v];
                            for (delta, cell) in delta.iter().zip(cells) {
                                let d = R::registers::<S>(delta)[v];
                                sum = R::mul_add(simd, R::splat(simd, cell.0[lane]), d, sum);
                            }
                            R::registers_mut::<S>(&mut into[lane])[v] = sum;
                        }
                    }
                }
            }
        }
    }
}

impl<R: Real> Layer<R> for Convolution {
    fn shape(&self) -> Shape {
        self.to
    }

    fn forward(&self, theta: &[f64], inputs: &[&Maps<R>], out: &mut Maps<R>, _: &mut Kept) {
        self.convolve(&self.forward_kernel(theta), inputs, out, false);
    }

    fn tangent(
        &self,
        seen: &Seen<'_, R>,
        dinputs: &[Option<&Maps<R>>],
        dtheta: &[f64],
        dout: &mut Maps<R>,
    ) {
        self.convolve(&self.forward_kernel(dtheta), seen.inputs, dout, false);
        let all: Vec<&Maps<R>> = dinputs.iter().flatten().copied().collect();
        // Only the image has no change, and it is joined with nothing.
        if all.len() == dinputs.len() {
            let mut kernel = self.forward_kernel(seen.theta);
            kernel.bias.fill(Cell::zero());
            self.convolve(&kernel, &all, dout, true);
        }
    }

    fn adjoint(
        &self,
        seen: &Seen<'_, R>,
        delta: &mut Maps<R>,
        dinputs: &mut [Option<Sink<R>>],
        dtheta: &mut [f64],
    ) {
        let shape = delta.shape;
        let sheets = delta.cells.par_chunks_mut(shape.sheet());
        sheets.for_each(|sheet| shape.pad(sheet, self.padding));
        for (map, sink) in dinputs.iter_mut().enumerate() {
            if let Some(sink) = sink {
                let kernel = self.backward_kernel(seen.theta, map);
                let add = std::mem::replace(&mut sink.begun, true);
                self.convolve(&kernel, &[&*delta], &mut sink.maps, add);
            }
        }
        self.add_gradient(seen, delta, dtheta);
    }
}

impl Convolution {
    /// dθ += the gradient of the kernel and the bias.
    fn add_gradient<R: Real>(&self, seen: &Seen<'_, R>, delta: &Maps<R>, dtheta: &mut [f64]) {
        let (taps, blocks, outs) = (self.taps(), self.blocks(), self.to.blocks());
        let each = taps.len() * LANES;
        let size = seen.batch.div_ceil(GROUPS).max(1);
        let groups: Vec<(Vec<Cell<R>>, Vec<f64>)> = (0..seen.batch.div_ceil(size))
            .into_par_iter()
            .map(|group| {
                let mut sums = vec![Cell::zero(); outs * blocks.len() * each];
                let mut bias = vec![0.0; outs * LANES];
                for n in group * size..seen.batch.min((group + 1) * size) {
                    for (pair, into) in sums.chunks_mut(each).enumerate() {
                        let (out, (map, block, _)) =
                            (pair / blocks.len(), blocks[pair % blocks.len()]);
                        Arch::new().dispatch(Correlation {
                            shape: self.to,
                            sheet: Sheet {
                                cells: seen.inputs[map].sheet(n, block),
                                used: self.from[map].used(block),
                            },
                            delta: delta.sheet(n, out),
                            taps: &taps,
                            into,
                        });
                    }
                    if self.bias {
                        for (out, bias) in bias.chunks_mut(LANES).enumerate() {
                            add_pixels(self.to, delta.sheet(n, out), bias);
                        }
                    }
                }
                (sums, bias)
            })
            .collect();
        let (inputs, outputs) = (self.inputs(), self.to.channels);
        let (kernel, dbias) = dtheta[self.start..][..self.parameters()].split_at_mut(self.kernel());
        for (sums, bias) in &groups {
            for (pair, sums) in sums.chunks(each).enumerate() {
                let (out, (map, block, first)) = (pair / blocks.len(), blocks[pair % blocks.len()]);
                for (tap, sums) in sums.chunks(LANES).enumerate() {
                    for (lane, sum) in sums.iter().take(self.from[map].used(block)).enumerate() {
                        let at = (tap * inputs + first + lane) * outputs + out * LANES;
                        let row = &mut kernel[at..at + self.to.used(out)];
                        row.iter_mut()
                            .zip(sum.0)
                            .for_each(|(k, s)| *k += s.to_f64());
                    }
                }
            }
            dbias.iter_mut().zip(bias).for_each(|(d, b)| *d += b);
        }
    }
}

/// sums += the values of each channel over all pixels of a sheet.
fn add_pixels<R: Real>(shape: Shape, sheet: &[Cell<R>], sums: &mut [f64]) {
    for row in 0..shape.rows {
        let mut line = Cell::<R>::zero();
        for cell in shape.row(sheet, row) {
            line.0.iter_mut().zip(cell.0).for_each(|(l, c)| *l += c);
        }
        sums.iter_mut()
            .zip(line.0)
            .for_each(|(s, l)| *s += l.to_f64());
    }
}
