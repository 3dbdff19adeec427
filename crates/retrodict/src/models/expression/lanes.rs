//! Functions of many values at once, in loops that compilers make vectors of.

/// 2⁵² · 1.5: what is added to a number to round it to an integer, which then stands in its lowest bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts: the first has so few digits that its product with an exponent is exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
/// Beyond these, eˣ is 0 or infinite.
const LEAST: f64 = -746.0;
const MOST: f64 = 710.0;
/// 1/n! from n = 13 down to 2.
const FACTORIALS: [f64; 12] = [
    1.605_904_383_682_161_3e-10,
    2.087_675_698_786_81e-9,
    2.505_210_838_544_172e-8,
    2.755_731_922_398_589_4e-7,
    2.755_731_922_398_589e-6,
    2.480_158_730_158_73e-5,
    1.984_126_984_126_984e-4,
    1.388_888_888_888_889e-3,
    8.333_333_333_333_333e-3,
    4.166_666_666_666_666_4e-2,
    1.666_666_666_666_666_6e-1,
    0.5,
];

/// eˣ within one unit in the last place; further below 10⁻³⁰⁷, where numbers have fewer digits.
///
/// eˣ = 2ⁿ eʳ with |r| ≤ ln(2)/2, and eʳ by its series. There is no branch and no table in it.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    // A NaN passes both.
    let x = if x < LEAST { LEAST } else { x };
    let x = if x > MOST { MOST } else { x };
    let rounded = x * std::f64::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let mut series = FACTORIALS[0];
    for coefficient in &FACTORIALS[1..] {
        series = series * r + coefficient;
    }
    let value = 1.0 + (r + r * r * series);
    // In two factors, since 2ⁿ alone may leave the range that the product stays in.
    let n = rounded.to_bits().wrapping_sub(ROUND.to_bits()) as i64;
    // Shifted so far up that the shift is one of a positive number, which registers have.
    let half = ((n.wrapping_add(2048) as u64 >> 1) as i64).wrapping_sub(1024);
    value * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// 2ⁿ for −1022 ≤ n ≤ 1023.
#[inline(always)]
fn power_of_two(n: i64) -> f64 {
    f64::from_bits((n.wrapping_add(1023) as u64) << 52)
}

/// xⁿ, by squares, as `powi` does it.
#[inline(always)]
pub(super) fn powers(x: &[f64], n: i32, scratch: &mut [f64], out: &mut [f64]) {
    scratch.copy_from_slice(x);
    let mut left = n.unsigned_abs();
    match left % 2 {
        0 => out.fill(1.0),
        _ => out.copy_from_slice(x),
    }
    left /= 2;
    while left > 0 {
        scratch.iter_mut().for_each(|square| *square *= *square);
        if left % 2 == 1 {
            let pairs = out.iter_mut().zip(scratch.iter());
            pairs.for_each(|(out, square)| *out *= square);
        }
        left /= 2;
    }
    if n < 0 {
        out.iter_mut().for_each(|out| *out = 1.0 / *out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance in units in the last place.
    fn apart(a: f64, b: f64) -> u64 {
        a.to_bits().abs_diff(b.to_bits())
    }

    #[test]
    fn an_exponential_is_that_of_the_standard_library() {
        for i in 0..200_000 {
            let x = -708.0 + 1417.7 * (f64::from(i) + 0.37) / 200_000.0;
            assert!(
                apart(exp(x), x.exp()) <= 1,
                "{x}: {:e} {:e}",
                exp(x),
                x.exp()
            );
            let small = (x / 708.0).powi(9);
            assert!(apart(exp(small), small.exp()) <= 1, "{small}");
        }
    }

    #[test]
    fn the_ends_of_the_range_are_those_of_the_standard_library() {
        let (inf, least) = (f64::INFINITY, f64::MIN_POSITIVE);
        for x in [
            0.0,
            -0.0,
            least,
            -least,
            5e-324,
            1e-17,
            709.78,
            709.782_712_893_384,
            709.79,
            710.0,
            711.0,
            1e6,
            f64::MAX,
            inf,
            -inf,
            -746.0,
            -750.0,
            -1e5,
            f64::MIN,
        ] {
            assert!(
                apart(exp(x), x.exp()) <= 1,
                "{x}: {:e} {:e}",
                exp(x),
                x.exp()
            );
        }
        assert!(exp(f64::NAN).is_nan());
        // Subnormal results: rounded twice, so one more of their smallest units.
        for i in 0..2000 {
            let x = -708.0 - f64::from(i) * 0.02;
            assert!(
                apart(exp(x), x.exp()) <= 2,
                "{x}: {:e} {:e}",
                exp(x),
                x.exp()
            );
        }
    }

    #[test]
    fn powers_are_those_of_the_standard_library() {
        let x = [-2.5, -1.0, -0.0, 0.0, 0.3, 1.7, f64::INFINITY, f64::NAN];
        for n in -9..=17 {
            let [mut scratch, mut out] = [[0.0; 8]; 2];
            powers(&x, n, &mut scratch, &mut out);
            for (x, out) in x.iter().zip(out) {
                let expected = x.powi(n);
                assert!(
                    (out - expected).abs() <= 4e-16 * expected.abs()
                        || out == expected
                        || out.is_nan() && expected.is_nan(),
                    "{x}^{n}: {out} {expected}"
                );
            }
        }
    }
}
