//! A number with its derivatives along N directions, side by side.

use std::cmp::Ordering;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Range, Sub, SubAssign};

use wide::f64x2;

use super::{Number, sealed};

/// A value and its derivatives along 2·N directions, two to a register.
///
/// Unlike a run for each derivative, the value is computed once, and the derivatives do not wait for one another: a
/// step of an integrator is a chain of operations, whose latency is paid once for all of them. Pairs are spelled out,
/// since of arrays of numbers the compiler makes vectors in places only, and loses more by moving between the two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tangents<const N: usize> {
    /// The value.
    pub(crate) re: f64,
    pairs: [f64x2; N],
}

impl<const N: usize> Tangents<N> {
    /// The number that moves along direction i with slope 1.
    pub(crate) fn along(re: f64, i: usize) -> Self {
        let mut number = Self::from(re);
        number.pairs[i / 2].as_mut_array()[i % 2] = 1.0;
        number
    }

    /// Numbers of which some move, each along a direction of its own.
    pub(crate) fn of(x: &[f64], moving: &Range<usize>) -> Vec<Self> {
        let number = |(i, x): (usize, &f64)| match moving.contains(&i) {
            true => Self::along(*x, i - moving.start),
            false => Self::from(*x),
        };
        x.iter().enumerate().map(number).collect()
    }

    /// Its derivatives, 2·N of them.
    pub(crate) fn derivatives(&self) -> impl Iterator<Item = f64> {
        self.pairs.into_iter().flat_map(f64x2::to_array)
    }

    /// f(x) from f and f′ at the value. What does not move, does not move where f′ is infinite either.
    #[inline]
    fn chain(&self, value: f64, slope: f64) -> Self {
        let of = |e: f64x2| e * f64x2::splat(slope);
        let moved = match slope.is_finite() {
            true => self.pairs.map(of),
            false => self
                .pairs
                .map(|e| f64x2::from(e.to_array().map(|e| along(e, slope)))),
        };
        Self {
            re: value,
            pairs: moved,
        }
    }

    /// `of(a, b)` of the derivatives of two numbers.
    #[inline]
    fn joined(re: f64, a: &Self, b: &Self, of: impl Fn(f64x2, f64x2) -> f64x2) -> Self {
        let pairs = std::array::from_fn(|i| of(a.pairs[i], b.pairs[i]));
        Self { re, pairs }
    }
}

/// How f changes where its argument changes by e.
fn along(e: f64, slope: f64) -> f64 {
    if e == 0.0 { 0.0 } else { e * slope }
}

impl<const N: usize> From<f64> for Tangents<N> {
    #[inline]
    fn from(re: f64) -> Self {
        Self {
            re,
            pairs: [f64x2::ZERO; N],
        }
    }
}

impl<const N: usize> PartialOrd for Tangents<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.re.partial_cmp(&other.re)
    }
}

impl<const N: usize> PartialEq<f64> for Tangents<N> {
    fn eq(&self, other: &f64) -> bool {
        self.re == *other
    }
}

impl<const N: usize> PartialOrd<f64> for Tangents<N> {
    fn partial_cmp(&self, other: &f64) -> Option<Ordering> {
        self.re.partial_cmp(other)
    }
}

impl<const N: usize> Neg for Tangents<N> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self {
            re: -self.re,
            pairs: self.pairs.map(|e| -e),
        }
    }
}

impl<const N: usize> Add for Tangents<N> {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self::joined(self.re + other.re, &self, &other, |a, b| a + b)
    }
}

impl<const N: usize> Sub for Tangents<N> {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self::joined(self.re - other.re, &self, &other, |a, b| a - b)
    }
}

impl<const N: usize> Mul for Tangents<N> {
    type Output = Self;
    #[expect(
        clippy::suspicious_arithmetic_impl,
        reason = "the rule of its derivative"
    )]
    #[inline]
    fn mul(self, other: Self) -> Self {
        let (by_a, by_b) = (f64x2::splat(other.re), f64x2::splat(self.re));
        Self::joined(self.re * other.re, &self, &other, |a, b| {
            a * by_a + b * by_b
        })
    }
}

impl<const N: usize> Div for Tangents<N> {
    type Output = Self;
    #[expect(
        clippy::suspicious_arithmetic_impl,
        reason = "the rule of its derivative"
    )]
    #[inline]
    fn div(self, other: Self) -> Self {
        let value = self.re / other.re;
        let (slope, inverse) = (f64x2::splat(value), f64x2::splat(other.re.recip()));
        Self::joined(value, &self, &other, |a, b| (a - b * slope) * inverse)
    }
}

impl<const N: usize> Add<f64> for Tangents<N> {
    type Output = Self;
    #[inline]
    fn add(self, other: f64) -> Self {
        Self {
            re: self.re + other,
            ..self
        }
    }
}

impl<const N: usize> Sub<f64> for Tangents<N> {
    type Output = Self;
    #[inline]
    fn sub(self, other: f64) -> Self {
        Self {
            re: self.re - other,
            ..self
        }
    }
}

impl<const N: usize> Mul<f64> for Tangents<N> {
    type Output = Self;
    #[inline]
    fn mul(self, other: f64) -> Self {
        self.chain(self.re * other, other)
    }
}

impl<const N: usize> Div<f64> for Tangents<N> {
    type Output = Self;
    #[inline]
    fn div(self, other: f64) -> Self {
        let other = f64x2::splat(other);
        Self {
            re: self.re / other.to_array()[0],
            pairs: self.pairs.map(|e| e / other),
        }
    }
}

/// `a op= b` by `a = a op b`.
macro_rules! assigned {
    ($($trait:ident $method:ident $operator:tt),*) => {
        $(impl<const N: usize> $trait for Tangents<N> {
            #[inline]
            fn $method(&mut self, other: Self) {
                *self = *self $operator other;
            }
        })*
    };
}

assigned!(AddAssign add_assign +, SubAssign sub_assign -, MulAssign mul_assign *, DivAssign div_assign /);

impl<const N: usize> Sum for Tangents<N> {
    fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
        numbers.fold(Self::from(0.0), |sum, number| sum + number)
    }
}

impl<const N: usize> sealed::Sealed for Tangents<N> {}

/// Functions of one number, each with its slope.
macro_rules! functions {
    ($($name:ident |$x:ident, $f:ident| $slope:expr;)*) => {
        $(#[inline]
        fn $name(&self) -> Self {
            let $x = self.re;
            let $f = $x.$name();
            self.chain($f, $slope)
        })*
    };
}

impl<const N: usize> Number for Tangents<N> {
    #[inline]
    fn re(&self) -> f64 {
        self.re
    }
    #[inline]
    fn powi(&self, n: i32) -> Self {
        match n {
            0 => Self::from(1.0),
            1 => *self,
            2 => *self * *self,
            _ => self.chain(self.re.powi(n), f64::from(n) * self.re.powi(n - 1)),
        }
    }
    #[inline]
    fn powf(&self, n: f64) -> Self {
        if n == 0.0 {
            return Self::from(1.0);
        }
        self.chain(self.re.powf(n), n * self.re.powf(n - 1.0))
    }
    #[inline]
    fn pow(&self, n: Self) -> Self {
        let value = self.re.powf(n.re);
        let by_base = n.re * self.re.powf(n.re - 1.0);
        let by_power = match self.re == 0.0 {
            true => 0.0,
            false => value * self.re.ln(),
        };
        // A constant power of a negative number has no logarithm, and needs none.
        let of = |a: f64x2, b: f64x2| {
            let ([a, c], [b, d]) = (a.to_array(), b.to_array());
            let of = |a, b| along(a, by_base) + along(b, by_power);
            f64x2::from([of(a, b), of(c, d)])
        };
        Self::joined(value, self, &n, of)
    }
    #[inline]
    fn sin_cos(&self) -> (Self, Self) {
        let (sin, cos) = self.re.sin_cos();
        (self.chain(sin, cos), self.chain(cos, -sin))
    }
    functions! {
        recip |x, f| -f * f;
        sqrt |x, f| 0.5 / f;
        cbrt |x, f| 1.0 / (3.0 * f * f);
        exp |x, f| f;
        exp_m1 |x, f| x.exp();
        exp2 |x, f| f * std::f64::consts::LN_2;
        ln |x, f| x.recip();
        ln_1p |x, f| (1.0 + x).recip();
        log10 |x, f| (x * std::f64::consts::LN_10).recip();
        log2 |x, f| (x * std::f64::consts::LN_2).recip();
        sin |x, f| x.cos();
        cos |x, f| -x.sin();
        tan |x, f| 1.0 + f * f;
        asin |x, f| (1.0 - x * x).sqrt().recip();
        acos |x, f| -(1.0 - x * x).sqrt().recip();
        atan |x, f| (1.0 + x * x).recip();
        sinh |x, f| x.cosh();
        cosh |x, f| x.sinh();
        tanh |x, f| 1.0 - f * f;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use num_dual::Dual64;

    use super::*;

    /// What is computed of two numbers.
    trait Formula {
        const NAME: &'static str;
        fn of<D: Number>(a: D, b: D) -> D;
    }

    macro_rules! formulas {
        ($($name:ident |$a:ident, $b:ident| $formula:expr;)*) => {
            $(struct $name;
            impl Formula for $name {
                const NAME: &'static str = stringify!($name);
                fn of<D: Number>($a: D, $b: D) -> D { $formula }
            })*
            #[test]
            fn derivatives_are_those_of_dual_numbers() {
                $(agrees::<$name>(0.3, 0.7); agrees::<$name>(0.8, 0.2);)*
            }
        };
    }

    fn agrees<F: Formula>(a: f64, b: f64) {
        let (a, b) = (Tangents::<2>::along(a, 0), Tangents::along(b, 3));
        let found = F::of(a, b);
        let directions = [(1.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 1.0)];
        for ((da, db), derivative) in directions.into_iter().zip(found.derivatives()) {
            let one = F::of(Dual64::new(a.re, da), Dual64::new(b.re, db));
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-13 * (1.0 + b.abs());
            assert!(close(found.re, one.re), "{}: {found:?}, {one:?}", F::NAME);
            assert!(
                close(derivative, one.eps),
                "{}: {found:?}, {one:?}",
                F::NAME
            );
        }
    }

    #[test]
    fn a_negative_number_has_whole_powers() {
        let power = Tangents::<1>::along(-3.0, 0).pow(Tangents::from(2.0));
        let derivatives: Vec<f64> = power.derivatives().collect();
        assert_eq!((power.re, &derivatives[..]), (9.0, &[-6.0, 0.0][..]));
    }

    #[test]
    fn what_does_not_move_has_no_derivative_where_a_slope_is_infinite() {
        let still = Tangents::<1>::from(0.0);
        for root in [
            still.sqrt(),
            still.powf(0.5),
            still.pow(Tangents::along(0.5, 0)),
        ] {
            assert!(root.derivatives().all(|d| d == 0.0), "{root:?}");
        }
        let moved: Vec<f64> = Tangents::<1>::along(0.0, 0).sqrt().derivatives().collect();
        assert_eq!(moved, [f64::INFINITY, 0.0]);
    }

    formulas! {
        Sum2 |a, b| [a, b, a].into_iter().sum::<D>() - b * 3.0 + 1.0;
        Quotient |a, b| (a * b - 2.0) / (a + b) / 4.0;
        Assigned |a, b| { let mut c = a; c += b; c *= a; c -= b; c /= a + b; -c };
        Power |a, b| a.pow(b) + a.powi(3) + a.powi(2) + b.powf(1.5) + a.pow(D::from(2.0));
        Roots |a, b| a.sqrt() + b.cbrt() + a.recip();
        Exponentials |a, b| a.exp() + b.exp_m1() + a.exp2() + b.ln() + a.ln_1p() + b.log10() + a.log2();
        Angles |a, b| a.sin() + b.cos() + a.tan() + b.asin() + a.acos() + b.atan() + a.sin_cos().0 * b.sin_cos().1;
        Hyperbolic |a, b| a.sinh() + b.cosh() + a.tanh() + (-b).abs();
    }
}
