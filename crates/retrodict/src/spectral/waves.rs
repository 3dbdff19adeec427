//! Sine and cosine transforms on grids of one to three axes: sums of standing waves.
//!
//! Sines vanish on the cells just outside, cosines mirror the cells just inside, so they
//! diagonalise the second difference between such walls.

use realfft::RealFftPlanner;

use crate::spectral::fourier::blocks::{BLOCK, Pool, chunks};

mod line;

use line::{Cosine, LineScratch, LineTransform, SineTransform};

/// What happens at the walls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Walls {
    /// 0 on the cells just outside: sin(π (k+1)(i+1)/(n+1)), the sine transform of type 1.
    Zero,
    /// The same on both sides of the wall: cos(π k (i+½)/n), the cosine transform of type 2.
    Mirror,
}

/// The expansion of fields on one grid in standing waves.
pub struct StandingWaves {
    axes: Vec<Box<dyn LineTransform>>,
    pool: Pool<f64>,
}

impl std::fmt::Debug for StandingWaves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shape: Vec<usize> = self.axes.iter().map(|axis| axis.len()).collect();
        write!(f, "StandingWaves({shape:?})")
    }
}

impl StandingWaves {
    /// Plans the transform of a grid of one to three axes, each of at least one cell.
    pub fn new(shape: &[usize], walls: Walls) -> Self {
        let mut planner = RealFftPlanner::new();
        let line = |n: &usize| -> Box<dyn LineTransform> {
            match walls {
                Walls::Zero => Box::new(SineTransform::new(*n, &mut planner)),
                Walls::Mirror => Box::new(Cosine::new(*n, &mut planner)),
            }
        };
        Self {
            axes: shape.iter().map(line).collect(),
            pool: Pool::default(),
        }
    }

    /// f(φ) at each mode, in the layout of [`apply_diagonal`](Self::apply_diagonal); φ is half
    /// the phase between neighbours along each axis.
    pub fn at_modes(&self, f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        // The layout is turned: the first axis varies fastest, then the last one.
        let order: Vec<usize> = (1..self.axes.len()).chain([0]).collect();
        let modes = self.axes.iter().map(|axis| axis.len()).product();
        let mut phases = vec![0.0; self.axes.len()];
        let mut out = Vec::with_capacity(modes);
        for mode in 0..modes {
            let mut rest = mode;
            for axis in order.iter().rev() {
                let line = &self.axes[*axis];
                phases[*axis] = line.half_phase(rest % line.len());
                rest /= line.len();
            }
            out.push(f(&phases));
        }
        out
    }

    /// out = T⁻¹ (gains · T x).
    ///
    /// # Cost
    /// Two passes over the data for each axis but the first, which takes one: there, waves are
    /// weighted and summed again while they are in cache.
    pub fn apply_diagonal(&self, x: &[f64], out: &mut [f64], gains: &[f64]) {
        let scale: f64 = self.axes.iter().map(|axis| axis.normalisation()).product();
        let Some((first, others)) = self.axes.split_first() else {
            return;
        };
        let weigh = |from: usize, lines: &mut [f64], scratch: &mut LineScratch| {
            let gains = gains[from..].chunks(first.len());
            for (line, gains) in lines.chunks_mut(first.len()).zip(gains) {
                first.forward(line, scratch);
                for (value, gain) in line.iter_mut().zip(gains) {
                    *value *= gain * scale;
                }
                first.back(line, scratch);
            }
        };
        let Some(last) = others.last() else {
            out.copy_from_slice(x);
            weigh(0, out, &mut LineScratch::default());
            return;
        };
        let mut here = self.pool.take(x.len());
        let mut there = self.pool.take(x.len());
        chunks(x.len(), &mut here, BLOCK * last.len(), &|from, lines, s| {
            lines.copy_from_slice(&x[from..from + lines.len()]);
            forward(&**last, lines, s);
        });
        // Each turn brings the last axis to the front and the one before it to the end.
        let mut turned = last.len();
        for axis in others.iter().rev().skip(1) {
            let rows = x.len() / turned;
            transpose(&here, &mut there, rows, &|_, lines, s| {
                forward(&**axis, lines, s)
            });
            std::mem::swap(&mut here, &mut there);
            turned = axis.len();
        }
        transpose(&here, &mut there, x.len() / turned, &weigh);
        std::mem::swap(&mut here, &mut there);
        for axis in &others[..others.len() - 1] {
            transpose(&here, &mut there, axis.len(), &|_, lines, s| {
                back(&**axis, lines, s)
            });
            std::mem::swap(&mut here, &mut there);
        }
        transpose(&here, out, last.len(), &|_, lines, s| {
            back(&**last, lines, s)
        });
        self.pool.give(here);
        self.pool.give(there);
    }
}

fn forward(axis: &dyn LineTransform, lines: &mut [f64], scratch: &mut LineScratch) {
    for line in lines.chunks_mut(axis.len()) {
        axis.forward(line, scratch);
    }
}

fn back(axis: &dyn LineTransform, lines: &mut [f64], scratch: &mut LineScratch) {
    for line in lines.chunks_mut(axis.len()) {
        axis.back(line, scratch);
    }
}

/// `to` = `from`, a matrix of `rows` rows, transposed; blocks of whole lines of `to` go through
/// `work` with the index of their first value.
fn transpose(
    from: &[f64],
    to: &mut [f64],
    rows: usize,
    work: &(impl Fn(usize, &mut [f64], &mut LineScratch) + Sync),
) {
    let cols = from.len() / rows;
    chunks(from.len(), to, BLOCK * rows, &|first, block, scratch| {
        let width = block.len() / rows;
        for row in 0..rows {
            let piece = &from[row * cols + first / rows..][..width];
            for (col, value) in piece.iter().enumerate() {
                block[col * rows + row] = *value;
            }
        }
        work(first, block, scratch);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(n: usize) -> Vec<f64> {
        (0..n).map(|i| (1.3 * (i * i) as f64).sin() + 0.2).collect()
    }

    #[test]
    fn without_weights_nothing_changes() {
        for shape in [&[1][..], &[30], &[64], &[7, 9], &[1, 5, 1], &[3, 26, 8]] {
            let n = shape.iter().product();
            for walls in [Walls::Zero, Walls::Mirror] {
                let waves = StandingWaves::new(shape, walls);
                let (x, mut out) = (field(n), vec![0.0; n]);
                waves.apply_diagonal(&x, &mut out, &vec![1.0; n]);
                let same = x.iter().zip(&out).all(|(a, b)| (a - b).abs() < 1e-13);
                assert!(same, "{shape:?} {walls:?}");
            }
        }
    }

    #[test]
    #[allow(clippy::unwrap_used)]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        for shape in [&[260, 131][..], &[31, 40, 33]] {
            let waves = StandingWaves::new(shape, Walls::Zero);
            let n = shape.iter().product();
            let gains = waves.at_modes(|phases| phases.iter().sum());
            let run = |threads| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                let mut out = vec![0.0; n];
                pool.install(|| waves.apply_diagonal(&field(n), &mut out, &gains));
                out
            };
            assert_eq!(run(1), run(2));
        }
    }
}
