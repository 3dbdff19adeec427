//! Pooling: the largest of each 2 × 2 cells.

use rayon::prelude::*;

use super::{Kept, Layer, Seen, Sink};
use crate::linalg::wide;
use crate::network::lanes::{Cell, Real};
use crate::network::maps::{Maps, Padding, Shape};

/// The largest of 2 × 2 pixels (of 2 in one dimension); of equal ones, the first.
pub struct Pooling {
    /// What it reads.
    pub from: Shape,
    /// What it makes: half the size.
    pub to: Shape,
    /// What lies beyond its border, for what follows.
    pub padding: Padding,
}

impl Pooling {
    /// Pixels whose largest is taken, from the pixel of `from` that belongs to the first one.
    fn window(&self) -> Vec<usize> {
        let stride = self.from.stride();
        if self.from.rows == self.to.rows {
            vec![0, 1]
        } else {
            vec![0, 1, stride, stride + 1]
        }
    }

    /// Calls `work` with each pixel of a sheet and the first of its window.
    #[inline(always)]
    fn pixels(&self, mut work: impl FnMut(usize, usize)) {
        let factor = self.from.rows / self.to.rows.max(1);
        for row in 0..self.to.rows {
            for col in 0..self.to.cols {
                work(
                    self.to.pixel(row, col),
                    self.from.pixel(factor * row, 2 * col),
                );
            }
        }
    }

    /// out = for each pixel, of `values` that one where `by` is largest.
    fn pick<R: Real>(&self, by: &Maps<R>, values: &Maps<R>, out: &mut Maps<R>) {
        let (window, blocks) = (self.window(), self.to.blocks());
        let sheets = out.cells.par_chunks_mut(self.to.sheet()).enumerate();
        sheets.for_each(|(i, out)| {
            let by = by.sheet(i / blocks, i % blocks);
            let values = values.sheet(i / blocks, i % blocks);
            wide(
                #[inline(always)]
                || {
                    self.pixels(
                        #[inline(always)]
                        |to, from| {
                            let (mut best, mut value) = (by[from], values[from]);
                            for step in &window[1..] {
                                let other = by[from + step];
                                let more = other.exceeds(best);
                                value = values[from + step].where_or(more, value);
                                best = other.where_or(more, best);
                            }
                            out[to] = value;
                        },
                    );
                },
            );
            self.to.pad(out, self.padding);
        });
    }
}

impl<R: Real> Layer<R> for Pooling {
    fn shape(&self) -> Shape {
        self.to
    }

    fn forward(&self, _: &[f64], inputs: &[&Maps<R>], out: &mut Maps<R>, _: &mut Kept) {
        self.pick(inputs[0], inputs[0], out);
    }

    fn tangent(
        &self,
        seen: &Seen<'_, R>,
        dinputs: &[Option<&Maps<R>>],
        _: &[f64],
        dout: &mut Maps<R>,
    ) {
        match dinputs[0] {
            Some(change) => self.pick(seen.inputs[0], change, dout),
            None => dout.cells.fill(Cell::zero()),
        }
    }

    fn adjoint(
        &self,
        seen: &Seen<'_, R>,
        delta: &mut Maps<R>,
        dinputs: &mut [Option<Sink<R>>],
        _: &mut [f64],
    ) {
        let Some(sink) = &mut dinputs[0] else {
            return;
        };
        sink.begin();
        let (window, blocks) = (self.window(), self.to.blocks());
        let sheets = sink.maps.cells.par_chunks_mut(self.from.sheet());
        sheets.enumerate().for_each(|(i, out)| {
            let by = seen.inputs[0].sheet(i / blocks, i % blocks);
            let delta = delta.sheet(i / blocks, i % blocks);
            wide(
                #[inline(always)]
                || {
                    self.pixels(
                        #[inline(always)]
                        |to, from| {
                            let mut best = by[from];
                            for step in &window[1..] {
                                let other = by[from + step];
                                best = other.where_or(other.exceeds(best), best);
                            }
                            // The first that is as large takes it all.
                            let (mut left, zero) = (delta[to], Cell::zero());
                            for step in &window {
                                let here = by[from + step].equals(best);
                                let more = left.where_or(here, zero);
                                out[from + step] = out[from + step].combine(more, |a, b| a + b);
                                left = zero.where_or(here, left);
                            }
                        },
                    );
                },
            );
        });
    }
}
