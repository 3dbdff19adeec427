//! Linear interpolation to twice the cells.

use rayon::prelude::*;

use super::{Kept, Layer, Seen, Sink};
use crate::network::lanes::{Cell, Real};
use crate::network::maps::{Maps, Padding, Shape};
use crate::network::rows;

/// Twice the size, by linear interpolation between the centres of pixels; at the border the last
/// pixel goes on, unless the other side follows.
pub struct Upsampling {
    /// What it reads.
    pub from: Shape,
    /// What it makes: twice the size.
    pub to: Shape,
    /// What lies beyond the border.
    pub padding: Padding,
}

/// The nearer pixel weighs ¾, the other one ¼.
const NEAR: f64 = 0.75;

/// Those of the nearer and of the other pixel.
fn weights<R: Real>() -> [Cell<R>; 2] {
    [NEAR, 1.0 - NEAR].map(|weight| Cell::splat(R::from_f64(weight)))
}

impl Upsampling {
    /// The two pixels of `count` between which pixel i of twice as many lies: the nearer one first.
    fn between(&self, i: usize, count: usize) -> (usize, usize) {
        let near = i / 2;
        let last = count - 1;
        let wraps = self.padding == Padding::Periodic;
        let far = match (i.is_multiple_of(2), wraps) {
            (true, false) => near.saturating_sub(1),
            (true, true) => near.checked_sub(1).unwrap_or(last),
            (false, false) => (near + 1).min(last),
            (false, true) => (near + 1) % count,
        };
        (near, far)
    }

    /// For each row of the output, the two rows of the input between which it lies.
    fn rows(&self, row: usize) -> (usize, usize) {
        if self.from.rows == self.to.rows {
            (row, row)
        } else {
            self.between(row, self.from.rows)
        }
    }

    fn interpolate<R: Real>(&self, from: &Maps<R>, out: &mut Maps<R>) {
        let blocks = self.to.blocks();
        let weights = weights();
        let [near, far] = &weights;
        let columns: Vec<_> = (0..self.to.cols)
            .map(|c| self.between(c, self.from.cols))
            .collect();
        let sheets = out.cells.par_chunks_mut(self.to.sheet()).enumerate();
        sheets.for_each_init(
            || vec![Cell::zero(); self.from.cols],
            |line, (i, out)| {
                let sheet = from.sheet(i / blocks, i % blocks);
                for row in 0..self.to.rows {
                    let (a, b) = self.rows(row);
                    let (a, b) = (self.from.row(sheet, a), self.from.row(sheet, b));
                    rows::blend([(near, a), (far, b)], line);
                    rows::widen(&weights, &columns, line, self.to.row_mut(out, row));
                }
                self.to.pad(out, self.padding);
            },
        );
    }
}

impl<R: Real> Layer<R> for Upsampling {
    fn shape(&self) -> Shape {
        self.to
    }

    fn forward(&self, _: &[f64], inputs: &[&Maps<R>], out: &mut Maps<R>, _: &mut Kept) {
        self.interpolate(inputs[0], out);
    }

    fn tangent(
        &self,
        _: &Seen<'_, R>,
        dinputs: &[Option<&Maps<R>>],
        _: &[f64],
        dout: &mut Maps<R>,
    ) {
        match dinputs[0] {
            Some(change) => self.interpolate(change, dout),
            None => dout.cells.fill(Cell::zero()),
        }
    }

    fn adjoint(
        &self,
        _: &Seen<'_, R>,
        delta: &mut Maps<R>,
        dinputs: &mut [Option<Sink<R>>],
        _: &mut [f64],
    ) {
        let Some(sink) = &mut dinputs[0] else {
            return;
        };
        sink.begin();
        let blocks = self.to.blocks();
        let weights = weights();
        let [near, far] = &weights;
        let columns: Vec<_> = (0..self.to.cols)
            .map(|c| self.between(c, self.from.cols))
            .collect();
        let sheets = sink.maps.cells.par_chunks_mut(self.from.sheet());
        sheets.enumerate().for_each_init(
            || vec![Cell::zero(); self.from.cols],
            |line, (i, out)| {
                let delta = delta.sheet(i / blocks, i % blocks);
                for row in 0..self.to.rows {
                    line.fill(Cell::zero());
                    rows::narrow(&weights, &columns, self.to.row(delta, row), line);
                    let (a, b) = self.rows(row);
                    rows::add_scaled(near, line, self.from.row_mut(out, a));
                    rows::add_scaled(far, line, self.from.row_mut(out, b));
                }
            },
        );
    }
}
