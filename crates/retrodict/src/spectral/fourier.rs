//! Real Fourier transforms on grids of one to three axes, made for filters.
//!
//! Memory traffic decides the speed, so a filter takes three passes: rows to a half spectrum;
//! columns gathered, transformed, filtered and transformed back while they are in cache; rows
//! back. Columns travel in blocks of whole cache lines, every transform runs on contiguous
//! memory, and every thread writes memory of its own. Filters with one gain for each axis are
//! faster still: [`Separable`].

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

pub(crate) mod blocks;
mod separable;
mod strips;

use blocks::{BLOCK, Pool, chunks, fit, pairs};
pub use separable::Separable;
use strips::columns;

/// A complex number of a spectrum.
pub(crate) type C64 = Complex<f64>;

type FftPlan = Arc<dyn Fft<f64>>;

/// The transform of one grid.
///
/// The half spectrum of a grid (n₀, n₁, n₂) is laid out as (n₁, n₂/2 + 1, n₀): lines along
/// the first axis are contiguous. For one axis it is the usual half spectrum.
pub struct RealFourier {
    shape: Vec<usize>,
    half: usize,
    rows_forward: Arc<dyn RealToComplex<f64>>,
    rows_inverse: Arc<dyn ComplexToReal<f64>>,
    /// Of all axes but the last one, in order: forward and inverse.
    axes: Vec<(FftPlan, FftPlan)>,
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

    /// The angular wavenumber at each mode of an axis, the negative ones included.
    pub fn wavenumbers(&self, axis: usize, width: f64) -> Vec<f64> {
        let cells = self.shape[axis];
        (0..cells)
            .map(|index| Self::wavenumber(index, cells, width))
            .collect()
    }

    /// f(k₀, k₁, …) at each mode, with k angular along each axis, in the layout of the spectrum.
    pub fn at_modes(&self, width: f64, f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        let dims = self.shape.len();
        let mut out = Vec::with_capacity(self.spectrum_len());
        let mut k = vec![0.0; dims];
        for mode in 0..self.spectrum_len() {
            for (axis, index) in self.indices(mode).into_iter().enumerate().take(dims) {
                k[axis] = Self::wavenumber(index, self.shape[axis], width);
            }
            out.push(f(&k));
        }
        out
    }

    /// The index of a mode along each axis.
    fn indices(&self, mode: usize) -> [usize; 3] {
        let mut indices = [0; 3];
        let mut rest = mode;
        let last = self.shape.len() - 1;
        if last > 0 {
            indices[0] = rest % self.shape[0];
            rest /= self.shape[0];
        }
        indices[last] = rest % self.half;
        if last > 1 {
            indices[1] = rest / self.half;
        }
        indices
    }

    /// k² at each mode.
    pub fn k_squared(&self, width: f64) -> Vec<f64> {
        self.at_modes(width, |k| k.iter().map(|k| k * k).sum())
    }

    /// How often each mode of the half spectrum stands in the full one: 1 or 2.
    pub fn multiplicity(&self) -> Vec<f64> {
        let last = self.shape.len() - 1;
        (0..self.spectrum_len())
            .map(|mode| {
                let index = self.indices(mode)[last];
                let alone = index == 0 || 2 * index == self.shape[last];
                if alone { 1.0 } else { 2.0 }
            })
            .collect()
    }

    /// spectrum = F x, without normalisation.
    pub(crate) fn forward(&self, x: &[f64], spectrum: &mut [C64]) {
        let Some((first, _)) = self.axes.first() else {
            return self.rows_to_modes(x, spectrum);
        };
        let mut modes = self.take_spectrum();
        self.rows_to_modes(x, &mut modes);
        self.middle_axis(&mut modes, |(forward, _)| forward);
        let n = first.len();
        let cols = modes.len() / n;
        chunks(modes.len(), spectrum, BLOCK * n, &|from, lines, scratch| {
            let width = lines.len() / n;
            for (r, row) in modes.chunks(cols).enumerate() {
                for (c, value) in row[from / n..][..width].iter().enumerate() {
                    lines[c * n + r] = *value;
                }
            }
            transform(first, lines, scratch);
        });
        self.give_spectrum(modes);
    }

    /// x = F⁻¹ spectrum, normalised.
    pub(crate) fn inverse(&self, spectrum: &[C64], x: &mut [f64]) {
        let mut modes = self.take_spectrum();
        if let Some((_, inverse)) = self.axes.first() {
            let n = inverse.len();
            let cols = modes.len() / n;
            let work = |first: usize,
                        columns: &mut strips::Columns<'_, '_, C64>,
                        s: &mut FourierScratch| {
                let lines = fit(&mut s.lines, columns.width() * n);
                lines.copy_from_slice(&spectrum[first * n..][..lines.len()]);
                transform(inverse, lines, &mut s.plan);
                columns.scatter(lines);
            };
            columns(spectrum.len(), &mut modes, cols, BLOCK, &work);
        } else {
            modes.copy_from_slice(spectrum);
        }
        self.middle_axis(&mut modes, |(_, inverse)| inverse);
        self.modes_to_rows(&mut modes, x);
        self.give_spectrum(modes);
    }

    /// out = F⁻¹ (gain · F x) in three passes; `gain` gets the index of the first mode of a
    /// contiguous piece of the spectrum, and the piece.
    pub(crate) fn filter(
        &self,
        x: &[f64],
        out: &mut [f64],
        gain: impl Fn(usize, &mut [C64]) + Sync,
    ) {
        let mut modes = self.take_spectrum();
        self.rows_to_modes(x, &mut modes);
        self.middle_axis(&mut modes, |(forward, _)| forward);
        if let Some((forward, inverse)) = self.axes.first() {
            let n = forward.len();
            let cols = modes.len() / n;
            let work = |first: usize,
                        columns: &mut strips::Columns<'_, '_, C64>,
                        s: &mut FourierScratch| {
                let lines = fit(&mut s.lines, columns.width() * n);
                columns.gather(lines);
                transform(forward, lines, &mut s.plan);
                gain(first * n, lines);
                transform(inverse, lines, &mut s.plan);
                columns.scatter(lines);
            };
            columns(modes.len(), &mut modes, cols, BLOCK, &work);
        } else {
            gain(0, &mut modes);
        }
        self.middle_axis(&mut modes, |(_, inverse)| inverse);
        self.modes_to_rows(&mut modes, out);
        self.give_spectrum(modes);
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

    /// Each row of x to its half spectrum.
    fn rows_to_modes(&self, x: &[f64], modes: &mut [C64]) {
        let plan = &self.rows_forward;
        let (n, half) = (plan.len(), self.half);
        chunks(
            x.len(),
            modes,
            BLOCK * half,
            &|from, lines, s: &mut FourierScratch| {
                let row = fit(&mut s.row, n);
                let scratch = fit(&mut s.plan, plan.get_scratch_len());
                let rows = x[from / half * n..].chunks(n);
                for (line, values) in lines.chunks_mut(half).zip(rows) {
                    row.copy_from_slice(values);
                    // Lengths are right by construction, so this cannot fail.
                    let _ = plan.process_with_scratch(row, line, scratch);
                }
            },
        );
    }

    /// Undoes `rows_to_modes`, normalised for all axes; destroys the modes.
    fn modes_to_rows(&self, modes: &mut [C64], x: &mut [f64]) {
        let plan = &self.rows_inverse;
        let (n, half) = (plan.len(), self.half);
        let scale = 1.0 / self.len() as f64;
        let work = |lines: &mut [C64], rows: &mut [f64], scratch: &mut Vec<C64>| {
            let scratch = fit(scratch, plan.get_scratch_len());
            for (line, row) in lines.chunks_mut(half).zip(rows.chunks_mut(n)) {
                line[0].im = 0.0;
                if n.is_multiple_of(2) {
                    line[half - 1].im = 0.0;
                }
                let _ = plan.process_with_scratch(line, row, scratch);
                row.iter_mut().for_each(|v| *v *= scale);
            }
        };
        pairs(modes, BLOCK * half, x, BLOCK * n, &work);
    }

    /// The second of three axes, in place, one slab to a thread.
    fn middle_axis(&self, modes: &mut [C64], which: impl Fn(&(FftPlan, FftPlan)) -> &FftPlan) {
        let Some(plans) = self.axes.get(1) else {
            return;
        };
        let plan = which(plans);
        let n = plan.len();
        let work = |_, columns: &mut strips::Columns<'_, '_, C64>, s: &mut FourierScratch| {
            let lines = fit(&mut s.lines, columns.width() * n);
            columns.gather(lines);
            transform(plan, lines, &mut s.plan);
            columns.scatter(lines);
        };
        chunks(
            modes.len(),
            modes,
            n * self.half,
            &|_, slab, (): &mut ()| {
                columns(0, slab, self.half, BLOCK, &work);
            },
        );
    }
}

/// What the transform of a few lines needs to work in.
#[derive(Default)]
struct FourierScratch {
    row: Vec<f64>,
    lines: Vec<C64>,
    plan: Vec<C64>,
}

fn transform(plan: &FftPlan, lines: &mut [C64], scratch: &mut Vec<C64>) {
    plan.process_with_scratch(lines, fit(scratch, plan.get_inplace_scratch_len()));
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
    fn naive(x: &[f64], shape: &[usize], k: [usize; 3]) -> C64 {
        let mut sum = C64::default();
        for (i, x) in x.iter().enumerate() {
            let mut rest = i;
            let mut turns = 0.0;
            for axis in (0..shape.len()).rev() {
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
                let expected = naive(&x, shape, fourier.indices(mode));
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
            fourier.inverse(&spectrum, &mut back);
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
            fourier.inverse(&spectrum, &mut expected);
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
