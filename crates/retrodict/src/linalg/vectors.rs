//! Sums and combinations of vectors, compiled for the processor that runs them.

use pulp::{Arch, Simd, WithSimd};

/// Shorter vectors are not worth asking which processor this is.
const SHORT: usize = 32;

/// Interleaved sums: so many keep the adders of a processor busy.
const SUMS: usize = 4;

/// aᵀ b, in interleaved sums: fast, and the same bits every time on a machine.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    if a.len() < SHORT {
        return a.iter().zip(b).map(|(a, b)| a * b).sum();
    }
    Arch::new().dispatch(Dot { a, b })
}

/// Σ (a − b)².
pub fn distance_squared(a: &[f64], b: &[f64]) -> f64 {
    if a.len() < SHORT {
        return a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    }
    Arch::new().dispatch(Distance { a, b })
}

/// Whether all values are finite.
pub fn is_finite(a: &[f64]) -> bool {
    // 0 · ∞ and 0 · NaN are NaN, and a sum takes no branch for each value.
    let mut sums = [0.0; 16];
    for a in a.chunks(16) {
        for (sum, a) in sums.iter_mut().zip(a) {
            *sum += a * 0.0;
        }
    }
    sums.iter().sum::<f64>() == 0.0
}

/// y += alpha x.
pub fn axpy(alpha: f64, x: &[f64], y: &mut [f64]) {
    if x.len() < SHORT {
        return y.iter_mut().zip(x).for_each(|(y, x)| *y += alpha * x);
    }
    Arch::new().dispatch(Axpy { alpha, x, y });
}

/// y += alpha x, and then zᵀ y: one pass where [`axpy`] and [`dot`] take two.
pub fn axpy_dot(alpha: f64, x: &[f64], y: &mut [f64], z: &[f64]) -> f64 {
    if x.len() < SHORT {
        axpy(alpha, x, y);
        return dot(z, y);
    }
    Arch::new().dispatch(AxpyDot { alpha, x, y, z })
}

/// ‖a‖₂, safe against overflow and underflow of the squares.
pub fn norm(a: &[f64]) -> f64 {
    let squares = dot(a, a);
    if squares.is_finite() && squares > 1e-280 {
        return squares.sqrt();
    }
    let largest = a.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if largest == 0.0 || !largest.is_finite() || a.iter().any(|v| v.is_nan()) {
        return if largest == 0.0 && !squares.is_nan() {
            0.0
        } else {
            squares.sqrt()
        };
    }
    let scaled: f64 = a.iter().map(|v| (v / largest) * (v / largest)).sum();
    largest * scaled.sqrt()
}

/// Adds up what `term` makes of the registers of a and b; the tails add up to `rest`.
#[inline(always)]
fn sum<S: Simd>(
    simd: S,
    a: &[S::f64s],
    b: &[S::f64s],
    term: impl Fn(S::f64s, S::f64s, S::f64s) -> S::f64s,
    rest: f64,
) -> f64 {
    let mut sums = [simd.splat_f64s(0.0); SUMS];
    let (whole_a, whole_b) = (a.chunks_exact(SUMS), b.chunks_exact(SUMS));
    let (rest_a, rest_b) = (whole_a.remainder(), whole_b.remainder());
    for (a, b) in whole_a.zip(whole_b) {
        for i in 0..SUMS {
            sums[i] = term(a[i], b[i], sums[i]);
        }
    }
    for (a, b) in rest_a.iter().zip(rest_b) {
        sums[0] = term(*a, *b, sums[0]);
    }
    total(simd, sums) + rest
}

#[inline(always)]
fn total<S: Simd>(simd: S, sums: [S::f64s; SUMS]) -> f64 {
    let [a, b, c, d] = sums;
    simd.reduce_sum_f64s(simd.add_f64s(simd.add_f64s(a, b), simd.add_f64s(c, d)))
}

struct Dot<'a> {
    a: &'a [f64],
    b: &'a [f64],
}

impl WithSimd for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let n = self.a.len().min(self.b.len());
        let (a, a_rest) = S::as_simd_f64s(&self.a[..n]);
        let (b, b_rest) = S::as_simd_f64s(&self.b[..n]);
        let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
        sum(simd, a, b, |a, b, s| simd.mul_add_e_f64s(a, b, s), rest)
    }
}

struct Distance<'a> {
    a: &'a [f64],
    b: &'a [f64],
}

impl WithSimd for Distance<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let n = self.a.len().min(self.b.len());
        let (a, a_rest) = S::as_simd_f64s(&self.a[..n]);
        let (b, b_rest) = S::as_simd_f64s(&self.b[..n]);
        let rest = a_rest.iter().zip(b_rest);
        let rest = rest.map(|(a, b)| (a - b) * (a - b)).sum();
        let square = |a, b, s| {
            let d = simd.sub_f64s(a, b);
            simd.mul_add_e_f64s(d, d, s)
        };
        sum(simd, a, b, square, rest)
    }
}

struct Axpy<'a> {
    alpha: f64,
    x: &'a [f64],
    y: &'a mut [f64],
}

impl WithSimd for Axpy<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let n = self.x.len().min(self.y.len());
        let (x, x_rest) = S::as_simd_f64s(&self.x[..n]);
        let (y, y_rest) = S::as_mut_simd_f64s(&mut self.y[..n]);
        let alpha = simd.splat_f64s(self.alpha);
        for (y, x) in y.iter_mut().zip(x) {
            *y = simd.mul_add_e_f64s(alpha, *x, *y);
        }
        for (y, x) in y_rest.iter_mut().zip(x_rest) {
            *y += self.alpha * x;
        }
    }
}

struct AxpyDot<'a> {
    alpha: f64,
    x: &'a [f64],
    y: &'a mut [f64],
    z: &'a [f64],
}

impl WithSimd for AxpyDot<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let n = self.x.len().min(self.y.len()).min(self.z.len());
        let (x, x_rest) = S::as_simd_f64s(&self.x[..n]);
        let (z, z_rest) = S::as_simd_f64s(&self.z[..n]);
        let (y, y_rest) = S::as_mut_simd_f64s(&mut self.y[..n]);
        let mut rest = 0.0;
        for ((y, x), z) in y_rest.iter_mut().zip(x_rest).zip(z_rest) {
            *y += self.alpha * x;
            rest += z * *y;
        }
        let alpha = simd.splat_f64s(self.alpha);
        let mut sums = [simd.splat_f64s(0.0); SUMS];
        let (xs, zs) = (x.chunks_exact(SUMS), z.chunks_exact(SUMS));
        let tail = y.len() - y.len() % SUMS;
        let (head, y_tail) = y.split_at_mut(tail);
        let last = y_tail.iter_mut().zip(xs.remainder()).zip(zs.remainder());
        for ((y, x), z) in last {
            *y = simd.mul_add_e_f64s(alpha, *x, *y);
            sums[0] = simd.mul_add_e_f64s(*z, *y, sums[0]);
        }
        for ((y, x), z) in head.chunks_exact_mut(SUMS).zip(xs).zip(zs) {
            for i in 0..SUMS {
                y[i] = simd.mul_add_e_f64s(alpha, x[i], y[i]);
                sums[i] = simd.mul_add_e_f64s(z[i], y[i], sums[i]);
            }
        }
        total(simd, sums) + rest
    }
}

/// Takes from v what lies along an orthonormal basis, twice, so that the rest is orthogonal to round-off; returns that.
pub(crate) fn orthogonalise(v: &mut [f64], basis: &[Vec<f64>]) -> Vec<f64> {
    let mut along = vec![0.0; basis.len()];
    for _ in 0..2 {
        for (sum, q) in along.iter_mut().zip(basis) {
            let part = dot(q, v);
            *sum += part;
            axpy(-part, q, v);
        }
    }
    along
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_gives_what_two_give() {
        for n in [3, 31, 32, 100, 4096] {
            let wave = |f: f64| -> Vec<f64> { (0..n).map(|i| (f * i as f64).sin()).collect() };
            let (x, z) = (wave(0.3), wave(1.1));
            let (mut one, mut two) = (wave(0.7), wave(0.7));
            axpy(-0.4, &x, &mut two);
            let (product, expected) = (axpy_dot(-0.4, &x, &mut one, &z), dot(&z, &two));
            assert!((product - expected).abs() < 1e-13 * n as f64);
            assert_eq!(one, two);
            let plain: f64 = z.iter().zip(&two).map(|(z, y)| z * y).sum();
            assert!((product - plain).abs() < 1e-13 * n as f64);
            let apart: f64 = x.iter().zip(&z).map(|(x, z)| (x - z) * (x - z)).sum();
            assert!((distance_squared(&x, &z) - apart).abs() < 1e-12 * apart);
        }
    }

    #[test]
    fn what_is_not_finite_is_found_wherever_it_stands() {
        for n in [1, 40, 100] {
            for place in 0..n {
                for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    let mut a = vec![f64::MAX; n];
                    assert!(is_finite(&a));
                    a[place] = bad;
                    assert!(!is_finite(&a));
                }
            }
        }
    }
}
