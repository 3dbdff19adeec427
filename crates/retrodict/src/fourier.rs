//! Real Fourier transforms on grids of one to three axes, made for filters.
//!
//! Memory traffic decides the speed, so a filter takes three passes: rows to a half spectrum;
//! columns gathered, transformed, filtered and transformed back while they are in cache; rows
//! back. Between the passes the data is transposed in blocks of whole cache lines, so every
//! transform runs on contiguous memory, and every thread writes memory of its own.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

pub(crate) mod blocks;

use blocks::{BLOCK, Pool, chunks, fit};

/// A complex number of a spectrum.
pub type C64 = Complex<f64>;

type Plan = Arc<dyn Fft<f64>>;

/// The transform of one grid.
///
/// The half spectrum of a grid (n₀, n₁, n₂) is laid out with the axes reversed:
/// (n₂/2 + 1, n₁, n₀), so that lines along the first axis are contiguous. For one axis it is
/// the usual half spectrum.
pub struct RealFourier {
    shape: Vec<usize>,
    half: usize,
    rows_forward: Arc<dyn RealToComplex<f64>>,
    rows_inverse: Arc<dyn ComplexToReal<f64>>,
    /// Of all axes but the last one, in order: forward and inverse.
    axes: Vec<(Plan, Plan)>,
    pool: Pool<C64>,
}

impl std::fmt::Debug for RealFourier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RealFourier({:?})", self.shape)
    }
}

impl RealFourier {
    /// Plans the transform of a grid of one to three axes, each of at least one cell.
    pub fn new(shape: &[usize]) -> Self {
        let last = shape.last().copied().unwrap_or(1).max(1);
        let mut real = RealFftPlanner::new();
        let mut complex = FftPlanner::new();
        let leading = &shape[..shape.len().saturating_sub(1)];
        Self {
            shape: shape.to_vec(),
            half: last / 2 + 1,
            rows_forward: real.plan_fft_forward(last),
            rows_inverse: real.plan_fft_inverse(last),
            axes: leading
                .iter()
                .map(|n| (complex.plan_fft_forward(*n), complex.plan_fft_inverse(*n)))
                .collect(),
            pool: Pool::default(),
        }
    }

    /// The number of cells.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The number of axes.
    pub fn axes(&self) -> usize {
        self.shape.len()
    }

    /// Whether the grid has no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of modes in the half spectrum.
    pub fn spectrum_len(&self) -> usize {
        self.axes.iter().map(|(f, _)| f.len()).product::<usize>() * self.half
    }

    /// The angular wavenumber along each axis, from index and number of cells: 2π m/(N h) with
    /// m from −N/2 to N/2.
    fn wavenumber(index: usize, cells: usize, width: f64) -> f64 {
        let m = if 2 * index > cells {
            index as f64 - cells as f64
        } else {
            index as f64
        };
        2.0 * std::f64::consts::PI * m / (cells as f64 * width)
    }

    /// f(k₀, k₁, …) at each mode, with k angular along each axis, in the layout of the spectrum.
    pub fn at_modes(&self, width: f64, f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        let dims = self.shape.len();
        let mut out = Vec::with_capacity(self.spectrum_len());
        let mut k = vec![0.0; dims];
        for mode in 0..self.spectrum_len() {
            let mut rest = mode;
            // The first axis varies fastest.
            for axis in 0..dims {
                let extent = if axis + 1 == dims {
                    self.half
                } else {
                    self.shape[axis]
                };
                k[axis] = Self::wavenumber(rest % extent, self.shape[axis], width);
                rest /= extent;
            }
            out.push(f(&k));
        }
        out
    }

    /// k² at each mode.
    pub fn k_squared(&self, width: f64) -> Vec<f64> {
        self.at_modes(width, |k| k.iter().map(|k| k * k).sum())
    }

    /// How often each mode of the half spectrum stands in the full one: 1 or 2.
    pub fn multiplicity(&self) -> Vec<f64> {
        let last = self.shape.last().copied().unwrap_or(1);
        let line = self.spectrum_len() / self.half;
        (0..self.spectrum_len())
            .map(|mode| {
                let index = mode / line;
                let alone = index == 0 || 2 * index == last;
                if alone { 1.0 } else { 2.0 }
            })
            .collect()
    }

    /// spectrum = F x, without normalisation.
    pub fn forward(&self, x: &[f64], spectrum: &mut [C64]) {
        self.run_forward(x, spectrum, &|_, _| {}, false);
    }

    /// x = F⁻¹ spectrum, normalised; destroys the spectrum.
    pub fn inverse(&self, spectrum: &mut [C64], x: &mut [f64]) {
        if let Some((_, inverse)) = self.axes.first() {
            let n = inverse.len();
            chunks(spectrum.len(), spectrum, BLOCK * n, &|_, chunk, scratch| {
                inverse
                    .process_with_scratch(chunk, fit(scratch, inverse.get_inplace_scratch_len()));
            });
        }
        self.run_inverse(spectrum, x);
    }

    /// out = F⁻¹ (gain · F x) in three passes; `gain` gets the index of the first mode of a
    /// contiguous piece of the spectrum, and the piece.
    pub fn filter(&self, x: &[f64], out: &mut [f64], gain: impl Fn(usize, &mut [C64]) + Sync) {
        let mut spectrum = self.take_spectrum();
        self.run_forward(x, &mut spectrum, &gain, true);
        self.run_inverse(&mut spectrum, out);
        self.pool.give(spectrum);
    }

    /// out = F⁻¹ (gains · F x) with a real gain at each mode.
    pub fn apply_diagonal(&self, x: &[f64], out: &mut [f64], gains: &[f64]) {
        self.filter(x, out, |first, piece| {
            for (value, gain) in piece.iter_mut().zip(&gains[first..]) {
                *value *= gain;
            }
        });
    }

    /// A spectrum of any content to work in; [`give_spectrum`](Self::give_spectrum) it back.
    pub(crate) fn take_spectrum(&self) -> Vec<C64> {
        self.pool.take(self.spectrum_len())
    }

    pub(crate) fn give_spectrum(&self, spectrum: Vec<C64>) {
        self.pool.give(spectrum);
    }

    /// Rows to the half spectrum, then each other axis; the innermost pieces go through `gain`
    /// and, if `back`, through the inverse transform of the first axis.
    fn run_forward(
        &self,
        x: &[f64],
        spectrum: &mut [C64],
        gain: &(impl Fn(usize, &mut [C64]) + Sync),
        back: bool,
    ) {
        let Some(((first, first_back), middle)) = self.axes.split_first() else {
            self.rows_to_spectrum(x, spectrum);
            gain(0, spectrum);
            return;
        };
        let mut rows = self.take_spectrum();
        self.rows_to_spectrum(x, &mut rows);
        if let Some((second, _)) = middle.first() {
            let n = second.len();
            let mut turned = self.take_spectrum();
            self.transpose(&rows, &mut turned, n, self.half, &|_, line, scratch| {
                second.process_with_scratch(line, fit(scratch, second.get_inplace_scratch_len()));
            });
            self.pool.give(std::mem::replace(&mut rows, turned));
        }
        let n = first.len();
        let others = rows.len() / n;
        let need = first
            .get_inplace_scratch_len()
            .max(first_back.get_inplace_scratch_len());
        self.transpose(&rows, spectrum, n, others, &|index, lines, scratch| {
            let scratch = fit(scratch, need);
            first.process_with_scratch(lines, scratch);
            gain(index, lines);
            if back {
                first_back.process_with_scratch(lines, scratch);
            }
        });
        self.pool.give(rows);
    }

    /// Undoes `run_forward` from where the first axis has been transformed back.
    fn run_inverse(&self, spectrum: &mut [C64], x: &mut [f64]) {
        if self.axes.is_empty() {
            self.spectrum_to_rows(spectrum, x, 1);
            return;
        }
        let n = self.axes[0].0.len();
        let Some((_, second)) = self.axes.get(1) else {
            self.spectrum_to_rows(spectrum, x, n);
            return;
        };
        let mut turned = self.take_spectrum();
        let others = spectrum.len() / n;
        let need = second.get_inplace_scratch_len();
        self.transpose(spectrum, &mut turned, others, n, &|_, lines, scratch| {
            second.process_with_scratch(lines, fit(scratch, need));
        });
        self.spectrum_to_rows(&turned, x, second.len());
        self.pool.give(turned);
    }

    fn rows_to_spectrum(&self, x: &[f64], spectrum: &mut [C64]) {
        let n = self.rows_forward.len();
        let half = self.half;
        let plan = &self.rows_forward;
        chunks(
            spectrum.len(),
            spectrum,
            BLOCK * half,
            &|first, block, scratch| {
                let start = first / half * n;
                let mut row = vec![0.0; n];
                for (line, values) in block.chunks_mut(half).zip(x[start..].chunks(n)) {
                    row.copy_from_slice(values);
                    // Lengths are right by construction, so this cannot fail.
                    let _ = plan.process_with_scratch(
                        &mut row,
                        line,
                        fit(scratch, plan.get_scratch_len()),
                    );
                }
            },
        );
    }

    /// Gathers rows from lines of `n` values each, in blocks, and transforms them to real.
    fn spectrum_to_rows(&self, spectrum: &[C64], x: &mut [f64], n: usize) {
        let width = self.rows_inverse.len();
        let half = self.half;
        let plan = &self.rows_inverse;
        let scale = 1.0 / self.len() as f64;
        let work = |first: usize, rows: &mut [f64], scratch: &mut Vec<C64>| {
            let (first_row, count) = (first / width, rows.len() / width);
            let need = plan.get_scratch_len();
            let scratch = fit(scratch, BLOCK * half + need);
            let (lines, scratch) = scratch.split_at_mut(BLOCK * half);
            let mut done = 0;
            while done < count {
                // Row r of a slab is position r of each of its lines.
                let (slab, position) = ((first_row + done) / n, (first_row + done) % n);
                let run = (n - position).min(count - done);
                let to = &mut lines[done * half..(done + run) * half];
                gather(&spectrum[slab * half * n..], to, n, position, half);
                done += run;
            }
            for (line, row) in lines.chunks_mut(half).zip(rows.chunks_mut(width)) {
                line[0].im = 0.0;
                if width % 2 == 0 {
                    line[half - 1].im = 0.0;
                }
                let _ = plan.process_with_scratch(line, row, scratch);
                row.iter_mut().for_each(|v| *v *= scale);
            }
        };
        chunks(x.len(), x, BLOCK * width, &work);
    }

    /// dst (each slab cols × rows) = transposed src (each slab rows × cols), line blocks of dst
    /// going through `work` with the index of their first value.
    fn transpose(
        &self,
        src: &[C64],
        dst: &mut [C64],
        rows: usize,
        cols: usize,
        work: &(impl Fn(usize, &mut [C64], &mut Vec<C64>) + Sync),
    ) {
        let slab = rows * cols;
        let total = src.len();
        let one = |index: usize, to: &mut [C64]| {
            let from = &src[index * slab..(index + 1) * slab];
            chunks(total, to, BLOCK * rows, &|first, block, scratch| {
                let first_col = first / rows;
                let width = block.len() / rows;
                for r in 0..rows {
                    let piece = &from[r * cols + first_col..][..width];
                    for (c, value) in piece.iter().enumerate() {
                        block[c * rows + r] = *value;
                    }
                }
                work(index * slab + first, block, scratch);
            });
        };
        for (index, to) in dst.chunks_mut(slab).enumerate() {
            one(index, to);
        }
    }
}

/// Row r of `to` takes position + r of each of the `half` lines of `n` values.
fn gather(from: &[C64], to: &mut [C64], n: usize, position: usize, half: usize) {
    let run = to.len() / half;
    for c in 0..half {
        let piece = &from[c * n + position..][..run];
        for (r, value) in piece.iter().enumerate() {
            to[r * half + c] = *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(n: usize) -> Vec<f64> {
        (0..n)
            .map(|i| (1.7 * i as f64).sin() + (0.3 * (i * i) as f64).cos())
            .collect()
    }

    /// The sum that defines the transform, at the mode with the given index.
    fn naive(x: &[f64], shape: &[usize], half: usize, mode: usize) -> C64 {
        let dims = shape.len();
        let mut k = vec![0; dims];
        let mut rest = mode;
        for axis in 0..dims {
            let extent = if axis + 1 == dims { half } else { shape[axis] };
            k[axis] = rest % extent;
            rest /= extent;
        }
        let mut sum = C64::default();
        for (i, x) in x.iter().enumerate() {
            let mut rest = i;
            let mut turns = 0.0;
            for axis in (0..dims).rev() {
                turns += (rest % shape[axis]) as f64 * k[axis] as f64 / shape[axis] as f64;
                rest /= shape[axis];
            }
            sum += C64::from_polar(*x, -2.0 * std::f64::consts::PI * turns);
        }
        sum
    }

    const SHAPES: [&[usize]; 10] = [
        &[1],
        &[8],
        &[13],
        &[4, 6],
        &[7, 5],
        &[17, 20],
        &[3, 4, 6],
        &[5, 3, 7],
        &[9, 10, 11],
        &[2, 1, 4],
    ];

    #[test]
    fn the_transform_is_the_sum_that_defines_it() {
        for shape in SHAPES {
            let fourier = RealFourier::new(shape);
            let x = field(fourier.len());
            let mut spectrum = vec![C64::default(); fourier.spectrum_len()];
            fourier.forward(&x, &mut spectrum);
            for (mode, value) in spectrum.iter().enumerate() {
                let expected = naive(&x, shape, fourier.half, mode);
                assert!((value - expected).norm() < 1e-10, "{shape:?} mode {mode}");
            }
            let energy: f64 = spectrum
                .iter()
                .zip(fourier.multiplicity())
                .map(|(s, m)| m * s.norm_sqr())
                .sum();
            let direct: f64 = x.iter().map(|x| x * x).sum();
            assert!(
                (energy / x.len() as f64 - direct).abs() < 1e-10 * direct,
                "Parseval"
            );
            let mut back = vec![0.0; x.len()];
            fourier.inverse(&mut spectrum, &mut back);
            assert!(x.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-13));
        }
    }

    #[test]
    fn a_filter_is_transform_gain_and_inverse() {
        for shape in SHAPES {
            let fourier = RealFourier::new(shape);
            let x = field(fourier.len());
            let gains: Vec<f64> = fourier
                .k_squared(0.7)
                .iter()
                .map(|k2| (-0.1 * k2).exp())
                .collect();
            let mut spectrum = vec![C64::default(); fourier.spectrum_len()];
            fourier.forward(&x, &mut spectrum);
            spectrum.iter_mut().zip(&gains).for_each(|(s, g)| *s *= g);
            let (mut expected, mut found) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            fourier.inverse(&mut spectrum, &mut expected);
            for _ in 0..2 {
                fourier.apply_diagonal(&x, &mut found, &gains);
                assert!(
                    expected
                        .iter()
                        .zip(&found)
                        .all(|(a, b)| (a - b).abs() < 1e-13)
                );
            }
        }
    }

    #[test]
    #[allow(clippy::unwrap_used)]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        for shape in [&[300, 257][..], &[40, 50, 41]] {
            let fourier = RealFourier::new(shape);
            let x = field(fourier.len());
            let gains = fourier.k_squared(1.0);
            let run = |threads| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                let mut out = vec![0.0; x.len()];
                pool.install(|| fourier.apply_diagonal(&x, &mut out, &gains));
                out
            };
            assert_eq!(run(1), run(2));
        }
    }
}
