//! Filters that are a product of one real, even gain for each axis.

use std::sync::Arc;

use rustfft::{Fft, FftPlanner};

use super::C64;
use super::blocks::{chunks, fit};
use super::strips::columns;

/// Lines that are filtered together: 16 numbers fill two cache lines.
const BLOCK: usize = 16;

/// A filter that acts on each axis by itself, in a single pass for each.
///
/// A real, even gain maps real lines to real lines, so that two of them travel as the real and
/// the imaginary part of one complex line; between the axes there is no spectrum to keep.
pub struct Separable {
    axes: Vec<AxisFilter>,
}

impl std::fmt::Debug for Separable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shape: Vec<usize> = self.axes.iter().map(|axis| axis.gains.len()).collect();
        write!(f, "Separable({shape:?})")
    }
}

struct AxisFilter {
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
    /// At each mode, with the transform's normalisation.
    gains: Vec<f64>,
}

/// What the filtering of a few lines needs to work in.
#[derive(Default)]
struct FilterScratch {
    lines: Vec<C64>,
    plan: Vec<C64>,
}

impl AxisFilter {
    fn new(gains: &[f64], planner: &mut FftPlanner<f64>) -> Self {
        let n = gains.len();
        Self {
            forward: planner.plan_fft_forward(n),
            inverse: planner.plan_fft_inverse(n),
            gains: gains.iter().map(|gain| gain / n as f64).collect(),
        }
    }

    fn filter(&self, lines: &mut [C64], plan: &mut Vec<C64>) {
        let (forward, inverse) = (&self.forward, &self.inverse);
        let need = forward.get_inplace_scratch_len();
        let plan = fit(plan, need.max(inverse.get_inplace_scratch_len()));
        forward.process_with_scratch(lines, plan);
        for line in lines.chunks_mut(self.gains.len()) {
            for (value, gain) in line.iter_mut().zip(&self.gains) {
                *value *= gain;
            }
        }
        inverse.process_with_scratch(lines, plan);
    }

    /// Filters contiguous lines of `x`, two at a time; an odd one goes alone.
    fn filter_rows(&self, x: &[f64], out: &mut [f64], scratch: &mut FilterScratch) {
        let n = self.gains.len();
        let pairs = (x.len() / n).div_ceil(2);
        let lines = fit(&mut scratch.lines, pairs * n);
        for (line, pair) in lines.chunks_mut(n).zip(x.chunks(2 * n)) {
            let (a, b) = pair.split_at(n);
            if b.is_empty() {
                let alone = line.iter_mut().zip(a);
                alone.for_each(|(value, a)| *value = C64::new(*a, 0.0));
            }
            for ((value, a), b) in line.iter_mut().zip(a).zip(b) {
                *value = C64::new(*a, *b);
            }
        }
        self.filter(lines, &mut scratch.plan);
        for (line, pair) in lines.chunks(n).zip(out.chunks_mut(2 * n)) {
            let (a, b) = pair.split_at_mut(n);
            if b.is_empty() {
                let alone = a.iter_mut().zip(line);
                alone.for_each(|(a, value)| *a = value.re);
            }
            for ((a, b), value) in a.iter_mut().zip(b).zip(line) {
                (*a, *b) = (value.re, value.im);
            }
        }
    }

    /// Filters the columns of a matrix in place, two at a time; an odd one goes alone.
    fn filter_columns(&self, total: usize, matrix: &mut [f64]) {
        let n = self.gains.len();
        let cols = matrix.len() / n;
        columns(
            total,
            matrix,
            cols,
            BLOCK,
            &|_, columns, scratch: &mut FilterScratch| {
                let lines = fit(&mut scratch.lines, columns.width().div_ceil(2) * n);
                for (r, row) in columns.rows().enumerate() {
                    let pairs = row.chunks_exact(2);
                    let alone = pairs.remainder().first();
                    let values = pairs.map(|pair| C64::new(pair[0], pair[1]));
                    let values = values.chain(alone.map(|value| C64::new(*value, 0.0)));
                    for (place, value) in lines[r..].iter_mut().step_by(n).zip(values) {
                        *place = value;
                    }
                }
                self.filter(lines, &mut scratch.plan);
                for (r, row) in columns.rows().enumerate() {
                    let mut values = lines[r..].iter().step_by(n);
                    let mut pairs = row.chunks_exact_mut(2);
                    // The odd column is the last line.
                    for (pair, value) in pairs.by_ref().zip(values.by_ref()) {
                        pair.copy_from_slice(&[value.re, value.im]);
                    }
                    let alone = pairs.into_remainder().iter_mut().zip(values);
                    alone.for_each(|(alone, value)| *alone = value.re);
                }
            },
        );
    }
}

impl Separable {
    /// Plans the filter from the gain at each mode of each axis: as many as cells, with
    /// gain k equal to gain n − k.
    pub fn new(gains: &[Vec<f64>]) -> Self {
        let mut planner = FftPlanner::new();
        let axes = gains
            .iter()
            .map(|gains| AxisFilter::new(gains, &mut planner));
        Self {
            axes: axes.collect(),
        }
    }

    /// Filters x.
    ///
    /// # Cost
    /// One pass over the data for each axis.
    pub fn apply(&self, x: &[f64], out: &mut [f64]) {
        let Some((last, others)) = self.axes.split_last() else {
            return;
        };
        let mut stride = last.gains.len();
        chunks(x.len(), out, BLOCK * stride, &|from, out, scratch| {
            last.filter_rows(&x[from..from + out.len()], out, scratch);
        });
        for axis in others.iter().rev() {
            let slab = stride * axis.gains.len();
            if slab == x.len() {
                axis.filter_columns(x.len(), out);
            } else {
                // One slab to a thread.
                chunks(x.len(), out, slab, &|_, slab, (): &mut ()| {
                    axis.filter_columns(0, slab);
                });
            }
            stride = slab;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectral::fourier::RealFourier;

    fn blur(k: f64) -> f64 {
        (-0.3 * k * k).exp()
    }

    /// The same by way of the whole spectrum.
    #[test]
    fn axis_by_axis_is_the_same_as_all_at_once() {
        let shapes: [&[usize]; 8] = [
            &[1],
            &[9],
            &[5, 7],
            &[16, 33],
            &[1, 40],
            &[3, 4, 5],
            &[20, 18, 1],
            &[40, 41, 43],
        ];
        for shape in shapes {
            let fourier = RealFourier::new(shape);
            let gains: Vec<Vec<f64>> = (0..shape.len())
                .map(|axis| {
                    fourier
                        .wavenumbers(axis, 0.8)
                        .into_iter()
                        .map(blur)
                        .collect()
                })
                .collect();
            let x: Vec<f64> = (0..fourier.len())
                .map(|i| (1.7 * (i * i) as f64).sin())
                .collect();
            let (mut found, mut expected) = (x.clone(), x.clone());
            let whole = fourier.at_modes(0.8, |k| k.iter().map(|k| blur(*k)).product());
            fourier.apply_diagonal(&x, &mut expected, &whole);
            Separable::new(&gains).apply(&x, &mut found);
            let same = found
                .iter()
                .zip(&expected)
                .all(|(a, b)| (a - b).abs() < 1e-13);
            assert!(same, "{shape:?}");
        }
    }

    #[test]
    #[allow(clippy::unwrap_used)]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        for shape in [&[301, 257][..], &[40, 50, 41]] {
            let gains: Vec<Vec<f64>> = shape
                .iter()
                .map(|n| (0..*n).map(|k| blur(0.1 * k.min(n - k) as f64)).collect())
                .collect();
            let filter = Separable::new(&gains);
            let x: Vec<f64> = (0..shape.iter().product())
                .map(|i: usize| (1.7 * (i * i) as f64).sin())
                .collect();
            let run = |threads| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                let mut out = vec![0.0; x.len()];
                pool.install(|| filter.apply(&x, &mut out));
                out
            };
            assert_eq!(run(1), run(2));
        }
    }
}
