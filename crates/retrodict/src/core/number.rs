//! What models compute with: plain numbers, or numbers that carry derivatives.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use num_dual::{Dual, Dual2_64, Dual64, DualNum, DualSVec64, DualStruct};

mod tangents;

pub(crate) use tangents::Tangents;

/// Whatever a right-hand side computes with: plain numbers, or numbers that carry derivatives.
///
/// Operators work between two of them and with an `f64` on the right: `p * 2.0 + 1.0`. Constants are `D::from(2.0)`.
/// The types that implement it are retrodict's own matter; a model is written for all of them.
///
/// ```
/// use retrodict::models::ode::Number;
/// fn logistic<D: Number>(x: D, rate: D) -> D {
///     rate * x * (-x + 1.0)
/// }
/// assert_eq!(logistic(0.5, 2.0), 0.5);
/// ```
pub trait Number:
    Copy
    + Debug
    + Send
    + Sync
    + PartialOrd
    + PartialOrd<f64>
    + Sum
    + From<f64>
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
    + Div<f64, Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + sealed::Sealed
    + 'static
{
    /// The number itself, without derivatives: what branches ask.
    fn re(&self) -> f64;
    /// |x|; at 0, where it has no derivative, that of x.
    #[must_use]
    fn abs(&self) -> Self {
        if self.re() < 0.0 { -*self } else { *self }
    }
    /// 1/x.
    #[must_use]
    fn recip(&self) -> Self;
    /// xⁿ.
    #[must_use]
    fn powi(&self, n: i32) -> Self;
    /// x to a constant power.
    #[must_use]
    fn powf(&self, n: f64) -> Self;
    /// x to a power that may carry derivatives too.
    #[must_use]
    fn pow(&self, n: Self) -> Self;
    /// √x.
    #[must_use]
    fn sqrt(&self) -> Self;
    /// The cube root.
    #[must_use]
    fn cbrt(&self) -> Self;
    /// eˣ.
    #[must_use]
    fn exp(&self) -> Self;
    /// eˣ − 1, exact for small x.
    #[must_use]
    fn exp_m1(&self) -> Self;
    /// 2ˣ.
    #[must_use]
    fn exp2(&self) -> Self;
    /// The natural logarithm.
    #[must_use]
    fn ln(&self) -> Self;
    /// ln(1 + x), exact for small x.
    #[must_use]
    fn ln_1p(&self) -> Self;
    /// The logarithm to base 10.
    #[must_use]
    fn log10(&self) -> Self;
    /// The logarithm to base 2.
    #[must_use]
    fn log2(&self) -> Self;
    /// The sine.
    #[must_use]
    fn sin(&self) -> Self;
    /// The cosine.
    #[must_use]
    fn cos(&self) -> Self;
    /// Sine and cosine.
    #[must_use]
    fn sin_cos(&self) -> (Self, Self);
    /// The tangent.
    #[must_use]
    fn tan(&self) -> Self;
    /// The arc sine.
    #[must_use]
    fn asin(&self) -> Self;
    /// The arc cosine.
    #[must_use]
    fn acos(&self) -> Self;
    /// The arc tangent.
    #[must_use]
    fn atan(&self) -> Self;
    /// The hyperbolic sine.
    #[must_use]
    fn sinh(&self) -> Self;
    /// The hyperbolic cosine.
    #[must_use]
    fn cosh(&self) -> Self;
    /// The hyperbolic tangent.
    #[must_use]
    fn tanh(&self) -> Self;
}

mod sealed {
    /// What only retrodict implements [`Number`](super::Number) for.
    pub trait Sealed {}
}

/// Hands each method on to num-dual.
macro_rules! number {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> sealed::Sealed for $type {}

        impl<$($generics)*> Number for $type {
            #[inline]
            fn re(&self) -> f64 {
                DualStruct::re(self)
            }
            #[inline]
            fn powi(&self, n: i32) -> Self {
                DualNum::powi(self, n)
            }
            #[inline]
            fn powf(&self, n: f64) -> Self {
                DualNum::powf(self, n)
            }
            #[inline]
            fn pow(&self, n: Self) -> Self {
                DualNum::powd(self, n)
            }
            #[inline]
            fn sin_cos(&self) -> (Self, Self) {
                DualNum::sin_cos(self)
            }
            number!(@unary recip sqrt cbrt exp exp_m1 exp2 ln ln_1p log10 log2 sin cos tan asin acos atan sinh cosh tanh);
        }
    };
    (@unary $($name:ident)*) => {
        $(#[inline]
        fn $name(&self) -> Self {
            DualNum::$name(self)
        })*
    };
}

number!([] f64);
number!([] Dual64);
number!([] Dual2_64);
number!([const N: usize] DualSVec64<N>);
number!([const N: usize] Dual<DualSVec64<N>>);
