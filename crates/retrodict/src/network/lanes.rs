//! Sixteen channels of a pixel side by side: one register of `f32` on the widest processors.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

use pulp::Simd;

/// Channels that lie side by side.
pub(super) const LANES: usize = 16;

/// The channels of one pixel, or one row of a kernel. Unused ones are zero.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub(super) struct Cell<R>(pub [R; LANES]);

impl<R: Real> Cell<R> {
    /// All channels zero.
    pub fn zero() -> Self {
        Self([R::default(); LANES])
    }

    /// Up to sixteen values, and zeros after them.
    pub fn of(values: &[f64]) -> Self {
        let mut cell = Self::zero();
        for (lane, value) in cell.0.iter_mut().zip(values) {
            *lane = R::from_f64(*value);
        }
        cell
    }
}

/// The numbers that a network computes with.
pub(super) trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + 'static
{
    /// A register of them.
    type Register<S: Simd>: Copy;

    /// The nearest number.
    fn from_f64(value: f64) -> Self;
    /// The same number.
    fn to_f64(self) -> f64;
    /// A cell as registers: one, or a few on narrower processors.
    fn registers<S: Simd>(cell: &Cell<Self>) -> &[Self::Register<S>];
    /// As [`registers`](Real::registers), to write to.
    fn registers_mut<S: Simd>(cell: &mut Cell<Self>) -> &mut [Self::Register<S>];
    /// A register of one value.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Register<S>;
    /// a b + c.
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Register<S>,
        b: Self::Register<S>,
        c: Self::Register<S>,
    ) -> Self::Register<S>;
}

impl Real for f32 {
    type Register<S: Simd> = S::f32s;

    fn from_f64(value: f64) -> Self {
        value as Self
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn registers<S: Simd>(cell: &Cell<Self>) -> &[S::f32s] {
        S::as_simd_f32s(&cell.0).0
    }
    #[inline(always)]
    fn registers_mut<S: Simd>(cell: &mut Cell<Self>) -> &mut [S::f32s] {
        S::as_mut_simd_f32s(&mut cell.0).0
    }
    #[inline(always)]
    fn splat<S: Simd>(simd: S, value: Self) -> S::f32s {
        simd.splat_f32s(value)
    }
    #[inline(always)]
    fn mul_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
        simd.mul_add_e_f32s(a, b, c)
    }
}

impl Real for f64 {
    type Register<S: Simd> = S::f64s;

    fn from_f64(value: f64) -> Self {
        value
    }
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn registers<S: Simd>(cell: &Cell<Self>) -> &[S::f64s] {
        S::as_simd_f64s(&cell.0).0
    }
    #[inline(always)]
    fn registers_mut<S: Simd>(cell: &mut Cell<Self>) -> &mut [S::f64s] {
        S::as_mut_simd_f64s(&mut cell.0).0
    }
    #[inline(always)]
    fn splat<S: Simd>(simd: S, value: Self) -> S::f64s {
        simd.splat_f64s(value)
    }
    #[inline(always)]
    fn mul_add<S: Simd>(simd: S, a: S::f64s, b: S::f64s, c: S::f64s) -> S::f64s {
        simd.mul_add_e_f64s(a, b, c)
    }
}
