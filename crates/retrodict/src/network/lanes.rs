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

    /// The same value in all channels.
    pub fn splat(value: R) -> Self {
        Self([value; LANES])
    }

    /// Of each lane, the value where `chosen` holds, and that of `other` elsewhere.
    #[inline(always)]
    pub fn where_or(mut self, chosen: [bool; LANES], other: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] = if chosen[lane] {
                self.0[lane]
            } else {
                other.0[lane]
            };
        }
        self
    }

    /// Where it is larger than another cell.
    #[inline(always)]
    pub fn exceeds(self, other: Self) -> [bool; LANES] {
        let mut exceeds = [false; LANES];
        for lane in 0..LANES {
            exceeds[lane] = self.0[lane] > other.0[lane];
        }
        exceeds
    }

    /// Where it equals another cell.
    #[inline(always)]
    pub fn equals(self, other: Self) -> [bool; LANES] {
        let mut equals = [false; LANES];
        for lane in 0..LANES {
            equals[lane] = self.0[lane] == other.0[lane];
        }
        equals
    }

    /// Lane by lane.
    #[inline(always)]
    pub fn combine(mut self, other: Self, work: impl Fn(R, R) -> R) -> Self {
        for lane in 0..LANES {
            self.0[lane] = work(self.0[lane], other.0[lane]);
        }
        self
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
    /// a + b.
    fn sum<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// a − b.
    fn difference<S: Simd>(
        simd: S,
        a: Self::Register<S>,
        b: Self::Register<S>,
    ) -> Self::Register<S>;
    /// a b.
    fn product<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// `yes` where z > 0, and zero elsewhere.
    fn where_positive<S: Simd>(
        simd: S,
        z: Self::Register<S>,
        yes: Self::Register<S>,
    ) -> Self::Register<S>;
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
    fn sum<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.add_f32s(a, b)
    }
    #[inline(always)]
    fn difference<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.sub_f32s(a, b)
    }
    #[inline(always)]
    fn product<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.mul_f32s(a, b)
    }
    #[inline(always)]
    fn where_positive<S: Simd>(simd: S, z: S::f32s, yes: S::f32s) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        simd.select_f32s(simd.greater_than_f32s(z, zero), yes, zero)
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
    fn sum<S: Simd>(simd: S, a: S::f64s, b: S::f64s) -> S::f64s {
        simd.add_f64s(a, b)
    }
    #[inline(always)]
    fn difference<S: Simd>(simd: S, a: S::f64s, b: S::f64s) -> S::f64s {
        simd.sub_f64s(a, b)
    }
    #[inline(always)]
    fn product<S: Simd>(simd: S, a: S::f64s, b: S::f64s) -> S::f64s {
        simd.mul_f64s(a, b)
    }
    #[inline(always)]
    fn where_positive<S: Simd>(simd: S, z: S::f64s, yes: S::f64s) -> S::f64s {
        let zero = simd.splat_f64s(0.0);
        simd.select_f64s(simd.greater_than_f64s(z, zero), yes, zero)
    }
    #[inline(always)]
    fn mul_add<S: Simd>(simd: S, a: S::f64s, b: S::f64s, c: S::f64s) -> S::f64s {
        simd.mul_add_e_f64s(a, b, c)
    }
}

/// Some channels of a cell in a register, with the arithmetic of numbers.
#[derive(Clone, Copy)]
pub(super) struct Lanes<S: Simd, R: Real> {
    simd: S,
    values: R::Register<S>,
}

impl<S: Simd, R: Real> Lanes<S, R> {
    /// `yes` where it is positive, and zero elsewhere.
    #[inline(always)]
    pub fn where_positive(self, yes: Self) -> Self {
        let values = R::where_positive(self.simd, self.values, yes.values);
        Self { values, ..self }
    }
}

/// Register v of any cell.
#[derive(Clone, Copy)]
pub(super) struct RegisterPlace<S> {
    simd: S,
    v: usize,
}

impl<S: Simd> RegisterPlace<S> {
    /// All registers of a cell.
    pub fn all<R: Real>(simd: S) -> impl Iterator<Item = Self> {
        let count = size_of::<Cell<R>>() / size_of::<R::Register<S>>();
        (0..count).map(move |v| Self { simd, v })
    }

    /// What is there in a cell.
    #[inline(always)]
    pub fn of<R: Real>(self, cell: &Cell<R>) -> Lanes<S, R> {
        let (simd, values) = (self.simd, R::registers::<S>(cell)[self.v]);
        Lanes { simd, values }
    }

    /// Writes it to a cell.
    #[inline(always)]
    pub fn write<R: Real>(self, cell: &mut Cell<R>, lanes: Lanes<S, R>) {
        R::registers_mut::<S>(cell)[self.v] = lanes.values;
    }
}

macro_rules! lanewise {
    ($name:ident, $operator:ident, $function:ident) => {
        impl<S: Simd, R: Real> $name for Lanes<S, R> {
            type Output = Self;

            #[inline(always)]
            fn $operator(self, other: Self) -> Self {
                let values = R::$function(self.simd, self.values, other.values);
                Self { values, ..self }
            }
        }
    };
}
lanewise!(Add, add, sum);
lanewise!(Sub, sub, difference);
lanewise!(Mul, mul, product);
