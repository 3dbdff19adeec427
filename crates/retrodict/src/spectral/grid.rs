//! Neighbours on periodic grids of one to three axes.

/// Calls `work` with the offsets of a piece of the grid, of its neighbours ahead and behind along
/// an axis, and the length of the piece.
///
/// Pieces are contiguous, so that work on them runs on whole vectors; along the last axis the two
/// cells at the ends are pieces of their own.
pub(crate) fn neighbours(
    shape: &[usize],
    axis: usize,
    mut work: impl FnMut(usize, usize, usize, usize),
) {
    let n = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    for o in 0..outer {
        let base = o * n * inner;
        if inner == 1 && n > 2 {
            work(base, base + 1, base + n - 1, 1);
            work(base + 1, base + 2, base, n - 2);
            work(base + n - 1, base, base + n - 2, 1);
            continue;
        }
        for i in 0..n {
            let (ahead, behind) = ((i + 1) % n, (i + n - 1) % n);
            let at = |i: usize| base + i * inner;
            work(at(i), at(ahead), at(behind), inner);
        }
    }
}

/// out += c Δₕx with the three-point Laplacian along each axis for unit cells; symmetric.
pub(crate) fn add_laplacian(shape: &[usize], c: f64, x: &[f64], out: &mut [f64]) {
    for axis in 0..shape.len() {
        neighbours(shape, axis, |at, ahead, behind, len| {
            let (here, next, last) = (&x[at..][..len], &x[ahead..][..len], &x[behind..][..len]);
            let out = &mut out[at..][..len];
            for i in 0..len {
                out[i] += c * (next[i] - 2.0 * here[i] + last[i]);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_an_eigenvector_along_every_axis() {
        for shape in [&[7][..], &[1, 9], &[4, 5], &[2, 3, 8], &[5, 1, 2]] {
            for axis in 0..shape.len() {
                let inner: usize = shape[axis + 1..].iter().product();
                let angle = 2.0 * std::f64::consts::PI / shape[axis] as f64;
                let len: usize = shape.iter().product();
                let x: Vec<f64> = (0..len)
                    .map(|i| (angle * ((i / inner) % shape[axis]) as f64).cos())
                    .collect();
                let mut out = vec![0.0; len];
                add_laplacian(shape, 0.5, &x, &mut out);
                let value = angle.cos() - 1.0;
                let near = out
                    .iter()
                    .zip(&x)
                    .all(|(o, x)| (o - value * x).abs() < 1e-14);
                assert!(near, "{shape:?} {axis}");
            }
        }
    }
}
