//! Sine and cosine transforms of single lines, on top of real Fourier transforms.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::spectral::fourier::C64;
use crate::spectral::fourier::blocks::fit;

/// The transform along one axis.
pub(super) trait LineTransform: Send + Sync {
    /// The number of cells, and of modes.
    fn len(&self) -> usize;
    /// Replaces values by the amplitudes of waves.
    fn forward(&self, line: &mut [f64], scratch: &mut LineScratch);
    /// Undoes `forward`, up to the factor [`normalisation`](Self::normalisation).
    fn back(&self, line: &mut [f64], scratch: &mut LineScratch);
    fn normalisation(&self) -> f64;
    /// Half the phase between neighbours: a wave's second difference is −4 sin² of it.
    fn half_phase(&self, mode: usize) -> f64;
}

/// What the transform of a line needs to work in.
#[derive(Default)]
pub(super) struct LineScratch {
    real: Vec<f64>,
    half: Vec<C64>,
    plan: Vec<C64>,
}

/// Σ x_i sin(π (k+1)(i+1)/(n+1)): the imaginary part of the Fourier transform of the line and
/// its negative mirror image, 2(n+1) values with 0 between the two.
pub(super) struct SineTransform {
    cells: usize,
    odd: Arc<dyn RealToComplex<f64>>,
}

impl SineTransform {
    pub(super) fn new(cells: usize, planner: &mut RealFftPlanner<f64>) -> Self {
        let odd = planner.plan_fft_forward(2 * (cells + 1));
        Self { cells, odd }
    }
}

impl LineTransform for SineTransform {
    fn len(&self) -> usize {
        self.cells
    }
    fn forward(&self, line: &mut [f64], scratch: &mut LineScratch) {
        let n = self.cells;
        let odd = fit(&mut scratch.real, 2 * (n + 1));
        odd[0] = 0.0;
        odd[n + 1] = 0.0;
        odd[1..=n].copy_from_slice(line);
        for (mirrored, value) in odd[n + 2..].iter_mut().rev().zip(line.iter()) {
            *mirrored = -value;
        }
        let half = fit(&mut scratch.half, n + 2);
        let plan = fit(&mut scratch.plan, self.odd.get_scratch_len());
        // Lengths are right by construction, so this cannot fail.
        let _ = self.odd.process_with_scratch(odd, half, plan);
        for (value, wave) in line.iter_mut().zip(&half[1..]) {
            *value = -0.5 * wave.im;
        }
    }
    /// The sine transform is its own inverse.
    fn back(&self, line: &mut [f64], scratch: &mut LineScratch) {
        self.forward(line, scratch);
    }
    fn normalisation(&self) -> f64 {
        2.0 / (self.cells + 1) as f64
    }
    fn half_phase(&self, mode: usize) -> f64 {
        0.5 * PI * (mode + 1) as f64 / (self.cells + 1) as f64
    }
}

/// Σ x_i cos(π k (i+½)/n), by a Fourier transform of the even cells followed by the odd ones
/// backwards.
///
/// # Source
/// Makhoul, *A fast cosine transform in one and two dimensions*, IEEE Transactions on
/// Acoustics, Speech and Signal Processing 28 (1980).
pub(super) struct Cosine {
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    /// e^(−iπk/2n) for k ≤ n/2.
    turns: Vec<C64>,
}

impl Cosine {
    pub(super) fn new(cells: usize, planner: &mut RealFftPlanner<f64>) -> Self {
        let turn = |k: usize| C64::from_polar(1.0, -0.5 * PI * k as f64 / cells as f64);
        Self {
            forward: planner.plan_fft_forward(cells),
            inverse: planner.plan_fft_inverse(cells),
            turns: (0..=cells / 2).map(turn).collect(),
        }
    }
}

impl LineTransform for Cosine {
    fn len(&self) -> usize {
        self.forward.len()
    }
    fn forward(&self, line: &mut [f64], scratch: &mut LineScratch) {
        let n = line.len();
        let folded = fit(&mut scratch.real, n);
        let (even, odd) = folded.split_at_mut(n.div_ceil(2));
        for (to, from) in even.iter_mut().zip(line.iter().step_by(2)) {
            *to = *from;
        }
        for (to, from) in odd.iter_mut().rev().zip(line.iter().skip(1).step_by(2)) {
            *to = *from;
        }
        let half = fit(&mut scratch.half, n / 2 + 1);
        let plan = fit(&mut scratch.plan, self.forward.get_scratch_len());
        let _ = self.forward.process_with_scratch(folded, half, plan);
        for (k, (wave, turn)) in half.iter().zip(&self.turns).enumerate() {
            let turned = wave * turn;
            // Both parts stand for one mode, except at k = 0; at k = n/2 they agree.
            if k > 0 {
                line[n - k] = -turned.im;
            }
            line[k] = turned.re;
        }
    }
    fn back(&self, line: &mut [f64], scratch: &mut LineScratch) {
        let n = line.len();
        let half = fit(&mut scratch.half, n / 2 + 1);
        half[0] = C64::new(line[0], 0.0);
        for k in 1..half.len() {
            half[k] = C64::new(line[k], -line[n - k]) * self.turns[k].conj();
        }
        if n.is_multiple_of(2) {
            half[n / 2].im = 0.0;
        }
        let folded = fit(&mut scratch.real, n);
        let plan = fit(&mut scratch.plan, self.inverse.get_scratch_len());
        let _ = self.inverse.process_with_scratch(half, folded, plan);
        let (even, odd) = folded.split_at(n.div_ceil(2));
        for (to, from) in line.iter_mut().step_by(2).zip(even) {
            *to = *from;
        }
        for (to, from) in line.iter_mut().skip(1).step_by(2).zip(odd.iter().rev()) {
            *to = *from;
        }
    }
    fn normalisation(&self) -> f64 {
        1.0 / self.len() as f64
    }
    fn half_phase(&self, mode: usize) -> f64 {
        0.5 * PI * mode as f64 / self.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [usize; 9] = [1, 2, 3, 4, 7, 16, 25, 31, 96];

    fn assert_transform(line: &dyn LineTransform, wave: impl Fn(usize, usize) -> f64) {
        let n = line.len();
        let x: Vec<f64> = (0..n).map(|i| (1.3 * (i * i) as f64).sin() + 0.2).collect();
        // A scratch that was used for something else before.
        let mut scratch = LineScratch::default();
        fit(&mut scratch.real, 5 * n + 9).fill(7.0);
        fit(&mut scratch.half, 5 * n + 9).fill(C64::new(3.0, 5.0));
        let mut found = x.clone();
        line.forward(&mut found, &mut scratch);
        for (k, found) in found.iter().enumerate() {
            let sum: f64 = x.iter().enumerate().map(|(i, x)| x * wave(k, i)).sum();
            assert!((found - sum).abs() < 1e-12, "{n} cells, mode {k}");
        }
        line.back(&mut found, &mut scratch);
        let scale = line.normalisation();
        let same = x
            .iter()
            .zip(&found)
            .all(|(x, f)| (x - scale * f).abs() < 1e-13);
        assert!(same, "{n} cells back");
    }

    #[test]
    fn transforms_are_the_sums_that_define_them() {
        let mut planner = RealFftPlanner::new();
        for n in LENGTHS {
            let cells = n as f64;
            assert_transform(&SineTransform::new(n, &mut planner), |k, i| {
                (PI * ((k + 1) * (i + 1)) as f64 / (cells + 1.0)).sin()
            });
            assert_transform(&Cosine::new(n, &mut planner), |k, i| {
                (PI * k as f64 * (i as f64 + 0.5) / cells).cos()
            });
        }
    }
}
